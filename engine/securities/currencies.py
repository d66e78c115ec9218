"""Currency codes, stable coins, and the parts of currency pairs."""

from __future__ import annotations

from engine.types.dotnet import LeanObject

CURRENCY_SYMBOLS = {
    "USD": "$", "GBP": "₤", "JPY": "¥", "KRW": "₩", "EUR": "€", "NZD": "$", "AUD": "$", "CAD": "$",
    "CHF": "Fr", "HKD": "$", "SGD": "$", "XAG": "Ag", "XAU": "Au", "CNH": "¥", "CNY": "¥",
    "CZK": "Kč", "DKK": "kr", "HUF": "Ft", "INR": "₹", "MXN": "$", "NOK": "kr", "PLN": "zł",
    "SAR": "﷼", "SEK": "kr", "THB": "฿", "TRY": "₺", "TWD": "NT$", "ZAR": "R", "RUB": "₽",
    "BRL": "R$", "GNF": "Fr", "IDR": "Rp", "BTC": "₿", "BCH": "Ƀ", "BSV": "Ɓ", "LTC": "Ł",
    "ETH": "Ξ", "EOS": "ε", "XRP": "✕", "XLM": "*", "ETC": "ξ", "ZRX": "ZRX", "USDT": "₮",
    "ADA": "₳", "SOL": "◎", "DOT": "●", "DOGE": "Ð", "DAI": "◈", "ALGO": "Ⱥ", "ICP": "∞",
    "XMR": "ɱ", "XTZ": "ꜩ", "IOTA": "ɨ", "MIOTA": "ɨ", "MKR": "Μ", "ZEC": "ⓩ", "DASH": "Đ",
    "XNO": "Ӿ", "REP": "Ɍ", "STEEM": "ȿ", "THETA": "ϑ", "FIL": "⨎", "BAT": "⟁", "LSK": "Ⱡ",
    "NAV": "Ꞥ",
}  # fmt: skip

STABLE_PAIRS_COINBASE = frozenset(
    [
        "DAIUSDC",
        "DAIUSD",
        "GYENUSD",
        "PAXUSD",
        "PAXUSDT",
        "MUSDUSD",
        "USDCEUR",
        "USDCGBP",
        "USDTEUR",
        "USDTGBP",
        "USDTUSD",
        "USDTUSDC",
        "USTEUR",
        "USTUSD",
        "USTUSDT",
        "WBTCBTC",
    ]
)
_WITHOUT_PAIRS = {
    "binance": frozenset(
        [
            "USDCUSD",
            "USDTUSD",
            "USDPUSD",
            "SUSDUSD",
            "BUSDUSD",
            "USTUSD",
            "TUSDUSD",
            "FDUSDUSD",
            "DAIUSD",
            "IDRTIDR",
            "BNFCRUSD",
        ]
    ),
    "bitfinex": frozenset(("EURSEUR", "XCHFCHF")),
    "coinbase": frozenset(("USDCUSD",)),
    "bybit": frozenset(
        ["USDCUSD", "USDTUSD", "USDPUSD", "SUSDUSD", "BUSDUSD", "USTUSD", "TUSDUSD", "DAIUSD"]
    ),
    "dydx": frozenset(("USDCUSD",)),
}
_DOLLARS = ("USDT", "USDC", "USD")


def stable_pair(pair: str, market: str) -> bool:
    """Tell whether a market has no such pair because one coin is a promise of the other."""
    return pair in _WITHOUT_PAIRS.get(market, ())


def stable_coin(account_currency: str, cash_symbol: str, market: str) -> bool:
    """Tell whether a coin stands for the account currency without a pair to prove it."""
    if account_currency in _DOLLARS:
        others = [dollar for dollar in _DOLLARS if dollar != cash_symbol]
    else:
        others = [account_currency]
    return any(
        stable_pair(other + cash_symbol, market) or stable_pair(cash_symbol + other, market)
        for other in others
    )


def currency_symbol(code: str) -> str:
    """Return the sign of a currency, or its code."""
    return CURRENCY_SYMBOLS.get(code, code)


class Currencies(LeanObject):
    """LEAN's names for currencies."""

    USD = "USD"
    EUR = "EUR"
    GBP = "GBP"
    INR = "INR"
    IDR = "IDR"
    CNH = "CNH"
    CHF = "CHF"
    HKD = "HKD"
    JPY = "JPY"
    KRW = "KRW"
    NULL_CURRENCY = "QCC"
    CURRENCY_SYMBOLS = CURRENCY_SYMBOLS
    STABLE_PAIRS_COINBASE = STABLE_PAIRS_COINBASE

    @staticmethod
    def get_currency_symbol(currency: str) -> str:
        return currency_symbol(currency)

    @staticmethod
    def is_stable_coin_without_pair(*args: str) -> bool:
        """``(pair, market)`` or ``(account_currency, cash_symbol, market)``."""
        return stable_pair(*args) if len(args) == 2 else stable_coin(*args)
