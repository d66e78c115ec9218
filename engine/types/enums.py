"""LEAN's enumerations: names and values as its Python API shows them.

``str(OrderStatus.FILLED)`` is ``"FILLED"`` and ``int()`` works, as in LEAN; members are also
reachable by their .NET name (``Resolution.Daily``).
"""

from __future__ import annotations

from enum import EnumMeta, IntEnum
from typing import Any


class _PascalMembers(EnumMeta):
    """Lets ``Resolution.Daily`` mean ``Resolution.DAILY``."""

    def __getattr__(cls, name: str) -> Any:
        members = cls.__dict__.get("_member_map_", {})
        if name and name[0].isupper():
            key = name.lower()
            for member_name, member in members.items():
                if member_name.replace("_", "").lower() == key:
                    return member
        raise AttributeError(f"{cls.__name__} has no member {name!r}; it has {', '.join(members)}")


class LeanEnum(IntEnum, metaclass=_PascalMembers):
    """Base of all enumerations: an int that prints as its name."""

    def __str__(self) -> str:
        return self.name

    def __format__(self, spec: str) -> str:
        return (
            format(self.name, spec)
            if not spec or spec[-1] not in "dxobn"
            else format(int(self), spec)
        )

    def to_string(self) -> str:
        """Return the .NET name of the member (``MarketOnOpen``)."""
        return pascal_name(self.name)

    ToString = to_string


def pascal_name(name: str) -> str:
    """Turn ``MARKET_ON_OPEN`` into ``MarketOnOpen``."""
    return "".join(part.capitalize() for part in name.split("_"))


class InsightType(LeanEnum):
    """``QuantConnect.Algorithm.Framework.Alphas.InsightType``."""

    PRICE = 0
    VOLATILITY = 1


class InsightDirection(LeanEnum):
    """``QuantConnect.Algorithm.Framework.Alphas.InsightDirection``."""

    DOWN = -1
    FLAT = 0
    UP = 1


class InsightScoreType(LeanEnum):
    """``QuantConnect.Algorithm.Framework.Alphas.InsightScoreType``."""

    DIRECTION = 0
    MAGNITUDE = 1


class PortfolioBias(LeanEnum):
    """``QuantConnect.Algorithm.Framework.Portfolio.PortfolioBias``."""

    SHORT = -1
    LONG_SHORT = 0
    LONG = 1


class BrokerageMessageType(LeanEnum):
    """``QuantConnect.Brokerages.BrokerageMessageType``."""

    INFORMATION = 0
    WARNING = 1
    ERROR = 2
    RECONNECT = 3
    DISCONNECT = 4
    ACTION_REQUIRED = 5


class BrokerageName(LeanEnum):
    """``QuantConnect.Brokerages.BrokerageName``; LEAN leaves 7 to 11 free."""

    DEFAULT = 0
    QUANT_CONNECT_BROKERAGE = 0
    INTERACTIVE_BROKERS_BROKERAGE = 1
    TRADIER_BROKERAGE = 2
    OANDA_BROKERAGE = 3
    FXCM_BROKERAGE = 4
    BITFINEX = 5
    BINANCE = 6
    GDAX = 12
    ALPACA = 13
    ALPHA_STREAMS = 14
    ZERODHA = 15
    SAMCO = 16
    ATREYU = 17
    TRADING_TECHNOLOGIES = 18
    KRAKEN = 19
    FTX = 20
    FTXUS = 21
    EXANTE = 22
    BINANCE_US = 23
    WOLVERINE = 24
    TD_AMERITRADE = 25
    BINANCE_FUTURES = 26
    BINANCE_COIN_FUTURES = 27
    RBI = 28
    BYBIT = 29
    EZE = 30
    AXOS = 31
    COINBASE = 32
    TRADE_STATION = 33
    TERMINAL_LINK = 34
    CHARLES_SCHWAB = 35
    TASTYTRADE = 36
    INTERACTIVE_BROKERS_FIX = 37
    DYDX = 38
    WEBULL = 39
    PUBLIC = 40
    BLOOMBERG_FIX = 41
    CLEAR_STREET = 42


class RenkoType(LeanEnum):
    """``QuantConnect.Data.Market.RenkoType``."""

    CLASSIC = 0
    WICKED = 1


class BarDirection(LeanEnum):
    """``QuantConnect.Data.Market.BarDirection``."""

    RISING = 0
    NO_DELTA = 1
    FALLING = 2


class FileFormat(LeanEnum):
    """``QuantConnect.Data.FileFormat``."""

    CSV = 0
    BINARY = 1
    ZIP_ENTRY_NAME = 2
    UNFOLDING_COLLECTION = 3
    INDEX = 4
    FOLDING_COLLECTION = 5


