"""Keeps an automated strategy alive: breakers, order gate, kill switch and drawdown control.

Importing the package is cheap; the names below are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from protection.contracts.settings import ProtectionSettings
    from protection.system import ProtectionSystem

__all__ = ["ProtectionSettings", "ProtectionSystem"]


def __getattr__(name: str) -> Any:
    if name == "ProtectionSystem":
        from protection.system import ProtectionSystem

        return ProtectionSystem
    if name == "ProtectionSettings":
        from protection.contracts.settings import ProtectionSettings

        return ProtectionSettings
    raise AttributeError(f"module 'protection' has no attribute {name!r}")
