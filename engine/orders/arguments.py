"""Reading the arguments of trading methods as LEAN's overloads do."""

from __future__ import annotations

from typing import Any

from engine.types.errors import ArgumentException
from engine.types.symbol import Symbol, SymbolCache


def order_symbol(what: Any) -> Symbol:
    """Return the symbol meant by a symbol, a security or the ticker of an added security."""
    if isinstance(what, Symbol):
        return what
    if isinstance(what, str):
        found = SymbolCache._find(what)
        if found is None:
            raise ArgumentException(
                f"Failed to implicitly convert System.String to QuantConnect.Symbol: {what!r} was "
                "never added; add the security in initialize first"
            )
        return found
    symbol = getattr(what, "symbol", None)
    if isinstance(symbol, Symbol):
        return symbol
    raise TypeError(f"expected a symbol, a security or a ticker, was {what!r}")


def checked_options(name: str, asynchronous: Any, tag: Any) -> None:
    """Refuse what LEAN's overloads refuse: after the numbers come a bool, then a text."""
    if not isinstance(asynchronous, bool) or not (tag is None or isinstance(tag, str)):
        raise TypeError(
            f"No method matches given arguments for {name}: expected asynchronous: bool, then tag: "
            "str, "
            f"was {asynchronous!r}, {tag!r}; write tag=... by name"
        )
