"""Security initializers: which models a new security gets."""

from __future__ import annotations

from typing import Any, ClassVar

from engine.securities.native import LeanModel, exact, method
from engine.securities.seeders import SecuritySeeder, seed
from engine.types.dotnet import LeanObject
from engine.types.errors import ArgumentException


class NullSecurityInitializer(LeanModel):
    """Sets nothing."""

    def initialize(self, security: Any) -> None:
        """Nothing to set."""


class SecurityInitializer(LeanObject):
    """LEAN's access to the initializer that sets nothing."""

    NULL: ClassVar[Any] = NullSecurityInitializer()


class BrokerageModelSecurityInitializer(LeanModel):
    """Sets the models of a brokerage, then seeds the price."""

    _model: Any = None
    _seeder: Any = SecuritySeeder.NULL

    def __init__(self, brokerage_model: Any = None, security_seeder: Any = None) -> None:
        self._model = brokerage_model
        self._seeder = SecuritySeeder.NULL if security_seeder is None else security_seeder

    def initialize(self, security: Any) -> None:
        model = self._model
        if model is None:
            raise ArgumentException(
                "expected a brokerage model, was None; "
                "pass brokerage_model and a seeder to super().__init__()"
            )
        security.fill_model = method(model, "get_fill_model")(security)
        security.fee_model = method(model, "get_fee_model")(security)
        security.slippage_model = method(model, "get_slippage_model")(security)
        security.settlement_model = method(model, "get_settlement_model")(security)
        security.buying_power_model = method(model, "get_buying_power_model")(security)
        security.margin_interest_rate_model = method(model, "get_margin_interest_rate_model")(
            security
        )
        security.set_leverage(exact(model, "get_leverage", security))
        security.set_shortable_provider(method(model, "get_shortable_provider")(security))
        seed(self._seeder, security)


class FuncSecurityInitializer(LeanModel):
    """Calls a function with the new security."""

    def __init__(self, initializer: Any) -> None:
        self._function = initializer

    def initialize(self, security: Any) -> None:
        self._function(security)


class CompositeSecurityInitializer(LeanModel):
    """Calls several initializers in order."""

    def __init__(self, *initializers: Any) -> None:
        self._initializers = [wrap_security_initializer(i) for i in initializers]

    @property
    def initializers(self) -> list[Any]:
        return list(self._initializers)

    def initialize(self, security: Any) -> None:
        for initializer in self._initializers:
            method(initializer, "initialize")(security)

    def add_security_initializer(self, initializer: Any) -> None:
        self._initializers.append(wrap_security_initializer(initializer))


def wrap_security_initializer(initializer: Any) -> Any:
    """Accept what LEAN accepts: an initializer, or a function of the security.

    Raises
    ------
    ArgumentException
        For anything else.
    """
    if hasattr(initializer, "initialize") or hasattr(initializer, "Initialize"):
        return initializer
    if callable(initializer):
        return FuncSecurityInitializer(initializer)
    raise ArgumentException(
        "expected a security initializer or a function of a security, was "
        f"{type(initializer).__name__}"
    )
