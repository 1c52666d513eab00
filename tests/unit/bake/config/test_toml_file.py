"""`desktop-bake.toml` and the variables over it: what is read, what precedes what, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from desktop_bake import ImageReference, Settings
from desktop_bake.bake.config.lock_names import LOCK_NAME
from desktop_bake.bake.config.settings import FILE_NAME
from desktop_bake.bake.config.toml_file import environment_from, load_settings, settings_from
from desktop_bake.generator.errors import ConfigurationError
from tests.harness.every import every
from tests.harness.locks import LOCK, TEXT

HERE = Path("/project") / FILE_NAME


def read(text: str, variables: dict[str, str] | None = None, **overrides: Any) -> Settings:
    """The settings of a text."""
    return settings_from(text, HERE, variables or {}, overrides)


def test_nothing() -> None:
    """An empty file is the defaults, in its own folder."""
    assert read("") == Settings(root=Path("/project"))


def test_whole() -> None:
    """Every kind of value is read: texts, numbers, toggles, lists, references and tables."""
    settings = read(
        """
        schema = 1
        repository = "r.example.com/team/desktop"
        build_timeout_s = 60
        push = true
        attest = ["type=sbom", ""]
        verify_command = ["check", "{image}"]
        [environments.office]
        base_image = "debian:12"
        platforms = ["linux/amd64"]
        build_secrets = ["TOKEN"]
        [environments.office.build_args]
        A = "1"
        """
    )
    assert (str(settings.repository), settings.build_timeout_s, settings.push) == (
        "r.example.com/team/desktop",
        60,
        True,
    )
    assert (settings.attest, settings.verify_command) == (("type=sbom",), ("check", "{image}"))
    environment = settings.environment("office")
    assert environment.base_image == ImageReference.parse("debian:12")
    assert (environment.platforms, environment.build_secrets) == (("linux/amd64",), ("TOKEN",))
    assert environment.build_args == {"A": "1"}


@every(
    ("text", "says", "remedy"),
    [
        ("a = ", "invalid TOML in desktop-bake.toml: ", 'fix that line; text is written in quotes: key = "value"'),
        ("a = " + "[" * 100_000, "desktop-bake.toml is nested too deeply", "remove brackets, or restore the file"),
        (
            "build_timeout_s = " + "9" * 5000,
            "invalid TOML in desktop-bake.toml: ",
            'fix that line; text is written in quotes: key = "value"',
        ),
        ("schema = 2", "desktop-bake.toml has schema 2", "write schema = 1, or install the version"),
        ("repositry = 'a'", "desktop-bake.toml: unknown key 'repositry'", "did you mean 'repository'?"),
        ("push = 1", "desktop-bake.toml: push is 1, not of type bool", "write true or false, without quotes"),
        (
            "build_timeout_s = true",
            "desktop-bake.toml: build_timeout_s is True, not of type int",
            "write a whole number, without quotes",
        ),
        ("build_timeout_s = 0", "build_timeout_s is 0", "use a positive number of seconds, at most 31536000"),
        ("attest = [1]", "desktop-bake.toml: attest holds 1, which is not text", 'write "1"'),
        ("environments.a = 1", "environments.a is not a table", "write [environments.a]"),
        ("[environments.a]", "desktop-bake.toml, environments.a: base_image is missing", "write base_image ="),
        (
            "[environments.a]\nbase_image = 1",
            "environments.a: base_image is 1, not of type str",
            "write a text in quotes",
        ),
        ("[environments.a]\nbase_image='a'\nnaem='b'", "environments.a: unknown key 'naem'", "did you mean 'name'?"),
        ("[environments.a]\nbase_image='a'\nplatforms=[1]", "environments.a: platforms holds 1", 'write "1"'),
        ("[environments.a]\nbase_image='a'\nbuild_args={A=1}", "environments.a: A holds 1", 'write "1"'),
        ("[environments.a]\nbase_image='A B'", "malformed image reference 'A B'", ""),
        ("repository = 'a:1'", "repository 'a:1' has a tag or a digest", "leave it out: the cache key is the tag"),
        (
            "push = true",
            "repository 'desktop-bake' is not in a registry, so there is nowhere to push to",
            "write repository =",
        ),
        ("pull = 'daily'", "pull is 'daily'", "use one of: missing, always, never"),
        ("cache = 'x'", "cache", ""),
        ("builder = '-x'", "malformed builder name '-x'", "see: docker buildx ls"),
        ("platform = 'amd64'", "malformed platform 'amd64'", "write os/architecture[/variant]"),
        ("verify_command = ['check']", "verify_command has no {image} after its program", "write verify_command ="),
        ("verify_command = ['{image}']", "verify_command has no {image} after its program", ""),
        ("verify_command = ['a', \"{image}\\u0000\"]", "verify_command holds a NUL character", "remove it"),
        ("attest = ['type=sbom', 'type=sbom']", "attest names one type twice", ""),
    ],
)
def test_refused(text: str, says: str, remedy: str) -> None:
    """What is misspelt, of another type or of no use is refused by its place, with a remedy."""
    with pytest.raises(ConfigurationError) as refused:
        read(text)
    assert says in str(refused.value)
    assert remedy in refused.value.remedy


# --- variables and flags ---------------------------------------------------------------------------------------------


@every(
    ("variable", "text", "field", "wanted"),
    [
        ("DESKTOP_BAKE_CACHE", "none", "cache", "none"),
        ("DESKTOP_BAKE_BUILDER", "", "builder", ""),
        ("DESKTOP_BAKE_FALLBACK", "off", "fallback", False),
        ("DESKTOP_BAKE_FALLBACK", "Yes", "fallback", True),
        ("DESKTOP_BAKE_BUILD_TIMEOUT_S", "60", "build_timeout_s", 60),
        ("DESKTOP_BAKE_REPOSITORY", "a/b", "repository", ImageReference.parse("a/b")),
        ("DESKTOP_BAKE_VERIFY_COMMAND", "check 'a b' {image}", "verify_command", ("check", "a b", "{image}")),
        ("DESKTOP_BAKE_VERIFY_COMMAND", "", "verify_command", ()),
    ],
)
def test_variables(variable: str, text: str, field: str, wanted: object) -> None:
    """A variable precedes the file, whatever its type."""
    written = (
        'fallback = false\nbuild_timeout_s = 5\ncache = "inline"\nverify_command = ["x", "{image}"]\nbuilder = "b"\n'
    )
    if wanted is False:
        written = "fallback = true\n"
    assert getattr(read(written, {variable: text}), field) == wanted
    assert getattr(read(written), field) != wanted


@pytest.mark.parametrize(
    ("variable", "text", "says"),
    [
        ("DESKTOP_BAKE_FALLBACK", "perhaps", "DESKTOP_BAKE_FALLBACK is 'perhaps', not of type bool"),
        ("DESKTOP_BAKE_BUILD_TIMEOUT_S", "-1", "DESKTOP_BAKE_BUILD_TIMEOUT_S is '-1', not of type int"),
        ("DESKTOP_BAKE_BUILD_TIMEOUT_S", "1" * 10, "not of type int"),
        ("DESKTOP_BAKE_BUILD_TIMEOUT_S", "", "not of type int"),
        ("DESKTOP_BAKE_VERIFY_COMMAND", "a 'b", 'DESKTOP_BAKE_VERIFY_COMMAND is "a \'b": No closing quotation'),
    ],
)
def test_variables_refused(variable: str, text: str, says: str) -> None:
    """A variable that cannot be read is refused by its name, never passed over."""
    with pytest.raises(ConfigurationError) as refused:
        read("", {variable: text})
    assert says in str(refused.value)


def test_a_flag_goes_first() -> None:
    """A flag precedes a variable and the file; one that was not given changes nothing."""
    variables = {"DESKTOP_BAKE_CACHE": "inline"}
    assert read('cache = "local"', variables, cache="none").cache == "none"
    assert read('cache = "local"', variables, cache=None).cache == "inline"


def test_other_variables() -> None:
    """Variables of the same beginning that are no settings are somebody else's."""
    assert read("", {"DESKTOP_BAKE_TEST_BASE": "a", "DESKTOP_BAKE_ENVIRONMENTS": "b"}) == read("")


