"""A user's brokerage model as LEAN keeps it, and what answers of it are accepted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.securities.brokerages.messages import BrokerageMessageEvent
from engine.securities.native import exact, method
from engine.types.dotnet import LeanObject
from engine.types.enums import AccountType, SecurityType

Answer = tuple[bool, "BrokerageMessageEvent | None"]


def call_gate(name: str, function: Callable[..., Any], *args: Any) -> Answer:
    """Ask ``can_submit_order`` or ``can_update_order`` and check the answer as LEAN does.

    Accepted is a tuple of at least two: a ``bool`` and ``None`` or a ``BrokerageMessageEvent``.

    Raises
    ------
    TypeError
        For any other answer. What the method itself raises goes through.
    """
    answer = function(*args, None)
    if not isinstance(answer, tuple) or len(answer) < 2:
        raise TypeError(
            f"expected {name} to return a tuple (bool, BrokerageMessageEvent or None), was "
            f"{answer!r}; "
            "return (True, None) to accept"
        )
    accepted, message = answer[0], answer[1]
    if type(accepted) is not bool:
        raise TypeError(
            f"expected the first value that {name} returns to be True or False, was {accepted!r} "
            "of type "
            f"{type(accepted).__name__}; use bool(...)"
        )
    if message is not None and not isinstance(message, BrokerageMessageEvent):
        raise TypeError(
            f"expected the second value that {name} returns to be None or a "
            f"BrokerageMessageEvent, was {message!r}"
        )
    return accepted, message


class BrokerageModelPythonWrapper(LeanObject):
    """A user's brokerage model.

    It is not equal to the model; ``get_model()`` gives the model back.
    """

    def __init__(self, model: Any) -> None:
        self._model = model

    def get_model(self) -> Any:
        return self._model

    @property
    def account_type(self) -> AccountType:
        return AccountType(self._model.account_type)

    @property
    def required_free_buying_power_percent(self) -> float:
        return float(self._model.required_free_buying_power_percent)

    @property
    def default_markets(self) -> dict[SecurityType, str]:
        return dict(self._model.default_markets)

    def can_submit_order(self, security: Any, order: Any, message: Any = None) -> Answer:
        function = method(self._model, "can_submit_order")
        return call_gate("can_submit_order", function, security, order)

    def can_update_order(
        self, security: Any, order: Any, request: Any, message: Any = None
    ) -> Answer:
        function = method(self._model, "can_update_order")
        return call_gate("can_update_order", function, security, order, request)

    def can_execute_order(self, security: Any, order: Any) -> bool:
        answer = method(self._model, "can_execute_order")(security, order)
        if type(answer) is not bool:
            raise TypeError(
                f"expected can_execute_order to return True or False, was {answer!r}; use bool(...)"
            )
        return answer

    def apply_split(self, tickets: list[Any], split: Any) -> None:
        method(self._model, "apply_split")(tickets, split)

    def get_leverage(self, security: Any) -> float:
        return float(exact(self._model, "get_leverage", security))

    def _get_leverage(self, security: Any) -> Any:
        return exact(self._model, "get_leverage", security)

    # what initializers call ``exact`` with: the wrapper's own methods are the engine's
    _native: Any

    def get_benchmark(self, securities: Any) -> Any:
        return method(self._model, "get_benchmark")(securities)

    def get_fill_model(self, security: Any) -> Any:
        return method(self._model, "get_fill_model")(security)

    def get_fee_model(self, security: Any) -> Any:
        return method(self._model, "get_fee_model")(security)

    def get_slippage_model(self, security: Any) -> Any:
        return method(self._model, "get_slippage_model")(security)

    def get_settlement_model(self, security: Any, _account_type: Any = None) -> Any:
        return method(self._model, "get_settlement_model")(security)

    def get_buying_power_model(self, security: Any, _account_type: Any = None) -> Any:
        return method(self._model, "get_buying_power_model")(security)

    def get_margin_interest_rate_model(self, security: Any) -> Any:
        return method(self._model, "get_margin_interest_rate_model")(security)

    def get_shortable_provider(self, security: Any) -> Any:
        return method(self._model, "get_shortable_provider")(security)


BrokerageModelPythonWrapper._native = BrokerageModelPythonWrapper
