"""Slippage models: by how much a fill is worse than the price."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from engine.orders.exact import from_python
from engine.securities.native import LeanModel
from engine.types.decimals import ZERO
from engine.types.enums import MarketDataType, OrderDirection, SecurityType
from engine.types.errors import InvalidOperationException

_ONE_BASIS_POINT = Decimal("0.0001")


class NullSlippageModel(LeanModel):
    """No slippage."""

    INSTANCE: ClassVar[NullSlippageModel]

    def get_slippage_approximation(self, asset: Any, order: Any) -> float:
        return 0.0

    def _get_slippage_approximation(self, asset: Any, order: Any) -> Decimal:
        return ZERO


NullSlippageModel.INSTANCE = NullSlippageModel()


class ConstantSlippageModel(LeanModel):
    """A constant fraction of the price of the last data."""

    _slippage_percent: Decimal = ZERO

    def __init__(self, slippage_percent: Any = 0) -> None:
        self._slippage_percent = from_python(slippage_percent)

    def get_slippage_approximation(self, asset: Any, order: Any) -> float:
        return float(self._get_slippage_approximation(asset, order))

    def _get_slippage_approximation(self, asset: Any, order: Any) -> Decimal:
        last = asset.get_last_data()
        return ZERO if last is None else last._exact_price() * self._slippage_percent


class AlphaStreamsSlippageModel(LeanModel):
    """One basis point of the price of shares."""

    def get_slippage_approximation(self, asset: Any, order: Any) -> float:
        return float(self._get_slippage_approximation(asset, order))

    def _get_slippage_approximation(self, asset: Any, order: Any) -> Decimal:
        last = asset.get_last_data()
        if asset.type != SecurityType.EQUITY or last is None:
            return ZERO
        return _ONE_BASIS_POINT * last._exact_price()


class VolumeShareSlippageModel(LeanModel):
    """Price impact times the squared share of the bar's volume, the share cut at a limit.

    ``slippage = impact * min(quantity / volume, limit)^2 * price``; quote bars stand in with the
    size of the side.
    """

    _volume_limit = Decimal("0.025")
    _price_impact = Decimal("0.1")

    def __init__(self, volume_limit: Any = 0.025, price_impact: Any = 0.1) -> None:
        self._volume_limit = from_python(volume_limit)
        self._price_impact = from_python(price_impact)

    def get_slippage_approximation(self, asset: Any, order: Any) -> float:
        return float(self._get_slippage_approximation(asset, order))

    def _get_slippage_approximation(self, asset: Any, order: Any) -> Decimal:
        last = asset.get_last_data()
        if last is None:
            return ZERO
        if last.data_type == MarketDataType.TRADE_BAR:
            volume = last.volume
        elif last.data_type == MarketDataType.QUOTE_BAR:
            buys = order.direction == OrderDirection.BUY
            volume = last.last_bid_size if buys else last.last_ask_size
        else:
            raise InvalidOperationException(
                "VolumeShareSlippageModel.GetSlippageApproximation(): expected a TradeBar or a "
                "QuoteBar, "
                f"was {type(last).__name__}"
            )
        share = self._volume_limit
        if volume > 0:
            share = min(order._absolute_quantity / from_python(volume), share)
        elif asset.type in (SecurityType.CFD, SecurityType.FOREX, SecurityType.CRYPTO):
            return ZERO
        return share * share * self._price_impact * last._exact_price()
