"""The market hours database: which exchange hours and data time zone a security has."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from engine.data.sessions import (
    LocalMarketHours,
    MarketHoursSegment,
    SecurityExchangeHours,
)
from engine.types.dotnet import LeanObject
from engine.types.enums import MarketHoursState, SecurityType
from engine.types.errors import ArgumentException, DataError
from engine.types.symbol import Symbol
from engine.types.timezones import OffsetZone

__all__ = [
    "Entry",
    "LocalMarketHours",
    "MarketHoursDatabase",
    "MarketHoursSegment",
    "SecurityExchangeHours",
    "database_ticker",
    "type_name",
]

_WEEK = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_STATES = {
    "premarket": MarketHoursState.PRE_MARKET,
    "market": MarketHoursState.MARKET,
    "postmarket": MarketHoursState.POST_MARKET,
    "closed": MarketHoursState.CLOSED,
}
_COLON = re.compile(r"\s*:\s*(?=\{)")
#: entries decoded by themselves before the whole file is
_FEW = 16
_TYPE_NAMES = {
    SecurityType.FUTURE_OPTION: "FutureOption",
    SecurityType.INDEX_OPTION: "IndexOption",
    SecurityType.CRYPTO_FUTURE: "CryptoFuture",
}


def type_name(security_type: SecurityType) -> str:
    """Return LEAN's word for a security type, as in its files."""
    return _TYPE_NAMES.get(security_type) or SecurityType(security_type).name.capitalize()


def database_ticker(symbol: Any) -> str:
    """Return the ticker under which LEAN's databases list a symbol."""
    if isinstance(symbol, Symbol):
        return symbol.id.symbol if symbol.security_type == SecurityType.BASE else symbol.value
    return symbol or ""


class Entry(LeanObject):
    """Exchange hours, and the time zone in which files are written."""

    __slots__ = ("data_time_zone", "exchange_hours")

    def __init__(self, data_time_zone: ZoneInfo, exchange_hours: SecurityExchangeHours) -> None:
        self.data_time_zone = data_time_zone
        self.exchange_hours = exchange_hours


def _span(text: str) -> timedelta:
    # "1.00:00:00" is a day, "09:30:00" a time
    days, clock = "0", text
    if "." in text and ":" in text.rpartition(".")[2]:
        days, _, clock = text.rpartition(".")
    hours, minutes, seconds = [*clock.split(":"), "0", "0"][:3]
    return timedelta(
        days=int(days or 0), hours=int(hours), minutes=int(minutes), seconds=float(seconds)
    )


def _zone(name: str) -> ZoneInfo:
    # "UTC-05" is five hours behind, which the tz database calls Etc/GMT+5
    if name.startswith(("UTC+", "UTC-")):
        sign = "-" if name[3] == "+" else "+"
        return OffsetZone(f"Etc/GMT{sign}{int(name[4:].split(':')[0])}")
    return ZoneInfo(name)


def _date(text: str) -> datetime:
    month, day, year = text.split("/")
    return datetime(int(year), int(month), int(day))


