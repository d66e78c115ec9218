"""What is configured about estimation, with its defaults, and the estimators made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from protection.contracts import checks
from protection.contracts.schema import Section, setting
from protection.estimation.clipping import TAIL, clip_radius
from protection.estimation.determinant import Mrcd, mrcd
from protection.estimation.location import BlockPlan, block_plan
from protection.estimation.reservoir import StratifiedReservoir
from protection.estimation.streaming import StreamingMoments


@dataclass(frozen=True)
class EstimationSettings(Section):
    """Settings of the estimators.

    :meth:`specified` gives the values of the specification where they differ from the defaults:
    a regularisation of 0.3 towards equal correlations and a clip radius of 3 whatever p.
    """

    NAME = "estimation"

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
    tail: float = setting(TAIL, checks.share(), "share of Gaussian rows beyond the clip radius")
    half_life: float | None = setting(
        None, checks.above(0, optional=True), "time in which a weight halves; none: never"
    )
    max_share: float = setting(
        1 / 3, checks.share(), "largest share of one source in what is published"
    )
    cap: int = setting(200, checks.count(1), "most rows kept of one source")
    floor: int = setting(50, checks.count(1), "rows that count of a source of the lowest trust")

    @classmethod
    def specified(cls) -> EstimationSettings:
        """Values as the specification has them."""
        return cls(rho=0.3, target="equicorrelation", radius=3.0)

    def plan(self, n: int) -> BlockPlan:
        """What the configured number of blocks promises for n observations."""
        return block_plan(n, blocks=self.blocks)

    def mrcd(self, X: Any) -> Mrcd:
        """MRCD of the rows of X as configured."""
        return mrcd(X, alpha=self.alpha, rho=self.rho, target=self.target)

    def clip_radius(self, p: int) -> float:
        """Clip radius for p variables."""
        return clip_radius(p, tail=self.tail) if self.radius is None else self.radius

    def stream(self, location: Any, covariance: Any) -> StreamingMoments:
        """Streaming moments in this frame as configured."""
        return StreamingMoments(
            location,
            covariance,
            radius=self.clip_radius(np.size(location)),
            half_life=self.half_life,
            max_share=self.max_share,
        )

    def reservoir(self, seed: int) -> StratifiedReservoir:
        """Empty reservoir as configured."""
        return StratifiedReservoir(
            cap=self.cap,
            floor=self.floor,
            max_share=self.max_share,
            half_life=self.half_life,
            seed=seed,
        )
