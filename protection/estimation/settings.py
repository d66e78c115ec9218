"""What is configured about estimation, with its defaults, and the estimators made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from protection.contracts.estimation_settings import EstimationSection
from protection.estimation.clipping import clip_radius
from protection.estimation.determinant import Mrcd, mrcd
from protection.estimation.location import BlockPlan, block_plan
from protection.estimation.reservoir import StratifiedReservoir
from protection.estimation.streaming import StreamingMoments


@dataclass(frozen=True)
class EstimationSettings(EstimationSection):
    """Settings of the estimators, fields as in
    :class:`protection.contracts.estimation_settings.EstimationSection`.

    :meth:`specified` gives the values of the specification where they differ from the defaults:
    a regularisation of 0.3 towards equal correlations and a clip radius of 3 whatever p.
    """

    @classmethod
    def specified(cls) -> EstimationSettings:
        """Values as the specification has them."""
        return cls(rho=0.3, target="equicorrelation", radius=3.0)

    @classmethod
    def of(cls, section: EstimationSection) -> EstimationSettings:
        """The estimators of a settings tree: ``of(system.settings.estimation)``."""
        return cls.from_dict(section.to_dict())

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
