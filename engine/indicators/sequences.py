"""Hilbert transform, relative daily volume, Tom DeMark's sequential."""

from __future__ import annotations

from collections import deque
from datetime import datetime, time
from typing import Any

from engine.indicators.base import BarIndicator, Indicator, TradeBarIndicator
from engine.types.enums import LeanEnum


class _Part(Indicator):
    """A line that the transform sets."""

    _ready = False

    @property
    def is_ready(self) -> bool:
        return self._ready

    def reset(self) -> None:
        self._ready = False
        super().reset()


class HilbertTransform(Indicator):
    """The parts of a price in phase and in quadrature with its cycle.

    ``in_phase`` and ``quadrature`` hold them; the value itself is the last input.
    """

    _label = (
        "Hilbert({length}, {in_phase_multiplication_factor}, {quadrature_multiplication_factor})"
    )

    def _build(
        self,
        length: int = 7,
        in_phase_multiplication_factor: float = 0.635,
        quadrature_multiplication_factor: float = 0.338,
    ) -> None:
        self._length = int(length)
        self._factors = (
            float(in_phase_multiplication_factor),
            float(quadrature_multiplication_factor),
        )
        self.in_phase = _Part(f"{self.name}_inPhase")
        self.quadrature = _Part(f"{self.name}_quad")
        self._clear()

    def _clear(self) -> None:
        self._prices: deque[float] = deque(maxlen=self._length + 1)
        self._detrended: deque[float] = deque(maxlen=4)
        self._phases: deque[float] = deque(maxlen=3)
        self._quadratures: deque[float] = deque(maxlen=2)

    @property
    def is_ready(self) -> bool:
        return self.samples >= self._length + 2

    @property
    def warm_up_period(self) -> int:
        return self._length + 2

    def _next(self, time: datetime, value: float) -> float:
        self._prices.append(value)
        if len(self._prices) > self._length:
            self._detrended.append(value - self._prices[0])
        detrended = self._detrended
        first, third = self._factors
        v1 = detrended[-1] if detrended else 0.0
        v2 = detrended[-2] if len(detrended) > 1 else 0.0
        v4 = detrended[-4] if len(detrended) > 3 else 0.0
        phase = quadrature = 0.0
        self.in_phase._ready = self.samples > self._length + 2
        if self.in_phase._ready:
            before = self._phases[-3] if len(self._phases) > 2 else 0.0
            phase = 1.25 * (v4 - v2 * first) + before * first
            self._phases.append(phase)
        self.in_phase._set(self._seen_symbol, time, phase)
        self.quadrature._ready = self.samples > self._length
        if self.quadrature._ready:
            before = self._quadratures[-2] if len(self._quadratures) > 1 else 0.0
            quadrature = v2 - v1 * third + before * third
            self._quadratures.append(quadrature)
        self.quadrature._set(self._seen_symbol, time, quadrature)
        return value

    def reset(self) -> None:
        super().reset()
        self._clear()
        self.in_phase.reset()
        self.quadrature.reset()


class RelativeDailyVolume(TradeBarIndicator):
    """The volume of the day so far by the average of the same time of ``period`` days before."""

    _label = "RDV({period})"

    def _build(self, period: int = 2) -> None:
        self._period = int(period)
        self._clear()

    def _clear(self) -> None:
        self._usual: dict[time, deque[float]] = {}
        self._today: dict[datetime, float] = {}
        self._day = self._days = -1

    @property
    def is_ready(self) -> bool:
        return self._days >= self._period

    def _next_bar(self, bar: Any) -> float:
        if bar.time.day != self._day:
            total = 0.0
            for moment, volume in self._today.items():
                total += volume
                before = self._usual.setdefault(moment.time(), deque(maxlen=self._period))
                before.append(total)
            self._today.clear()
            self._day = bar.time.day
            self._days += 1
        self._today[bar.time] = bar.volume
        if not self.is_ready:
            return 0.0
        days: deque[float] | None = self._usual.get(bar.time.time())
        if days is None:
            # no such time before: the latest one ahead of it, when there is a later one
            times = sorted(self._usual)
            later = next((n for n, t in enumerate(times) if n and t > bar.time.time()), None)
            days = None if later is None else self._usual[times[later - 1]]
        usual = sum(days) / len(days) if days else 0.0
        return sum(self._today.values()) / usual if usual else 0.0

    def reset(self) -> None:
        self._clear()
        super().reset()


