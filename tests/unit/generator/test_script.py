"""A script as a file or a text: what is normalised, and what is refused."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from desktop_bake import ConfigurationError, Environment, ImageReference, Script
from desktop_bake.generator.script import LONGEST_BYTES

BASE = ImageReference.parse("debian:bookworm")


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("echo a\n", b"echo a\n"),
        ("\ufeffecho a\r\necho b\r\n", b"echo a\necho b\n"),
        ("echo '\ufeff'\n", "echo '\ufeff'\n".encode()),
        ("printf 'a\rb'\r\n", b"printf 'a\rb'\n"),
        ("echo ü", "echo ü".encode()),
    ],
)
def test_a_text_is_normalised(text: str, content: bytes) -> None:
    """A leading mark and CRLF, which nobody sees in a text box, go; everything else stays."""
    assert Script.text(text).content == content
    assert Script.text(content.decode()) == Script.text(text)


def test_a_file_stays_a_name() -> None:
    """A file is not read here, and one outside the project is refused with its environment and field."""
    assert Script.file("a.sh").path == "a.sh"
    assert Environment(env_id="e", base_image=BASE, preflight_script=Script.file(Path("/any/where"))).preflight_script
    with pytest.raises(ConfigurationError, match=r"^environment 'e': preflight_script '\.\./a' leads out of"):
        Environment(env_id="e", base_image=BASE, preflight_script=Script.file("../a"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("#" * 1_000_000, "a text of 1,000,000 bytes is longer than 256 KiB"),
        ("echo \ud800", "a text holds an invalid character"),
    ],
)
def test_refused(text: str, says: str) -> None:
    """A text that is too long, or that UTF-8 cannot say, is refused in one line that does not repeat it."""
    with pytest.raises(ConfigurationError) as refused:
        Script.text(text)
    assert str(refused.value) == says


def test_the_longest() -> None:
    """256 KiB are taken; a script has one of path and content."""
    assert Script.text("#" * LONGEST_BYTES).content
    for wrong in ({}, {"path": "a", "content": b"b"}):
        with pytest.raises(ConfigurationError, match=r"^a script is a file or a text$"):
            Script(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("texts", "status", "printed"),
    [
        (["echo a"], 0, "a\n"),
        (["echo a; exit", "echo b\n"], 0, "a\nb\n"),
        (["x=1; set -u", "echo ${x-unset} 'END' \"$0\" | grep -c /"], 0, "1\n"),
        (["echo a; exit 3", "echo b"], 3, "a\n"),
        (["echo a", "false"], 1, "a\n"),
    ],
)
def test_in_turn(texts: list[str], status: int, printed: str, tmp_path: Path) -> None:
    """Several run one after the other, each on its own; the first that fails ends them, and no file is left."""
    content = Script.in_turn(texts).content
    assert content
    (tmp_path / "script").write_bytes(content)
    folder = tmp_path / "tmp"
    folder.mkdir()
    variables = {"PATH": "/usr/bin:/bin", "TMPDIR": str(folder)}
    done = subprocess.run(["bash", tmp_path / "script"], capture_output=True, text=True, env=variables, check=False)
    assert (done.returncode, done.stdout) == (status, printed), done.stderr
    assert list(folder.iterdir()) == []
