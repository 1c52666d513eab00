"""The plot of `stats`: a few lines of SVG, no library."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from ...generator.errors import printable
from .summary import HITS, human_s

if TYPE_CHECKING:
    from .summary import Event, Summary


_WIDTH, _TOP, _LEFT, _HEIGHT, _ROW = 760, 64, 56, 180, 24
# People with colour blindness can tell this blue, orange and red apart, too.
_KINDS = {"hit": "#4477aa", "built": "#ee9933", "fallback or failed": "#bb3344"}
_MOST_BARS = 60


def plot(events: list[Event], summary: Summary) -> str:
    """What happened to the desktops, day by day, and where the seconds went, as SVG 1.1.

    Args:
        events: the events of the file.
        summary: the summary of these events.
    """
    height = _TOP + _HEIGHT + 60 + _ROW * len(summary.phases) + 24
    rate = "no desktop was used" if summary.hit_rate is None else f"{summary.hit_rate:.0%} hits"
    saved = "" if summary.unknown_hits else f", {human_s(summary.saved_s)} saved"
    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12" fill="#222222">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(_LEFT, 24, f"Desktops: {rate}{saved}", size=16),
        *_legend(),
        *_days(events),
        *_phase_bars(summary, _TOP + _HEIGHT + 60),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(printable(text))}</text>'


def _bar(box: tuple[float, float, float, float], fill: str, title: str) -> str:
    x, y, width, height = box
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {place} fill="{fill}"><title>{escape(printable(title))}</title></rect>'


def _legend() -> list[str]:
    parts, x = [], float(_LEFT)
    for kind, colour in _KINDS.items():
        parts += [_bar((x, 36, 12, 12), colour, kind), _text(x + 18, 46, kind)]
        x += 40 + 8 * len(kind)
    return parts


def _kind(event: Event) -> str:
    if event.status in HITS:
        return "hit"
    return "built" if event.status == "built" else "fallback or failed"


def _days(events: list[Event]) -> list[str]:
    """A stacked bar for each day; if there are many days, they are combined."""
    counts: defaultdict[date, Counter[str]] = defaultdict(Counter)
    for event in events:
        if event.counts:
            counts[event.at.date()][_kind(event)] += 1
    bottom = _TOP + _HEIGHT
    parts = [f'<path d="M{_LEFT} {_TOP}V{bottom}H{_WIDTH - 16}" fill="none" stroke="#888888"/>']
    if not counts:
        return parts
    first = min(counts)
    step = ((max(counts) - first).days + _MOST_BARS) // _MOST_BARS
    bars: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for day, kinds in counts.items():
        bars[(day - first).days // step].update(kinds)
    most = max(sum(kinds.values()) for kinds in bars.values())
    slot = (_WIDTH - 16 - _LEFT) / (max(bars) + 1)
    ticks = sorted({0, most // 2, most})
    parts += [_text(_LEFT - 8, bottom - t / most * _HEIGHT + 4, str(t), anchor="end") for t in ticks]
    named = math.ceil(90 / slot)
    for index in range(max(bars) + 1):
        day, y, x = first + timedelta(days=index * step), float(bottom), _LEFT + index * slot
        for kind, colour in _KINDS.items():
            tall = bars[index][kind] / most * _HEIGHT
            y -= tall
            if tall:
                width = min(slot * 0.8, 60)
                box = x + (slot - width) / 2, y, width, tall
                parts.append(_bar(box, colour, f"{day}: {bars[index][kind]} {kind}"))
        if index % named == 0 and x + slot / 2 + 40 <= _WIDTH:
            parts.append(_text(x + slot / 2, bottom + 18, str(day), anchor="middle"))
    return parts


def _phase_bars(summary: Summary, top: int) -> list[str]:
    """A bar for each phase: the median, and in a light colour the slowest of twenty."""
    parts = [_text(_LEFT, top - 14, "Seconds a phase takes: median, and 95 % in light")]
    longest = max((p.p95_s for p in summary.phases), default=0) or 1
    scale = (_WIDTH - _LEFT - 190) / longest
    for index, phase in enumerate(summary.phases):
        y = top + index * _ROW
        said = f"{human_s(phase.median_s)} / {human_s(phase.p95_s)}"
        parts += [
            _text(_LEFT - 8, y + 13, phase.name, anchor="end"),
            _bar((_LEFT, y, phase.p95_s * scale, 18), "#c4d4e4", f"{phase.name}: {said}"),
            _bar((_LEFT, y, phase.median_s * scale, 18), "#4477aa", f"{phase.name}: {said}"),
            _text(_LEFT + phase.p95_s * scale + 8, y + 13, f"{said}, {phase.count} times"),
        ]
    return parts
