"""Everything a report shows, computed once from the results of the runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from operations.reporting.cost import Cost, Halt, Proof, cost, halts, order_kinds, proof
from operations.reporting.crises import Crisis, crises
from operations.reporting.curves import Days, Track, sessions_of, track
from operations.reporting.protocol import Episode, Summary, episodes


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of one report.

    Attributes
    ----------
    protected : the run; protected when there is a ``summary``
    bare : the same algorithm with the guards off, None when it was not run
    limit : drawdown that the protection promises, None when it promises none
    """

    name: str
    status: str
    error: str
    data: str
    created: str
    seconds: float
    data_points: int
    parameters: Mapping[str, str]
    sessions: Days
    protected: Track
    bare: Track | None
    summary: Summary | None
    episodes: tuple[Episode, ...]
    halts: tuple[Halt, ...]
    crises: tuple[Crisis, ...]
    cost: Cost | None
    proof: Proof | None
    kinds: Mapping[tuple[str, str], int]
    limit: float | None


def build(
    content: Mapping[str, Any],
    bare: Mapping[str, Any] | None = None,
    summary: Summary | None = None,
    *,
    data: str = "",
    created: str = "",
) -> Report:
    """Compute a report.

    Parameters
    ----------
    content, bare
        ``result.json`` of the run and of the same algorithm without protection.
    summary
        What the protection wrote down, None for an algorithm without one.
    data, created
        Name of the data folder and time of the run, as shown.

    Raises
    ------
    ValueError
        When a result holds no equity.
    """
    known = summary is not None and len(summary.sessions) > 0
    sessions = summary.sessions if summary is not None and known else sessions_of(content)
    with_ = track(content, sessions)
    without = None if bare is None else track(bare, sessions)
    stops: list[Halt] = []
    runs: list[Episode] = []
    price: Cost | None = None
    limit: float | None = None
    if summary is not None:
        other = None if without is None else without.equity
        stops = halts(summary, sessions, with_.equity, other)
        runs = episodes(summary.events, sessions[-1])
        limit = summary.setting("drawdown", "liquidate")
        if limit is None and summary.setting("cushion", "promise") not in (None, "off"):
            limit = summary.setting("cushion", "limit")
        if without is not None:
            price = cost(with_, without, summary, stops)
    return Report(
        name=str(content["algorithm"]),
        status=str(content["status"]),
        error=str(content.get("runtime_error") or ""),
        data=data,
        created=created,
        seconds=float(content["engine_seconds"]),
        data_points=int(content["data_points"]),
        parameters=dict(content.get("algorithm_configuration", {}).get("parameters", {})),
        sessions=sessions,
        protected=with_,
        bare=without,
        summary=summary,
        episodes=tuple(runs),
        halts=tuple(stops),
        crises=tuple(crises(sessions, with_, without, stops)),
        cost=price,
        proof=None if summary is None else proof(content, summary),
        kinds=order_kinds(content),
        limit=limit,
    )
