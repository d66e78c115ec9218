"""Alpha models as such: base, null, several in a row, and a constant one."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from datetime import datetime, timedelta
from typing import Any

from engine.framework.insight import Insight
from engine.framework.slots import SlotDict
from engine.framework.support import as_utc, model_name, new_id, text_of, update_securities
from engine.securities.native import LeanModel, method
from engine.types.enums import InsightDirection, InsightType
from engine.types.errors import ArgumentException
from engine.types.symbol import Symbol


class _RandomName:
    """The name of a model that was given none.

    An identifier, the same for the life of the model.
    """

    def __get__(self, model: Any, owner: type | None = None) -> Any:
        if model is None:
            return self
        made = model.__dict__["name"] = str(new_id())
        return made


class AlphaModel(LeanModel):
    """Base of all alpha models; ``name`` signs the insights."""

    name: Any = _RandomName()

    def update(self, algorithm: Any, data: Any) -> Any:
        """Return (or yield) the insights of this step."""
        raise NotImplementedError(
            "Types deriving from 'AlphaModel' must implement the 'IEnumerable<Insight> "
            "Update(QCAlgorithm, Slice) "
            "method."
        )

    def on_securities_changed(self, algorithm: Any, changes: Any) -> None:
        """Take changes of the universe."""


class NullAlphaModel(AlphaModel):
    """Emits nothing."""

    def update(self, algorithm: Any, data: Any) -> list[Insight]:
        return []


class CompositeAlphaModel(AlphaModel):
    """Several models in a row, each signing its own insights."""

    def __init__(self, *alpha_models: Any) -> None:
        models = list(alpha_models)
        if len(models) == 1 and isinstance(models[0], (list, tuple)):
            models = list(models[0])
        if not models:
            raise ArgumentException(
                "Must specify at least 1 alpha model for the CompositeAlphaModel"
            )
        self._models = models

    def update(self, algorithm: Any, data: Any) -> Iterator[Insight]:
        for model in self._models:
            name = model_name(model)
            for insight in method(model, "update")(algorithm, data):
                if not insight.source_model:
                    insight.source_model = name
                yield insight

    def on_securities_changed(self, algorithm: Any, changes: Any) -> None:
        for model in self._models:
            method(model, "on_securities_changed")(algorithm, changes)

    def add_alpha(self, alpha_model: Any) -> None:
        self._models.append(alpha_model)


class ConstantAlphaModel(AlphaModel):
    """The same insight for every security, again when its period is over."""

    def __init__(
        self,
        type: InsightType,
        direction: InsightDirection,
        period: timedelta,
        magnitude: float | None = None,
        confidence: float | None = None,
        weight: float | None = None,
    ) -> None:
        self._type, self._direction, self._period = (
            InsightType(type),
            InsightDirection(direction),
            period,
        )
        self._magnitude, self._confidence, self._weight = magnitude, confidence, weight
        self._securities: MutableMapping[Symbol, Any] = SlotDict()
        self._last: dict[Symbol, datetime] = {}
        parts = [self._type, self._direction, period]
        parts += [number for number in (magnitude, confidence) if number is not None]
        self.name = f"ConstantAlphaModel({','.join(text_of(p) for p in parts)})"

    def update(self, algorithm: Any, data: Any) -> Iterator[Insight]:
        for symbol, security in list(self._securities.items()):
            if security._price and self.should_emit_insight(algorithm.utc_time, symbol):
                yield Insight(
                    symbol, self._period, self._type, self._direction, self._magnitude,
                    self._confidence, None, self._weight,
                )  # fmt: skip

    def on_securities_changed(self, algorithm: Any, changes: Any) -> None:
        update_securities(self._securities, changes)
        for removed in changes.removed_securities:
            self._last.pop(removed.symbol, None)

    def should_emit_insight(self, utc_time: datetime, symbol: Symbol) -> bool:
        """Tell whether the last insight of a symbol is a period old; note the new one."""
        utc = as_utc(utc_time)
        last = self._last.get(symbol)
        if last is not None and utc - last < self._period:
            return False
        self._last[symbol] = utc
        return True
