"""The parser of all commands, made once: to make its flags takes longer than to parse a line."""

from __future__ import annotations

import functools

from desktop_bake.bake.cli.parser import parser

whole_parser = functools.cache(parser)
