"""Who can reach a task's desktop, and the places that its secret is not in."""

from __future__ import annotations

import http.client
import json
import os
import socket
import struct
import subprocess
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from desktop_bake import DesktopTask, Settings, TaskOptions, ensure_desktop_image, start_task
from desktop_bake.bake.config.shipped import gate_text, shipped
from desktop_bake.bake.engine.engine import Engine
from desktop_bake.bake.images.result import Disabled
from desktop_bake.bake.task.main_process import main_process
from desktop_bake.bake.task.mounts import Mount
from desktop_bake.bake.task.novnc import banner
from desktop_bake.generator.errors import TaskError
from tests.harness.exposure import LOG, handshake, secret_of, status, url_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from desktop_bake import Environment, ImageResult
    from tests.harness.project import Run


def test_only_with_the_secret_and_from_its_own_page(task: DesktopTask) -> None:
    """The screen needs the secret, and a request from noVNC's own page or from no page at all."""
    url, secret = url_of(task), secret_of(task)
    netloc = urlsplit(url).netloc
    right = f"/websockify?token={secret}"
    assert len(secret) >= 32
    assert status(url, right) == 101
    assert status(url, right, origin=f"http://{netloc}") == 101
    port = netloc.rsplit(":", 1)[1]
    assert status(url, right, host=f"localhost:{port}", origin=f"http://localhost:{port}") == 101
    wrong = (
        "",
        "?token=",
        "?token=-",
        f"?token={secret[:-1]}",
        f"?token={secret}x",
        f"?Token={secret}",
        "?token=%00%ff",
    )
    for path in ("/", *("/websockify" + query for query in wrong)):
        assert status(url, path) == 403, path
    for origin in (
        "http://evil.example",
        "null",
        "",
        f"https://{netloc}.evil.example",
        "http://127.0.0.1:1",
        f"http://localhost:{port}",
        "file://",
    ):
        assert status(url, right, origin=origin) == 403, origin
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "[", "10.0.0.1"):
        assert status(url, right, host=host) == 403, host  # a name that somebody makes point to the loopback
        assert status(url, right, host=host, origin=f"http://{host}") == 403, host
    assert banner(url.split("#", maxsplit=1)[0]) is None


def test_the_pages_are_free(task: DesktopTask) -> None:
    """noVNC's pages need no secret, list no folder, and answer nothing else."""
    root = url_of(task).split("/vnc.html")[0]
    with urllib.request.urlopen(f"{root}/vnc.html") as page:
        assert b"noVNC" in page.read()
    for path in ("/", "/app/", "/../../etc/passwd"):
        parts = urlsplit(root)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
        connection.request("GET", path)
        assert connection.getresponse().status == 404, path
        connection.close()


def test_many_that_say_nothing_or_hang_up(task: DesktopTask) -> None:
    """Idle, half and broken connections do not block the screen; they are ended, and leave no log behind."""
    url = url_of(task)
    address = urlsplit(url).hostname, urlsplit(url).port
    reset = struct.pack("ii", 1, 0)  # closing sends a reset
    with ExitStack() as stack:
        _, viewer = stack.enter_context(handshake(url, f"/websockify?token={secret_of(task)}"))
        idle, whole, half = (
            [stack.enter_context(socket.create_connection(address, timeout=20)) for _ in range(100)] for _ in range(3)
        )
        for connections, end in ((whole, b"\r\n\r\n"), (half, b"\r\n")):
            for connection in connections:
                connection.sendall(b"GET /vnc.html HTTP/1.1\r\nHost: localhost" + end)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        assert banner(url, 10) is not None
        assert (idle[0].recv(1), half[0].recv(1)) == (b"", b"")  # closed by the gate
        viewer.sendall(b"\x82\x8c" + bytes(4) + b"RFB 003.008\n")  # one in use is not (RFC 6455, 5.2)
        answers = b""
        while b"\x82\x02\x01\x01" not in answers:  # the security types: none (RFC 6143, 7.1.2)
            piece = viewer.recv(4096)
            assert piece
            answers += piece
    assert banner(url, 10) is not None
    script = "cat /proc/[0-9]*/comm | grep -c python3; cat /tmp/.X11-unix/desktop/gate"
    done = task.engine.docker("exec", task.container_id, "sh", "-c", script)
    assert done.stdout.decode() == "1\n"


