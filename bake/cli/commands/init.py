"""`desktop-bake init`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ....generator.errors import ConfigurationError
from ....generator.reference import ImageReference
from ...system.files import new_file

if TYPE_CHECKING:
    import argparse


_INIT = """\
# desktop-bake.toml: which desktops are baked, and how.   Full list of keys: docs/configuration.md
schema = 1

# Repository of the image tags; a team puts its registry in front: "registry.example.com/team/desktop".
repository = "desktop-bake"

# Where BuildKit keeps its cache: "local", "registry", "none", or BuildKit's own form "type=gha,...".
cache = "local"

# Whether what is built here is published there (build --push).
push = false

# When the base image's registry is asked whether the tag moved: "missing", "always", "never".
pull = "missing"

# Seconds after which a build is stopped.
build_timeout_s = 600

[environments.default]
name = "Default desktop"
base_image = {base}

# Whether tasks get a desktop at all, and whether it is baked once instead of installed at every start.
headless_desktop_enabled = true
cache_desktop_build = true

# Your own recipe, relative to this file:
# install_script = "desktop_install.sh"
# setup_script = "desktop_setup.sh"
# dockerfile = "Dockerfile"
# preflight_script = "preflight.sh"          # baked on top of the desktop: see docs/layers.md
# preflight_run_script = "preflight_run.sh"  # run at every start
# build_args = {{ NAME = "value" }}
# platforms = ["linux/amd64", "linux/arm64"]
"""


def init(arguments: argparse.Namespace) -> int:
    """Write a commented configuration file; an existing one is never touched."""
    base = ImageReference.parse(arguments.base_image)
    path = arguments.config or Path("desktop-bake.toml")
    try:
        with new_file(path, instead=False) as file:
            file.write(_INIT.format(base=json.dumps(str(base))).encode())
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise ConfigurationError(f"{path} exists already", "edit it, or remove it first") from error
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}", "choose another folder") from error
    print(path)
    return 0
