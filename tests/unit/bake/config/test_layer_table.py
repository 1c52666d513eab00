"""Layers in desktop-bake.toml: tables of their own, and what an environment names of them."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from desktop_bake import ConfigurationError, Environment, Script
from desktop_bake.bake.config.layer_table import LAYER, LAYER_TEXTS, layers_from
from desktop_bake.bake.config.settings import FILE_NAME
from desktop_bake.bake.config.toml_file import settings_from
from desktop_bake.generator.layer import Layer
from tests.harness.every import every

OFFICE = '[environments.office]\nbase_image = "debian"\n'
TABLES = """
[layers.certs]
text = "update-ca-certificates"
below_desktop = true
[layers.tools]
script = "tools.sh"
packages = ["git"]
files = ["requirements.txt", "lib/"]
cache = false
needs = ["certs"]
"""


def office(text: str) -> Environment:
    """The environment of a configuration."""
    return settings_from(text, Path("/project") / FILE_NAME, {}).environment("office")


def test_every_field() -> None:
    """Tables are read whole, and the layers that a layer needs are added, below it."""
    assert {field.name for field in LAYER} | LAYER_TEXTS.keys() == {
        "script", "text", "packages", "files", "below_desktop", "cache", "needs"
    }  # fmt: skip
    assert office(TABLES + OFFICE + 'layers = ["tools"]\n').layers == (
        Layer(name="certs", script=Script.text("update-ca-certificates"), below_desktop=True),
        Layer(
            name="tools",
            script="tools.sh",
            packages=("git",),
            files=("requirements.txt", "lib/"),
            cache=False,
            needs=("certs",),
        ),
    )


def test_tables_in_place() -> None:
    """A table in the list is a layer of this environment, which may need another of it, or of the file."""
    own = 'layers = [{ name = "b", text = "", needs = ["a", "certs"] }, { name = "a", packages = ["git"] }, "tools"]\n'
    assert [layer.name for layer in office(TABLES + OFFICE + own).layers] == ["certs", "a", "b", "tools"]


def test_packages_and_files() -> None:
    """The form of one line, and the files of the desktop's own recipe."""
    environment = office(OFFICE + 'packages = ["chromium"]\nfiles = ["x", "dir/"]\n')
    assert (environment.packages, environment.files, environment.layers) == (("chromium",), ("x", "dir/"), ())