def test_bound_to_the_loopback(task: DesktopTask) -> None:
    """noVNC's port is the loopback's, and in the container neither VNC nor X listens on a network."""
    shown = subprocess.run(["docker", "port", task.container_id], capture_output=True, text=True, check=True).stdout
    assert [line.split(" -> ")[1].rsplit(":", 1)[0] for line in shown.splitlines()] == ["127.0.0.1"]
    sockets = Engine().docker("exec", task.container_id, "cat", "/proc/net/tcp", "/proc/net/tcp6").stdout.decode()
    listening = [line.split()[1] for line in sockets.splitlines() if line.split()[3:4] == ["0A"]]
    assert [address.rsplit(":", 1)[1] for address in listening] == [f"{6080:04X}"]


def test_another_user_in_the_container_gets_nothing(task: DesktopTask) -> None:
    """The socket of VNC is its owner's alone."""
    script = "ls /tmp/.X11-unix/desktop/; for s in /tmp/.X11-unix/desktop/vnc; do test -w $s && echo open; done; true"
    done = Engine().docker("exec", "-u", "12345", task.container_id, "sh", "-c", script)
    assert done.stdout == b""


def test_the_secret_is_nowhere_else(task: DesktopTask, tmp_path: Path) -> None:
    """It is in no process list, on either side, and no description of container or image, log, or file."""
    secret, engine = secret_of(task), Engine()
    inside = """cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' '\\n'
find / -xdev -type f -newer /proc/1 -print0 2>/dev/null | xargs -0 cat"""
    described = engine.docker("container", "inspect", task.container_id).stdout
    logs = engine.docker("logs", task.container_id)
    seen = {
        "processes and new files in the container": engine.docker("exec", task.container_id, "sh", "-c", inside).stdout,
        "docker inspect": described,
        "image": engine.docker("image", "inspect", json.loads(described)[0]["Image"]).stdout,
        "docker logs": logs.stdout + logs.stderr,
        "processes": subprocess.run(["ps", "axwwe"], capture_output=True, check=True).stdout,
        "log": "\n".join(LOG).encode(),
        "repr": repr(task).encode(),
    }
    assert b"Xvnc" in seen["processes and new files in the container"]
    assert b"[desktop] ready" in seen["docker logs"]
    for where, text in seen.items():
        assert secret.encode() not in text, where


def test_no_auth(desktop: Environment, desktop_settings: Settings) -> None:
    """Without a secret it is still on the loopback, and still closed to a page of another origin."""
    image = ensure_desktop_image(desktop, desktop_settings)
    with start_task(desktop, image, desktop_settings, options=TaskOptions(auth=False)) as task:
        url = url_of(task)
        assert "token" not in url
        assert url.startswith("http://127.0.0.1:")
        assert status(url, "/websockify") == 101
        assert status(url, "/websockify", origin="http://evil.example") == 403
        assert status(url, "/websockify", host="evil.example") == 403


def test_no_auth_warns(cli: Run, project: Path, base: str) -> None:
    """`run --no-auth` says in one line what it opens."""
    (project / "desktop-bake.toml").write_text(
        f'[environments.x]\nbase_image = "{base}"\nheadless_desktop_enabled = true\ncache_desktop_build = true\n'
    )
    done = cli("run", "--no-auth", "--", "true")
    assert done.returncode == 0, done.stderr
    warnings = [line for line in done.stderr.splitlines() if "WARNING" in line]
    assert warnings == ["[desktop] WARNING: --no-auth: every user of this machine can see and use this desktop"]