class MovingAverageType(LeanEnum):
    """``QuantConnect.Indicators.MovingAverageType``."""

    SIMPLE = 0
    EXPONENTIAL = 1
    WILDERS = 2
    LINEAR_WEIGHTED_MOVING_AVERAGE = 3
    DOUBLE_EXPONENTIAL = 4
    TRIPLE_EXPONENTIAL = 5
    TRIANGULAR = 6
    T_3 = 7
    KAMA = 8
    HULL = 9
    ALMA = 10
    ZLEMA = 11
    MGD = 12


class IndicatorStatus(LeanEnum):
    """``QuantConnect.Indicators.IndicatorStatus``."""

    SUCCESS = 0
    INVALID_INPUT = 1
    MATH_ERROR = 2
    VALUE_NOT_READY = 3


class PivotPointType(LeanEnum):
    """``QuantConnect.Indicators.PivotPointType``."""

    LOW = -1
    NONE = 0
    HIGH = 1
    BOTH = 2


class CorrelationType(LeanEnum):
    """``QuantConnect.Indicators.CorrelationType``."""

    PEARSON = 0
    SPEARMAN = 1


class OptionPricingModelType(LeanEnum):
    """``QuantConnect.Indicators.OptionPricingModelType``."""

    BLACK_SCHOLES = 0
    BINOMIAL_COX_ROSS_RUBINSTEIN = 1
    FORWARD_TREE = 2


class SwissArmyKnifeTool(LeanEnum):
    """``QuantConnect.Indicators.SwissArmyKnifeTool``."""

    GAUSS = 0
    BUTTER = 1
    HIGH_PASS = 2
    TWO_POLE_HIGH_PASS = 3
    BAND_PASS = 4


class ContingencyType(LeanEnum):
    """``QuantConnect.Orders.ContingencyType``."""

    ONE_CANCELS_OTHER = 0
    ONE_TRIGGERS_OTHER = 1
    ONE_UPDATES_OTHER = 2


class ContingencyRole(LeanEnum):
    """``QuantConnect.Orders.ContingencyRole``."""

    PARENT = 0
    CHILD = 1


class OrderRequestType(LeanEnum):
    """``QuantConnect.Orders.OrderRequestType``."""

    SUBMIT = 0
    UPDATE = 1
    CANCEL = 2


class OrderRequestStatus(LeanEnum):
    """``QuantConnect.Orders.OrderRequestStatus``."""

    UNPROCESSED = 0
    PROCESSING = 1
    PROCESSED = 2
    ERROR = 3


class OrderType(LeanEnum):
    """``QuantConnect.Orders.OrderType``."""

    MARKET = 0
    LIMIT = 1
    STOP_MARKET = 2
    STOP_LIMIT = 3
    MARKET_ON_OPEN = 4
    MARKET_ON_CLOSE = 5
    OPTION_EXERCISE = 6
    LIMIT_IF_TOUCHED = 7
    COMBO_MARKET = 8
    COMBO_LIMIT = 9
    COMBO_LEG_LIMIT = 10
    TRAILING_STOP = 11


class OrderDirection(LeanEnum):
    """``QuantConnect.Orders.OrderDirection``."""

    BUY = 0
    SELL = 1
    HOLD = 2


class OrderStatus(LeanEnum):
    """``QuantConnect.Orders.OrderStatus``."""

    NEW = 0
    SUBMITTED = 1
    PARTIALLY_FILLED = 2
    FILLED = 3
    CANCELED = 5
    NONE = 6
    INVALID = 7
    CANCEL_PENDING = 8
    UPDATE_SUBMITTED = 9


class OrderPosition(LeanEnum):
    """``QuantConnect.Orders.OrderPosition``."""

    BUY_TO_OPEN = 0
    BUY_TO_CLOSE = 1
    SELL_TO_OPEN = 2
    SELL_TO_CLOSE = 3


