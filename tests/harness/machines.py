"""A second machine for tests: one more Docker Engine, in a network of its own, and the team's registry in both.

A machine has its own network namespace, engine, data, client configuration and home; it shares only the kernel with
the first one. The team's registry is one folder, served in each machine by a separate process on the same loopback
port, so that all machines know an image by the same name and every engine trusts the registry.

A machine always ends like one whose plug is pulled, whatever state its engine is in.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

ENGINE_PORT = 2375


class MachineError(Exception):
    """A machine, or a program on it, did not start."""


def tool(name: str) -> str:
    """The path of a program that `scripts/engine` unpacked, such as `crane` or `iptables-save`."""
    return str(Path(os.environ["DESKTOP_BAKE_TEST_TOOLS"]) / name)


def tool_environment() -> dict[str, str]:
    """The variables that the unpacked programs need."""
    libraries = os.environ["DESKTOP_BAKE_TEST_LIBRARIES"]
    return {
        **os.environ,
        "PATH": f"{os.environ['DESKTOP_BAKE_TEST_TOOLS']}:{os.environ['PATH']}",
        "LD_LIBRARY_PATH": libraries,
        "XTABLES_LIBDIR": str(Path(libraries.split(":")[0]) / "xtables"),
    }


def system(*words: str, stdin: str = "") -> None:
    """Run a program that changes the system."""
    done = subprocess.run(words, env=tool_environment(), input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MachineError(f"{' '.join(words)}: {done.stderr.strip()}")


@dataclass(kw_only=True)
class Service:
    """A program in the background, which a test can stop and start again.

    Args:
        command: its command line.
        log: the file for its output.
        answers: whether it is ready.
    """

    command: tuple[str, ...]
    log: Path
    answers: Callable[[], bool]
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self, timeout_s: float = 30) -> None:
        """Start it and wait until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                env=tool_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the tests, which then end this program in good order
            )
        end = time.monotonic() + timeout_s
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                last = self.log.read_text(errors="replace").strip().splitlines()[-3:]
                raise MachineError(f"{self.command[-1]} did not start: {last}")
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGTERM, timeout_s: float = 30) -> None:
        """End it and wait for its end; does nothing if it does not run."""
        if self.process is None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


@dataclass(frozen=True, kw_only=True)
class Registry:
    """A registry on a loopback port.

    Args:
        storage: the folder of its content; registries of several machines may serve the same one.
        port: the port on 127.0.0.1.
        service: the process that serves it on this machine.
    """

    storage: Path
    port: int
    service: Service

    @property
    def address(self) -> str:
        """The prefix of its images' names."""
        return f"127.0.0.1:{self.port}"

    @property
    def base(self) -> str:
        """The name that the current base of the tests has in the team's registry."""
        return f"{self.address}/{Path(os.environ['DESKTOP_BAKE_TEST_BASE']).name}"

    def start(self) -> None:
        """Start it, again on the same port with the same content."""
        self.service.start()

    def stop(self) -> None:
        """Stop it; its content stays."""
        self.service.stop()


