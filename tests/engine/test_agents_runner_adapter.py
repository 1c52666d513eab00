"""The worker of examples/agents_runner.py on a base like Agents Runner's: a user with sudo, and yay."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import ImageReference, ensure_desktop_image
from desktop_bake.bake.task.novnc import banner
from examples.agents_runner import DesktopWorker, RunnerConfig
from tests.harness.bases import REPOSITORY, stand_in
from tests.harness.tasks import tasks

if TYPE_CHECKING:
    from desktop_bake import Environment, Settings

# Prints, all at once, the task's user and what it has of its scripts, its desktop, its variables and its mounts:
# output before the worker knows its task is reported as the container's too.
LOOK = """cat /etc/cached /tmp/settings /tmp/environment; echo "$GREETING $AGENTS_RUNNER_TASK_ID $(id -un) $PWD"
cat /home/worker/.codex/config file; ls /extra
[ -z "$DISPLAY" ] || { xwininfo -root >/dev/null && echo a desktop; }
until [ -e go ]; do sleep 0.1; done"""
OWN = f"{REPOSITORY}-adapter"
Toggles = tuple[bool, bool, bool]  # a desktop; it is cached; the preflight is cached
CACHED = "echo cached | sudo tee /etc/cached >/dev/null\r\n"
LINE = re.compile(r"\[[a-z0-9]+/[a-z]+\]\[(INFO|WARN|ERROR)\] .*", re.DOTALL)


@pytest.fixture(scope="module")
def settings(stand_in_settings: Settings) -> Settings:
    """With its own repository, in which these tests count images."""
    return replace(stand_in_settings, repository=ImageReference.parse(OWN))


@pytest.fixture(scope="module")
def theirs(stand_in_settings: Settings) -> Environment:
    """A base like theirs, and the install script that knows its packages."""
    return stand_in("yay", stand_in_settings)


@dataclass(kw_only=True)
class Window:
    """What the window of Agents Runner would get, and the folders of its task."""

    folder: Path
    settings: Settings
    theirs: Environment
    states: list[dict[str, Any]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    done: list[tuple[int, str | None, list[str]]] = field(default_factory=list)
    screen: str | None = None

    def on_state(self, state: dict[str, Any]) -> None:
        """Look at the screen as soon as there is one, then let the task end."""
        self.states.append(state)
        if state["Status"] == "running":
            url = state.get("NoVncUrl")
            self.screen = banner(url) if url else None
            (self.folder / "work" / "go").touch()

    def worker(self, toggles: Toggles) -> Worker:
        """The worker of a task with these toggles."""
        for name in ("work", "config", "extra", "hidden"):
            (self.folder / name).mkdir(exist_ok=True)
        (self.folder / "work" / "go").unlink(missing_ok=True)
        (self.folder / "work" / "file").write_text("work\n")
        (self.folder / "config" / "config").write_text("config\n")
        (self.folder / "extra" / "extra").touch()
        config = RunnerConfig(
            task_id="t1",
            image=str(self.theirs.base_image),
            host_config_dir=str(self.folder / "config"),
            host_workdir=str(self.folder / "work"),
            container_config_dir="/home/worker/.codex",
            container_workdir="/home/worker/workspace",
            pull_before_run=False,
            settings_preflight_script="echo settings >/tmp/settings",
            environment_preflight_script="echo environment >/tmp/environment",
            cached_preflight_script=CACHED,
            environment_id="adapter",
            env_vars={"GREETING": "hello"},
            extra_mounts=[
                f"{self.folder}/extra:/extra:ro",
                f"{self.folder}/hidden:/extra",
                f"{self.folder}:/home/worker/.codex",
            ],
            ports=["127.0.0.1::8080", "6080:6080"],
            headless_desktop_enabled=toggles[0],
            desktop_cache_enabled=toggles[1],
            container_caching_enabled=toggles[2],
        )
        worker = Worker(config, ("bash", "-c", LOOK), self.on_state, self.lines.append, lambda *a: self.done.append(a))
        worker.window = self
        return worker

    def run(self, toggles: Toggles) -> list[str]:
        """Run a task with these toggles; return what its command printed."""
        worker = self.worker(toggles)
        thread = threading.Thread(target=worker.run)
        thread.start()
        thread.join()
        assert self.done.pop() == (0, None, []), self.lines
        assert all(LINE.fullmatch(line) for line in self.lines), self.lines
        scope = f"[{(worker.container_id or '')[:4]}/stdout][INFO] "
        return [line.removeprefix(scope) for line in self.lines if line.startswith(scope)]


class Worker(DesktopWorker):
    """The example's settings with those of these tests and the install script of the stand-in."""

    window: Window

    def settings(self) -> Settings:
        """The settings of these tests."""
        return self.window.settings

    def environment(self) -> Environment:
        """The example's environment on the stand-in."""
        return replace(super().environment(), install_script=self.window.theirs.install_script)


@pytest.fixture
def window(theirs: Environment, settings: Settings, tmp_path: Path) -> Iterator[Window]:
    """An empty environment; no container is left."""
    tmp_path.chmod(0o755)
    yield Window(folder=tmp_path, settings=settings, theirs=theirs)
    assert tasks("adapter") == []


SEEN = ["cached", "settings", "environment", "hello t1 worker /home/worker/workspace", "config", "work", "extra"]


def images() -> set[str]:
    """What is baked."""
    words = ("docker", "image", "ls", "-q", "--filter", "label=desktop-bake.schema", OWN)
    return set(subprocess.run(words, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize(
    ("toggles", "earlier", "baked"),
    [
        ((False, False, False), None, 0),
        ((False, False, True), None, 1),
        ((True, True, False), None, 1),
        ((True, True, True), (True, True, False), 1),
        pytest.param(  # test_bases installs at start on this base
            (True, False, True), (False, False, True), 0, marks=pytest.mark.soak
        ),
    ],
)
def test_a_task(window: Window, toggles: Toggles, earlier: Toggles | None, baked: int) -> None:
    """Whatever is baked, the task has the same, and the window gets what Agents Runner itself would send; tasks with
    other toggles use what an earlier one baked."""
    desktop = toggles[0]
    if earlier:  # a hit, if that task's test ran before
        ensure_desktop_image(window.worker(earlier).environment(), window.settings)
    before = images()
    printed = window.run(toggles)
    assert [line for line in printed if line in {*SEEN, "a desktop"}] == [*SEEN, *["a desktop"] * desktop]
    assert len(images() - before) == baked
    assert [state["Status"] for state in window.states] == ["pulling", "running", "exited"]
    assert (window.states[-1]["ExitCode"], window.states[-1].get("DesktopEnabled", False)) == (0, desktop)
    assert (window.screen or "").startswith("RFB 003.") is desktop
    secret = window.states[-1].get("NoVncUrl", "#none").rpartition("#")[2]
    assert not any(secret in line for line in window.lines)
    assert any("6080:6080 is left out" in line for line in window.lines) is desktop
    print("\n".join(window.lines))
