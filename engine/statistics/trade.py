"""One closed trade."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from engine.orders.exact import Exact
from engine.types.decimals import ZERO
from engine.types.dotnet import LeanObject
from engine.types.enums import TradeDirection
from engine.types.timezones import aware

_LONG = TradeDirection.LONG


class Trade(LeanObject):
    """Prices are in quote currency; profit, fees, MAE and MFE in account currency."""

    __slots__ = (
        "_end_trade_drawdown",
        "_entry_price",
        "_exit_price",
        "_known_high",
        "_known_low",
        "_mae",
        "_max_drawdown",
        "_max_profit",
        "_mfe",
        "_profit_loss",
        "_quantity",
        "_total_fees",
        "_utc_entry",
        "_utc_exit",
        "direction",
        "id",
        "is_win",
        "order_ids",
        "symbols",
    )
    entry_price = Exact()
    exit_price = Exact()
    quantity = Exact()
    profit_loss = Exact()
    total_fees = Exact()
    mae = Exact()
    mfe = Exact()
    end_trade_drawdown = Exact()

    def __init__(self) -> None:
        self.id: str | None = None
        self.symbols: list[Any] = []
        self._utc_entry = datetime.min
        self._utc_exit = datetime.min
        self.direction = _LONG
        self.is_win = False
        self.order_ids: list[int] = []
        self._entry_price = self._exit_price = self._quantity = ZERO
        self._profit_loss = self._total_fees = self._mae = self._mfe = ZERO
        self._end_trade_drawdown = ZERO
        # of the open trade, in price units
        self._max_profit = self._max_drawdown = ZERO
        # prices between these (exclusive) make neither a new peak nor a deeper drawdown
        self._known_low = self._known_high = ZERO

    @property
    def symbol(self) -> Any:
        return self.symbols[0] if self.symbols else None

    @property
    def entry_time(self) -> datetime:
        return aware(self._utc_entry)

    @property
    def exit_time(self) -> datetime:
        return aware(self._utc_exit)

    @property
    def duration(self) -> timedelta:
        return self._utc_exit - self._utc_entry

    def _add_order(self, order_id: int) -> None:
        if order_id not in self.order_ids:
            self.order_ids.append(order_id)

    def _know(self) -> None:
        """Set the range of the prices that change nothing."""
        if self.direction is _LONG:
            self._known_high = self._entry_price + self._max_profit
            self._known_low = self._known_high - self._max_drawdown
        else:
            self._known_low = self._entry_price - self._max_profit
            self._known_high = self._known_low + self._max_drawdown

    def _see(self, price: Decimal) -> None:
        """Follow the drawdown of the open trade at a price outside of the known range."""
        long = self.direction is _LONG
        profit = price - self._entry_price if long else self._entry_price - price
        if profit >= self._max_profit:
            # a new peak: both ends of the range move with it
            self._max_profit = profit
            if long:
                self._known_high = price
                self._known_low = price - self._max_drawdown
            else:
                self._known_low = price
                self._known_high = price + self._max_drawdown
            return
        drawdown = self._max_profit - profit
        if drawdown > self._max_drawdown:
            self._max_drawdown = drawdown
            if long:
                self._known_low = price
            else:
                self._known_high = price
