"""What can be typed: the parser of every command."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from ...generator.errors import ConfigurationError
from ..config.setting import plain
from ..config.settings import SETTINGS
from ..system.lazy import lazy

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib import metadata
else:
    metadata = lazy("importlib.metadata")


EXIT_STATUS = (
    "0 done; 1 failed, or `render --check` or `lock --check` found something; 2 wrong usage or configuration; "
    "3 `resolve` found a miss; 4 no usable Docker Engine or buildx; 5 registry refused or unreachable when it was "
    "needed; 6 a build failed and there was no fallback; 124 time limit; 130 interrupted. `run` exits with its "
    "command's status."
)

# What is meant if no environment is named.
_ONE = "default: the only environment, or the one called default"
_RENDERED = "default: the bake file to standard output; with --check: the working directory"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigurationError(message, f"see: {self.prog} --help")


class _Version(argparse.Action):
    """Print the version of what is installed, looked up only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        print(parser.prog, metadata.version(parser.prog))
        parser.exit()


def parser(*, repeated: bool = True) -> argparse.ArgumentParser:
    """The parser of every command, each with an example.

    Args:
        repeated: whether each command takes the flags that all have, or, to be shown once, the whole alone.
    """
    common = _Parser(add_help=False)
    common.add_argument("--config", type=Path, metavar="FILE", help="configuration file (default: found upwards)")
    common.add_argument("--context", metavar="NAME", help="docker context, as docker --context")
    _overrides(common)
    environments: dict[str, Any] = {
        "type": Path,
        "metavar": "FILE",
        "help": "environments of Agents Runner, in JSON, not the file's",
    }
    if repeated:
        common.add_argument("--environments", default=argparse.SUPPRESS, **environments)
    common.add_argument(
        "--metrics", type=Path, metavar="FILE", help="append a JSON line of what was done, and how long"
    )
    common.add_argument("-q", "--quiet", action="store_true", help="no log lines, only results and errors")
    top = _Parser(
        prog="desktop-bake",
        description="Bake a desktop into a Docker image once; start tasks in a second.",
        parents=[] if repeated else [common],
        epilog=f"exit status: {EXIT_STATUS}",
    )
    top.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    top.add_argument("--environments", **environments)
    verbs = top.add_subparsers(
        title="commands", prog=top.prog, dest="command", metavar="COMMAND", required=True, parser_class=_Parser
    )

    def verb(name: str, text: str, example: str, among: Any = verbs, *, group: bool = False) -> argparse.ArgumentParser:
        command: argparse.ArgumentParser = among.add_parser(
            name,
            help=text,
            description=text,
            parents=[common] if repeated and not group else [],
            epilog=f"example: desktop-bake {example}",
        )
        _overrides(command, name)
        return command

    def json_flag(command: argparse.ArgumentParser) -> None:
        command.add_argument("--json", action="store_true", help="one JSON object on standard output")

    init = verb("init", "write a commented desktop-bake.toml, and its lock", "init --base-image debian:bookworm")
    init.add_argument("--base-image", default="debian:bookworm", metavar="REF", help="default: %(default)s")
    lock = verb("lock", "pin bases, tools and the packages date in desktop-bake.lock", "lock --upgrade --max-age 30d")
    lock.add_argument("env", nargs="*", metavar="ENV", help="default: every environment")
    lock.add_argument(
        "--upgrade", action="store_true", help="move what is locked to what registries have now, and today"
    )
    lock.add_argument("--max-age", metavar="AGE", help="upgrade only what is older, such as 30d")
    lock.add_argument("--check", action="store_true", help="ask nobody; exit 1 if something is not locked, or not used")
    lock.add_argument("--images", action="store_true", help="record the digests of the images that are published")
    json_flag(lock)
    key = verb("key", "the cache key and its parts", "key --json")
    resolve = verb("resolve", "what a task would use, building nothing", "resolve default")
    for command in (key, resolve):
        command.add_argument("env", nargs="?", metavar="ENV", help=_ONE)
        json_flag(command)
    render = verb("render", "write docker-bake.hcl and the build context beside it", "render -o ci --check")
    render.add_argument("env", nargs="*", metavar="ENV", help="default: every environment")
    render.add_argument("-o", "--output", type=Path, metavar="DIR", help=_RENDERED)
    render.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 with the cause and a diff if DIR is stale"
    )
    render.add_argument("--json", action="store_true", help="with --check: one JSON object on standard output")
    build = verb("build", "resolve; bake on a miss", "build --all")
    build.add_argument("env", nargs="*", metavar="ENV", help=_ONE)
    build.add_argument("--all", action="store_true", help="every environment that has its cache switched on")
    build.add_argument("--no-cache", action="store_true", help="bake afresh under the same key, without any cache")
    json_flag(build)
    run = verb("run", "start the task with a live desktop, exit with the command's status", "run -- xterm -e top")
    run.add_argument("--screenshot", type=Path, metavar="FILE", help="save the desktop as PNG when the command ends")
    _task_flags(run)
    run.add_argument(
        "words",
        nargs=argparse.REMAINDER,
        metavar="[ENV] [--] CMD…",
        help="without a command the desktop stays until Ctrl-C",
    )
    _env(verb, json_flag)
    warm = verb("warm", "look whether a base moved, and have every desktop ready", "warm --watch 15m")
    warm.add_argument("env", nargs="*", metavar="ENV", help="default: all that have their cache switched on")
    warm.add_argument("--watch", metavar="DURATION", help="a round every so often, such as 15m or 1h30m, until Ctrl-C")
    warm.add_argument(
        "--no-push", action="store_true", help="publish nothing; default: to the registry, if there is one"
    )
    warm.add_argument("--max-age", metavar="AGE", help="first upgrade what is older in the lock, such as 30d")
    warm.add_argument("--prune", action="store_true", help="then remove here, unasked, what no environment reaches")
    _staying(warm, keep=1, older_than="1d")
    json_flag(warm)
    stats = verb("stats", "hit rate, seconds saved and slowest phases of a --metrics file", "stats metrics.jsonl")
    stats.add_argument("file", type=Path, metavar="FILE")
    stats.add_argument("--plot", type=Path, metavar="FILE", help="draw it as SVG")
    json_flag(stats)
    ui = verb("ui", "a page in the browser: see environments, switch them, watch them", "ui --open")
    ui.add_argument("--port", type=int, default=0, metavar="N", help="of the loopback; default: a free one")
    ui.add_argument("--open", action="store_true", help="open it in the browser")
    completion = verb("completion", "print the script that completes commands in a shell", "completion bash")
    completion.add_argument("shell", choices=("bash", "zsh", "fish"), metavar="SHELL", help="bash, zsh or fish")
    _tidy(verb, json_flag)
    return top


