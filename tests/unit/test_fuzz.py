"""Hostile content, by structure and guided by coverage: nothing but our own errors leaves whatever reads it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.harness.targets import CONFIGURATION, RECORD, TARGETS, feed

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\w.+-]+|\s+|.', re.DOTALL)
NASTY = (
    b"",
    b"null",
    b"true",
    b"[]",
    b"{}",
    b"0",
    b"-1",
    b"1e999",
    b"-1e999",
    b"NaN",
    b"Infinity",
    b"9" * 5000,
    b"9" * 400,
    b'"\\ud800"',
    b'"\\u0000"',
    b'"\\u001b[2J"',
    b'""',
    b'"' + b"a" * 5_000 + b'"',
    b"[" * 3000,
    b"[" * 20_000,
    b'{"a":' * 3000,
    b"{a=" * 1000,
    b"\0",
    b"\x1b[31m",
    b"\xff",
    b"\xed\xa0\x80",
    "\u202e²٣".encode(),
    b"\r\n",
    b"\n",
    b"../" * 3,
    b"-",
    b"--",
    b"=",
    b",",
    b":",
    b"@",
    b"<" * 5000,
    b"a" * 9000 + b'"',
    b'"YTpi/w=="',
    b'"~nobody/x"',
    b'"0001-01-01T00:00:00+23:59"',
    b'"9999-12-31T23:59:59-23:59"',
    b'"' + b"../" * 2000 + b'"',
    b"${A}",
    b"%{if}",
)
EDIT = st.tuples(
    st.integers(0, 1 << 16),
    st.sampled_from(["replace", "insert", "repeat"]),
    st.sampled_from(NASTY) | st.binary(max_size=8),
)
EVENT = TARGETS["metrics"].seeds[0].split(b"\n")[0]

# what once got out as something else, or did not end
KNOWN: dict[str, tuple[str, bytes]] = {
    "a lease with an infinite beat": ("manifest", TARGETS["manifest"].seeds[0].replace(b'"0"', b"Infinity")),
    "deep TOML": ("configuration", b"a = " + b"[" * 20_000),
    "a TOML number of 5,000 digits": ("configuration", b"build_timeout_s = " + b"9" * 5000),
    "seconds that no clock has": ("configuration", b"build_timeout_s = " + b"9" * 30),
    "a script's name with NUL": ("configuration", CONFIGURATION.replace(b'"p.sh"', b'"\\u0000"')),
    "a script without end": ("configuration", CONFIGURATION.replace(b'"/dev/null"', b'"/dev/zero"')),
    "a superscript for seconds": ("variables", "a\nlocal\nb\n²".encode()),
    "a value that is deep TOML": ("edits", b"build_args=" + b"{a=" * 3000),
    "a list of a huge number": ("edits", b"platforms=[" + b"9" * 5000 + b"]"),
    "deep failures": ("cache_files", b'{"count": ' + b"[" * 100_000),
    "infinite failures": ("cache_files", b'{"count": Infinity, "last": 1}'),
    "a huge time of failure": ("cache_files", b'{"count": 1, "last": 1' + b"0" * 400 + b"}"),
    "half a character in a record": (
        "cache_files",
        repr(RECORD).replace("'", '"').replace("None", "null").replace("FROM base\\n", "\\ud800").encode(),
    ),
    "a project with a name too long": ("cache_files", b'{"schema": 1, "project": "/' + b"a" * 5000 + b'"}'),
    "no ASCII in a login": ("credentials", '{"auths": {"registry.example.com": {"auth": "ü"}}}'.encode()),
    "half a character in a login": ("credentials", b'{"auths": {"registry.example.com": {"username": "\\ud800"}}}'),
    "a helper's name with NUL": ("credentials", b'{"credsStore": "a\\u0000"}'),
    "deep credentials": ("credentials", b'{"auths":' * 30_000),
    "an environment that is a list": ("metrics", EVENT.replace(b'"e"', b"[]")),
    "a huge number of seconds": ("metrics", EVENT.replace(b"0.1", b"1" + b"0" * 400)),
    "seconds whose sum is infinite": ("metrics", EVENT.replace(b"0.1", b"1e308").replace(b"5.1", b"1e308")),
    "a time before all times": (
        "metrics",
        EVENT.replace(b"2026-01-02T03:04:05.678", b"0001-01-01T00:00:00").replace(b"+00:00", b"+05:00"),
    ),
    "control characters in a phase": ("metrics", EVENT.replace(b"look", b"\\u001b[2J\\u0000")),
    "a challenge that costs hours": ("answers", b"Bearer " + b"a" * 3_000_000),
    "a link that costs hours": ("answers", b"<" * 3_000_000),
    "a realm that is no URL": ("answers", b'Bearer realm="https://["\n{}'),
    "infinitely many processors": ("task_options", b"--cpus=inf"),
    "nobody's home": ("task_options", b"~nobody-has-this-name/x:/y"),
    "a port of 5,000 digits": ("task_options", b"9" * 5000),
    "a superscript of processors": ("task_options", "²".encode()),
    "a duration of 5,000 digits": ("names", b"9" * 5000),
}


def broken(seed: bytes, edits: list[tuple[int, str, bytes]]) -> bytes:
    """A seed with some of its words replaced, repeated, or something put between them."""
    words = _TOKEN.findall(seed)
    for at, how, what in edits:
        index = at % (len(words) or 1)
        words[index : index + (how == "replace")] = words[index : index + 1] * 50 if how == "repeat" else [what]
    return b"".join(words)


@pytest.mark.parametrize("case", KNOWN)
def test_known(case: str) -> None:
    """What once got through is one of our errors, or understood, at once."""
    feed(*KNOWN[case])


@pytest.mark.parametrize("name", TARGETS)
def test_broken_by_structure(name: str, rounds: Callable[[int, int], int], figure: Callable[[str], None]) -> None:
    """Words of right content replaced by deep nesting, huge numbers, NUL, surrogates, control characters and more."""
    many = rounds(25, 2000)

    @settings(max_examples=many, deadline=None, database=None)
    @given(seed=st.sampled_from(TARGETS[name].seeds), edits=st.lists(EDIT, max_size=4))
    def run(seed: bytes, edits: list[tuple[int, str, bytes]]) -> None:
        feed(name, broken(seed, edits))

    run()
    figure(f"{name}: {many} cases, no unexpected exception")


def test_guided_by_coverage(tmp_path: Path, rounds: Callable[[int, int], int], figure: Callable[[str], None]) -> None:
    """libFuzzer, shown which branches its inputs reach in our modules, gets nothing out either."""
    many = rounds(300, 100_000)
    words = [
        sys.executable,
        "-m",
        "tests.harness.fuzz",
        str(tmp_path / "corpus"),
        f"-runs={many}",
        "-seed=1",
        "-max_len=4096",
        "-timeout=10",
        "-reload=0",
        "-rss_limit_mb=2048",
        f"-artifact_prefix={tmp_path}/",
    ]
    root = Path(__file__).parents[2]
    inside = {**os.environ, "TMPDIR": str(tmp_path)}  # libFuzzer ends its process without Python's own end
    done = subprocess.run(words, cwd=root, env=inside, capture_output=True, text=True, errors="replace", check=False)
    kept = [file.read_bytes() for file in tmp_path.glob("*-*") if file.is_file()]
    assert (done.returncode, kept) == (0, []), done.stdout + done.stderr
    assert f"Done {many} runs" in done.stderr
    figure(f"{many} cases, no unexpected exception, {len(list((tmp_path / 'corpus').iterdir()))} ways through the code")
