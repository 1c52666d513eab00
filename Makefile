# The one entry. Where no Docker Engine answers, desktop and test bring one up in .engine/.
PY := .venv/bin/python
ENGINE := scripts/engine up && eval "$$(scripts/engine env)"
SHELL := /bin/bash -o pipefail

.PHONY: desktop test lint bench clean

.venv/ready: pyproject.toml scripts/venv
	scripts/venv

desktop: .venv/ready ## the main job: bake a desktop, run a task in it, save its picture
	$(ENGINE) && $(PY) -m benchmarks.demo

test: .venv/ready ## every test, on a real engine
	scripts/with-engine $(PY) -m pytest $(PYTEST_ARGS)

lint: .venv/ready ## ruff, mypy, shellcheck-like syntax check
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	for script in scripts/* recipe/*.sh .ci/run; do bash -n "$$script" || exit 1; done

bench: .venv/ready ## the table of figures
	scripts/with-engine $(PY) -m benchmarks

clean: ## take everything down again
	scripts/engine down --purge
	rm -rf .venv out dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