class OrderResponseErrorCode(LeanEnum):
    """``QuantConnect.Orders.OrderResponseErrorCode``."""

    NONE = 0
    PROCESSING_ERROR = -1
    ORDER_ALREADY_EXISTS = -2
    INSUFFICIENT_BUYING_POWER = -3
    BROKERAGE_MODEL_REFUSED_TO_SUBMIT_ORDER = -4
    BROKERAGE_FAILED_TO_SUBMIT_ORDER = -5
    BROKERAGE_FAILED_TO_UPDATE_ORDER = -6
    BROKERAGE_HANDLER_REFUSED_TO_UPDATE_ORDER = -7
    BROKERAGE_FAILED_TO_CANCEL_ORDER = -8
    INVALID_ORDER_STATUS = -9
    UNABLE_TO_FIND_ORDER = -10
    ORDER_QUANTITY_ZERO = -11
    UNSUPPORTED_REQUEST_TYPE = -12
    PRE_ORDER_CHECKS_ERROR = -13
    MISSING_SECURITY = -14
    EXCHANGE_NOT_OPEN = -15
    SECURITY_PRICE_ZERO = -16
    FOREX_BASE_AND_QUOTE_CURRENCIES_REQUIRED = -17
    FOREX_CONVERSION_RATE_ZERO = -18
    SECURITY_HAS_NO_DATA = -19
    EXCEEDED_MAXIMUM_ORDERS = -20
    MARKET_ON_CLOSE_ORDER_TOO_LATE = -21
    INVALID_REQUEST = -22
    REQUEST_CANCELED = -23
    ALGORITHM_WARMING_UP = -24
    BROKERAGE_MODEL_REFUSED_TO_UPDATE_ORDER = -25
    QUOTE_CURRENCY_REQUIRED = -26
    CONVERSION_RATE_ZERO = -27
    NON_TRADABLE_SECURITY = -28
    NON_EXERCISABLE_SECURITY = -29
    ORDER_QUANTITY_LESS_THAN_LOT_SIZE = -30
    EXCEEDS_SHORTABLE_QUANTITY = -31
    INVALID_NEW_ORDER_STATUS = -32
    EUROPEAN_OPTION_NOT_EXPIRED_ON_EXERCISE = -33
    OPTION_ORDER_ON_STOCK_SPLIT = -34
    MARKET_ON_OPEN_NOT_ALLOWED_DURING_REGULAR_HOURS = -35


class OrderField(LeanEnum):
    """``QuantConnect.Orders.OrderField``."""

    LIMIT_PRICE = 0
    STOP_PRICE = 1
    TRIGGER_PRICE = 2
    TRAILING_AMOUNT = 3
    TRAILING_AS_PERCENTAGE = 4


class OrderError(LeanEnum):
    """``QuantConnect.Orders.OrderError``."""

    CAN_NOT_UPDATE_FILLED_ORDER = -8
    GENERAL_ERROR = -7
    TIMESTAMP_ERROR = -6
    MAX_ORDERS_EXCEEDED = -5
    INSUFFICIENT_CAPITAL = -4
    MARKET_CLOSED = -3
    NO_DATA = -2
    ZERO_QUANTITY = -1
    NONE = 0


class AdjustmentType(LeanEnum):
    """``QuantConnect.Securities.Interfaces.AdjustmentType``."""

    FORWARD_ADJUSTED = 0
    BACK_ADJUSTED = 1


class MarketHoursState(LeanEnum):
    """``QuantConnect.Securities.MarketHoursState``."""

    CLOSED = 0
    PRE_MARKET = 1
    MARKET = 2
    POST_MARKET = 3


class TradeDirection(LeanEnum):
    """``QuantConnect.Statistics.TradeDirection``."""

    LONG = 0
    SHORT = 1


class FillGroupingMethod(LeanEnum):
    """``QuantConnect.Statistics.FillGroupingMethod``."""

    FILL_TO_FILL = 0
    FLAT_TO_FLAT = 1
    FLAT_TO_REDUCED = 2


class FillMatchingMethod(LeanEnum):
    """``QuantConnect.Statistics.FillMatchingMethod``."""

    FIFO = 0
    LIFO = 1


class SecurityType(LeanEnum):
    """``QuantConnect.SecurityType``."""

    BASE = 0
    EQUITY = 1
    OPTION = 2
    COMMODITY = 3
    FOREX = 4
    FUTURE = 5
    CFD = 6
    CRYPTO = 7
    FUTURE_OPTION = 8
    INDEX = 9
    INDEX_OPTION = 10
    CRYPTO_FUTURE = 11


class OptionStyle(LeanEnum):
    """``QuantConnect.OptionStyle``."""

    AMERICAN = 0
    EUROPEAN = 1


class OptionRight(LeanEnum):
    """``QuantConnect.OptionRight``."""

    CALL = 0
    PUT = 1


class Resolution(LeanEnum):
    """``QuantConnect.Resolution``."""

    TICK = 0
    SECOND = 1
    MINUTE = 2
    HOUR = 3
    DAILY = 4


class TickType(LeanEnum):
    """``QuantConnect.TickType``."""

    TRADE = 0
    QUOTE = 1
    OPEN_INTEREST = 2


class AccountType(LeanEnum):
    """``QuantConnect.AccountType``."""

    MARGIN = 0
    CASH = 1


class ChartType(LeanEnum):
    """``QuantConnect.ChartType``."""

    OVERLAY = 0
    STACKED = 1


class SeriesType(LeanEnum):
    """``QuantConnect.SeriesType``."""

    LINE = 0
    SCATTER = 1
    CANDLE = 2
    BAR = 3
    FLAG = 4
    STACKED_AREA = 5
    PIE = 6
    TREEMAP = 7
    HEATMAP = 9
    SCATTER_3D = 10


