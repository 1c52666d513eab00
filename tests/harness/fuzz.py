"""Guided by coverage: `python -m tests.harness.fuzz CORPUS [OPTIONS]` feeds the targets what libFuzzer makes.

Atheris, not hypofuzz: it is kept by Google, runs without a service, and counts branches within our own modules; a
case costs it a tenth of a millisecond. A byte before each input names its target.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["desktop_bake"]):
    from tests.harness.targets import TARGETS, feed

NAMES = tuple(TARGETS)


def one(content: bytes) -> None:
    """One input."""
    if content:
        feed(NAMES[content[0] % len(NAMES)], content[1:])


def main() -> None:
    """Write the seeds into the corpus and begin; libFuzzer ends the process, with a status of its own on a fault."""
    corpus = Path(sys.argv[1])
    corpus.mkdir(exist_ok=True)
    for index, target in enumerate(TARGETS.values()):
        for number, seed in enumerate(target.seeds):
            (corpus / f"{NAMES[index]}-{number}").write_bytes(bytes([index]) + seed)
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
