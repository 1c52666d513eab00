"""Events as values: what a program may log of them."""

from __future__ import annotations

from desktop_bake import Exited, Ready, Started


def test_a_secret_is_not_in_what_is_logged() -> None:
    """The address, which contains the task's secret, is read from the event, and is not in its text."""
    ready = Ready("http://127.0.0.1:6080/vnc.html#path=secret")
    assert ready.novnc_url
    assert "secret" not in repr(ready)


def test_values() -> None:
    """Events with the same content are equal."""
    assert Started("id", "name") == Started("id", "name")
    assert Exited(3).status == 3
