"""Which securities are traded: a list of tickers given as a parameter."""

from __future__ import annotations

from AlgorithmImports import *


def parse_tickers(text: str) -> list[str]:
    """Read ``"SPY, QQQ"`` into ``["SPY", "QQQ"]``.

    Raises
    ------
    ValueError
        When nothing is left, or a ticker stands there twice.
    """
    tickers = [part.strip().upper() for part in text.replace(";", ",").split(",") if part.strip()]
    if not tickers:
        raise ValueError("expected tickers in parameter universe, was empty; write as SPY,QQQ,IWM")
    twice = sorted({t for t in tickers if tickers.count(t) > 1})
    if twice:
        raise ValueError(
            f"expected each ticker once in parameter universe, was twice: {', '.join(twice)}"
        )
    return tickers


class TickerUniverse(ManualUniverseSelectionModel):
    """A fixed list of US shares and funds."""

    def __init__(self, tickers: list[str]) -> None:
        super().__init__([Symbol.create(t, SecurityType.EQUITY, Market.USA) for t in tickers])
