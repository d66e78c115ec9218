"""One symbol of one source: is this record possible, in order, new, and near what was seen?"""

from __future__ import annotations

import math
from collections import deque
from datetime import datetime, timedelta
from typing import Any

from protection.admission.codec import plain_record, read_record
from protection.admission.envelope import Cause, Record, Sample
from protection.admission.noise import SignalToNoise
from protection.admission.robust import MAD_TO_SIGMA, RollingMedian
from protection.contracts.admission_settings import AdmissionSettings
from protection.contracts.records import Bar, Quote, Trade

Finding = tuple[Cause, str]

_INF = math.inf
_SAME_TIME = 64
_REFRESH = 16
_EVERY = 8
_STRETCH = 32.0


def impossible(record: Record) -> Finding | None:
    """Why no market could have sent the record; None when one could.

    Prices must be finite and positive, sizes finite and not negative, a bar's high and low must
    hold its open and close, a bid must not lie above the ask.
    """
    if isinstance(record, Trade):
        if not 0.0 < record.price < _INF:
            return Cause.INVALID, f"expected a price above 0, was {record.price!r}"
        if not 0.0 <= record.size < _INF:
            return Cause.INVALID, f"expected a size of at least 0, was {record.size!r}"
    elif isinstance(record, Quote):
        if not (0.0 < record.bid < _INF and 0.0 < record.ask < _INF):
            return (
                Cause.INVALID,
                f"expected bid and ask above 0, was {record.bid!r} and {record.ask!r}",
            )
        if not (0.0 <= record.bid_size < _INF and 0.0 <= record.ask_size < _INF):
            return Cause.INVALID, "expected sizes of at least 0"
        if record.bid > record.ask:
            return Cause.CROSSED, f"crossed: bid {record.bid:g} above ask {record.ask:g}"
    elif isinstance(record, Bar):
        low, high = record.low, record.high
        if not (
            0.0 < low <= record.open <= high < _INF
            and low <= record.close <= high
            and 0.0 <= record.volume < _INF
        ):
            return (
                Cause.INVALID,
                "expected 0 < low <= open, close <= high and volume of at least 0, was "
                f"open {record.open!r}, high {high!r}, low {low!r}, close {record.close!r}, "
                f"volume {record.volume!r}",
            )
    elif isinstance(record, Sample):
        values = record.values
        if type(values) is not tuple or not values:
            return Cause.INVALID, f"expected values in a non-empty tuple, was {values!r}"
        if not all(map(math.isfinite, values)):
            return Cause.INVALID, "expected finite values"
    else:
        kind = type(record).__name__
        return Cause.UNKNOWN_INPUT, f"expected a Bar, Quote, Trade or Sample, was {kind}"
    return None


def _limit(column: list[float]) -> tuple[float, float]:
    """Median and inverse scale of one column of past samples."""
    middle = (len(column) - 1) // 2
    column.sort()
    center = column[middle]
    spread = sorted([abs(value - center) for value in column])[middle] * MAD_TO_SIGMA
    # a component that stands still is not judged: any move of it would be infinite
    return center, 1.0 / spread if spread > 0.0 else 0.0