def _overrides(command: argparse.ArgumentParser, name: str | None = None) -> None:
    """The flags that override settings: those of this command alone, or, without a name, those of every command."""
    for setting in SETTINGS:
        flag = setting.flag
        if flag is None or (name not in flag.commands if name else flag.commands):
            continue
        options: dict[str, Any] = {"help": flag.about or plain(setting.about), "dest": setting.name}
        if setting.toml_type is bool:
            options |= {"action": "store_false" if flag.name.startswith("--no-") else "store_true", "default": None}
        elif setting.toml_type is int:
            options |= {"type": int, "metavar": flag.metavar}
            options["help"] += f", default: {setting.default}"
        elif setting.toml_type in (list, dict):
            options |= {"action": "append", "metavar": flag.metavar}
            options["help"] += "; '' for none"
        else:
            options |= {"metavar": flag.metavar}
        command.add_argument(flag.name, **options)


def _task_flags(run: argparse.ArgumentParser) -> None:
    """What people expect of a task's container, named as `docker run` names it."""
    add = run.add_argument
    add("--geometry", default="1280x800", metavar="WxH", help="screen size, default: %(default)s")
    add("--depth", type=int, default=24, metavar="BITS", help="of a pixel: 24 (default) or 16")
    add(
        "-v",
        "--volume",
        action="append",
        default=[],
        metavar="SRC:DST[:FLAGS]",
        help="mount a folder or volume; flags as docker's: ro, z, nocopy, …",
    )
    add("--mount", action="append", default=[], metavar="KEY=VALUE,…", help="the same, as docker run --mount")
    add(
        "-p",
        "--publish",
        action="append",
        default=[],
        metavar="[[IP:]HOST:]PORT",
        help="publish a port, on the loopback unless IP says otherwise",
    )
    add(
        "-e",
        "--env",
        action="append",
        default=[],
        dest="env_variables",
        metavar="NAME[=VALUE]",
        help="a variable; NAME alone takes our own value, which no process list shows",
    )
    add("--env-file", action="append", default=[], type=Path, metavar="FILE", help="lines of NAME=VALUE or NAME")
    add("-w", "--workdir", metavar="DIR", help="working directory in the container")
    add("-u", "--user", metavar="USER[:GROUP]", help="who the processes in the container are")
    add("--gpus", metavar="WHICH", help="all, a number, or device=ID,ID")
    add("--network", metavar="NAME", help="a network of the engine, or none")
    add("--name", metavar="NAME", help="the container's name")
    add("-d", "--detach", action="store_true", help="start the task, say how to reach it, and leave it running")
    add("--json", action="store_true", help="with --detach: one JSON object on standard output")
    add("--keep", action="store_true", help="leave the stopped container instead of removing it")
    add("--rm", action="store_false", dest="keep", help="remove it, which is the default")
    add("--no-auth", action="store_false", dest="auth", help="no secret: every user here gets to the desktop")
    add(
        "--docker",
        action="append",
        default=[],
        metavar="=--OPTION=VALUE",
        help="a further option of docker run, as --docker=--memory=4g",
    )
    for name, metavar, text in (
        ("--shm-size", "SIZE", "of /dev/shm, default: 1g"),
        ("--pids-limit", "N", "of processes and threads, default: 4096; -1 for none"),
        ("--security-opt", "OPTION", "such as no-new-privileges, under which sudo does not work"),
    ):
        word = f"{name}={{}}".format
        add(name, action="append", default=[], dest="docker", type=word, metavar=metavar, help=text)