def test_a_program_names_only_what_it_wants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without arguments, file and variables are those that a command would use; an empty table is no variables."""
    (tmp_path / FILE_NAME).write_text('cache_scope = "file"')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DESKTOP_BAKE_CACHE_SCOPE", "variable")
    assert load_settings().cache_scope == "variable"
    assert load_settings(tmp_path / FILE_NAME).cache_scope == "variable"
    assert load_settings(None, {}).cache_scope == "file"


def test_environment_from_changes_nothing() -> None:
    """The fields that are given stay as they are."""
    fields: dict[str, Any] = {"base_image": "a", "platforms": ["linux/amd64"]}
    environment_from("x", fields, "here")
    assert fields == {"base_image": "a", "platforms": ["linux/amd64"]}


# --- which file ------------------------------------------------------------------------------------------------------


def test_the_file_above(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is looked for from the working directory upwards, and its folder is the root of names."""
    (tmp_path / FILE_NAME).write_text('cache = "none"\n')
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    settings = load_settings(None, {})
    assert (settings.cache, settings.root.resolve()) == ("none", tmp_path)


def test_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file there is an error, unless a command does without: then the variables still count."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=f"no {FILE_NAME} here or in a folder above"):
        load_settings(None, {})
    settings = load_settings(None, {"DESKTOP_BAKE_CACHE": "none"}, required=False)
    assert (settings.cache, settings.root) == ("none", tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("nowhere.toml", None, "cannot read"),
        ("bad.toml", b"\xff", "bad.toml is not UTF-8"),
        ("mark.toml", b"\xef\xbb\xbfcache = 'none'\n", "byte order mark"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str, content: bytes | None, says: str) -> None:
    """A file that was named and cannot be read is an error: no default takes its place."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigurationError) as refused:
        load_settings(tmp_path / name, {})
    assert says in str(refused.value)


def test_the_lock_lies_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock of the file's folder is read with it, if there is one; one that is no lock is refused."""
    file, lock = tmp_path / FILE_NAME, tmp_path / LOCK_NAME
    file.write_text("")
    assert load_settings(file, {}) == Settings(root=tmp_path, lock_file=lock)
    lock.write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    for path in (file, None):
        assert load_settings(path, {}) == Settings(root=tmp_path, lock_file=lock, lock=LOCK)
    lock.write_text("schema = 2")
    with pytest.raises(ConfigurationError, match=r"^desktop-bake\.lock has schema 2"):
        load_settings(file, {})


@pytest.mark.parametrize(
    ("text", "variables", "wanted"),
    [("frozen = true", {}, True), ("", {"DESKTOP_BAKE_FROZEN": "1"}, True), ("", {}, False)],
)
def test_frozen(text: str, variables: dict[str, str], wanted: bool) -> None:
    """The file, a variable or a flag forbids to resolve tags."""
    assert read(text, variables).frozen is wanted
    assert read(text, variables, frozen=True).frozen


def test_somebody_elses_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that another user put into the folder is not used, unless the folder is named."""
    (tmp_path / FILE_NAME).write_text("")
    (tmp_path / LOCK_NAME).write_text(TEXT)
    os.chown(tmp_path / LOCK_NAME, 65534, 65534)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=r"desktop-bake\.lock is not used: it belongs to .*; a lock decides"):
        load_settings(None, {})
    assert load_settings(tmp_path / FILE_NAME, {}).lock == LOCK
