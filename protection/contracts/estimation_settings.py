"""What is configured about estimation, with its defaults."""

from __future__ import annotations

from dataclasses import dataclass

from protection.contracts import checks
from protection.contracts.schema import Section, setting


@dataclass(frozen=True, eq=False, repr=False)
class EstimationSection(Section):
    """Figures of the estimators; what is made from them is in
    :class:`protection.estimation.EstimationSettings`.
    """

    NAME = "estimation"
    SPARSE = True

    blocks: int = setting(10, checks.count(1), "blocks of the median of means")
    alpha: float = setting(0.75, checks.share(), "share of the rows the MRCD rests on, from 0.5")
    rho: float | None = setting(
        None, checks.share(optional=True), "regularisation of the MRCD; none: as much as is needed"
    )
    target: str = setting(
        "identity",
        checks.one_of("identity", "equicorrelation"),
        "what the MRCD is regularised towards",
    )
    radius: float | None = setting(
        None,
        checks.above(0, optional=True),
        "clip radius in units of the frame; none: the chi-square radius of tail",
    )
    tail: float = setting(0.025, checks.share(), "share of Gaussian rows beyond the clip radius")
    half_life: float | None = setting(
        None, checks.above(0, optional=True), "time in which a weight halves; none: never"
    )
    max_share: float = setting(
        1 / 3, checks.share(), "largest share of one source in what is published"
    )
    cap: int = setting(200, checks.count(1), "most rows kept of one source")
    floor: int = setting(50, checks.count(1), "rows that count of a source of the lowest trust")
