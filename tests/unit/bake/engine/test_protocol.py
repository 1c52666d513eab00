"""What is asked of an engine's images: the real engine and the one of unit tests have all of it, in the same form."""

from __future__ import annotations

import inspect

import pytest

from desktop_bake.bake.engine.engine import Engine
from desktop_bake.bake.engine.protocol import ImageEngine
from tests.harness.fake_engine import FakeEngine

MEMBERS = sorted(name for name in vars(ImageEngine) if not name.startswith("_"))
METHODS = [name for name in MEMBERS if inspect.isfunction(vars(ImageEngine)[name])]


@pytest.mark.parametrize("kind", [Engine, FakeEngine])
@pytest.mark.parametrize("name", METHODS)
def test_methods(kind: type, name: str) -> None:
    """Each method takes the same arguments, by the same names."""
    wanted = inspect.signature(getattr(ImageEngine, name)).parameters
    has = inspect.signature(getattr(kind, name)).parameters
    assert list(has)[: len(wanted)] == list(wanted)
    assert all(has[further].default is not inspect.Parameter.empty for further in list(has)[len(wanted) :])
    assert [has[n].kind for n in wanted] == [wanted[n].kind for n in wanted]


@pytest.mark.parametrize("name", sorted(set(MEMBERS) - set(METHODS)))
def test_attributes(name: str) -> None:
    """Attributes exist on each instance."""
    assert hasattr(FakeEngine(), name)
    assert hasattr(Engine(), name)


def test_there_is_something_to_compare() -> None:
    """The protocol has members of either kind."""
    assert {"image", "work", "history"} <= set(METHODS)
    assert {"logins"} <= set(MEMBERS) - set(METHODS)
