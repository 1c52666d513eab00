"""Edits of desktop-bake.toml: what changes, what stays, what is refused."""

from __future__ import annotations

import multiprocessing
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_bake import ConfigurationError
from desktop_bake.bake.cli.main import main
from desktop_bake.bake.config.toml_edit import edit_toml, field_and_value
from desktop_bake.bake.config.toml_file import settings_from
from desktop_bake.bake.system.edit import editing
from tests.harness.every import every

HERE = Path("desktop-bake.toml")
WRITTEN = """\
# ours
push = false   # not yet

[environments.default]   # the one
base_image = 'debian:bookworm'  # "quoted" the other way
headless_desktop_enabled=true

# The GPU's:
[environments.gpu]
base_image = "debian:trixie"
"""


def test_only_the_field_changes() -> None:
    """A value set keeps every other byte; a new one comes before the comment of the next table."""
    edited = edit_toml(WRITTEN, HERE, "default", field_and_value(["headless_desktop_enabled=off"]))
    assert edited == WRITTEN.replace("enabled=true", "enabled=false")
    edited = edit_toml(WRITTEN, HERE, "default", field_and_value(["cache_desktop_build=yes"]))
    assert edited == WRITTEN.replace("enabled=true\n", "enabled=true\ncache_desktop_build = true\n")


LAYERED = """\
[layers.tools] # ours
packages = ["git"]
[environments.default]
base_image = 'x' # base
layers = ["tools"] # theirs

# the next
[environments.gpu]
base_image = 'x'
"""


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("layers=tools", '["tools"]'),
        (
            'layers=["tools", {name="web", packages=["chromium"]}]',
            '["tools", {name = "web", packages = ["chromium"]}]',
        ),
        ('layers=[{name="web", text="echo"}]', '[{name = "web", text = "echo"}]'),
    ],
)
def test_layers(word: str, line: str) -> None:
    """Layers, by name or as tables, are one line where they stand, and where they are new."""
    edited = edit_toml(LAYERED, HERE, "default", field_and_value([word]))
    assert edited == LAYERED.replace('layers = ["tools"]', f"layers = {line}")
    assert edit_toml(LAYERED, HERE, "gpu", field_and_value([word])) == f"{LAYERED}layers = {line}\n"


def test_layers_that_cannot_be() -> None:
    """A name that is no layer's is not written, nor a package that is an option."""
    for word, says in (("layers=tolls", "'tolls', which is not a layer"), ("packages=-y", "packages holds '-y'")):
        with pytest.raises(ConfigurationError, match=says):
            edit_toml(LAYERED, HERE, "default", field_and_value([word]))


@pytest.mark.parametrize(
    ("text", "edited"),
    [
        (
            "environments = {default={base_image='x'}} # c\n",
            "environments = {default={base_image='x',cache_desktop_build = true}} # c\n",
        ),
        (
            "[environments]\ndefault.base_image = 'x' # c\n",
            "[environments]\ndefault.base_image = 'x' # c\ndefault.cache_desktop_build = true\n",
        ),
        (
            "push=false\r\n[environments.default]\r\nbase_image='x'\r\n",
            "push=false\r\n[environments.default]\r\nbase_image='x'\r\ncache_desktop_build = true\r\n",
        ),
        (
            "[environments.default]\nbase_image='x' # no newline",
            "[environments.default]\nbase_image='x' # no newline\ncache_desktop_build = true\n",
        ),
    ],
)
def test_every_way_to_write_it(text: str, edited: str) -> None:
    """Inline tables, dotted keys, CRLF and a missing last newline stay as they are."""
    assert edit_toml(text, HERE, "default", {("cache_desktop_build",): True}) == edited


def test_tables_lists_and_taking_out() -> None:
    """Build arguments are set one by one, lists by commas, and what is taken out is gone."""
    words = ["build_args.A=1", "build_args.B=x=y", "platforms=linux/amd64, linux/arm64"]
    edited = edit_toml(WRITTEN, HERE, "gpu", field_and_value(words))
    environment = settings_from(edited, HERE, {}).environments["gpu"]
    assert environment.build_args == {"A": "1", "B": "x=y"}
    assert environment.platforms == ("linux/amd64", "linux/arm64")
    out = edit_toml(edited, HERE, "gpu", {("build_args", "A"): None, ("platforms",): None, ("name",): None})
    assert settings_from(out, HERE, {}).environments["gpu"].build_args == {"B": "x=y"}
    assert out.startswith(WRITTEN)


