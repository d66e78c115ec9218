"""Market profiles: how much was traded, or how many bars closed, at which price."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from decimal import ROUND_CEILING, Decimal
from typing import Any

from engine.indicators.base import TradeBarIndicator, number_text
from engine.statistics.arithmetic import divide
from engine.types.decimals import ONE, ZERO, plain, to_decimal
from engine.types.errors import ArgumentException

_SHARE, _STEP = Decimal("0.70"), Decimal("0.05")


class MarketProfile(TradeBarIndicator):
    """The price of most volume among the closes of the last ``period`` bars, rounded up to steps.

    Parameters
    ----------
    period : int
    value_area_volume_percentage : float
        Which share of the volume the value area holds at least.
    price_range_round_off : float
        The step of prices.

    Attributes
    ----------
    poc_price, poc_volume : float
        The point of control: the price of most volume, nearest to the middle of several, and its
        volume.
    profile_high, profile_low : float
        The highest and the lowest price.
    value_area_high, value_area_low : float
        The prices around the point of control that hold the share, the bigger neighbour first.
    value_area_volume : float
        The share of the volume.
    volume_per_price : dict

    Raises
    ------
    ArgumentException
        For a step that is not above zero.
    """

    def _build(
        self,
        period: int = 2,
        value_area_volume_percentage: Any = _SHARE,
        price_range_round_off: Any = _STEP,
    ) -> None:
        step = to_decimal(price_range_round_off)
        if step <= 0:
            raise ArgumentException(
                "Must be strictly bigger than zero. (Parameter 'priceRangeRoundOff')"
            )
        self.warm_up_period = int(period)
        self._share = to_decimal(value_area_volume_percentage)
        self._steps = divide(ONE, step)
        self._clear()
        self._no_area()

    def _default_name(self, values: dict[str, Any]) -> str:
        # .NET's defaults keep their zeros
        shown = (plain(v) if type(v) is Decimal else number_text(v) for v in values.values())
        return f"{self._label}({','.join(shown)})"

    def _clear(self) -> None:
        self._bars: deque[tuple[Decimal, Decimal]] = deque()
        self._volumes: dict[Decimal, Decimal] = {}
        self._prices: list[Decimal] = []
        self._total = ZERO

    @property
    def is_ready(self) -> bool:
        return self.samples >= self.warm_up_period

    @property
    def volume_per_price(self) -> dict[float, float]:
        return {float(price): float(self._volumes[price]) for price in self._prices}

    def _weight(self, bar: Any) -> Decimal:
        raise NotImplementedError

    def _next_bar(self, bar: Any) -> float:
        self._add(self._rounded(to_decimal(bar.close)), self._weight(bar))
        prices, volumes = self._prices, self._volumes
        if not prices:
            # nothing was traded in any of the bars
            self._no_area()
            return 0.0
        peak = self._peak()
        self.poc_price, self.poc_volume = float(prices[peak]), float(volumes[prices[peak]])
        self.profile_low, self.profile_high = float(prices[0]), float(prices[-1])
        self._find_area(peak)
        return self.poc_price

    def _no_area(self) -> None:
        self.poc_price = self.poc_volume = self.profile_high = self.profile_low = 0.0
        self.value_area_high = self.value_area_low = self.value_area_volume = 0.0

    def _rounded(self, price: Decimal) -> Decimal:
        return divide((price * self._steps).to_integral_value(ROUND_CEILING), self._steps)

    def _add(self, price: Decimal, volume: Decimal) -> None:
        self._bars.append((price, volume))
        self._total += volume
        volumes = self._volumes
        if price in volumes:
            volumes[price] += volume
        else:
            volumes[price] = volume
            self._prices.insert(bisect_left(self._prices, price), price)
        if len(self._bars) <= self.warm_up_period:
            return
        old, gone = self._bars.popleft()
        self._total -= gone
        if old in volumes:
            volumes[old] -= gone
            if not volumes[old]:
                del volumes[old]
                self._prices.remove(old)

    def _peak(self) -> int:
        values = [self._volumes[price] for price in self._prices]
        middle = (len(values) - 1) // 2
        best = 0
        for index, volume in enumerate(values):
            nearer = abs(middle - index) < abs(middle - best)
            if volume > values[best] or (volume == values[best] and nearer):
                best = index
        return best

    def _find_area(self, peak: int) -> None:
        values = [self._volumes[price] for price in self._prices]
        wanted = self._total * self._share
        held, low, high = values[peak], peak, peak
        while held <= wanted and wanted:
            below = values[low - 1] if low else ZERO
            above = values[high + 1] if high + 1 < len(values) else ZERO
            if not above and low == 0:
                # LEAN looks for more without end: nobody has had a share of all volume there
                break
            if not above or (below and below > above):
                held, low = held + below, max(low - 1, 0)
            else:
                held, high = held + above, min(high + 1, len(values) - 1)
        self.value_area_volume = float(wanted)
        self.value_area_low, self.value_area_high = (
            float(self._prices[low]), float(self._prices[high]),
        )  # fmt: skip

    def reset(self) -> None:
        super().reset()
        self._clear()


class VolumeProfile(MarketProfile):
    """A market profile by traded volume."""

    _label = "VP"

    def _weight(self, bar: Any) -> Decimal:
        return to_decimal(bar.volume)


class TimeProfile(MarketProfile):
    """A market profile by time: every bar counts one."""

    _label = "TP"

    def _weight(self, bar: Any) -> Decimal:
        return ONE