def test_a_runner_that_died_before_it_gave_a_secret(desktop: Environment, desktop_settings: Settings) -> None:
    """Its desktop ends at once: nobody could reach it, and nobody would end it."""
    image = ensure_desktop_image(desktop, desktop_settings)
    words_of_main = main_process(desktop, TaskOptions())
    sockets = ["--mount", "type=tmpfs,target=/tmp/.X11-unix,tmpfs-mode=1777"]
    words = ["docker", "run", "-i", "--rm", "--init", *sockets, "--entrypoint", words_of_main[0], str(image.image_id)]
    done = subprocess.run(
        [*words, *words_of_main[1:]], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (1, "[desktop] the program that started it is gone\n")


def test_a_script_without_a_runner_opens_nothing(desktop: Environment, desktop_settings: Settings) -> None:
    """Started without anyone to give it a secret, the desktop runs and admits nobody."""
    image = ensure_desktop_image(desktop, desktop_settings)
    script, gate = shipped("recipe/desktop_run.sh").read_text(), gate_text()
    words = ["docker", "run", "-d", "--rm", "--init", "-p", "127.0.0.1::6080", "--entrypoint", "bash"]
    name = subprocess.run(
        [*words, str(image.image_id), "-c", script, "desktop", gate], capture_output=True, text=True, check=True
    ).stdout.strip()
    try:
        with subprocess.Popen(["docker", "logs", "-f", name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as logs:
            assert logs.stdout
            needed = {b"[desktop] ready\n", b"[desktop] noVNC listens\n"}
            while needed:
                needed.discard(logs.stdout.readline())
            logs.kill()
        port = subprocess.run(["docker", "port", name, "6080"], capture_output=True, text=True, check=True).stdout
        url = f"http://{port.split()[0]}/"
        for path in ("/websockify", "/websockify?token=", "/websockify?token=-"):
            assert status(url, path) == 403
    finally:
        subprocess.run(["docker", "rm", "-f", name], capture_output=True, check=False)


@contextmanager
def with_links(image: ImageResult) -> Iterator[ImageResult]:
    """The same image with links to the folder of X's sockets, and to the one above."""
    dockerfile = f"FROM {image.image}\nRUN mkdir -p /a/b && ln -s /tmp /shallow && ln -s /tmp /a/b/c\n"
    dockerfile += "RUN mkdir -p -m 1777 /tmp/.X11-unix && ln -s /tmp/.X11-unix /a/b/d\n"
    name = f"desktop-bake-test-links-{os.getpid()}"
    words = ["docker", "buildx", "build", "-q", "--load", "-t", name, "-"]
    subprocess.run(words, input=dockerfile, text=True, check=True, capture_output=True)
    try:
        yield Disabled(environment=image.environment, image=name, reason="", install_at_start=False)
    finally:
        subprocess.run(["docker", "image", "rm", "-f", name], capture_output=True, check=False)


def test_a_tmp_of_the_machine(desktop: Environment, desktop_settings: Settings, tmp_path: Path) -> None:
    """With the machine's /tmp in the task, even by a link in the image, the desktop's sockets stay in the task."""
    (tmp_path / ".X11-unix").mkdir(mode=0o1777)
    (tmp_path / "here").touch()
    image = ensure_desktop_image(desktop, desktop_settings)
    with with_links(image) as linked:
        for target, started in (("/tmp", image), ("//tmp/x/../", image), ("/shallow", linked)):
            options = TaskOptions(mounts=(Mount(kind="bind", source=str(tmp_path), target=target),))
            with start_task(desktop, started, desktop_settings, options=options) as task:
                assert banner(url_of(task))
                seen = task.engine.docker("exec", task.container_id, "ls", "-A", "/tmp").stdout.split()
                assert {b"here", b".X11-unix"} <= set(seen)
                assert list((tmp_path / ".X11-unix").iterdir()) == []
                assert {file.name for file in tmp_path.iterdir()} == {"here", ".X11-unix"}


@pytest.mark.parametrize("target", ["/a/b/c", "/a/b/d"])
def test_a_mount_by_a_link(desktop: Environment, desktop_settings: Settings, tmp_path: Path, target: str) -> None:
    """A mount that a link in the image leads over the folder of X's sockets fails the start, and opens nothing."""
    (tmp_path / ".X11-unix").mkdir(mode=0o1777)
    options = TaskOptions(mounts=(Mount(kind="bind", source=str(tmp_path), target=target),))
    with (
        with_links(ensure_desktop_image(desktop, desktop_settings)) as linked,
        pytest.raises(TaskError, match=r"a mount leads to .* by a link in the image, and would share the screen"),
    ):
        start_task(desktop, linked, desktop_settings, options=options)
    assert [file.name for file in tmp_path.rglob("*")] == [".X11-unix"]
