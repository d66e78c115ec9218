"""Robust estimation: location, covariance and samples that a single source cannot move far.

Importing the room is cheap; the names below are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from protection.estimation.clipping import (
        clip_influence,
        clip_radius,
        clipping_factor,
        mahalanobis,
    )
    from protection.estimation.determinant import Mrcd, mrcd
    from protection.estimation.geometric import geometric_median
    from protection.estimation.influence import InfluenceBound, capped_shares, clipping_bound
    from protection.estimation.location import (
        BlockPlan,
        block_plan,
        catoni_halfwidth,
        catoni_location,
        catoni_mean,
        median_of_means,
        trimmed_mean,
        winsorised_mean,
    )
    from protection.estimation.qn import qn_scale
    from protection.estimation.ranges import (
        catoni_range,
        geometric_median_ball,
        median_of_means_range,
    )
    from protection.estimation.reservoir import Sample, StratifiedReservoir
    from protection.estimation.settings import EstimationSettings
    from protection.estimation.streaming import StreamingMoments

__all__ = [
    "BlockPlan",
    "EstimationSettings",
    "InfluenceBound",
    "Mrcd",
    "Sample",
    "StratifiedReservoir",
    "StreamingMoments",
    "block_plan",
    "capped_shares",
    "catoni_halfwidth",
    "catoni_location",
    "catoni_mean",
    "catoni_range",
    "clip_influence",
    "clip_radius",
    "clipping_bound",
    "clipping_factor",
    "geometric_median",
    "geometric_median_ball",
    "mahalanobis",
    "median_of_means",
    "median_of_means_range",
    "mrcd",
    "qn_scale",
    "trimmed_mean",
    "winsorised_mean",
]

_HOMES = {
    "BlockPlan": "location",
    "EstimationSettings": "settings",
    "InfluenceBound": "influence",
    "Mrcd": "determinant",
    "Sample": "reservoir",
    "StratifiedReservoir": "reservoir",
    "StreamingMoments": "streaming",
    "block_plan": "location",
    "capped_shares": "influence",
    "catoni_halfwidth": "location",
    "catoni_location": "location",
    "catoni_mean": "location",
    "catoni_range": "ranges",
    "clip_influence": "clipping",
    "clip_radius": "clipping",
    "clipping_bound": "influence",
    "clipping_factor": "clipping",
    "geometric_median": "geometric",
    "geometric_median_ball": "ranges",
    "mahalanobis": "clipping",
    "median_of_means": "location",
    "median_of_means_range": "ranges",
    "mrcd": "determinant",
    "qn_scale": "qn",
    "trimmed_mean": "location",
    "winsorised_mean": "location",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
