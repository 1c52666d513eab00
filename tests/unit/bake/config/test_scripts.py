"""Scripts as texts in desktop-bake.toml, and which of desktop and preflight the two switches bake."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop_bake import ConfigurationError, Digest, Script, Settings, stack_key
from desktop_bake.bake.config.toml_edit import edit_toml, field_and_value
from desktop_bake.bake.config.toml_file import settings_from
from desktop_bake.generator.environment import TEXT_KEYS
from tests.harness.every import every

HEAD = '[environments.e]\nbase_image = "debian"\n'
ON = "headless_desktop_enabled = true\ncache_desktop_build = true\n"
BASE = Digest("sha256:" + "1" * 64)


def settings(fields: str, folder: Path = Path("/nowhere")) -> Settings:
    """Settings of one environment with these fields."""
    return settings_from(HEAD + fields, folder / "desktop-bake.toml", {})


def key(fields: str, folder: Path) -> str:
    """The key of such an environment."""
    made = settings(fields, folder)
    environment = made.environment("e")
    return str(stack_key(environment, made.stack(environment), BASE))


def test_a_text_in_place_of_each_file() -> None:
    """Every script may be a text; CRLF of the file's own line ends is none of the script's."""
    assert TEXT_KEYS.keys() == {"install", "setup", "preflight", "preflight_run"}
    for name, field in TEXT_KEYS.items():
        environment = settings(f'{name} = """\r\necho a\r\necho b\r\n"""\n').environment("e")
        assert getattr(environment, field) == Script.text("echo a\necho b\n")


def test_the_key_is_of_the_bytes_that_run(tmp_path: Path) -> None:
    """A text and a file of the same bytes have one key, and so has the text with a mark and CRLF."""
    (tmp_path / "p.sh").write_text("echo a\necho b\n")
    as_file = key(ON + 'preflight_script = "p.sh"\n', tmp_path)
    assert key(ON + 'preflight = """\necho a\necho b\n"""\n', tmp_path) == as_file
    assert key(ON + 'preflight = "\\ufeffecho a\\r\\necho b\\r\\n"\n', tmp_path) == as_file
    assert key(ON + 'preflight = "echo a"\n', tmp_path) != as_file
    (tmp_path / "p.sh").write_bytes(b"echo a\r\n")
    with pytest.raises(ConfigurationError, match="CRLF"):
        key(ON + 'preflight_script = "p.sh"\n', tmp_path)


@every(
    ("toggles", "baked"),
    [
        (ON, (True, True)),
        (ON + "cache_preflight_build = true\n", (True, True)),
        (ON + "cache_preflight_build = false\n", (True, False)),
        (ON.replace("build = true", "build = false") + "cache_preflight_build = true\n", (False, True)),
        ("cache_preflight_build = true\n", (False, True)),
        ("cache_desktop_build = true\n", (False, True)),
        (ON.replace("build = true", "build = false"), (True, True)),  # nothing is: what `key` shows is all of it
        ("", (False, True)),
    ],
)
def test_what_is_baked(toggles: str, baked: tuple[bool, bool]) -> None:
    """Each switch is for its own part; a file without the second one means what it meant."""
    made = settings(toggles + 'preflight = "echo"\n')
    stack = made.stack(made.environment("e"))
    assert (stack.desktop is not None, stack.preflight is not None) == baked


def test_keys_of_files_without_the_new_fields(tmp_path: Path) -> None:
    """The second switch, said as it is meant, is in no key, nor is what tasks get."""
    before = key(ON + 'preflight = "echo"\n', tmp_path)
    more = 'cache_preflight_build = true\nenv_vars = { A = "1" }\nextra_mounts = ["/a:/b"]\nports = ["80"]\n'
    more += 'user = "1"\nsecurity_opt = ["no-new-privileges"]\nshm_size = "2g"\n'
    assert key(ON + 'preflight = "echo"\n' + more, tmp_path) == before


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ('preflight = "a"\npreflight_script = "b"\n', ", environments.e: both preflight and preflight_script"),
        (f'setup = "{"#" * 1_000_000}"\n', ", environments.e: setup: a text of 1,000,000 bytes is longer than 256 KiB"),
        ("preflight = 7\n", ", environments.e: preflight is 7, not of type str"),
        ('preflihgt = "a"\n', ", environments.e: unknown key 'preflihgt'"),
    ],
)
def test_refused(fields: str, says: str) -> None:
    """A faulty text is one line with environment and field."""
    with pytest.raises(ConfigurationError) as refused:
        settings(fields)
    assert str(refused.value) == "desktop-bake.toml" + says


def test_an_empty_text() -> None:
    """An empty text is refused, by the name under which it stands."""
    made = settings('preflight = " \\n"\n')
    with pytest.raises(ConfigurationError, match=r"^environment 'e': preflight is empty$"):
        made.preflight(made.environment("e"))


def test_an_edit() -> None:
    """`env set` writes a text, and puts no text beside a file's name."""
    path = Path("desktop-bake.toml")
    edited = edit_toml(HEAD, path, "e", field_and_value(["preflight=echo a\necho b\n"]))
    assert settings_from(edited, path, {}).environment("e").preflight_script == Script.text("echo a\necho b\n")
    with pytest.raises(ConfigurationError, match="both preflight and preflight_script"):
        edit_toml(edited, path, "e", field_and_value(["preflight_script=a.sh"]))
