"""What a bake file that was rendered once says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from desktop_bake import Digest, Stack
from desktop_bake.generator.read_bakefile import ReadBakeFile, read_bake_file
from tests.harness.rendered import DEBIAN, PREFLIGHT, SHIPPED, Rendering

BOTH = Rendering(
    stacks=(
        (DEBIAN, Stack(desktop=SHIPPED)),
        (replace(DEBIAN, env_id="office"), Stack(desktop=SHIPPED, preflight=PREFLIGHT)),
    )
)


def read(rendering: Rendering) -> ReadBakeFile:
    """A rendering's bake file, read back."""
    return read_bake_file(rendering.files["docker-bake.hcl"][0].decode())


def test_read() -> None:
    """Every form that is rendered is read."""
    found = read(replace(BOTH, options=replace(BOTH.options, alias_tags=("{environment}",))))
    target = found.targets["desktop-default"]
    assert target["description"] == "desktop of default"
    assert target["inherits"] == ("_desktop",)
    assert target["contexts"] == {"base": f"docker-image://debian:bookworm@{Digest.of(b'base')}"}
    assert isinstance(target["tags"], tuple)
    assert target["tags"][1] == "${DESKTOP_BAKE_REPOSITORY}:default"
    assert isinstance(target["labels"], dict)
    assert target["labels"]["org.opencontainers.image.base.name"] == "debian:bookworm"
    assert found.groups["office"] == {"targets": ("preflight-office",)}
    assert found.variables["DESKTOP_BAKE_REPOSITORY"]["default"] == "registry.example.com/team/desktop"
    assert found.is_ours


@pytest.mark.parametrize("text", ["", "}\n", "target x {\n", 'target "a" {', 'target "a" {\n  b = [\n', "\x00" * 9])
def test_a_file_that_is_broken(text: str) -> None:
    """Whatever was made of the file, it is read as far as it goes, and is none of ours."""
    assert not read_bake_file(text).is_ours


def test_one_line_and_several() -> None:
    """A list or table in one line is read as one in several; what is neither stays as it is."""
    lines = 'target "a" {\n  l = [\n    "x",\n  ]\n  t = {\n    "k.l" = "v"\n  }\n  e = compact([A])\n}\n'
    line = 'target "a" {\n  l = ["x"]\n  t = { "k.l" = "v" }\n  e = compact([A])\n}\n'
    wanted = {"a": {"l": ("x",), "t": {"k.l": "v"}, "e": "compact([A])"}}
    assert read_bake_file(lines).targets == read_bake_file(line).targets == wanted
