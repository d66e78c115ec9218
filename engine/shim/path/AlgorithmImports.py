"""Stands in for LEAN's ``AlgorithmImports`` while an algorithm runs on the embedded engine."""

from __future__ import annotations

from engine.shim.exports import exports

_found = exports()
globals().update(_found)
__all__ = sorted(_found)
