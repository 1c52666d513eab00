"""Trivial cases of a function in one test: as tests of their own, they would take longer to report than to run."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence

import pytest

Test = Callable[..., None]


def every(names: str | Sequence[str], cases: Iterable[object]) -> Callable[[Test], Callable[[], None]]:
    """Run all cases, as `pytest.mark.parametrize` does, but in one test; it fails with each case that fails.

    Args:
        names: the test's arguments, all of which the cases give.
        cases: their values.
    """

    def decorate(test: Test) -> Callable[[], None]:
        @functools.wraps(test)
        def run() -> None:
            tried, failures = 0, []
            for tried, case in enumerate(cases, 1):
                values = (case,) if isinstance(names, str) else case
                given = dict(zip([names] if isinstance(names, str) else names, values, strict=True))  # type: ignore[call-overload]
                try:
                    test(**given)
                except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 (the others are tried as well)
                    error.add_note(f"case {tried}: {given!r}")
                    failures.append(error)
            assert tried, "no cases"
            if failures:
                raise BaseExceptionGroup(f"{len(failures)} of {tried} cases", failures)

        del run.__wrapped__  # pytest would look for its arguments there
        return run

    return decorate
