"""The charts of the report, each as one SVG text."""

from __future__ import annotations

from html import escape

import numpy as np

from operations.reporting import svg
from operations.reporting.crises import Crisis
from operations.reporting.curves import Floats
from operations.reporting.model import Report
from operations.reporting.protocol import PORTFOLIO, Episode
from operations.reporting.svg import Frame

_LANE = 17.0
_CONTEXT = 5
#: episodes of one guard up to which each is drawn state by state, with its reason
MANY = 150
#: guards from the strongest to the mildest; others follow in the order in which they first trip
ORDER = (
    "kill", "drawdown_peak", "drawdown_recent", "daily_loss", "leverage",
    "position_stop", "flash", "volatility",
)  # fmt: skip


def money(value: float) -> str:
    """Return an amount in short: 1.25M."""
    for size, sign in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{sign}"
    return f"{value:.3g}"


def percent(value: float, digits: int = 0) -> str:
    """Return a fraction in per cent, with a real minus sign."""
    shown = f"{value:.{digits}%}"
    if float(shown[:-1]) == 0:
        shown = shown.lstrip("-")
    return shown.replace("-", "\u2212")


def _shades(report: Report, frame: Frame, names: bool = False) -> list[str]:
    parts = []
    room = [0.0, 0.0]
    for crisis in report.crises:
        first, last = report.sessions[crisis.first], report.sessions[crisis.last]
        parts.append(frame.band(first, last, "crisis", crisis.name))
        half = len(crisis.name) * 2.9
        middle = min((frame.x_of(first) + frame.x_of(last)) / 2, frame.width - half)
        row = next((n for n in (0, 1) if middle - half > room[n]), None)
        if names and row is not None:
            parts.append(svg.text(middle, frame.top - 5 - 12 * row, crisis.name, "note", "middle"))
            room[row] = middle + half + 6
    return parts


def equity(report: Report) -> str:
    """Return equity of both runs, on a logarithmic axis."""
    curves = [report.protected.equity] + ([report.bare.equity] if report.bare else [])
    values = np.concatenate(curves)
    log = bool(values.min() > 0)
    low, high = float(values.min()), float(values.max())
    room = 0.04 * (high - low) if not log else 0.0
    low, high = (low / 1.03, high * 1.03) if log else (low - room, high + room)
    if not high > low:
        low, high = low - 1, high + 1
    frame = Frame(report.sessions, 360, low, high, log, top=32)
    ticks = svg.log_ticks(low, high) if log else svg.nice_ticks(low, high)
    parts = [frame.value_axis(ticks, money), *_shades(report, frame, names=True)]
    if report.bare:
        parts.append(frame.curve(report.bare.equity, "bare"))
    parts += [frame.curve(report.protected.equity, "protected"), frame.time_axis()]
    return frame.draw(parts, "Equity over time")


def _losses(report: Report, ours: Floats, other: Floats | None, label: str, axis: bool) -> str:
    deepest = max(float(ours.max()), 0.01 if other is None else float(other.max()))
    limit = report.limit
    low = -max(deepest, (limit or 0.0)) * 1.08
    frame = Frame(report.sessions, 190 if axis else 172, low, 0.0, top=8, bottom=24 if axis else 6)
    ticks = svg.nice_ticks(low, 0.0, 4)
    parts = [frame.value_axis(ticks, percent), *_shades(report, frame)]
    parts.append(frame.area(-ours, 0.0, "protected"))
    if other is not None:
        parts.append(frame.curve(-other, "bare thin"))
    parts.append(frame.curve(-ours, "protected thin"))
    if limit is not None:
        place = frame.y_of(-limit)
        parts.append(
            f'<line class="limit" x1="{frame.left:g}" x2="{frame.width - frame.right:g}" '
            f'y1="{place:.1f}" y2="{place:.1f}"/>'
        )
        parts.append(
            svg.text(
                frame.width - frame.right - 4, place - 4, f"limit {percent(limit)}", "note", "end"
            )
        )
    if axis:
        parts.append(frame.time_axis())
    return frame.draw(parts, label)


def drawdown_lifetime(report: Report) -> str:
    """Return the loss from the all-time peak of both runs."""
    other = report.bare.lifetime if report.bare else None
    return _losses(report, report.protected.lifetime, other, "Drawdown from the peak", True)


def drawdown_window(report: Report) -> str:
    """Return the loss from the peak of the last 252 sessions of both runs."""
    other = report.bare.window if report.bare else None
    return _losses(report, report.protected.window, other, "Drawdown from the 252-day peak", True)


