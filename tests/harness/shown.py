"""Commands that documents show, and how each kind of block is proven to be right."""

from __future__ import annotations

import argparse
import ast
import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

import desktop_bake
from desktop_bake import ConfigurationError
from desktop_bake.bake.config.lock import parse_lock
from desktop_bake.bake.config.toml_file import settings_from

from .command_line import whole_parser
from .markdown import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .markdown import Block

# Programs of others that documents may show; a name that is neither here nor ours is a mistake.
PROGRAMS = {
    *(".", "[", "cat", "cd", "cosign", "curl", "display", "docker", "echo", "export", "git", "jq", "man", "mkdir"),
    *("pip", "pipx", "python3", "sed", "source", "umask", "uv", "xargs"),
}
RENDERED = {"ci/missing.sh"}  # programs in a rendered folder
INSTRUCTIONS = {"ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "FROM", "LABEL", "RUN", "SHELL", "USER", "WORKDIR", "#"}
_COMMENT = re.compile(r"(^|\s)#\s[^\n]*")
_TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def typed(block: Block) -> str:
    """The shell text of a block: all of it, or in a console the text after its prompts."""
    if block.language != "console":
        return block.text
    return "".join(f"{line[2:]}\n" for line in block.text.splitlines() if line.startswith("$ "))


def commands(text: str) -> Iterator[list[str]]:
    """The simple commands of a shell text, without assignments before them and redirections after them."""
    lexer = shlex.shlex(_COMMENT.sub(r"\1", text).replace("\\\n", " "), posix=True, punctuation_chars=";&|()<>\n")
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t\r", True, ""
    command: list[str] = []
    redirected = False
    for word in [*lexer, "\n"]:
        if word and set(word) <= set("<>"):
            redirected = True
        elif word and set(word) <= set(";&|()<>\n"):
            if command:
                yield command
            command, redirected = [], False
        elif redirected:
            redirected = False
        elif command or not re.match(r"\w+=", word):
            command.append(word)


def fault_of(command: list[str]) -> str | None:
    """Why this command cannot be typed, or None."""
    program, *words = command
    if program == "desktop-bake":
        return fault_of_ours(words)
    if program == "make":
        return next((f"make has no target {word}" for word in words if word not in _TARGETS), None)
    return None if program in PROGRAMS | RENDERED else f"{program} is no program that is known here"


def fault_of_ours(words: list[str], *, whole: bool = True) -> str | None:
    """Why `desktop-bake` refuses these arguments, or None.

    Args:
        words: the arguments.
        whole: whether all required arguments must be there; prose names commands without them.
    """
    try:
        whole_parser().parse_args([word for word in words if word != "…"])
    except ConfigurationError as error:
        return str(error) if whole or "arguments are required" not in str(error) else None
    except argparse.ArgumentError as error:
        return str(error)
    return None


def _shell(block: Block) -> str | None:
    done = subprocess.run(["bash", "-n"], input=typed(block), capture_output=True, text=True, check=False)
    return done.stderr or next(filter(None, map(fault_of, commands(typed(block)))), None)


def _console(block: Block) -> str | None:
    return _shell(block) if "$ " in block.text else "a console without a prompt: its kind is text"


def _toml(block: Block) -> str | None:
    try:
        if "\nlocked = " in block.text:
            whole = re.sub(r"sha256:([0-9a-f]+)…", lambda cut: f"sha256:{cut[1]:0<64}", block.text)
            parse_lock(whole)
        else:
            settings_from(block.text, Path("desktop-bake.toml"), {})
    except ConfigurationError as error:
        return str(error)
    return None


def _json(block: Block) -> str | None:
    try:
        json.loads(block.text)
    except ValueError as error:
        return str(error)
    return None


def _yaml(block: Block) -> str | None:
    try:
        YAML(typ="safe").load(block.text)
    except YAMLError as error:
        return str(error)
    return None


def _dockerfile(block: Block) -> str | None:
    lines = re.sub(r"\\\n", " ", block.text).splitlines()
    return next((line for line in lines if line.split(" ")[0] not in INSTRUCTIONS), None)


def _python(block: Block) -> str | None:
    try:
        tree = ast.parse(block.text)
    except SyntaxError as error:
        return str(error)
    wanted = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "desktop_bake"
        for alias in node.names
    }
    return ", ".join(sorted(wanted - set(desktop_bake.__all__))) or None


# Each language with the proof of a block in it; text is output or a drawing: nobody types it.
KINDS: dict[str, Callable[[Block], str | None]] = {
    "bash": _shell,
    "console": _console,
    "dockerfile": _dockerfile,
    "json": _json,
    "python": _python,
    "sh": _shell,
    "text": lambda _: None,
    "toml": _toml,
    "yaml": _yaml,
}


def fault(block: Block) -> str | None:
    """What is wrong with a block, or None; a language without a proof is an error."""
    prove = KINDS.get(block.language)
    return prove(block) if prove else f"{block.language or 'no language'} is no kind of block: {', '.join(KINDS)}"
