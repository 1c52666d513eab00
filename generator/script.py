"""A script as a person has it: a file, or the text itself, as the text box of a window program gives it."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Self

from .described import check_types, checked
from .errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import PurePath


LONGEST_BYTES = 256 << 10  # of a text, which appears in configurations, records and windows; a file may have 16 MiB
_MARK = "\ufeff"


@dataclass(frozen=True, kw_only=True)
class Script:
    """A script: a file, or its text. Make it with `Script.file(…)` or `Script.text(…)`.

    Attributes:
        path: the file's name in the configuration's folder, or a `Path` to any file; None for inline text.
        content: the bytes of inline text; None for a file, which is read when it is needed.

    Raises:
        ConfigurationError: it has both or neither, or the text is longer than 256 KiB.
    """

    path: str | PurePath | None = None
    content: bytes | None = None

    def __post_init__(self) -> None:
        check_types(self)
        if (self.path is None) == (self.content is None):
            raise ConfigurationError("a script is a file or a text", "write Script.file('…') or Script.text('…')")
        if self.content is not None and len(self.content) > LONGEST_BYTES:
            raise ConfigurationError(
                f"a text of {len(self.content):,} bytes is longer than {LONGEST_BYTES >> 10} KiB",
                "keep it in a file, or let a short script fetch the rest",
            )

    @classmethod
    @checked
    def file(cls, path: str | PurePath) -> Self:
        """A file, used as it is; a byte order mark or CRLF line ends are refused when it is read.

        Args:
            path: relative to the configuration's folder and inside it, or a `Path` to any file.
        """
        return cls(path=path)

    @classmethod
    @checked
    def text(cls, text: str) -> Self:
        r"""The text itself: a leading byte order mark goes, and CRLF becomes `\n`, since whoever types cannot see them.

        Args:
            text: the text that `bash` runs.

        Raises:
            ConfigurationError: it is too long, or holds what no UTF-8 can say.
        """
        try:
            return cls(content=text.removeprefix(_MARK).replace("\r\n", "\n").encode())
        except UnicodeEncodeError as error:
            raise ConfigurationError("a text holds an invalid character", "remove it") from error

    @classmethod
    @checked
    def in_turn(cls, texts: list[str]) -> Self:
        """Several texts as one, each in its own `bash`; the first that fails ends the script with its status.

        Args:
            texts: at least one; a single one stays as it is.

        Raises:
            ConfigurationError: as `text`.
        """
        if len(texts) == 1:
            return cls.text(texts[0])
        parts = ["f=$(mktemp)", "trap 'rm -f \"$f\"' EXIT"]
        for text in texts:
            content = (cls.text(text).content or b"").decode().removesuffix("\n")
            end = f"END_{sha256(content.encode()).hexdigest()[:16]}"
            parts.append(f'cat >"$f" <<\'{end}\'\n{content}\n{end}\nbash "$f" || exit')
        return cls.text("\n".join((*parts, "")))
