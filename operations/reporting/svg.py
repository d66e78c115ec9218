"""Small vocabulary of SVG: scales, ticks, thinned lines, and the frame every chart stands in."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from operations.reporting.curves import Days, Floats

WIDTH = 1120.0
LEFT, RIGHT = 104.0, 14.0
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_LOG_STEPS = ((1.0, 10.0), (1.0, 3.0, 10.0), (1.0, 2.0, 5.0, 10.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0))
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_DAYS_IN_YEAR = 365.25


def nice_ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Return round values between two values, about as many as wanted."""
    if not high > low:
        return [low]
    raw = (high - low) / max(wanted, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(s * power for s in _STEPS if s * power >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [round(n * step, 12) for n in range(first, math.floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float, least: int = 4) -> list[float]:
    """Return round values between two positive values, even in ratio."""
    found: list[float] = []
    for steps in _LOG_STEPS:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        found = sorted({s * 10.0**p for p in powers for s in steps if low <= s * 10.0**p <= high})
        if len(found) >= least:
            return found
    return found if len(found) > 1 else nice_ticks(low, high)


def thin(xs: Floats, ys: Floats) -> list[tuple[float, float]]:
    """Return at most four points for each pixel column: first, lowest, highest, last."""
    columns = np.floor(xs).astype(int)
    starts = np.flatnonzero(np.append(True, columns[1:] != columns[:-1]))
    points: list[tuple[float, float]] = []
    for start, stop in zip(starts, [*starts[1:], len(xs)], strict=True):
        part = ys[start:stop]
        kept = sorted(
            {start, stop - 1, start + int(part.argmin()), start + int(part.argmax())},
        )
        points += [(float(xs[k]), float(ys[k])) for k in kept]
    return points


def line(points: Sequence[tuple[float, float]]) -> str:
    """Return the path of a line."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    """Return a text element."""
    role = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{role}>{escape(words)}</text>'


def date_words(day: np.datetime64) -> str:
    """Return a day as people write it: 6 May 2010."""
    plain = day.astype("datetime64[D]").item()
    return f"{plain.day} {MONTHS[plain.month - 1]} {plain.year}"


def _time_ticks(first: np.datetime64, last: np.datetime64) -> list[tuple[np.datetime64, str]]:
    years = float((last - first).astype(int)) / _DAYS_IN_YEAR
    if years > 2:
        begin, end = int(str(first)[:4]) + 1, int(str(last)[:4])
        every = max(1, math.ceil(years / 14))
        return [
            (np.datetime64(f"{year}-01-01", "D"), str(year))
            for year in range(begin, end + 1)
            if year % every == 0
        ]
    if years > 0.2:
        begin_month = first.astype("datetime64[M]") + 1
        months = np.arange(begin_month, last.astype("datetime64[M]") + 1)
        every = max(1, math.ceil(len(months) / 12))
        return [
            (m.astype("datetime64[D]"), f"{MONTHS[int(str(m)[5:7]) - 1]} {str(m)[:4]}")
            for m in months[::every]
        ]
    days = np.arange(first, last + 1)
    every = max(1, math.ceil(len(days) / 6))
    return [(d, f"{d.item().day} {MONTHS[d.item().month - 1]}") for d in days[::every]]


@dataclass(frozen=True, slots=True)
class Frame:
    """Plot area of a chart over time.

    Attributes
    ----------
    low, high : values at the bottom and the top
    log : even ratios instead of even differences
    """

    sessions: Days
    height: float
    low: float
    high: float
    log: bool = False
    width: float = WIDTH
    left: float = LEFT
    right: float = RIGHT
    top: float = 12.0
    bottom: float = 24.0

    def x(self, days: Days) -> Floats:
        """Return the positions of days."""
        first = self.sessions[0].astype(float)
        span = max(self.sessions[-1].astype(float) - first, 1.0)
        found: Floats = self.left + (days.astype(float) - first) / span * self.inner
        return found

    def x_of(self, day: np.datetime64) -> float:
        """Return the position of one day, inside the plot."""
        place = float(self.x(np.array([day], dtype="datetime64[D]"))[0])
        return min(max(place, self.left), self.width - self.right)

    @property
    def inner(self) -> float:
        return self.width - self.left - self.right

    def y(self, values: Floats) -> Floats:
        """Return the positions of values."""
        low, high = self.low, self.high
        if self.log:
            values, low, high = np.log(values), math.log(low), math.log(high)
        share = (values - low) / ((high - low) or 1.0)
        found: Floats = self.height - self.bottom - share * (self.height - self.top - self.bottom)
        return found

    def y_of(self, value: float) -> float:
        """Return the position of one value."""
        return float(self.y(np.array([value]))[0])

    def curve(self, values: Floats, kind: str) -> str:
        """Return a line over all sessions."""
        points = thin(self.x(self.sessions), self.y(values))
        return f'<path class="line {kind}" d="{line(points)}"/>'

    def area(self, values: Floats, base: float, kind: str) -> str:
        """Return the area between a line and a value."""
        points = thin(self.x(self.sessions), self.y(values))
        ground = self.y_of(base)
        ends = [(points[-1][0], ground), (points[0][0], ground)]
        return f'<path class="area {kind}" d="{line([*points, *ends])}Z"/>'

    def band(self, first: np.datetime64, last: np.datetime64, kind: str, title: str = "") -> str:
        """Return a full-height band between two days."""
        begin, end = self.x_of(first), self.x_of(last)
        inner = f"<title>{escape(title)}</title>" if title else ""
        return (
            f'<rect class="{kind}" x="{begin:.1f}" y="{self.top:.1f}" '
            f'width="{max(end - begin, 1.0):.1f}" '
            f'height="{self.height - self.top - self.bottom:.1f}">{inner}</rect>'
        )

    def time_axis(self) -> str:
        """Return the ticks and labels of the time axis."""
        parts = []
        floor = self.height - self.bottom
        room = self.left
        for day, label in _time_ticks(self.sessions[0], self.sessions[-1]):
            place = self.x_of(day)
            parts.append(
                f'<line class="tick" x1="{place:.1f}" x2="{place:.1f}" y1="{floor:.1f}" '
                f'y2="{floor + 4:.1f}"/>'
            )
            half = len(label) * 3.4
            if place - half >= room - 8 and place + half <= self.width + 4:
                parts.append(text(place, floor + 17, label, "label", "middle"))
                room = place + half + 16
        return "".join(parts)

    def value_axis(self, ticks: Sequence[float], words: Callable[[float], str]) -> str:
        """Return grid lines and labels of the value axis."""
        parts = []
        for value in ticks:
            place = self.y_of(value)
            parts.append(
                f'<line class="grid" x1="{self.left:.1f}" x2="{self.width - self.right:.1f}" '
                f'y1="{place:.1f}" y2="{place:.1f}"/>'
            )
            parts.append(text(self.left - 8, place + 4, words(value), "label", "end"))
        return "".join(parts)

    def draw(self, parts: Sequence[str], label: str, kind: str = "plot") -> str:
        """Return the whole picture."""
        return (
            f'<svg class="{kind}" viewBox="0 0 {self.width:g} {self.height:g}" role="img" '
            f'aria-label="{escape(label, quote=True)}" data-left="{self.left:g}" '
            f'data-right="{self.right:g}" data-top="{self.top:g}" '
            f'data-bottom="{self.bottom:g}">{"".join(parts)}</svg>'
        )
