"""A program that uses the API, like a task runner: for each line it reads, one call, and its duration in seconds."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from desktop_bake import ensure_desktop_image, load_settings


def main() -> int:
    """Read the name of a configuration file from each line; print status and seconds as JSON."""
    for line in sys.stdin:
        settings = load_settings(Path(line.strip()), {})
        start = time.perf_counter()
        result = ensure_desktop_image(settings.environment(None), settings)
        took = time.perf_counter() - start
        print(json.dumps({"status": result.status.value, "seconds": took, "reason": result.reason}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
