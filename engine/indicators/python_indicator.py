"""Indicators written in Python."""

from __future__ import annotations

from typing import Any

from engine.indicators.base import _DataIndicator
from engine.types.dotnet import missing

_NEEDED = (("IsReady", "is_ready"), ("Update", "update"), ("Value", "value"))


class PythonIndicator(_DataIndicator):
    """Base of a user's indicator, or the wrapper of one that has no base.

    A subclass keeps its result in ``value`` and writes ``update(self, input) -> bool``, which
    returns whether it is ready. When the engine feeds it, it calls ``update`` and then reads
    ``value`` into ``current``; a call of ``update`` by the user only runs the user's code, as in
    LEAN.
    """

    value: Any

    def __new__(cls, *args: Any, **kwargs: Any) -> PythonIndicator:
        made = super().__new__(cls)
        made._start(cls.__name__)
        made._instance = made
        made._was_ready = False
        made._checked = False
        return made

    _instance: Any
    _was_ready: bool
    _checked: bool

    def __init__(self, *args: Any) -> None:
        if args and type(self) is PythonIndicator:
            self._instance = instance = args[0]
            self.name = str(
                getattr(instance, "name", getattr(instance, "Name", type(instance).__name__))
            )
            self._check()

    def __getattr__(self, name: str) -> Any:
        if name == "warm_up_period":
            if self._instance is self:
                return 0
            return int(_member(self._instance, "WarmUpPeriod", "warm_up_period", 0))
        return missing(self, name)

    @property
    def is_ready(self) -> bool:
        if self._was_ready:
            return True
        if self._instance is self:
            return False
        return bool(_member(self._instance, "IsReady", "is_ready", False))

    def update(self, input: Any, value: Any = None) -> bool:
        if self._instance is self:
            raise NotImplementedError(
                "Indicator.update must be implemented. "
                f"Please implement this missing method in {self.name}"
            )
        return super().update(input, value)

    def _check(self) -> None:
        self._checked = True
        instance = self._instance
        for name, snake in _NEEDED:
            if not (hasattr(instance, name) or hasattr(instance, snake)):
                label = type(instance).__name__
                more = ""
                if snake == "is_ready":
                    more = f" or use PythonIndicator as base:\nclass {label}(PythonIndicator):"
                raise NotImplementedError(
                    f"Indicator.{snake} must be implemented. "
                    f"Please implement this missing method in {label}{more}"
                )

    def _next_bar(self, bar: Any) -> float:
        instance = self._instance
        if not self._checked:
            self._check()
        ready = _member(instance, "Update", "update", None)(bar)
        if ready is None:
            ready = _member(instance, "IsReady", "is_ready", False)
        self._was_ready = bool(ready)
        return float(_member(instance, "Value", "value", 0.0))


def _member(instance: Any, name: str, snake: str, default: Any) -> Any:
    kind = type(instance)
    if snake in vars(instance) or any(snake in vars(c) for c in kind.__mro__[:-1]):
        own = [c for c in kind.__mro__ if c is not object and snake in vars(c)]
        pascal = [c for c in kind.__mro__ if c is not object and name in vars(c)]
        if pascal and (not own or kind.__mro__.index(pascal[0]) < kind.__mro__.index(own[0])):
            return getattr(instance, name)
        return getattr(instance, snake)
    return getattr(instance, name, default)
