"""Robust estimation: location, covariance and samples that a single source cannot move far.

Importing the room is cheap; the names below are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from protection.estimation.clipping import clip_influence, clip_radius, clipping_factor
    from protection.estimation.influence import InfluenceBound, capped_shares, clipping_bound
    from protection.estimation.streaming import StreamingMoments

__all__ = [
    "InfluenceBound",
    "StreamingMoments",
    "capped_shares",
    "clip_influence",
    "clip_radius",
    "clipping_bound",
    "clipping_factor",
]

_HOMES = {
    "InfluenceBound": "influence",
    "StreamingMoments": "streaming",
    "capped_shares": "influence",
    "clip_influence": "clipping",
    "clip_radius": "clipping",
    "clipping_bound": "influence",
    "clipping_factor": "clipping",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
