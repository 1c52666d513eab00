"""What stands in for an engine if there is none."""

from __future__ import annotations

import platform

import pytest

from desktop_bake.bake.engine.no_engine import NoEngine


def test_it_has_nothing() -> None:
    """It has no image, and nobody is asked: a socket would fail this test."""
    engine = NoEngine()
    assert engine.image("a:1") is None
    assert engine.images({}) == []
    assert engine.labelled({"a": "b"}) == {}
    assert engine.registry_config() == {}


@pytest.mark.parametrize(
    ("machine", "wanted"),
    [("x86_64", "linux/amd64"), ("aarch64", "linux/arm64"), ("arm64", "linux/arm64"), ("AMD64", "linux/amd64")],
)
def test_its_platform(monkeypatch: pytest.MonkeyPatch, machine: str, wanted: str) -> None:
    """It runs what an engine of this machine would."""
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert NoEngine().platform() == wanted
