"""Margin: what an order needs, what is left, and how much can be bought."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from engine.orders.exact import from_python
from engine.orders.kinds import MarketOrder
from engine.securities.fees.base import OrderFeeParameters
from engine.securities.fees.interactive_brokers import fee_at_market
from engine.securities.native import LeanModel, method
from engine.securities.parameters import (
    BuyingPower,
    BuyingPowerParameters,
    GetMaximumOrderQuantityForTargetBuyingPowerParameters,
    GetMaximumOrderQuantityResult,
    HasSufficientBuyingPowerForOrderParameters,
    HasSufficientBuyingPowerForOrderResult,
    InitialMargin,
    InitialMarginParameters,
    InitialMarginRequiredForOrderParameters,
    MaintenanceMargin,
    MaintenanceMarginParameters,
    ReservedBuyingPowerForPosition,
    ReservedBuyingPowerForPositionParameters,
    amount_of,
)
from engine.securities.touches import TOUCHES
from engine.statistics.arithmetic import divide, fit
from engine.types.decimals import ONE, ZERO, normalize, plain
from engine.types.enums import OrderDirection
from engine.types.errors import ArgumentException

_BUY, _SELL = OrderDirection.BUY, OrderDirection.SELL


def zero_price_message(symbol: Any) -> str:
    """Return LEAN's sentence about a security that has no price yet."""
    return (
        f"{symbol}: The security does not have an accurate price as it has not yet received a bar "
        "of data. "
        "Before placing a trade (or using set_holdings) warm up your algorithm with set_warmup, "
        "or use "
        "slice.contains(symbol) to confirm the Slice object has price before using the data. Data "
        "does not "
        "necessarily all arrive at the same time so your algorithm should confirm the data is "
        "ready before using it. "
        "In live trading this can mean you do not have an active subscription to the asset class "
        "you're trying to "
        "trade. If using custom data make sure you've set the 'Value' property."
    )


def fee_in_account_currency(book: Any, security: Any, order: Any) -> Decimal:
    """Ask the fee model of a security and convert the answer."""
    fee = method(security.fee_model, "get_order_fee")(OrderFeeParameters(security, order)).value
    converted: Decimal = book._to_account(fee._amount, fee.currency)
    return converted


def _fee_at_market(book: Any, security: Any, quantity: Decimal) -> Decimal:
    """Return the fee of an order that nobody sends, in the account currency."""
    stock = fee_at_market(security, quantity)
    if stock is None:
        order = MarketOrder(security.symbol, quantity, security._utc_time)
        return fee_in_account_currency(book, security, order)
    converted: Decimal = book._to_account(*stock)
    return converted


def initial_margin_requirement(model: Any, security: Any, quantity: Decimal) -> Decimal:
    """Ask a margin model what a quantity needs at the last price (signed)."""
    if (
        getattr(type(model), "get_initial_margin_requirement", None) is _OWN_INITIAL
        and "get_initial_margin_requirement" not in model.__dict__
    ):
        # the stock model, without the records that users see
        return _share_of_value(model, security, quantity)
    return amount_of(
        method(model, "get_initial_margin_requirement")(InitialMarginParameters(security, quantity))
    )


def _share_of_value(model: Any, security: Any, quantity: Decimal) -> Decimal:
    """Return the initial margin of the stock model: its fraction of the value at the last price."""
    needed: Decimal = (
        security.quote_currency._conversion._conversion_rate
        * security.symbol_properties._contract_multiplier
        * security._price
        * quantity
        * model._initial
    )
    return needed


def maintenance_margin(model: Any, security: Any) -> Decimal:
    """Ask a margin model what the present position of a security needs."""
    return amount_of(
        method(model, "get_maintenance_margin")(
            MaintenanceMarginParameters.for_current_holdings(security)
        )
    )


def above_minimum_order_margin(portfolio: Any, minimum: Decimal, order_margin: Decimal) -> bool:
    """Tell whether an order is worth its fee: its margin reaches a share of the portfolio value.

    A portfolio without margin left may always order.
    """
    value = portfolio._total_portfolio_value
    return not (value * minimum > order_margin and portfolio._get_margin_remaining(value) > 0)


