"""What a hit loads: each module costs every command, and so each is on a list."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

CLI = "cli cli.commands cli.context cli.main cli.parser cli.task_verbs cli.verbs system system.installed system.lazy"
RESOLVE = f"""{CLI}
    cli.commands.resolve context
    config config.checks config.lock_names config.script_file config.setting config.settings config.shipped
    config.stack_files config.texts
    config.toml_file config.values
    engine engine.api engine.coalesce engine.connection engine.docker_config engine.docker_host engine.engine
    engine.http_answer engine.own_platform
    images images.base_digest images.known_digests images.locked images.order images.resolve images.result images.trust
    registry registry.platforms
    system.files system.folders system.found_file system.redaction system.reporter system.terminal system.text
"""
START = f"""{RESOLVE}
    cli.commands.run cli.container_flags engine.client_proxies ensure images.guess obtain
    system.asked system.chance system.whose
    task task.at_start task.background task.console task.container task.container_request
    task.creation task.docker_values task.ending
    task.environment_options task.labels task.main_process task.novnc task.options task.preflight task.program
    task.screen task.start task.start_note task.task
"""
GENERATOR = """
    cache_setting described environment environment_values errors file_name key layer layer_files layer_key recipe
    reference script stack text_file
"""
LIBRARIES = (
    "argparse, dataclasses, fcntl, hashlib, json, locale, pathlib, shlex, signal, socket, "
    "threading, tomllib, urllib.parse"
)

RUN = """
    import sys
    from desktop_bake.bake.cli import main
    from desktop_bake.bake.engine.api import Answer, Endpoint

    BASE = {"Id": "sha256:" + "b" * 64, "RepoDigests": ["debian@sha256:" + "d" * 64]}
    ABOUT = {"Os": "linux", "Arch": "amd64", "Architecture": "amd64"}

    def ask(self, method, path, *_, **__):
        asked.append(path)
        if path == "/version":
            return Answer(status=200, content=ABOUT)
        if "debian" in path:
            return Answer(status=200, content={**BASE, **ABOUT})
        return Answer(status=200, content={"Id": IMAGE, **ABOUT, "Config": {"Labels": labels(path)}})

    def labels(path):
        from desktop_bake.bake.cli.context import load
        from desktop_bake.bake.context import Context
        from desktop_bake.bake.engine.engine import Engine
        from desktop_bake.bake.images.order import key_of
        settings = main.context.toml_file.load_settings(None, {})
        key = key_of(settings.environment(None), Context(settings=settings, engine=Engine()))
        return key.labels("debian:bookworm")

    IMAGE, asked = "sha256:" + "1" * 64, []
    Endpoint.ask = ask
"""


def loaded(program: str, folder: Path, *arguments: str) -> set[str]:
    """The modules that a program has loaded at its end."""
    tail = "\nprint(*[name for name, module in sys.modules.items() if module], file=sys.stderr)\n"
    words = [sys.executable, "-I", "-c", "import sys\n" + dedent(program) + tail, *arguments]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
    return set(done.stderr.splitlines()[-1].split())


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration of one environment, whose image was built here."""
    (tmp_path / "desktop-bake.toml").write_text(
        '[environments.one]\nbase_image = "debian:bookworm"\n'
        "headless_desktop_enabled = true\ncache_desktop_build = true\n"
    )
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    known = tmp_path / "desktop-bake" / "images"
    known.mkdir(parents=True)
    (known / ("1" * 64)).write_text("built")
    return tmp_path


def others(modules: set[str], bake: str, generator: str = "errors") -> set[str]:
    """Those of ours that stand on neither list."""
    known = {f"bake.{name}" for name in bake.split()} | {f"generator.{name}" for name in generator.split()}
    names = {name.removeprefix("desktop_bake.") for name in modules if name.startswith("desktop_bake.")}
    return names - known - {"bake", "generator"}


def test_a_hit(project: Path) -> None:
    """`resolve` of a local hit asks three questions, and loads what is listed above and nothing else of the library."""
    run = RUN + '    assert main.main(["resolve", "-q"]) == 0\n    assert len(set(asked)) == 3, asked\n'
    modules = loaded(run, project)
    assert others(modules, RESOLVE, GENERATOR) == set()
    few = loaded(f"import {LIBRARIES}, encodings.ascii, pwd, grp", project)
    assert {name for name in modules - few if not name.startswith(("desktop_bake", "_"))} == set()


def test_a_start(project: Path) -> None:
    """`run` loads, until it starts a task, what `resolve` does, what starts a task, and no program's pipes."""
    run = RUN + '    assert main.main(["resolve", "-q"]) == 0\n    from desktop_bake.bake.cli.commands import run\n'
    run += "    from desktop_bake.bake.task import start\n"
    modules = loaded(run, project)
    assert others(modules, START, GENERATOR) == set()
    unneeded = "subprocess tempfile csv http.client platformdirs encodings.idna pty random"
    assert not modules & set(unneeded.split())


def test_no_command(project: Path) -> None:
    """`--version` loads no settings, nor anything else that a command needs."""
    run = """
        from desktop_bake.bake.cli import main
        try:
            main.main(["--version"])
        except SystemExit:
            pass
    """
    assert others(loaded(run, project), CLI) == set()
