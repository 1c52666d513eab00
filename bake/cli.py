"""The command line: arguments in, results on standard output, everything else on standard error."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from generator.errors import ConfigurationError, DesktopBakeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bake.settings import Settings

INTERRUPTED = 130
RECORDED = ("resolve", "build", "run", "warm")  # commands that leave a line in the file of --metrics


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigurationError(message, f"see: {self.prog} --help")


def parser() -> argparse.ArgumentParser:
    """The parser of every command, each with an example."""
    common = _Parser(add_help=False)
    common.add_argument("--config", type=Path, metavar="FILE", help="configuration file (default: found upwards)")
    common.add_argument("--context", metavar="NAME", help="docker context, as docker --context")
    common.add_argument("--builder", metavar="NAME", help="buildx builder")
    common.add_argument("--repository", metavar="REPOSITORY", help="repository of the tags")
    common.add_argument("--cache", metavar="BACKEND", help="local, registry, inline, none, or type=gha,…")
    common.add_argument("--pull", metavar="POLICY", help="ask the base's registry: missing, always or never")
    environments: dict[str, Any] = {
        "type": Path,
        "metavar": "FILE",
        "help": "environments of Agents Runner, in JSON, not the file's",
    }
    common.add_argument("--environments", default=argparse.SUPPRESS, **environments)
    common.add_argument(
        "--metrics", type=Path, metavar="FILE", help="append a JSON line of what was done, and how long"
    )
    common.add_argument("-q", "--quiet", action="store_true", help="no log lines, only results and errors")
    top = _Parser(prog="desktop-bake", description="Bake a desktop into a Docker image once; start tasks in a second.")
    top.add_argument("--environments", **environments)
    verbs = top.add_subparsers(prog=top.prog, dest="command", metavar="COMMAND", required=True, parser_class=_Parser)

    def verb(name: str, text: str, example: str, among: Any = verbs, *, group: bool = False) -> argparse.ArgumentParser:
        command: argparse.ArgumentParser = among.add_parser(
            name, help=text, description=text, parents=[] if group else [common],
            epilog=f"example: desktop-bake {example}",
        )  # fmt: skip
        return command

    def json_flag(command: argparse.ArgumentParser) -> None:
        command.add_argument("--json", action="store_true", help="one JSON object on standard output")

    init = verb("init", "write a commented desktop-bake.toml", "init --base-image debian:bookworm")
    init.add_argument("--base-image", default="debian:bookworm", metavar="REF", help="default: %(default)s")
    key = verb("key", "the cache key and its parts", "key --json")
    resolve = verb("resolve", "what a task would use, building nothing", "resolve default")
    for command in (key, resolve):
        command.add_argument("env", nargs="?", metavar="ENV")
        json_flag(command)
    render = verb("render", "write docker-bake.hcl and the build context beside it", "render -o ci --check")
    render.add_argument("env", nargs="*", metavar="ENV", help="default: every environment")
    render.add_argument("-o", "--output", type=Path, metavar="DIR", help="default: the bake file to standard output")
    render.add_argument("--check", action="store_true", help="write nothing; exit 1 with a diff where DIR is stale")
    build = verb("build", "resolve; bake on a miss", "build --all")
    build.add_argument("env", nargs="*", metavar="ENV")
    build.add_argument("--all", action="store_true", help="every environment that has its cache switched on")
    build.add_argument("--push", action="store_true", default=None, help="publish it in the team's registry")
    build.add_argument("--timeout", type=int, dest="build_timeout_s", metavar="SECONDS", help="default: 600")
    json_flag(build)
    run = verb("run", "start the task with a live desktop, exit with the command's status", "run -- xterm -e top")
    run.add_argument("--screenshot", type=Path, metavar="FILE", help="save the desktop as PNG when the command ends")
    _task_flags(run)
    run.add_argument("--no-fallback", dest="fallback", action="store_false", default=None,
                     help="fail where no image can be had")  # fmt: skip
    run.add_argument("--timeout", type=int, dest="build_timeout_s", metavar="SECONDS", help="of a build, default: 600")
    run.add_argument("words", nargs=argparse.REMAINDER, metavar="[ENV] [--] CMD…",
                     help="without a command the desktop stays until Ctrl-C")  # fmt: skip
    _env(verb, json_flag)
    warm = verb("warm", "look whether a base moved, and have every desktop ready", "warm --watch 15m")
    warm.set_defaults(module="bake.warm")
    warm.add_argument("env", nargs="*", metavar="ENV", help="default: all that have their cache switched on")
    warm.add_argument("--watch", metavar="DURATION", help="a round every so often, such as 15m or 1h30m, until Ctrl-C")
    warm.add_argument(
        "--no-push", action="store_true", help="publish nothing; default: to the registry, if there is one"
    )
    json_flag(warm)
    stats = verb("stats", "hit rate, seconds saved and slowest phases of a --metrics file", "stats metrics.jsonl")
    stats.set_defaults(module="bake.stats")
    stats.add_argument("file", type=Path, metavar="FILE")
    stats.add_argument("--plot", type=Path, metavar="FILE", help="draw it as SVG")
    json_flag(stats)
    completion = verb("completion", "print the script that completes commands in a shell", "completion bash")
    completion.set_defaults(module="bake.completion")
    completion.add_argument("shell", choices=("bash", "zsh", "fish"), metavar="SHELL", help="bash, zsh or fish")
    return top


def _task_flags(run: argparse.ArgumentParser) -> None:
    """What people expect of a task's container, named as `docker run` names it."""
    add = run.add_argument
    add("--geometry", default="1280x800", metavar="WxH", help="screen size, default: %(default)s")
    add("--depth", type=int, default=24, metavar="BITS", help="of a pixel: 24 (default) or 16")
    add("-v", "--volume", action="append", default=[], metavar="SRC:DST[:ro]", help="mount a folder or volume")
    add("--mount", action="append", default=[], metavar="KEY=VALUE,…", help="the same, as docker run --mount")
    add("-p", "--publish", action="append", default=[], metavar="[[IP:]HOST:]PORT",
        help="publish a port, on the loopback unless IP says otherwise")  # fmt: skip
    add("-e", "--env", action="append", default=[], dest="env_variables", metavar="NAME[=VALUE]",
        help="a variable; NAME alone takes our own value, which no process list shows")  # fmt: skip
    add("--env-file", action="append", default=[], type=Path, metavar="FILE", help="lines of NAME=VALUE or NAME")
    add("-w", "--workdir", metavar="DIR", help="working directory in the container")
    add("-u", "--user", metavar="USER[:GROUP]", help="who the command runs as, as docker run --user")
    add("--gpus", metavar="WHICH", help="all, a number, or device=ID,ID")
    add("--network", metavar="NAME", help="a network of the engine, or none")
    add("--name", metavar="NAME", help="the container's name")
    add("-d", "--detach", action="store_true", help="start the task, say how to reach it, and leave it running")
    add("--json", action="store_true", help="with --detach: one JSON object on standard output")
    add("--keep", action="store_true", help="leave the stopped container instead of removing it")
    add("--rm", action="store_false", dest="keep", help="remove it, which is the default")
    add("--no-auth", action="store_false", dest="auth", help="no secret: every user here gets to the desktop")
    add("--docker", action="append", default=[], metavar="=--OPTION=VALUE",
        help="a further option of docker run, as --docker=--shm-size=1g")  # fmt: skip


