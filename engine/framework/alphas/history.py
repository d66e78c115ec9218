"""History as alpha models warm up with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from engine.types.enums import Resolution
from engine.types.symbol import Symbol


def slices_of(
    algorithm: Any, symbols: Iterable[Symbol], periods: int, resolution: Resolution
) -> list[Any]:
    """Return the last slices of symbols: a number of bars of each."""
    requests = algorithm._history_requests(
        list(symbols), None, (periods,), {"resolution": resolution}
    )
    found: list[Any] = algorithm._history_slices(requests)
    return found


def push_through(slices: Iterable[Any], handler: Callable[[Any], Any]) -> None:
    """Give every point of slices to a handler; of a list of ticks the last."""
    for piece in slices:
        for value in piece.values():
            handler(value[-1] if isinstance(value, list) else value)


def bars_of(algorithm: Any, symbol: Symbol, periods: int, resolution: Resolution) -> list[Any]:
    """Return the last trade bars of a symbol; all its subscriptions are read, as LEAN does."""
    slices = slices_of(algorithm, [symbol], periods, resolution)
    return [piece.bars[symbol] for piece in slices if piece.bars.contains_key(symbol)]
