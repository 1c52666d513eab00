"""The JSON Schema of desktop-bake.toml accepts what our reader accepts, and refuses what it can know to be wrong."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from desktop_bake import ConfigurationError, ImageReference
from desktop_bake.bake.config.first_file import first_file
from desktop_bake.bake.config.layer_table import LAYER
from desktop_bake.bake.config.schema import schema, schema_text
from desktop_bake.bake.config.settings import SETTINGS
from desktop_bake.bake.config.toml_file import ENVIRONMENT, settings_from
from tests.harness.every import every
from tests.harness.markdown import DOCS, PAGES, Block, blocks

VALIDATOR = Draft7Validator(schema())
EXAMPLES = [b for page in PAGES for b in blocks(page) if b.language == "toml" and "\nlocked = " not in b.text]
BASE = '[environments.a]\nbase_image = "debian"\n'


def accepts(text: str) -> bool:
    """Whether an editor has nothing to say."""
    return bool(VALIDATOR.is_valid(tomllib.loads(text)))


def test_it_is_a_schema() -> None:
    """It is one of draft 7, and the file that `make docs` writes."""
    Draft7Validator.check_schema(schema())
    assert (DOCS / "desktop-bake.schema.json").read_text(encoding="utf-8") == schema_text(), "run: make docs"


@pytest.mark.parametrize("block", EXAMPLES, ids=str)
def test_the_examples_are_accepted(block: Block) -> None:
    """Each example of the documents is one."""
    assert not list(VALIDATOR.iter_errors(tomllib.loads(block.text)))


def test_what_init_writes_is_accepted() -> None:
    """So is the first file, and with each of its further fields switched on."""
    text = first_file(ImageReference.parse("debian:bookworm"))
    assert accepts(text)
    further = [line.removeprefix("# ").partition("  #")[0] for line in text.splitlines() if line.startswith("# ")]
    fields = [line for line in further if " = " in line]
    assert len(fields) > 15
    for field in fields:
        assert accepts(f"{BASE.replace('base_image', '' if field.startswith('base_image') else 'base_image')}{field}\n")


@every(
    "text",
    [
        "schema = 2",
        "cahce = 'local'",
        "cache = 'lokal'",
        "compression = 'lz4'",
        "pull = 'sometimes'",
        "push = 'yes'",
        "build_timeout_s = 0",
        "build_timeout_s = '600'",
        "registry_timeout_s = 99999999999",
        "repository = 'a b'",
        "platform = 'Linux'",
        "alias_tags = 'x'",
        "image_labels = ['x']",
        "[environments.a]",
        f"{BASE}headless_desktop_enabled = 'on'",
        f"{BASE}nonsense = 1",
        f"{BASE}platforms = ['amd64']",
        f"{BASE}env_vars = {{ A = 1 }}",
        f"{BASE}setup = 'x'\nsetup_script = 'y'",
        f"{BASE}layers = [{{ packages = ['git'] }}]",
        f"{BASE}layers = [{{ name = 'x', pakages = ['git'] }}]",
        "[layers.x]\nscript = 'a'\ntext = 'b'",
        "[layers.x]\nneeds = 'tools'",
        "environments = 1",
    ],
)
def test_what_the_reader_refuses_is_refused(text: str) -> None:
    """A misspelt key, a wrong type or word, two of which one is allowed, and what is missing: by both."""
    assert not accepts(text)
    with pytest.raises(ConfigurationError):
        settings_from(text, Path("desktop-bake.toml"), {})


def test_every_field_is_described() -> None:
    """Each key is there with its text, without links, and with the default that holds."""
    properties = schema()["properties"]
    assert set(properties) == {"schema", "layers", "environments", *(s.name for s in SETTINGS)}
    environment = properties["environments"]["additionalProperties"]["properties"]
    layer = properties["layers"]["additionalProperties"]["properties"]
    assert {f.name for f in ENVIRONMENT} < set(environment)
    assert {f.name for f in LAYER} < set(layer)
    for field in (*properties.values(), *environment.values(), *layer.values()):
        assert field["description"]
        assert "](" not in field["description"]
    assert properties["build_timeout_s"]["default"] == 600
    assert environment["packages"]["examples"] == [["chromium", "git"]]
    assert json.loads(schema_text()) == schema()