class ScatterMarkerSymbol(LeanEnum):
    """``QuantConnect.ScatterMarkerSymbol``."""

    NONE = 0
    CIRCLE = 1
    SQUARE = 2
    DIAMOND = 3
    TRIANGLE = 4
    TRIANGLE_DOWN = 5


class Language(LeanEnum):
    """``QuantConnect.Language``."""

    C_SHARP = 0
    F_SHARP = 1
    VISUAL_BASIC = 2
    JAVA = 3
    PYTHON = 4


class MarketDataType(LeanEnum):
    """``QuantConnect.MarketDataType``."""

    BASE = 0
    TRADE_BAR = 1
    TICK = 2
    AUXILIARY = 3
    QUOTE_BAR = 4
    OPTION_CHAIN = 5
    FUTURES_CHAIN = 6


class DelistingType(LeanEnum):
    """``QuantConnect.DelistingType``."""

    WARNING = 0
    DELISTED = 1


class SplitType(LeanEnum):
    """``QuantConnect.SplitType``."""

    WARNING = 0
    SPLIT_OCCURRED = 1


class PositionSide(LeanEnum):
    """``QuantConnect.PositionSide``."""

    SHORT = -1
    NONE = 0
    LONG = 1


class SettlementType(LeanEnum):
    """``QuantConnect.SettlementType``."""

    PHYSICAL_DELIVERY = 0
    CASH = 1


class AlgorithmStatus(LeanEnum):
    """``QuantConnect.AlgorithmStatus``."""

    DEPLOY_ERROR = 0
    IN_QUEUE = 1
    RUNNING = 2
    STOPPED = 3
    LIQUIDATED = 4
    DELETED = 5
    COMPLETED = 6
    RUNTIME_ERROR = 7
    INVALID = 8
    LOGGING_IN = 9
    INITIALIZING = 10
    HISTORY = 11
    PENDING_INPUT = 12
    IDLE = 13


class SubscriptionTransportMedium(LeanEnum):
    """``QuantConnect.SubscriptionTransportMedium``."""

    LOCAL_FILE = 0
    REMOTE_FILE = 1
    REST = 2
    STREAMING = 3
    OBJECT_STORE = 4


class Period(LeanEnum):
    """``QuantConnect.Period``."""

    TEN_SECONDS = 10
    THIRTY_SECONDS = 30
    ONE_MINUTE = 60
    TWO_MINUTES = 120
    THREE_MINUTES = 180
    FIVE_MINUTES = 300
    TEN_MINUTES = 600
    FIFTEEN_MINUTES = 900
    TWENTY_MINUTES = 1200
    THIRTY_MINUTES = 1800
    ONE_HOUR = 3600
    TWO_HOURS = 7200
    FOUR_HOURS = 14400
    SIX_HOURS = 21600


class DataNormalizationMode(LeanEnum):
    """``QuantConnect.DataNormalizationMode``."""

    RAW = 0
    ADJUSTED = 1
    SPLIT_ADJUSTED = 2
    TOTAL_RETURN = 3
    FORWARD_PANAMA_CANAL = 4
    BACKWARDS_PANAMA_CANAL = 5
    BACKWARDS_RATIO = 6
    SCALED_RAW = 7


class DataMappingMode(LeanEnum):
    """``QuantConnect.DataMappingMode``."""

    LAST_TRADING_DAY = 0
    FIRST_DAY_MONTH = 1
    OPEN_INTEREST = 2
    OPEN_INTEREST_ANNUAL = 3


class CashBookUpdateType(LeanEnum):
    """``QuantConnect.CashBookUpdateType``."""

    ADDED = 0
    REMOVED = 1
    UPDATED = 2


class DeploymentTarget(LeanEnum):
    """``QuantConnect.DeploymentTarget``."""

    CLOUD_PLATFORM = 0
    LOCAL_PLATFORM = 1
    PRIVATE_CLOUD_PLATFORM = 2


class AlgorithmMode(LeanEnum):
    """``QuantConnect.AlgorithmMode``."""

    LIVE = 0
    OPTIMIZATION = 1
    BACKTESTING = 2
    RESEARCH = 3


class TradingDayType(LeanEnum):
    """``QuantConnect.TradingDayType``."""

    BUSINESS_DAY = 0
    PUBLIC_HOLIDAY = 1
    WEEKEND = 2
    OPTION_EXPIRATION = 3
    FUTURE_EXPIRATION = 4
    FUTURE_ROLL = 5
    SYMBOL_DELISTING = 6
    EQUITY_DIVIDENDS = 7
    ECONOMIC_EVENT = 8
