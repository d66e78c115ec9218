"""The reference files LEAN wants beside the prices, written from our own rules.

Minimal on purpose: US shares, and the crypto pairs people try first. ``lean`` refreshes both
databases from QuantConnect whenever it runs with a network; that larger file then simply stays.
"""

from __future__ import annotations

import json
from datetime import date
from importlib import resources
from typing import Any

from operations.data import calendar

NEW_YORK = "America/New_York"

#: Crypto markets around the clock, in UTC, and the quote currency of their usual pairs.
CRYPTO = {
    "coinbase": "USD",
    "kraken": "USD",
    "bitfinex": "USD",
    "binanceus": "USD",
    "binance": "USDT",
    "bybit": "USDT",
}

#: Coins listed for every crypto market: name and the smallest tradable quantity.
COINS = {
    "BTC": ("Bitcoin", "0.00001"),
    "ETH": ("Ether", "0.0001"),
    "LTC": ("Litecoin", "0.001"),
}

WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _segment(start: str, end: str, state: str) -> dict[str, str]:
    return {"start": start, "end": end, "state": state}


def _slash(day: date) -> str:
    return f"{day.month}/{day.day}/{day.year}"


def _us_equity() -> dict[str, Any]:
    trading_day = [
        _segment("04:00:00", "09:30:00", "premarket"),
        _segment("09:30:00", "16:00:00", "market"),
        _segment("16:00:00", "20:00:00", "postmarket"),
    ]
    entry: dict[str, Any] = {"dataTimeZone": NEW_YORK, "exchangeTimeZone": NEW_YORK}
    for number, name in enumerate(WEEK):
        entry[name] = trading_day if number < calendar.SATURDAY else []
    entry["holidays"] = [_slash(day) for day in calendar.holidays()]
    entry["earlyCloses"] = {
        _slash(day): close.isoformat() for day, close in calendar.early_closes().items()
    }
    return entry


def _always_open() -> dict[str, Any]:
    entry: dict[str, Any] = {"dataTimeZone": "UTC", "exchangeTimeZone": "UTC"}
    for name in WEEK:
        entry[name] = [_segment("00:00:00", "1.00:00:00", "market")]
    entry["holidays"] = []
    return entry


def market_hours() -> str:
    """Return ``market-hours-database.json``."""
    entries = {"Equity-usa-[*]": _us_equity()}
    entries.update({f"Crypto-{market}-[*]": _always_open() for market in CRYPTO})
    return json.dumps({"entries": entries}, indent=1) + "\n"


def symbol_properties() -> str:
    """Return ``symbol-properties-database.csv``."""
    rows = [
        "market,symbol,type,description,quote_currency,contract_multiplier,"
        "minimum_price_variation,lot_size,market_ticker,minimum_order_size,price_magnifier,"
        "strike_multiplier",
        "",
        "usa,[*],equity,,USD,1,0.01,1",
    ]
    for market, quote in CRYPTO.items():
        for coin, (name, lot) in COINS.items():
            pair = f"{coin}{quote}"
            rows.append(
                f"{market},{pair},crypto,{name} in {quote},{quote},1,0.01,{lot},{pair},{lot}"
            )
    return "\n".join(rows) + "\n"


def interest_rate() -> str:
    """Return the primary credit rate of the Federal Reserve, in percent, by the day it took effect.

    Announced by the Board of Governors (public domain). The rate exists since 2003-01-09; LEAN uses
    the first value for every earlier day, and so the Sharpe ratio of an earlier run is measured
    against 2.25%.
    """
    return resources.files("operations.data").joinpath("primary_credit.csv").read_text("utf-8")
