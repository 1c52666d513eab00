"""How far a command's arguments travel in the package.

    python -m benchmarks.passes run -q -- true

It runs the command in this process, follows every call between modules, and prints how many modules were entered, how
many got settings, an engine, a context, an order or the like as an argument, and which calls climb back: into a module
that is already on the caller's stack, by way of another one.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

PREFIX = "desktop_bake."
CARRIED = {"Context", "Engine", "Environment", "ImageResult", "Namespace", "Order", "Settings", "TaskOptions"}


class Follower:
    """The profiler for `sys.setprofile`.

    Attributes:
        entered: the modules with a called function.
        given: those with a function that got any of CARRIED as an argument.
        back: the calls that climb back, as `caller -> called`.
    """

    def __init__(self) -> None:
        self.entered: set[str] = set()
        self.given: set[str] = set()
        self.back: set[str] = set()

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        """Look at one call."""
        module, code = _module(frame), frame.f_code
        if event != "call" or not module.startswith(PREFIX) or code.co_name == "<module>":
            return
        self.entered.add(module)
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        if any(_is_carried(frame.f_locals.get(name)) for name in names if name not in ("self", "cls")):
            self.given.add(module)
        above = list(_above(frame))
        modules = [_module(caller) for caller in above]
        if modules and modules[0] != module and module in modules:
            caller = f"{modules[0]}.{above[0].f_code.co_qualname}"
            self.back.add(f"{caller} -> {module}.{code.co_qualname}".replace(PREFIX, ""))


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _above(frame: FrameType) -> Iterator[FrameType]:
    """The callers that are functions of the package, the nearest first."""
    caller = frame.f_back
    while caller:
        if _module(caller).startswith(PREFIX):
            yield caller
        caller = caller.f_back


def _is_carried(value: object) -> bool:
    return any(kind.__name__ in CARRIED for kind in type(value).__mro__)


def main(words: list[str]) -> int:
    """Run a command, and print the result on standard error."""
    from desktop_bake.bake.cli.main import main as command

    follower = Follower()
    sys.setprofile(follower)
    try:
        status = command(words)
    finally:
        sys.setprofile(None)
    counts = (
        f"{len(follower.entered)} modules entered, {len(follower.given)} given arguments, {len(follower.back)} back"
    )
    print("\n".join([counts, *sorted(follower.back)]), file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
