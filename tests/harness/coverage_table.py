"""The lines that tests/unit runs, by floor: `make coverage`."""

from __future__ import annotations

import json
import sys
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def floor_of(module: str) -> str:
    """The floor of a module, by its path: `bake/images`, `bake/context.py`, `generator`."""
    parts = Path(module).parts
    return "/".join(parts[:2]) if parts[0] == "bake" else parts[0]


def floors(report: dict[str, Any], exempt: dict[str, str]) -> dict[str, tuple[int, int]]:
    """Executed lines and all lines, by floor.

    Args:
        report: what `coverage json` writes.
        exempt: modules that do not count, each with a reason.
    """
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for name, found in report["files"].items():
        if not name.endswith("__init__.py") and name not in exempt and Path(name).parts[0] in ("bake", "generator"):
            count = counts[floor_of(name)]
            count[0] += found["summary"]["covered_lines"]
            count[1] += found["summary"]["num_statements"]
    return {floor: (run, there) for floor, (run, there) in sorted(counts.items())}


def main(report_file: Path) -> int:
    """Print the table; return 1 if a floor, or a module that counts, is below the minimum."""
    rule = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["desktop-bake"]["coverage"]
    report = json.loads(report_file.read_text(encoding="utf-8"))
    least, exempt = rule["least_percent"], rule["exempt"]
    missing = [name for name in exempt if not (ROOT / name).is_file()]
    if missing:
        print(f"pyproject.toml exempts what is not there: {', '.join(missing)}", file=sys.stderr)
        return 1
    below = []
    for floor, (run, there) in floors(report, exempt).items():
        percent = 100 * run / there
        below += [floor] if percent < least else []
        print(f"{floor:<22} {run:>5} of {there:>5} lines  {percent:5.1f} %")
    for name, why in exempt.items():
        summary = report["files"].get(name, {}).get("summary", {"percent_covered": 0.0})
        print(f"not counted: {name} ({summary['percent_covered']:.0f} %): {why}")
    if below:
        print(f"below {least} %: {', '.join(below)}", file=sys.stderr)
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
