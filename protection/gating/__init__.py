"""Model gating: a live model changes only inside a corridor around a trusted anchor.

Importing the room is cheap; the names below are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from protection.contracts.gating_settings import GateSettings
    from protection.gating.anchor import Anchor, Model
    from protection.gating.gate import Decision, ModelGate
    from protection.gating.gauss import compare, noise_of
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
    "Anchor": "protection.gating.anchor",
    "Check": "protection.gating.verdict",
    "Corridor": "protection.gating.verdict",
    "Decision": "protection.gating.gate",
    "GateSettings": "protection.contracts.gating_settings",
    "Model": "protection.gating.anchor",
    "ModelGate": "protection.gating.gate",
    "Standing": "protection.gating.verdict",
    "corridor": "protection.gating.verdict",
    "compare": "protection.gating.gauss",
    "noise_of": "protection.gating.gauss",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
