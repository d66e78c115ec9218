"""Reading the arguments of trading methods as LEAN's overloads do."""

from __future__ import annotations

from typing import Any

from engine.types.errors import ArgumentException
from engine.types.symbol import SecurityIdentifier, Symbol, SymbolCache


def order_symbol(what: Any) -> Symbol:
    """Return the symbol meant by a symbol, a security or a ticker.

    A ticker that was never added names a security without market and data, as in LEAN: its orders
    come back invalid.

    Raises
    ------
    ArgumentException
        For a text that was never added and can be no ticker.
    """
    if isinstance(what, Symbol):
        return what
    if isinstance(what, str):
        found = SymbolCache._find(what)
        if found is not None:
            return found
        if " " in what or "|" in what:
            raise ArgumentException(
                f"Failed to implicitly convert System.String to QuantConnect.Symbol: {what!r} was "
                "never added; add the security in initialize first"
            )
        return Symbol(SecurityIdentifier(what, 0), what)
    symbol = getattr(what, "symbol", None)
    if isinstance(symbol, Symbol):
        return symbol
    raise TypeError(f"expected a symbol, a security or a ticker, was {what!r}")


def no_overload(name: str, passed: tuple[Any, ...], expected: str) -> TypeError:
    """Return LEAN's error about arguments that fit no overload; it names their types."""
    kinds = ", ".join(
        "<class 'QuantConnect.Symbol'>" if isinstance(value, Symbol) else repr(type(value))
        for value in passed
    )
    return TypeError(
        f"No method matches given arguments for {name}: ({kinds}). The following overloads are "
        f"available:\nexpected {expected}"
    )


def checked_options(
    name: str, asynchronous: Any, tag: Any, passed: tuple[Any, ...] | None = None
) -> None:
    """Refuse what LEAN's overloads refuse: after the numbers come a bool, then a text."""
    if not isinstance(asynchronous, bool) or not (tag is None or isinstance(tag, str)):
        raise no_overload(
            name,
            (asynchronous, tag) if passed is None else passed,
            "asynchronous: bool, then tag: str, "
            f"was {asynchronous!r}, {tag!r}; write tag=... by name",
        )
