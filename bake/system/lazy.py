"""The rule for lazy imports: a module that a hit does not need is declared at the top of the modules that use it, and
imported at the first use.

    if TYPE_CHECKING:
        from ..build import bake
    else:
        bake = lazy("..build.bake", __package__)

Type checkers and the contract of the floors read the import; Python takes the other branch. No import is inside a
function (ruff, PLC0415).
"""

from __future__ import annotations

from importlib import import_module


class _Lazy:
    """Stands for a module; asks the import system each time, which is thread-safe, and quick after the first time."""

    def __init__(self, name: str, package: str | None) -> None:
        self._name, self._package = name, package

    def __getattr__(self, attribute: str) -> object:
        return getattr(import_module(self._name, self._package), attribute)


def lazy(name: str, package: str | None = None) -> _Lazy:
    """Stand for a module until something of it is used.

    Args:
        name: as in an import; a relative name has leading dots.
        package: the `__package__` of the module that declares it, if the name is relative.
    """
    return _Lazy(name, package)
