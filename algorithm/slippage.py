"""A slippage model for LEAN that knows spread, volatility and volume, and follows them."""

from __future__ import annotations

from AlgorithmImports import *

import math
from datetime import timedelta
from typing import Any

from algorithm.bridge import utc
from protection.contracts import records
from protection.execution.slippage import SlippageModel, SlippageSettings


class CalibratedSlippage:
    """Half-spread and impact from each security's own bars and quotes, as a slippage model.

    In ``initialize``, after the brokerage model and before or after the securities::

        self.slippage = CalibratedSlippage(self)

    puts it under every security of the algorithm, later ones included. Where a security has
    quotes, LEAN already fills at the bid or the ask: then only the impact is added; else the
    half-spread estimated from bars too. It replaces LEAN's own slippage models: impact is not
    counted twice.

    The answer is money per unit, a finite number of at least 0 whatever happens: a failure costs
    ``slippage.unknown`` of the price and is counted in ``failures``.

    Parameters
    ----------
    algorithm : QCAlgorithm
    settings : SlippageSettings, optional
        Coefficients; the published ones when missing.
    everything : bool
        Whether all securities are followed; else call :meth:`follow` for those that should be.
    """

    def __init__(
        self,
        algorithm: QCAlgorithm,
        settings: SlippageSettings | None = None,
        everything: bool = True,
    ) -> None:
        self.algorithm = algorithm
        self.model = SlippageModel(settings)
        self.failures = 0
        self.asked = 0
        self._fed: set[str] = set()
        if everything:
            for pair in algorithm.securities:
                self.follow(pair.value)
            algorithm.add_security_initializer(self.follow)

    def follow(self, security: Security) -> None:
        """Put the model under a security and listen to its bars."""
        security.set_slippage_model(self)
        self._listen(security)

    def get_slippage_approximation(self, asset: Security, order: Order) -> float:
        """Return the slippage of an order in money per unit."""
        try:
            self.asked += 1
            self._listen(asset)  # its subscriptions may have come after the model
            estimate = self.model.predict(str(asset.symbol.id), float(order.quantity))
            part = estimate.impact if self._has_quotes(asset) else estimate.total
            part = min(part, self.model.settings.cap)
            slippage = part * float(asset.price)
            if math.isfinite(slippage) and slippage >= 0.0:
                return slippage
        except BaseException:
            self.failures += 1
        return self._fallback(asset)

    def _fallback(self, asset: Any) -> float:
        try:
            slippage = self.model.settings.unknown * float(asset.price)
        except BaseException:
            self.failures += 1
            return 0.0
        return slippage if math.isfinite(slippage) and slippage >= 0.0 else 0.0

    # -- data ----------------------------------------------------------------------------------

    @staticmethod
    def _has_quotes(asset: Security) -> bool:
        return any(config.tick_type == TickType.QUOTE for config in asset.subscriptions)

    def _listen(self, security: Security) -> None:
        """Subscribe to bars of trades and quotes, once; without subscriptions yet, later."""
        key = str(security.symbol.id)
        if key in self._fed:
            return
        try:
            configs = [c for c in security.subscriptions if not c.is_internal_feed]
            for config in configs:
                consolidator = self._consolidator(config)
                if consolidator is not None:
                    manager = self.algorithm.subscription_manager
                    manager.add_consolidator(security.symbol, consolidator, config.tick_type)
                    self._fed.add(key)
        except BaseException:
            self.failures += 1

    def _consolidator(self, config: SubscriptionDataConfig) -> Any:
        minute = timedelta(minutes=1)
        ticks = config.resolution == Resolution.TICK
        if config.tick_type == TickType.TRADE:
            made: Any = TickConsolidator(minute) if ticks else TradeBarConsolidator(1)
            made.data_consolidated += self._on_trades
            return made
        if config.tick_type == TickType.QUOTE:
            made = TickQuoteBarConsolidator(minute) if ticks else QuoteBarConsolidator(1)
            made.data_consolidated += self._on_quotes
            return made
        return None

    def _on_trades(self, sender: Any, bar: TradeBar) -> None:
        try:
            volume = float(bar.volume)
            if volume <= 0.0:
                return  # a copy of an earlier bar: nothing was traded
            self.model.observe(
                records.Bar(
                    str(bar.symbol.id),
                    utc(bar.end_time),
                    float(bar.open),
                    float(bar.high),
                    float(bar.low),
                    float(bar.close),
                    volume,
                    bar.end_time - bar.time,
                )
            )
        except BaseException:
            self.failures += 1

    def _on_quotes(self, sender: Any, bar: QuoteBar) -> None:
        try:
            if bar.bid is None or bar.ask is None:
                return
            self.model.observe(
                records.Quote(
                    str(bar.symbol.id),
                    utc(bar.end_time),
                    float(bar.bid.close),
                    float(bar.ask.close),
                )
            )
        except BaseException:
            self.failures += 1
