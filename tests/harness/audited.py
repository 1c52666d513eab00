"""`desktop-bake`, which prints on standard error, as JSON, its status and every file and folder that it opened."""

from __future__ import annotations

import json
import sys

from desktop_bake.bake.cli.main import main

_opened: list[str] = []


def _watch(event: str, values: tuple[object, ...]) -> None:
    if event in ("open", "os.listdir"):
        _opened.append(str(values[0]))


if __name__ == "__main__":
    sys.addaudithook(_watch)
    status = main(sys.argv[1:])
    json.dump([status, _opened], sys.stderr)
