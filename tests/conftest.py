"""The real engine of these tests, and the fixtures that they share."""

from __future__ import annotations

import fcntl
import functools
import gc
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from desktop_bake import DesktopTask, Environment, ImageReference, Settings, ensure_desktop_image, start_task
from desktop_bake.bake.engine.engine import Engine
from tests.harness.bases import remove_stand_ins, stand_ins
from tests.harness.engine_task import equipped_machine
from tests.harness.exposure import LOG
from tests.harness.file_names import SECRET
from tests.harness.interrupted import end_in_good_order, end_workers
from tests.harness.machines import Machine, Registry, machine, team_registry
from tests.harness.project import FIGURES, TINY, base_name, remove_images
from tests.harness.team import Project
from tests.harness.worker_bases import NAME, WORKER, WorkerBases

if TYPE_CHECKING:
    from selenium import webdriver

    from tests.harness.project import Run


end_in_good_order()

# Files that share something costly run on one worker. The longest start first, so that all workers end together.
# DESKTOP: files that show the shipped desktop. BROWSERS: files that use a browser. EQUIPPED: files that break an engine
# with the shipped desktop, or take it to another machine. MACHINES: files that need a second machine. BASES: files with
# stand-ins for other bases. All workers use the same Debian for what they share, so it is baked once.
DESKTOP = (
    "test_agents_runner",
    "test_asyncio",
    "test_base_shell",
    "test_check",
    "test_compose",
    "test_connections",
    "test_display",
    "test_exposure",
    "test_fallback",
    "test_film",
    "test_homes",
    "test_look",
    "test_memory",
    "test_pictures",
    "test_run",
    "test_runner",
    "test_task",
    "test_tasks",
    "test_tutorial",
    "test_updates",
    "test_view_only",
)
BROWSERS = ("test_browser", "test_browser_task", "test_page")
EQUIPPED = ("test_engine_faults", "test_engine_limits", "test_killed_tasks", "test_machines", "test_shipped")
MACHINES = ("test_team", "test_supply_chain", "test_ci", "test_lease")
BASES = ("test_bases", "test_agents_runner_adapter")
TOGETHER = {
    **dict.fromkeys(DESKTOP, "desktop"),
    **dict.fromkeys(BROWSERS, "browsers"),
    **dict.fromkeys(EQUIPPED, "equipped"),
    **dict.fromkeys(MACHINES, "machines"),
    **dict.fromkeys(BASES, "bases"),
}
LONGEST = (
    "desktop",
    "machines",
    "equipped",
    "bases",
    "browsers",
    "test_images",
    "test_trust",
    "test_kills",
    "test_layer",
)
SHARED = {"desktop", "browsers", "equipped", "bases"}
# Other files that need more than a few programs in the base: they get their worker's own Debian.
DEBIAN = ("test_completion", "test_failed_step", "test_layers", "test_supply_chain")
LIMIT = pytest.StashKey[object]()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Run tests/soak only with `--soak`: its repetition takes long."""
    return True if collection_path.name == "soak" and not config.getoption("--soak") else None


@functools.cache
def scope_of(file: Path) -> str:
    """The unit that one worker runs: a test's file, or several files together."""
    return str(file) if "unit" in file.parts else TOGETHER.get(file.stem, str(file))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked `soak`, unless it is wanted, and schedule the longest units first."""
    if not config.getoption("--soak"):
        items[:] = [item for item in items if not item.get_closest_marker("soak")]
    ranks = {scope: rank for rank, scope in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(Path(scope_of(item.path)).stem, len(ranks)))


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Run a file's tests on one worker, together with the files that share something costly with it."""

    def _split_scope(self, nodeid: str) -> str:
        return _scope_of_name(nodeid.partition("::")[0])


@functools.cache  # xdist asks twice for each test
def _scope_of_name(name: str) -> str:
    return scope_of(Path(name))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile:
    """Use that scheduler if there are several workers."""
    return ByFile(config, log)


NODES: list[Any] = []


@pytest.hookimpl(optionalhook=True)
def pytest_testnodeready(node: object) -> None:
    """Remember the workers."""
    NODES.append(node)


def pytest_keyboard_interrupt() -> None:
    """End them before xdist does."""
    end_workers(NODES)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Keep the garbage collector away from thousands of tests, which stay until the end; later it comes less often."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(10_000, 10, 10)
        gc.enable()


def pytest_unconfigure() -> None:
    """Collect garbage once: after this, pytest does so five times, each time through all that is left."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before pytest-timeout: this wait is not the test's time
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Let tests of several workers, fixtures included, share the machine; one marked `alone` has it to itself."""
    turn, gate = _locks()
    fcntl.flock(gate, fcntl.LOCK_EX)  # a test that waits for all others to end lets no new one begin
    fcntl.flock(turn, fcntl.LOCK_EX if item.get_closest_marker("alone") else fcntl.LOCK_SH)
    fcntl.flock(gate, fcntl.LOCK_UN)
    try:
        return (yield)
    finally:
        fcntl.flock(turn, fcntl.LOCK_UN)