A = '[layers.a]\npackages = ["git"]\n'
REFUSED = {
    'layers = 7\n': ": layers is 7, not of type dict",
    '[layers]\na = "git"\n': ": layers.a is not a table",
    '[layers.a]\nscript = "a.sh"\nneed = ["b"]\n': ", layers.a: unknown key 'need'",
    '[layers.a]\npackages = "chromium"\n': ", layers.a: packages is 'chromium', not of type list",
    '[layers.a]\npackages = [1]\n': ", layers.a: packages holds 1, which is not text",
    '[layers.a]\nfiles = ["x", ["y"]]\nscript = "a.sh"\n': ", layers.a: files holds ['y'], which is not text",
    '[layers.a]\nscript = ["a.sh"]\n': ", layers.a: script is ['a.sh'], not of type str",
    '[layers.a]\nscript = "a.sh"\ncache = "on"\n': ", layers.a: cache is 'on', not of type bool",
    '[layers.a]\nscript = "a.sh"\ntext = "true"\n': ", layers.a: both text and script",
    f'[layers.a]\ntext = "{"#" * 1_000_000}"\n': ", layers.a: text: a text of 1,000,000 bytes is longer than 256 KiB",
    '[layers.a]\nscript = "a.sh"\nneeds = ["tolls"]\n[layers.tools]\npackages = ["git"]\n': (
        ", layers.a: needs names 'tolls', which is not a layer"
    ),
    '[layers.a]\npackages = ["git"]\nneeds = ["b"]\n[layers.b]\npackages = ["git"]\nneeds = ["a"]\n': (
        ": layers need each other in a circle: a -> b -> a"
    ),
    A + OFFICE + 'layers = "a"\n': ", environments.office: layers is 'a', not of type list",
    A + OFFICE + 'layers = ["b"]\n': ", environments.office: layers names 'b', which is not a layer",
    A + OFFICE + "layers = [7]\n": ", environments.office: layers holds 7, which is not the name of a layer",
    A + OFFICE + 'layers = [{ packages = ["git"] }]\n': ", environments.office: layers holds a table without a name",
    A + OFFICE + 'layers = [{ name = "a", packages = ["curl"] }]\n': ", environments.office: two layers are named 'a'",
    OFFICE + 'layers = [{ name = "a", packages = "git" }]\n': (
        ", environments.office: layer 'a': packages is 'git', not of type list"
    ),
    OFFICE + 'layers = [{ name = "a", packages = ["git"], needs = ["b"] }]\n': (
        ", environments.office: layer 'a': needs names 'b', which is not a layer"
    ),
    OFFICE + 'layers = [{ name = "a", text = "", needs = ["a"] }]\n': (
        ", environments.office: layers need each other in a circle: a -> a"
    ),
    A + OFFICE + 'layers = ["a", { name = "b", packages = ["git"], below_desktop = true, needs = ["a"] }]\n': (
        ", environments.office: layer 'b' is below the desktop and needs 'a', which is above it"
    ),
    OFFICE + 'packages = "chromium"\n': ", environments.office: packages is 'chromium', not of type list",
}  # fmt: skip
OF_THE_VALUE = {
    "[layers.a]\nbelow_desktop = true\n": "layer 'a' installs nothing",
    '[layers.a]\npackages = ["git"]\nfiles = ["x"]\n': "layer 'a': files without a script",
    '[layers.a]\npackages = ["-o"]\n': "layer 'a': packages holds '-o', which is not the name of a package",
    '[layers."a b"]\npackages = ["git"]\n': "malformed layer name 'a b'",
    '[layers.a]\nscript = "../a.sh"\n': "layer 'a': script '../a.sh' leads out of the configuration's folder",
    OFFICE + 'packages = ["git", "--yes"]\n': (
        "environment 'office': packages holds '--yes', which is not the name of a package"
    ),
    OFFICE + 'files = ["/etc/passwd"]\n': (
        "environment 'office': files '/etc/passwd' leads out of the configuration's folder"
    ),
    OFFICE + "layers = [" + ", ".join(f'{{ name = "l{n}", text = "" }}' for n in range(51)) + "]\n": (
        "environment 'office': more than 50 layers in one chain"
    ),
}


@every(("text", "says"), [*((text, FILE_NAME + says) for text, says in REFUSED.items()), *OF_THE_VALUE.items()])
def test_refused(text: str, says: str) -> None:
    """An impossible value is one line with environment or layer, field, and a remedy."""
    with pytest.raises(ConfigurationError) as refused:
        settings_from(text, Path("/project") / FILE_NAME, {})
    assert str(refused.value) == says
    assert refused.value.remedy


def test_did_you_mean() -> None:
    """A name that is nearly right gets the right one as its remedy, wherever it stands."""
    for text in (A + OFFICE + 'layers = ["aa"]\n', A + '[layers.b]\npackages = ["git"]\nneeds = ["aa"]\n'):
        with pytest.raises(ConfigurationError) as refused:
            office(text)
        assert refused.value.remedy == "did you mean 'a'?"


EXAMPLES = re.findall(r"```toml\n(.*?)```", (Path(__file__).parents[4] / "docs" / "layers.md").read_text(), re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES, ids=lambda text: text.partition("\n")[0])
def test_the_documents_examples(text: str) -> None:
    """The examples of docs/layers.md load, and their scripts are valid bash."""
    settings = settings_from(text, Path("/project") / FILE_NAME, {})
    layers = layers_from(tomllib.loads(text).get("layers", {}), FILE_NAME).values()
    assert settings.environments or layers
    for layer in layers:
        if isinstance(layer.script, Script):
            subprocess.run(["bash", "-n", "-c", layer.script.content or b""], check=True)


def test_the_documents_have_examples() -> None:
    """There are some to try."""
    assert len(EXAMPLES) >= 5
