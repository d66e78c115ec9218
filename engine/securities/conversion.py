"""Rates between currencies: constants, and chains of one or two traded pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from engine.securities.currencies import stable_pair
from engine.statistics.arithmetic import divide, multiply
from engine.types.decimals import ONE, ZERO
from engine.types.dotnet import Event, LeanObject
from engine.types.enums import SecurityType
from engine.types.errors import ArgumentException

Pair = tuple[str, str]


class ConstantCurrencyConversion(LeanObject):
    """A rate that stays until somebody sets another one."""

    def __init__(
        self,
        source_currency: str | None,
        destination_currency: str | None,
        conversion_rate: Decimal = ONE,
    ) -> None:
        self.source_currency = source_currency
        self.destination_currency = destination_currency
        self._rate = conversion_rate
        self.conversion_rate_updated = Event()

    @staticmethod
    def identity(source: str, destination: str | None = None) -> ConstantCurrencyConversion:
        return ConstantCurrencyConversion(source, destination or source)

    @staticmethod
    def null(source: str, destination: str) -> ConstantCurrencyConversion:
        return ConstantCurrencyConversion(source, destination, ZERO)

    @property
    def _conversion_rate(self) -> Decimal:
        return self._rate

    @_conversion_rate.setter
    def _conversion_rate(self, rate: Decimal) -> None:
        if rate != self._rate:
            self._rate = rate
            self.conversion_rate_updated(self, rate)

    @property
    def conversion_rate(self) -> float:
        return float(self._rate)

    @property
    def conversion_rate_securities(self) -> list[Any]:
        return []

    def update(self) -> None:
        """Nothing to do: the rate is constant."""


class SecurityCurrencyConversion(LeanObject):
    """A rate made of the last prices of one or two securities."""

    def __init__(
        self, source_currency: str, destination_currency: str, steps: list[tuple[Any, bool]]
    ) -> None:
        self.source_currency = source_currency
        self.destination_currency = destination_currency
        self._steps = steps
        self._rate = ZERO
        self._stale = False
        self.conversion_rate_updated = Event()

    @property
    def _conversion_rate(self) -> Decimal:
        if self._stale:
            rate = ONE
            for security, inverted in self._steps:
                data = security.get_last_data()
                price = ZERO if data is None else data._exact_price()
                if not price:
                    rate = ZERO
                    break
                rate = divide(rate, price) if inverted else multiply(rate, price)
            self._stale = False
            self._rate = rate
            self.conversion_rate_updated(self, rate)
        return self._rate

    @_conversion_rate.setter
    def _conversion_rate(self, rate: Decimal) -> None:
        if rate != self._rate:
            self._rate = rate
            self._stale = False
            self.conversion_rate_updated(self, rate)

    @property
    def conversion_rate(self) -> float:
        return float(self._conversion_rate)

    @property
    def conversion_rate_securities(self) -> list[Any]:
        return [security for security, _ in self._steps]

    def update(self) -> None:
        """Forget the rate: it is computed again at the next look."""
        self._stale = True


def split_pair(ticker: str, security_type: int, quote_currency: str) -> Pair | None:
    """Return base and quote of a pair; ``None`` when the ticker is no pair."""
    if security_type == SecurityType.FOREX:
        return (ticker[:3], ticker[3:]) if len(ticker) == 6 else None
    if security_type not in (SecurityType.CFD, SecurityType.CRYPTO, SecurityType.CRYPTO_FUTURE):
        return None
    if quote_currency and ticker.endswith(quote_currency):
        return ticker[: -len(quote_currency)], quote_currency
    return None


def compare_pair(pair: Pair, base: str, quote: str, market: str) -> int:
    """Return 1 if a pair converts ``base`` to ``quote``, -1 if the other way round, 0 if not at
    all.
    """
    names = [pair[0], pair[1], base, quote]
    for left, right in ((1, 3), (1, 2), (0, 3), (0, 2)):
        one, other = names[left], names[right]
        if stable_pair(one + other, market) or stable_pair(other + one, market):
            names[left] = other
    if (names[0], names[1]) == (base, quote):
        return 1
    return -1 if (names[0], names[1]) == (quote, base) else 0


def linear_search(
    source: str,
    destination: str,
    candidates: Iterable[tuple[Any, Pair]],
    security_of: Callable[[Any], Any],
) -> SecurityCurrencyConversion:
    """Find one pair, else two, that lead from a currency to another.

    Parameters
    ----------
    candidates : (symbol, (base, quote)) of existing securities first, then of the symbol database.
    security_of : makes or finds the security of a symbol.

    Raises
    ------
    ArgumentException
        If no one or two pairs lead there.
    """
    pairs = list(candidates)
    for symbol, pair in pairs:
        match = compare_pair(pair, source, destination, symbol.id.market)
        if match:
            return SecurityCurrencyConversion(
                source, destination, [(security_of(symbol), match < 0)]
            )
    for symbol, pair in pairs:
        if source not in pair:
            continue
        middle = pair[1] if pair[0] == source else pair[0]
        for second, other in pairs:
            match = compare_pair(other, middle, destination, second.id.market)
            if match:
                first = (security_of(symbol), source == pair[1])
                return SecurityCurrencyConversion(
                    source, destination, [first, (security_of(second), match < 0)]
                )
    raise ArgumentException(
        f"No conversion path found between source currency {source} "
        f"and destination currency {destination}"
    )
