"""Questions that all fill models ask of a security."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from engine.orders.event import OrderEvent
from engine.orders.fills.prices import Prices
from engine.orders.requests import clock_text
from engine.securities.fees.base import OrderFee
from engine.securities.native import exact
from engine.types.bars import DATE_MIN, QuoteBar, Tick, TradeBar
from engine.types.decimals import ZERO, to_decimal
from engine.types.enums import OrderDirection, OrderType, Resolution, TickType
from engine.types.errors import EngineUnsupported, InvalidOperationException
from engine.types.subscription import INCREMENTS
from engine.types.timezones import to_utc

_ONE_HOUR = timedelta(hours=1)
_COARSE = (Resolution.HOUR, Resolution.DAILY)


def new_fill(asset: Any, order: Any) -> OrderEvent:
    """Return the event of an order before anything is filled."""
    return OrderEvent._of(order, asset._utc_time, OrderFee.ZERO)


def utc_of(asset: Any, local: datetime) -> datetime:
    """Turn exchange time into UTC."""
    return local if local == DATE_MIN else to_utc(local, asset.exchange.time_zone)


def slippage(asset: Any, order: Any) -> Decimal:
    """Ask the slippage model of a security."""
    return exact(asset.slippage_model, "get_slippage_approximation", asset, order)


def is_open(asset: Any, extended: bool) -> bool:
    """Tell whether the exchange is open now, or was in the bar just ended."""
    local = asset.local_time
    if asset.exchange.hours.is_open(local, extended):
        return True
    bar = asset.get_last_data()
    if bar is None:
        return False
    start, end = bar.time, bar.end_time
    # a daily bar counts as open on its whole day
    on_bar = local.date() == end.date() if end - start > _ONE_HOUR else local <= end
    return bool(on_bar and asset.exchange.is_open_during_bar(start, end, extended))


def extended_hours(asset: Any) -> bool:
    """Tell whether the subscriptions ask for extended hours.

    Those shown to the algorithm decide; internal ones only when there are no others.
    """
    configs = asset.subscriptions
    if not configs:
        raise InvalidOperationException(
            f"Cannot perform fill for {asset.symbol} because no data subscription were found."
        )
    shown = [c for c in configs if not c.is_internal_feed]
    return any(c.extended_market_hours for c in shown or configs)


def subscribed_types(asset: Any, internal: bool) -> set[type]:
    """Return the data types of a security's subscriptions."""
    found = {c._type for c in asset.subscriptions if internal or not c.is_internal_feed}
    if not found:
        raise InvalidOperationException(
            f"Cannot perform fill for {asset.symbol} because no data subscription were found."
        )
    return found


def waits_for_fresh_data(asset: Any) -> bool:
    """Tell whether the algorithm sees hour and daily bars only."""
    shown = [c for c in asset.subscriptions if not c.is_internal_feed]
    return bool(shown) and all(c.resolution in _COARSE for c in shown)


def waits_when_stale(asset: Any, data_end_utc: datetime, order_utc: datetime) -> bool:
    """Tell whether an order waits because the last data is more than a bar older than the order."""
    if waits_for_fresh_data(asset):
        return True
    span = INCREMENTS[min(c.resolution for c in asset.subscriptions)]
    return bool(span) and order_utc - data_end_utc > span


def last_prices(asset: Any, direction: OrderDirection, types: set[type], equity: bool) -> Prices:
    """Return the prices that an order of a direction meets.

    The tick, else the side of the quote bar, else the trade bar, else the last price.
    """
    cache = asset.cache
    if direction != OrderDirection.HOLD:
        if Tick in types:
            tick = cache.get_data(Tick)
            if tick is not None:
                side = tick.bid_price if direction == OrderDirection.SELL else tick.ask_price
                price = to_decimal(side or tick.value)
                if price:
                    return Prices(tick.time, tick.end_time, price, ZERO, ZERO, ZERO, ZERO)
        if QuoteBar in types:
            quote = cache.get_data(QuoteBar)
            if quote is not None:
                bar = quote.bid if direction == OrderDirection.SELL else quote.ask
                if bar is not None:
                    return Prices(quote.time, quote.end_time, bar)
        if TradeBar in types:
            trade = cache.get_data(TradeBar)
            if trade is not None:
                return Prices(trade)
    return cached_prices(asset)


def cached_prices(asset: Any) -> Prices:
    """Return the last known prices of the cache, of whatever data."""
    last = asset.cache.get_data()
    start, end = (DATE_MIN, DATE_MIN) if last is None else (last.time, last.end_time)
    return Prices(
        start, end, asset._price, asset._open, asset._high, asset._low, asset._close
    )  # fmt: skip


def refuse_always_open(asset: Any) -> None:
    """Raise for orders that need a close where there is none."""
    if asset.exchange.hours.is_market_always_open:
        raise InvalidOperationException(
            f"Market never closes for this symbol {asset.symbol}, can no submit a orderType order."
        )


def refuse_ticks(asset: Any, kind: OrderType, types: set[type]) -> None:
    """Raise for orders that need the official prints of tick data."""
    if Tick in types:
        raise EngineUnsupported(
            f"engine does not implement {kind.to_string()} orders on tick data ({asset.symbol}); "
            "use lean backtest"
        )


def trade_ticks(asset: Any) -> list[Any]:
    """Return the trades of the last moment."""
    return [t for t in asset.cache.get_all(Tick) if t.tick_type == TickType.TRADE]


def stamp(asset: Any, local: datetime) -> str:
    """Print an exchange time with its zone."""
    return f"{clock_text(local)} {asset.exchange.time_zone}"
