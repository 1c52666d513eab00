"""Shell completion, generated from the parser itself."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ..config.settings import PULL_POLICIES
from .parser import parser

if TYPE_CHECKING:
    from collections.abc import Iterator


_WORDS = {"POLICY": PULL_POLICIES, "BACKEND": ("local", "registry", "inline", "none")}
_IDS = "desktop-bake env list 2>/dev/null | sed '1d; s/  .*//'"
# The IDs of the configuration that is found from where the person is, asked only when Tab is pressed. What they hold is
# data: `compgen -W` would expand it, and bash alone inserts what it is given without quoting it.
_ENVIRONMENTS = {
    "bash": f"""_desktop_bake_environments() {{
  local id quoted
  while IFS= read -r id; do
    printf -v quoted %q "$id"
    if [[ $id == "$1"* || $quoted == "$1"* ]]; then printf '%s\\n' "$quoted"; fi
  done < <({_IDS})
}}""",
    "zsh": f"""_desktop_bake_environments() {{
  local -a ids; ids=(${{(f)"$({_IDS})"}}); compadd -a ids
}}""",
    "fish": f"""function _desktop_bake_environments
  {_IDS}
end""",
}
_COMPLETES = {
    "bash": "_desktop_bake_environments",
    "zsh": "_desktop_bake_environments",
    "fish": "(_desktop_bake_environments)",
}


def commands(top: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Every command's parser, and those of its actions, in the order in which they were added.

    Args:
        top: the parser of all.
    """
    for action in top._actions:  # noqa: SLF001 (argparse has no other way to walk a parser)
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 (as above)
            for command in action.choices.values():
                yield command
                yield from commands(command)


def completion_script(shell: str) -> str:
    """What completes our commands, flags, files and environment IDs.

    Args:
        shell: `bash`, `zsh` or `fish`.
    """
    import shtab

    special: dict[str, Any] = {"FILE": shtab.FILE, "DIR": shtab.DIRECTORY, "ENV": _COMPLETES}
    top = parser()
    for command in (top, *commands(top)):
        for action in command._actions:  # noqa: SLF001 (as above)
            metavar = action.metavar if isinstance(action.metavar, str) else ""
            if metavar in _WORDS:
                action.choices = _WORDS[metavar]
            elif metavar in special:
                action.complete = special[metavar]  # type: ignore[attr-defined]
    return str(shtab.complete(top, shell=shell, preamble=_ENVIRONMENTS[shell])).rstrip() + "\n"
