"""What `render --check` finds in a folder."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from desktop_bake import ConfigurationError, ImageReference, RegistryError, Settings, Stack
from desktop_bake.bake.build.rendered_folder import left_over
from desktop_bake.bake.build.stale import Staleness, again, staleness, with_age
from desktop_bake.generator.causes import Cause
from tests.harness.every import every
from tests.harness.rendered import DEBIAN, SHIPPED, Rendering, environments
from tests.harness.work import work

if TYPE_CHECKING:
    from tests.harness.fake_engine import FakeEngine
    from tests.harness.memory_registry import MemoryRegistry

TWO = Rendering(stacks=environments(2))
CHANGED = Rendering(stacks=environments(2, replace(SHIPPED, setup=SHIPPED.setup + b"echo more\n")))


def found_in(folder: Path, now: Rendering) -> Staleness:
    """The differences between a folder and what would be rendered."""
    left = left_over(folder, now.files, [environment for environment, _ in now.stacks])
    return staleness(folder, now.files, left, now.targets)


def test_fresh(tmp_path: Path) -> None:
    """A folder as it was rendered has nothing to tell."""
    TWO.write(tmp_path)
    assert found_in(tmp_path, TWO) == Staleness(causes=(), diffs={}, files=())


def test_a_changed_script(tmp_path: Path) -> None:
    """First the cause, then the script's diff, once, then the files; the bake file's lines tell nothing more."""
    TWO.write(tmp_path)
    lines = found_in(tmp_path, CHANGED).lines()
    script = tmp_path / "context/team-1/desktop_setup.sh"
    assert lines[0] == "setup script of team-1, team-2 changed"
    assert lines[1:4] == ["", f"--- {script}", f"+++ {script} (rendered now)"]
    assert "+echo more" in lines
    assert lines[-5:] == [
        "",
        f"stale: {tmp_path}/docker-bake.hcl: content",
        f"stale: {script}: content",
        f"stale: {tmp_path}/run/compose.yaml: content",
        f"stale: {tmp_path}/desktop-bake.sha256: content",
    ]
    assert [line for line in lines if line.startswith("--- ")] == [f"--- {script}"]


@pytest.mark.parametrize("name", ["docker-bake.hcl", "context/team-1/desktop_setup.sh", "run/compose.yaml"])
def test_edited_by_hand(name: str, tmp_path: Path) -> None:
    """A file that is neither what was rendered nor what would be is reported as edited, with its diff."""
    TWO.write(tmp_path)
    with (tmp_path / name).open("a") as file:
        file.write("# mine\n")
    found = found_in(tmp_path, TWO)
    assert [str(cause) for cause in found.causes] == [f"{name} was edited after it was rendered"]
    assert "-# mine" in found.diffs[tmp_path / name]
    assert [file.path for file in found.files] == [tmp_path / name]


def test_another_version(tmp_path: Path) -> None:
    """A difference without a changed input or an edit comes from another version."""
    TWO.write(tmp_path)
    files = dict(TWO.files)
    text, executable = files["docker-bake.hcl"]
    files["docker-bake.hcl"] = (
        text.replace(b"where images", b"in which place images"),
        executable,
    )
    found = staleness(tmp_path, files, left_over(tmp_path, files, []), TWO.targets)
    assert [str(cause) for cause in found.causes] == ["it was rendered by another version of desktop-bake"]
    assert list(found.diffs) == [tmp_path / "docker-bake.hcl"]


def test_nothing_rendered(tmp_path: Path) -> None:
    """An empty folder lacks every file."""
    found = found_in(tmp_path, TWO)
    assert [str(cause) for cause in found.causes] == ["no docker-bake.hcl was rendered there"]
    assert {file.state for file in found.files} == {"missing"}


def test_json(tmp_path: Path) -> None:
    """The same as values."""
    TWO.write(tmp_path)
    found = found_in(tmp_path, CHANGED).as_json()
    assert found["causes"] == [
        {
            "what": "setup",
            "said": "setup script of team-1, team-2 changed",
            "environments": ["team-1", "team-2"],
            "from": None,
            "to": None,
        }
    ]
    assert found["files"] == [
        {"path": str(tmp_path / name), "state": "stale", "detail": "content"}
        for name in (
            "docker-bake.hcl",
            "context/team-1/desktop_setup.sh",
            "run/compose.yaml",
            "desktop-bake.sha256",
        )
    ]


@every(
    ("typed", "output", "wanted"),
    [
        (["render", "-o", "ci", "--check"], True, "desktop-bake render -o ci"),
        (["render", "--chec", "-oci", "a b"], True, "desktop-bake render -oci 'a b'"),
        (["render", "--check"], False, "desktop-bake render -o ."),
        (["render", "--check", "--", "--check"], False, "desktop-bake render -o . -- --check"),
        (["render", "--ch", "--cache", "none"], False, "desktop-bake render --cache none -o ."),
        (["render", "-o", "ci", "--check", "--json"], True, "desktop-bake render -o ci"),
        (["render", "--js", "--che", "-o", "ci", "--", "--json"], True, "desktop-bake render -o ci -- --json"),
        (
            ["--environments", "it's", "render", "--check", "-o", "x"],
            True,
            "desktop-bake --environments 'it'\"'\"'s' render -o x",
        ),
    ],
)
def test_the_command(typed: list[str], output: bool, wanted: str) -> None:
    """The remedy is what was typed, except for what only checks, and names the folder."""
    assert again(typed, Path("ci") if output else None) == wanted


def test_modes_and_what_is_no_text(tmp_path: Path) -> None:
    """A wrong mode is one line; a file that is no text has no lines to compare."""
    TWO.write(tmp_path)
    context = tmp_path / "context/team-1"
    (context / "desktop_setup.sh").chmod(0o755)
    (context / "Dockerfile").write_bytes(b"\0old")
    assert found_in(tmp_path, TWO).lines() == [
        "context/team-1/Dockerfile was edited after it was rendered",
        "context/team-1/desktop_setup.sh has another mode than it was rendered with",
        "",
        "binary: no lines to compare",
        "",
        f"stale: {context}/Dockerfile: content",
        f"stale: {context}/desktop_setup.sh: must not be executable",
    ]


def test_a_change_is_told_once(tmp_path: Path) -> None:
    """Contexts that differ elsewhere share a script, and its change has one diff."""

    def both(setup: bytes) -> Rendering:
        recipes = (replace(SHIPPED, setup=setup), replace(SHIPPED, setup=setup, install=b"echo install\n"))
        ids = (DEBIAN, replace(DEBIAN, env_id="office"))
        return Rendering(stacks=tuple((e, Stack(desktop=r)) for e, r in zip(ids, recipes, strict=True)))

    both(b"old\n").write(tmp_path)
    lines = found_in(tmp_path, both(b"new\n")).lines()
    assert len([line for line in lines if line.endswith("/desktop_setup.sh: content")]) == 2
    assert lines.count("+new") == 1


def test_what_lies_elsewhere_is_not_shown(tmp_path: Path) -> None:
    """A link's content is none of the folder's, and no diff shows it."""
    folder = tmp_path / "ci"
    folder.mkdir()
    TWO.write(folder)
    (tmp_path / "secret").write_text("hunter2\n")
    file = folder / "context/team-1/desktop_setup.sh"
    file.unlink()
    file.symlink_to(tmp_path / "secret")
    assert f"missing: {file}" in found_in(folder, TWO).lines()
    file.parent.rename(tmp_path / "moved")
    (tmp_path / "moved" / file.name).unlink()
    (tmp_path / "moved" / file.name).write_text("hunter2\n")
    file.parent.symlink_to(tmp_path / "moved")
    assert "hunter2" not in "".join(found_in(folder, CHANGED).lines())


def test_nothing_for_a_terminal_to_obey(tmp_path: Path) -> None:
    """A name or a line that contains control characters shows them."""
    folder = tmp_path / "\x1b[2J"
    folder.mkdir()
    TWO.write(folder)
    (folder / "docker-bake.hcl").write_text('target "_desktop" {\n}\ngroup "\x1b[2J" { targets = ["x"] }\n')
    text = "".join(found_in(folder, TWO).lines())
    assert "\x1b" not in text
    assert "environment \\x1b[2J removed" in text


def test_what_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that cannot be read is reported by its path and the reason."""
    TWO.write(tmp_path)
    files, targets = TWO.files, TWO.targets
    left = left_over(tmp_path, files, [])

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, os.strerror(13), str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ConfigurationError, match=f"^cannot read {tmp_path}/docker-bake.hcl: Permission denied$"):
        staleness(tmp_path, files, left, targets)


def test_the_age_of_a_base(engine: FakeEngine, registry: MemoryRegistry) -> None:
    """A base that moved is reported with the age that its registry states; where that says nothing, without."""
    reference = ImageReference.parse("registry.example.com/base:1")
    made = (datetime.now(UTC) - timedelta(days=3, hours=1)).isoformat()
    moved = registry.put(str(reference), {}, created=made)
    environment = replace(DEBIAN, base_image=reference)
    now = Rendering(stacks=((environment, Stack(desktop=SHIPPED)),), bases={str(reference): moved})
    cause = Cause(what="base", said="base moved", after=str(moved))
    assert str(with_age(cause, now.targets, work(engine, Settings()))) == "base moved, made 3 days ago"
    assert with_age(cause, now.targets, work(engine, Settings(pull="never"))) == cause
    registry.broken["registry.example.com"] = RegistryError("no route", "")
    assert with_age(cause, now.targets, work(engine, Settings())) == cause