def above_minimum_order_margin_portfolio_percentage(
    model: Any, security: Any, quantity: Decimal, portfolio: Any, minimum: Decimal
) -> bool:
    """Tell the same of a quantity of a security."""
    if not minimum:
        return True
    margin = abs(initial_margin_requirement(model, security, quantity))
    return above_minimum_order_margin(portfolio, minimum, margin)


def _number(value: Decimal) -> str:
    return plain(normalize(fit(value)))


def _checked(value: Any, name: str) -> Decimal:
    number = from_python(value)
    if not ZERO <= number <= ONE:
        raise ArgumentException(f"{name} requirement must be between 0 and 1")
    return number


class BuyingPowerModel(LeanModel):
    """Margin as a fraction of the position's value.

    Parameters
    ----------
    ``BuyingPowerModel(leverage=1, required_free_buying_power_percent=0)`` or
    ``BuyingPowerModel(initial_margin, maintenance_margin, required_free_buying_power_percent)``,
    all fractions.
    """

    _initial: Decimal = ONE
    _maintenance: Decimal = ONE
    _free: Decimal = ZERO
    _known_leverage: tuple[Decimal, Decimal] = (ONE, ONE)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if len(args) + len(kwargs) >= 3:
            values = dict(zip(("initial", "maintenance", "free"), args, strict=False))
            for name, value in kwargs.items():
                values[name.split("_")[0].replace("required", "free")] = value
            self._initial = _checked(values["initial"], "Initial margin")
            self._maintenance = _checked(values["maintenance"], "Maintenance margin")
            self._free = _checked(values["free"], "Free Buying Power Percent")
            return
        leverage = args[0] if args else kwargs.get("leverage", 1)
        free = args[1] if len(args) > 1 else kwargs.get("required_free_buying_power_percent", 0)
        self._set_both(leverage)
        self._free = _checked(free, "Free Buying Power Percent")

    def __setattr__(self, name: str, value: Any) -> None:
        # margins that were kept are asked again: for other numbers, and for a method put on a model
        TOUCHES.count += 1
        super().__setattr__(name, value)

    def _set_both(self, leverage: Any) -> None:
        number = from_python(leverage)
        if number < ONE:
            raise ArgumentException("Leverage must be greater than or equal to 1.")
        self._initial = self._maintenance = divide(ONE, number)

    # -- leverage ------------------------------------------------------------------------------

    def get_leverage(self, security: Any) -> float:
        return float(self._native._get_leverage(self, security))

    def _get_leverage(self, security: Any) -> Decimal:
        # asked for every target: the quotient is kept with the number it was made of
        made_of, leverage = self._known_leverage
        if made_of is not self._initial:
            made_of = self._initial
            leverage = divide(ONE, made_of)
            self._known_leverage = made_of, leverage
        return leverage

    def set_leverage(self, security: Any, leverage: Any) -> None:
        self._set_both(leverage)

    # -- margin --------------------------------------------------------------------------------

    def get_initial_margin_requirement(self, parameters: InitialMarginParameters) -> InitialMargin:
        return InitialMargin(_share_of_value(self, parameters.security, parameters._quantity))

    def get_initial_margin_required_for_order(
        self, parameters: InitialMarginRequiredForOrderParameters
    ) -> InitialMargin:
        return InitialMargin(
            self._required_for_order(
                parameters.currency_converter, parameters.security, parameters.order
            )
        )

    def _required_for_order(self, book: Any, security: Any, order: Any) -> Decimal:
        """Return the margin of an order with its fee, both signed as the order."""
        fee = fee_in_account_currency(book, security, order)
        margin = self._native_margin(security, order._quantity)
        sign = 0 if not margin else (1 if margin > 0 else -1)
        return margin + sign * fee

    def get_maintenance_margin(self, parameters: MaintenanceMarginParameters) -> MaintenanceMargin:
        return MaintenanceMargin(parameters._absolute_holdings_value * self._maintenance)

    def _native_margin(self, security: Any, quantity: Decimal) -> Decimal:
        native = self._native.get_initial_margin_requirement
        if native is _OWN_INITIAL:
            return _share_of_value(self, security, quantity)
        return amount_of(native(self, InitialMarginParameters(security, quantity)))

    def _native_maintenance(self, security: Any) -> Decimal:
        native = self._native.get_maintenance_margin
        if native is _OWN_MAINTENANCE:
            return abs(security.holdings._holdings_value) * self._maintenance
        return amount_of(native(self, MaintenanceMarginParameters.for_current_holdings(security)))

    def _margin_remaining(
        self, portfolio: Any, security: Any, direction: OrderDirection
    ) -> Decimal:
        value: Decimal = portfolio._total_portfolio_value
        result: Decimal = portfolio._get_margin_remaining(value)
        held = security.holdings._quantity
        closes = (held > 0 and direction == _SELL) or (held < 0 and direction == _BUY)
        if closes:
            # closing frees the position's margin, and as much again may go the other way
            result = result + (
                self._native_maintenance(security) + self._native_margin(security, abs(held))
            )
        result = result - value * self._free
        return max(result, ZERO)

    def get_buying_power(self, parameters: BuyingPowerParameters) -> BuyingPower:
        return BuyingPower(
            self._native._margin_remaining(
                self, parameters.portfolio, parameters.security, parameters.direction
            )
        )

    def get_reserved_buying_power_for_position(
        self, parameters: ReservedBuyingPowerForPositionParameters
    ) -> ReservedBuyingPowerForPosition:
        return ReservedBuyingPowerForPosition(self._native_maintenance(parameters.security))

    # -- orders --------------------------------------------------------------------------------

    def has_sufficient_buying_power_for_order(
        self, parameters: HasSufficientBuyingPowerForOrderParameters
    ) -> HasSufficientBuyingPowerForOrderResult:
        order, security = parameters.order, parameters.security
        quantity: Decimal = order._quantity
        if not quantity:
            return parameters.sufficient()
        portfolio = parameters.portfolio
        ticket = portfolio.transactions.get_order_ticket(order._id)
        if ticket is None:
            return parameters.insufficient(f"Null order ticket for id: {order.id}")
        held: Decimal = security.holdings._quantity
        if held * quantity < 0 and abs(held) >= abs(quantity):
            return HasSufficientBuyingPowerForOrderResult(True)
        free = self._native._margin_remaining(self, portfolio, security, order.direction)
        native = self._native.get_initial_margin_required_for_order
        if native is _OWN_FOR_ORDER:
            needed = self._required_for_order(portfolio.cash_book, security, order)
        else:
            needed = amount_of(
                native(
                    self,
                    InitialMarginRequiredForOrderParameters(portfolio.cash_book, security, order),
                )
            )
        if ticket._quantity_filled:
            size = abs(quantity)
            needed = (size - abs(ticket._quantity_filled)) / size * needed
        if abs(needed) > free:
            return parameters.insufficient(
                f"Id: {order.id}, Initial Margin: {_number(needed)}, Free Margin: {_number(free)}"
            )
        return HasSufficientBuyingPowerForOrderResult(True)

    def get_maximum_order_quantity_for_delta_buying_power(
        self, parameters: Any
    ) -> GetMaximumOrderQuantityResult:
        security, portfolio = parameters.security, parameters.portfolio
        used = method(security.buying_power_model, "get_reserved_buying_power_for_position")(
            ReservedBuyingPowerForPositionParameters(security)
        )._absolute_used_buying_power
        signed = used if security.holdings._quantity > 0 else -used
        wanted = signed + parameters._delta_buying_power
        value = portfolio._total_portfolio_value
        return self._native.get_maximum_order_quantity_for_target_buying_power(
            self,
            GetMaximumOrderQuantityForTargetBuyingPowerParameters(
                portfolio,
                security,
                divide(wanted, value) if value else ZERO,
                parameters._minimum_order_margin_portfolio_percentage,
                parameters.silence_non_error_reasons,
            ),
        )

    def get_maximum_order_quantity_for_target_buying_power(
        self, parameters: GetMaximumOrderQuantityForTargetBuyingPowerParameters
    ) -> GetMaximumOrderQuantityResult:
        """Return the order that brings a position to a fraction of the portfolio value.

        The fee of the order is taken off the value and the quantity made smaller until both fit.
        """
        portfolio, security = parameters.portfolio, parameters.security
        value: Decimal = portfolio._total_portfolio_value
        percent = parameters._target_buying_power
        target = percent * (value - value * self._free)
        if not target:
            return GetMaximumOrderQuantityResult(-security.holdings._quantity, "", False)
        current = self._native_margin(security, security.holdings._quantity)
        unit = self._native_margin(security, ONE)
        if not unit:
            return GetMaximumOrderQuantityResult(ZERO, zero_price_message(security.symbol))
        silent = parameters.silence_non_error_reasons
        difference = abs(target - current)
        minimum = parameters._minimum_order_margin_portfolio_percentage
        if not above_minimum_order_margin(portfolio, minimum, difference):
            _note_minimum_order_margin()
            reason = (
                f"The target order margin {plain(difference)} is less than the minimum "
                f"{plain(value * minimum)}."
            )
            return GetMaximumOrderQuantityResult(ZERO, None if silent else reason, False)
        last = ZERO
        while True:
            quantity, margin = self._amount_to_order(security, target, unit)
            if not quantity:
                lot = plain(security.symbol_properties._lot_size)
                reason = (
                    f"The order quantity is less than the lot size of {lot} and has been rounded "
                    "to zero. "
                    f"Target order margin {plain(target - current)}. "
                )
                return GetMaximumOrderQuantityResult(ZERO, None if silent else reason, False)
            fee = _fee_at_market(portfolio.cash_book, security, quantity)
            target = (value - fee - value * self._free) * percent
            if last == quantity:
                raise ArgumentException(self._no_convergence(parameters, target, fee))
            last = quantity
            if abs(margin) <= abs(target):
                return GetMaximumOrderQuantityResult(quantity)

    def _no_convergence(self, parameters: Any, target: Decimal, fee: Decimal) -> str:
        security, held = parameters.security, parameters.security.holdings
        return (
            "GetMaximumOrderQuantityForTargetBuyingPower failed to converge on the target margin: "
            f"{plain(target)}; the following information can be used to reproduce the issue. "
            "Total Portfolio Cash: "
            f"{plain(parameters.portfolio._cash)}; Security : {security.symbol.id}; Price : "
            f"{plain(security._close)}; "
            f"Leverage: {plain(security._leverage)}; Order Fee: {plain(fee)}; "
            f"Lot Size: {plain(security.symbol_properties._lot_size)}; Current Holdings: "
            f"{plain(held._quantity)} @ "
            f"{plain(held._average_price)}; Target Percentage: "
            f"%{plain(parameters._target_buying_power * 100)};"
        )

    def _amount_to_order(
        self, security: Any, target: Decimal, unit: Decimal
    ) -> tuple[Decimal, Decimal]:
        """Return the lots to order for a target margin, and the margin of the position after it."""
        lot: Decimal = security.symbol_properties._lot_size
        held: Decimal = security.holdings._quantity
        size = divide(target, unit) - held
        rounding = ROUND_CEILING if target < 0 else ROUND_FLOOR
        size = (size / lot).quantize(ONE, rounding) * lot
        final = self._native_margin(security, size + held)
        over = final - target
        while (target < 0 and over < 0) or (target > 0 and over > 0):
            size = size + (lot if target < 0 else -lot)
            final = self._native_margin(security, size + held)
            now = final - target
            if abs(now) > abs(over) and (now > 0) == (over > 0):
                raise ArgumentException(
                    "BuyingPowerModel().GetAmountToOrder(): Margin is being adjusted in the wrong "
                    "direction. "
                    "Reproduce this issue with the following variables, Target Margin: "
                    f"{plain(target)}; MarginForOneUnit: "
                    f"{plain(unit)}; Security Holdings: {plain(held)} @ "
                    f"{plain(security.holdings._average_price)}; LotSize: "
                    f"{plain(lot)}; Price: {plain(security._close)}; Leverage: "
                    f"{plain(security._leverage)}"
                )
            over = now
        return size, final

    def get_amount_to_order(
        self, security: Any, target_margin: Any, margin_for_one_unit: Any, _final: Any = None
    ) -> tuple[float, float]:
        size, final = self._amount_to_order(
            security, from_python(target_margin), from_python(margin_for_one_unit)
        )
        return float(size), float(final)