class TomDemarkSequentialPhase(LeanEnum):
    """Where a sequential stands."""

    NONE = 0
    BUY_SETUP = 1
    SELL_SETUP = 2
    BUY_COUNTDOWN = 3
    SELL_COUNTDOWN = 4
    BUY_SETUP_PERFECT = 5
    SELL_SETUP_PERFECT = 6


_Phase = TomDemarkSequentialPhase
_SETUP, _COUNTDOWN = 9, 13


class TomDemarkSequential(BarIndicator):
    """Nine closes beyond those of four bars ago, then thirteen beyond the range of two bars ago.

    The value is the number of a :class:`TomDemarkSequentialPhase`.
    """

    _label = "TomDemarkSequential"

    def _build(self) -> None:
        self._bars: deque[Any] = deque(maxlen=10)
        self._clear()

    def _clear(self) -> None:
        self._bars.clear()
        self._phase = _Phase.NONE
        self.resistance_price = self.support_price = 0.0
        self.setup_phase_step_count = self.countdown_phase_step_count = 0

    @property
    def is_ready(self) -> bool:
        return self.samples >= 6

    @property
    def warm_up_period(self) -> int:
        return 6

    def _next_bar(self, bar: Any) -> float:
        self._bars.append(bar)
        return float(self._step(bar)) if self.is_ready else 0.0

    def _step(self, bar: Any) -> _Phase:
        bars, phase = self._bars, self._phase
        four = bars[-5]
        if phase is _Phase.NONE:
            return self._begin(bar, four, bars[-2], bars[-6])
        if phase in (_Phase.BUY_SETUP, _Phase.SELL_SETUP):
            return self._setup(bar, four, bars[-3], phase is _Phase.BUY_SETUP)
        return self._countdown(bar, bars[-3], phase is _Phase.BUY_COUNTDOWN)

    def _begin(self, bar: Any, four: Any, last: Any, last_four: Any) -> _Phase:
        if last.close > last_four.close and bar.close < four.close:
            self._phase = _Phase.BUY_SETUP
        elif last.close < last_four.close and bar.close > four.close:
            self._phase = _Phase.SELL_SETUP
        else:
            return _Phase.NONE
        self.setup_phase_step_count = 1
        return self._phase

    def _setup(self, bar: Any, four: Any, two: Any, buy: bool) -> _Phase:
        phase = self._phase
        if not (bar.close < four.close if buy else bar.close > four.close):
            self._phase = _Phase.NONE
            return _Phase.NONE
        self.setup_phase_step_count += 1
        if self.setup_phase_step_count != _SETUP:
            return phase
        six, seven, eight, nine = list(self._bars)[-4:]
        # LEAN's nine bars are the oldest of its window
        nine_bars = list(self._bars)[:_SETUP]
        if buy:
            self._phase = _Phase.BUY_COUNTDOWN
            self.resistance_price = max(found.high for found in nine_bars)
            beyond = bar.close < two.low
            perfect = min(eight.low, nine.low) < min(six.low, seven.low)
        else:
            self._phase = _Phase.SELL_COUNTDOWN
            self.support_price = min(found.low for found in nine_bars)
            beyond = bar.close > two.high
            perfect = max(eight.high, nine.high) > max(six.high, seven.high)
        if beyond:
            self.countdown_phase_step_count = 1
        if not perfect:
            return phase
        return _Phase.BUY_SETUP_PERFECT if buy else _Phase.SELL_SETUP_PERFECT

    def _countdown(self, bar: Any, two: Any, buy: bool) -> _Phase:
        if bar.close <= two.low if buy else bar.close >= two.high:
            phase = self._phase
            self.countdown_phase_step_count += 1
            if self.countdown_phase_step_count == _COUNTDOWN:
                self._phase = _Phase.NONE
            return phase
        if bar.close > self.resistance_price if buy else bar.close < self.support_price:
            self._phase = _Phase.NONE
        return _Phase.NONE

    def reset(self) -> None:
        self._clear()
        super().reset()
