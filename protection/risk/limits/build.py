"""The further limits of the order gate, made from their settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from protection.contracts.limit_settings import ExposureSettings, TailSettings
from protection.risk.limits.base import OrderLimit
from protection.risk.limits.exposure import ExposureLimits

if TYPE_CHECKING:
    from protection.risk.limits.tail import TailLimit


def further_limits(
    exposure: ExposureSettings, tail: TailSettings
) -> tuple[tuple[OrderLimit, ...], TailLimit | None]:
    """Limits that are on, in the order in which they are asked, and the one on the tail, if on."""
    found: list[OrderLimit] = []
    shape = ExposureLimits(exposure)
    if shape.active:
        found.append(shape)
    watcher: TailLimit | None = None
    if tail.watch:
        from protection.risk.limits.tail import TailLimit  # needs NumPy

        watcher = TailLimit(tail)
        found.append(watcher)
    return tuple(found), watcher
