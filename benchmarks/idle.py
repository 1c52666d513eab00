"""Memory and CPU time of a task by process: idle, while many start, and the share that bare containers need too."""

from __future__ import annotations

import concurrent.futures
import os
import re
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from desktop_bake import TaskOptions, ensure_desktop_image, start_task
from desktop_bake.bake.task.container import Container

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.__main__ import Bench


BEFORE = "c48bf33"  # the last revision whose gate was websockify's
AT_ONCE = 20
_TICKS = os.sysconf("SC_CLK_TCK")
_ENGINE = ("dockerd", "containerd", "containerd-shim", "docker-proxy")


class Process:
    """A process of this machine, from /proc.

    Attributes:
        pid: its number.
        words: its command line.
        cgroup: its cgroups; a container's has its ID.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        folder = Path(f"/proc/{pid}")
        self.words = folder.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        self.cgroup = folder.joinpath("cgroup").read_text()

    @property
    def name(self) -> str:
        """Its program's name."""
        first = Path(self.words.partition(" ")[0]).name
        return next((name for name in reversed(_ENGINE) if first.startswith(name)), first)

    def pss_mb(self) -> float:
        """Its memory, shared memory in proportion (proc(5), smaps_rollup)."""
        text = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return sum(map(int, re.findall(r"^Pss:\s+(\d+)", text, re.MULTILINE))) / 1000

    def cpu_s(self) -> float:
        """Its CPU time and that of its ended children (proc(5), stat)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / _TICKS


def processes() -> list[Process]:
    """The existing processes."""
    found = []
    for number in [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]:
        try:
            found.append(Process(number))
        except OSError:  # it has ended
            continue
    return found


@contextmanager
def running(bench: Bench, tree: Path | None) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """An idle `desktop-bake run`, of this tree or another: its process, and its container's ID.

    bench: the measurements, whose environment it uses.
        bench: whose environment it is.
        tree: an older checkout.
    """
    own = {} if tree is None else {"PYTHONPATH": str(tree)}
    process = subprocess.Popen(
        [sys.executable, "-m", "desktop_bake", "run", "--config", str(bench.config)],
        env={**os.environ, **own},
        cwd=tree,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    assert process.stderr
    try:
        said = b"until it is ready"
        while said and not said.startswith(b"[desktop] http://"):  # a build also names addresses
            said = process.stderr.readline()
        newest = ["docker", "ps", "-q", "--no-trunc", "-n", "1"]
        yield process, subprocess.run(newest, capture_output=True, text=True, check=True).stdout.strip()
    finally:
        process.terminate()
        process.communicate()


def held_mb(bench: Bench, tree: Path | None) -> dict[str, float]:
    """The memory of an idle task, by program: in its container, the engine's for it, and ours."""
    with running(bench, tree) as (process, container_id):
        held: dict[str, float] = {}
        for one in processes():
            name = one.name
            if one.pid == process.pid:
                name = "desktop-bake run"
            elif not (container_id in one.cgroup or container_id in one.words or name == "docker-proxy"):
                continue
            held[name] = held.get(name, 0.0) + one.pss_mb()
    return held


def memory(bench: Bench, tree: Path | None) -> None:
    """Add the rows of an idle task's memory."""
    now: list[dict[str, float]] = []
    then: list[dict[str, float]] = []
    for _ in range(min(bench.repetitions, 3)):
        now.append(held_mb(bench, None))
        if tree:
            then.append(held_mb(bench, tree))
    names = sorted(now[0], key=lambda name: -now[0][name])
    for name in names:
        each = statistics.median(held.get(name, 0.0) for held in now)
        bench.add(f"memory of an idle task: {name}", f"{each:.1f} MB", "", "")
    ours = statistics.median(sum(held.values()) for held in now)
    if not then:
        bench.add("memory of an idle task, all processes (PSS)", f"{ours:.1f} MB", "", "")
        return
    theirs = statistics.median(sum(held.values()) for held in then)
    what = f"memory of an idle task, all processes (PSS) / at {BEFORE}"
    bench.add(what, f"{ours:.1f} MB / {theirs:.1f} MB", f"{ours / theirs:.2f}", "<= 0.7")


def _bare(bench: Bench, count: int, names: list[str]) -> float:
    """Seconds to start this many containers of the same image that sleep, published and with an init like a task's."""
    body: dict[str, object] = {
        "Image": bench.image.image_id,
        "Entrypoint": ["/bin/sleep"],
        "Cmd": ["1000"],
        "ExposedPorts": {"6080/tcp": {}},
        "HostConfig": {"Init": True, "PortBindings": {"6080/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}},
    }

    def one(_: int) -> None:
        container = Container(bench.engine.endpoint)
        container.create(body)
        names.append(container.container_id)
        container.start()

    return _all_at_once(count, one)


def _tasks(bench: Bench, count: int, names: list[str]) -> float:
    def one(_: int) -> None:
        image = ensure_desktop_image(bench.environment, bench.settings, engine=bench.engine)
        options = TaskOptions(detach=True)
        task = start_task(bench.environment, image, bench.settings, engine=bench.engine, options=options)
        names.append(task.container_id)

    return _all_at_once(count, one)


def _all_at_once(count: int, one: Callable[[int], None]) -> float:
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        start = time.perf_counter()
        list(pool.map(one, range(count)))
        return time.perf_counter() - start


def _cpu(names: list[str]) -> dict[str, float]:
    """Seconds of CPU time by owner: the engine's processes, these containers, this program."""
    taken = {"desktop-bake": sum(os.times()[:2])}
    for one in processes():
        inside = any(name in one.cgroup for name in names)
        if inside or one.name in _ENGINE:
            name = "containers" if inside else "shims and runc" if one.name == "containerd-shim" else one.name
            try:
                taken[name] = taken.get(name, 0.0) + one.cpu_s()
            except OSError:  # it has ended
                continue
    return taken


def floor(bench: Bench) -> None:
    """Add the engine's share of many starts: the same number of bare containers, and the CPU time of each part."""
    for what, start in (("bare containers", _bare), ("tasks", _tasks)):
        many, one, parts = [], [], []
        for _ in range(min(bench.repetitions, 3)):
            names: list[str] = []
            try:
                one.append(statistics.median(start(bench, 1, names) for _ in range(3)))
                before = _cpu(names)
                many.append(start(bench, AT_ONCE, names))
                after = _cpu(names)
            finally:
                subprocess.run(["docker", "rm", "-f", *names], check=True, capture_output=True)
            parts.append({name: (after[name] - before.get(name, 0.0)) / AT_ONCE for name in after})
        several, single = statistics.median(many), statistics.median(one)
        bench.row(f"{AT_ONCE} {what} at once / one", several, single, "")
        split = {name: statistics.median(part.get(name, 0.0) for part in parts) for name in parts[0]}
        told = ", ".join(f"{name} {split[name] * 1000:.0f}" for name in sorted(split, key=lambda name: -split[name]))
        bench.add(f"processor of each of {AT_ONCE} {what}, in ms", f"{sum(split.values()) * 1000:.0f} ms", told, "")


def older(folder: Path) -> Path | None:
    """A checkout of the earlier revision, or None if this tree has no history."""
    packed = subprocess.run(["git", "archive", BEFORE], capture_output=True, check=False)
    if packed.returncode:
        return None
    folder.mkdir()
    subprocess.run(["tar", "-x", "-C", str(folder)], input=packed.stdout, check=True)
    return folder


def measure(bench: Bench) -> None:
    """Add the rows."""
    tree = older(bench.folder / "before")
    memory(bench, tree)
    floor(bench)
