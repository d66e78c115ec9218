"""``PortfolioTarget``: the position that a model wants, also from a share of the portfolio."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.framework.support import as_symbol
from engine.orders.exact import from_python
from engine.securities.native import method
from engine.securities.parameters import GetMaximumOrderQuantityForTargetBuyingPowerParameters
from engine.statistics.arithmetic import divide
from engine.types.decimals import ONE, normalize, plain, to_decimal
from engine.types.dotnet import LeanObject
from engine.types.enums import InsightDirection
from engine.types.errors import KeyNotFoundException
from engine.types.symbol import Symbol

_WARNING = (
    "Warning: Portfolio rebalance result ignored as it resulted in a single share trade "
    "recommendation which can "
    "generate high fees. To disable minimum order size checks please set "
    "self.settings.minimum_order_margin_portfolio_percentage = 0."
)


class PortfolioTarget(LeanObject):
    """A symbol, the quantity wanted (shares, signed) and a tag for the orders."""

    #: the warning about small orders goes out once per run: None, then False (due), then True
    #: (sent)
    minimum_order_margin_percentage_warning_sent: bool | None = None

    def __init__(self, symbol: Any, quantity: Any, tag: str = "") -> None:
        self._symbol: Symbol = as_symbol(symbol)
        if isinstance(quantity, InsightDirection):
            quantity = int(quantity)
        self._quantity: Decimal = from_python(quantity)
        self._tag = tag

    @property
    def symbol(self) -> Symbol:
        return self._symbol

    @property
    def quantity(self) -> float:
        return float(self._quantity)

    @property
    def tag(self) -> str:
        return self._tag

    @staticmethod
    def percent(algorithm: Any, symbol: Any, percent: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the target for a share of the portfolio value, or None when it cannot be computed.

        ``percent(algorithm, symbol, percent[, return_delta_quantity][, tag])``; with
        ``return_delta_quantity`` the quantity is what is missing to the target.
        """
        delta = kwargs.get("return_delta_quantity", False)
        tag = kwargs.get("tag", "")
        for value in args:
            if isinstance(value, bool):
                delta = value
            else:
                tag = value
        # a plain call means LEAN's overload for doubles, which keeps 15 digits
        exact = from_python(percent) if args or kwargs else to_decimal(percent)
        return target_for_share(algorithm, as_symbol(symbol), exact, delta, tag)

    def __str__(self) -> str:
        text = f"{self._symbol}: {plain(normalize(self._quantity))}"
        return f"{text} ({self._tag})" if self._tag else text

    __repr__ = __str__


def _signed_sum(first: Decimal, second: Decimal) -> Decimal:
    """Add as .NET does: a sum of zero has the sign of the first number."""
    total = first + second
    return total if total else total.copy_sign(first)


def target_for_share(
    algorithm: Any, symbol: Symbol, percent: Decimal, delta: bool = False, tag: str = ""
) -> PortfolioTarget | None:
    """Return the target of a share of the portfolio value; errors go to the user's log.

    The quantity is that of the security's buying power model; the free buffer of the settings
    stays free.
    """
    settings, portfolio = algorithm.settings, algorithm.portfolio
    size = abs(percent)
    most = settings._max_absolute_portfolio_target_percentage
    least = settings._min_absolute_portfolio_target_percentage
    if size > most or (size and size < least):
        algorithm.error(
            f"The portfolio target percent: {plain(percent)}, does not comply with the current "
            f"'self.settings.max_absolute_portfolio_target_percentage': {plain(most)} or "
            f"'self.settings.min_absolute_portfolio_target_percentage': {plain(least)}. Skipping"
        )
        return None
    try:
        security = algorithm.securities[symbol]
    except KeyNotFoundException:
        algorithm.error(
            f"{symbol} not found in portfolio. Request this data when initializing the algorithm."
        )
        return None
    if not security._price:
        from engine.securities.buying_power import zero_price_message

        algorithm.error(zero_price_message(symbol))
        return None
    value: Decimal = portfolio._total_portfolio_value
    adjusted = divide(percent * portfolio._total_portfolio_value_less_free_buffer, value)
    margin = divide(adjusted, security._leverage)
    result = method(
        security.buying_power_model, "get_maximum_order_quantity_for_target_buying_power"
    )(
        GetMaximumOrderQuantityForTargetBuyingPowerParameters(
            portfolio, security, margin, settings._minimum_order_margin_portfolio_percentage
        )
    )
    if result.is_error:
        algorithm.error(
            f"Unable to compute order quantity of {symbol}. Reason: {result.reason} Returning null."
        )
        return None
    if PortfolioTarget.minimum_order_margin_percentage_warning_sent is False:
        PortfolioTarget.minimum_order_margin_percentage_warning_sent = True
        algorithm.debug(_WARNING)
    lot: Decimal = security.symbol_properties._lot_size
    wanted = getattr(result, "_quantity", None)
    wanted = from_python(result.quantity) if wanted is None else wanted
    if not percent and not wanted:
        # .NET's zero has a sign: the negative of no position
        wanted = security.holdings._quantity.copy_negate()
    quantity = wanted / lot * lot if lot != ONE else wanted
    if not delta:
        quantity = _signed_sum(quantity, security.holdings._quantity)
    target = PortfolioTarget.__new__(PortfolioTarget)
    target._symbol, target._quantity, target._tag = symbol, quantity, tag
    return target
