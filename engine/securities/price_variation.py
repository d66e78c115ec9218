"""The smallest step of a price."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.securities.native import LeanModel
from engine.types.decimals import ONE, ZERO, DecimalField, to_decimal
from engine.types.dotnet import LeanObject
from engine.types.enums import SecurityType
from engine.types.errors import ArgumentException

_TENTH_OF_A_CENT = Decimal("0.0001")


class GetMinimumPriceVariationParameters(LeanObject):
    """A security and the price at which the step is wanted."""

    __slots__ = ("_reference_price", "security")

    reference_price = DecimalField()

    def __init__(self, security: Any, reference_price: Any) -> None:
        self.security = security
        self._reference_price: Decimal = to_decimal(reference_price)


class SecurityPriceVariationModel(LeanModel):
    """The step of the symbol properties."""

    def get_minimum_price_variation(self, parameters: Any) -> float:
        return float(self._get_minimum_price_variation(parameters))

    def _get_minimum_price_variation(self, parameters: Any) -> Decimal:
        step: Decimal = parameters.security.symbol_properties._minimum_price_variation
        return step


class EquityPriceVariationModel(SecurityPriceVariationModel):
    """A cent, and a hundredth of it for shares under a dollar (17 CFR 242.612)."""

    def _get_minimum_price_variation(self, parameters: Any) -> Decimal:
        if parameters.security.type != SecurityType.EQUITY:
            raise ArgumentException(
                "EquityPriceVariationModel.GetMinimumPriceVariation(): "
                f"Invalid SecurityType: {parameters.security.type}"
            )
        if parameters._reference_price < ONE:
            return _TENTH_OF_A_CENT
        return super()._get_minimum_price_variation(parameters)


class AdjustedPriceVariationModel(LeanModel):
    """No step: adjusted prices are on no grid."""

    def get_minimum_price_variation(self, parameters: Any) -> float:
        return 0.0

    def _get_minimum_price_variation(self, parameters: Any) -> Decimal:
        return ZERO
