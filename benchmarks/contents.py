"""What a baked desktop consists of: by package and by use, unpacked and compressed.

A file counts if the base has no file of its path, size and time. It is in use at the start, or with the tools, if
somebody opens it while a task starts, or while each tool is used once; a file counts whole, although a library is read
only in part. fanotify(7) reports that, so this needs root, and an engine on the same kernel.
"""

from __future__ import annotations

import subprocess
import tarfile
import zlib
from collections import defaultdict
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from benchmarks.opened import Opened
from desktop_bake.bake.config.shipped import gate_text, shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from benchmarks.__main__ import Bench

_SMALL_MB = 1
_INFO = "var/lib/dpkg/info/"
_MOVED = ("bin/", "sbin/", "lib/")  # into /usr: a package may name the old place

# Each tool once, as a task or its user uses it; a browser asks for noVNC's files.
_TOOLS = """
export DISPLAY=:1 XAUTHORITY=/tmp/.X11-unix/cookie
xterm -T text -e sh -c 'printf "a äöü 日本語 😀"; sleep 100' &
xdotool search --sync --onlyvisible --name text
xterm -fn fixed -e true
xdotool type 'aä日😀'
xdotool mousemove 500 500 click 3 mousemove 510 530 click 1 key Escape
import -window root /tmp/screen.png
convert /tmp/screen.png -resize 50% /tmp/screen.jpg
wmctrl -l; wmctrl -m; xwininfo -root; xprop -root; setxkbmap de; xauth list; fc-list
echo text | xclip -selection clipboard -i; xclip -selection clipboard -o
websockify --help
agent-notes; /etc/desktop-bake/menu.sh; /etc/desktop-bake/terminal -e true
bash -lic true
find /usr/share/novnc \\( -name '*.html' -o -name '*.js' -o -name '*.css' -o -name '*.svg' \\) -exec cat {} +
"""


@dataclass(frozen=True, kw_only=True)
class File:
    """A regular file of an image.

    Attributes:
        size: its bytes.
        time: its time of change, in seconds.
        packed: its bytes after zlib; 0 if nobody asked for them.
    """

    size: int
    time: int
    packed: int = 0


@dataclass(frozen=True, kw_only=True)
class Share:
    """The bytes of some files, unpacked and compressed."""

    size: int = 0
    packed: int = 0

    def __add__(self, other: Share) -> Share:
        """Both together."""
        return Share(size=self.size + other.size, packed=self.packed + other.packed)


def files_of(archive: IO[bytes], pack: Callable[[str, int, int], bool]) -> tuple[dict[str, File], dict[str, str]]:
    """The regular files of an exported container, and the texts of its lists of packages' files.

    Args:
        archive: what `docker export` writes.
        pack: of a path, a size and a time, whether to compress this file.
    """
    files, lists = {}, {}
    with tarfile.open(fileobj=archive, mode="r|") as tar:
        for member in tar:
            if not member.isreg():
                continue
            time, packed = int(member.mtime), 0
            listed = member.name.startswith(_INFO) and member.name.endswith(".list")
            if listed or pack(member.name, member.size, time):
                stream = tar.extractfile(member)
                content = stream.read() if stream else b""
                packed = len(zlib.compress(content))
                if listed:
                    lists[member.name.removeprefix(_INFO).removesuffix(".list")] = content.decode()
            files[member.name] = File(size=member.size, time=time, packed=packed)
    return files, lists


def owners(lists: Mapping[str, str]) -> dict[str, str]:
    """The package of each path, from the lists of packages' files."""
    found = {}
    for package, text in lists.items():
        for line in text.splitlines():
            path = line.lstrip("/")
            found[f"usr/{path}" if path.startswith(_MOVED) else path] = package.partition(":")[0]
    return found


def owner(path: str, found: Mapping[str, str]) -> str:
    """The package that a file belongs to: also one that Python compiled, and what the package manager knows of it."""
    if path in found:
        return found[path]
    folder, _, name = path.rpartition("/")
    if folder.endswith("/__pycache__"):
        return found.get(f"{folder.removesuffix('__pycache__')}{name.partition('.')[0]}.py", "caches, configuration")
    return "the package database" if path.startswith("var/lib/dpkg/") else "caches, configuration"


def by_package(files: Mapping[str, File], found: Mapping[str, str]) -> list[tuple[str, Share]]:
    """The packages' shares, the largest first."""
    shares: dict[str, Share] = defaultdict(Share)
    for path, file in files.items():
        shares[owner(path, found)] += Share(size=file.size, packed=file.packed)
    return sorted(shares.items(), key=lambda pair: -pair[1].size)


def total(files: Mapping[str, File], paths: Iterable[str]) -> Share:
    """The bytes of those of the paths that are among the files."""
    chosen = [files[path] for path in set(paths) & files.keys()]
    return Share(size=sum(file.size for file in chosen), packed=sum(file.packed for file in chosen))


def exported(image: str, pack: Callable[[str, int, int], bool]) -> tuple[dict[str, File], dict[str, str]]:
    """`files_of` an image."""
    container = _docker("create", image, "true")
    try:
        with subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE) as process:
            assert process.stdout
            return files_of(process.stdout, pack)
    finally:
        _docker("rm", "-f", container)


def uses(image: str) -> Iterator[tuple[str, set[str]]]:
    """What is opened, by the time: at the start, then with the tools."""
    script = 'until [ -e /go ]; do sleep 0.1; done; exec bash -c "$1" desktop "$2" <<<"- stay"'
    words = ("run", "-d", "--init", "--entrypoint", "bash", image, "-c", script, "x")
    container = _docker(*words, shipped("recipe/desktop_run.sh").read_text(), gate_text())
    try:
        with Opened(f"/proc/{_docker('inspect', '--format', '{{.State.Pid}}', container)}/root") as opened:
            _docker("exec", container, "touch", "/go")
            with subprocess.Popen(["docker", "logs", "-f", container], stderr=subprocess.PIPE) as log:
                assert log.stderr
                assert any(b"[desktop] ready" in line for line in log.stderr), "the desktop ended"
                log.kill()
            yield "until ready", opened.paths()
            _docker("exec", container, "bash", "-c", _TOOLS)
            yield "when each tool is used once", opened.paths()
    finally:
        _docker("rm", "-f", container)


def measure(bench: Bench) -> None:
    """Add the rows: in use at the start, with the tools, never; then the packages."""
    image, base = str(bench.image.image_id), str(bench.environment.base_image)
    before, _ = exported(base, lambda *_: False)

    def is_added(path: str, size: int, time: int) -> bool:
        old = before.get(path)
        return old is None or (old.size, old.time) != (size, time)

    everything, lists = exported(image, is_added)
    files = {path: file for path, file in everything.items() if is_added(path, file.size, file.time)}
    whole, seen = total(files, files), set[str]()

    def row(what: str, share: Share) -> None:
        measured = f"{share.size / 1e6:.1f} MB / {share.packed / 1e6:.1f} MB"
        bench.add(what, measured, f"{share.packed / whole.packed:.2f}", "")

    row("files over the base: unpacked / each compressed by zlib, and its part", whole)
    for when, paths in uses(image):
        row(f"of it, opened {when}", total(files, paths - seen))
        seen |= paths
    row("of it, never opened", total(files, files.keys() - seen))
    rest = Share()
    for package, share in by_package(files, owners(lists)):
        if share.size >= _SMALL_MB * 1e6:
            row(f"of it, {package}", share)
        else:
            rest += share
    row("of it, all smaller packages", rest)


def _docker(*words: str) -> str:
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout.strip()
