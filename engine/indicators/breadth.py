"""Indicators of the breadth of a market: what of many symbols advances, declines, makes new highs.

Each takes the bars of all its symbols (``add(symbol)``), and has a value once every one of them has
sent its bar of the same period.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from engine.indicators.averages import ExponentialMovingAverage
from engine.indicators.base import BarIndicator, IndicatorBase, TradeBarIndicator
from engine.types.bars import DATE_MIN
from engine.types.errors import ArgumentException


class AdvanceDeclineIndicator(TradeBarIndicator):
    """Compares what advances with what declines, by a number of each."""

    def _build(self) -> None:
        self._before: dict[Any, Any] = {}
        self._now: dict[Any, Any] = {}
        self._period_time: datetime | None = None

    def add(self, asset: Any) -> None:
        """Follow a symbol."""
        self._now.setdefault(asset.id, None)

    def remove(self, asset: Any) -> None:
        """Follow a symbol no longer."""
        self._now.pop(asset.id, None)

    add_stock, remove_stock = add, remove

    @property
    def is_ready(self) -> bool:
        return bool(self._before)

    @property
    def warm_up_period(self) -> int:
        return 2

    def _measure(self, bars: list[Any]) -> float:
        return float(len(bars))

    def _compare(self, advance: float, decline: float) -> float:
        return advance if not decline else advance / decline

    def _next_bar(self, bar: Any) -> float | None:
        self._enqueue(bar)
        if not self._before or any(found is None for found in self._now.values()):
            return None
        up, down = [], []
        for key, found in self._now.items():
            before = self._before.get(key)
            if before is None:
                continue
            if found.close < before.close:
                down.append(found)
            elif found.close > before.close:
                up.append(found)
        return self._compare(self._measure(up), self._measure(down))

    def _enqueue(self, bar: Any) -> None:
        if bar.end_time == self._period_time:
            # late: a bar of the period before
            self._before[bar.symbol.id] = bar
            return
        if self._period_time is not None and bar.time > self._period_time:
            self._before = self._now
            self._now = dict.fromkeys(self._before)
            self._period_time = bar.time
        if bar.symbol.id in self._now and self._period_time in (None, bar.time):
            self._now[bar.symbol.id] = bar
            self._period_time = bar.time

    def reset(self) -> None:
        self._before = {}
        self._now = dict.fromkeys(self._now)
        self._period_time = None
        super().reset()


class AdvanceDeclineDifference(AdvanceDeclineIndicator):
    """How many more symbols advance than decline."""

    _label = "A/D Difference"

    def _compare(self, advance: float, decline: float) -> float:
        return advance - decline


class AdvanceDeclineRatio(AdvanceDeclineIndicator):
    """How many symbols advance for each that declines."""

    _label = "A/D Ratio"


class AdvanceDeclineVolumeRatio(AdvanceDeclineIndicator):
    """The volume that advances for each share that declines."""

    _label = "A/D Volume Rate"

    def _measure(self, bars: list[Any]) -> float:
        return float(sum(bar.volume for bar in bars))


class ArmsIndex(TradeBarIndicator):
    """TRIN: the ratio of numbers by the ratio of volumes."""

    _label = "TRIN"

    def _build(self) -> None:
        self.ad_ratio = AdvanceDeclineRatio(f"{self.name}_A/D Ratio")
        self.adv_ratio = AdvanceDeclineVolumeRatio(f"{self.name}_A/D Volume Ratio")
        self._arms = 0.0

    def add(self, asset: Any) -> None:
        """Follow a symbol."""
        self.ad_ratio.add(asset)
        self.adv_ratio.add(asset)

    def remove(self, asset: Any) -> None:
        """Follow a symbol no longer."""
        self.ad_ratio.remove(asset)
        self.adv_ratio.remove(asset)

    add_stock, remove_stock = add, remove

    @property
    def is_ready(self) -> bool:
        return self.ad_ratio.is_ready and self.adv_ratio.is_ready

    @property
    def warm_up_period(self) -> int:
        return 2

    def _next_bar(self, bar: Any) -> float:
        self.ad_ratio.update(bar)
        self.adv_ratio.update(bar)
        volumes = self.adv_ratio._value
        if not volumes:
            return 0.0
        self._arms = self.ad_ratio._value / volumes
        return self._arms

    def reset(self) -> None:
        self.ad_ratio.reset()
        self.adv_ratio.reset()
        self._arms = 0.0
        super().reset()


class McClellanOscillator(TradeBarIndicator):
    """A fast average of advances less declines, less a slow one.

    Raises
    ------
    ArgumentException
        When the fast period is the longer one.
    """

    _label = "McClellanOscillator"

    def _build(self, fast_period: int = 19, slow_period: int = 39) -> None:
        if fast_period > slow_period:
            raise ArgumentException(
                "fastPeriod must be less than slowPeriod. "
                f"expected fast_period <= slow_period, was {fast_period} and {slow_period}"
            )
        self.ad_difference = AdvanceDeclineDifference("ADD")
        self.ema_fast = ExponentialMovingAverage(fast_period)
        self.ema_slow = ExponentialMovingAverage(slow_period)
        self._delta = 0.0
        self.ad_difference.updated += self._take_difference

    def _take_difference(self, sender: Any, point: Any) -> None:
        if sender.is_ready:
            self.ema_fast.update(point)
            self.ema_slow.update(point)
            self._delta = self.ema_fast._value - self.ema_slow._value

    def add(self, asset: Any) -> None:
        """Follow a symbol."""
        self.ad_difference.add(asset)

    def remove(self, asset: Any) -> None:
        """Follow a symbol no longer."""
        self.ad_difference.remove(asset)

    @property
    def is_ready(self) -> bool:
        return self.ema_slow.is_ready

    @property
    def warm_up_period(self) -> int:
        return self.ema_slow.warm_up_period + 2

    def _next_bar(self, bar: Any) -> float:
        self.ad_difference.update(bar)
        return self._delta

    def reset(self) -> None:
        for part in (self.ad_difference, self.ema_fast, self.ema_slow):
            part.reset()
        self._delta = 0.0
        super().reset()


class McClellanSummationIndex(TradeBarIndicator):
    """The sum of the oscillator; a reset keeps it, as in LEAN."""

    _label = "McClellanSummationIndex"

    def _build(self, fast_period: int = 19, slow_period: int = 39) -> None:
        self.mc_clellan_oscillator = McClellanOscillator(fast_period, slow_period)
        self._total, self._summed = 0.0, DATE_MIN
        self.mc_clellan_oscillator.updated += self._sum

    def _sum(self, _sender: Any, point: Any) -> None:
        if point.end_time != self._summed:
            self._summed = point.end_time
            self._total += point.value

    def add(self, asset: Any) -> None:
        """Follow a symbol."""
        self.mc_clellan_oscillator.add(asset)

    def remove(self, asset: Any) -> None:
        """Follow a symbol no longer."""
        self.mc_clellan_oscillator.remove(asset)

    @property
    def is_ready(self) -> bool:
        return self.mc_clellan_oscillator.is_ready

    @property
    def warm_up_period(self) -> int:
        return self.mc_clellan_oscillator.warm_up_period

    def _next_bar(self, bar: Any) -> float:
        self.mc_clellan_oscillator.update(bar)
        return self._total + self.mc_clellan_oscillator._value

    def reset(self) -> None:
        self.mc_clellan_oscillator.reset()
        super().reset()


class _Follower(IndicatorBase):
    """An indicator that another one sets."""

    _ready_of: Any = None

    @property
    def is_ready(self) -> bool:
        return bool(self._ready_of.is_ready)


class _Asset:
    """The bar of this period, and the highs and lows of those before."""

    __slots__ = ("bar", "highs", "lows")

    def __init__(self) -> None:
        self.bar: Any = None
        self.highs: list[float] = []
        self.lows: list[float] = []


class NewHighsNewLows(BarIndicator):
    """New highs less new lows of ``period`` bars among many symbols."""

    def _build(self, period: int) -> None:
        self._length = int(period)
        self._assets: dict[Any, _Asset] = {}
        self._period_time: datetime | None = None
        self.difference, self.ratio = self._part("Difference"), self._part("Ratio")
        self._highs: list[Any] = []
        self._lows: list[Any] = []

    def _part(self, title: str) -> _Follower:
        made = _Follower(f"{self.name}_{title}")
        made._ready_of = self
        return made

    def add(self, asset: Any) -> None:
        """Follow a symbol."""
        self._assets.setdefault(asset.id, _Asset())

    def remove(self, asset: Any) -> None:
        """Follow a symbol no longer."""
        self._assets.pop(asset.id, None)

    @property
    def is_ready(self) -> bool:
        assets = self._assets.values()
        return bool(assets) and all(len(asset.highs) == self._length for asset in assets)

    @property
    def warm_up_period(self) -> int:
        return self._length + 1

    def _next_bar(self, bar: Any) -> float | None:
        self._enqueue(bar)
        assets = self._assets.values()
        if any(asset.bar is None for asset in assets) or not self.is_ready:
            return None
        return self._compute(bar)

    def _compute(self, bar: Any) -> float:
        assets = self._assets.values()
        self._highs = [a.bar for a in assets if a.bar.high > max(a.highs)]
        self._lows = [a.bar for a in assets if a.bar.low < min(a.lows)]
        up, down = len(self._highs), len(self._lows)
        self.difference._set(bar.symbol, bar.end_time, float(up - down))
        self.ratio._set(bar.symbol, bar.end_time, up / down if down else float(up))
        return self.difference._value

    def _enqueue(self, bar: Any) -> None:
        asset = self._assets.get(bar.symbol.id)
        if bar.end_time == self._period_time:
            # late: a bar of the period before
            if asset is not None:
                self._remember(asset, bar)
            return
        if self._period_time is not None and bar.time > self._period_time:
            for other in self._assets.values():
                if other.bar is not None:
                    self._remember(other, other.bar)
                other.bar = None
            self._period_time = bar.time
        if asset is not None and self._period_time in (None, bar.time):
            asset.bar = bar
            self._period_time = bar.time

    def _remember(self, asset: _Asset, bar: Any) -> None:
        for values, value in ((asset.highs, bar.high), (asset.lows, bar.low)):
            values.append(value)
            del values[: -self._length]

    def reset(self) -> None:
        for key in self._assets:
            self._assets[key] = _Asset()
        self._period_time = None
        self.difference.reset()
        self.ratio.reset()
        super().reset()


class NewHighsNewLowsVolume(NewHighsNewLows):
    """The volume of new highs for each share of new lows."""

    _input = "trade"

    def _build(self, period: int) -> None:
        super()._build(period)
        self.volume_ratio = self._part("VolumeRatio")

    def _compute(self, bar: Any) -> float:
        super()._compute(bar)
        up = float(sum(found.volume for found in self._highs))
        down = float(sum(found.volume for found in self._lows))
        self.volume_ratio._set(bar.symbol, bar.end_time, up / down if down else up)
        return self.volume_ratio._value

    def reset(self) -> None:
        self.volume_ratio.reset()
        super().reset()
