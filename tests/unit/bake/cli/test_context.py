"""What every command needs: its settings, its work, its output."""

from __future__ import annotations

import argparse
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from desktop_bake import ConfigurationError, Settings
from desktop_bake.bake.cli.context import load, print_json, reporter_of, show_result, work_of
from desktop_bake.bake.images.result import Disabled, LocalHit
from desktop_bake.bake.metrics.recorder import Recorder
from tests.harness.command_line import whole_parser
from tests.harness.work import order

FILE = """
repository = "r.example.com/a"
[environments.default]
base_image = "debian:bookworm"
"""


@pytest.mark.parametrize(
    ("words", "field", "wanted"),
    [
        (["key", "--repository", "b"], "repository", "b"),
        (["resolve", "--cache=none"], "cache", "none"),
        (["build", "--builder", "x"], "builder", "x"),
        (["run", "--pull", "never"], "pull", "never"),
        (["env", "list", "--platform", "linux/arm64"], "platform", "linux/arm64"),
        (["build", "--push"], "push", True),
        (["build"], "push", False),
        (["build", "--timeout", "7"], "build_timeout_s", 7),
        (["run", "--build-timeout", "7"], "build_timeout_s", 7),
        (["run", "--no-fallback"], "fallback", False),
        (["run"], "fallback", True),
        (["render", "--attest", "type=sbom", "--attest="], "attest", ("type=sbom",)),
        (["build", "--attest", ""], "attest", ()),
    ],
)
def test_a_flag_goes_first(
    words: list[str], field: str, wanted: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flag overrides the variable, which overrides the file; a missing flag overrides nothing."""
    (tmp_path / "desktop-bake.toml").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DESKTOP_BAKE_ATTEST", "type=provenance")
    value = getattr(load(whole_parser().parse_args(words)), field)
    assert (str(value) if field == "repository" else value) == wanted


CONFIGURATION = 'repository = "a"\ncache = "none"\n[environments.default]\nbase_image = "debian:12"\n'


def arguments(*words: str) -> argparse.Namespace:
    """What is typed."""
    return whole_parser().parse_args(words, argparse.Namespace(recorder=None))


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration in the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "desktop-bake.toml").write_text(CONFIGURATION)
    return tmp_path / "desktop-bake.toml"


def test_environments_of_agents_runner(tmp_path: Path, configuration: Path) -> None:
    """They take the place of the file's, which need not be there."""
    (tmp_path / "e.json").write_text('[{"env_id": "x"}]')
    words = ("key", "--environments", "e.json")
    assert set(load(arguments(*words)).environments) == {"x"}
    configuration.unlink()
    assert set(load(arguments(*words)).environments) == {"x"}
    with pytest.raises(ConfigurationError, match=r"^cannot read gone\.toml: "):
        load(arguments("key", "--config", "gone.toml"))


@pytest.mark.parametrize(
    ("quiet", "terminal", "progress"),
    [(False, True, "auto"), (True, True, "plain"), (False, False, "plain"), (True, False, "plain")],
)
def test_work(configuration: Path, monkeypatch: pytest.MonkeyPatch, quiet: bool, terminal: bool, progress: str) -> None:
    """BuildKit draws on a terminal; a quiet command says nothing, there or anywhere."""
    errors = io.StringIO()
    monkeypatch.setattr(errors, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr(sys, "stderr", errors)
    context = work_of(arguments("key", *["-q"] * quiet))
    context.reporter.say("a line")
    assert context.progress == progress
    assert errors.getvalue() == ("" if quiet else "a line\n")
    assert str(context.settings.repository) == "a"
    assert work_of(arguments("key"), Settings()).settings == Settings()


def test_metrics_listen(configuration: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A recorder hears of each phase, and the lines go where they go."""
    typed = arguments("resolve")
    typed.recorder = Recorder(tmp_path / "m.jsonl", "resolve")
    reporter = reporter_of(typed)
    reporter.say("a line")
    reporter.phase("build")
    assert capsys.readouterr() == ("", "a line\n")


def test_results(capsys: pytest.CaptureFixture[str]) -> None:
    """A result is a line of its status and its names, or its object."""
    hit = LocalHit(order=order(Settings()), image_id="sha256:1")
    show_result(hit, as_json=False)
    assert capsys.readouterr().out == f"local-hit  {hit.image}  sha256:1\n"
    show_result(Disabled(environment="e", image="b", reason="r", install_at_start=False), as_json=False)
    assert capsys.readouterr().out == "disabled  b\n"
    show_result(hit, as_json=True)
    assert json.loads(capsys.readouterr().out) == hit.as_json()


@pytest.mark.parametrize("value", [{"a": "ü€"}, {"a": ["\x1b", None, 1.5]}])
def test_json(capsys: pytest.CaptureFixture[str], value: Any) -> None:
    """JSON is an object in several lines, readable as text, with nothing for a terminal to obey."""
    print_json(value)
    output = capsys.readouterr().out
    assert json.loads(output) == value
    assert "\x1b" not in output
    assert ("ü€" in output) is ("ü€" in str(value))
