"""An environment's own scripts in a task's container: which are run, with what, and how they fail."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import pytest

from desktop_bake import Settings, TaskError, TimeLimitError
from desktop_bake.bake.system import process
from desktop_bake.bake.system.process import Ended
from desktop_bake.bake.task.preflight import run_preflight
from tests.harness.work import work

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.harness.fake_engine import FakeEngine

WELL = Ended(status=0, lines=(), timed_out=False)


@dataclass
class Client:
    """Docker clients, as `Child` starts them.

    Attributes:
        ends: how they end, one after the other; well if there is none.
        ran: words and standard input of each.
    """

    ends: list[Ended] = field(default_factory=list)
    ran: list[tuple[Sequence[str], bytes]] = field(default_factory=list)
    words: Sequence[str] = ()

    def __call__(self, words: Sequence[str], *, draw: bool) -> Self:
        """As `Child`."""
        assert not draw
        self.words = words
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def end(self) -> None:
        """As `Child.end`."""

    def follow(self, limit_s: float, log: Callable[[str], None], given: bytes, hide: Callable[[str], str]) -> Ended:
        """As `Child.follow`."""
        assert limit_s == 7
        self.ran.append((self.words, given))
        ended = self.ends.pop(0) if self.ends else WELL
        for line in ended.lines:
            log(hide(line))
        return ended


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    """Stands in for them."""
    client = Client()
    monkeypatch.setattr(process, "Child", client)
    return client


def run(engine: FakeEngine, lines: list[str], display: str | None = None, **scripts: bytes | None) -> None:
    """Run these scripts."""
    context = work(engine, Settings(build_timeout_s=7), lines.append)
    run_preflight("c0ffee", scripts, display, context)


def test_which(client: Client, engine: FakeEngine, lines: list[str]) -> None:
    """Each script that there is runs, in order, from standard input: no process list shows it."""
    run(engine, lines, preflight_script=b"one", gone=None, preflight_run_script=b"two")
    assert [given for _, given in client.ran] == [b"one", b"two"]
    for words, _ in client.ran:
        assert words[:4] == ["docker", "exec", "-i", "c0ffee"]
        assert words[4:6] == ["/bin/sh", "-c"]
        assert words[7:] == ["preflight"]
        assert not any("one" in word.split() for word in words)


@pytest.mark.parametrize(("display", "flags"), [(":1", ["-e", "DISPLAY=:1"]), (None, [])])
def test_the_display(
    client: Client, engine: FakeEngine, lines: list[str], display: str | None, flags: list[str]
) -> None:
    """With a desktop the script finds its display."""
    run(engine, lines, display, preflight_script=b"x")
    words, _ = client.ran[0]
    assert list(words[3 : words.index("c0ffee")]) == flags


def test_another_user(client: Client, engine: FakeEngine, lines: list[str]) -> None:
    """A script runs as the user that would have baked it, and learns that this may be another than the task's."""
    run_preflight("c0ffee", {"preflight_script": b"x"}, None, work(engine, Settings(build_timeout_s=7)), "0")
    words, _ = client.ran[0]
    assert words[3:6] == ["-u", "0", "c0ffee"]
    assert words[-2:] == ["preflight", "other"]


def test_what_it_prints(client: Client, engine: FakeEngine, lines: list[str]) -> None:
    """Each line is reported, without the secrets of a URL."""
    client.ends = [Ended(status=0, lines=("a", "https://u:hunter2@h/"), timed_out=False)]
    run(engine, lines, preflight_script=b"x")
    assert lines == ["a", "https://***@h/"]


@pytest.mark.parametrize(
    ("ended", "error", "says"),
    [
        (Ended(status=3, lines=("a", "why"), timed_out=False), TaskError, "first ended with status 3: why"),
        (Ended(status=3, lines=(), timed_out=False), TaskError, "first ended with status 3: it printed nothing"),
        (Ended(status=-2, lines=("a",), timed_out=True), TimeLimitError, "first was stopped after 7 s"),
    ],
)
def test_how_it_fails(
    client: Client, engine: FakeEngine, lines: list[str], ended: Ended, error: type[Exception], says: str
) -> None:
    """A script that fails is reported by its field's name and its last words; the next one does not run."""
    client.ends = [ended]
    more: dict[str, Any] = {"first": b"1", "second": b"2"}
    with pytest.raises(error) as caught:
        run(engine, lines, **more)
    assert str(caught.value) == says
    assert len(client.ran) == 1
