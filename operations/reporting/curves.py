"""Daily curves of a run: equity, gross exposure and drawdowns, one value a session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Days = NDArray[np.datetime64]
Floats = NDArray[np.float64]

ZONE = ZoneInfo("America/New_York")
WINDOW = 252
MONTHS_IN_YEAR = 12


@dataclass(frozen=True, slots=True)
class Track:
    """One run on the sessions of the report; all arrays have the length of the sessions.

    Attributes
    ----------
    equity : account value at the end of the session
    gross : sum of long and short holdings over equity
    lifetime, window : loss from the highest equity so far, and from that of the last 252 sessions
    statistics : LEAN's statistics, formatted
    """

    equity: Floats
    gross: Floats
    lifetime: Floats
    window: Floats
    statistics: Mapping[str, str]


def local_day(unix: float) -> np.datetime64:
    """Return the day to whose end a sample belongs; that of midnight is of the day before."""
    moment = datetime.fromtimestamp(unix, UTC).astimezone(ZONE) - timedelta(seconds=1)
    return np.datetime64(moment.date(), "D")


def by_day(points: list[list[float]], column: int) -> tuple[Days, Floats]:
    """Return the last value of each day.

    Parameters
    ----------
    points
        Rows that begin with unix seconds, in order of time.
    column
        Where the value stands in a row.
    """
    last: dict[np.datetime64, float] = {}
    for row in points:
        last[local_day(row[0])] = float(row[column])
    return np.array(list(last), dtype="datetime64[D]"), np.array(list(last.values()), dtype=float)


def at_sessions(sessions: Days, days: Days, values: Floats) -> Floats:
    """Return the last value known at the end of each session; the first value before any."""
    if not len(values):
        return np.zeros(len(sessions))
    where = np.searchsorted(days, sessions, side="right") - 1
    found: Floats = values[np.maximum(where, 0)]
    return found


def sessions_of(content: Mapping[str, Any]) -> Days:
    """Return the days of a result that count as sessions.

    Used where the run itself does not tell them: weekdays, and with a market that also moves on
    weekends every day.
    """
    days, values = by_day(content["equity"], 4)
    weekend = ~np.is_busday(days)
    moved = np.append(False, np.diff(values) != 0)
    return days if bool((weekend & moved).any()) else days[~weekend]


def running_peak(values: Floats, window: int | None = None) -> Floats:
    """Return the highest value so far, or of the last ``window`` values, the present included."""
    if window is None or window >= len(values):
        peaks: Floats = np.maximum.accumulate(values)
        return peaks
    padded = np.concatenate([np.full(window - 1, -np.inf), values])
    rolled: Floats = np.lib.stride_tricks.sliding_window_view(padded, window).max(axis=1)
    return rolled


def loss(values: Floats, peaks: Floats) -> Floats:
    """Return the loss from the peaks as fractions; positive is bad."""
    found: Floats = np.where(peaks > 0, 1.0 - values / np.where(peaks > 0, peaks, 1.0), 0.0)
    return found


def _gross(content: Mapping[str, Any]) -> tuple[Days, Floats]:
    series = content.get("charts", {}).get("Exposure", {})
    total: dict[np.datetime64, float] = {}
    for points in series.values():
        days, values = by_day(points, 1)
        for day, value in zip(days, values, strict=True):
            total[day] = total.get(day, 0.0) + abs(float(value))
    ordered = sorted(total)
    return (
        np.array(ordered, dtype="datetime64[D]"),
        np.array([total[day] for day in ordered], dtype=float),
    )


def track(content: Mapping[str, Any], sessions: Days) -> Track:
    """Return the curves of a result on the given sessions.

    Raises
    ------
    ValueError
        When the result holds no equity.
    """
    days, values = by_day(content["equity"], 4)
    if not len(days):
        raise ValueError("expected equity in the result, was empty: the run ended before its start")
    equity = at_sessions(sessions, days, values)
    return Track(
        equity=equity,
        gross=at_sessions(sessions, *_gross(content)),
        lifetime=loss(equity, running_peak(equity)),
        window=loss(equity, running_peak(equity, WINDOW)),
        statistics=dict(content["statistics"]),
    )


def monthly(sessions: Days, equity: Floats) -> dict[int, list[float | None]]:
    """Return for each year twelve monthly returns and, last, that of the year.

    A month runs from the last session before it; the first one from the first session. Months
    without a session are None.
    """
    months = sessions.astype("datetime64[M]")
    ends = np.append(np.flatnonzero(months[1:] != months[:-1]), len(months) - 1)
    table: dict[int, list[float | None]] = {}
    before, year_start, last_year = float(equity[0]), float(equity[0]), None
    for end in ends:
        number = int(months[end].astype(int))
        year, month = 1970 + number // MONTHS_IN_YEAR, number % MONTHS_IN_YEAR
        if year != last_year:
            year_start, last_year = before, year
            table[year] = [None] * (MONTHS_IN_YEAR + 1)
        value = float(equity[end])
        table[year][month] = value / before - 1.0
        table[year][MONTHS_IN_YEAR] = value / year_start - 1.0
        before = value
    return table
