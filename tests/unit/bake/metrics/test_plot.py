"""The plot of `stats`: SVG that says what the summary says, whatever was written."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from desktop_bake.bake.metrics.plot import plot
from desktop_bake.bake.metrics.summary import read_events, summarize
from tests.harness.events import event

SVG = "{http://www.w3.org/2000/svg}"


def drawn(told: list[str]) -> ElementTree.Element:
    """The plot of these lines of a file."""
    events, _ = read_events(told)
    return ElementTree.fromstring(plot(events, summarize(events)))


def texts(plot: ElementTree.Element) -> list[str]:
    """What is written in it."""
    return [text.text or "" for text in plot.iter(f"{SVG}text")]


def titles(plot: ElementTree.Element) -> list[str]:
    """What its bars say when a pointer rests on them."""
    return [title.text or "" for title in plot.iter(f"{SVG}title")]


def test_days() -> None:
    """A day has a bar of each kind, as high as it is frequent; `resolve` and `warm` are no use of a desktop."""
    told = [
        event("local-hit", 1),
        event("registry-hit", 2),
        event("built", 9),
        event("fallback", 9),
        event("failed", 9),
    ]
    told += [event("built", 9, day=3), event("local-hit", 1, command="resolve"), event("built", 9, command="warm")]
    svg = drawn(told)
    days = [title for title in titles(svg) if title.startswith("2026-")]
    first = ["2026-03-01: 2 hit", "2026-03-01: 1 built", "2026-03-01: 2 fallback or failed"]
    assert days == [*first, "2026-03-03: 1 built"]
    high = {rect[0].text: float(rect.get("height", "0")) for rect in svg.iter(f"{SVG}rect") if len(rect)}
    assert high["2026-03-01: 2 hit"] == 2 * high["2026-03-01: 1 built"]
    assert high["2026-03-03: 1 built"] == high["2026-03-01: 1 built"]
    assert {"2026-03-01", "2026-03-02", "2026-03-03", "5", "2", "0"} <= set(texts(svg))


def test_phases() -> None:
    """A phase has two bars, and the one of twenty is no shorter than the median."""
    svg = drawn([event("built", total) for total in (10.5, 20.5, 30.5)])
    said = [text for text in texts(svg) if "3 times" in text]
    assert said == ["20.0 s / 30.0 s, 3 times", "0.50 s / 0.50 s, 3 times"]
    bars = [rect for rect in svg.iter(f"{SVG}rect") if len(rect)]
    wide = [float(bar.get("width", "0")) for bar in bars if bar[0].text == "build: 20.0 s / 30.0 s"]
    assert len(wide) == 2
    assert wide[0] >= wide[1] > 0


@pytest.mark.parametrize(
    ("told", "head"),
    [
        ([], "Desktops: no desktop was used, 0.00 s saved"),
        ([event("built", 10), event("local-hit", 1)], "Desktops: 50% hits, 9.00 s saved"),
        ([event("local-hit", 1)], "Desktops: 100% hits"),
    ],
)
def test_head(told: list[str], head: str) -> None:
    """The head has the rate, and what was saved if there is something to compare with."""
    assert texts(drawn(told))[0] == head


def test_many_days() -> None:
    """Years are assembled into at most sixty bars, and no day is lost."""
    told = []
    for year in range(2020, 2030):
        line = json.loads(event("built", 10))
        told.append(json.dumps({**line, "at": f"{year}-06-01T00:00:00+00:00"}))
    svg = drawn(told)
    days = [title for title in titles(svg) if "built" in title and ":" in title]
    assert sum(int(title.split(": ")[1].split()[0]) for title in days) == 10
    places = [float(r.get("x", "0")) for r in svg.iter(f"{SVG}rect") if len(r) and "built" in (r[0].text or "")]
    assert all(0 <= x <= 760 for x in places)


@pytest.mark.parametrize("name", ["<&>", "a\x1b[31m", "\ud800", "]]>"])
def test_names_are_text(name: str) -> None:
    """A phase's name cannot become markup, nor anything that XML cannot hold."""
    line = json.loads(event("built", 10))
    line["seconds"] = {name: 1, "total": 1}
    shown = texts(drawn([json.dumps(line)]))
    assert any(text == name.encode("unicode_escape").decode() or text == name for text in shown)
