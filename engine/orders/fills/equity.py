"""``EquityFillModel``: fills of shares; market orders at bid or ask, the rest at trade bars."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from engine.orders.event import OrderEvent
from engine.orders.fills import common
from engine.orders.fills.model import FillModel, complete
from engine.orders.fills.prices import Prices
from engine.types.bars import DATE_MIN, QuoteBar, Tick, TradeBar
from engine.types.decimals import ZERO, plain, to_decimal
from engine.types.enums import OrderDirection, OrderStatus, OrderType, TickType
from engine.types.errors import InvalidOperationException
from engine.types.timezones import from_utc

_ONE_HOUR = timedelta(hours=1)
_BUY, _CANCELED = OrderDirection.BUY, OrderStatus.CANCELED


class _Best:
    """The best price known for a side: value, message, and when it ended (UTC) if it is stale."""

    __slots__ = ("message", "price", "stale_end")

    def __init__(self, price: Decimal, message: str, stale_end: datetime | None = None) -> None:
        self.price, self.message, self.stale_end = price, message, stale_end


class EquityFillModel(FillModel):
    """Fill model of shares."""

    def market_fill(self, asset: Any, order: Any) -> OrderEvent:
        fill = common.new_fill(asset, order)
        if order.status == _CANCELED or not common.is_open(asset, False):
            return fill
        slip = common.slippage(asset, order)
        if order.direction == OrderDirection.HOLD:
            return complete(fill, order, ZERO)
        buy = order.direction == _BUY
        best = self._best(asset, order._time, "ask" if buy else "bid")
        if best.stale_end is not None and common.waits_when_stale(
            asset, best.stale_end, order._time
        ):
            return fill
        fill.message = best.message
        return complete(fill, order, best.price + slip if buy else best.price - slip)

    def stop_market_fill(self, asset: Any, order: Any) -> OrderEvent:
        fill = common.new_fill(asset, order)
        if order.status == _CANCELED or not common.is_open(asset, False):
            return fill
        bar = self._trade_bar(asset, order._time)
        if bar is None:
            return fill
        stop, opened = order._stop_price, bar._d_open
        if order.direction == OrderDirection.SELL:
            if bar._d_low <= stop:
                slip = common.slippage(asset, order)
                if opened <= stop:
                    fill.message = self._gap(asset, bar, "an unfavorable")
                    return complete(fill, order, opened - slip)
                return complete(fill, order, stop - slip)
        elif order.direction == _BUY and bar._d_high >= stop:
            slip = common.slippage(asset, order)
            if opened >= stop:
                fill.message = self._gap(asset, bar, "an unfavorable")
                return complete(fill, order, opened + slip)
            return complete(fill, order, stop + slip)
        return fill

    def limit_fill(self, asset: Any, order: Any) -> OrderEvent:
        fill = common.new_fill(asset, order)
        if order.status == _CANCELED or not self._limit_hours_open(asset):
            return fill
        bar = self._trade_bar(asset, order._time)
        if bar is None:
            return fill
        limit, opened = order._limit_price, bar._d_open
        if order.direction == _BUY:
            if bar._d_low < limit:
                if opened < limit:
                    fill.message = self._gap(asset, bar, "a favorable")
                    return complete(fill, order, opened)
                return complete(fill, order, limit)
        elif order.direction == OrderDirection.SELL and bar._d_high > limit:
            if opened > limit:
                fill.message = self._gap(asset, bar, "a favorable")
                return complete(fill, order, opened)
            return complete(fill, order, limit)
        return fill

    def limit_if_touched_fill(self, asset: Any, order: Any) -> OrderEvent:
        fill = common.new_fill(asset, order)
        if order.status == _CANCELED or not self._limit_hours_open(asset):
            return fill
        bar = self._trade_bar(asset, order._time)
        if bar is None:
            return fill
        limit = order._limit_price
        if order.direction == _BUY:
            if bar._d_low <= order._trigger_price or order.trigger_touched:
                order.trigger_touched = True
                best = self._best(asset, order._time, "ask")
                if best.price <= limit:
                    fill.message = best.message
                    return complete(fill, order, min(best.price, limit))
        elif bar._d_high >= order._trigger_price or order.trigger_touched:
            order.trigger_touched = True
            best = self._best(asset, order._time, "bid")
            if best.price >= limit:
                fill.message = best.message
                return complete(fill, order, max(best.price, limit))
        return fill

    def market_on_open_fill(self, asset: Any, order: Any) -> OrderEvent:
        fill = common.new_fill(asset, order)
        if order.status == _CANCELED:
            return fill
        ordered = from_utc(order._time, asset.exchange.time_zone)
        types = self.get_subscribed_types(asset)
        if Tick in types:
            common.refuse_ticks(asset, OrderType.MARKET_ON_OPEN, types)
        end, price = DATE_MIN, ZERO
        if TradeBar in types:
            bar = asset.cache.get_data(TradeBar)
            if bar is not None:
                start = bar.time
                # a bar that began before the order has an open of the past
                if start < ordered:
                    return fill
                short = bar.end_time - start < _ONE_HOUR
                if short and not asset.exchange.date_time_is_open(start):
                    return fill
                end, price = bar.end_time, bar._d_open
        else:
            fill.message = self._quotes_only(asset)
        if ordered >= end:
            return fill
        if ordered.date() == end.date() and asset.exchange.date_time_is_open(ordered):
            return fill
        if not common.is_open(asset, False):
            return fill
        return self._worse(asset, order, fill, price)

    def market_on_close_fill(self, asset: Any, order: Any) -> OrderEvent:
        fill = common.new_fill(asset, order)
        if order.status == _CANCELED:
            return fill
        ordered = from_utc(order._time, asset.exchange.time_zone)
        if asset.local_time < asset.exchange.hours.get_next_market_close(ordered, False):
            return fill
        types = self.get_subscribed_types(asset)
        common.refuse_ticks(asset, OrderType.MARKET_ON_CLOSE, types)
        price = ZERO
        if TradeBar in types:
            bar = asset.cache.get_data(TradeBar)
            if bar is not None:
                price = bar._d_close
        else:
            fill.message = self._quotes_only(asset)
        return self._worse(asset, order, fill, price)

    # -- parts ---------------------------------------------------------------------------------

    def _worse(self, asset: Any, order: Any, fill: OrderEvent, price: Decimal) -> OrderEvent:
        """Fill at a price, or at bid and ask when there is none, made worse by the slippage."""
        slip = common.slippage(asset, order)
        buy = order.direction == _BUY
        if not price:
            best = self._best(asset, order._time, "ask" if buy else "bid")
            price = best.price
            fill.message += best.message
        return complete(fill, order, price + slip if buy else price - slip)

    @staticmethod
    def _quotes_only(asset: Any) -> str:
        return (
            f"Warning: No trade information available at {common.stamp(asset, asset.local_time)}, "
            "order filled using Quote data"
        )

    @staticmethod
    def _gap(asset: Any, bar: Any, kind: str) -> str:
        return (
            f"Due to {kind} gap at {common.stamp(asset, bar.end_time)}, order filled using the "
            "open "
            f"price ({plain(bar._d_open)})"
        )

    def _limit_hours_open(self, asset: Any) -> bool:
        shown = (c for c in asset.subscriptions if not c.is_internal_feed)
        return common.is_open(asset, any(c.extended_market_hours for c in shown))

    def get_subscribed_types(self, asset: Any) -> set[type]:
        return common.subscribed_types(asset, internal=False)

    def get_prices(self, asset: Any, direction: OrderDirection) -> Prices:
        types = {c._type for c in asset.subscriptions if not c.is_internal_feed}
        return common.last_prices(asset, direction, types, True)

    def _trade_bar(self, asset: Any, order_utc: datetime) -> Any:
        """Return the trade bar that ended after the order; ``None`` when there is none yet."""
        types = self.get_subscribed_types(asset)
        bar: Any = None
        if Tick in types:
            trades = common.trade_ticks(asset)
            if trades:
                values = [t.value for t in trades]
                first, last = trades[0], trades[-1]
                bar = TradeBar(
                    first.time, asset.symbol, values[0], max(values), min(values), values[-1],
                    sum(t.quantity for t in trades), last.end_time - first.time,
                )  # fmt: skip
        elif TradeBar in types:
            bar = asset.cache.get_data(TradeBar)
        if bar is None or common.utc_of(asset, bar.end_time) <= order_utc:
            return None
        return bar

    def _best(self, asset: Any, order_utc: datetime, side: str) -> _Best:
        """Return the best price for a side.

        The first of quote tick, quote bar, trade tick and trade bar that is not stale; else the
        newest of them.
        """
        assert self.parameters is not None
        zone = asset.exchange.time_zone
        cut_off = from_utc(order_utc, zone) - self.parameters.stale_price_time_span
        types = common.subscribed_types(asset, internal=False)
        cache = asset.cache
        found: _Best | None = None
        found_end = DATE_MIN
        ticks = cache.get_all(Tick) if Tick in types else []
        for tick in reversed(ticks):
            if tick.tick_type == TickType.QUOTE and getattr(tick, side + "_price") > 0:
                price = to_decimal(getattr(tick, side + "_price"))
                if tick.end_time >= cut_off:
                    return _Best(price, "")
                found_end = tick.end_time
                text = f"Warning: fill at stale price ({common.stamp(asset, found_end)})"
                found = _Best(price, f"{text}, using Quote Tick data.")
                break
        if QuoteBar in types:
            quote = cache.get_data(QuoteBar)
            if quote is not None and (found is None or quote.end_time > found_end):
                bar = quote.ask if side == "ask" else quote.bid
                price = quote._d_close if bar is None else bar._d_close
                if quote.end_time >= cut_off:
                    return _Best(price, "")
                found_end = quote.end_time
                text = f"Warning: fill at stale price ({common.stamp(asset, found_end)})"
                found = _Best(price, f"{text}, using QuoteBar data.")
        lacking = "Warning: No quote information available at "
        for tick in reversed(ticks):
            if tick.tick_type == TickType.TRADE:
                if found is None or tick.end_time > found_end:
                    text = f"{lacking}{common.stamp(asset, tick.end_time)}"
                    best = _Best(
                        to_decimal(tick.value), f"{text}, order filled using Trade Tick data"
                    )
                    if tick.end_time >= cut_off:
                        return best
                    found, found_end = best, tick.end_time
                break
        if TradeBar in types:
            trade = cache.get_data(TradeBar)
            if trade is not None and (found is None or trade.end_time > found_end):
                text = f"{lacking}{common.stamp(asset, trade.end_time)}"
                best = _Best(trade._d_close, f"{text}, order filled using TradeBar data")
                if trade.end_time >= cut_off:
                    return best
                found, found_end = best, trade.end_time
        if found is None:
            names = ",".join(sorted(t.__name__ for t in types))
            raise InvalidOperationException(
                f"Cannot get {side} price to perform fill for {asset.symbol} because no market "
                "data "
                f"was found. SubscribedTypes: [{names}]"
            )
        found.stale_end = common.utc_of(asset, found_end)
        return found
