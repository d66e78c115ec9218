"""Methods of several overloads, called with named arguments."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def by_name(*overloads: str) -> Callable[[F], F]:
    """Let a method of ``*args`` take LEAN's argument names, given as one text per overload.

    The first overload that has every name in use puts them in order; an argument left out before
    one that is given is none of LEAN's calls.

    Raises
    ------
    TypeError
        On a call, when no overload has these names.
    """
    orders = [tuple(overload.split()) for overload in overloads]

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def called(self: Any, *args: Any, **named: Any) -> Any:
            if not named:
                return function(self, *args)
            for order in orders:
                rest = order[len(args) : len(args) + len(named)]
                if set(rest) == set(named):
                    return function(self, *args, *(named[name] for name in rest))
            told = " or ".join(f"({', '.join(order)})" for order in orders)
            raise TypeError(
                f"No method matches given arguments for {function.__name__}: expected {told}, "
                f"was {len(args)} by position and {', '.join(named)} by name"
            )

        return called  # type: ignore[return-value]

    return decorate
