"""The parser of every command."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from ...generator.errors import ConfigurationError
from ..system.installed import version
from ..system.lazy import lazy
from .task_verbs import TASK_VERBS
from .verbs import VERBS, limit_s

if TYPE_CHECKING:
    from importlib import metadata

    from ..config import setting, settings
    from ..system import text
    from . import familiar
    from .verbs import Flags, Verb
else:
    familiar = lazy(".familiar", __package__)
    metadata = lazy("importlib.metadata")
    setting = lazy("..config.setting", __package__)
    settings = lazy("..config.settings", __package__)
    text = lazy("..system.text", __package__)


EXIT_STATUS = (
    "0 done; 1 failed, or `render --check` or `lock --check` found something; 2 wrong usage or configuration; "
    "3 `resolve` found a miss; 4 no usable Docker Engine or buildx; 5 registry refused or unreachable when it was "
    "needed; 6 a build failed and there was no fallback; 124 time limit; 130 interrupted. `run`, `exec`, "
    "`attach` and `wait` exit with the command's status."
)


WITH_ACTIONS = tuple(verb.name for verb in VERBS if verb.actions)
_EVERYWHERE = "options of every command"
# argparse tries each flag in a formatter; one that asks for the terminal's width loads `shutil` and archive modules.
_AS_WIDE_AS_ANY = partial(argparse.HelpFormatter, width=78)


class _Help(argparse.HelpFormatter):
    """Help whose usage line has a command's own flags; those of every command are only in the list, at its end."""

    def add_usage(self, usage: str | None, actions: Any, groups: Any, prefix: str | None = None) -> None:
        own = [action for action in actions if getattr(action.container, "title", None) != _EVERYWHERE]
        super().add_usage(usage, own, groups, prefix)


class _Parser(argparse.ArgumentParser):
    """A parser that makes its flags only when it has to parse, since only one of all commands is typed.

    Attributes:
        left: the functions that make its flags, in order, until the flags are needed.
        among: its commands or actions, one of which is required; None if there are none.
    """

    left: tuple[Flags, ...] = ()
    among: Any = None

    def __init__(self, **keywords: Any) -> None:
        super().__init__(formatter_class=_AS_WIDE_AS_ANY, **keywords)

    def format_help(self) -> str:
        if self.formatter_class is _AS_WIDE_AS_ANY:
            self.formatter_class = _Help
        return super().format_help()

    def error(self, message: str) -> NoReturn:
        raise ConfigurationError(message, f"see: {self.prog} --help")

    def parse_known_args(self, *args: Any, **keywords: Any) -> Any:
        self.complete()
        found, left = super().parse_known_args(*args, **keywords)
        if left:
            raise ConfigurationError(f"unrecognized arguments: {' '.join(left)}", self._meant(left, found))
        if self.among and not getattr(found, self.among.dest):
            self.error(f"the following arguments are required: {self.among.metavar}")
        return found, left

    def _meant(self, left: list[str], found: argparse.Namespace) -> str:
        """The remedy for words that are not recognized."""
        flags = [word.partition("=")[0] for word in left if word.startswith("-")]
        chosen = self.among and self.among.choices.get(getattr(found, self.among.dest) or "")
        known = [flag for flag in self._option_string_actions if flag.startswith("--")]
        for flag in flags:
            if chosen and flag in chosen._option_string_actions:  # noqa: SLF001 (argparse has no other way to ask)
                return f"write it behind the command: {chosen.prog} {flag}"
            near = text.did_you_mean(flag, known, "") if flag.startswith("--") else ""
            meant = familiar.flag_meant(self._words, flag, known) or near
            if meant:
                return meant
        return f"see: {self.prog} --help"

    @property
    def _words(self) -> str:
        """The command as it is typed, without the program's name."""
        return self.prog.partition(" ")[2]

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if isinstance(action, argparse._SubParsersAction) and value not in action.choices:  # noqa: SLF001 (its only name)
            near = text.did_you_mean(value, action.choices, f"see: {self.prog} --help")
            remedy = familiar.command_meant(self._words, value) or near
            raise ConfigurationError(f"unknown {str(action.metavar).lower()} {value!r}", remedy)
        super()._check_value(action, value)

    def complete(self) -> None:
        """Make the flags."""
        left, self.left = self.left, ()
        for flags in left:
            flags(self)