# what the shortcuts above stand for
_OWN_INITIAL = BuyingPowerModel.get_initial_margin_requirement
_OWN_FOR_ORDER = BuyingPowerModel.get_initial_margin_required_for_order
_OWN_MAINTENANCE = BuyingPowerModel.get_maintenance_margin


def _note_minimum_order_margin() -> None:
    """Remember for the end of the run that an order was left out as too small."""
    try:
        from engine.framework.targets import PortfolioTarget
    except ImportError:
        return
    if PortfolioTarget.minimum_order_margin_percentage_warning_sent is None:
        PortfolioTarget.minimum_order_margin_percentage_warning_sent = False


class SecurityMarginModel(BuyingPowerModel):
    """Margin of shares, pairs and contracts: a constant fraction of the value."""


class ConstantBuyingPowerModel(BuyingPowerModel):
    """A constant margin for each unit, in the account currency."""

    _per_unit: Decimal = ZERO

    def __init__(self, margin_required_per_unit_in_account_currency: Any = 0) -> None:
        self._per_unit = from_python(margin_required_per_unit_in_account_currency)

    def set_leverage(self, security: Any, leverage: Any) -> None:
        """Leverage has no meaning here."""

    def get_initial_margin_requirement(self, parameters: InitialMarginParameters) -> InitialMargin:
        return InitialMargin(parameters._quantity * self._per_unit)

    def get_maintenance_margin(self, parameters: MaintenanceMarginParameters) -> MaintenanceMargin:
        return MaintenanceMargin(parameters._absolute_quantity * self._per_unit)


