"""Helpers of indicators that look at many symbols: ``trin``, ``adr``, ``nhnl`` and the like."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.consolidators.subscriptions import as_symbol
from engine.indicators import breadth


class BreadthMixin:
    """Market breadth of ``QCAlgorithm``: a list of symbols, then the parameters."""

    create_indicator_name: Any
    _get_subscription: Any
    _initialize_indicator: Any

    def _of_many(
        self, made: Any, label: str, symbols: Iterable[Any], resolution: Any, selector: Any,
        *values: Any,
    ) -> Any:  # fmt: skip
        found = [as_symbol(symbol) for symbol in symbols]
        if resolution is None:
            resolution_of_name = self._get_subscription(found[0]).resolution
        else:
            resolution_of_name = resolution
        indicator = made(self.create_indicator_name(None, label, resolution_of_name), *values)
        for symbol in found:
            indicator.add(symbol)
        self._initialize_indicator(indicator, resolution, selector, found)
        return indicator

    def trin(self, symbols: Any, resolution: Any = None, selector: Any = None) -> Any:
        """Arms index."""
        return self._of_many(breadth.ArmsIndex, "TRIN", symbols, resolution, selector)

    def adr(self, symbols: Any, resolution: Any = None, selector: Any = None) -> Any:
        """Advances by declines."""
        return self._of_many(
            breadth.AdvanceDeclineRatio, "A/D Ratio", symbols, resolution, selector
        )

    def advr(self, symbols: Any, resolution: Any = None, selector: Any = None) -> Any:
        """Volume of advances by that of declines."""
        return self._of_many(
            breadth.AdvanceDeclineVolumeRatio, "A/D Volume Rate", symbols, resolution, selector
        )

    def addiff(self, symbols: Any, resolution: Any = None, selector: Any = None) -> Any:
        """Advances less declines."""
        return self._of_many(
            breadth.AdvanceDeclineDifference, "A/D Difference", symbols, resolution, selector
        )

    def mosc(
        self,
        symbols: Any,
        fast_period: int = 19,
        slow_period: int = 39,
        resolution: Any = None,
        selector: Any = None,
    ) -> Any:
        """McClellan oscillator."""
        return self._of_many(
            breadth.McClellanOscillator, f"MO({fast_period},{slow_period})", symbols, resolution,
            selector, fast_period, slow_period,
        )  # fmt: skip

    def msi(
        self,
        symbols: Any,
        fast_period: int = 19,
        slow_period: int = 39,
        resolution: Any = None,
        selector: Any = None,
    ) -> Any:
        """McClellan summation index."""
        return self._of_many(
            breadth.McClellanSummationIndex, f"MSI({fast_period},{slow_period})", symbols,
            resolution, selector, fast_period, slow_period,
        )  # fmt: skip

    def nhnl(self, symbols: Any, period: int, resolution: Any = None, selector: Any = None) -> Any:
        """New highs less new lows."""
        return self._of_many(
            breadth.NewHighsNewLows, f"NH/NL({period})", symbols, resolution, selector, period
        )

    def nhnlv(self, symbols: Any, period: int, resolution: Any = None, selector: Any = None) -> Any:
        """Volume of new highs by that of new lows."""
        return self._of_many(
            breadth.NewHighsNewLowsVolume, f"NH/NL Volume({period})", symbols, resolution,
            selector, period,
        )  # fmt: skip
