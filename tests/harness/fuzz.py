"""Fuzzing guided by coverage: `python -m tests.harness.fuzz CORPUS [OPTIONS]` feeds libFuzzer's inputs to targets.

Atheris, not hypofuzz: Google maintains it, it runs without a service, it counts branches within our own modules,
and a case costs a tenth of a millisecond. The first byte of each input selects its target.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["desktop_bake"]):
    from tests.harness.targets import TARGETS, feed

NAMES = tuple(TARGETS)


def one(content: bytes) -> None:
    """Run one input."""
    if content:
        feed(NAMES[content[0] % len(NAMES)], content[1:])


def main() -> None:
    """Write the seeds into the corpus and start; libFuzzer ends the process, with its own status for a fault."""
    corpus = Path(sys.argv[1])
    corpus.mkdir(exist_ok=True)
    for index, target in enumerate(TARGETS.values()):
        for number, seed in enumerate(target.seeds):
            (corpus / f"{NAMES[index]}-{number}").write_bytes(bytes([index]) + seed)
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
