"""Lets frames indexed by symbols be read with tickers, as LEAN's own patch of pandas does:
``frame.loc["SPY"]``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from engine.types.symbol import SymbolCache

_installed = False


def mapped(key: Any) -> Any:
    """Return a key with the tickers that the algorithm uses replaced by their symbols."""
    kind = type(key)
    if kind is str:
        return SymbolCache._find(key) or key
    if kind is tuple:
        return tuple(mapped(part) for part in key)
    if kind is list:
        return [mapped(part) for part in key]
    return key


def _first_mapped(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(owner: Any, key: Any, *args: Any, **kwargs: Any) -> Any:
        turned = mapped(key)
        if turned is not key:
            try:
                return function(owner, turned, *args, **kwargs)
            except (KeyError, TypeError):
                pass
        return function(owner, key, *args, **kwargs)

    return call


def _either(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(owner: Any, key: Any) -> Any:
        if function(owner, key):
            return True
        turned = mapped(key)
        return turned is not key and function(owner, turned)

    return call


def install() -> None:
    """Teach pandas the tickers of the running algorithm (once a process)."""
    global _installed
    if _installed:
        return
    import pandas as pd
    from pandas.core import indexing

    indexers: Any = indexing
    for owner, name in (
        (indexers._LocationIndexer, "__getitem__"),
        (indexers._ScalarAccessIndexer, "__getitem__"),
        (pd.Index, "get_loc"),
        (pd.DataFrame, "__getitem__"),
    ):
        setattr(owner, name, _first_mapped(getattr(owner, name)))
    contains: Any = _either(pd.Index.__contains__)
    pd.Index.__contains__ = contains
    _installed = True
