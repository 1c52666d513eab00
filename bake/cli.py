"""The command line: arguments in, results on standard output, everything else on standard error."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

from generator.errors import ConfigurationError, DesktopBakeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bake.settings import Settings

INTERRUPTED = 130


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
    common.add_argument("-q", "--quiet", action="store_true", help="no log lines, only results and errors")
    top = _Parser(prog="desktop-bake", description="Bake a desktop into a Docker image once; start tasks in a second.")
    verbs = top.add_subparsers(prog=top.prog, dest="command", metavar="COMMAND", required=True, parser_class=_Parser)

    def verb(name: str, text: str, example: str) -> argparse.ArgumentParser:
        return verbs.add_parser(
            name, help=text, description=text, parents=[common], epilog=f"example: desktop-bake {example}"
        )

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
    run.add_argument("--geometry", default="1280x800", metavar="WxH", help="screen size, default: %(default)s")
    run.add_argument("--no-fallback", dest="fallback", action="store_false", default=None,
                     help="fail where no image can be had")  # fmt: skip
    run.add_argument("--timeout", type=int, dest="build_timeout_s", metavar="SECONDS", help="of a build, default: 600")
    run.add_argument("words", nargs=argparse.REMAINDER, metavar="[ENV] [--] CMD…",
                     help="without a command the desktop stays until Ctrl-C")  # fmt: skip
    from bake.tidy import add_parsers

    add_parsers(verb)
    return top


def load(arguments: argparse.Namespace) -> Settings:
    """The settings that these arguments ask for."""
    from bake.settings import load_settings

    names = ("repository", "cache", "builder", "build_timeout_s", "fallback", "push", "pull")
    return load_settings(arguments.config, os.environ, {n: getattr(arguments, n, None) for n in names})


def _terminate(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: arguments without the program's name; the process's own where None.

    Returns:
        The exit status, as the README lists them.
    """
    signal.signal(signal.SIGTERM, _terminate)
    try:
        arguments = parser().parse_args(argv)
        if arguments.context:
            os.environ["DOCKER_CONTEXT"] = arguments.context
            os.environ.pop("DOCKER_HOST", None)
        from bake import commands

        command = getattr(arguments, "function", None) or getattr(commands, arguments.command)
        return int(command(arguments))
    except DesktopBakeError as error:
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