def exposure(report: Report) -> str:
    """Return gross exposure of both runs and the share of the size that was let through."""
    highest = max(1.0, float(report.protected.gross.max()))
    if report.bare:
        highest = max(highest, float(report.bare.gross.max()))
    frame = Frame(report.sessions, 200, 0.0, highest * 1.05, top=8)
    parts = [frame.value_axis(svg.nice_ticks(0.0, highest, 4), percent), *_shades(report, frame)]
    if report.bare:
        parts.append(frame.curve(report.bare.gross, "bare thin"))
    parts.append(frame.curve(report.protected.gross, "protected thin"))
    if report.summary is not None:
        parts.append(frame.curve(report.summary.multiplier, "size"))
    parts.append(frame.time_axis())
    return frame.draw(parts, "Gross exposure over equity")


def guard_order(report: Report) -> list[str]:
    """Return the guards that tripped, the strongest first."""
    tripped = list(dict.fromkeys(e.breaker for e in report.episodes))
    known = [name for name in ORDER if name in tripped]
    return known + [name for name in tripped if name not in known]


def guard_name(name: str) -> str:
    """Return a guard's name as words."""
    return name.replace("_", " ")


def _spans(frame: Frame, episode: Episode, top: float, faint: bool) -> list[str]:
    parts = []
    who = "" if episode.scope == PORTFOLIO else f"{episode.symbol}: "
    for state, first, last in episode.spans:
        begin, end = frame.x_of(first), frame.x_of(last)
        words = f"{svg.date_words(first)}, {state}. {who}{episode.trip.reason}"
        parts.append(
            f'<rect class="state {escape(state, quote=True)}{" faint" if faint else ""}" '
            f'x="{begin:.1f}" y="{top + 2:.1f}" width="{max(end - begin, 1.6):.1f}" '
            f'height="{_LANE - 4:.1f}"><title>{escape(words)}</title></rect>'
        )
    return parts


def _marks(frame: Frame, runs: list[Episode], top: float) -> str:
    """Return one plain mark for each of many episodes."""
    marks = []
    height = _LANE - 4
    for episode in runs:
        begin, end = frame.x_of(episode.spans[0][1]), frame.x_of(episode.spans[-1][2])
        wide = max(end - begin, 1.6)
        marks.append(f'<path d="M{begin:.1f} {top + 2:.1f}h{wide:.1f}v{height:g}h-{wide:.1f}z"/>')
    return f'<g class="marks">{"".join(marks)}</g>'


def timeline(report: Report) -> str:
    """Return one lane for each guard that tripped, coloured by state."""
    guards = guard_order(report)
    if not guards:
        return ""
    frame = Frame(report.sessions, len(guards) * _LANE + 30, 0.0, 1.0, top=4)
    parts = _shades(report, frame)
    for number, guard in enumerate(guards):
        top = frame.top + number * _LANE
        middle = top + _LANE / 2 + 4
        parts.append(svg.text(frame.left - 8, middle, guard_name(guard), "label", "end"))
        parts.append(
            f'<line class="grid" x1="{frame.left:g}" x2="{frame.width - frame.right:g}" '
            f'y1="{top + _LANE:.1f}" y2="{top + _LANE:.1f}"/>'
        )
        runs = [episode for episode in report.episodes if episode.breaker == guard]
        if len(runs) > MANY:
            parts.append(_marks(frame, runs, top))
            continue
        for episode in runs:
            parts += _spans(frame, episode, top, episode.scope != PORTFOLIO)
    parts.append(frame.time_axis())
    return frame.draw(parts, "Breakers over time")


def crisis(report: Report, window: Crisis) -> str:
    """Return both equities through a crisis, 100 on its eve, with the halts shaded."""
    first = max(window.first - _CONTEXT, 0)
    last = min(window.last + _CONTEXT, len(report.sessions) - 1)
    eve = max(window.first - 1, 0)
    days = report.sessions[first : last + 1]
    tracks = [report.protected] + ([report.bare] if report.bare else [])
    curves = [100.0 * t.equity[first : last + 1] / t.equity[eve] for t in tracks]
    values = np.concatenate(curves)
    low, high = float(values.min()), float(values.max())
    room = max((high - low) * 0.06, 0.2)
    frame = Frame(days, 150, low - room, high + room, width=350, left=36, right=6, top=6, bottom=22)
    parts = [frame.value_axis(svg.nice_ticks(frame.low, frame.high, 3), lambda v: f"{v:g}")]
    parts.append(frame.band(report.sessions[window.first], report.sessions[window.last], "crisis"))
    for halt in report.halts:
        if halt.end >= first and halt.first <= last:
            begin, end = report.sessions[max(halt.first, first)], report.sessions[halt.end]
            parts.append(frame.band(begin, min(end, days[-1]), "halted", "adding denied"))
    if report.bare:
        parts.append(frame.curve(curves[1], "bare"))
    parts += [frame.curve(curves[0], "protected"), frame.time_axis()]
    return frame.draw(parts, f"{window.name}: equity, 100 on the eve", "mini")
