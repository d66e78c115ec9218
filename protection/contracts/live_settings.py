"""Settings of live trading: how often somebody looks, how long somebody waits."""

from __future__ import annotations

from dataclasses import dataclass

from protection.contracts import checks
from protection.contracts.schema import Section, setting


@dataclass(frozen=True, eq=False, repr=False)
class LiveSettings(Section):
    """The lifeline of a live run; a backtest has none."""

    NAME = "live"
    SPARSE = True

    beat_seconds: float = setting(1.0, checks.above(0), "time between two beats of the heartbeat")
    watch_seconds: float = setting(0.05, checks.above(0), "time between two looks at the kill file")
    evaluate_seconds: float = setting(
        60.0, checks.above(0), "longest time without an evaluation while nothing happens"
    )
    cadence_seconds: float = setting(
        10.0, checks.above(0), "shortest time that is expected between two prices of a symbol"
    )
    patience_seconds: float = setting(
        5.0, checks.at_least(0), "how long an exit waits until cancelled orders are confirmed"
    )
    portions: int = setting(1, checks.count(1), "portions, one a beat, in which a kill closes")
    mismatch: str = setting(
        "freeze",
        checks.one_of("freeze", "accept"),
        "what a difference between stored and found account does that nothing explains; freeze: no "
        "adding until somebody resumes",
    )