class _Entries:
    """Entries of the file by key.

    A run asks for a handful of the thousands, so the first ones are decoded one by one where they
    stand in the text, and the whole file once there are more.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        # all at once: JSON does not care which ends of lines it has
        self._text = Path(path).read_bytes().decode("utf-8-sig").strip()
        self._whole: dict[str, Any] | None = None
        self._asked = 0
        # where the last entry begins whose key starts so, -1 when there is none
        self._last: dict[str, int] = {}
        plain = "\\" not in self._text and '"entries"' in self._text
        if not (plain and self._text[:1] == "{" and self._text[-1:] == "}"):
            self._decode()

    def _decode(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self._text)["entries"]
        except (ValueError, KeyError) as error:
            raise DataError(
                f"expected LEAN's market hours as JSON with 'entries' in {self._path}, was "
                f"{error}; copy the file from LEAN's Data folder"
            ) from error
        self._whole, self._text = found, ""
        return found

    def get(self, key: str) -> dict[str, Any] | None:
        """Return what the file says of a key, None when it has no such entry."""
        if self._whole is not None:
            return self._whole.get(key)
        self._asked += 1
        if self._asked > _FEW or '"' in key:
            return self._decode().get(key)
        text, quoted = self._text, f'"{key}"'
        # most markets have one entry or none: what does not begin so is not looked for
        start = quoted[: quoted.rfind("-") + 1]
        last = self._last.get(start)
        if last is None:
            last = self._last[start] = text.rfind(start)
        at = text.rfind(quoted, 0, last + len(quoted)) if last >= 0 else -1
        while at >= 0:
            match = _COLON.match(text, at + len(quoted))
            if match is not None:
                try:
                    raw, _ = json.JSONDecoder().raw_decode(text, match.end())
                except ValueError:
                    return self._decode().get(key)
                entry: dict[str, Any] = raw
                return entry
            at = text.rfind(quoted, 0, at)
        return None


@lru_cache(maxsize=4)
def _load(path: str, _stamp: float) -> _Entries:
    return _Entries(path)


class MarketHoursDatabase(LeanObject):
    """Exchange hours by market, ticker and security type; an entry is made when it is first asked
    for.
    """

    def __init__(self, entries: _Entries) -> None:
        self._json = entries
        self._made: dict[str, Entry | None] = {}
        self._custom: dict[str, Entry] = {}
        # what was found, by market, ticker and type as they were asked for, until an entry is set
        self._answers: dict[tuple[str, str, SecurityType], Entry] = {}

    @staticmethod
    def from_data_folder(_data_folder: str | None = None) -> MarketHoursDatabase:
        """Return the database of the run, or of another data folder."""
        from engine.run import current_engine

        if _data_folder is not None:
            return MarketHoursDatabase._from_data_folder(_data_folder)
        database: MarketHoursDatabase = current_engine().hours
        return database

    @staticmethod
    def _from_data_folder(folder: str | Path) -> MarketHoursDatabase:
        """Read ``market-hours/market-hours-database.json`` of a data folder."""
        return MarketHoursDatabase.from_file(
            Path(folder) / "market-hours" / "market-hours-database.json"
        )

    @staticmethod
    def from_file(path: str | Path) -> MarketHoursDatabase:
        path = Path(path)
        if not path.exists():
            raise DataError(
                f"expected market hours in {path}, was no file; point the data "
                f"folder to LEAN's Data"
            )
        return MarketHoursDatabase(_load(str(path), path.stat().st_mtime))

    def _entry(self, key: str) -> Entry | None:
        if key in self._custom:
            return self._custom[key]
        if key not in self._made:
            raw = self._json.get(key)
            self._made[key] = None if raw is None else self._convert(key, raw)
        return self._made[key]

    def _convert(self, key: str, raw: dict[str, Any]) -> Entry:
        kind, market, ticker = key.split("-", 2)
        week = {
            day: LocalMarketHours(
                day,
                [
                    MarketHoursSegment(
                        _STATES[s["state"].lower()], _span(s["start"]), _span(s["end"])
                    )
                    for s in raw.get(name) or ()
                ],
            )
            for day, name in enumerate(_WEEK)
        }
        holidays = {_date(d) for d in raw.get("holidays") or ()}
        banks = {_date(d) for d in raw.get("bankHolidays") or ()}
        early = {_date(d): _span(t) for d, t in (raw.get("earlyCloses") or {}).items()}
        late = {_date(d): _span(t) for d, t in (raw.get("lateOpens") or {}).items()}
        common = None if ticker == "[*]" else self._entry(f"{kind}-{market}-[*]")
        if common is not None:
            # an entry of one ticker has its market's special days as well
            hours = common.exchange_hours
            holidays |= hours.holidays
            banks |= hours.bank_holidays
            early = {**hours.early_closes, **early}
            late = {**hours.late_opens, **late}
        return Entry(
            _zone(raw["dataTimeZone"]),
            SecurityExchangeHours(
                _zone(raw["exchangeTimeZone"]), holidays, week, early, late, banks
            ),
        )

    def _find(self, market: str, ticker: str, security_type: SecurityType) -> Entry | None:
        kind = type_name(security_type)
        found = self._entry(f"{kind}-{market}-{ticker}") or self._entry(f"{kind}-{market}-[*]")
        if found is None and security_type == SecurityType.BASE and "." in ticker:
            found = self._entry(f"{kind}-{market}-TYPE.{ticker.rsplit('.', 1)[1]}")
        return found

    @staticmethod
    def get_database_symbol_key(symbol: Any) -> str:
        """Return the ticker under which a symbol stands in the databases."""
        return database_ticker(symbol)

    def get_entry(self, market: str, symbol: Any, security_type: SecurityType) -> Entry:
        """Return the entry of a ticker or symbol, or that of its whole market.

        Raises
        ------
        ArgumentException
            When the database has neither.
        """
        ticker = database_ticker(symbol)
        asked = market, ticker, security_type
        known = self._answers.get(asked)
        if known is not None:
            return known
        found = self._find(
            market.lower(), ticker.upper() if security_type else ticker, security_type
        )
        if found is None:
            raise ArgumentException(
                f"Unable to locate exchange hours for {type_name(security_type)}-{market}-{ticker}"
            )
        self._answers[asked] = found
        return found

    def _entry_of(self, symbol: Symbol) -> Entry:
        """Return the entry of a symbol; custom data without an entry is open always, in New
        York.
        """
        market, kind = symbol.id.market, symbol.security_type
        found = self._find(market, database_ticker(symbol), kind)
        if found is None and kind == SecurityType.BASE:
            zone = ZoneInfo("America/New_York")
            return self.set_entry_always_open(market, symbol.id.symbol, kind, zone)
        return found or self.get_entry(market, symbol, kind)

    def get_exchange_hours(
        self, market: Any, symbol: Any = None, security_type: SecurityType | None = None
    ) -> SecurityExchangeHours:
        """``get_exchange_hours(market, symbol, security_type)`` or
        ``get_exchange_hours(config)``.
        """
        if security_type is None:
            return self._entry_of(market.symbol).exchange_hours
        return self.get_entry(market, symbol, security_type).exchange_hours

    def get_data_time_zone(self, market: str, symbol: Any, security_type: SecurityType) -> ZoneInfo:
        return self.get_entry(market, symbol, security_type).data_time_zone

    def try_get_entry(
        self, market: str, symbol: Any, security_type: SecurityType, _entry: Any = None
    ) -> tuple[bool, Entry | None]:
        found = self._find(market.lower(), database_ticker(symbol), security_type)
        return found is not None, found

    def set_entry(
        self,
        market: str,
        symbol: Any,
        security_type: SecurityType,
        exchange_hours: SecurityExchangeHours,
        data_time_zone: ZoneInfo | None = None,
    ) -> Entry:
        """Set the hours of a ticker of the user's own."""
        entry = Entry(data_time_zone or exchange_hours.time_zone, exchange_hours)
        ticker = database_ticker(symbol) or "[*]"
        self._custom[f"{type_name(security_type)}-{market.lower()}-{ticker}"] = entry
        self._answers.clear()
        return entry

    def set_entry_always_open(
        self, market: str, symbol: Any, security_type: SecurityType, time_zone: ZoneInfo
    ) -> Entry:
        return self.set_entry(
            market, symbol, security_type, SecurityExchangeHours.always_open(time_zone)
        )
