"""Settings of the model gate."""

from __future__ import annotations

from dataclasses import dataclass

from protection.contracts import checks
from protection.contracts.errors import FixSettings
from protection.contracts.schema import Section, setting


@dataclass(frozen=True, eq=False, repr=False)
class GateSettings(Section):
    """Corridor around the anchor, and how the anchor may move.

    The limits are not independent: a drift of 0.5 alone is a divergence of 0.125, so the warning
    at 0.1 comes at a drift of 0.447 and the breaker at 0.2 at 0.632; one eigenvalue at 1.15 adds
    0.005.
    """

    NAME = "gating"
    SPARSE = True

    drift: float = setting(0.5, checks.above(0), "Mahalanobis distance of the means")
    spectrum: float = setting(
        0.15, checks.share(), "distance from 1 of any generalised eigenvalue of the covariances"
    )
    divergence_warn: float = setting(0.1, checks.above(0), "KL(candidate || anchor) that warns")
    divergence: float = setting(0.2, checks.above(0), "KL(candidate || anchor) that rejects")
    anomaly: float = setting(
        1e-4, checks.share(), "share of the anchor's rows that the candidate may call anomalous"
    )
    false_alarm: float = setting(
        0.05, checks.share(), "chance that clean data alarm in any check of one judgement"
    )
    draws: int = setting(199, checks.count(39), "simulated pairs under the null distribution")
    minimum_rows: int = setting(60, checks.count(10), "rows below which nothing is judged")
    rows_per_column: int = setting(5, checks.count(2), "rows per column below which neither")
    history: int = setting(1000, checks.count(1), "verdicts kept")
    checkpoints: int = setting(20, checks.count(1), "accepted models kept for rollback")
    slow_lane: bool = setting(False, checks.flag(), "whether the anchor may move unapproved")
    slow_share: float = setting(
        0.1, checks.share(), "share of the anchor's rows one slow step replaces"
    )
    slow_step: float = setting(
        0.25, checks.share(), "share of every limit one slow step may use, from the last anchor"
    )
    slow_accepted: int = setting(
        10, checks.count(1), "candidates accepted in a row before a slow step"
    )
    cooling_seconds: float = setting(
        20 * 86_400.0, checks.above(0), "time between two slow steps, and after an approval"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.divergence_warn > self.divergence:
            raise FixSettings(
                f"expected gating.divergence_warn at most gating.divergence ({self.divergence:g}), "
                f"was {self.divergence_warn:g}"
            )
        if 1.0 / (self.draws + 1) > self.false_alarm:
            raise FixSettings(
                f"expected gating.draws of at least {1 / self.false_alarm - 1:.0f} for a false "
                f"alarm rate of {self.false_alarm:g}, was {self.draws}"
            )
