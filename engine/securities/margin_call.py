"""Margin calls: when the account has to sell, and what."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from engine.orders.exact import from_python
from engine.securities.native import LeanModel, method
from engine.securities.positions import PositionGroup
from engine.types.decimals import ONE, ZERO
from engine.types.dotnet import LeanObject
from engine.types.enums import OrderStatus, OrderType

_WARN_BELOW = Decimal("0.05")
_OPEN = (
    OrderStatus.NEW,
    OrderStatus.SUBMITTED,
    OrderStatus.PARTIALLY_FILLED,
    OrderStatus.CANCEL_PENDING,
    OrderStatus.UPDATE_SUBMITTED,
)


class MarginCallOrdersParameters(LeanObject):
    """A position group, the value of the account and the margin in use."""

    __slots__ = ("_total_portfolio_value", "_total_used_margin", "position_group")

    def __init__(
        self, position_group: Any, total_portfolio_value: Any, total_used_margin: Any
    ) -> None:
        self.position_group = position_group
        self._total_portfolio_value = from_python(total_portfolio_value)
        self._total_used_margin = from_python(total_used_margin)

    total_portfolio_value = property(lambda self: float(self._total_portfolio_value))
    total_used_margin = property(lambda self: float(self._total_used_margin))


class DefaultMarginCallModel(LeanModel):
    """Warns when less than 5 per cent of the value is free; calls when the margin in use exceeds
    the value by a buffer.

    Parameters
    ----------
    portfolio : the account.
    default_order_properties : given to the orders.
    margin_buffer : fraction of the value, 0.1 by default.
    """

    _portfolio: Any = None
    _properties: Any = None
    _buffer: Decimal = Decimal("0.10")

    def __init__(
        self, portfolio: Any, default_order_properties: Any = None, margin_buffer: Any = 0.1
    ) -> None:
        self._portfolio = portfolio
        self._properties = default_order_properties
        self._buffer = from_python(margin_buffer)

    @property
    def portfolio(self) -> Any:
        return self._portfolio

    def _get_margin_call_orders(self) -> tuple[list[Any], bool]:
        """Return the orders of a margin call (empty: none is due) and whether to warn."""
        portfolio = self._portfolio
        # looked at every few minutes of the run: most often nothing is held, or little
        invested = portfolio._invested_now
        if invested is None:
            invested = portfolio._invested_securities()
        if not invested or portfolio.positions._is_margin_far():
            return [], False
        used = portfolio._total_margin_used
        if used <= 0:
            return [], False
        value = portfolio._total_portfolio_value
        remaining = portfolio._get_margin_remaining(value, used)
        warn = remaining <= value * _WARN_BELOW
        orders: list[Any] = []
        if remaining <= 0:
            if used > value * (ONE + self._buffer):
                for group in portfolio.positions.groups:
                    made = list(
                        method(self, "generate_margin_call_orders")(
                            MarginCallOrdersParameters(group, value, used)
                        )
                    )
                    if made and all(order._quantity for order in made):
                        orders += made
            warn = bool(orders)
        return orders, warn

    def get_margin_call_orders(self, _issue_warning: Any = None) -> tuple[list[Any], bool]:
        return self._get_margin_call_orders()

    def generate_margin_call_orders(self, parameters: MarginCallOrdersParameters) -> list[Any]:
        """Return the order that frees the missing margin out of one position."""
        from engine.orders.requests import SubmitOrderRequest

        group: PositionGroup = parameters.position_group
        security = group._security
        if not security.quote_currency._conversion_rate:
            return []
        missing = parameters._total_used_margin - parameters._total_portfolio_value
        used = group._reserved()
        delta = used - max(ZERO, used - missing)
        if group._quantity > 0:
            delta = -delta
        lots = abs(self._portfolio.positions._lots_for_delta(group, delta))
        position = group.positions[0]
        quantity = lots * position._unit_quantity
        if position._quantity > 0:
            quantity = -quantity
        properties = self._properties
        return [
            SubmitOrderRequest(
                OrderType.MARKET,
                security.type,
                security.symbol,
                quantity,
                ZERO,
                ZERO,
                security._utc_time,
                "Margin Call",
                None if properties is None else properties.clone(),
            )
        ]

    def execute_margin_call(self, generated_margin_call_orders: Any) -> list[Any]:
        """Send orders, the position that loses most first, until there is margin again."""
        portfolio = self._portfolio
        if portfolio._margin_remaining >= 0:
            return []
        requests = list(generated_margin_call_orders)
        requests.sort(key=lambda request: portfolio[request.symbol]._unrealized_profit)
        executed = []
        for request in requests:
            ticket = portfolio.transactions.add_order(request)
            if ticket.status in _OPEN:
                portfolio.transactions.wait_for_order(ticket.order_id)
            executed.append(ticket)
            if portfolio._margin_remaining >= 0:
                break
        return executed


class NullMarginCallModel(LeanModel):
    """Never calls."""

    def _get_margin_call_orders(self) -> tuple[list[Any], bool]:
        return [], False

    def get_margin_call_orders(self, _issue_warning: Any = None) -> tuple[list[Any], bool]:
        return [], False

    def execute_margin_call(self, generated_margin_call_orders: Any) -> list[Any]:
        return []


class MarginCallModel:
    """LEAN's access to the model that never calls."""

    NULL: ClassVar[Any] = NullMarginCallModel()


class _UserMarginCallModel(LeanModel):
    """Brings a user's own model to the engine's call."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def _get_margin_call_orders(self) -> tuple[list[Any], bool]:
        answer = method(self._model, "get_margin_call_orders")(False)
        if isinstance(answer, tuple):
            orders, warn = answer
            return list(orders), bool(warn)
        return list(answer or ()), False

    def execute_margin_call(self, generated_margin_call_orders: Any) -> list[Any]:
        found = method(self._model, "execute_margin_call")(generated_margin_call_orders)
        return list(found or ())


def adopt_margin_call_model(model: Any) -> Any:
    """Return a model with the engine's call, whatever the user gave."""
    overridden = getattr(model, "_native", None)
    if overridden is not None and (
        type(model).get_margin_call_orders is overridden.get_margin_call_orders
    ):
        return model
    return _UserMarginCallModel(model)
