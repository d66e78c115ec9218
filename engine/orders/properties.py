"""Order properties: time in force, and what single brokerages add to it."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

from engine.orders.time_in_force import TimeInForce
from engine.types.dotnet import LeanObject
from engine.types.exchanges import Exchange


def _member(name: str, hashed: bool) -> str:
    """Name a member: result files use camel case, the hash .NET's own names."""
    head, *rest = name.split("_")
    return (head.capitalize() if hashed else head) + "".join(part.capitalize() for part in rest)


class OrderProperties(LeanObject):
    """What an order asks for beside its kind.

    ``_own`` are the fields of a brokerage with their defaults.
    """

    _own: ClassVar[dict[str, Any]] = {}
    _engines_own: ClassVar[bool] = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._engines_own = cls.__module__.startswith("engine.")

    def __init__(self, exchange: Any = None) -> None:
        self.time_in_force: TimeInForce = TimeInForce.GOOD_TIL_CANCELED
        self.exchange = exchange
        for name, default in self._own.items():
            setattr(self, name, default)

    def clone(self) -> OrderProperties:
        """Return a copy."""
        kind = type(self)
        if not kind._engines_own:
            return copy.copy(self)
        twin = kind.__new__(kind)
        twin.__dict__.update(self.__dict__)
        return twin

    def _json(self, hashed: bool = False) -> dict[str, Any]:
        # a subclass of the algorithm's own may not have called our __init__
        out: dict[str, Any] = {
            _member(name, hashed): getattr(self, name, default)
            for name, default in self._own.items()
        }
        time_in_force = getattr(self, "time_in_force", TimeInForce.GOOD_TIL_CANCELED)
        out["timeInForce"] = time_in_force._json()
        exchange = getattr(self, "exchange", None)
        if exchange is not None:
            shown = exchange._json() if isinstance(exchange, Exchange) else str(exchange)
            out[_member("exchange", hashed)] = shown
        return out


class InteractiveBrokersOrderProperties(OrderProperties):
    """Fields of Interactive Brokers: accounts, advisor groups, extended hours."""

    _own: ClassVar[dict[str, Any]] = {
        "account": None,
        "fa_group": None,
        "fa_method": None,
        "fa_percentage": 0,
        "fa_profile": None,
        "outside_regular_trading_hours": False,
    }


class AlpacaOrderProperties(OrderProperties):
    """Fields of Alpaca."""

    _own: ClassVar[dict[str, Any]] = {"outside_regular_trading_hours": False}


class TradierOrderProperties(OrderProperties):
    """Fields of Tradier."""

    _own: ClassVar[dict[str, Any]] = {"outside_regular_trading_hours": False}


class WebullOrderProperties(OrderProperties):
    """Fields of Webull."""

    _own: ClassVar[dict[str, Any]] = {"outside_regular_trading_hours": False}


class TradeStationOrderProperties(OrderProperties):
    """Fields of TradeStation."""

    _own: ClassVar[dict[str, Any]] = {
        "all_or_none": False,
        "outside_regular_trading_hours": False,
        "post_only": False,
    }


class CharlesSchwabOrderProperties(OrderProperties):
    """Fields of Charles Schwab."""

    _own: ClassVar[dict[str, Any]] = {"extended_regular_trading_hours": False}


class TDAmeritradeOrderProperties(OrderProperties):
    """TD Ameritrade adds nothing."""


class RBIOrderProperties(OrderProperties):
    """RBI adds nothing."""


class BinanceOrderProperties(OrderProperties):
    """Fields of Binance."""

    _own: ClassVar[dict[str, Any]] = {"post_only": False}


class BitfinexOrderProperties(OrderProperties):
    """Fields of Bitfinex."""

    _own: ClassVar[dict[str, Any]] = {"post_only": False, "hidden": False}


class BybitOrderProperties(OrderProperties):
    """Fields of Bybit."""

    _own: ClassVar[dict[str, Any]] = {"post_only": False, "reduce_only": None}


class CoinbaseOrderProperties(OrderProperties):
    """Fields of Coinbase."""

    _own: ClassVar[dict[str, Any]] = {"post_only": False, "self_trade_prevention_id": False}


class GDAXOrderProperties(CoinbaseOrderProperties):
    """The old name of Coinbase."""


class FTXOrderProperties(OrderProperties):
    """Fields of FTX."""

    _own: ClassVar[dict[str, Any]] = {"post_only": False, "reduce_only": False}


class KrakenOrderProperties(OrderProperties):
    """Fields of Kraken; the fee is in base or in quote, never in both."""

    def __init__(self, exchange: Any = None) -> None:
        super().__init__(exchange)
        self.post_only = False
        self._fee_in_base = self._fee_in_quote = False
        self.no_market_price_protection = False
        self.conditional_order: Any = None

    @property
    def fee_in_base(self) -> bool:
        return self._fee_in_base

    @fee_in_base.setter
    def fee_in_base(self, value: bool) -> None:
        if value:
            self._fee_in_base, self._fee_in_quote = True, False

    @property
    def fee_in_quote(self) -> bool:
        return self._fee_in_quote

    @fee_in_quote.setter
    def fee_in_quote(self, value: bool) -> None:
        if value:
            self._fee_in_quote, self._fee_in_base = True, False

    def _json(self, hashed: bool = False) -> dict[str, Any]:
        own = {
            "post_only": self.post_only,
            "fee_in_base": self._fee_in_base,
            "fee_in_quote": self._fee_in_quote,
            "no_market_price_protection": self.no_market_price_protection,
            "conditional_order": None,
        }
        return {_member(k, hashed): v for k, v in own.items()} | super()._json(hashed)


class IndiaOrderProperties(OrderProperties):
    """Fields of Indian brokerages: the exchange and the product type (MIS, CNC, NRML)."""

    _own: ClassVar[dict[str, Any]] = {"product_type": None}

    def __init__(self, exchange: Any = None, product_type: Any = None) -> None:
        super().__init__(exchange)
        self.product_type = None if product_type is None else str(product_type)
