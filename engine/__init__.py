"""Embedded LEAN: runs algorithms written for LEAN's Python API without .NET and Docker."""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
