"""Position groups. Without options every position is a group of its own, and that is all there is
here.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from engine.orders.exact import Exact
from engine.securities.buying_power import BuyingPowerModel
from engine.securities.native import method
from engine.securities.parameters import (
    GetMaximumOrderQuantityForDeltaBuyingPowerParameters,
    MaintenanceMarginParameters,
    amount_of,
)
from engine.securities.touches import TOUCHES
from engine.types.decimals import ONE, ZERO
from engine.types.dotnet import LeanObject


class Position(LeanObject):
    """A quantity of a security, and the lot it is counted in."""

    __slots__ = ("_quantity", "_unit_quantity", "symbol")

    quantity = Exact()
    unit_quantity = Exact()

    def __init__(self, security: Any, quantity: Decimal | None = None) -> None:
        self.symbol = security.symbol
        self._quantity = security.holdings._quantity if quantity is None else quantity
        self._unit_quantity = security.symbol_properties._lot_size


class PositionGroup(LeanObject):
    """The group of one position; its quantity is in lots."""

    __slots__ = ("_quantity", "_security", "positions")

    quantity = Exact()

    def __init__(self, security: Any, quantity: Decimal | None = None) -> None:
        self._security = security
        position = Position(security, quantity)
        self.positions = [position]
        self._quantity = position._quantity / position._unit_quantity

    @property
    def count(self) -> int:
        return 1

    def __iter__(self) -> Iterator[Position]:
        return iter(self.positions)

    def _reserved(self) -> Decimal:
        """Return the maintenance margin of the position at the last price."""
        return maintenance_margin_of(self._security, self.positions[0]._quantity)


def maintenance_margin_of(security: Any, quantity: Decimal) -> Decimal:
    """Ask the margin model of a security what a quantity needs at the last price."""
    model = security.buying_power_model
    if _is_stock(model):
        # the stock model, without the records that users see
        held = security.holdings
        amount = held._price * quantity * security.symbol_properties._contract_multiplier
        needed: Decimal = abs(amount * security.quote_currency._conversion_rate)
        return needed * model._maintenance
    parameters = MaintenanceMarginParameters.for_quantity_at_current_price(security, quantity)
    return amount_of(method(model, "get_maintenance_margin")(parameters))


_STOCK_MARGIN = BuyingPowerModel.get_maintenance_margin
#: with so much of the value in use at most there is neither a margin call nor a warning
FAR_FROM_CALL = Decimal("0.9")


def _is_stock(model: Any) -> bool:
    """Tell whether the maintenance margin of a model is the engine's own."""
    return (
        getattr(type(model), "get_maintenance_margin", None) is _STOCK_MARGIN
        and "get_maintenance_margin" not in model.__dict__
    )


def _all_stock(parts: list[Any]) -> bool:
    """Tell whether the margin models of all positions are the engine's own, and note them."""
    for part in parts:
        model = part.security._buying_power_model
        if model is not part.model:
            if not _is_stock(model):
                return False
            part.model = model
        elif "get_maintenance_margin" in model.__dict__:
            return False
    return True


class SecurityPositionGroupModel(LeanObject):
    """The groups of the account."""

    def __init__(self, portfolio: Any) -> None:
        self._portfolio = portfolio
        # the value of the account that was looked at last, and whether it was far from a call
        self._judged: Decimal | None = None
        self._judged_at = -1
        self._was_far = False

    @property
    def groups(self) -> list[PositionGroup]:
        return [PositionGroup(security) for security in self._portfolio._invested_securities()]

    @property
    def is_only_default_groups(self) -> bool:
        return True

    def get_or_create_default_group(self, security: Any) -> PositionGroup:
        return PositionGroup(security)

    def _is_margin_far(self) -> bool:
        """Tell whether the margin in use is surely below nine tenths of the value.

        The largest rate of all positions on all of their worth is never less than what they need.
        """
        portfolio = self._portfolio
        value, touched = portfolio._value, TOUCHES.count
        if value is None:
            value = portfolio._total_portfolio_value
        elif value is self._judged and touched == self._judged_at:
            # the step has followed the prices of its data, and nobody has changed anything else
            return self._was_far
        parts, invested = portfolio._parts, portfolio._invested_now
        if parts is None or invested is None or len(parts) != len(invested):
            return False
        # the same value was made of the same parts; only rates may have changed since
        known = value is self._judged
        for part in parts:
            security = part.security
            cache, model = security.cache, security._buying_power_model
            if (
                model is not part.model
                or cache._p is not part.price
                or cache._pending_trade is not None
                or cache._pending_quote is not None
                or part.holding._set_price is not None
                or "get_maintenance_margin" in model.__dict__
            ):
                # to be looked at more closely: it is noted who has a model of the engine's own
                now = portfolio._parts_of_now()
                if now is None or not _all_stock(now):
                    return False
                model = part.model
            if model._maintenance is not part.rate:
                part.rate = model._maintenance
                known = False
        self._judged_at = touched
        if not known:
            gross = most = ZERO
            for part in parts:
                if part.rate > most:
                    most = part.rate
                gross = gross + part.size
            self._judged = value
            self._was_far = most * gross < value * FAR_FROM_CALL - portfolio._not_settled
        return self._was_far

    def _margin_used(self) -> Decimal:
        portfolio, total = self._portfolio, ZERO
        parts, invested = portfolio._parts, portfolio._invested_securities()
        if parts is not None and portfolio._value is not None and len(parts) == len(invested):
            # ``_parts_of_now`` and :func:`_all_stock` in one go: every order asks for this
            for part in parts:
                security = part.security
                cache, model = security.cache, security._buying_power_model
                if (
                    cache._p is not part.price
                    or cache._pending_trade is not None
                    or cache._pending_quote is not None
                    or part.holding._set_price is not None
                    or getattr(type(model), "get_maintenance_margin", None) is not _STOCK_MARGIN
                    or "get_maintenance_margin" in model.__dict__
                ):
                    break
                part.model = model
                total = total + part.size * model._maintenance
            else:
                return total
            total = ZERO
        for security in invested:
            total = total + maintenance_margin_of(security, security.holdings._quantity)
        return total

    def _margins(self, parts: list[Any] | None) -> list[tuple[Any, Decimal]]:
        """Return the securities of the groups with the margin of each.

        ``parts`` are all positions, where known, as the portfolio's ``_parts_of_now`` gives them.
        """
        if parts is not None and _all_stock(parts):
            return [(part.security, part.size * part.model._maintenance) for part in parts]
        return [
            (security, maintenance_margin_of(security, security.holdings._quantity))
            for security in self._portfolio._invested_securities()
        ]

    def _lots_for_delta(self, group: PositionGroup, delta: Decimal) -> Decimal:
        """Return the lots that change the buying power of a group by an amount (signed)."""
        security = group._security
        result = method(
            security.buying_power_model, "get_maximum_order_quantity_for_delta_buying_power"
        )(
            GetMaximumOrderQuantityForDeltaBuyingPowerParameters(
                self._portfolio, security, delta, ZERO
            )
        )
        quantity: Decimal = result._quantity / (security.symbol_properties._lot_size or ONE)
        return quantity
