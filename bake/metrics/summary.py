"""The summary of a file of `--metrics`."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any

from ...generator.errors import ConfigurationError, printable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


HITS = ("local-hit", "registry-hit")
# Statuses with a desktop to get; `disabled` has none.
_COUNTED = (*HITS, "built", "fallback", "failed")
# Commands that use or make an image that is needed now; `resolve` only asks, and `warm` works ahead.
_USES = ("run", "build", "api")
_LONGEST_S = 1e9
_LONGEST_LINE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event, a line of the file.

    Attributes:
        at: when it was written.
        command: the command, such as `run`.
        environment: its ID, or None if it is not known.
        status: how the image was found, or `failed`.
        seconds: seconds by phase, and `total`.
        size_bytes: the size of the image, if it is known.
    """

    at: datetime
    command: str
    environment: str | None
    status: str
    seconds: dict[str, float]
    size_bytes: int | None

    @property
    def total_s(self) -> float:
        """Seconds of all phases."""
        return self.seconds.get("total", 0.0)

    @property
    def counts(self) -> bool:
        """Whether it counts towards the hit rate."""
        return self.command in _USES and self.status in _COUNTED


@dataclass(frozen=True, kw_only=True)
class Phase:
    """Seconds of one phase over all events that had it."""

    name: str
    count: int
    median_s: float
    p95_s: float
    max_s: float
    total_s: float


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The summary of a file.

    Attributes:
        events: how many events were read.
        unread: how many lines are not events.
        first, last: the times of the first and last event; None if there is no event.
        statuses: the events that count towards the hit rate, by status.
        hit_rate: the share of hits among these, 0 to 1; None if there are none.
        saved_s: seconds that hits saved: for each hit the median build of its environment (of all environments if it
            was never built), without the push, minus the time of the hit itself.
        unknown_hits: hits that cannot be compared with any build.
        phases: the phases, the slowest in total first.
    """

    events: int
    unread: int
    first: datetime | None
    last: datetime | None
    statuses: dict[str, int]
    hit_rate: float | None
    saved_s: float
    unknown_hits: int
    phases: tuple[Phase, ...]


def read_events(lines: Iterable[str]) -> tuple[list[Event], int]:
    """The events in a file's lines, and how many lines are not events."""
    events, unread = [], 0
    for line in lines:
        try:
            events.append(_event(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            unread += 1
    return events, unread


def events_of(path: Path) -> tuple[list[Event], int]:
    """The events in a file, and how many of its lines are not events.

    Raises:
        ConfigurationError: it cannot be read.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return read_events(iter(partial(file.readline, _LONGEST_LINE), ""))
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}", "name the FILE of --metrics FILE") from error


def _event(entry: dict[str, Any]) -> Event:
    at = datetime.fromisoformat(entry["at"])
    environment, size_bytes = entry["environment"], entry.get("bytes")
    if entry["schema"] != 1 or at.tzinfo is None or not isinstance(environment, str | None):
        raise ValueError("of another schema")
    seconds = {str(name): float(value) for name, value in entry["seconds"].items()}
    if not all(0 <= value < _LONGEST_S for value in seconds.values()):
        raise ValueError("no time")
    return Event(
        at=at.astimezone(UTC),
        command=str(entry["command"]),
        environment=environment,
        status=str(entry["status"]),
        seconds=seconds,
        size_bytes=size_bytes if isinstance(size_bytes, int) else None,
    )


def summarize(events: list[Event], unread: int = 0) -> Summary:
    """The summary of events.

    Args:
        events: the events, in any order.
        unread: how many lines are not events.
    """
    counted = [e for e in events if e.counts]
    hits = [e for e in counted if e.status in HITS]
    builds: defaultdict[str | None, list[float]] = defaultdict(list)
    for event in events:
        if event.status == "built":
            builds[event.environment].append(event.total_s - event.seconds.get("push", 0.0))
    every_build = [s for seconds in builds.values() for s in seconds]
    saved = sum(max(0.0, median(builds.get(e.environment) or every_build) - e.total_s) for e in hits if every_build)
    statuses = Counter(e.status for e in counted)
    moments = sorted(e.at for e in events)
    return Summary(
        events=len(events),
        unread=unread,
        first=moments[0] if moments else None,
        last=moments[-1] if moments else None,
        statuses={s: statuses[s] for s in _COUNTED if statuses[s]},
        hit_rate=len(hits) / len(counted) if counted else None,
        saved_s=saved,
        unknown_hits=0 if every_build else len(hits),
        phases=_phases(events),
    )


def _phases(events: list[Event]) -> tuple[Phase, ...]:
    by_name: defaultdict[str, list[float]] = defaultdict(list)
    for event in events:
        for name, value in event.seconds.items():
            if name != "total":
                by_name[name].append(value)
    phases = []
    for name, values in by_name.items():
        values.sort()
        p95 = values[min(len(values) - 1, round(0.95 * (len(values) - 1)))]
        phases.append(
            Phase(
                name=name, count=len(values), median_s=median(values), p95_s=p95, max_s=values[-1], total_s=sum(values)
            )
        )
    return tuple(sorted(phases, key=lambda p: (-p.total_s, p.name)))


def human_s(seconds: float) -> str:
    """Seconds as people say them: `0.12 s`, `41.6 s`, `12 min`, `3.4 h`."""
    if seconds < 100:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def as_json(summary: Summary) -> dict[str, object]:
    """The object that `stats --json` prints."""
    return {
        "schema": 1,
        "events": summary.events,
        "unread_lines": summary.unread,
        "first": summary.first.isoformat() if summary.first else None,
        "last": summary.last.isoformat() if summary.last else None,
        "statuses": summary.statuses,
        "hit_rate": summary.hit_rate,
        "saved_s": round(summary.saved_s, 3),
        "hits_without_a_build": summary.unknown_hits,
        "phases": {
            p.name: {
                "count": p.count,
                "median_s": p.median_s,
                "p95_s": p.p95_s,
                "max_s": p.max_s,
                "total_s": round(p.total_s, 4),
            }
            for p in summary.phases
        },
    }


def as_text(summary: Summary) -> list[str]:
    """The summary as lines of text."""
    if not summary.first or not summary.last:
        return ["no events"]
    of = ", ".join(f"{count} {status}" for status, count in summary.statuses.items())
    rate = "none was used" if summary.hit_rate is None else f"{summary.hit_rate:.0%} ({of})"
    saved = human_s(summary.saved_s)
    if summary.unknown_hits:
        saved = f"not known: {summary.unknown_hits} hits and no build to compare with"
    lines = [
        f"{summary.events} events, {summary.first:%Y-%m-%d %H:%M} to {summary.last:%Y-%m-%d %H:%M} UTC",
        f"hit rate  {rate}",
        f"saved     {saved}",
        "",
        f"{'PHASE':<8}{'COUNT':>6}{'MEDIAN':>10}{'95 %':>10}{'MAX':>10}{'IN ALL':>10}",
    ]
    for p in summary.phases:
        times = "".join(f"{human_s(value):>10}" for value in (p.median_s, p.p95_s, p.max_s, p.total_s))
        lines.append(f"{printable(p.name):<8}{p.count:>6}{times}")
    return lines
