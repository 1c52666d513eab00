"""Who may connect to a task's screen, and how many may."""

from __future__ import annotations

import socket
import subprocess
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from desktop_bake import Settings, TaskOptions, ensure_desktop_image, start_task
from desktop_bake.bake.task.novnc import banner, wait_for_banner
from tests.harness.exposure import handshake, secret_of, status, url_of

if TYPE_CHECKING:
    from pathlib import Path

    from desktop_bake import DesktopTask, Environment
    from tests.harness.project import Run


# The first line of the answer to a WebSocket handshake with $1, from another container.
NEIGHBOUR = r"""exec 3<>"/dev/tcp/$1/6080"
printf 'GET /websockify HTTP/1.1\r\nHost: localhost:6080\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' >&3
printf 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n' >&3
read -r _ answer _ <&3; echo "$answer" """


def answer_from(task: DesktopTask, address: str, network: str) -> str:
    """The answer to a handshake from another container of the task's image in a network."""
    image = task.engine.docker("inspect", "-f", "{{.Image}}", task.container_id).stdout.decode().strip()
    done = task.engine.docker(
        "run", "--rm", "--network", network, "--entrypoint", "bash", image, "-c", NEIGHBOUR, "neighbour", address
    )
    return done.stdout.decode().strip()


def test_without_a_secret_no_neighbour(desktop: Environment, desktop_settings: Settings) -> None:
    """`--no-auth` admits this machine and the container itself, at every address, and no other container."""
    image = ensure_desktop_image(desktop, desktop_settings)
    network = f"desktop-bake-test-{uuid.uuid4().hex[:8]}"
    subprocess.run(["docker", "network", "create", network], capture_output=True, check=True)
    try:
        for name in (None, network):
            with start_task(desktop, image, desktop_settings, options=TaskOptions(auth=False, network=name)) as task:
                shown = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
                own = task.engine.docker("inspect", "-f", shown, task.container_id).stdout.decode().strip()
                assert status(url_of(task), "/websockify") == 101
                inside = f"container:{task.container_id}"
                assert {answer_from(task, address, inside) for address in ("127.0.0.1", own)} == {"101"}
                assert answer_from(task, own, name or "bridge") == "403"
    finally:
        subprocess.run(["docker", "network", "rm", network], capture_output=True, check=True)


def test_no_variable_gets_the_secret(cli: Run, project: Path, desktop: Environment, desktop_settings: Settings) -> None:
    """No variable or shell option of a task makes the main process's input a script's, a program's or the log's."""
    image = ensure_desktop_image(desktop, desktop_settings)
    (project / "install.sh").write_text("env | grep -v BASH_FUNC\n")
    (project / "setup.sh").write_text("env | grep -v BASH_FUNC\n")
    (project / "desktop-bake.toml").write_text(
        f'''[environments.x]
base_image = "{image.image}"
headless_desktop_enabled = true
install_script = "install.sh"
setup_script = "setup.sh"
'''
    )
    names = ("line", "desktop_line", "desktop_secret", "desktop_stays", "REPLY")
    flags = [word for name in names for word in ("-e", f"{name}=given")]
    done = cli(
        "run", *flags, "-e", "SHELLOPTS=allexport:xtrace", "--", "sh", "-c", "cat /proc/[0-9]*/environ | tr '\\0' '\\n'"
    )
    assert done.returncode == 0, done.stderr
    assert "line=given" in done.stderr
    secret = done.stderr.partition("websockify%3Ftoken%3D")[2].split()[0]
    assert len(secret) >= 32
    assert done.stdout.count(secret) == 0
    assert done.stderr.count(secret) == 1  # in its address


def test_connections_are_few(desktop: Environment, desktop_settings: Settings) -> None:
    """Of many connections the oldest make room, those in use stay, and a page's files all arrive at once."""
    image = ensure_desktop_image(desktop, desktop_settings)
    with start_task(desktop, image, desktop_settings) as task:
        url, right = url_of(task), f"/websockify?token={secret_of(task)}"
        address = urlsplit(url).hostname, urlsplit(url).port
        with ExitStack() as stack:
            idle = [stack.enter_context(socket.create_connection(address, timeout=20)) for _ in range(250)]
            threads = "grep -h Threads /proc/[0-9]*/status | sort -n -k 2 | tail -n 1"
            count = task.engine.docker("exec", task.container_id, "sh", "-c", threads).stdout.split()[1]
            assert int(count) <= 150  # those that were closed end within moments
            assert banner(url, 5) is not None
            assert idle[0].recv(1) == b""  # closed
            page = url.partition("#")[0]
            with ThreadPoolExecutor(40) as pool:
                pages = list(pool.map(lambda _: urllib.request.urlopen(page, timeout=20).read(), range(40)))
            assert len(set(pages)) == 1
            for _ in range(100):
                assert stack.enter_context(handshake(url, right))[0] == 101
            assert status(url, right) == 503
        assert wait_for_banner(url, 10, lambda: None) == "RFB 003.008"  # Xvnc accepts everyone too
