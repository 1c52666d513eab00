"""Every command: its name, what it does, an example, and its own flags."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..system.lazy import lazy

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from ..system import durations
    from . import run_flags

    Flags = Callable[[argparse.ArgumentParser], None]
else:
    durations = lazy("..system.durations", __package__)
    run_flags = lazy(".run_flags", __package__)


_ONE = "an environment; default: the only one, or the one called default"
_SOME = "environments; default: the only one, or the one called default"
_EVERY = "environments; default: all"
_CACHED = "environments; default: all whose cache is on"
_RENDERED = "folder; default: the bake file to standard output; with --check: the working directory"


class Verb(NamedTuple):
    """A command, or an action of one.

    Attributes:
        name: as it is typed.
        text: what it does.
        example: its arguments in an example.
        flags: makes its own flags.
        actions: its actions, if it requires one.
        configured: whether it takes the context of its work, which the configuration makes, besides its arguments.
    """

    name: str
    text: str
    example: str
    flags: Flags
    actions: tuple[Verb, ...] = ()
    configured: bool = False


def limit_s(text: str) -> int:
    """See `durations.limit_s`."""
    return durations.limit_s(text)


def json_flag(command: argparse.ArgumentParser) -> None:
    """The flag of commands that print one JSON object."""
    command.add_argument("--json", action="store_true", help="one JSON object on standard output")


def _no_trunc(command: argparse.ArgumentParser) -> None:
    command.add_argument("--no-trunc", action="store_true", help="full names, and all columns")


def _init(init: argparse.ArgumentParser) -> None:
    about = "base image of the environment that it writes; default: %(default)s"
    init.add_argument("--base-image", default="debian:bookworm", metavar="REF", help=about)


def _lock(lock: argparse.ArgumentParser) -> None:
    lock.add_argument("env", nargs="*", metavar="ENV", help=_EVERY)
    lock.add_argument(
        "--upgrade",
        action="store_true",
        help="move locked digests to what registries have now, and the packages date to today",
    )
    lock.add_argument("--max-age", metavar="AGE", help="upgrade only entries older than AGE, such as 30d")
    lock.add_argument(
        "--check", action="store_true", help="ask no registry; exit 1 if something is not locked, or is unused"
    )
    lock.add_argument("--images", action="store_true", help="record the digests of published images")
    json_flag(lock)


def _nothing(command: argparse.ArgumentParser) -> None:
    """Add nothing, for a command without its own flags."""


def _one(command: argparse.ArgumentParser) -> None:
    """The flags of `key` and `resolve`."""
    command.add_argument("env", nargs="?", metavar="ENV", help=_ONE)
    json_flag(command)


def _render(render: argparse.ArgumentParser) -> None:
    render.add_argument("env", nargs="*", metavar="ENV", help=_EVERY)
    render.add_argument("-o", "--output", type=Path, metavar="DIR", help=_RENDERED)
    render.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 with the cause and a diff if DIR is stale"
    )
    render.add_argument("--json", action="store_true", help="with --check: one JSON object on standard output")


def _build(build: argparse.ArgumentParser) -> None:
    build.add_argument("env", nargs="*", metavar="ENV", help=_SOME)
    build.add_argument("--all", action="store_true", help="every environment whose cache is on")
    build.add_argument(
        "--timeout", type=limit_s, dest="build_timeout_s", metavar="SECONDS", help="the same as --build-timeout"
    )
    build.add_argument(
        "--no-cache", action="store_true", help="bake from scratch under the same key, without any cache"
    )
    json_flag(build)


def _run(run: argparse.ArgumentParser) -> None:
    run_flags.add_to(run)


def _notes(notes: argparse.ArgumentParser) -> None:
    notes.add_argument("env", nargs="?", metavar="ENV", help=_ONE)


def _warm(warm: argparse.ArgumentParser) -> None:
    warm.add_argument("env", nargs="*", metavar="ENV", help=_CACHED)
    warm.add_argument(
        "--watch", metavar="DURATION", help="repeat the round every DURATION, such as 15m or 1h30m, until Ctrl-C"
    )
    warm.add_argument(
        "--no-push", action="store_true", help="publish nothing; default: publish to the registry, if there is one"
    )
    warm.add_argument("--max-age", metavar="AGE", help="first upgrade lock entries older than AGE, such as 30d")
    warm.add_argument(
        "--prune", action="store_true", help="afterwards remove local images that no environment uses, without asking"
    )
    _staying(warm, keep=1, older_than="1d")
    json_flag(warm)


def _stats(stats: argparse.ArgumentParser) -> None:
    stats.add_argument("file", type=Path, metavar="FILE", help="what --metrics FILE has written")
    stats.add_argument("--plot", type=Path, metavar="FILE", help="draw the plot as SVG")
    json_flag(stats)


def _ui(ui: argparse.ArgumentParser) -> None:
    ui.add_argument("--port", type=int, default=0, metavar="N", help="port on the loopback; default: a free one")
    ui.add_argument("--open", action="store_true", help="open the page in the browser")


def _completion(completion: argparse.ArgumentParser) -> None:
    completion.add_argument("shell", choices=("bash", "zsh", "fish"), metavar="SHELL", help="bash, zsh or fish")


def _list(command: argparse.ArgumentParser) -> None:
    _no_trunc(command)
    json_flag(command)


def _env_set(put: argparse.ArgumentParser) -> None:
    put.add_argument("--create", action="store_true", help="create a new environment")
    put.add_argument("env", metavar="ENV", help="an environment")
    about = "a field, as in env show; build_args.NAME=value sets one entry of a table"
    put.add_argument("fields", nargs="+", metavar="FIELD=VALUE", help=about)
    json_flag(put)


def _env_unset(unset: argparse.ArgumentParser) -> None:
    unset.add_argument("env", metavar="ENV", help="an environment")
    unset.add_argument("fields", nargs="+", metavar="FIELD", help="a field, as in env show, or build_args.NAME")
    json_flag(unset)


def _staying(command: argparse.ArgumentParser, *, keep: int, older_than: str) -> None:
    """The flags for images that stay although no environment reaches them."""
    keeps = "keep the N newest of each family, default: %(default)s"
    command.add_argument("--keep", type=int, default=keep, metavar="N", help=keeps)
    ages = "remove only images older than AGE, such as 12h, 30d or 8w; default: %(default)s"
    command.add_argument("--older-than", metavar="AGE", default=older_than, help=ages)


def _explain(explain: argparse.ArgumentParser) -> None:
    explain.add_argument("env", nargs="?", metavar="ENV", help=_ONE)
    explain.add_argument("--all", action="store_true", help="every environment whose cache is on")
    _no_trunc(explain)
    json_flag(explain)


def _images(images: argparse.ArgumentParser) -> None:
    images.add_argument("--all", action="store_true", help="in every repository, not only the configured one")
    images.add_argument("--registry", action="store_true", help="ask the team's registry whether it has each")
    _no_trunc(images)
    json_flag(images)


def _prune(prune: argparse.ArgumentParser) -> None:
    prune.add_argument("--dry-run", action="store_true", help="only show what would be removed")
    prune.add_argument("--yes", action="store_true", help="do not ask")
    _staying(prune, keep=0, older_than="0")
    prune.add_argument("--registry", action="store_true", help="remove tags in the team's registry, too")
    _no_trunc(prune)
    json_flag(prune)


_ENV = (
    Verb("list", "list environments and their toggles", "env list --json", _list),
    Verb("show", "show every field of an environment", "env show default", _one),
    Verb(
        "set",
        "set fields, after a check of the whole file",
        "env set default cache_desktop_build=on",
        _env_set,
    ),
    Verb("unset", "remove fields, so that their defaults apply", "env unset default platforms", _env_unset),
)
VERBS = (
    Verb("init", "write a commented desktop-bake.toml, and its lock", "init --base-image debian:bookworm", _init),
    Verb(
        "lock",
        "pin bases, tools and the packages date in desktop-bake.lock",
        "lock --upgrade --max-age 30d",
        _lock,
        configured=True,
    ),
    Verb("key", "print the cache key and its parts", "key --json", _one, configured=True),
    Verb("resolve", "show what a task would use, without building it", "resolve default", _one, configured=True),
    Verb(
        "render",
        "write docker-bake.hcl and the build context beside it",
        "render -o ci --check",
        _render,
        configured=True,
    ),
    Verb("build", "bake the image if there is none yet", "build --all", _build, configured=True),
    Verb(
        "run",
        "start a task with a live desktop, and exit with its command's status",
        "run -- xterm -e top",
        _run,
        configured=True,
    ),
    Verb(
        "agent-notes",
        "print notes for an agent: how to see, click and type on a desktop",
        "agent-notes default",
        _notes,
        configured=True,
    ),
    Verb("env", "read and change environments, keeping comments", "env list", json_flag, _ENV),
    Verb("warm", "have every desktop ready before a task needs it", "warm --watch 15m", _warm),
    Verb("stats", "summarize a --metrics file: hit rate, seconds saved, slowest phases", "stats metrics.jsonl", _stats),
    Verb("ui", "serve a page in the browser: see and switch environments, watch tasks", "ui --open", _ui),
    Verb("completion", "print the script that completes commands in a shell", "completion bash", _completion),
    Verb("schema", "print the JSON Schema of desktop-bake.toml, for editors", "schema", _nothing),
    Verb(
        "explain",
        "explain a miss: what changed since the nearest image",
        "explain default --json",
        _explain,
        configured=True,
    ),
    Verb("images", "list cached images: size, environments, live or stale", "images --all", _images, configured=True),
    Verb(
        "prune",
        "remove images and caches that no environment uses",
        "prune --keep 2 --dry-run",
        _prune,
        configured=True,
    ),
    Verb("doctor", "check engine, buildx, registry, logins and disk, and say what to do", "doctor --json", json_flag),
)