@functools.cache  # thousands of tests are too short to open files for each
def _locks() -> tuple[IO[str], IO[str]]:
    """What a worker locks while a test runs, and while it waits for the first."""
    FIGURES.parent.mkdir(exist_ok=True)
    return (FIGURES.parent / "turn.lock").open("w"), (FIGURES.parent / "gate.lock").open("w")


def pytest_timeout_set_timer(item: pytest.Item, settings: object) -> None:
    """Keep a test's limit (pytest-timeout) for its fixtures' end."""
    item.stash[LIMIT] = settings


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Limit the end of fixtures too: after a failed test, pytest-timeout no longer does."""
    item.config.hook.pytest_timeout_set_timer(item=item, settings=item.stash[LIMIT])
    return (yield)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give every test that may use an engine its worker's own base; unit tests use none."""
    if isinstance(item, pytest.Function) and "unit" not in item.path.parts and "own_base" not in item.fixturenames:
        item.fixturenames.insert(0, "own_base")


@pytest.fixture(scope="session")
def worker_bases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerBases]:
    """The base images of this worker's tests."""
    made = WorkerBases(base_name(), tmp_path_factory.mktemp("base"))
    yield made
    made.remove()


@pytest.fixture(scope="module")
def own_base(request: pytest.FixtureRequest) -> None:
    """Set the base of a file's tests.

    Tests of the shipped desktop share one Debian. All others use their worker's own base, so that no worker finds
    another's images to be similar: a small one, unless the file needs more.
    """
    if NAME not in os.environ:  # without an engine some tests of the project's files can run
        return
    if scope_of(request.path) != "bases":
        remove_stand_ins()
    worker_bases: WorkerBases = request.getfixturevalue("worker_bases")
    if scope_of(request.path) in SHARED:
        worker_bases.use("shared")
    else:
        worker_bases.use("debian" if request.path.stem in DEBIAN else "small")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--soak`: run many rounds of what `make test` does a few times."""
    parser.addoption("--soak", action="store_true", help="many rounds, and their figures into out/soak.jsonl")


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> Callable[[int, int], int]:
    """Return the number of rounds: `rounds(few, many)` is `many` under `--soak`."""
    soak = request.config.getoption("--soak")
    return lambda few, many: many if soak else few


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Record what a test of docs/reliability.md counted: `figure("50 processes, 1 build")`, under `--soak`."""

    def write(text: str) -> None:
        if request.config.getoption("--soak"):
            FIGURES.parent.mkdir(exist_ok=True)
            line = {"test": request.node.nodeid.split("[")[0], "figure": text}
            with FIGURES.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")

    return write


@pytest.fixture(scope="module")
def base(own_base: None) -> str:
    """The base image, in the local store."""
    return pulled(base_name())


def pulled(name: str) -> str:
    """Pull an image, and return its name."""
    subprocess.run(["docker", "pull", "-q", name], check=True, capture_output=True)
    return name


@pytest.fixture
def engine() -> Engine:
    """The engine."""
    return Engine()


@pytest.fixture
def project(
    request: pytest.FixtureRequest, tmp_path: Path, base: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A folder with a configuration of tiny scripts; its images and containers are removed afterwards.

    Builds write a cache only for tests with `local_cache`.
    """
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if "local_cache" not in request.fixturenames:
        monkeypatch.setenv("DESKTOP_BAKE_CACHE", "none")
    repository = f"desktop-bake-test-{uuid.uuid4().hex[:8]}"
    (tmp_path / "install.sh").write_text(TINY.format("installed"))
    (tmp_path / "setup.sh").write_text(TINY.format("configured") + f"echo {repository}\n")
    (tmp_path / "desktop-bake.toml").write_text(
        f"""repository = "{repository}"
[environments.default]
base_image = "{base}"
headless_desktop_enabled = true
cache_desktop_build = true
install_script = "install.sh"
setup_script = "setup.sh"
"""
    )
    yield tmp_path
    remove_images(repository)


@pytest.fixture
def local_cache() -> None:
    """Keep the default, a local cache, in tests that concern it: each export of all others would write the base too."""


@pytest.fixture
def cli(project: Path) -> Run:
    """`desktop-bake` as a process in the project's folder."""

    def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "desktop_bake", *words],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
        )

    return run


@pytest.fixture(scope="session")
def desktop(worker_bases: WorkerBases) -> Environment:
    """The shipped desktop on the base that all workers share, with the cache on."""
    return Environment(
        env_id=f"desktop-{WORKER}",
        base_image=ImageReference.parse(pulled(worker_bases.shared)),
        headless_desktop_enabled=True,
        cache_desktop_build=True,
    )


@pytest.fixture(scope="session")
def desktop_settings() -> Settings:
    """The repository that all tests of the shipped desktop share, so that it is baked once."""
    return Settings(repository=ImageReference.parse("desktop-bake"), cache="none")


@pytest.fixture(scope="session")
def web(desktop: Environment) -> Environment:
    """The shipped desktop with a browser and its driver."""
    return replace(desktop, env_id="web", packages=("chromium", "chromium-driver"))


@pytest.fixture(scope="session")
def web_image(web: Environment, desktop: Environment, desktop_settings: Settings) -> str:
    """The browser's image, baked once for tests of browsers in tasks, and of tasks and the page in a browser."""
    lines: list[str] = []
    ensure_desktop_image(desktop, desktop_settings)  # compressed, as other tests expect it
    settings = replace(desktop_settings, compression="uncompressed", fallback=False)
    image = ensure_desktop_image(web, settings, log=lines.append)
    assert image.image_id, lines
    return image.image_id


@pytest.fixture(scope="session")
def browser(web_image: str) -> Iterator[webdriver.Remote]:
    """Chromium, headless; tests that use it run on one worker."""
    from tests.harness.browser import chromium  # selenium is slow to import

    with chromium(web_image) as driver:
        yield driver


@pytest.fixture(scope="session")
def stand_in_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Stand-ins for other bases, each built once, and the desktops on them."""
    with stand_ins(tmp_path_factory.mktemp("bases")) as settings:
        yield settings


@pytest.fixture(scope="session")
def team(worker_bases: WorkerBases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """The team's registry, as the first machine reaches it, with the base images that `team.base` can be."""
    bases = (worker_bases.shared, worker_bases.small)
    with team_registry(tmp_path_factory.mktemp("team") / "registry", bases=bases) as registry:
        yield registry


@pytest.fixture(scope="session")
def second(team: Registry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A second machine with the containerd image store."""
    with machine(tmp_path_factory.mktemp("machines") / "second", team=team) as started:
        yield started


@pytest.fixture(scope="session")
def classic(team: Registry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A further machine with the classic image store, in which an image's ID is another digest."""
    with machine(tmp_path_factory.mktemp("machines") / "classic", containerd=False, team=team) as started:
        yield started


@pytest.fixture(scope="session")
def equipped(
    desktop: Environment, desktop_settings: Settings, team: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    """A further machine whose engine has its own small disk; tests may break the engine and repair it."""
    with equipped_machine(desktop, desktop_settings, team, tmp_path_factory.mktemp("machines") / "equipped") as machine:
        yield machine


# IDs that a shell would evaluate, each named after the file that it would create, and one that needs quotes.
HOSTILE = ["$(touch /tmp/{0}-1)", "$(touch${{IFS}}/tmp/{0}-2)", "`touch /tmp/{0}-3`", "~/*", "-x", "a b's"]


@pytest.fixture
def hostile(tmp_path: Path) -> tuple[Path, str, list[str]]:
    """A folder with environments that have such IDs; the prefix of the files' names, and the IDs."""
    mark = f"desktop-bake-{uuid.uuid4().hex}"
    ids = [text.format(mark) for text in HOSTILE]
    lines = [f'[environments."{text}"]\nbase_image = "a"\n' for text in ids]
    (tmp_path / "desktop-bake.toml").write_text("".join(lines))
    return tmp_path, mark, ids


@pytest.fixture
def task(desktop: Environment, desktop_settings: Settings) -> Iterator[DesktopTask]:
    """A task with its secret."""
    LOG.clear()
    image = ensure_desktop_image(desktop, desktop_settings, log=LOG.append)
    with start_task(desktop, image, desktop_settings, log=LOG.append, command=("sleep", "1000")) as started:
        yield started


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A configuration's folder with links that lead out of it, and beside it `away`, which must stay unread."""
    away, root = tmp_path / "away", tmp_path / "root"
    for folder in (away, root / "sub"):
        folder.mkdir(parents=True)
    (away / "secret").write_text(SECRET)
    (root / "own.sh").write_text(SECRET)
    (root / "link").symlink_to(away / "secret")
    (root / "folder").symlink_to("../away")
    (root / "sub" / "linked").symlink_to("../link")
    (root / "within").symlink_to("sub/../own.sh")
    return root


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """`helper(name, script)` installs a credential helper, and returns the file in which it records each question."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def install(name: str, script: str) -> Path:
        asked, program = tmp_path / f"asked-{name}", tmp_path / f"docker-credential-{name}"
        asked.touch()
        program.write_text(f"#!/bin/sh\ncat >> {asked}; echo >> {asked}\n{script}\n")
        program.chmod(0o755)
        return asked

    return install


@pytest.fixture
def shared(tmp_path: Path, team: Registry, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project of tiny scripts; its images are removed from the first machine afterwards."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    name = f"team/test-{uuid.uuid4().hex[:8]}"
    (tmp_path / "install.sh").write_text("date +%s%N > /etc/installed\n" + f"# {name}\n")
    (tmp_path / "setup.sh").write_text(TINY.format("configured"))
    project = Project(tmp_path, team.address, name, team.base)
    project.change()
    yield project
    remove_images(name)  # on any host
