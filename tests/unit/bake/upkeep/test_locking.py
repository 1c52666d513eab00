"""`lock` against registries: what is asked, what is written, and what is reported."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from desktop_bake import RegistryError, Settings
from desktop_bake.bake.config.lock import Lock, LockedImage, load_lock, parse_lock
from desktop_bake.bake.config.lock_edit import edit_lock
from desktop_bake.bake.config.lock_names import LOCK_NAME
from desktop_bake.bake.config.lock_plan import Wish
from desktop_bake.bake.config.lock_uses import uses_of
from desktop_bake.bake.upkeep.locking import keys_of, recorded, upgraded, write_lock
from desktop_bake.generator.errors import ConfigurationError
from tests.harness.locks import NEW, OLD, THEN, TODAY
from tests.harness.recipes import OFFICE
from tests.harness.work import work

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from desktop_bake.bake.config.lock_moves import Moves
    from desktop_bake.bake.context import Context
    from tests.harness.fake_engine import FakeEngine
    from tests.harness.memory_registry import MemoryRegistry

NAME, TOOL = str(OFFICE.base_image), "tools.example.com/tool:1"
OWN = replace(OFFICE, env_id="own", dockerfile="own")
WISH = Wish(today=TODAY)


@pytest.fixture
def project(tmp_path: Path, engine: FakeEngine, team: Settings, lines: list[str]) -> Callable[[], Context]:
    """A project of two environments, read again at each call; no engine answers."""
    (tmp_path / "own").write_text(f"FROM {TOOL} AS tool\nFROM base\nRUN true\n")
    engine.is_up = False
    file = tmp_path / LOCK_NAME
    settings = replace(team, root=tmp_path, environments={"office": OFFICE, "own": OWN}, lock_file=file)
    return lambda: work(engine, replace(settings, lock=load_lock(file)), lines.append)


def lock(context: Context, wish: Wish = WISH) -> Moves:
    """Lock for all environments."""
    uses = uses_of(context.settings.environments.values(), context.settings)
    return upgraded(wish, uses, uses, context)


def test_lock_and_upgrade(project: Callable[[], Context], registry: MemoryRegistry) -> None:
    """What is missing is looked up and written; then nobody is asked again until it is to move, and only that moves."""
    base = registry.put(NAME, {}, created="2026-11-20T10:00:00Z")
    tool = registry.put(TOOL, {})
    assert lock(project()).lines == (
        f"base {NAME} locked at {base.value[:19]}, made 2026-11-20",
        f"tool {TOOL} locked at {tool.value[:19]}",
        "packages 2026-11-27",
        "reinstalls office",
    )
    settings = project().settings
    assert settings.lock == Lock(
        packages=TODAY,
        bases={NAME: LockedImage(digest=base, platforms=("linux/amd64",), locked=TODAY)},
        tools={TOOL: LockedImage(digest=tool, locked=TODAY)},
    )
    assert settings.lock_file.stat().st_mode & 0o777 == 0o644
    registry.asked.clear()
    assert lock(project()).lines == ()
    assert registry.asked == []
    moved = registry.put(NAME, {"moved": "1"}, created="0001-01-01T00:00:00Z")
    assert lock(project(), Wish(today=TODAY, upgrade=True)).lines == (
        f"base {NAME} moved from {base.value[:19]} to {moved.value[:19]}",
        "reinstalls office, own",
    )


def test_a_packages_date_to_come(project: Callable[[], Context], registry: MemoryRegistry, lines: list[str]) -> None:
    """A date that no upgrade can move for years is reported by each that might have moved it."""
    registry.put(NAME, {})
    registry.put(TOOL, {})
    lock(project())
    assert lines == []
    file = project().settings.lock_file
    file.write_text(file.read_text().replace(f'packages = "{TODAY}"', 'packages = "9999-12-31"'))
    assert lock(project(), Wish(today=TODAY, upgrade=True)).lines == ()
    warning = f'packages of 9999-12-31, a day to come, stay: if the clock is right, write "{TODAY}"'
    assert lines == [f"[desktop-cache] WARNING: {warning}"]


def test_an_index(project: Callable[[], Context], registry: MemoryRegistry) -> None:
    """The index is what is locked, with the platforms of its images and none of its attestations."""
    made = {"created": "2026-11-20T10:00:00Z"}
    images = {p: registry.put(f"{OFFICE.base_image.repository}:{p[-5:]}", {}, p, **made) for p in ("linux/arm64",)}
    images["unknown/unknown"] = registry.put(f"{OFFICE.base_image.repository}:sbom", {"a": "b"})
    index = registry.put_index(NAME, images)
    registry.put(TOOL, {})
    assert lock(project()).lines[0] == f"base {NAME} locked at {index.value[:19]}, made 2026-11-20"
    there = project().settings.lock
    assert there
    assert there.bases[NAME].platforms == ("linux/arm64",)


@pytest.mark.parametrize(
    ("fault", "error", "says"),
    [
        ("base", ConfigurationError, f"base image {NAME} does not exist in its registry"),
        ("tool", ConfigurationError, f"the Dockerfile's image {TOOL} does not exist in its registry"),
        ("down", RegistryError, f"base image {NAME}: down"),
    ],
)
def test_nothing_is_written_by_halves(
    project: Callable[[], Context], registry: MemoryRegistry, fault: str, error: type[Exception], says: str
) -> None:
    """An image that cannot be looked up is named with a remedy, and the lock stays as it was."""
    if fault != "base":
        registry.put(NAME, {})
    if fault != "tool":
        registry.put(TOOL, {})
    if fault == "down":
        registry.broken[OFFICE.base_image.domain] = RegistryError("down", "try again")
    with pytest.raises(error, match=says) as caught:
        lock(project())
    assert getattr(caught.value, "remedy", "")
    assert project().settings.lock is None


def test_images(project: Callable[[], Context], registry: MemoryRegistry, lines: list[str], team: Settings) -> None:
    """Digests of published keys are recorded; what is there already moves only if that is requested; others go."""
    with pytest.raises(ConfigurationError, match="keys are not known without the bases' digests") as caught:
        record(project())
    assert caught.value.remedy == "run: desktop-bake lock"
    registry.put(NAME, {})
    registry.put(TOOL, {})
    lock(project())
    keys = keys_of([OFFICE, OWN], project())
    assert keys
    mine, own = keys
    assert record(project()).lines == ()
    assert [line for line in lines if "not published" in line] == [
        f"[desktop-cache] image {key} is not published" for key in keys
    ]
    first = registry.put(f"{team.repository}:{mine}", keys[mine].labels("b"))
    registry.put(f"{team.repository}:{own}", keys[mine].labels("b"), "linux/arm64")
    lines.clear()
    assert record(project()).lines == (f"image {mine} locked at {first.value[:19]}",)
    assert f"WARNING: image {own} is not recorded: in the registry it is not what its tag says: label" in lines[0]
    second = registry.put(f"{team.repository}:{mine}", keys[mine].labels("another"))
    lines.clear()
    assert record(project()).lines == ()
    assert f"image {mine} is {second} in the registry, the lock keeps {first}; to take it: " in lines[-1]
    moved = record(project(), moving=True)
    assert moved.lines == (f"image {mine} moved from {first.value[:19]} to {second.value[:19]}",)
    registry.put(NAME, {"moved": "1"})
    assert lock(project(), Wish(today=TODAY, upgrade=True)).lines[1:] == (
        f"image {mine} removed: no environment has this key",
        "reinstalls office, own",
    )


def record(context: Context, *, moving: bool = False) -> Moves:
    """`lock --images`."""
    return recorded([OFFICE, OWN], context, whole=True, moving=moving)


def test_only_what_is_verified_is_recorded(
    project: Callable[[], Context], registry: MemoryRegistry, lines: list[str], team: Settings
) -> None:
    """What the team's own check refuses is not recorded."""
    registry.put(NAME, {})
    registry.put(TOOL, {})
    lock(project())
    keys = keys_of([OFFICE], project())
    assert keys
    (text,) = keys
    registry.put(f"{team.repository}:{text}", keys[text].labels("b"))
    context = project()
    refusing = (sys.executable, "-c", "raise SystemExit('unsigned')", "{image}")
    refused = replace(context, settings=replace(context.settings, verify_command=refusing))
    assert recorded([OFFICE], refused, whole=True, moving=False).lines == ()
    assert f"image {text} is not recorded: in the registry it is not verified: " in lines[-1]