def test_a_new_environment() -> None:
    """A new environment is a table at the end; also in an empty file, and with an ID that needs quotes."""
    edited = edit_toml(WRITTEN, HERE, "new one", field_and_value(["base_image=debian:12"]), create=True)
    assert edited == WRITTEN + '\n[environments."new one"]\nbase_image = "debian:12"\n'
    assert edit_toml("", HERE, "a", {("base_image",): "b"}, create=True) == '[environments.a]\nbase_image = "b"\n'
    with pytest.raises(ConfigurationError, match="exists already"):
        edit_toml(WRITTEN, HERE, "gpu", {("base_image",): "b"}, create=True)


@every(
    ("words", "says", "remedy"),
    [
        (["cache_desktop_biuld=on"], "unknown field 'cache_desktop_biuld'", "did you mean 'cache_desktop_build'?"),
        (["cache_desktop_build=perhaps"], "cache_desktop_build is 'perhaps'", "write true or false"),
        (["cache_desktop_build"], "not of the form FIELD=VALUE", "write: cache_desktop_build=…"),
        (["name.x=1"], "unknown field 'name.x'", "name holds no fields"),
        (["platforms=[1"], "is not TOML", "write"),
        (["platforms=windows"], "malformed platform", "write os/architecture"),
        (["base_image=a b"], "malformed image reference", ""),
        (["build_args.A-B=1"], "malformed build argument name", ""),
    ],
)
def test_refused(words: list[str], says: str, remedy: str) -> None:
    """An edit that would not load is refused with its reason and its remedy."""
    with pytest.raises(ConfigurationError) as refused:
        edit_toml(WRITTEN, HERE, "default", field_and_value(words))
    assert says in str(refused.value)
    assert remedy in refused.value.remedy


KEYS = st.sampled_from(["name", "install_script", "setup_script", "dockerfile"])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = TEXTS.filter(lambda text: not text.startswith("/") and ".." not in text.split("/"))  # that stay in the folder


@given(old=st.dictionaries(KEYS, NAMES), new=st.dictionaries(KEYS, NAMES | st.none()))
def test_law_of_edits(old: dict[str, str], new: dict[str, str | None]) -> None:
    """Whatever was there and is set, the result means the old table with the changes, comments kept."""
    text = edit_toml(WRITTEN, HERE, "gpu", {(k,): v for k, v in old.items()})
    edited = edit_toml(text, HERE, "gpu", {(k,): v for k, v in new.items()})
    wanted = {k: v for k, v in {"base_image": "debian:trixie", **old, **new}.items() if v is not None}
    assert tomllib.loads(edited)["environments"]["gpu"] == wanted
    assert edited.startswith(WRITTEN.rstrip())


@given(values=st.dictionaries(st.sampled_from(["A", "B", "C"]), TEXTS.filter(lambda t: "\0" not in t), min_size=1))
def test_law_of_tables(values: dict[str, str]) -> None:
    """Build arguments come back as they were given."""
    edited = edit_toml(WRITTEN, HERE, "default", {("build_args", k): v for k, v in values.items()})
    assert settings_from(edited, HERE, {}).environments["default"].build_args == values


def _edit(words: list[str]) -> None:
    sys.exit(main(words))


def test_edits_wait_for_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six edits at once lose none."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "desktop-bake.toml"
    path.write_text(WRITTEN)
    words = ["env", "set", "gpu", "--config", str(path)]
    forks = multiprocessing.get_context("fork")
    running = [forks.Process(target=_edit, args=([*words, f"build_args.N{n}={n}"],)) for n in range(6)]
    for process in running:
        process.start()
    for process in running:
        process.join()
    assert [process.exitcode for process in running] == [0] * 6
    arguments = settings_from(path.read_text(), path, {}).environments["gpu"].build_args
    assert arguments == {f"N{n}": str(n) for n in range(6)}
    with editing(path) as content:
        assert content == path.read_bytes()
