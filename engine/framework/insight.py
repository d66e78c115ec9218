"""``Insight``: what an alpha model expects of a security."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from engine.framework.insight_score import InsightScore
from engine.framework.periods import (
    BAD_BARS,
    BAD_PERIOD,
    LifeRule,
    by_function,
    close_after_bars,
    close_after_span,
    for_bars,
    for_ever,
    for_span,
    until,
)
from engine.framework.support import (
    END_OF_TIME,
    END_OF_TIME_SPAN,
    NO_TIME,
    as_symbol,
    as_utc,
    new_id,
    span_text,
)
from engine.types.decimals import ZERO, DecimalField
from engine.types.dotnet import LeanObject
from engine.types.enums import InsightDirection, InsightType, Resolution
from engine.types.errors import ArgumentException, InvalidOperationException
from engine.types.symbol import Symbol
from engine.types.timezones import aware

_SECOND = timedelta(seconds=1)
_NO_SPAN = timedelta(0)
_PRICE = InsightType.PRICE


def _shown(moment: datetime | None) -> datetime:
    return NO_TIME if moment is None else aware(moment)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


class Insight(LeanObject):
    """A prediction with a direction and a life time.

    ``Insight(symbol, period or expiry function, type, direction[, magnitude, confidence,
    source_model, weight, tag])``; a UTC time may stand before the symbol. Times are UTC; before
    the insight is emitted they are in year 1.
    """

    reference_value = DecimalField()
    reference_value_final = DecimalField()
    estimated_value = DecimalField()

    _generated: datetime | None
    _close: datetime | None
    _reference_value: Decimal
    _reference_value_final: Decimal
    _estimated_value: Decimal

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        values = list(args)
        generated = kwargs.pop("generated_time_utc", None)
        if values and isinstance(values[0], date):
            generated = values.pop(0)
        names = ["symbol", "period", "type", "direction"]
        rest = ["magnitude", "confidence", "source_model", "weight", "tag"]
        if len(values) == 5 and isinstance(values[4], str):
            rest = ["tag"]
        given = dict(zip(names + rest, values, strict=False)) | kwargs
        if "expiry_func" in given:
            given["period"] = given.pop("expiry_func")
        period = given["period"]
        span = isinstance(period, timedelta)
        self._fill(
            given["symbol"],
            for_span(period) if span else by_function(period),
            given["type"],
            given["direction"],
            given.get("magnitude"),
            given.get("confidence"),
            given.get("source_model"),
            given.get("weight"),
            given.get("tag", ""),
        )
        if span:
            self._period = period
        if generated is not None:
            self._generated = as_utc(generated)
            self._close = self._generated + period

    def _fill(
        self,
        symbol: Any,
        rule: LifeRule,
        kind: Any,
        direction: Any,
        magnitude: Any = None,
        confidence: Any = None,
        source_model: str | None = None,
        weight: Any = None,
        tag: str = "",
    ) -> None:
        self.id: UUID = new_id()
        self.group_id: UUID | None = None
        self.score = InsightScore()
        self.symbol: Symbol = as_symbol(symbol)
        self.type = kind if type(kind) is InsightType else InsightType(kind)
        self.direction = (
            direction if type(direction) is InsightDirection else InsightDirection(direction)
        )
        self.magnitude = _number(magnitude)
        self.confidence = _number(confidence)
        self.weight = _number(weight)
        self.source_model = source_model
        self.tag = tag
        self._rule = rule
        self._period = _NO_SPAN
        self._generated = None
        self._close = None
        self._reference_value = self._reference_value_final = self._estimated_value = ZERO

    # -- factories -----------------------------------------------------------------------------

    @staticmethod
    def price(symbol: Any, *args: Any, **kwargs: Any) -> Insight:
        """Predict a price for a time span, a number of bars, until a local time, or by an expiry
        function.

        ``price(symbol, timedelta | datetime | function, direction[, magnitude, confidence,
        source_model, weight, tag])`` or ``price(symbol, resolution, bar_count, direction[, ...])``.

        Raises
        ------
        ArgumentException
            For less than one second or one bar.
        """
        values = list(args)
        if kwargs:
            for name in ("resolution", "period", "close_time_local", "expiry_func"):
                if name in kwargs:
                    values.insert(0, kwargs.pop(name))
        when = values.pop(0)
        insight = Insight.__new__(Insight)
        span = None
        if isinstance(when, Resolution):
            count = kwargs.pop("bar_count") if "bar_count" in kwargs else values.pop(0)
            if count < 1:
                raise ArgumentException(BAD_BARS)
            rule = for_bars(when, count)
        elif isinstance(when, timedelta):
            if when < _SECOND:
                raise ArgumentException(BAD_PERIOD)
            span, rule = when, for_span(when)
            if when == END_OF_TIME_SPAN:
                span, rule = None, for_ever
        elif isinstance(when, date):
            local = (
                when if isinstance(when, datetime) else datetime(when.year, when.month, when.day)
            )
            rule = for_ever if local == END_OF_TIME else until(local.replace(tzinfo=None))
        else:
            rule = by_function(when)
        names = ("direction", "magnitude", "confidence", "source_model", "weight", "tag")
        if not kwargs and 0 < len(values) <= len(names):
            insight._fill(symbol, rule, _PRICE, *values)
        else:
            given = dict(zip(names, values, strict=False)) | kwargs
            insight._fill(symbol, rule, _PRICE, given.pop("direction"), **given)
        if span is not None:
            insight._period = span
        return insight

    @staticmethod
    def group(*insights: Any) -> list[Insight]:
        """Give insights one group id.

        Raises
        ------
        InvalidOperationException
            When one of them has a group already.
        """
        members: list[Insight] = []
        for item in insights:
            members.extend(item if isinstance(item, Iterable) else [item])
        group = new_id()
        for insight in members:
            if insight.group_id is not None:
                raise InvalidOperationException(
                    f"Unable to set group id on insight {insight} because it has already been "
                    f"assigned to a group."
                )
            insight.group_id = group
        return members

    @staticmethod
    def compute_close_time(
        exchange_hours: Any, generated_time_utc: datetime, *args: Any
    ) -> datetime:
        """Return the UTC close of ``(timedelta)`` or of ``(resolution, bar count)``."""
        generated = as_utc(generated_time_utc)
        if len(args) == 1:
            return aware(close_after_span(exchange_hours, generated, args[0]))
        return aware(close_after_bars(exchange_hours, generated, Resolution(args[0]), args[1]))

    # -- life ----------------------------------------------------------------------------------

    @property
    def generated_time_utc(self) -> datetime:
        return _shown(self._generated)

    @generated_time_utc.setter
    def generated_time_utc(self, moment: datetime) -> None:
        self._generated = as_utc(moment)

    @property
    def close_time_utc(self) -> datetime:
        return _shown(self._close)

    @close_time_utc.setter
    def close_time_utc(self, moment: datetime) -> None:
        self._close = as_utc(moment)

    @property
    def period(self) -> timedelta:
        return self._period

    def set_period_and_close_time(self, exchange_hours: Any) -> None:
        """Compute period and close from the time at which the insight was generated."""
        if self._generated is None:
            raise InvalidOperationException(
                "The insight's 'GeneratedTimeUtc' property must be set before calling "
                "SetPeriodAndCloseTime."
            )
        self._period, self._close = self._rule(self._generated, exchange_hours)

    def _closed_before(self, utc: datetime) -> bool:
        close = self._close
        return close is None or close < utc

    def is_expired(self, utc_time: datetime) -> bool:
        """Tell whether the close lies before a UTC time.

        At its close an insight is still active.
        """
        return self._closed_before(as_utc(utc_time))

    def is_active(self, utc_time: datetime) -> bool:
        return not self._closed_before(as_utc(utc_time))

    def expire(self, utc_time: datetime) -> None:
        """Close an active insight one second before a UTC time."""
        utc = as_utc(utc_time)
        if not self._closed_before(utc):
            self._close = utc - _SECOND
            self._period = self._close - (self._generated or NO_TIME)

    def cancel(self, utc_time: datetime) -> None:
        self.expire(utc_time)

    def clone(self) -> Insight:
        """Return a copy with the same id, times and (shared) score."""
        copy = Insight(
            self.symbol, self._period, self.type, self.direction, self.magnitude, self.confidence,
            None, self.weight, self.tag,
        )  # fmt: skip
        for name in (
            "id", "group_id", "score", "source_model", "_generated", "_close", "_reference_value",
            "_reference_value_final", "_estimated_value",
        ):  # fmt: skip
            setattr(copy, name, getattr(self, name))
        return copy

    def __str__(self) -> str:
        text = (
            f"{self.id.hex}: {self.symbol} {self.type.to_string()} {self.direction.to_string()} "
            f"within {span_text(self._period)}"
        )
        if self.magnitude is not None:
            text += f" by {self.magnitude:.15g}%"
        if self.confidence is not None:
            text += f" with {round(100 * self.confidence, 1):g}% confidence"
        if self.weight is not None:
            text += f" and {round(100 * self.weight, 1):g}% weight"
        return f"{text}: {self.tag}" if self.tag else text

    def short_to_string(self) -> str:
        """Return the direction, what is predicted, and for how long."""
        kind, direction = self.type.to_string(), self.direction.to_string()
        text = f"{self.symbol} {kind} {direction} {span_text(self._period)}"
        if self.magnitude is not None:
            text += f" M:{self.magnitude:.15g}%"
        if self.confidence is not None:
            text += f" C:{round(100 * self.confidence, 1):g}%"
        if self.weight is not None:
            text += f" W:{round(100 * self.weight, 1):g}%"
        return text

    __repr__ = __str__