class _Version(argparse.Action):
    """Print the installed version, which is looked up only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        print(parser.prog, version() or metadata.version(parser.prog))
        parser.exit()


def parser(*, repeated: bool = True, whole: bool = True, before: bool = True) -> argparse.ArgumentParser:
    """The parser of every command, each with an example.

    Args:
        repeated: whether each command takes the common flags; else only the top parser, so that they are shown once.
        whole: whether every command has its flags at once, to be shown; else a command gets them when it is parsed.
        before: whether the common flags are also accepted before the command.
    """
    top = _Parser(
        prog="desktop-bake",
        description="Bake a desktop into a Docker image once; start tasks in a second.",
        epilog=f"exit status: {EXIT_STATUS}",
    )
    top.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    if before:
        _common(top)
    verbs = top.add_subparsers(title="commands", prog=top.prog, dest="command", metavar="COMMAND", parser_class=_Parser)
    top.among = verbs
    groups = top._action_groups  # noqa: SLF001 (argparse has no other way to show the commands first)
    groups.append(groups.pop(1))
    common = partial(_behind, default=argparse.SUPPRESS if before else None) if repeated else None
    _add(verbs, (*VERBS, *TASK_VERBS), common, whole=whole)
    return top


def _add(among: Any, verbs: tuple[Verb, ...], common: Flags | None, *, whole: bool) -> None:
    """Add commands, or the actions of one."""
    for verb in verbs:
        example = f"example: desktop-bake {verb.example}"
        command = among.add_parser(verb.name, help=verb.text, description=verb.text, epilog=example)
        command.set_defaults(configured=verb.configured)
        command.left = _flags_of(verb, common, whole=whole)
        if whole:
            command.complete()


def _flags_of(verb: Verb, common: Flags | None, *, whole: bool) -> tuple[Flags, ...]:
    """The functions that make a command's flags: first its own, then the common ones."""

    def actions(command: argparse.ArgumentParser) -> None:
        among = command.add_subparsers(
            title="actions", prog=command.prog, dest="action", metavar="ACTION", parser_class=_Parser
        )
        command.among = among  # type: ignore[attr-defined]
        _add(among, verb.actions, common, whole=whole)

    if verb.actions:
        return (actions,)
    own = (lambda command: _overrides(command, verb.name), verb.flags)
    return (*own, common) if common else own


def _behind(command: argparse.ArgumentParser, default: str | None) -> None:
    """The flags that every command takes, behind it; see `_common`."""
    _common(command.add_argument_group(_EVERYWHERE), default)


def _common(command: argparse._ActionsContainer, default: str | None = None) -> None:
    """The flags that every command takes.

    Args:
        command: the parser of the command or its group for them, or the top parser.
        default: the value of a flag that is not typed; `argparse.SUPPRESS` keeps what was typed before the command.
    """
    add = partial(command.add_argument, default=default)
    add(
        "--config",
        type=Path,
        metavar="FILE",
        help="configuration file; default: searched for from the working directory upwards",
    )
    add("--context", metavar="NAME", help="docker context, as docker --context")
    _overrides(command, default=default)
    add("--environments", type=Path, metavar="FILE", help="use the environments in this JSON file of Agents Runner")
    add("--metrics", type=Path, metavar="FILE", help="append a JSON line with what was done, and how long it took")
    quiet = default or False
    about = "no log lines, only results and errors; of `ps` and `env list` names alone"
    command.add_argument("-q", "--quiet", action="store_true", default=quiet, help=about)


def _overrides(command: argparse._ActionsContainer, name: str | None = None, default: str | None = None) -> None:
    """The flags that override settings: only those of this command, or, without a name, those of every command."""
    for each in settings.SETTINGS:
        flag = each.flag
        if flag is None or (name not in flag.commands if name else flag.commands):
            continue
        about = flag.about or setting.plain(each.about)
        options: dict[str, Any] = {"help": about, "dest": each.name, "default": default}
        if each.toml_type is bool:
            options |= {"action": "store_false" if flag.name.startswith("--no-") else "store_true"}
        elif each.toml_type is int:
            options |= {"type": limit_s if each.name.endswith("_s") else int, "metavar": flag.metavar}
            options["help"] += f", default: {each.default}"
        elif each.toml_type in (list, dict):
            options |= {"action": "append", "metavar": flag.metavar}
            options["help"] += "; '' for none"
        else:
            options |= {"metavar": flag.metavar}
        command.add_argument(flag.name, **options)
