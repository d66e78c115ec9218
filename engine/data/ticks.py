"""Tick files: trades and quotes of a day, one line each, as a stream of :class:`Tick` points.

Trades of shares are ``milliseconds,price,quantity,exchange,condition,suspicious``, quotes
``milliseconds,bid,bid size,ask,ask size,exchange,condition,suspicious``, prices in hundredths of a
cent. Pairs of currencies and contracts for difference have ``milliseconds,bid,ask``, coins what
shares have without exchange and condition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np

from engine.data.factors import FactorFile
from engine.data.parsing import read_zip
from engine.data.readers import file_path
from engine.data.stream import DAY, Chunk, Stream, tradable_dates
from engine.types.bars import Delisting, Tick
from engine.types.decimals import ONE, ZERO
from engine.types.enums import DataNormalizationMode, DelistingType, SecurityType, TickType
from engine.types.errors import DataError
from engine.types.exchanges import share_exchange
from engine.types.timezones import from_micro, from_utc_array, to_micro, to_utc_array

_PER_CHUNK = 16384
_SHARE_SCALE = Decimal(10000)
_PAIRS = (SecurityType.FOREX, SecurityType.CFD)

Fields = list[str]


class TickStream(Stream):
    """The chunks of ticks of one request; there is no fill-forward between ticks."""

    def chunks(self) -> Iterator[Chunk]:
        """Yield the chunks of the stream until its end; ticks of one moment stay together."""
        r = self.request
        last_price = ZERO
        share = r.symbol.security_type == SecurityType.EQUITY
        for day in tradable_dates(r.hours, self.start, self.end, r.data_zone, r.extended):
            if not self.mapping.has_data(day):
                continue
            found = self._lines(self.mapping.ticker_on(day, r.symbol.value), day)
            if found is None:
                continue
            times, lines, where = found
            keep = (times >= max(to_micro(self.start), to_micro(self.first))) & (
                times <= to_micro(self.end)
            )
            if r.filtered:
                keep &= self._open_at(times, r.extended)
            index = np.flatnonzero(keep)
            if not len(index):
                continue
            factor = self._factor(day)
            make = _maker(r.symbol, r.tick_type, share, factor)
            at = 0
            while at < len(index):
                stop = min(at + _PER_CHUNK, len(index))
                while stop < len(index) and times[index[stop]] == times[index[stop - 1]]:
                    stop += 1
                part = index[at:stop]
                at = stop
                moments = times[part].tolist()
                ticks = []
                for row, moment in zip(part.tolist(), moments, strict=True):
                    try:
                        ticks.append(make(lines[row], moment))
                    except (ValueError, IndexError, InvalidOperation) as error:
                        raise DataError(
                            f"expected a tick in {where}, row {row + 1}, was {lines[row]}: "
                            f"{error}; repair or remove the row"
                        ) from error
                _join(ticks)
                yield self._with_events(moments, ticks, last_price)
                last_price = ticks[-1]._exact[0] / factor
                if self._over:
                    return
        yield self._with_events([], [], last_price, final=True)

    def _lines(self, ticker: str, day: datetime) -> tuple[Any, list[Fields], str] | None:
        """Return the local times of the lines of a day in microseconds, and the lines."""
        r = self.request
        path = file_path(
            self.files.root, r.symbol.security_type, r.symbol.id.market, ticker, r.resolution,
            r.tick_type, day,
        )  # fmt: skip
        data = read_zip(path)
        if data is None:
            return None
        lines = [line.split(",") for line in data.decode("utf-8-sig").split("\n") if line.strip()]
        if not lines:
            return None
        try:
            times = np.array([float(line[0]) for line in lines])
        except ValueError as error:
            raise DataError(
                f"expected milliseconds in the first column of {path}: {error}; repair the file"
            ) from error
        moments = to_micro(day) + np.rint(times * 1000).astype(np.int64)
        zone = r.hours.time_zone
        if r.data_zone.key != zone.key:
            moments = from_utc_array(to_utc_array(moments, r.data_zone), zone)
        return moments, lines, str(path)

    def _open_at(self, times: Any, extended: bool) -> Any:
        """Tell for each local time whether the exchange is open."""
        low, high = int(times.min()) // DAY, int(times.max()) // DAY
        begin, finish = self.request.hours._sessions(low, high, extended)
        if not len(begin):
            return np.zeros(len(times), bool)
        at = np.searchsorted(finish, times, side="right")
        inside = at < len(begin)
        return inside & (begin[np.minimum(at, len(begin) - 1)] <= times)

    def _factor(self, day: datetime) -> Decimal:
        factors: FactorFile | None = self.factors
        mode = self.request.mode
        if factors is None or mode == DataNormalizationMode.RAW or not factors.rows:
            return ONE
        at = factors.index_of(np.array([to_micro(day) // DAY]))
        end = self.request.scale_end or self.end
        return factors.scale_at(int(at[0]), mode, end)

    def _with_events(
        self, moments: list[int], ticks: list[Any], price: Decimal, final: bool = False
    ) -> Chunk:
        """Put corporate events before the first tick after them."""
        due = []
        while self._next_due < len(self._due) and (
            final or (moments and self._due_at[self._next_due] < moments[-1])
        ):
            due.append(self._next_due)
            self._next_due += 1
        times, points = list(moments), list(ticks)
        for index in reversed(due):
            at = int(np.searchsorted(np.array(times), self._due_at[index], side="right"))
            event = self._due[index].make(price)
            times.insert(at, self._due_at[index])
            points.insert(at, event)
            if isinstance(event, Delisting) and event.type == DelistingType.DELISTED:
                self._over = True
        if not times:
            return Chunk([], [])
        emit = to_utc_array(np.array(times, dtype=np.int64), self.request.hours.time_zone)
        return Chunk(emit.tolist(), points)


def _join(ticks: list[Any]) -> None:
    """Let ticks of one moment know of each other: a security is shown them as one list."""
    start = 0
    for at in range(1, len(ticks) + 1):
        if at == len(ticks) or ticks[at].time != ticks[start].time:
            group = [tick for tick in ticks[start:at] if not tick.suspicious]
            for tick in ticks[start:at]:
                tick._moment = group
            start = at


def _maker(
    symbol: Any, tick_type: TickType, share: bool, factor: Decimal
) -> Callable[[Fields, int], Any]:
    """Return what makes a tick of the cells of a line and its local time."""
    prices: dict[str, tuple[float, Decimal]] = {}
    middles: dict[tuple[str, str], tuple[float, Decimal]] = {}

    def shown(value: Decimal) -> tuple[float, Decimal]:
        exact = (value / _SHARE_SCALE if share else value) * factor
        return float(exact), exact

    def price(text: str) -> tuple[float, Decimal]:
        found = prices.get(text)
        if found is None:
            found = prices[text] = shown(Decimal(text))
        return found

    def middle(bid: str, ask: str) -> tuple[float, Decimal]:
        found = middles.get((bid, ask))
        if found is None:
            low, high = Decimal(bid), Decimal(ask)
            found = middles[bid, ask] = shown((low + high) / 2 if low and high else low or high)
        return found

    venues: dict[str, tuple[str, str]] = {}

    def venue(code: str) -> tuple[str, str]:
        found = venues.get(code)
        if found is None:
            exchange = share_exchange(code, symbol.id.market)
            found = venues[code] = (exchange.name, exchange.code)
        return found

    def start(moment: int) -> Any:
        tick = Tick(from_micro(moment), symbol)
        tick.tick_type = tick_type
        return tick

    def trade(cells: Fields, moment: int) -> Any:
        tick = start(moment)
        tick.value, exact = price(cells[1])
        tick._exact = (exact, ZERO, ZERO)
        tick.quantity = float(cells[2])
        if share and len(cells) > 5:
            tick.exchange, tick.exchange_code = venue(cells[3])
            tick.sale_condition = cells[4]
        tick.suspicious = len(cells) > 3 and cells[-1].strip() == "1"
        return tick

    def both(tick: Any, bid: str, ask: str) -> None:
        tick.bid_price, low = price(bid)
        tick.ask_price, high = price(ask)
        tick.value, exact = middle(bid, ask)
        tick._exact = (exact, low, high)

    def quote(cells: Fields, moment: int) -> Any:
        tick = start(moment)
        both(tick, cells[1], cells[3])
        tick.bid_size, tick.ask_size = float(cells[2]), float(cells[4])
        if share and len(cells) > 7:
            tick.exchange, tick.exchange_code = venue(cells[5])
            tick.sale_condition = cells[6]
        tick.suspicious = len(cells) > 5 and cells[-1].strip() == "1"
        return tick

    def pair(cells: Fields, moment: int) -> Any:
        tick = start(moment)
        both(tick, cells[1], cells[2].strip())
        return tick

    if symbol.security_type in _PAIRS:
        return pair
    return trade if tick_type == TickType.TRADE else quote
