"""Model gating: a live model changes only inside a corridor around a trusted anchor.

Importing the room is cheap; the names below are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from protection.gating.anchor import Anchor, Model
    from protection.gating.gate import Decision, ModelGate
    from protection.gating.gauss import compare, noise_of
    from protection.gating.settings import GateSettings
    from protection.gating.verdict import Check, Corridor, Standing, corridor

__all__ = [
    "Anchor",
    "Check",
    "Corridor",
    "Decision",
    "GateSettings",
    "Model",
    "ModelGate",
    "Standing",
    "compare",
    "corridor",
    "noise_of",
]

_HOMES = {
    "Anchor": "anchor",
    "Check": "verdict",
    "Corridor": "verdict",
    "Decision": "gate",
    "GateSettings": "settings",
    "Model": "anchor",
    "ModelGate": "gate",
    "Standing": "verdict",
    "corridor": "verdict",
    "compare": "gauss",
    "noise_of": "gauss",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