def _env(verb: Callable[..., argparse.ArgumentParser], json_flag: Callable[[argparse.ArgumentParser], None]) -> None:
    env = verb("env", "read and change environments, comments kept", "env list", group=True)
    env.set_defaults(module="bake.environments")
    verbs = env.add_subparsers(prog=env.prog, dest="action", metavar="ACTION", required=True, parser_class=_Parser)
    listing = verb("list", "every environment and its toggles", "env list --json", verbs)
    show = verb("show", "every field of an environment", "env show default", verbs)
    show.add_argument("env", nargs="?", metavar="ENV")
    put = verb("set", "set fields, checked before anything is written", "env set default cache_desktop_build=on", verbs)
    put.add_argument("--create", action="store_true", help="the environment is a new one")
    put.add_argument("env", metavar="ENV")
    put.add_argument("fields", nargs="+", metavar="FIELD=VALUE", help="build_args.NAME=value for one of a table")
    unset = verb("unset", "take fields out, so that their defaults hold", "env unset default platforms", verbs)
    unset.add_argument("env", metavar="ENV")
    unset.add_argument("fields", nargs="+", metavar="FIELD")
    for command in (listing, show, put, unset):
        json_flag(command)


def load(arguments: argparse.Namespace) -> Settings:
    """The settings that these arguments ask for."""
    from bake.settings import load_settings

    names = ("repository", "cache", "builder", "build_timeout_s", "fallback", "push", "pull")
    overrides = {n: getattr(arguments, n, None) for n in names}
    settings = load_settings(arguments.config, os.environ, overrides, required=not arguments.environments)
    if arguments.environments:
        from bake.origin import read_origin

        environments = read_origin(arguments.environments).environments(settings.base_image)
        settings = replace(settings, environments=environments)
    return settings


def print_json(value: object) -> None:
    """Print one JSON object on standard output."""
    import json

    print(json.dumps(value, indent=2, ensure_ascii=False))


def _interrupt(_number: int, _frame: object) -> NoReturn:
    for number in (signal.SIGINT, signal.SIGTERM):  # a second Ctrl-C must not stop us from cleaning up
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: arguments without the program's name; the process's own where None.

    Returns:
        The exit status, as the README lists them.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else our caller wants it ignored
        signal.signal(signal.SIGINT, _interrupt)
    arguments = argparse.Namespace(recorder=None)
    try:
        parser().parse_args(argv, arguments)
        if arguments.context:
            os.environ["DOCKER_CONTEXT"] = arguments.context
            os.environ.pop("DOCKER_HOST", None)
        metrics = getattr(arguments, "metrics", None) or os.environ.get("DESKTOP_BAKE_METRICS")
        if metrics and arguments.command in RECORDED:
            from bake.metrics import Recorder

            arguments.recorder = Recorder(Path(metrics), arguments.command)
        module = import_module(getattr(arguments, "module", "bake.commands"))
        return int(getattr(module, arguments.command)(arguments))
    except DesktopBakeError as error:
        if arguments.recorder:
            arguments.recorder.fail(error)
        red, plain = ("\033[31m", "\033[0m") if coloured(sys.stderr) else ("", "")
        print(f"{red}error:{plain} {error}", file=sys.stderr)
        if error.remedy:
            print(f"  {error.remedy}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 1


def coloured(stream: TextIO) -> bool:
    """Whether what is written to this stream may carry colours: a terminal, and NO_COLOR is not set."""
    return stream.isatty() and "NO_COLOR" not in os.environ


if __name__ == "__main__":
    sys.exit(main())
