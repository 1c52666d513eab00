"""The file that `init` writes: commented, and it loads, also with every comment taken away that hides a field."""

from __future__ import annotations

import re
from pathlib import Path

from desktop_bake import Environment, ImageReference, Settings
from desktop_bake.bake.config.first_file import first_file
from desktop_bake.bake.config.settings import SETTINGS
from desktop_bake.bake.config.toml_file import ENVIRONMENT_FIELDS, settings_from

BASE = ImageReference.parse("r.example.com:5000/debian:12")
HERE = Path("/project/desktop-bake.toml")


def test_it_loads() -> None:
    """It means the defaults, and one environment with both toggles on."""
    environment = Environment(
        env_id="default",
        name="Default desktop",
        base_image=BASE,
        headless_desktop_enabled=True,
        cache_desktop_build=True,
    )
    assert settings_from(first_file(BASE), HERE, {}) == Settings(
        root=HERE.parent, environments={"default": environment}
    )


def test_what_is_written() -> None:
    """Each setting of it has its meaning above it, and what is in it is what people look for."""
    text = first_file(BASE)
    top = text.partition("[environments.default]")[0]
    for setting in SETTINGS:
        assert bool(re.search(rf"^# [A-Z].*\.\n{setting.name} = ", top, re.MULTILINE)) is setting.in_init
    assert 'cache: "local", "registry"' in text
    assert "](" not in text
    assert all(len(line) <= 120 for line in text.splitlines())


def test_every_field_by_example() -> None:
    """Every field of an environment stands in it, and what is shown as an example loads."""
    text = re.sub(r"^# (?=[a-z_]+ = )", "", first_file(BASE), flags=re.MULTILINE)
    written = set(re.findall(r"^([a-z_]+) = ", text.partition("[environments.default]")[2], re.MULTILINE))
    assert written == set(ENVIRONMENT_FIELDS)
    environment = settings_from(text, HERE, {}).environment("default")
    assert (environment.build_args, environment.platform) == ({"NAME": "value"}, "linux/amd64")
