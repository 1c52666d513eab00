"""A small change of the inputs is a small change of the rendered folder, as Git counts it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from desktop_bake import Digest, Environment, ImageReference, Stack
from tests.harness.rendered import DEBIAN, PREFLIGHT, SHIPPED, Rendering, environments, numstat

if TYPE_CHECKING:
    from pathlib import Path

CHANGED = replace(SHIPPED, setup=SHIPPED.setup + b"echo one line more\n")
BAKE_FILE, COMPOSE, LIST = "docker-bake.hcl", "run/compose.yaml", "desktop-bake.sha256"


def diff(before: Rendering, after: Rendering, folder: Path, what: str) -> dict[str, tuple[int, int]]:
    """What Git counts between two renderings of one folder; told to whoever runs the test with -s."""
    before.write(folder / "before")
    before.write(folder / "after")
    after.write(folder / "after")
    found = numstat(folder / "before", folder / "after")
    print(f"\n{what}")
    print("\n".join(f"  +{added:<3} -{removed:<3} {name}" for name, (added, removed) in found.items()))
    return found


@pytest.mark.parametrize("count", [1, 20])
def test_one_line_of_a_setup_script(count: int, tmp_path: Path) -> None:
    """Its line, and for each distinct image four lines of the bake file and one of the Compose file; the list of
    digests tells the three files."""
    before, after = (Rendering(stacks=environments(count, recipe)) for recipe in (SHIPPED, CHANGED))
    found = diff(before, after, tmp_path, f"one line more in the setup script of {count} environments")
    assert len(after.targets) == count
    assert found == {
        BAKE_FILE: (4 * count, 4 * count),
        COMPOSE: (count, count),
        "context/team-1/desktop_setup.sh": (1, 0),
        LIST: (3, 3),
    }


def test_one_line_of_a_setup_script_of_one_shared_image(tmp_path: Path) -> None:
    """Twenty environments that share an image change four lines, and one, together."""
    shared = [(replace(DEBIAN, env_id=f"team-{number}"), Stack(desktop=SHIPPED)) for number in range(20)]
    changed = [(environment, Stack(desktop=CHANGED)) for environment, _ in shared]
    before, after = Rendering(stacks=tuple(shared)), Rendering(stacks=tuple(changed))
    found = diff(before, after, tmp_path, "the same, 20 environments that share one image")
    wanted = {BAKE_FILE: (4, 4), COMPOSE: (1, 1), "context/team-0/desktop_setup.sh": (1, 0), LIST: (3, 3)}
    assert found == wanted


def test_one_line_of_a_setup_script_below_preflights(tmp_path: Path) -> None:
    """A preflight on that desktop is a distinct image, with four lines of its own; it is the one that is started."""
    before, after = (
        Rendering(stacks=((DEBIAN, Stack(desktop=recipe, preflight=PREFLIGHT)),)) for recipe in (SHIPPED, CHANGED)
    )
    found = diff(before, after, tmp_path, "the same, below a preflight: two images")
    assert len(after.targets) == 2
    wanted = {BAKE_FILE: (8, 8), COMPOSE: (1, 1), "context/default/desktop_setup.sh": (1, 0), LIST: (3, 3)}
    assert found == wanted


def blocks(text: str) -> dict[str, str]:
    """The blocks of a bake file, each with its comment, by its first line."""
    found = re.findall(
        r"^((?://[^\n]*\n)?)((?:target|variable|group) \"[^\n]*?\{)( .*?\}|\n.*?^\})\n", text, re.MULTILINE | re.DOTALL
    )
    return {head: comment + body for comment, head, body in found}


NEW = replace(DEBIAN, env_id="new", build_args={"TEAM": "new"})


@pytest.mark.parametrize("count", [1, 20])
@pytest.mark.parametrize(
    ("environment", "stack", "files"),
    [
        (NEW, Stack(desktop=SHIPPED), set()),
        (
            replace(NEW, base_image=ImageReference.parse("debian:trixie")),
            Stack(desktop=CHANGED),
            {"context/new/Dockerfile", "context/new/desktop_install.sh", "context/new/desktop_setup.sh"},
        ),
    ],
    ids=["of the same files", "of files of its own"],
)
def test_an_environment_added(
    count: int, environment: Environment, stack: Stack, files: set[str], tmp_path: Path
) -> None:
    """Its own blocks, a line in the group of all and one in the list of self-tests, and its own service; nothing else
    is touched."""
    before = Rendering(stacks=environments(count))
    after = Rendering(stacks=(*before.stacks, (environment, stack)))
    found = diff(before, after, tmp_path, f"an environment added to {count}")
    then, now = (blocks((tmp_path / name / BAKE_FILE).read_text()) for name in ("before", "after"))
    assert now.keys() - then.keys() == {'target "desktop-new" {', 'group "new" {'}
    lines = now['target "desktop-new" {'].count("\n") + 2  # and the blank line before it
    assert found[BAKE_FILE] == (lines + 1 + 1 + 1, 0)
    assert {head for head in then if then[head] != now[head]} == {'group "desktop" {', 'target "desktop-check" {'}
    assert found[COMPOSE] == (6, 0)
    assert found.keys() - {BAKE_FILE, COMPOSE, LIST} == files


def test_an_environment_that_shares_an_image(tmp_path: Path) -> None:
    """Its group, the two lines that tell people who uses the image, and its service, which names the other's image."""
    before = Rendering(stacks=environments(3))
    shared = replace(before.stacks[1][0], env_id="twin")
    after = Rendering(stacks=(*before.stacks, (shared, before.stacks[1][1])))
    found = diff(before, after, tmp_path, "an environment added that shares an image")
    assert found == {BAKE_FILE: (3, 2), COMPOSE: (7, 1), LIST: (2, 2)}


def test_a_base_that_moved(tmp_path: Path) -> None:
    """Six lines for each image, the pinned base, what keeps downloads apart, the tag, the key and the digest twice, and
    one of the Compose file."""
    before = Rendering(stacks=environments(2))
    after = replace(before, bases={"debian:bookworm": Digest.of(b"moved")})
    found = diff(before, after, tmp_path, "the base of 2 environments moved")
    assert found == {BAKE_FILE: (12, 12), COMPOSE: (2, 2), LIST: (2, 2)}
