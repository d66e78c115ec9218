"""Fill models for markets with quotes: the newest of trade and quote counts."""

from __future__ import annotations

from typing import Any

from engine.orders.fills import common
from engine.orders.fills.model import FillModel
from engine.orders.fills.prices import Prices
from engine.types.bars import QuoteBar, Tick, TradeBar
from engine.types.decimals import ZERO, to_decimal
from engine.types.enums import OrderDirection


class ImmediateFillModel(FillModel):
    """LEAN's usual fill model under its other name."""


class LatestPriceFillModel(ImmediateFillModel):
    """Takes the trade bar when it is newer than the quote bar (crypto)."""

    def get_prices(self, asset: Any, direction: OrderDirection) -> Prices:
        cache = asset.cache
        if direction == OrderDirection.HOLD:
            return common.cached_prices(asset)
        types = {c._type for c in asset.subscriptions if not c.is_internal_feed}
        if Tick in types:
            tick = cache.get_data(Tick)
            if tick is not None:
                side = tick.bid_price if direction == OrderDirection.SELL else tick.ask_price
                price = to_decimal(side or tick.value)
                if price:
                    return Prices(tick.time, tick.end_time, price, ZERO, ZERO, ZERO, ZERO)
        quote = cache.get_data(QuoteBar)
        if quote is not None:
            trade = cache.get_data(TradeBar)
            if trade is not None and trade.end_time > quote.end_time:
                return Prices(trade)
            bar = quote.bid if direction == OrderDirection.SELL else quote.ask
            if bar is not None:
                return Prices(quote.time, quote.end_time, bar)
        return common.cached_prices(asset)