class NullBuyingPowerModel(BuyingPowerModel):
    """No order is too large."""

    def get_maintenance_margin(self, parameters: MaintenanceMarginParameters) -> MaintenanceMargin:
        return MaintenanceMargin(ZERO)

    def has_sufficient_buying_power_for_order(
        self, parameters: HasSufficientBuyingPowerForOrderParameters
    ) -> HasSufficientBuyingPowerForOrderResult:
        return parameters.sufficient()


BuyingPowerModel.NULL = NullBuyingPowerModel()  # type: ignore[attr-defined]


class PatternDayTradingMarginModel(SecurityMarginModel):
    """More leverage while the market is open than from ten minutes before the close on.

    Parameters
    ----------
    closed_market_leverage, open_market_leverage : 2 and 4 by default.
    """

    _correction: Decimal = Decimal(2)
    _initial = _maintenance = ONE / Decimal(4)

    def __init__(self, closed_market_leverage: Any = 2, open_market_leverage: Any = 4) -> None:
        super().__init__(open_market_leverage)
        self._correction = from_python(open_market_leverage) / from_python(closed_market_leverage)

    def set_leverage(self, security: Any, leverage: Any) -> None:
        """The two leverages are given at construction."""

    def _factor(self, security: Any) -> Decimal:
        exchange = security.exchange
        return ONE if exchange.exchange_open and not exchange.closing_soon else self._correction

    def _get_leverage(self, security: Any) -> Decimal:
        return super()._get_leverage(security) * (ONE / self._factor(security))

    def get_initial_margin_requirement(self, parameters: InitialMarginParameters) -> InitialMargin:
        margin = super().get_initial_margin_requirement(parameters)
        return InitialMargin(margin._value * self._factor(parameters.security))

    def get_maintenance_margin(self, parameters: MaintenanceMarginParameters) -> MaintenanceMargin:
        margin = super().get_maintenance_margin(parameters)
        return MaintenanceMargin(margin._value * self._factor(parameters.security))
