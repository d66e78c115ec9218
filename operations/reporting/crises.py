"""The windows of history in which a protection has to show what it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from operations.reporting.cost import DRAWDOWN_GUARDS, Halt
from operations.reporting.curves import Days, Floats, Track, loss, running_peak

#: name, first and last day; fixed before anything was run
WINDOWS: tuple[tuple[str, str, str], ...] = (
    ("Dot-com decline", "2000-03-01", "2002-10-31"),
    ("Financial crisis", "2007-10-01", "2009-03-31"),
    ("Flash crash week", "2010-05-03", "2010-05-07"),
    ("US downgrade", "2011-08-01", "2011-08-31"),
    ("24 August 2015 week", "2015-08-24", "2015-08-28"),
    ("December 2018", "2018-12-01", "2018-12-31"),
    ("Covid crash", "2020-02-01", "2020-03-31"),
    ("Bear market 2022", "2022-01-01", "2022-12-31"),
)
_SLACK = np.timedelta64(7, "D")


@dataclass(frozen=True, slots=True)
class Stretch:
    """One run in one window; losses as fractions, positive is bad.

    Attributes
    ----------
    inside : deepest loss from a peak within the window (its eve included)
    lifetime, window : deepest drawdown reached in it, from the all-time and the 252-session peak
    change : return over the window
    """

    inside: float
    lifetime: float
    window: float
    change: float


@dataclass(frozen=True, slots=True)
class Crisis:
    """One covered window.

    Attributes
    ----------
    first, last : indices of its sessions
    gap : points that the account lay beyond the limit when a drawdown breaker first saw it, plus
        what the next session, in which the exit is filled, took; None when none fired
    halts : halts of the account that began in it
    """

    name: str
    first: int
    last: int
    protected: Stretch
    bare: Stretch | None
    gap: float | None
    halts: int

    def verdict(self, limit: float) -> str:
        """Say whether the drawdown inside the window stayed below the limit."""
        deepest = self.protected.inside
        if deepest <= limit:
            return "kept"
        return "kept but for the gap" if deepest <= limit + (self.gap or 0.0) else "exceeded"


def _stretch(track: Track, first: int, last: int) -> Stretch:
    eve = max(first - 1, 0)
    values: Floats = track.equity[eve : last + 1]
    return Stretch(
        inside=float(loss(values, running_peak(values)).max()),
        lifetime=float(track.lifetime[first : last + 1].max()),
        window=float(track.window[first : last + 1].max()),
        change=float(values[-1] / values[0] - 1.0),
    )


def _gap(halts: Sequence[Halt]) -> float | None:
    gaps = []
    for halt in halts:
        beyond = [e.beyond or 0.0 for e in halt.trips if e.breaker in DRAWDOWN_GUARDS]
        if beyond:
            gaps.append(max(beyond) + max(0.0, -(halt.after_one or 0.0)))
    return max(gaps) if gaps else None


def crises(
    sessions: Days, protected: Track, bare: Track | None, halts: Sequence[Halt]
) -> list[Crisis]:
    """Return the windows that the sessions cover from their first to their last day."""
    found = []
    for name, begin, end in WINDOWS:
        start, stop = np.datetime64(begin, "D"), np.datetime64(end, "D")
        first = int(np.searchsorted(sessions, start))
        last = int(np.searchsorted(sessions, stop, side="right")) - 1
        covered = len(sessions) > 0 and sessions[0] <= start + _SLACK
        if not covered or sessions[-1] < stop - _SLACK or last <= first:
            continue
        inside = [halt for halt in halts if first <= halt.first <= last]
        found.append(
            Crisis(
                name,
                first,
                last,
                _stretch(protected, first, last),
                None if bare is None else _stretch(bare, first, last),
                _gap(inside),
                len(inside),
            )
        )
    return found
