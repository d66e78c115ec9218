"""Data filters: what a user keeps from the algorithm point by point."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from engine.data.stream import Chunk
from engine.securities.native import LeanModel, method
from engine.types.enums import MarketDataType


class SecurityDataFilter(LeanModel):
    """Lets everything through; derive and write ``filter(vehicle, data)``."""

    def filter(self, vehicle: Any, data: Any) -> bool:
        """Tell whether a point is to be seen."""
        return True


class EquityDataFilter(SecurityDataFilter):
    """The filter of shares: everything."""


class ForexDataFilter(SecurityDataFilter):
    """The filter of pairs of currencies: everything."""


class CfdDataFilter(SecurityDataFilter):
    """The filter of contracts for difference: everything."""


class IndexDataFilter(SecurityDataFilter):
    """The filter of indices: everything."""


def filtered(chunks: Iterable[Chunk], security: Any) -> Iterator[Chunk]:
    """Pass on what the filter of a security lets through; corporate events always.

    A point on which the filter raises is left out with a line in the log, as in LEAN.
    """
    keep = method(security.data_filter, "filter")
    for chunk in chunks:
        shown: list[int] = []
        kept: list[Any] = []
        for moment, point in zip(chunk.emit, chunk.points, strict=True):
            try:
                passes = point.data_type == MarketDataType.AUXILIARY or keep(security, point)
            except Exception as error:
                _tell(error)
                continue
            if passes:
                shown.append(moment)
                kept.append(point)
        yield Chunk(shown, kept)


def _tell(error: Exception) -> None:
    from engine.run import current_engine

    current_engine().results.add_error(
        f"Runtime error applying data filter. Assuming filter pass: {error}"
    )
