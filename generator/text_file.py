"""Text files that people write: marks that some editors add and no program on Linux expects."""

from __future__ import annotations

import codecs
from shlex import quote
from typing import TYPE_CHECKING

from .errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import PurePath


_WIDE = (  # UTF-32 first: its little-endian mark begins like that of UTF-16
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def check_no_mark(name: str, content: bytes, path: str) -> None:
    """Check that a text does not begin with a byte order mark, which would change its first line.

    Args:
        name: the name of the file for the message.
        content: its bytes.
        path: its path, for the command that fixes it.

    Raises:
        ConfigurationError: it begins with the mark of UTF-8, UTF-16 or UTF-32.
    """
    file = quote(path)
    if content.startswith(codecs.BOM_UTF8):
        raise ConfigurationError(
            f"{name} begins with a byte order mark, which changes its first line",
            f"remove it: sed -i '1s/^\\xef\\xbb\\xbf//' {file}",
        )
    for mark, encoding in _WIDE:
        if content.startswith(mark):
            new = quote(f"{path}.new")
            raise ConfigurationError(
                f"{name} is in {encoding}, not in UTF-8",
                f"convert it: iconv -f {encoding} -t UTF-8 {file} >{new} && cat {new} >{file} && rm {new}",
            )


def text_of(content: bytes, path: PurePath, remedy: str = "save it as UTF-8") -> str:
    """The text of a configuration file's bytes.

    Args:
        content: the bytes.
        path: where the file is.
        remedy: what to do if it is not UTF-8.

    Raises:
        ConfigurationError: it begins with a byte order mark, or is not UTF-8.
    """
    check_no_mark(path.name, content, str(path))
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path.name} is not UTF-8: {error}", remedy) from error
