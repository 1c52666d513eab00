"""The images that a Dockerfile names besides its base, as BuildKit reads it (Dockerfile reference; moby/buildkit,
frontend/dockerfile/parser and shell/lex.go). Anything that cannot be read for sure is refused, never skipped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import ConfigurationError
from .reference import ImageReference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


_DIRECTIVE = re.compile(r"([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(\S(?:.*\S)?)\s*")
WORD = r"""(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+"""
_WORDS = re.compile(rf"\s*(?:{WORD}\s+)*(?:{WORD})?")
_HEREDOC = re.compile(r"\d*<<(-?)\s*([^<]+)")
_VARIABLE = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-+])([^${}]*))?\})")
# BuildKit sets these for its machine and for the platform of the build.
_OF_THE_BUILD = re.compile(r"(TARGET|BUILD)(PLATFORM|OS|OSVERSION|ARCH|VARIANT|STAGE)")
_REMEDY = "write it as image@sha256:…"


@dataclass(frozen=True, kw_only=True)
class NamedImages:
    """The images that a Dockerfile names without a digest, besides `base`.

    Attributes:
        tools: the images of stages, `COPY --from` and `RUN --mount=from`, each once, in a fixed order.
        frontend: the image of `# syntax=`, or None.
    """

    tools: tuple[ImageReference, ...] = ()
    frontend: ImageReference | None = None

    @property
    def references(self) -> dict[str, ImageReference]:
        """All of them by `context_name`."""
        every = [*self.tools, *([self.frontend] if self.frontend else [])]
        return {context_name(reference): reference for reference in every}


def context_name(reference: ImageReference) -> str:
    """The name of the named context that BuildKit looks up for an image in a Dockerfile (dockerui, `NamedContext`)."""
    return str(reference).removesuffix(":latest")


def named_images(dockerfile: bytes, build_args: Mapping[str, str]) -> NamedImages:
    """The images that a Dockerfile names without a digest.

    Args:
        dockerfile: its bytes.
        build_args: values of build arguments, which `FROM` may use.

    Raises:
        ConfigurationError: a name cannot be read, depends on what only the build knows, or is also a stage's name.
    """
    reader = _Reader(build_args)
    for name, rest in instructions(dockerfile):
        reader.read(name, rest)
    syntax = _directives(dockerfile.decode(errors="replace")).get("syntax")
    return NamedImages(tools=reader.tools(), frontend=_frontend(syntax))


def declares(dockerfile: bytes, argument: str) -> bool:
    """Whether a stage of a Dockerfile declares a build argument, so that the steps below get it."""
    has_stage = False
    for name, rest in instructions(dockerfile):
        has_stage = has_stage or name == "from"
        if has_stage and name == "arg" and argument in (word.partition("=")[0] for word in re.findall(WORD, rest)):
            return True
    return False


def instructions(dockerfile: bytes) -> Iterator[tuple[str, str]]:
    """Each instruction in lower case with its arguments; continued lines are joined, and heredocs left out."""
    text = dockerfile.decode(errors="replace")
    return _instructions(text, "`" if _directives(text).get("escape") == "`" else "\\")


def _directives(text: str) -> dict[str, str]:
    """The parser directives; `//` may also introduce the frontend."""
    lines = text.split("\n")[1:] if text.startswith("#!") else text.split("\n")
    for mark in ("#", "//"):
        found: dict[str, str] = {}
        for line in lines:
            match = _DIRECTIVE.fullmatch(line.removeprefix(mark).lstrip()) if line.startswith(mark) else None
            if not match or match[1].lower() not in ("syntax", "escape", "check"):
                break
            found[match[1].lower()] = match[2]
        if "syntax" in found or (found and mark == "#"):
            return found
    return {}


def _frontend(syntax: str | None) -> ImageReference | None:
    if syntax is None:
        return None
    reference = _reference(syntax, f"# syntax={syntax}")
    return None if reference.digest else reference


def _instructions(text: str, escape: str) -> Iterator[tuple[str, str]]:
    continued = re.compile(rf"(?:(?<=[^{re.escape(escape)}])|^){re.escape(escape)}[ \t]*$")
    lines = iter([line.removesuffix("\r") for line in text.split("\n")])
    for first in lines:
        if not first.strip() or first.lstrip().startswith("#"):
            continue
        whole, line = continued.sub("", first), first
        while continued.search(line):
            line = next((line for line in lines if line.strip() and not line.lstrip().startswith("#")), "")
            whole += continued.sub("", line)
        name, _, rest = re.sub(r"[\t\v\f\r ]+", " ", whole.strip(), count=1).partition(" ")
        if not name:
            continue
        yield name.lower(), rest
        for chomp, end in _heredocs(name.lower(), rest):
            for line in lines:
                if (line.lstrip("\t") if chomp else line) == end:
                    break


def _heredocs(name: str, rest: str) -> Iterator[tuple[bool, str]]:
    """Whether tabs are stripped, and the last line, for each heredoc that an instruction begins."""
    inner = rest.partition(" ")[0].lower() if name == "onbuild" else name
    if inner not in ("run", "copy", "add") or not _WORDS.fullmatch(rest):  # BuildKit does not see a heredoc here either
        return
    for word in re.findall(WORD, rest):
        match = _HEREDOC.fullmatch(word)
        if match:
            yield bool(match[1]), re.sub(r"""["'\\]""", "", match[2])


class _Reader:
    """What is known of a Dockerfile after some of its instructions."""

    def __init__(self, build_args: Mapping[str, str]) -> None:
        self._build_args = build_args
        self._globals: dict[str, str | None] = {}
        self._stages: set[str] = set()
        self._has_stage = False
        self._of_stages: dict[ImageReference, str] = {}
        self._sources: list[str] = []

    def read(self, name: str, rest: str) -> None:
        """Process the next instruction."""
        if name == "arg" and not self._has_stage:
            self._argument(rest)
        elif name == "from":
            self._from(rest)
        elif name == "onbuild":
            inner, _, further = rest.lstrip().partition(" ")
            for source in _sources(inner.lower(), further):
                if not _reference(source, f"ONBUILD {rest}").digest:
                    raise ConfigurationError(f"the Dockerfile hands {source!r} on in ONBUILD {inner}", _REMEDY)
        else:
            self._sources += _sources(name, rest)

    def tools(self) -> tuple[ImageReference, ...]:
        """The images without a digest, once all is read, since a stage with a source's name may come after it."""
        found = dict(self._of_stages)
        for source in self._sources:
            if not (source.isdecimal() or source.lower() in {*self._stages, "base", "scratch"}):
                found[_reference(source, source)] = source
        tools = {context_name(reference): reference for reference in found if not reference.digest}
        for name in tools.keys() & self._stages:
            raise ConfigurationError(f"the Dockerfile names a stage and an image {name!r}", "rename the stage")
        return tuple(tools[name] for name in sorted(tools))

    def _argument(self, rest: str) -> None:
        for word in re.findall(WORD, rest):
            name, equals, value = word.partition("=")
            if _OF_THE_BUILD.fullmatch(name):
                continue
            if name in self._build_args:
                self._globals[name] = self._build_args[name]
            else:
                self._globals[name] = self._expanded(value) if equals else ""

    def _from(self, rest: str) -> None:
        words = rest.split()
        while words and words[0].startswith("--"):
            del words[0]
        if not words:
            raise ConfigurationError("the Dockerfile has a FROM without an image", "write FROM base")
        image = self._expanded(words[0])
        if image is None:
            raise ConfigurationError(
                f"the Dockerfile has FROM {words[0]}, whose image only the build can tell", _REMEDY
            )
        if image.lower() not in {*self._stages, "base", "scratch"}:
            self._of_stages[_reference(image, f"FROM {words[0]}")] = image
        if len(words) == 3 and words[1].lower() == "as":
            self._stages.add(words[2].lower())
        self._has_stage = True

    def _expanded(self, text: str) -> str | None:
        """The text with the values of variables; None if it needs what only the build knows, or is not understood."""
        unknown = "'" in text or "\\" in text

        def value_of(match: re.Match[str]) -> str:
            nonlocal unknown
            name, modifier, word = match[1] or match[2], match[3], match[4] or ""
            value = self._globals.get(name, "")
            unknown = unknown or value is None or _OF_THE_BUILD.fullmatch(name) is not None
            is_set = bool(value) if modifier and modifier[0] == ":" else name in self._globals
            if modifier and modifier[-1] == "+":
                return word if is_set else ""
            return word if modifier and not is_set else value or ""

        result = _VARIABLE.sub(value_of, text.replace('"', ""))
        return None if unknown or "$" in _VARIABLE.sub("", text) else result


def _sources(name: str, rest: str) -> list[str]:
    """The sources from which an instruction takes files."""
    found = []
    for word in re.findall(WORD, rest):
        if not word.startswith("--"):
            break
        flag, _, value = re.sub(r"""["']""", "", word).partition("=")
        if name in ("copy", "add") and flag == "--from":
            found.append(value)
        elif name == "run" and flag == "--mount":
            pairs = [field.partition("=") for field in value.split(",")]
            found += [source for key, _, source in pairs if key.strip().lower() == "from"]
    return found


def _reference(text: str, shown: str) -> ImageReference:
    try:
        return ImageReference.parse(text)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"the Dockerfile names an image that cannot be read: {shown[:160]}", _REMEDY
        ) from error