def _registry(folder: Path, storage: Path, port: int, enter: tuple[str, ...] = ()) -> Registry:
    """A registry that is not yet started, with its configuration and log in the folder, for this network."""
    configuration = {
        "version": 0.1,
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": str(storage)}, "delete": {"enabled": True}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    file = folder / "registry.json"
    file.write_text(json.dumps(configuration))
    probe = (*enter, "bash", "-c", f": </dev/tcp/127.0.0.1/{port}")
    service = Service(
        command=(*enter, tool("docker-registry"), "serve", str(file)),
        log=folder / "registry.log",
        answers=lambda: subprocess.run(probe, capture_output=True, check=False).returncode == 0,
    )
    return Registry(storage=storage, port=port, service=service)


@contextmanager
def team_registry(folder: Path, *, port: int | None = None, bases: Iterable[str] = ()) -> Iterator[Registry]:
    """A registry on the first machine.

    Args:
        folder: created for it, and deleted afterwards.
        port: the loopback port; by default a free one.
        bases: the images to copy into it, each of which can be its `base`.
    """
    if port is None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
    with ExitStack() as after:
        folder.mkdir(parents=True)
        after.callback(shutil.rmtree, folder)
        registry = _registry(folder, folder / "storage", port)
        after.callback(registry.stop)
        registry.start()
        for base in bases:
            system(tool("crane"), "copy", base, f"{registry.address}/{Path(base).name}")
        yield registry


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A further machine.

    Args:
        name: its name, and that of its link on the first machine.
        environment: all variables of a process on it.
        enter: the words before a command line that run it in the machine's network.
        address: its address for the first machine.
        data: the folder of its engine's data.
        engine: its Docker Engine.
        registry: the team's registry on this machine.
    """

    name: str
    environment: Mapping[str, str]
    enter: tuple[str, ...]
    address: str
    data: Path
    engine: Service
    registry: Registry | None

    @property
    def first_address(self) -> str:
        """The first machine's address for this one."""
        return f"{self.address.rpartition('.')[0]}.1"

    @property
    def remote(self) -> str:
        """The DOCKER_HOST by which the *first* machine reaches this one's engine."""
        return f"tcp://{self.address}:{ENGINE_PORT}"

    def run(
        self, *words: str, cwd: Path | None = None, check: bool = False, timeout: float = 300, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on it.

        Args:
            words: the command line.
            cwd: the working directory, by default the machine's home.
            check: whether a failure raises subprocess.CalledProcessError.
            timeout: in seconds.
            variables: added to the machine's own.
        """
        return subprocess.run(
            [*self.enter, *words],
            cwd=cwd or self.environment["HOME"],
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=check,
            timeout=timeout,
        )

    def popen(self, *words: str, cwd: Path | None = None, **variables: str) -> subprocess.Popen[str]:
        """Start a command on it; the process is the command itself, so a signal reaches it."""
        return subprocess.Popen(
            [*self.enter, *words],
            cwd=cwd or self.environment["HOME"],
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def desktop_bake(self, *words: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `desktop-bake` on it."""
        return self.run(sys.executable, "-m", "desktop_bake", *words, cwd=cwd, check=False, timeout=300, **variables)

    def start_engine(self) -> None:
        """Start its engine again, with the same images, containers and caches."""
        self.engine.start()

    def stop_engine(self) -> None:
        """Stop its engine in good order, which gives its containers 10 seconds to end."""
        self.engine.stop()

    def kill_engine(self) -> None:
        """Kill its engine, as a crash does; its containers run on until the next one ends them."""
        self.engine.stop(signal.SIGKILL)
        # containerd ends with it, but if PID 1 reaps it late, the next engine waits 10 seconds for its end.
        endpoint = Path(self.environment["DOCKER_HOST"].removeprefix("unix://"))
        (endpoint.parent / "exec" / "containerd" / "containerd.pid").unlink(missing_ok=True)

    def restart_engine(self) -> None:
        """Stop its engine and start it again."""
        self.engine.stop()
        self.engine.start()

    def start_registry(self) -> None:
        """Start the team's registry on this machine after `stop_registry`."""
        assert self.registry, "this machine has no registry"
        self.registry.start()

    def stop_registry(self) -> None:
        """Make the team's registry unreachable on this machine, and only on this one."""
        assert self.registry, "this machine has no registry"
        self.registry.stop()


@contextmanager
def machine(
    folder: Path, *, containerd: bool = True, team: Registry | None = None, disk_bytes: int | None = None
) -> Iterator[Machine]:
    """A further machine, started; everything of it is removed afterwards.

    Args:
        folder: created for its data and its home, and deleted afterwards.
        containerd: whether the engine has the containerd image store, else the classic one.
        team: the team's registry, which this machine then reaches under the same name.
        disk_bytes: the size of the engine's own disk, which tests can fill; by default it shares the folder's.

    Raises:
        MachineError: a part of it did not start.
    """
    with ExitStack() as after:  # each step to undo is recorded before what it undoes: a start may fail anywhere
        folder.mkdir(parents=True)
        after.callback(shutil.rmtree, folder)
        # Sockets need paths of at most about 100 characters, and a test's folder may be longer.
        run = Path(tempfile.mkdtemp(prefix="desktop-bake-", dir="/run"))
        after.callback(shutil.rmtree, run)
        after.callback(_unmount, folder, run)
        after.callback(_remove_states, folder, run)
        name, first_address, address = _connect(run, after)
        after.callback(_remove_cgroups, f"desktop-{name}")
        enter = ("nsenter", f"--net={run / 'net'}")
        environment = _home(folder, run)
        if disk_bytes:
            _disk(folder, disk_bytes)
        registry = _registry(folder, team.storage, team.port, enter) if team else None
        engine = _engine(folder, run, name, address, enter, containerd=containerd)
        _reach(name, first_address, after)
        after.callback(_kill, run, f"desktop-{name}")
        for service in (engine, registry.service if registry else None):
            if service:
                after.callback(service.stop, signal.SIGKILL)
                service.start()
        yield Machine(
            name=name,
            environment=environment,
            enter=enter,
            address=address,
            data=folder / "data",
            engine=engine,
            registry=registry,
        )


# --- its parts -------------------------------------------------------------------------------------------------
def _connect(run: Path, after: ExitStack) -> tuple[str, str, str]:
    """Create its network and the link to it: the link's name, the first machine's address on it, and its own.

    The network is mounted in the machine's own folder: `ip netns add` would leave a mount of /run/netns behind.
    """
    network = run / "net"
    network.touch()
    system("unshare", f"--net={network}", "true")
    for number in range(256):
        name = f"bake{number}"
        try:  # one step checks that the name is free and takes it, so that tests may run side by side
            system("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(network))
        except MachineError as error:
            if "exists" not in str(error):
                raise
        else:
            break
    else:
        raise MachineError("no name for a link is free")
    after.callback(system, "ip", "link", "delete", name)
    first_address, address = f"10.213.{number}.1", f"10.213.{number}.2"
    system("ip", "address", "add", f"{first_address}/30", "dev", name)
    system("ip", "link", "set", name, "up")
    system(
        "nsenter",
        f"--net={network}",
        "ip",
        "-batch",
        "-",
        stdin=f"link set lo up\naddress add {address}/30 dev eth0\nlink set eth0 up\n"
        f"route add default via {first_address}\n",
    )
    return name, first_address, address


def _reach(name: str, first_address: str, after: ExitStack) -> None:
    """Let it reach the outside through the first machine, whatever the first engine forbids others.

    The rules come after the first engine's own, which separate its containers from this machine too.
    """
    for rule in (
        ("filter", "FORWARD", "-i", name, "-j", "ACCEPT"),
        ("filter", "FORWARD", "-o", name, "-j", "ACCEPT"),
        ("nat", "POSTROUTING", "-s", f"{first_address}/30", "!", "-o", name, "-j", "MASQUERADE"),
    ):
        table, *words = rule
        iptables = (tool("iptables"), "-w", "-t", table)
        after.callback(_attempt, *iptables, "-D", *words)
        system(*iptables, "-A", *words)
    forward = Path("/proc/sys/net/ipv4/ip_forward")
    if forward.read_text().strip() == "0":
        after.callback(forward.write_text, "0")
        forward.write_text("1")


def _home(folder: Path, run: Path) -> dict[str, str]:
    """Its client's configuration and its home, as the environment that leads only there."""
    for name in ("home", "tmp", "docker/cli-plugins"):
        (folder / name).mkdir(parents=True)
    buildx = Path(os.environ.get("DOCKER_CONFIG", Path.home() / ".docker")) / "cli-plugins" / "docker-buildx"
    if buildx.exists():  # on other systems it is one of the system's plugins, which every client finds
        (folder / "docker" / "cli-plugins" / "docker-buildx").symlink_to(buildx.resolve())
    return {
        **{name: os.environ[name] for name in ("LANG", "PATH", "TERM") if name in os.environ},
        "DOCKER_CONFIG": str(folder / "docker"),
        "DOCKER_HOST": f"unix://{run / 'docker.sock'}",
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "XDG_CACHE_HOME": str(folder / "home" / ".cache"),
    }


def _disk(folder: Path, size_bytes: int) -> None:
    """Mount a file system of this size for the engine's data; unused space takes no room."""
    image = folder / "disk"
    with image.open("wb") as file:
        file.truncate(size_bytes)
    (folder / "data").mkdir()
    system("mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", str(image))
    system("mount", "-o", "loop", str(image), str(folder / "data"))


def _engine(folder: Path, run: Path, name: str, address: str, enter: tuple[str, ...], *, containerd: bool) -> Service:
    """Its engine, not yet started; it listens on a socket for its own machine and on TCP for the first one."""
    configuration = {
        "features": {"containerd-snapshotter": containerd},
        "data-root": str(folder / "data"),
        "exec-root": str(run / "exec"),
        "pidfile": str(run / "dockerd.pid"),
        "hosts": [f"unix://{run / 'docker.sock'}", f"tcp://{address}:{ENGINE_PORT}"],
        "tls": False,  # explicit, else the engine waits 15 seconds for an objection
        "group": "root",
        "exec-opts": ["native.cgroupdriver=cgroupfs"],
        "cgroup-parent": f"/desktop-{name}",  # identifies all its containers and build steps
    }
    file = folder / "daemon.json"
    file.write_text(json.dumps(configuration))

    def answers() -> bool:
        connection = http.client.HTTPConnection(address, ENGINE_PORT, timeout=10)
        try:
            connection.request("GET", "/_ping")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    words = (*enter, "env", "GOGC=400", tool("dockerd"), "--config-file", str(file))  # as scripts/engine
    return Service(command=words, log=folder / "dockerd.log", answers=answers)


# --- its end ---------------------------------------------------------------------------------------------------
def _attempt(*words: str) -> None:
    """Undo by a command what may not have been done."""
    with suppress(MachineError):
        system(*words)


def _mounts(*folders: Path) -> list[str]:
    """The mounts below these folders, the last mount first."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    points = [line.split()[1] for line in reversed(lines)]
    return [point for point in points if any(point.startswith(f"{folder}/") for folder in folders)]


def _kill(run: Path, cgroup: str) -> None:
    """End every process in one of its networks, its containers' included, or in its cgroup."""
    networks = set()
    for point in _mounts(run):
        with suppress(OSError):
            status = Path(point).stat()
            networks.add((status.st_dev, status.st_ino))
    end = time.monotonic() + 10
    while True:
        left = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                status = (process / "ns" / "net").stat()
                if (status.st_dev, status.st_ino) in networks or f"/{cgroup}/" in (process / "cgroup").read_text():
                    left.append(int(process.name))
        if not left:
            return
        if time.monotonic() > end:
            raise MachineError(f"processes of a machine do not end: {left}")
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _remove_states(folder: Path, run: Path) -> None:
    """Delete what its containers left in folders that all engines of a system share."""
    for file in run.glob("exec/containerd/daemon/io.containerd.runtime.v2.task/*/*/bootstrap.json"):
        Path(json.loads(file.read_text())["address"].removeprefix("unix://")).unlink(missing_ok=True)
    for bundle in folder.glob("data/buildkit/executor/*"):
        shutil.rmtree(Path("/run/runc") / bundle.name, ignore_errors=True)


def _remove_cgroups(name: str) -> None:
    """Remove its cgroup, of either version; it is busy for a moment after its last process."""
    end = time.monotonic() + 10
    root = Path("/sys/fs/cgroup")
    while found := [*root.glob(name), *root.glob(f"*/{name}")]:
        if time.monotonic() > end:
            raise MachineError(f"cgroups of a machine do not go: {', '.join(map(str, found))}")
        for top in found:  # a container that was just starting creates one more
            for folder, _, _ in os.walk(top, topdown=False):
                with suppress(OSError):
                    Path(folder).rmdir()
        time.sleep(0.02)


def _unmount(*folders: Path) -> None:
    """Unmount everything below these folders."""
    if points := _mounts(*folders):
        system("umount", "--lazy", *points)
