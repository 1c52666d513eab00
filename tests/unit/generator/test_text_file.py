"""Files that an editor of another system saved: each is refused by its own name, with a command that mends it."""

from __future__ import annotations

import subprocess
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from dataclasses import replace
from pathlib import Path, PurePath

import pytest

from desktop_bake.bake.config.agents_runner import read_origin
from desktop_bake.bake.config.toml_file import load_settings
from desktop_bake.generator.errors import ConfigurationError
from desktop_bake.generator.recipe import ContextFile
from desktop_bake.generator.text_file import text_of
from tests.harness.recipes import RECIPE

TEXT = "#!/bin/bash\nset -e\necho Grüße\n"
# As editors of Windows save it.
SAVED = {
    "UTF-8 with a mark": BOM_UTF8 + TEXT.encode(),
    "UTF-16": BOM_UTF16_LE + TEXT.encode("utf-16-le"),
    "big-endian UTF-16": BOM_UTF16_BE + TEXT.encode("utf-16-be"),
    "UTF-32": BOM_UTF32_LE + TEXT.encode("utf-32-le"),
    "big-endian UTF-32": BOM_UTF32_BE + TEXT.encode("utf-32-be"),
    "CRLF": TEXT.replace("\n", "\r\n").encode(),
}
CONFIGURATION = """[environments.default]
base_image = "debian:bookworm"
headless_desktop_enabled = true
{field} = "{name}"
"""
ORIGIN = '{"env_id": "a"}'


def mended(error: ConfigurationError, locale: str) -> None:
    """Run the command of a remedy."""
    command = error.remedy.partition(": ")[2]
    subprocess.run(["sh", "-ec", command], check=True, env={"PATH": "/usr/bin:/bin", "LC_ALL": locale})


@pytest.mark.parametrize("saved", SAVED)
@pytest.mark.parametrize("field", ["install_script", "setup_script", "preflight_script", "preflight_run_script"])
def test_scripts(field: str, saved: str, tmp_path: Path) -> None:
    """A script is reported by the name that the configuration has for it, and the remedy makes it what was meant."""
    (tmp_path / "a b").mkdir()
    script = tmp_path / "a b" / "office's.sh"
    script.write_bytes(SAVED[saved])
    script.chmod(0o755)
    config = tmp_path / "desktop-bake.toml"
    config.write_text(CONFIGURATION.format(field=field, name="a b/office's.sh"))
    settings = load_settings(config, {})

    def read() -> None:
        settings.stack(settings.environment(None))
        settings.preflight_run(settings.environment(None))

    with pytest.raises(ConfigurationError) as caught:
        read()
    assert str(caught.value).startswith("environment 'default': a b/office's.sh ")
    mended(caught.value, "C" if saved == "CRLF" else "C.UTF-8")
    read()
    assert script.read_text() == TEXT
    assert script.stat().st_mode & 0o777 == 0o755
    assert [path.name for path in script.parent.iterdir()] == [script.name]


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_a_dockerfile(locale: str, tmp_path: Path) -> None:
    """A Dockerfile with a byte order mark is refused, too, and fixed in any locale."""
    dockerfile = tmp_path / "office.Dockerfile"
    dockerfile.write_bytes(BOM_UTF8 + RECIPE.dockerfile)
    config = tmp_path / "desktop-bake.toml"
    config.write_text(CONFIGURATION.format(field="dockerfile", name="office.Dockerfile"))
    settings = load_settings(config, {})
    with pytest.raises(ConfigurationError, match=r"office\.Dockerfile begins with a byte order mark") as caught:
        settings.recipe(settings.environment(None))
    mended(caught.value, locale)
    assert settings.recipe(settings.environment(None)).dockerfile == RECIPE.dockerfile


@pytest.mark.parametrize("saved", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_configuration(saved: str, tmp_path: Path) -> None:
    """The configuration, and a file of Agents Runner, are refused by name and fixed alike."""
    config = tmp_path / "office.toml"
    text = CONFIGURATION.format(field="name", name="Grüße")
    config.write_bytes(text.encode(saved))
    with pytest.raises(ConfigurationError, match=r"office\.toml (begins|is in UTF)") as caught:
        load_settings(config, {})
    mended(caught.value, "C.UTF-8")
    assert load_settings(config, {}).environment(None).name == "Grüße"

    state = tmp_path / "state.json"
    state.write_bytes(ORIGIN.encode(saved))
    with pytest.raises(ConfigurationError, match=r"state\.json (begins|is in UTF)") as caught:
        read_origin(state)
    mended(caught.value, "C.UTF-8")
    assert list(read_origin(state).payloads) == ["a"]


def test_another_file_of_the_context() -> None:
    """A further file of the build context is refused if it is a script; what is data may begin as it likes."""
    with pytest.raises(ConfigurationError, match="bin/x begins with a byte order mark"):
        replace(RECIPE, files={"bin/x": ContextFile(content=SAVED["UTF-8 with a mark"])})
    with pytest.raises(ConfigurationError, match="bin/x has CRLF"):
        replace(RECIPE, files={"bin/x": ContextFile(content=SAVED["CRLF"])})
    replace(RECIPE, files={"table.csv": ContextFile(content=BOM_UTF8 + b"a;b\r\n")})


def test_text_of() -> None:
    """A file in UTF-8 is its text; one in another encoding is refused by its name, with the caller's remedy."""
    assert text_of("ä\n".encode(), PurePath("/a/b.toml")) == "ä\n"
    with pytest.raises(ConfigurationError, match=r"^b\.toml is not UTF-8: ") as refused:
        text_of("ä".encode("latin-1"), PurePath("/a/b.toml"), "restore it")
    assert refused.value.remedy == "restore it"
