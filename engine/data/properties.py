"""Lots, ticks and currencies of securities: LEAN's ``symbol-properties-database.csv``."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.data.hours import database_ticker, type_name
from engine.types.decimals import ONE, ZERO, DecimalField, normalize, to_decimal
from engine.types.dotnet import LeanObject
from engine.types.enums import SecurityType
from engine.types.errors import ArgumentException, DataError

_CENT = Decimal("0.01")


class SymbolProperties(LeanObject):
    """Contract details of one security; ``_lot_size`` and the like are exact."""

    __slots__ = (
        "_contract_multiplier", "_lot_size", "_minimum_order_size", "_minimum_price_variation",
        "_price_magnifier", "_shown_multiplier", "_strike_multiplier", "description",
        "market_ticker", "quote_currency",
    )  # fmt: skip

    lot_size = DecimalField()
    minimum_order_size = DecimalField()
    minimum_price_variation = DecimalField()
    price_magnifier = DecimalField()
    strike_multiplier = DecimalField()

    def __init__(
        self,
        description: str,
        quote_currency: str,
        contract_multiplier: Any,
        minimum_price_variation: Any,
        lot_size: Any,
        market_ticker: str,
        minimum_order_size: Any = None,
        price_magnifier: Any = 1,
        strike_multiplier: Any = 1,
    ) -> None:
        self.description = description
        self.quote_currency = quote_currency
        self.contract_multiplier = contract_multiplier
        self.minimum_price_variation = minimum_price_variation
        self.lot_size = lot_size
        self.market_ticker = market_ticker
        self.minimum_order_size = minimum_order_size
        self.price_magnifier = price_magnifier
        self.strike_multiplier = strike_multiplier
        if self._lot_size <= ZERO:
            raise ArgumentException("SymbolProperties LotSize can not be less than or equal to 0")
        if self._price_magnifier <= ZERO:
            raise ArgumentException(
                "SymbolProprties PriceMagnifier can not be less than or equal to 0"
            )
        if self._strike_multiplier <= ZERO:
            raise ArgumentException(
                "SymbolProprties StrikeMultiplier can not be less than or equal to 0"
            )

    @property
    def contract_multiplier(self) -> float:
        # kept beside the exact one: models ask for it with every position they look at
        return self._shown_multiplier

    @contract_multiplier.setter
    def contract_multiplier(self, value: Any) -> None:
        self._contract_multiplier = to_decimal(value)
        self._shown_multiplier = float(self._contract_multiplier)

    @staticmethod
    def get_default(quote_currency: str) -> SymbolProperties:
        """Return what a security without an entry has: cents, lots of one."""
        return SymbolProperties("", quote_currency.upper(), ONE, _CENT, ONE, "")

    def __str__(self) -> str:
        return ",".join(
            str(v)
            for v in (
                self.description,
                self.quote_currency,
                self._contract_multiplier,
                self._minimum_price_variation,
                self._lot_size,
                self.market_ticker,
                "" if self._minimum_order_size is None else self._minimum_order_size,
                self._price_magnifier,
            )
        )


class SymbolPropertiesDatabase(LeanObject):
    """Properties by market, ticker and security type; ``[*]`` stands for the whole market."""

    def __init__(self, rows: _Rows, path: str = "") -> None:
        self._rows = rows
        self._path = path
        self._made: dict[tuple[str, str, str], SymbolProperties] = {}

    @staticmethod
    def from_data_folder(_data_folder: str | None = None) -> SymbolPropertiesDatabase:
        """Return the database of the run, or of another data folder."""
        from engine.run import current_engine

        if _data_folder is not None:
            return SymbolPropertiesDatabase._from_data_folder(_data_folder)
        database: SymbolPropertiesDatabase = current_engine().properties
        return database

    @staticmethod
    def _from_data_folder(folder: str | Path) -> SymbolPropertiesDatabase:
        """Read ``symbol-properties/symbol-properties-database.csv`` of a data folder.

        Raises
        ------
        DataError
            When the file is absent. A row with too few columns is said once its market is asked
            for.
        """
        path = Path(folder) / "symbol-properties" / "symbol-properties-database.csv"
        if not path.exists():
            raise DataError(
                f"expected symbol properties in {path}, was no file; point the "
                f"data folder to LEAN's Data"
            )
        seen = path.stat()
        return SymbolPropertiesDatabase(_rows_of(path, seen.st_mtime_ns, seen.st_size), str(path))

    def _make(self, key: tuple[str, str, str]) -> SymbolProperties | None:
        made = self._made.get(key)
        line = self._rows.get(key) if made is None else None
        if line is not None:
            cells = [*(cell.strip() for cell in line.split(",")), *[""] * 12]
            try:
                made = SymbolProperties(
                    cells[3], cells[4], Decimal(cells[5]), _plain(cells[6]), Decimal(cells[7]),
                    cells[8],
                    Decimal(cells[9]) if cells[9] else None,
                    Decimal(cells[10]) if cells[10] else ONE,
                    Decimal(cells[11]) if cells[11] else ONE,
                )  # fmt: skip
            except InvalidOperation as error:
                raise DataError(
                    f"expected numbers in {self._path} for {'-'.join(key)}, was "
                    f"{','.join(cells[:12])}; repair the row"
                ) from error
            self._made[key] = made
        return made

    def contains_key(
        self, market: Any, symbol: Any = None, security_type: Any = SecurityType.EQUITY
    ) -> bool:
        if symbol is None:  # one key that holds all three
            market, symbol, security_type = market.market, market.symbol, market.security_type
        key = (market.lower(), database_ticker(symbol).upper(), type_name(security_type).lower())
        return key in self._rows or key in self._made

    def get_symbol_properties(
        self, market: str, symbol: Any, security_type: SecurityType, default_quote_currency: str
    ) -> SymbolProperties:
        """Return the properties of a ticker, of its market, or the default ones."""
        kind = type_name(security_type).lower()
        ticker = database_ticker(symbol).upper()
        return (
            self._make((market.lower(), ticker, kind))
            or self._make((market.lower(), "[*]", kind))
            or SymbolProperties.get_default(default_quote_currency)
        )

    def try_get_market(
        self, symbol: str, security_type: SecurityType, _market: Any = None
    ) -> tuple[bool, str | None]:
        kind = type_name(security_type).lower()
        for market, ticker, row_kind in self._rows:
            if ticker == symbol.upper() and row_kind == kind:
                return True, market
        return False, None

    def set_entry(
        self, market: str, symbol: str, security_type: SecurityType, properties: SymbolProperties
    ) -> bool:
        """Set the properties of a ticker of the user's own."""
        self._made[(market.lower(), symbol.upper(), type_name(security_type).lower())] = properties
        return True

    def get_symbol_properties_list(
        self, market: str, security_type: SecurityType | None = None
    ) -> list[tuple[tuple[str, str, str], SymbolProperties]]:
        """Return ``((market, ticker, type), properties)`` of a market."""
        kind = None if security_type is None else type_name(security_type).lower()
        found = []
        for key in self._rows.of(market.lower()).keys() | self._made.keys():
            if key[0] == market.lower() and kind in (None, key[2]):
                made = self._make(key)
                if made is not None:
                    found.append((key, made))
        return found


