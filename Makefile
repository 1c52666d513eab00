# Everything starts here. If no Docker Engine answers, desktop and test start one in .engine/.
PY := .venv/bin/python
SHELL := /bin/bash -o pipefail
# Our runs leave the user's own cache, in the home folder, alone.
CACHE := XDG_CACHE_HOME=$(CURDIR)/out/cache
# Compile tests once, even if the environment tells Python to write no bytecode.
export PYTHONDONTWRITEBYTECODE :=
SCHEMA := .venv/bin/check-jsonschema --quiet --builtin-schema vendor

.PHONY: desktop unit coverage test soak lint bench history docs recording site clean

.venv/package: pyproject.toml scripts/venv
	scripts/venv

.venv/ready: pyproject.toml scripts/venv ## with the development tools, which `make desktop` does not need
	scripts/venv dev

.venv/docs: pyproject.toml scripts/venv
	scripts/venv docs

desktop: ## the main job: bake a desktop, run a task in it, save its picture
	scripts/engine up & $(MAKE) --no-print-directory .venv/package; made=$$?; wait $$! && [ $$made = 0 ]
	eval "$$(scripts/engine env)" && $(CACHE) $(PY) -m benchmarks.demo

unit: .venv/ready ## the tests that need neither Docker nor network
	$(PY) -m pytest -n 2 -o tmp_path_retention_policy=failed tests/unit $(PYTEST_ARGS)

coverage: .venv/ready ## the share of each floor's lines that the unit tests run, with a minimum
	mkdir -p out
	.venv/bin/coverage run -m pytest tests/unit $(PYTEST_ARGS)
	.venv/bin/coverage json -q -o out/coverage.json
	$(PY) -m tests.harness.coverage_table out/coverage.json

test: ## every test, on a real engine; three workers, as a third of the time is spent waiting
	$(CACHE) scripts/with-engine $(PY) -m pytest -n 3 --no-loadscope-reorder $(PYTEST_ARGS)

soak: .venv/ready ## hundreds of rounds of everything that could go wrong; writes their figures to docs/reliability.md
	rm -f out/soak.jsonl
	failed=0; \
	$(CACHE) scripts/with-engine $(PY) -m pytest --soak --timeout 3600 -v $$($(PY) -m tests.harness.reliability tests) tests/soak tests/team/test_team.py $(PYTEST_ARGS) || failed=1; \
	$(CACHE) scripts/with-engine $(PY) -m pytest --soak --timeout 3600 -v -m soak tests/engine tests/team tests/faults tests/project $(PYTEST_ARGS) || failed=1; \
	$(PY) -m pytest --soak --timeout 3600 -m hypothesis tests/unit $(PYTEST_ARGS) || failed=1; \
	$(PY) -m tests.harness.reliability write && exit $$failed

lint: .venv/ready ## ruff, mypy, import contracts, shellcheck, and the published schemas of CI files
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-cache
	.venv/bin/shellcheck scripts/* recipe/*.sh bake/*/*.sh bake/cli/completion.bash benchmarks/*.sh tests/harness/*.sh tests/bases/pack.sh tests/bases/small/pack.sh tests/bases/yay docs/ci/*.sh .ci/run
	$(SCHEMA).github-workflows docs/ci/github*.yml .github/workflows/*.yml
	$(SCHEMA).github-issue-forms .github/ISSUE_TEMPLATE/[!c]*.yml
	$(SCHEMA).github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(SCHEMA).github-actions action.yml
	$(SCHEMA).gitlab-ci docs/ci/gitlab*.yml
	$(SCHEMA).renovate docs/ci/renovate.json .github/renovate.json

bench: .venv/ready ## the table of figures
	$(CACHE) scripts/with-engine $(PY) -m benchmarks $(BENCH_ARGS)

history: .venv/ready ## a transcript of explain, images, prune and others on an engine with a history
	$(CACHE) scripts/with-engine $(PY) -m benchmarks.history

docs: .venv/ready ## pages generated from the code: commands, manual page, settings tables and schema, error messages
	$(PY) -m desktop_bake.bake.cli.manual >docs/commands.md
	$(PY) -m desktop_bake.bake.cli.manual man >docs/desktop-bake.1
	$(PY) -m desktop_bake.bake.config.tables docs/configuration.md
	$(PY) -m desktop_bake schema >docs/desktop-bake.schema.json
	$(PY) -m tests.harness.raised

recording: .venv/ready .venv/docs ## docs/pictures/quick-start.svg, from a real run
	$(CACHE) scripts/with-engine $(PY) -m benchmarks.record docs/pictures/quick-start.svg

site: .venv/docs ## the documentation as a site, out/site/index.html; fails at a broken link
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --quiet

clean: ## stop the engine and remove everything that make has made
	[ ! -e out/images ] || xargs -r docker image rm -f <out/images >/dev/null 2>&1 || true
	scripts/engine down --purge
	rm -rf .venv out dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
