"""Map files: the tickers that a security has had, its first day and its delisting.

A row ``date,ticker,exchange`` means that the security had the ticker until that date; the first row
is its first day.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from engine.data.factors import EMPTY, FactorFile
from engine.types.days import compact_day
from engine.types.enums import SecurityType
from engine.types.errors import DataError
from engine.types.symbol import OA_EPOCH, Symbol, set_equity_resolver

BEGINNING = datetime(1998, 1, 2)
END = datetime(2050, 12, 31)
_LOWEST = datetime(1, 1, 1)


@dataclass(frozen=True, slots=True)
class MapFile:
    """The tickers of one security as ``(last day, ticker)``, in order of time."""

    permtick: str
    rows: tuple[tuple[datetime, str], ...]

    @property
    def first_date(self) -> datetime:
        return self.rows[0][0] if self.rows else BEGINNING

    @property
    def delisting_date(self) -> datetime:
        return self.rows[-1][0] if self.rows else END

    @property
    def first_ticker(self) -> str:
        """Return the ticker of the first day, without the number of a repeated ticker."""
        ticker = self.ticker_on(self.first_date, self.permtick)
        head, dot, tail = ticker.rpartition(".")
        return head if dot and tail.isdigit() else ticker

    def ticker_on(self, day: datetime, default: str = "") -> str:
        """Return the ticker in force on a date."""
        for last, ticker in self.rows:
            if last >= day:
                return ticker
        return default

    def has_data(self, day: datetime) -> bool:
        """Tell whether the security existed on a date."""
        return not self.rows or self.first_date <= day <= self.delisting_date


def read_map_file(path: Path) -> MapFile:
    """Read one map file.

    Raises
    ------
    DataError
        When a row cannot be read.
    """
    rows = []
    for number, line in enumerate(path.read_text("utf-8-sig").splitlines(), 1):
        if not line.strip():
            continue
        cells = line.split(",")
        try:
            rows.append((compact_day(cells[0].strip()), cells[1].strip().upper()))
        except (ValueError, IndexError) as error:
            raise DataError(
                f"expected 'yyyymmdd,ticker[,exchange]' in {path}, row {number}, "
                f"was {line!r}; repair the row"
            ) from error
    return MapFile(path.stem.upper(), tuple(sorted(dict.fromkeys(rows), key=lambda r: r[0])))


class MapFiles:
    """All map files of one market's shares, looked up by ticker and date."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loaded = False
        self._by_permtick: dict[str, MapFile] = {}
        self._by_ticker: dict[str, list[tuple[datetime, str]]] = {}

    def _load(self) -> None:
        self._loaded = True
        for path in sorted(self._folder.glob("*.csv")):
            found = read_map_file(path)
            self._by_permtick[found.permtick] = found
            for last, ticker in found.rows:
                rows = self._by_ticker.setdefault(ticker, [])
                if all(day != last for day, _ in rows):
                    rows.append((last, found.permtick))
        for rows in self._by_ticker.values():
            rows.sort()

    def resolve(self, ticker: str, day: datetime) -> MapFile:
        """Return the map file of the security that had ``ticker`` on ``day``; an empty one when
        there is none.
        """
        if not self._loaded:
            self._load()
        ticker = ticker.upper()
        rows = self._by_ticker.get(ticker)
        permtick = ticker
        if rows:
            index = bisect_left([last for last, _ in rows], day)
            permtick = rows[min(index, len(rows) - 1)][1]
        found = self._by_permtick.get(permtick)
        if found is None or (found.first_date > day and day != OA_EPOCH):
            return MapFile(ticker, ())
        return found


class AuxiliaryFiles:
    """Map and factor files of a data folder, read when first asked for."""

    def __init__(self, data_folder: Path) -> None:
        self._root = data_folder
        self._maps: dict[str, MapFiles] = {}
        self._factors: dict[tuple[str, str], FactorFile | None] = {}
        self._of_symbol: dict[Any, MapFile] = {}

    def maps(self, market: str) -> MapFiles:
        found = self._maps.get(market)
        if found is None:
            found = MapFiles(self._root / "equity" / market / "map_files")
            self._maps[market] = found
        return found

    def map_file(self, symbol: Symbol) -> MapFile:
        """Return the map file of a symbol; other securities than shares have an empty one."""
        if symbol.security_type != SecurityType.EQUITY:
            return MapFile(symbol.value or "-", ())
        found = self._of_symbol.get(symbol.id)
        if found is None:
            found = self.maps(symbol.id.market).resolve(symbol.id.symbol, symbol.id.date)
            self._of_symbol[symbol.id] = found
        return found

    def factor_file(self, symbol: Symbol) -> FactorFile | None:
        """Return the factors of a symbol; None for a security without a factor file."""
        if symbol.security_type != SecurityType.EQUITY:
            return None
        permtick = self.map_file(symbol).permtick.lower()
        key = (symbol.id.market, permtick)
        if key not in self._factors:
            path = self._root / "equity" / key[0] / "factor_files" / f"{permtick}.csv"
            self._factors[key] = FactorFile.read(path) if path.exists() else EMPTY
        return self._factors[key]

    def delisting_date(self, symbol: Symbol) -> datetime:
        """Return the last day on which a symbol trades."""
        if symbol.security_type != SecurityType.EQUITY:
            return END
        return self.map_file(symbol).delisting_date

    def equity_identity(
        self, ticker: str, market: str, day: date | None
    ) -> tuple[str, datetime] | None:
        """Return first ticker and first day of the share that has ``ticker`` (today, or on
        ``day``).
        """
        if day is None:
            moment = datetime.now(UTC).replace(tzinfo=None)
        elif isinstance(day, datetime):
            moment = day.replace(tzinfo=None)
        else:
            moment = datetime(day.year, day.month, day.day)
        found = self.maps(market).resolve(ticker, moment)
        if not found.rows:
            return None
        return found.first_ticker, found.first_date

    def ticker(self, symbol: Symbol, moment: datetime) -> str:
        """Return the ticker that a symbol has on a date."""
        day = datetime(moment.year, moment.month, moment.day)
        return self.map_file(symbol).ticker_on(day, symbol.value)

    def install(self) -> None:
        """Let symbols be made with these map files."""
        set_equity_resolver(self.equity_identity)
