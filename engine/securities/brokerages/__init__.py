"""Brokerage models: what a broker accepts, lends and charges; made by name or by the user."""

from __future__ import annotations

from typing import Any

from engine.securities.brokerages.coins import (
    BinanceBrokerageModel,
    BinanceCoinFuturesBrokerageModel,
    BinanceFuturesBrokerageModel,
    BinanceUSBrokerageModel,
    BitfinexBrokerageModel,
    BybitBrokerageModel,
    CoinbaseBrokerageModel,
    FTXBrokerageModel,
    FTXUSBrokerageModel,
    GDAXBrokerageModel,
    KrakenBrokerageModel,
)
from engine.securities.brokerages.currencies import FxcmBrokerageModel, OandaBrokerageModel
from engine.securities.brokerages.default import DefaultBrokerageModel
from engine.securities.brokerages.interactive_brokers import (
    InteractiveBrokersBrokerageModel,
    InteractiveBrokersFixModel,
)
from engine.securities.brokerages.stocks import (
    AlpacaBrokerageModel,
    AlphaStreamsBrokerageModel,
    AxosClearingBrokerageModel,
    BloombergFixBrokerageModel,
    CharlesSchwabBrokerageModel,
    EzeBrokerageModel,
    RBIBrokerageModel,
    SamcoBrokerageModel,
    TastytradeBrokerageModel,
    TDAmeritradeBrokerageModel,
    TerminalLinkBrokerageModel,
    TradeStationBrokerageModel,
    TradierBrokerageModel,
    TradingTechnologiesBrokerageModel,
    WolverineBrokerageModel,
    ZerodhaBrokerageModel,
)
from engine.securities.brokerages.wrapper import BrokerageModelPythonWrapper, call_gate
from engine.types.enums import AccountType, BrokerageName
from engine.types.errors import EngineUnsupported

# the order is that of the look-up by class: a derived class stands before its base
_MODELS: tuple[tuple[str, type[DefaultBrokerageModel]], ...] = (
    ("ALPACA", AlpacaBrokerageModel),
    ("INTERACTIVE_BROKERS_FIX", InteractiveBrokersFixModel),
    ("INTERACTIVE_BROKERS_BROKERAGE", InteractiveBrokersBrokerageModel),
    ("TRADIER_BROKERAGE", TradierBrokerageModel),
    ("OANDA_BROKERAGE", OandaBrokerageModel),
    ("FXCM_BROKERAGE", FxcmBrokerageModel),
    ("BITFINEX", BitfinexBrokerageModel),
    ("BINANCE_FUTURES", BinanceFuturesBrokerageModel),
    ("BINANCE_COIN_FUTURES", BinanceCoinFuturesBrokerageModel),
    ("BINANCE_US", BinanceUSBrokerageModel),
    ("BINANCE", BinanceBrokerageModel),
    ("GDAX", GDAXBrokerageModel),
    ("COINBASE", CoinbaseBrokerageModel),
    ("ALPHA_STREAMS", AlphaStreamsBrokerageModel),
    ("ZERODHA", ZerodhaBrokerageModel),
    ("AXOS", AxosClearingBrokerageModel),
    ("TRADING_TECHNOLOGIES", TradingTechnologiesBrokerageModel),
    ("SAMCO", SamcoBrokerageModel),
    ("KRAKEN", KrakenBrokerageModel),
    ("FTXUS", FTXUSBrokerageModel),
    ("FTX", FTXBrokerageModel),
    ("WOLVERINE", WolverineBrokerageModel),
    ("TD_AMERITRADE", TDAmeritradeBrokerageModel),
    ("RBI", RBIBrokerageModel),
    ("BYBIT", BybitBrokerageModel),
    ("EZE", EzeBrokerageModel),
    ("TRADE_STATION", TradeStationBrokerageModel),
    ("CHARLES_SCHWAB", CharlesSchwabBrokerageModel),
    ("TASTYTRADE", TastytradeBrokerageModel),
    ("BLOOMBERG_FIX", BloombergFixBrokerageModel),
    ("TERMINAL_LINK", TerminalLinkBrokerageModel),
    ("DEFAULT", DefaultBrokerageModel),
)


def create_brokerage_model(
    order_provider: Any, brokerage: Any, account_type: Any = AccountType.MARGIN
) -> Any:
    """Make the model of a broker by its name.

    Raises
    ------
    EngineUnsupported
        For brokers of which the engine has no model.
    """
    brokerage = BrokerageName(brokerage)
    for name, model in _MODELS:
        if BrokerageName[name] is brokerage:
            if model is AlpacaBrokerageModel:
                return AlpacaBrokerageModel()
            return model(AccountType(account_type))
    raise EngineUnsupported(
        f"engine does not implement the brokerage model of {brokerage.name}; use lean backtest"
    )


# LEAN itself has no name for these two when asked for the name of a model
_NAMELESS = {"INTERACTIVE_BROKERS_FIX": "INTERACTIVE_BROKERS_BROKERAGE", "TERMINAL_LINK": "DEFAULT"}


def get_brokerage_name(brokerage_model: Any) -> BrokerageName:
    """Return the name of a model, of a user's model that of LEAN's class it derives from."""
    if isinstance(brokerage_model, BrokerageModelPythonWrapper):
        brokerage_model = brokerage_model.get_model()
    for name, model in _MODELS:
        if isinstance(brokerage_model, model):
            return BrokerageName[_NAMELESS.get(name, name)]
    return BrokerageName.DEFAULT


def wrap_brokerage_model(model: Any) -> Any:
    """Return what ``algorithm.brokerage_model`` is: LEAN's own models as they are, a user's in a
    wrapper.

    Raises
    ------
    TypeError
        For a class that does not derive from one of LEAN's models.
    """
    if isinstance(model, BrokerageModelPythonWrapper):
        return model
    if not isinstance(model, DefaultBrokerageModel):
        raise TypeError(
            "cannot convert object to target type: expected a brokerage model that derives from "
            "DefaultBrokerageModel "
            f"or another of LEAN's models, was {type(model).__name__}"
        )
    return model if type(model) is model._native else BrokerageModelPythonWrapper(model)


class BrokerageModel:
    """LEAN's factory of brokerage models."""

    create = staticmethod(create_brokerage_model)
    get_brokerage_name = staticmethod(get_brokerage_name)


__all__ = [
    "BrokerageModel",
    "BrokerageModelPythonWrapper",
    "call_gate",
    "create_brokerage_model",
    "get_brokerage_name",
    "wrap_brokerage_model",
]
