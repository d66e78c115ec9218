"""``FillModel``: LEAN's base fill model, for everything but shares."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.orders.event import OrderEvent
from engine.orders.fills import common
from engine.orders.fills.prices import Fill, FillModelParameters, Prices
from engine.orders.kinds import moved_stop_price
from engine.securities.native import LeanModel
from engine.types.bars import DATE_MIN, QuoteBar, Tick, TradeBar
from engine.types.decimals import ZERO, normalize, to_decimal
from engine.types.enums import OrderDirection, OrderStatus, OrderType, TickType
from engine.types.errors import InvalidOperationException
from engine.types.timezones import from_utc

_FILLED = OrderStatus.FILLED
_METHODS = {
    OrderType.MARKET: "market_fill",
    OrderType.LIMIT: "limit_fill",
    OrderType.LIMIT_IF_TOUCHED: "limit_if_touched_fill",
    OrderType.STOP_MARKET: "stop_market_fill",
    OrderType.TRAILING_STOP: "trailing_stop_fill",
    OrderType.STOP_LIMIT: "stop_limit_fill",
    OrderType.MARKET_ON_OPEN: "market_on_open_fill",
    OrderType.MARKET_ON_CLOSE: "market_on_close_fill",
    OrderType.COMBO_MARKET: "combo_market_fill",
    OrderType.COMBO_LIMIT: "combo_limit_fill",
    OrderType.COMBO_LEG_LIMIT: "combo_leg_limit_fill",
}


def complete(fill: OrderEvent, order: Any, price: Decimal) -> OrderEvent:
    """Fill the whole order at a price."""
    fill.status = _FILLED
    fill._fill_price = normalize(price)
    fill._fill_quantity = order._quantity  # without trailing zeros
    return fill


class FillModel(LeanModel):
    """Fills whole orders at the prices of the last bar.

    Every ``..._fill(asset, order)`` and ``get_prices(asset, direction)`` may be overridden; an
    event whose status is that of the order and whose fill quantity is zero means "not yet".
    """

    parameters: FillModelParameters | None = None

    def fill(self, parameters: FillModelParameters) -> Fill:
        """Return the events of one order, asked of the method of its kind."""
        self.parameters = parameters
        order = parameters.order
        if order.group_order_manager is not None:
            return Fill(getattr(self, _METHODS[order.type])(order, parameters))
        return Fill(getattr(self, _METHODS[order.type])(parameters.security, order))

    # -- kinds ---------------------------------------------------------------------------------

    def market_fill(self, asset: Any, order: Any) -> OrderEvent:
        return self._market(asset, order)

    def _market(self, asset: Any, order: Any) -> OrderEvent:
        fill = common.new_fill(asset, order)
        if order.status == OrderStatus.CANCELED or not common.is_open(asset, False):
            return fill
        direction = order.direction
        prices = self.get_prices(asset, direction)
        end_utc = common.utc_of(asset, prices.end_time)
        assert self.parameters is not None
        if end_utc + self.parameters.stale_price_time_span < order._time:
            if common.waits_when_stale(asset, end_utc, order._time):
                return fill
            fill.message = f"Warning: fill at stale price ({common.stamp(asset, prices.end_time)})"
        price = self._market_fill_price(asset, order, prices)
        slip = common.slippage(asset, order)
        price = price + slip if direction == OrderDirection.BUY else price - slip
        return complete(fill, order, price)

    def _market_fill_price(self, asset: Any, order: Any, prices: Prices) -> Decimal:
        """Return the open of a coarse bar that began after the order, else the current price."""
        started_after = order._time <= common.utc_of(asset, prices.time)
        if prices._open and started_after and common.waits_for_fresh_data(asset):
            return prices._open
        return prices._current

    def stop_market_fill(self, asset: Any, order: Any) -> OrderEvent:
        return self._stop(asset, order, touch=False)

    def trailing_stop_fill(self, asset: Any, order: Any) -> OrderEvent:
        fill = self._stop(asset, order, touch=True)
        prices = self._fresh
        if fill.status != OrderStatus.FILLED and prices is not None:
            market = prices._high if order.direction == OrderDirection.SELL else prices._low
            moved = moved_stop_price(
                market,
                order._stop_price,
                order._trailing_amount,
                order.trailing_as_percentage,
                order.direction,
            )
            if moved is not None:
                order._stop_price = moved
                assert self.parameters is not None
                self.parameters.on_order_updated(order)
        return fill

    # prices that the last _stop looked at; None when it did not look
    _fresh: Prices | None = None

    def _stop(self, asset: Any, order: Any, touch: bool) -> OrderEvent:
        """Fill a stop at the worse of stop and price; ``touch``: reaching the stop is enough."""
        self._fresh = None
        fill = common.new_fill(asset, order)
        if order.status == OrderStatus.CANCELED or not common.is_open(asset, False):
            return fill
        prices = self.get_prices(asset, order.direction)
        if common.utc_of(asset, prices.end_time) <= order._time:
            return fill
        self._fresh = prices
        slip = common.slippage(asset, order)
        stop: Decimal = order._stop_price
        if order.direction == OrderDirection.SELL:
            if prices._low < stop or (touch and prices._low == stop):
                return complete(fill, order, min(stop, prices._current - slip))
        elif prices._high > stop or (touch and prices._high == stop):
            return complete(fill, order, max(stop, prices._current + slip))
        return fill

    def stop_limit_fill(self, asset: Any, order: Any) -> OrderEvent:
        fill = common.new_fill(asset, order)
        if order.status == OrderStatus.CANCELED or not self._limit_hours_open(asset):
            return fill
        prices = self.get_prices(asset, order.direction)
        if common.utc_of(asset, prices.end_time) <= order._time:
            return fill
        limit: Decimal = order._limit_price
        if order.direction == OrderDirection.BUY:
            if prices._high > order._stop_price or order.stop_triggered:
                self._trigger(order)
                if prices._current < limit:
                    return complete(fill, order, min(prices._high, limit))
        elif prices._low < order._stop_price or order.stop_triggered:
            self._trigger(order)
            if prices._current > limit:
                return complete(fill, order, max(prices._low, limit))
        return fill

    def _trigger(self, order: Any) -> None:
        if not order.stop_triggered:
            order.stop_triggered = True
            assert self.parameters is not None
            self.parameters.on_order_updated(order)

    def _limit_hours_open(self, asset: Any) -> bool:
        return common.is_open(asset, common.extended_hours(asset))

    def limit_fill(self, asset: Any, order: Any) -> OrderEvent:
        return self._limit(asset, order, order._limit_price)

    def _limit(self, asset: Any, order: Any, limit: Decimal) -> OrderEvent:
        fill = common.new_fill(asset, order)
        if order.status == OrderStatus.CANCELED or not self._limit_hours_open(asset):
            return fill
        prices = self.get_prices(asset, order.direction)
        if common.utc_of(asset, prices.end_time) <= order._time:
            return fill
        if order.direction == OrderDirection.BUY:
            if prices._low < limit:
                return complete(fill, order, min(prices._high, limit))
        elif order.direction == OrderDirection.SELL and prices._high > limit:
            return complete(fill, order, max(prices._low, limit))
        return fill

    def limit_if_touched_fill(self, asset: Any, order: Any) -> OrderEvent:
        fill = common.new_fill(asset, order)
        if order.status == OrderStatus.CANCELED or not self._limit_hours_open(asset):
            return fill
        types = self.get_subscribed_types(asset)
        high = low = ZERO
        end = DATE_MIN
        if Tick in types:
            prices = self.get_prices(asset, order.direction)
            high = low = prices._current
            end = prices.end_time
        elif TradeBar in types:
            bar = asset.cache.get_data(TradeBar)
            if bar is not None:
                high, low, end = bar._d_high, bar._d_low, bar.end_time
        if common.utc_of(asset, end) <= order._time:
            return fill
        if order.direction == OrderDirection.SELL:
            if high >= order._trigger_price or order.trigger_touched:
                order.trigger_touched = True
                if self._side(asset, types, "ask") >= order._limit_price:
                    return complete(fill, order, order._limit_price)
        elif low <= order._trigger_price or order.trigger_touched:
            order.trigger_touched = True
            if self._side(asset, types, "bid") <= order._limit_price:
                return complete(fill, order, order._limit_price)
        return fill

    @staticmethod
    def _side(asset: Any, types: set[type], side: str) -> Decimal:
        """Return the last bid or ask: quote tick, quote bar, trade tick, trade bar."""
        cache = asset.cache
        ticks = cache.get_all(Tick) if Tick in types else []
        for tick in reversed(ticks):
            if tick.tick_type == TickType.QUOTE and getattr(tick, side + "_price") > 0:
                return to_decimal(getattr(tick, side + "_price"))
        if QuoteBar in types:
            quote = cache.get_data(QuoteBar)
            if quote is not None:
                bar = getattr(quote, side)
                price: Decimal = quote._d_close if bar is None else bar._d_close
                return price
        for tick in reversed(ticks):
            if tick.tick_type == TickType.TRADE and tick.value > 0:
                return to_decimal(tick.value)
        if TradeBar in types:
            trade = cache.get_data(TradeBar)
            if trade is not None:
                close: Decimal = trade._d_close
                return close
        raise InvalidOperationException(
            f"Cannot get {side} price to perform fill for {asset.symbol} because no market data "
            "was found."
        )

    def market_on_open_fill(self, asset: Any, order: Any) -> OrderEvent:
        common.refuse_always_open(asset)
        fill = common.new_fill(asset, order)
        if order.status == OrderStatus.CANCELED:
            return fill
        bar = asset.get_last_data()
        ordered = from_utc(order._time, asset.exchange.time_zone)
        if bar is None or ordered >= bar.end_time:
            return fill
        # sent during the session: the next day's open
        if asset.exchange.date_time_is_open(ordered) and ordered.date() == asset.local_time.date():
            return fill
        if not common.is_open(asset, False):
            return fill
        return self._at(asset, order, fill, self.get_prices(asset, order.direction)._open)

    def market_on_close_fill(self, asset: Any, order: Any) -> OrderEvent:
        common.refuse_always_open(asset)
        fill = common.new_fill(asset, order)
        if order.status == OrderStatus.CANCELED:
            return fill
        ordered = from_utc(order._time, asset.exchange.time_zone)
        if asset.local_time < asset.exchange.hours.get_next_market_close(ordered, False):
            return fill
        return self._at(asset, order, fill, self.get_prices(asset, order.direction)._close)

    @staticmethod
    def _at(asset: Any, order: Any, fill: OrderEvent, price: Decimal) -> OrderEvent:
        """Fill at a price made worse by the slippage."""
        slip = common.slippage(asset, order)
        worse = price + slip if order.direction == OrderDirection.BUY else price - slip
        return complete(fill, order, worse)

    # -- combos --------------------------------------------------------------------------------

    def combo_market_fill(self, order: Any, parameters: Any) -> list[OrderEvent]:
        fills = []
        for leg, security in _legs(parameters):
            fill = self._market(security, leg)
            if fill.status != OrderStatus.FILLED:
                return []
            fills.append(fill)
        return fills

    def combo_leg_limit_fill(self, order: Any, parameters: Any) -> list[OrderEvent]:
        fills = []
        for leg, security in _legs(parameters):
            fill = self._limit(security, leg, leg._limit_price)
            if fill.status != OrderStatus.FILLED:
                return []
            fills.append(fill)
        return fills

    def combo_limit_fill(self, order: Any, parameters: Any) -> list[OrderEvent]:
        from engine.orders.combo import combo_limit_fill

        return combo_limit_fill(self, order, _legs(parameters))

    # -- data ----------------------------------------------------------------------------------

    def get_prices(self, asset: Any, direction: OrderDirection) -> Prices:
        """Return the prices that an order of this direction meets."""
        return common.last_prices(asset, direction, self.get_subscribed_types(asset), False)

    def get_prices_checking_python_wrapper(self, asset: Any, direction: OrderDirection) -> Prices:
        return self.get_prices(asset, direction)

    def get_subscribed_types(self, asset: Any) -> set[type]:
        return common.subscribed_types(asset, internal=True)

    def get_subscription_data_configs(self, asset: Any) -> list[Any]:
        return list(asset.subscriptions)

    def is_exchange_open(self, asset: Any, is_extended_market_hours: bool) -> bool:
        return common.is_open(asset, is_extended_market_hours)


def _legs(parameters: Any) -> list[tuple[Any, Any]]:
    """Return (order, security) of the legs in the order of their ids."""
    return sorted(parameters.securities_for_orders.items(), key=lambda pair: pair[0].id)
