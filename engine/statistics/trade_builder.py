"""Closed trades out of fills: fill to fill, flat to flat or flat to reduced; FIFO or LIFO."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.statistics.arithmetic import divide
from engine.statistics.trade import Trade
from engine.types.decimals import ONE, ZERO, round_half_even, to_decimal
from engine.types.dotnet import LeanObject
from engine.types.enums import (
    DataNormalizationMode,
    FillGroupingMethod,
    FillMatchingMethod,
    SecurityType,
    TradeDirection,
)
from engine.types.timezones import naive

_MAX_ORDERS_REMEMBERED = 1000
_LONG, _SHORT = TradeDirection.LONG, TradeDirection.SHORT
_FILL_TO_FILL = FillGroupingMethod.FILL_TO_FILL
# copies of it are made quicker than new ones
_NAMESPACE = hashlib.sha1(uuid.NAMESPACE_OID.bytes, usedforsecurity=False)


class _Fill:
    """What the builder keeps of a fill."""

    __slots__ = ("order_id", "price", "quantity", "utc")

    def __init__(self, utc: datetime, price: Decimal, quantity: Decimal, order_id: int) -> None:
        self.utc = utc
        self.price = price
        self.quantity = quantity
        self.order_id = order_id


class _Position:
    """Open trades or fills of one symbol and the price range since the position was opened."""

    __slots__ = ("fees", "fills", "high", "last", "low", "trades")

    def __init__(self, price: Decimal) -> None:
        self.trades: list[Trade] = []
        self.fills: list[_Fill] = []
        self.fees = ZERO
        self.high = self.low = price
        # the price that all of the above have seen last
        self.last: Any = None

    def follow(self, price: Any) -> None:
        """Follow the price range since the position was opened, and that of its trades."""
        self.last = price
        if type(price) is not Decimal:
            price = to_decimal(price)
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        for trade in self.trades:
            if not trade._known_low < price < trade._known_high:
                trade._see(price)

    def follow_all(self, prices: list[Decimal]) -> None:
        """Follow exact prices one after another."""
        low, high = min(prices), max(prices)
        if self.low <= low and high <= self.high:
            for trade in self.trades:
                if not (trade._known_low < low and high < trade._known_high):
                    break
            else:
                # nobody learns from them
                self.last = prices[-1]
                return
        for price in prices:
            self.follow(price)


class TradeBuilder(LeanObject):
    """``QuantConnect.Statistics.TradeBuilder``.

    Parameters
    ----------
    grouping_method, matching_method
        How fills make a trade. The default of LEAN is fill to fill, first in first out.
    """

    def __init__(
        self,
        grouping_method: FillGroupingMethod = FillGroupingMethod.FILL_TO_FILL,
        matching_method: FillMatchingMethod = FillMatchingMethod.FIFO,
    ) -> None:
        self._grouping = FillGroupingMethod(int(grouping_method))
        self._lifo = FillMatchingMethod(int(matching_method)) is FillMatchingMethod.LIFO
        self._closed: list[Trade] = []
        self._positions: dict[Any, _Position] = {}
        self._orders_with_fee: dict[int, None] = {}

    def set_live_mode(self, live: bool) -> None:
        """Backtests keep all trades; live mode is not part of this engine."""

    def set_security_manager(self, securities: Any) -> None:
        """Needed by LEAN for option exercises only."""

    @property
    def closed_trades(self) -> list[Trade]:
        """All closed trades, a copy."""
        return list(self._closed)

    @property
    def _has_open(self) -> bool:
        """Whether any position is open: the step asks before it sends prices."""
        return bool(self._positions)

    def has_open_position(self, symbol: Any) -> bool:
        """Tell whether a trade of the symbol is open."""
        position = self._positions.get(symbol)
        return position is not None and bool(position.trades or position.fills)

    def set_market_price(self, symbol: Any, price: Any) -> None:
        """Follow the price range of an open position, for MAE, MFE and drawdown."""
        position = self._positions.get(symbol)
        if position is not None and price is not position.last:
            position.follow(price)

    def apply_split(
        self, split: Any, live_mode: bool, data_normalization_mode: DataNormalizationMode
    ) -> None:
        """Put open trades on the prices after a split (raw data only)."""
        position = self._positions.get(split.symbol)
        if (
            position is None
            or split.symbol.security_type != SecurityType.EQUITY
            or (not live_mode and data_normalization_mode != DataNormalizationMode.RAW)
        ):
            return
        factor = to_decimal(getattr(split, "_split_factor", None) or split.split_factor)
        position.last = None
        position.low *= factor
        position.high *= factor
        for trade in position.trades:
            trade._quantity = divide(trade._quantity, factor)
            trade._entry_price *= factor
            trade._exit_price *= factor
            trade._max_profit *= factor
            trade._max_drawdown *= factor
            trade._know()
        for fill in position.fills:
            fill.quantity = divide(fill.quantity, factor)
            fill.price *= factor

    def process_fill(
        self,
        fill: Any,
        security_conversion_rate: Any,
        fee_in_account_currency: Any,
        multiplier: Any = ONE,
    ) -> None:
        """Take an order event with a fill. The fee of an order counts once, with its first fill."""
        order_id = fill.order_id
        fee = ZERO
        if order_id not in self._orders_with_fee:
            fee = to_decimal(fee_in_account_currency)
            self._orders_with_fee[order_id] = None
            if len(self._orders_with_fee) > _MAX_ORDERS_REMEMBERED:
                del self._orders_with_fee[next(iter(self._orders_with_fee))]
        rate = security_conversion_rate, multiplier
        if not (type(multiplier) is type(security_conversion_rate) is Decimal):
            rate = to_decimal(security_conversion_rate), to_decimal(multiplier)
        utc = getattr(fill, "_utc_time", None)
        if utc is None:
            utc = naive(fill.utc_time)
        part = _Fill(utc, fill._fill_price, fill._fill_quantity, order_id)
        if self._grouping is _FILL_TO_FILL:
            self._fill_to_fill(fill.symbol, part, fee, rate)
        elif self._grouping is FillGroupingMethod.FLAT_TO_FLAT:
            self._flat_to_flat(fill.symbol, part, fee, rate)
        else:
            self._flat_to_reduced(fill.symbol, part, fee, rate)
        position = self._positions.get(fill.symbol)
        if position is not None:
            position.last = None  # what was opened now has seen no price yet

    # -- the three ways ------------------------------------------------------------------------

    def _fill_to_fill(
        self, symbol: Any, fill: _Fill, fee: Decimal, rate: tuple[Decimal, Decimal]
    ) -> None:
        position = self._positions.get(symbol)
        if position is None or not position.trades:
            position = self._positions[symbol] = _Position(fill.price)
            position.trades.append(_opened(symbol, fill, fill.quantity, fee))
            return
        if fill.price is not position.last:
            position.follow(fill.price)
        trades = position.trades
        index = len(trades) - 1 if self._lifo else 0
        if (fill.quantity > 0) == (trades[index].direction is _LONG):
            trades.append(_opened(symbol, fill, fill.quantity, fee))
            return

        left = abs(fill.quantity)
        while trades and left > 0:
            trade = trades[index]
            closed = trade
            if left >= trade._quantity:
                left -= trade._quantity
                del trades[index]
                if index > 0:
                    index -= 1
            else:
                # only a part of the trade is closed, with all of its fees so far
                closed = _part(trade, left)
                trade._quantity -= left
                trade._total_fees = ZERO
                left = ZERO
            self._close_part(closed, position, fill, fee, rate)
            fee = ZERO
        if not trades:
            if left == 0:
                del self._positions[symbol]
            else:
                rest = left if fill.quantity > 0 else -left
                trades.append(_opened(symbol, fill, rest, ZERO))
                position.low = position.high = fill.price

    def _close_part(
        self,
        trade: Trade,
        position: _Position,
        fill: _Fill,
        fee: Decimal,
        rate: tuple[Decimal, Decimal],
    ) -> None:
        long = trade.direction is _LONG
        entry, quantity = trade._entry_price, trade._quantity
        conversion, multiplier = rate
        gain = (fill.price - entry) * quantity
        trade._utc_exit = fill.utc
        trade._exit_price = fill.price
        # as :func:`_cents`, without a call for each
        gain = (gain if long else -gain) * conversion * multiplier
        trade._profit_loss = round_half_even(gain, 2)
        trade._total_fees += fee
        worst = position.low - entry if long else entry - position.high
        best = position.high - entry if long else entry - position.low
        trade._mae = round_half_even(worst * quantity * conversion * multiplier, 2)
        trade._mfe = round_half_even(best * quantity * conversion * multiplier, 2)
        drawdown = trade._max_drawdown * quantity * conversion * multiplier
        trade._end_trade_drawdown = round_half_even(drawdown, 2)
        trade._add_order(fill.order_id)
        self._add(trade)

    def _flat_to_flat(
        self, symbol: Any, fill: _Fill, fee: Decimal, rate: tuple[Decimal, Decimal]
    ) -> None:
        position = self._positions.get(symbol)
        if position is None or not position.fills:
            self._open_position(symbol, fill, fee)
            return
        self.set_market_price(symbol, fill.price)
        fills = position.fills
        before = sum((f.quantity for f in fills), ZERO)
        fills.append(fill)
        position.fees += fee
        if (fills[0].quantity > 0) == (fill.quantity > 0) or abs(fill.quantity) < abs(before):
            return
        after = before + fill.quantity
        trade = Trade()
        trade.symbols = [symbol]
        trade._utc_entry = fills[0].utc
        entered = left = ZERO
        entry_price = exit_price = ZERO
        for part in reversed(fills) if self._lifo else fills:
            if (part.quantity > 0) != (fill.quantity > 0):
                entered += part.quantity
                entry_price += divide((part.price - entry_price) * part.quantity, entered)
            else:
                left += part.quantity
                exit_price += divide((part.price - exit_price) * part.quantity, left)
            trade._add_order(part.order_id)
        trade._entry_price = entry_price
        trade._exit_price = exit_price
        trade.direction = TradeDirection.LONG if fill.quantity < 0 else TradeDirection.SHORT
        trade._quantity = abs(entered)
        trade._utc_exit = fill.utc
        trade._profit_loss = _cents((exit_price - entry_price) * entered, *rate)
        trade._total_fees = position.fees
        self._add(trade)
        del self._positions[symbol]
        if after != 0:
            fill.quantity = after
            self._open_position(symbol, fill, ZERO)

    def _flat_to_reduced(
        self, symbol: Any, fill: _Fill, fee: Decimal, rate: tuple[Decimal, Decimal]
    ) -> None:
        position = self._positions.get(symbol)
        if position is None or not position.fills:
            self._open_position(symbol, fill, fee)
            return
        self.set_market_price(symbol, fill.price)
        fills = position.fills
        position.fees += fee
        index = len(fills) - 1 if self._lifo else 0
        if (fills[index].quantity > 0) == (fill.quantity > 0):
            fills.append(fill)
            return
        trade = Trade()
        trade.symbols = [symbol]
        trade._add_order(fill.order_id)
        trade._utc_entry = fills[index].utc
        executed = entry_price = ZERO
        while fills and abs(executed) < abs(fill.quantity):
            current = fills[index]
            left = abs(fill.quantity) - abs(executed)
            if left >= abs(current.quantity):
                if self._lifo:
                    trade._utc_entry = current.utc
                executed -= current.quantity
                entry_price -= divide((current.price - entry_price) * current.quantity, executed)
                del fills[index]
                if self._lifo and index > 0:
                    index -= 1
            else:
                part = left if fill.quantity > 0 else -left
                executed += part
                entry_price += divide((current.price - entry_price) * part, executed)
                current.quantity += part
            trade._add_order(current.order_id)
        trade._entry_price = entry_price
        trade.direction = TradeDirection.LONG if executed < 0 else TradeDirection.SHORT
        trade._quantity = abs(executed)
        trade._utc_exit = fill.utc
        trade._exit_price = fill.price
        trade._profit_loss = _cents((fill.price - entry_price) * -executed, *rate)
        trade._total_fees = position.fees
        self._add(trade)
        position.fees = ZERO
        if abs(executed) < abs(fill.quantity):
            fill.quantity -= executed
            position.fills = [fill]
            position.low = position.high = fill.price
        elif not fills:
            del self._positions[symbol]

    def _open_position(self, symbol: Any, fill: _Fill, fee: Decimal) -> None:
        position = self._positions[symbol] = _Position(fill.price)
        position.fills.append(fill)
        position.fees = fee

    def _add(self, trade: Trade) -> None:
        trade.is_win = trade._profit_loss > 0
        # LEAN draws ids at random; here the same run gives the same file
        name = f"{trade.symbols[0]} {trade._utc_entry} {len(self._closed)}"
        trade.id = _name_based_id(name)
        self._closed.append(trade)


def _name_based_id(name: str) -> str:
    """Text of ``uuid.uuid5(uuid.NAMESPACE_OID, name)``, made of the digits themselves."""
    hashed = _NAMESPACE.copy()
    hashed.update(name.encode())
    digest = hashed.hexdigest()
    variant = "89ab"[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"


def _opened(symbol: Any, fill: _Fill, quantity: Decimal, fee: Decimal) -> Trade:
    trade = Trade()
    trade.symbols = [symbol]
    trade._utc_entry = fill.utc
    trade._entry_price = trade._known_low = trade._known_high = fill.price
    trade.direction = _LONG if quantity > 0 else _SHORT
    trade._quantity = abs(quantity)
    trade._total_fees = fee
    trade.order_ids = [fill.order_id]
    return trade


def _part(trade: Trade, quantity: Decimal) -> Trade:
    part = Trade()
    part.symbols = list(trade.symbols)
    part._utc_entry = trade._utc_entry
    part._entry_price = trade._entry_price
    part.direction = trade.direction
    part._quantity = quantity
    part._total_fees = trade._total_fees
    part._max_drawdown = trade._max_drawdown
    part.order_ids = list(trade.order_ids)
    return part


def _cents(value: Decimal, conversion: Decimal, multiplier: Decimal) -> Decimal:
    """Convert to account currency and round to two decimals, half to even."""
    return round_half_even(value * conversion * multiplier, 2)
