"""Industry identifiers of shares (CUSIP, FIGI, SEDOL, ISIN, CIK) by the data folder's table.

``symbol-properties/security-database.csv`` has a row for each share:
``identifier,cusip,composite figi,sedol,isin,cik``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.types.errors import DataError
from engine.types.symbol import SecurityIdentifier, Symbol

COLUMNS = ("cusip", "composite_figi", "sedol", "isin", "cik")


@lru_cache(maxsize=4)
def _rows(path: Path, _changed: int) -> Sequence[tuple[str, ...]]:
    found = []
    for number, line in enumerate(path.read_text("utf-8-sig").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = tuple(cell.strip() for cell in line.split(","))
        if len(cells) < 6:
            raise DataError(
                f"expected 6 columns in {path}, row {number}, was {len(cells)}; repair the row"
            )
        found.append(cells)
    return tuple(found)


class SecurityDefinitions:
    """Looks identifiers up both ways; without the table nothing is known."""

    def __init__(self, folder: Path, maps: Any) -> None:
        self._path = folder / "symbol-properties" / "security-database.csv"
        self._maps = maps

    def _table(self) -> Sequence[tuple[str, ...]]:
        if not self._path.is_file():
            return ()
        return _rows(self._path, self._path.stat().st_mtime_ns)

    def of(self, symbol: Symbol, column: str) -> str | int | None:
        """Return an identifier of a symbol; ``None`` when the table has none."""
        at = 1 + COLUMNS.index(column)
        for cells in self._table():
            if cells[0] == str(symbol.id):
                return (int(cells[at]) if column == "cik" else cells[at]) if cells[at] else None
        return None

    def symbols(self, text: Any, column: str, day: datetime) -> list[Symbol]:
        """Return the symbols of an identifier, by the ticker that they had on a day."""
        at, wanted = 1 + COLUMNS.index(column), str(text).strip().upper()
        found = []
        for cells in self._table():
            if not cells[at] or cells[at].upper() != wanted:
                continue
            sid = SecurityIdentifier.parse(cells[0])
            mapping = self._maps.map_file(Symbol(sid, sid.symbol))
            last = mapping.rows[-1][1] if mapping.rows else ""
            ticker = mapping.ticker_on(day, last)
            if ticker:
                found.append(Symbol(sid, ticker.upper()))
        return found
