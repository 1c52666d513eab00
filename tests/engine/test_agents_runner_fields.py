"""An environment of Agents Runner with every field, in a container: what is baked, what runs at start, what it gets."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.agents_runner_files import PAYLOAD, environments_json, state_toml
from tests.harness.project import remove_images

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.project import Run

WORDS = ("--environments", "environments.json")
LOOK = 'cat /etc/cached; cat /tmp/settings /tmp/run; echo "$GREETING"; cat /data/file; [ ! -w /data/file ] || echo "!"'


@pytest.fixture
def saved(project: Path, base: str) -> Iterator[dict[str, Any]]:
    """A folder with an environment of every field, beside its settings, without desktop-bake.toml; its images go."""
    (project / "data").mkdir()
    (project / "data" / "file").write_text("mounted\n")
    (project / "hidden").mkdir()
    repository = f"desktop-bake-origin-{uuid.uuid4().hex[:8]}"
    (project / "desktop-bake.toml").write_text(f'repository = "{repository}"\nbase_image = "{base}"\n')
    (project / "state.toml").write_text(
        state_toml(
            headless_desktop_enabled=False, preflight_enabled=True, preflight_script="echo settings >/tmp/settings"
        )
    )
    yield {
        **PAYLOAD,
        "headless_desktop_enabled": False,
        "container_caching_enabled": True,
        "cached_preflight_script": f"# {uuid.uuid4()}\r\ndate +%s%N >/etc/cached\r\n",
        "preflight_script": "cat /tmp/settings >/tmp/run; echo run >>/tmp/run",
        "env_vars": {"GREETING": "hello = there", "A": ""},
        "extra_mounts": [f"{project}/data:/data:ro", f"{project}/hidden:/data"],
        "ports": ["127.0.0.1::8080"],
    }
    remove_images(repository)


def test_every_field(cli: Run, project: Path, saved: dict[str, Any]) -> None:
    """The cached preflight is baked and runs once; every task has run preflight, variables and mounts; with the toggle
    off, the cached preflight runs at every start."""
    file = project / "environments.json"
    file.write_text(environments_json(saved))
    assert json.loads(cli("resolve", "midori", *WORDS, "--json").stdout)["reason"] != "cache_desktop_build is off"
    first, second = (cli("run", *WORDS, "midori", "--", "bash", "-c", LOOK) for _ in range(2))
    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    stamp, *rest = first.stdout.splitlines()
    assert rest == ["settings", "settings", "run", "hello = there", "mounted"]
    assert second.stdout == first.stdout
    assert "hit (local)" in second.stderr
    assert cli(*WORDS, "env", "set", "midori", "container_caching_enabled=off").returncode == 0
    assert file.read_text() == environments_json({**saved, "container_caching_enabled": False})
    third, fourth = (cli("run", *WORDS, "midori", "--", "bash", "-c", LOOK) for _ in range(2))
    assert third.stdout.splitlines()[1:] == rest, third.stderr
    assert int(stamp) < int(third.stdout.splitlines()[0]) < int(fourth.stdout.splitlines()[0])
    assert json.loads(cli("resolve", "midori", *WORDS, "--json").stdout)["status"] == "disabled"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"ports": ["80:eighty"]}, "environment 'midori': ports: malformed port '80:eighty'"),
        ({"ports": "80"}, "environment 'midori': ports is not a list"),
        ({"extra_mounts": ["/a"]}, "environment 'midori': extra_mounts: malformed mount '/a'"),
        ({"extra_mounts": ["/no/where:/a"]}, "environment 'midori': extra_mounts: cannot mount /no/where"),
        (
            {"cached_preflight_script": "#" * 1_000_000},
            "environment 'midori': cached_preflight_script: a text of 1,000,",
        ),
    ],
)
def test_bad_input(cli: Run, project: Path, saved: dict[str, Any], fields: dict[str, Any], says: str) -> None:
    """`run` refuses malformed values before it builds anything, in one line that names environment and field."""
    (project / "environments.json").write_text(environments_json({**saved, **fields}))
    done = cli("run", *WORDS, "midori", "--", "true")
    assert done.returncode == 2
    assert says in done.stderr.splitlines()[0]
    assert len(done.stderr.splitlines()) == 2
