"""Every error that the code can raise names the thing, has a remedy that helps, and an entry in the documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness.raised import HANDED, PAGE, WHOLE, Raised, fault_of, raised, shown, written

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def found() -> list[Raised]:
    """Every error, read once, and not by who only collects tests."""
    return raised()


def test_errors_are_found(found: list[Raised]) -> None:
    """Both folders are read: errors of every exit status, also those that a helper makes of two texts."""
    assert len(found) > 400
    assert {one.status for one in found} == {1, 2, 4, 5, 6, 7, 124, 130}
    messages = {one.message for one in found}
    assert {"… is empty", "registry … redirects from https to http", "registry … requires a login…"} <= messages
    assert {one.place.partition(":")[0] for one in found} >= {*WHOLE, *HANDED}, "a file that is named has none any more"


def test_every_error_has_two_lines(found: list[Raised]) -> None:
    """One line says what is wrong, and of what; another says what to do."""
    assert [(one.place, fault) for one in found if (fault := fault_of(one))] == []


def test_every_message_has_an_entry(found: list[Raised]) -> None:
    """docs/troubleshooting.md has each message with its remedy, as `make docs` writes them."""
    page = PAGE.read_text(encoding="utf-8")
    assert page == written(page, found), "run: make docs"
    for one in found:
        assert not one.words or not one.remedy or f"| `{shown(one.message)}` |" in page


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ('raise EngineError(f"builder {name} is gone", "see: docker buildx ls")', None),
        ('raise EngineError(f"builder {name} is gone")', "no remedy"),
        ('raise OwnError(f"builder {name} is gone", "correct it")', "a remedy that does not help: correct it"),
        (
            'what = "try again"\n    raise EngineError(f"builder {name} is gone", what)',
            "a remedy that does not help: try again",
        ),
        ('raise EngineError("it is gone", "see: docker buildx ls")', "a message that names nothing: it is gone"),
        ('raise EngineError(name, "see: docker buildx ls")', "no message of its own"),
        ("raise EngineError('builder x', name)", "a remedy that is not known"),
        ('raise made("hangs", "correct it")', "a remedy that does not help: correct it"),
        ('raise EngineError("builder\\nx", "see it")', "more than a line"),
    ],
)
def test_what_is_found(code: str, fault: str | None, tmp_path: Path) -> None:
    """Each rule bites, for a class of a module's own and a maker of errors, too."""
    (tmp_path / "bake").mkdir()
    (tmp_path / "bake" / "x.py").write_text(
        "class OwnError(EngineError):\n    pass\n\n\n"
        'def made(what, remedy):\n    return RegistryError(f"registry {what}", remedy)\n\n\n'
        f"def f(name):\n    {code}\n"
    )
    found = [one for one in raised(tmp_path) if one.place != "bake/x.py:6"]
    assert [fault_of(one) for one in found] == [fault]
