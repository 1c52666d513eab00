"""The bake file's text: every value quoted, our variables kept, and a template that asks for too much refused."""

from __future__ import annotations

from dataclasses import replace

import jinja2
import pytest

from desktop_bake import (
    BakeOptions,
    ConfigurationError,
    ImageReference,
    Stack,
    bake_targets,
    compute_key,
    render_bake_file,
)
from desktop_bake.bake.config.shipped import shipped
from desktop_bake.generator.hcl import hcl
from desktop_bake.generator.variables import CACHE_SCOPE_VARIABLE
from tests.harness.recipes import BASE, ENVIRONMENT, KEY, RECIPE

OPTIONS = BakeOptions(repository=ImageReference.parse("desktop-bake"))
TARGETS = bake_targets([(ENVIRONMENT, Stack(desktop=RECIPE), KEY)], OPTIONS)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("plain", '"plain"'),
        ('a"b\\c', r'"a\"b\\c"'),
        ("${A} %{B} $C", '"$${A} %%{B} $C"'),
        ("a\nb\tc\r", r'"a\nb\tc\r"'),
        ("ü 漢", '"ü 漢"'),
        ("\u200b\x1b", '"\\U0000200b\\U0000001b"'),
    ],
)
def test_quoting(text: str, quoted: str) -> None:
    """What HCL would read otherwise is escaped; what nobody could see is written by its number."""
    assert hcl(text) == quoted


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a\0b", "cannot carry"),
        ("\ud800", "cannot carry"),
        ("u\u0308", "would change"),
        ("\U0002f800", "would change"),
    ],
)
def test_what_hcl_cannot_carry(text: str, says: str) -> None:
    """A text that HCL would refuse or change is reported, not altered."""
    with pytest.raises(ConfigurationError, match=f"holds a character that a bake file {says}$"):
        hcl(text)


def test_what_a_template_gets() -> None:
    """A template loops over the targets; a reference to a variable of ours stays one, any other is text."""
    template = "{% for shown in targets %}{{ shown.target.name | hcl }} {% endfor %}{{ text | hcl_with_variables }}"
    template = template.replace("text", f"'${{{CACHE_SCOPE_VARIABLE}}} ${{OTHER}}'")
    said = render_bake_file(template, TARGETS, OPTIONS)
    assert said == f'"{TARGETS[0].name}" "${{{CACHE_SCOPE_VARIABLE}}} $${{OTHER}}"'


def test_a_template_that_asks_for_more() -> None:
    """A name that the template does not get is an error, never an empty text."""
    with pytest.raises(jinja2.UndefinedError):
        render_bake_file("{{ nothing }}", TARGETS, OPTIONS)
    assert render_bake_file("{{ '${A}' | hcl }}\n", TARGETS, OPTIONS) == '"$${A}"\n'


@pytest.mark.parametrize(("backend", "exports"), [("local", 1), ("registry", 2), ("inline", 2), ("none", 0)])
def test_one_export_to_a_folder(backend: str, exports: int) -> None:
    """Targets with one install script share a cache; to a local one the first alone exports, and all read it."""
    options = replace(OPTIONS, cache_backend=backend)
    wanted = []
    for name, setup in {"one": b"echo one\n", "two": b"echo two\n"}.items():
        environment, recipe = replace(ENVIRONMENT, env_id=name), replace(RECIPE, setup=setup)
        wanted.append((environment, Stack(desktop=recipe), compute_key(environment, recipe, BASE)))
    text = render_bake_file(shipped("docker-bake.hcl.j2").read_text(), bake_targets(wanted, options), options)
    assert (text.count("cache-from"), text.count("cache-to")) == (0 if backend == "none" else 2, exports)


def test_same_bytes() -> None:
    """The same targets give the same text, whatever they come in."""
    template = shipped("docker-bake.hcl.j2").read_text()
    text = render_bake_file(template, TARGETS, OPTIONS)
    assert text == render_bake_file(template, iter(TARGETS), OPTIONS)
    assert f'target "{TARGETS[0].name}"' in text
    assert hcl(TARGETS[0].base) in text
