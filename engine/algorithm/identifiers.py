"""``cusip``, ``composite_figi``, ``sedol``, ``isin`` and ``cik`` of ``QCAlgorithm``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from engine.data.definitions import SecurityDefinitions
from engine.types.symbol import Symbol


class IdentifiersMixin:
    """Industry identifiers: of a symbol the identifier, of an identifier the symbol."""

    _engine: Any
    time: Any

    def _identify(self, what: Any, column: str, trading_date: datetime | None) -> Any:
        table = SecurityDefinitions(self._engine.data_folder, self._engine.maps)
        what = getattr(what, "symbol", what)
        if isinstance(what, Symbol):
            return table.of(what, column)
        day = self.time if trading_date is None else min(trading_date, self.time)
        found = table.symbols(what, column, day)
        if column == "cik":
            return found
        return found[0] if found else None

    def cusip(self, symbol: Any, trading_date: datetime | None = None) -> Any:
        """CUSIP of a symbol, or the symbol of a CUSIP."""
        return self._identify(symbol, "cusip", trading_date)

    def composite_figi(self, symbol: Any, trading_date: datetime | None = None) -> Any:
        """Composite FIGI of a symbol, or the symbol of one."""
        return self._identify(symbol, "composite_figi", trading_date)

    def sedol(self, symbol: Any, trading_date: datetime | None = None) -> Any:
        """SEDOL of a symbol, or the symbol of a SEDOL."""
        return self._identify(symbol, "sedol", trading_date)

    def isin(self, symbol: Any, trading_date: datetime | None = None) -> Any:
        """ISIN of a symbol, or the symbol of an ISIN."""
        return self._identify(symbol, "isin", trading_date)

    def cik(self, symbol: Any, trading_date: datetime | None = None) -> Any:
        """CIK of a symbol, or all symbols of a CIK."""
        return self._identify(symbol, "cik", trading_date)
