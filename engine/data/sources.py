"""LEAN's own files as a source of user data: ``TradeBar().get_source`` and ``TradeBar.parse_*``."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from engine.data.custom import SubscriptionDataSource
from engine.data.readers import file_path
from engine.types.bars import BarSource, TradeBar
from engine.types.decimals import ONE
from engine.types.enums import Resolution, SubscriptionTransportMedium, TickType
from engine.types.timezones import convert

_SCALE = Decimal("0.0001")


class _Exact(BarSource):
    """The exact prices of one bar."""

    __slots__ = ("prices",)

    def __init__(self, prices: tuple[Decimal, ...]) -> None:
        self.prices = prices

    def exact(self, column: int, row: int) -> Decimal:
        return self.prices[column]


def trade_source(config: Any, date: datetime) -> SubscriptionDataSource:
    """Return where LEAN's trade bars of a subscription and a date are."""
    from engine.run import current_engine

    path = file_path(
        current_engine().data_folder, config.symbol.security_type, config.symbol.id.market,
        config.symbol.value, config.resolution, TickType.TRADE, date,
    )  # fmt: skip
    return SubscriptionDataSource(str(path), SubscriptionTransportMedium.LOCAL_FILE)


def trade_bar(config: Any, line: str, date: datetime, scaled: bool) -> TradeBar:
    """Read a line of a file of trade bars; prices of shares are in hundredths of a cent."""
    cells = line.split(",")
    resolution = Resolution(config.resolution)
    if resolution in (Resolution.DAILY, Resolution.HOUR):
        time = datetime.strptime(cells[0].strip(), "%Y%m%d %H:%M")
    else:
        day = datetime(date.year, date.month, date.day)
        time = day + timedelta(milliseconds=float(cells[0]))
    if config.data_time_zone.key != config.exchange_time_zone.key:
        time = convert(time, config.data_time_zone, config.exchange_time_zone)
    scale = _SCALE if scaled else ONE
    exact = tuple(Decimal(cell.strip()) * scale for cell in cells[1:5])
    opened, high, low, close = map(float, exact)
    volume = float(cells[5]) if len(cells) > 5 else 0.0
    bar = TradeBar(time, config.symbol, opened, high, low, close, volume, config.increment)
    bar._src, bar._row = _Exact(exact), 0
    return bar