class _Rows:
    """Rows of the file by market, each as its line: few of the thousands are ever looked at."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = path.read_bytes().decode("utf-8-sig").splitlines()
        #: first column of every line, as it is written
        self._starts = [line[: line.find(",")] for line in self._lines]
        #: market that each of these writings means
        self._markets = {start: start.strip().lower() for start in set(self._starts)}
        header = next(
            (n for n, line in enumerate(self._lines) if line.strip() and line[0] != "#"), 0
        )
        self._first = header + 1
        self._made: dict[str, dict[tuple[str, str, str], str]] = {}
        self._keys: list[tuple[str, str, str]] | None = None

    def of(self, market: str) -> dict[tuple[str, str, str], str]:
        """Return the rows of a market by market, ticker and security type.

        Raises
        ------
        DataError
            When one of them has too few columns.
        """
        found = self._made.get(market)
        if found is None:
            found = self._made[market] = {}
            written = {start for start, name in self._markets.items() if name == market}
            for number, start in enumerate(self._starts):
                if start in written and number >= self._first:
                    self._add(found, number)
        return found

    def _add(self, rows: dict[tuple[str, str, str], str], number: int) -> None:
        line = self._lines[number]
        if not line.strip() or line.startswith("#"):
            return
        if line.count(",") < 7:
            raise DataError(
                f"expected 8 to 12 columns in {self._path}, row {number + 1}, was "
                f"{line.count(',') + 1}; repair the row"
            )
        market, ticker, kind, _ = line.split(",", 3)
        rows[(market.strip().lower(), ticker.strip().upper(), kind.strip().lower())] = line

    def get(self, key: tuple[str, str, str]) -> str | None:
        """Return the line of market, ticker and security type."""
        return self.of(key[0]).get(key)

    def __contains__(self, key: tuple[str, str, str]) -> bool:
        return key in self.of(key[0])

    def __iter__(self) -> Iterator[tuple[str, str, str]]:
        if self._keys is None:
            rows: dict[tuple[str, str, str], str] = {}
            for number in range(self._first, len(self._lines)):
                self._add(rows, number)
            self._keys = list(rows)
        return iter(self._keys)


@lru_cache(maxsize=4)
def _rows_of(path: Path, _changed: int, _size: int) -> _Rows:
    return _Rows(path)


def _plain(text: str) -> Decimal:
    """Read a number that may be written with an exponent (``1e-08``)."""
    value = to_decimal(Decimal(text))
    return normalize(value) if "e" in text.lower() else value
