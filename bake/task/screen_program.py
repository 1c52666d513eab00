"""The programs that watch a task's screen: Python from the recipe's folder, passed to a container as one argument."""

from __future__ import annotations

from ..config.shipped import shipped
from .program import program

_SHARED = ("screen_rfb", "screen_windows")
# The imported modules of ours are in the text already: no file of ours is in a container.
_LOADER = """\
import sys, types
sys.modules["recipe"] = types.ModuleType("recipe")
for name, text in {modules!r}:
    module = sys.modules["recipe." + name] = types.ModuleType("recipe." + name)
    exec(compile(text, name, "exec"), module.__dict__)
module.main(*sys.argv[1:])
"""


def screen_program(name: str, *words: str) -> list[str]:
    """The words that run one of these programs in a container.

    Args:
        name: the module, such as `screen_pictures`.
        words: its arguments.
    """
    modules = [(part, shipped(f"recipe/{part}.py").read_text(encoding="utf-8")) for part in (*_SHARED, name)]
    return ["/bin/sh", "-c", program("with_python"), "python", "-I", "-c", _LOADER.format(modules=modules), *words]