class Feed:
    """State of one symbol of one source; everything it says is a function of what came before.

    Attributes
    ----------
    event, heard : event time and receipt of the last real observation
    price : last price taken over (mid of a quote, close of a bar)
    """

    __slots__ = (
        "_components",
        "_due",
        "_limits",
        "_minimum",
        "_noisy",
        "_quality",
        "_ratio",
        "_same",
        "_step",
        "_taken",
        "event",
        "heard",
        "noise",
        "price",
        "returns",
        "scale",
    )

    def __init__(self, settings: AdmissionSettings) -> None:
        quality, noise = settings.quality, settings.noise
        self._quality = quality
        self._ratio, self._minimum = noise.ratio, noise.minimum
        self.event: datetime | None = None
        self.heard: datetime | None = None
        self.price: float | None = None
        self.scale = quality.scale_floor
        self._due, self._step = 0, 0.0
        self._taken: datetime | None = None  # event time of the price
        self.returns = RollingMedian(quality.outlier_window)
        self.noise = SignalToNoise(noise.memory)
        self._noisy = False
        self._same: list[Record] = []
        self._components: deque[tuple[float, ...]] | None = None
        self._limits: list[tuple[float, float]] | None = None

    def order(self, record: Record, numbered: bool) -> Finding | None:
        """Older than the last one, or the same again?

        ``numbered``: the source numbers its messages, so equal content is no repetition.
        """
        event = self.event
        if event is None or record.time > event:
            return None
        if record.time < event:
            return (
                Cause.OUT_OF_ORDER,
                f"expected a time after {event.isoformat()}, was {record.time.isoformat()}",
            )
        if not numbered and record in self._same:
            return Cause.DUPLICATE, f"the same record of {event.isoformat()} came before"
        return None

    def silent(self, record: Record) -> bool:
        """Whether the record only repeats the last one: nobody said anything."""
        if not isinstance(record, Bar):
            return False
        if record.filled_forward:
            return True
        price = record.close
        return (
            record.volume == 0.0
            and self.price == price
            and record.open == price
            and record.high == price
            and record.low == price
        )

    def jump(self, price: float, pace: timedelta | None) -> float:
        """Return to ``price`` over the typical size of a move; 0 while too little is known.

        The scale is 1.4826 times the median absolute return of the window, around 0 and without
        the zeros: a price that jumps between two ticks has no other center and no smaller move.
        It is taken anew every 8 returns, and grows with the root of the time since the last
        price in cadences (``pace``), up to 32 times.
        """
        last = self.price
        if last is None:
            return 0.0
        self._step = step = math.log(price / last)
        if self._due <= 0:
            returns, quality = self.returns, self._quality
            if len(returns) < quality.outlier_minimum:
                return 0.0
            scale = MAD_TO_SIGMA * returns.median()
            self.scale = scale if scale > quality.scale_floor else quality.scale_floor
            self._due = _EVERY
        scale, event, taken = self.scale, self.event, self._taken
        if pace is not None and event is not None and taken is not None:
            gap = event - taken
            if gap > pace:
                root = math.sqrt(gap / pace)
                scale *= root if root < _STRETCH else _STRETCH
        return abs(step) / scale

    def mark(self, record: Record, received: datetime) -> None:
        """Remember that a record in order came, whatever becomes of its content."""
        if self.event == record.time:
            if len(self._same) < _SAME_TIME:
                self._same.append(record)
        else:
            self.event = record.time
            self._same = [record]
        self.heard = received

    def take(self, price: float, jumped: bool) -> None:
        """Take over a price that fits; ``jumped``: a confirmed new level."""
        last = self.price
        self.price, self._taken = price, self.event
        if last is None or jumped:
            return
        step = self._step
        if step != 0.0:  # quiet quotes say nothing about the size of a move
            self.returns.add(abs(step))
            self._due -= 1
        bound = 4.0 * self.scale
        self.noise.add(step if -bound < step < bound else math.copysign(bound, step))

    def noisy(self) -> bool:
        """Whether the price is proven to be mostly noise; looked at every 16 returns."""
        limit, count = self._ratio, self.noise.count
        if limit is not None and count >= self._minimum and count % _REFRESH == 0:
            self._noisy = self.noise.ratio < limit
        return self._noisy

    # ------------------------------------------------------------------ samples

    def deviation(self, values: tuple[float, ...]) -> float:
        """Largest robust z of a sample's components; 0 while too little is known.

        Raises
        ------
        ValueError
            When the number of values differs from before.
        """
        past = self._components
        if past is None:
            return 0.0
        if len(values) != len(past[0]):
            raise ValueError(f"expected {len(past[0])} values as before, was {len(values)}")
        limits = self._limits
        if limits is None:
            return 0.0
        return max(
            abs(value - center) * inverse
            for value, (center, inverse) in zip(values, limits, strict=True)
        )

    def take_sample(self, record: Sample) -> None:
        """Take over a sample; every fourth takes median and scale of one column anew, in turn."""
        past = self._components
        if past is None:
            past = self._components = deque(maxlen=self._quality.outlier_window)
        past.append(record.values)
        limits = self._limits
        if limits is not None:
            count = self.noise.count = self.noise.count + 1
            if count % 4 == 0:
                column = count // 4 % len(limits)
                limits[column] = _limit([row[column] for row in past])
        elif len(past) >= self._quality.outlier_minimum:
            self._limits = [_limit(list(column)) for column in zip(*past, strict=True)]

    # ------------------------------------------------------------------ state

    def snapshot(self) -> dict[str, Any]:
        """Plain data for :meth:`restore`."""
        return {
            "event": None if self.event is None else self.event.isoformat(),
            "heard": None if self.heard is None else self.heard.isoformat(),
            "price": self.price,
            "scale": [self.scale, self._due],
            "taken": None if self._taken is None else self._taken.isoformat(),
            "returns": self.returns.snapshot(),
            "noise": self.noise.snapshot(),
            "noisy": self._noisy,
            "same": [plain_record(record) for record in self._same],
            "components": None if self._components is None else list(self._components),
            "limits": self._limits,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`snapshot` gave."""
        event, heard, price = state["event"], state["heard"], state["price"]
        self.event = None if event is None else datetime.fromisoformat(event)
        self.heard = None if heard is None else datetime.fromisoformat(heard)
        self.price = None if price is None else float(price)
        self.scale, self._due = float(state["scale"][0]), int(state["scale"][1])
        taken = state["taken"]
        self._taken = None if taken is None else datetime.fromisoformat(taken)
        self.returns.restore(state["returns"])
        self.noise.restore(state["noise"])
        self._noisy = bool(state["noisy"])
        self._same = [read_record(entry) for entry in state["same"]]
        past, limits = state["components"], state["limits"]
        self._components = (
            None
            if past is None
            else deque((tuple(row) for row in past), maxlen=self._quality.outlier_window)
        )
        self._limits = None if limits is None else [(float(a), float(b)) for a, b in limits]
