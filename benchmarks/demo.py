"""The main job, as `make desktop` shows it: bake, resolve, run a task, save a picture of its desktop."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from desktop_bake import load_settings
from desktop_bake.bake.context import Context
from desktop_bake.bake.engine.engine import Engine
from desktop_bake.bake.images.resolve import resolve

OUT = Path("out")
SCENE = Path(__file__).with_name("scene.sh")


def main() -> int:
    """Run the commands that a user would type, each shown before it runs."""
    OUT.mkdir(exist_ok=True)
    config = OUT / "desktop-bake.toml"
    config.unlink(missing_ok=True)
    base = os.environ["DESKTOP_BAKE_TEST_BASE"]
    picture = OUT / "desktop.png"
    for words in (
        ["init", "--base-image", base],
        ["build"],
        ["resolve"],
        ["run", "--screenshot", str(picture), "--", "bash", "-c", SCENE.read_text()],
    ):
        shown = " ".join(w if "\n" not in w else "'…'" for w in words)
        print(f"\n$ desktop-bake {shown}", file=sys.stderr, flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "desktop_bake", words[0], "--config", str(config), *words[1:]], check=False
        )
        if done.returncode:
            return done.returncode
    settings = load_settings(config, {})
    tag = resolve(settings.environment(None), Context(settings=settings, engine=Engine())).image
    (OUT / "images").write_text(f"{tag}\n{base}\n")  # `make clean` removes these from an engine that is not ours
    print(f"\na picture of the desktop: {picture}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
