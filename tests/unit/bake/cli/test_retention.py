"""What stays, as the flags say."""

from __future__ import annotations

import argparse
import time

import pytest

from desktop_bake import ConfigurationError
from desktop_bake.bake.cli.retention import policy_of


@pytest.mark.parametrize(
    ("keep", "older_than", "seconds"), [(0, "0", 0), (2, "30d", 30 * 86_400), (1, "1h30m", 5_400), (0, "8w", 4_838_400)]
)
def test_policy(monkeypatch: pytest.MonkeyPatch, keep: int, older_than: str, seconds: float) -> None:
    """The flags, and the time that it is."""
    monkeypatch.setattr(time, "time", lambda: 1e9)
    policy = policy_of(argparse.Namespace(keep=keep, older_than=older_than))
    assert (policy.keep, policy.older_than_s, policy.now_s) == (keep, seconds, 1e9)


@pytest.mark.parametrize(
    ("keep", "older_than", "says"), [(-1, "0", "--keep is -1"), (0, "soon", "soon"), (0, "-1d", "-1d")]
)
def test_refused(keep: int, older_than: str, says: str) -> None:
    """A number or an age that is none is reported."""
    with pytest.raises(ConfigurationError, match=says) as caught:
        policy_of(argparse.Namespace(keep=keep, older_than=older_than))
    assert caught.value.remedy
