"""`lock`, and what works by a lock alone: in this process, where a socket or a docker would fail the test."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from desktop_bake.bake.cli.main import main
from desktop_bake.bake.config.lock import Lock, LockedImage, parse_lock
from desktop_bake.bake.config.lock_edit import edit_lock
from desktop_bake.bake.config.toml_file import load_settings
from desktop_bake.bake.upkeep.locking import keys_of
from tests.harness.locks import NEW, OLD, THEN
from tests.harness.work import work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.harness.fake_engine import FakeEngine
    from tests.harness.memory_registry import MemoryRegistry

COUNT = 20
CONFIGURATION = 'repository = "registry.example.com/team/desktop"\n' + "".join(
    f'[environments.e{n}]\nbase_image = "registry.example.com/base:{n}"\ncache_desktop_build = true\n'
    f'headless_desktop_enabled = true\nbuild_args = {{ N = "{n}" }}\n'
    for n in range(COUNT)
)
LOCK = Lock(
    packages=THEN,
    bases={
        f"registry.example.com/base:{n}": LockedImage(digest=OLD, platforms=("linux/amd64",), locked=THEN)
        for n in range(COUNT)
    },
)


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project of twenty environments with their lock, on a machine without docker."""
    (tmp_path / "desktop-bake.toml").write_text(CONFIGURATION)
    (tmp_path / "desktop-bake.lock").write_text(edit_lock("", LOCK))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield tmp_path
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_lock_is_enough(locked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rendering, its check, keys and what completion asks need no docker, no engine and no network."""
    assert main(["render", "-o", "ci", "--frozen"]) == 0
    assert main(["render", "-o", "ci", "--check"]) == 0
    assert main(["lock", "--check", "--frozen"]) == 0
    capsys.readouterr()
    assert main(["key", "e7", "--json"]) == 0
    key = json.loads(capsys.readouterr().out)
    assert key["components"]["base"] == str(OLD)
    assert key["cache_key"] in (locked / "ci" / "docker-bake.hcl").read_text()
    assert main(["env", "list"]) == 0
    assert "e19" in capsys.readouterr().out


def test_a_moved_digest_is_a_stale_folder(locked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A lock that moved makes the rendered folder stale, and the cause reports both digests, and when it was locked."""
    assert main(["render", "-o", "ci"]) == 0
    lock = locked / "desktop-bake.lock"
    lock.write_text(lock.read_text().replace(str(OLD), str(NEW), 1))
    assert main(["render", "-o", "ci", "--check"]) == 1
    said = capsys.readouterr()
    cause = f"base registry.example.com/base:0 of e0 moved from {str(OLD)[:19]} to {str(NEW)[:19]}, locked {THEN}"
    assert cause in said.out.splitlines()
    assert "run: desktop-bake render -o ci" in said.err


def test_check(locked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is not locked, and what nobody uses, is told line by line, with the first in the error and its remedy."""
    lock = locked / "desktop-bake.lock"
    lock.write_text(edit_lock(lock.read_text(), Lock(packages=THEN, bases={"a:1": LockedImage(digest=OLD)})))
    assert main(["lock", "--check"]) == 1
    said = capsys.readouterr()
    assert said.out.splitlines()[0] == "base registry.example.com/base:0 of e0 is not locked"
    assert said.out.splitlines()[-1] == "base a:1 is used by no environment"
    assert len(said.out.splitlines()) == COUNT + 1
    assert said.err == (
        "error: desktop-bake.lock does not fit: base registry.example.com/base:0 of e0 is not locked\n"
        "  run: desktop-bake lock\n"
    )
    assert main(["lock", "--check", "--json"]) == 1
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert problems[-1] == {
        "kind": "base",
        "name": "a:1",
        "environments": [],
        "what": "base a:1 is used by no environment",
        "remedy": "remove its block, or run: desktop-bake lock --upgrade",
    }
    assert main(["lock", "--check", "e3"]) == 1
    assert capsys.readouterr().out == "base registry.example.com/base:3 of e3 is not locked\n"
    lock.unlink()
    assert main(["lock", "--check"]) == 1
    assert "error: desktop-bake.lock is not there: " in capsys.readouterr().err


def test_a_script_that_changed(locked: Path, engine: FakeEngine, capsys: pytest.CaptureFixture[str]) -> None:
    """`lock --check` stays green after `lock --images` also if a script changes then, and shows which block is old."""
    lock = locked / "desktop-bake.lock"
    settings = load_settings(locked / "desktop-bake.toml", {})
    keys = keys_of(settings.environments.values(), work(engine, settings))
    assert keys
    lock.write_text(edit_lock(lock.read_text(), replace(LOCK, images=dict.fromkeys(keys, OLD))))
    assert main(["lock", "--check"]) == 0
    assert capsys.readouterr() == ("", "")
    file = locked / "desktop-bake.toml"
    file.write_text(file.read_text().replace('N = "7"', 'N = "changed"'))
    assert main(["lock", "--check", "--json"]) == 0
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert (told["problems"], len(told["images_without_key"])) == ([], 1)
    assert said.err.startswith(f"[desktop-cache] image {told['images_without_key'][0]} is of no environment's key;")


def test_frozen(locked: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolving a tag is refused before any request, by the flag and by the variable."""
    (locked / "desktop-bake.lock").unlink()
    for words in (["key", "e1"], ["render"], ["resolve", "e1"], ["build", "e1"], ["run", "e1"], ["explain", "e1"]):
        assert main([words[0], "--frozen", *words[1:]]) == 2
        monkeypatch.setenv("DESKTOP_BAKE_FROZEN", "1")
        assert main(words) == 2
        monkeypatch.delenv("DESKTOP_BAKE_FROZEN")
        said = capsys.readouterr().err.splitlines()
        wanted = f"error: base image registry.example.com/base:{'0' if words == ['render'] else '1'} is not in"
        assert [line.startswith(wanted) for line in said if line.startswith("error")] == [True, True]
    assert main(["lock", "--frozen"]) == 2
    assert "lock asks registries what tags stand for, and frozen forbids it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--check", "--upgrade"], "--check changes nothing"),
        (["--check", "--images"], "--check changes nothing"),
        (["--check", "--max-age", "3d"], "--check changes nothing"),
        (["--images", "--max-age", "3d"], "--max-age is about bases, tools and packages, not about images"),
        (["--max-age", "30"], "the duration '30' has no unit"),
        (["e99"], "unknown environment 'e99'"),
    ],
)
def test_what_does_not_go_together(
    locked: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    """Flags that contradict each other, an age without a unit and an unknown environment are refused."""
    assert main(["lock", *words]) == 2
    assert says in capsys.readouterr().err


def test_agents_runner(locked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of Agents Runner has its lock beside it; blocks that other files of the folder use are left alone."""
    folder = locked / "runner"
    folder.mkdir()
    environment = {"env_id": "a", "base_image": "x:1", "headless_desktop_enabled": True, "cache_desktop_build": True}
    (folder / "state.json").write_text(json.dumps([environment]))
    words = ["--environments", "runner/state.json"]
    assert main([*words, "key", "--frozen"]) == 2
    capsys.readouterr()
    lock = Lock(packages=THEN, bases={name: LockedImage(digest=OLD) for name in ("x:1", "other:1")})
    (folder / "desktop-bake.lock").write_text(edit_lock("", lock))
    assert main([*words, "key", "--frozen", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["components"]["base"] == str(OLD)
    assert main([*words, "lock", "--check"]) == 0


# --- what registries are asked for -----------------------------------------------------------------------------------


def test_written_and_moved(typed: Callable[..., tuple[int, str, str]], registry: MemoryRegistry, project: Path) -> None:
    """What is missing is locked and told, then nothing moves; an upgrade takes what the registry has by then."""
    first = registry.put("debian:bookworm", {})
    status, output, errors = typed("lock")
    assert status == 0
    assert output.splitlines()[0] == f"base debian:bookworm locked at {first.value[:19]}"
    assert errors.endswith("desktop-bake.lock: written\n")
    status, output, errors = typed("lock")
    assert (status, output) == (0, "")
    assert errors.endswith("desktop-bake.lock: nothing moved\n")
    second = registry.put("debian:bookworm", {"moved": "1"})
    status, output, _ = typed("lock", "--upgrade", "--json")
    assert status == 0
    (move,) = json.loads(output)["moved"]
    assert (move["from"], move["to"], move["environments"]) == (str(first), str(second), ["default", "plain"])


def test_without_an_engine(
    typed: Callable[..., tuple[int, str, str]], registry: MemoryRegistry, engine: FakeEngine, project: Path
) -> None:
    """No engine is needed, and that none answers is reported."""
    engine.is_up = False
    registry.put("debian:bookworm", {})
    status, _, errors = typed("lock", "default")
    assert status == 0
    assert "no Docker Engine answers: registries alone are asked" in errors
    assert "debian:bookworm" in (project / "desktop-bake.lock").read_text()


def test_a_dockerfile_without_a_date(
    typed: Callable[..., tuple[int, str, str]], registry: MemoryRegistry, project: Path
) -> None:
    """A user's Dockerfile that takes no packages date is warned of."""
    configuration = project / "desktop-bake.toml"
    configuration.write_text(configuration.read_text() + 'headless_desktop_enabled = true\ndockerfile = "own"\n')
    (project / "own").write_text("FROM base\nRUN true\n")
    registry.put("debian:bookworm", {})
    status, _, errors = typed("lock")
    assert status == 0
    assert "plain: its Dockerfile takes no packages date: write ARG DESKTOP_BAKE_BASE" in errors


def test_images(
    typed: Callable[..., tuple[int, str, str]], registry: MemoryRegistry, engine: FakeEngine, project: Path
) -> None:
    """`--images` records what was published under the keys, and says of what was not that it was not."""
    registry.put("debian:bookworm", {})
    assert typed("lock")[0] == 0
    status, output, errors = typed("lock", "--images")
    assert (status, output) == (0, "")
    assert "is not published" in errors
    text = json.loads(typed("key", "default", "--json")[1])["cache_key"]
    settings = load_settings(project / "desktop-bake.toml", {})
    keys = keys_of(settings.environments.values(), work(engine, settings))
    assert keys
    labels = keys[text].labels("debian:bookworm")
    published = registry.put(f"registry.example.com/team/desktop:{text}", labels)
    status, output, _ = typed("lock", "--images")
    assert (status, output) == (0, f"image {text} locked at {published.value[:19]}\n")
    assert parse_lock((project / "desktop-bake.lock").read_text(), "desktop-bake.lock").images == {text: published}
