"""Performance before, during and after an incident, over stretches of comparable length."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from datetime import date
from itertools import pairwise
from statistics import pstdev
from typing import Any

from protection.post_mortem.incidents import Incident
from protection.post_mortem.timeline import Asked, Filled, Flow, Snapshot, Timeline

SESSIONS = 20


@dataclass(frozen=True, slots=True)
class Stretch:
    """Figures of one stretch; fractions, None where there are too few snapshots.

    Attributes
    ----------
    sessions : trading days with snapshots
    change : equity at the end over equity at the start less one, money paid in taken out
    drawdown : largest loss from a peak inside the stretch
    volatility : standard deviation of daily changes
    turnover : traded value over the equity at the start
    cost_bps : fees over traded value, in basis points
    """

    name: str
    sessions: int
    change: float | None
    drawdown: float | None
    volatility: float | None
    orders: int
    refused: int
    fills: int
    turnover: float
    fees: float
    cost_bps: float | None

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            name: round(value, 8) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


def before_during_after(timeline: Timeline, incident: Incident) -> tuple[Stretch, ...]:
    """Three stretches: up to 20 sessions before, the incident, up to 20 sessions after."""
    sessions: dict[date, list[int]] = {}
    for step in timeline.steps:
        if isinstance(step, Snapshot):
            sessions.setdefault(step.session, []).append(step.seq)
    early = [seqs for seqs in sessions.values() if seqs[-1] <= incident.baseline][-SESSIONS - 1 :]
    late = [seqs for seqs in sessions.values() if seqs[0] > incident.last][:SESSIONS]
    start = early[0][-1] if early else incident.baseline
    end = late[-1][-1] if late else incident.last
    return (
        _stretch("before", timeline, start, incident.baseline),
        _stretch("during", timeline, incident.baseline, incident.last),
        _stretch("after", timeline, incident.last, end),
    )


def _stretch(name: str, timeline: Timeline, first: int, last: int) -> Stretch:
    values: list[tuple[date, float]] = []
    flows = fees = traded = 0.0
    orders = refused = fills = 0
    for step in timeline.steps:
        if step.seq < first:
            continue
        if step.seq > last:
            break
        if isinstance(step, Snapshot):
            if math.isfinite(step.portfolio.equity):
                values.append((step.session, step.portfolio.equity - flows))
        elif step.seq == first:
            continue
        elif isinstance(step, Flow):
            flows += step.amount
        elif isinstance(step, Asked):
            orders += 1
            refused += not step.allowed
        elif isinstance(step, Filled):
            fills += 1
            fees += step.fee
            traded += abs(step.quantity) * step.price
    daily = list(dict(values).values())
    steps = [b / a - 1.0 for a, b in pairwise(daily) if a > 0]
    base = values[0][1] if values else 0.0
    peak, deepest = -math.inf, 0.0
    for _, value in values:
        peak = max(peak, value)
        deepest = max(deepest, 1.0 - value / peak if peak > 0 else 0.0)
    enough = len(values) > 1 and base > 0
    return Stretch(
        name,
        len(dict(values)),
        values[-1][1] / base - 1.0 if enough else None,
        deepest if enough else None,
        pstdev(steps) if len(steps) > 1 else None,
        orders,
        refused,
        fills,
        traded / base if base > 0 else 0.0,
        fees,
        fees / traded * 1e4 if traded > 0 else None,
    )