def test_keys(project: Callable[[], Context]) -> None:
    """Keys are known with every base locked, a layer's desktop's too; else none, and a wrong recipe is reported."""
    context = project()
    assert keys_of([OFFICE], context) is None
    locked = Lock(bases={NAME: LockedImage(digest=OLD)}, tools={TOOL: LockedImage(digest=NEW)})
    context = replace(context, settings=replace(context.settings, lock=locked))
    (context.settings.root / "preflight").write_text("echo\n")
    both = keys_of([replace(OFFICE, preflight_script="preflight")], context)
    assert both
    assert [text.count("-") for text in both] == [5, 4]
    with pytest.raises(ConfigurationError, match="cannot read missing"):
        keys_of([replace(OFFICE, setup_script="missing")], context)


# --- the file --------------------------------------------------------------------------------------------------------

SOME = Lock(packages=THEN, bases={"a:1": LockedImage(digest=OLD)})


def test_the_file_is_edited_as_it_is_then(tmp_path: Path) -> None:
    """A change is made of what is in the file when it is written, a link stays a link, and nothing is nothing."""
    real, link = tmp_path / "real", tmp_path / LOCK_NAME
    assert write_lock(real, lambda _: SOME) == (Lock(), SOME)
    link.symlink_to(real)
    changed = real.read_text().replace("# desktop-bake.lock", "# ours")
    real.write_text(changed)
    later = replace(SOME, packages=TODAY)
    assert write_lock(link, lambda there: replace(there, packages=TODAY)) == (SOME, later)
    assert link.is_symlink()
    assert real.read_text() == changed.replace(str(THEN), str(TODAY))
    before = real.stat()
    write_lock(link, lambda there: there)
    assert real.stat().st_mtime_ns == before.st_mtime_ns


def test_a_file_that_came_meanwhile_stays(tmp_path: Path) -> None:
    """Two that write the first lock at once: one does, and the other is reported."""
    file = tmp_path / LOCK_NAME
    theirs = edit_lock("", SOME)

    def change(_: Lock) -> Lock:
        file.write_text(theirs)
        return Lock(packages=TODAY)

    with pytest.raises(ConfigurationError, match="was written meanwhile") as caught:
        write_lock(file, change)
    assert caught.value.remedy == "nothing was written: try again"
    assert parse_lock(file.read_text()) == SOME


def test_a_link_to_nothing(tmp_path: Path) -> None:
    """It is reported as what it is: to try again would not help."""
    file = tmp_path / LOCK_NAME
    file.symlink_to("gone")
    with pytest.raises(ConfigurationError, match="is a symbolic link to nothing"):
        write_lock(file, lambda _: SOME)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """A place that cannot be written is reported."""
    with pytest.raises(ConfigurationError, match=r"cannot write .*: No such file or directory"):
        write_lock(tmp_path / "nowhere" / LOCK_NAME, lambda _: SOME)
