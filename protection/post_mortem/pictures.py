"""Pictures of a post-mortem as inline SVG: nothing to load, readable on light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING

from protection.post_mortem.attribution import Attribution
from protection.post_mortem.findings import Cause, ticker
from protection.post_mortem.market import MarketView

if TYPE_CHECKING:
    from protection.post_mortem.analyzer import PostMortem

WIDTH = 720
SHORT = {
    "signal": "signal",
    "gap": "gap",
    "slippage": "slippage",
    "fees": "fees",
    "forced_exit": "forced exit",
    "avoided_loss": "avoided loss",
    "other": "other",
}


def _svg(height: int, title: str, body: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(body)}</svg>"
    )


def _text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    name = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{name}>{escape(words)}</text>'


def curve(report: PostMortem) -> str:
    """Equity around the incident; the incident shaded, trips as marks."""
    points, incident = report.curve, report.incident
    if incident is None or len(points) < 2:
        return ""
    height, left, right, top, bottom = 260, 84, 12, 16, 30
    times = list(dict.fromkeys(time for time, _ in points))
    place = {time: index for index, time in enumerate(times)}  # one step a snapshot: no weekends
    values = [value for _, value in points]
    low, high = min(values), max(values)
    room = (high - low) or max(1.0, abs(high) * 0.01)
    span = max(1, len(times) - 1)

    def x(time: datetime) -> float:
        near = min(times, key=lambda known: abs((known - time).total_seconds()))
        return left + (WIDTH - left - right) * place[near] / span

    def y(value: float) -> float:
        return top + (height - top - bottom) * (high - value) / room

    ended = incident.ended or times[-1]
    start, stop = x(incident.begun), x(ended)
    body = [
        f'<rect class="shade" x="{start - 2:.1f}" y="{top}" '
        f'width="{max(4.0, stop - start + 4):.1f}" height="{height - top - bottom}"/>'
    ]
    for part in range(4):
        value = low + room * part / 3
        body.append(
            f'<line class="grid" x1="{left}" x2="{WIDTH - right}" y1="{y(value):.1f}" '
            f'y2="{y(value):.1f}"/>'
        )
        body.append(_text(left - 6, y(value) + 4, f"{value:,.0f}", "end", "small"))
    line = " ".join(f"{x(time):.1f},{y(value):.1f}" for time, value in points)
    body.append(f'<polyline class="line" points="{line}"/>')
    body += [
        f'<line class="trip" x1="{x(t.time):.1f}" x2="{x(t.time):.1f}" y1="{top}" '
        f'y2="{height - bottom}"><title>{escape(t.text)}</title></line>'
        for t in incident.triggers[:40]
    ]
    body.append(_text(left, height - 10, f"{times[0]:%Y-%m-%d}", "start", "small"))
    body.append(_text(WIDTH - right, height - 10, f"{times[-1]:%Y-%m-%d}", "end", "small"))
    return _svg(height, "Equity around the incident", body)


def waterfall(books: Attribution) -> str:
    """Parts of the profit, one after another, to their sum."""
    left, right, top, row = 110, 110, 8, 26
    steps: list[tuple[str, float, float]] = []
    level = 0.0
    for name, amount in books.parts.items():
        if amount or name in ("signal", "gap", "fees"):
            steps.append((SHORT[name], level, level + float(amount)))
            level += float(amount)
    steps.append(("sum", 0.0, float(books.pnl)))
    ends = [0.0, *(value for _, a, b in steps for value in (a, b))]
    low, high = min(ends), max(ends)
    scale = (WIDTH - left - right) / ((high - low) or 1.0)
    height = top * 2 + row * len(steps)
    zero = left - low * scale
    body = [f'<line class="grid" x1="{zero:.1f}" x2="{zero:.1f}" y1="{top}" y2="{height - top}"/>']
    for index, (name, a, b) in enumerate(steps):
        y = top + index * row
        kind = "whole" if name == "sum" else "gain" if b >= a else "loss"
        begin, width = left + (min(a, b) - low) * scale, max(1.0, abs(b - a) * scale)
        body.append(_text(left - 8, y + 17, name, "end"))
        body.append(
            f'<rect class="{kind}" x="{begin:.1f}" y="{y + 4}" width="{width:.1f}" '
            f'height="{row - 8}"/>'
        )
        body.append(_text(begin + width + 6, y + 17, f"{b - a:,.2f}", "start", "small"))
    return _svg(height, "Parts of the profit or loss", body)


def cause_bars(causes: Sequence[Cause]) -> str:
    """Points by cause."""
    if not causes:
        return ""
    left, right, top, row = 110, 60, 8, 26
    most = max(cause.points for cause in causes)
    body = []
    for index, cause in enumerate(causes):
        y = top + index * row
        width = (WIDTH - left - right) * cause.points / most
        kind = "loss" if index == 0 else "muted"
        body.append(_text(left - 8, y + 17, cause.name, "end"))
        body.append(
            f'<rect class="{kind}" x="{left}" y="{y + 4}" width="{width:.1f}" height="{row - 8}"/>'
        )
        body.append(_text(left + width + 6, y + 17, f"{cause.points:g}", "start", "small"))
    return _svg(top * 2 + row * len(causes), "Points by cause", body)


def move_bars(market: MarketView) -> str:
    """How far each symbol went on the day, in its own normal days."""
    moves = sorted(market.moves, key=lambda move: move.normals)[:24]
    if not moves:
        return ""
    left, right, top, row = 110, 110, 8, 22
    wrong = {spike.symbol for spike in market.spikes}
    far = max(3.0, *(abs(move.normals) for move in moves))
    low = min(0.0, *(move.normals for move in moves))
    high = max(0.0, *(move.normals for move in moves))
    scale = (WIDTH - left - right) / ((high - low) or far)
    zero = left - low * scale
    height = top * 2 + row * len(moves)
    body = [f'<line class="grid" x1="{zero:.1f}" x2="{zero:.1f}" y1="{top}" y2="{height - top}"/>']
    for index, move in enumerate(moves):
        y = top + index * row
        end = zero + move.normals * scale
        kind = "whole" if move.symbol in wrong else "loss" if move.normals < 0 else "gain"
        note = " isolated" if move.symbol in wrong else ""
        body.append(_text(left - 8, y + 15, ticker(move.symbol), "end"))
        body.append(
            f'<rect class="{kind}" x="{min(zero, end):.1f}" y="{y + 3}" '
            f'width="{max(1.0, abs(end - zero)):.1f}" height="{row - 6}"/>'
        )
        words = f"{move.change:+.1%} ({abs(move.normals):.1f}){note}"
        body.append(_text(max(zero, end) + 6, y + 15, words, "start", "small"))
    return _svg(height, "Moves on the day of the trigger, in normal daily moves", body)