def _env(verb: Callable[..., argparse.ArgumentParser], json_flag: Callable[[argparse.ArgumentParser], None]) -> None:
    env = verb("env", "read and change environments, comments kept", "env list", group=True)
    verbs = env.add_subparsers(
        title="actions", prog=env.prog, dest="action", metavar="ACTION", required=True, parser_class=_Parser
    )
    listing = verb("list", "every environment and its toggles", "env list --json", verbs)
    show = verb("show", "every field of an environment", "env show default", verbs)
    show.add_argument("env", nargs="?", metavar="ENV", help=_ONE)
    put = verb("set", "set fields, checked before anything is written", "env set default cache_desktop_build=on", verbs)
    put.add_argument("--create", action="store_true", help="the environment is a new one")
    put.add_argument("env", metavar="ENV")
    put.add_argument("fields", nargs="+", metavar="FIELD=VALUE", help="build_args.NAME=value for one of a table")
    unset = verb("unset", "take fields out, so that their defaults hold", "env unset default platforms", verbs)
    unset.add_argument("env", metavar="ENV")
    unset.add_argument("fields", nargs="+", metavar="FIELD")
    for command in (listing, show, put, unset):
        json_flag(command)


def _staying(command: argparse.ArgumentParser, *, keep: int, older_than: str) -> None:
    """What stays although no environment reaches it."""
    keeps = "keep the N newest of each family, default: %(default)s"
    command.add_argument("--keep", type=int, default=keep, metavar="N", help=keeps)
    ages = "remove only what is older, such as 12h, 30d or 8w; default: %(default)s"
    command.add_argument("--older-than", metavar="AGE", default=older_than, help=ages)


def _tidy(verb: Callable[..., argparse.ArgumentParser], json_flag: Callable[[argparse.ArgumentParser], None]) -> None:
    explain = verb("explain", "why it is a miss: what changed, against the nearest image", "explain default --json")
    explain.add_argument("env", nargs="?", metavar="ENV", help=_ONE)
    explain.add_argument("--all", action="store_true", help="every environment that has its cache switched on")
    images = verb("images", "what is cached, how big, for which environments, live or stale", "images --all")
    images.add_argument("--all", action="store_true", help="in every repository, not in the configured one alone")
    images.add_argument("--registry", action="store_true", help="ask the team's registry whether it has each")
    prune = verb("prune", "remove images and caches that no environment reaches", "prune --keep 2 --dry-run")
    prune.add_argument("--dry-run", action="store_true", help="only say what would go")
    prune.add_argument("--yes", action="store_true", help="do not ask")
    _staying(prune, keep=0, older_than="0")
    prune.add_argument("--registry", action="store_true", help="tags in the team's registry too")
    doctor = verb("doctor", "engine, buildx, registry, credentials, disk: each with its remedy", "doctor --json")
    for command in (explain, images, prune, doctor):
        json_flag(command)
