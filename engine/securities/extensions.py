"""LEAN's extension methods of models, as static methods of the classes that it names."""

from __future__ import annotations

from typing import Any

from engine.orders.exact import from_python
from engine.securities.buying_power import (
    above_minimum_order_margin,
    above_minimum_order_margin_portfolio_percentage,
)
from engine.securities.native import method
from engine.securities.parameters import (
    BuyingPowerParameters,
    GetMaximumOrderQuantityForTargetBuyingPowerParameters,
    HasSufficientBuyingPowerForOrderParameters,
    InitialMarginParameters,
    MaintenanceMarginParameters,
    ReservedBuyingPowerForPositionParameters,
)
from engine.types.dotnet import LeanObject
from engine.types.enums import DataNormalizationMode
from engine.types.errors import ArgumentException


class BuyingPowerModelExtensions(LeanObject):
    """Questions to a buying power model without the parameter objects."""

    @staticmethod
    def get_reserved_buying_power_for_position(model: Any, security: Any) -> float:
        parameters = ReservedBuyingPowerForPositionParameters(security)
        found = method(model, "get_reserved_buying_power_for_position")(parameters)
        return float(found.absolute_used_buying_power)

    @staticmethod
    def has_sufficient_buying_power_for_order(
        model: Any, portfolio: Any, security: Any, order: Any
    ) -> Any:
        parameters = HasSufficientBuyingPowerForOrderParameters(portfolio, security, order)
        return method(model, "has_sufficient_buying_power_for_order")(parameters)

    @staticmethod
    def get_maximum_order_quantity_for_target_buying_power(
        model: Any,
        portfolio: Any,
        security: Any,
        target: Any,
        minimum_order_margin_portfolio_percentage: Any,
    ) -> Any:
        parameters = GetMaximumOrderQuantityForTargetBuyingPowerParameters(
            portfolio, security, target, minimum_order_margin_portfolio_percentage
        )
        return method(model, "get_maximum_order_quantity_for_target_buying_power")(parameters)

    @staticmethod
    def get_buying_power(model: Any, portfolio: Any, security: Any, direction: Any) -> float:
        parameters = BuyingPowerParameters(portfolio, security, direction)
        return float(method(model, "get_buying_power")(parameters).value)

    @staticmethod
    def get_maintenance_margin(model: Any, security: Any) -> Any:
        parameters = MaintenanceMarginParameters.for_current_holdings(security)
        return method(model, "get_maintenance_margin")(parameters)

    @staticmethod
    def get_initial_margin_requirement(model: Any, security: Any, quantity: Any) -> Any:
        parameters = InitialMarginParameters(security, quantity)
        return method(model, "get_initial_margin_requirement")(parameters)

    @staticmethod
    def above_minimum_order_margin_portfolio_percentage(*args: Any) -> bool:
        """Tell whether an order is worth its fee.

        ``(model, security, quantity, portfolio, minimum)`` or ``(portfolio, minimum, margin)``.
        """
        if len(args) == 3:
            portfolio, minimum, margin = args
            return above_minimum_order_margin(portfolio, from_python(minimum), from_python(margin))
        model, security, quantity, portfolio, minimum = args
        return above_minimum_order_margin_portfolio_percentage(
            model, security, from_python(quantity), portfolio, from_python(minimum)
        )


class VolatilityModelExtensions(LeanObject):
    """Warm-up of a volatility model from history."""

    @staticmethod
    def warm_up(
        volatility_model: Any,
        algorithm: Any,
        security: Any,
        resolution: Any,
        bar_count: int,
        data_normalization_mode: Any = None,
    ) -> None:
        """Give the last bars of a security to a model; raw prices without their jumps at splits.

        Raises
        ------
        ArgumentException
            When the security has no data to ask for.
        """
        if not security.subscriptions:
            raise ArgumentException(
                f"expected {security.symbol} to have a subscription, it has none; add it first"
            )
        kind = min(security.subscriptions, key=lambda config: int(config.tick_type))._type
        if resolution is None:
            resolution = security.resolution
        mode = data_normalization_mode
        if mode is not None and DataNormalizationMode(mode) == DataNormalizationMode.RAW:
            mode = DataNormalizationMode.SCALED_RAW
        else:
            mode = security.data_normalization_mode
        bars = algorithm.history[kind](
            security.symbol, bar_count, resolution, data_normalization_mode=mode
        )
        update = method(volatility_model, "update")
        for bar in bars:
            update(security, bar)
