"""The price series the prepared data folder is made of, and how their sources are read.

Prices stay decimal numbers from the source's text to LEAN's integers, so nothing is rounded on the
way unless the manifest says so.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from operations.data.wheels import WheelFile
from operations.errors import SourceError

STOCKS = WheelFile(
    "skfolio",
    "0.7.0",
    "skfolio/datasets/data/sp500_dataset.csv.gz",
    "ee21cac28befb1d0a739a9ceb22184f995394726aa0cfde9a21941d1ac04ac0d",
)
INDEX_CLOSE = WheelFile(
    "skfolio",
    "0.7.0",
    "skfolio/datasets/data/sp500_index.csv.gz",
    "894c34431c284f86aa64a467e176e2a3c9b697c857eb9ab35006c2dd55d3fdf2",
)
SP500_BARS = WheelFile(
    "arch",
    "8.0.0",
    "arch/data/sp500/sp500.csv.gz",
    "1e028cbb9c400cc018c816ccc439b33c919387e726c3ed5ca2c05c82746059de",
)
NASDAQ_BARS = WheelFile(
    "arch",
    "8.0.0",
    "arch/data/nasdaq/nasdaq.csv.gz",
    "b2009535343ebb14e0aa11ed086788d2997a416ffe4f9450eed9a561ae30ac59",
)
FILES = [STOCKS, INDEX_CLOSE, SP500_BARS, NASDAQ_BARS]

#: Primary listing of each stock, for the map files ("Q" NASDAQ, "N" New York).
LISTING = {"AAPL": "Q", "AMD": "Q", "MSFT": "Q", "PEP": "Q"}

ADJUSTED_CLOSE = (
    "Daily closes adjusted for splits and dividends by the source, so they were never quoted at "
    "this level and commissions per share weigh more in early years. open = high = low = close and "
    "volume = 0 because the source has closes only. The 20 companies were chosen by the source "
    "among those that survived to 2022: results on them are flattered by survivorship."
)
PRICE_INDEX = (
    "An index level, not something that can be bought: dividends are not in it and it has no "
    "spread or fee. "
)
CLOSE_ONLY_INDEX = (
    PRICE_INDEX + "open = high = low = close and volume = 0: the source has closes only."
)
INDEX_BARS = (
    PRICE_INDEX + "Open, high, low, close and volume of the exchange as the source has them."
)


@dataclass(frozen=True, slots=True)
class DailyBar:
    """One day of prices in dollars (index points for an index), and its volume."""

    day: date
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int


#: Sessions without any change of price after which a close is a carried-forward quote, no price.
FROZEN_RUN = 20


@dataclass(frozen=True, slots=True)
class Series:
    """A daily price series under the ticker an algorithm asks for.

    Attributes
    ----------
    ticker
        What ``add_equity`` is called with.
    name
        What it is, in words.
    kind
        ``stock`` or ``index``.
    fields
        ``close`` when only the close is real, ``ohlcv`` when the whole bar is.
    note
        What a user of the numbers has to know.
    source
        Where it comes from.
    bars
        In order of date.
    left_out
        How many rows of the source before the first bar are not used; see `usable`.
    """

    ticker: str
    name: str
    kind: str
    fields: str
    note: str
    source: WheelFile
    bars: tuple[DailyBar, ...]
    left_out: int = 0


def usable(bars: tuple[DailyBar, ...]) -> tuple[DailyBar, ...]:
    """Return the bars after the last run of `FROZEN_RUN` or more identical closes.

    Before it the source carried old quotes forward for weeks, and a backtest would trade at prices
    nobody was offered, then meet the pent-up move as one jump.
    """
    start = run = 0
    for index in range(1, len(bars)):
        run = run + 1 if bars[index].close == bars[index - 1].close else 0
        if run + 1 >= FROZEN_RUN:
            start = index
    return bars[start:]


def _price(text: str, file: WheelFile, row: int) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(0)
    if not value.is_finite() or value <= 0:
        raise SourceError(f"expected a positive price in {file.member}, row {row}, was {text!r}")
    return value


def _close_only(text: str, file: WheelFile) -> dict[str, tuple[DailyBar, ...]]:
    """Read a table with one column of closes per ticker."""
    rows = csv.reader(io.StringIO(text))
    tickers = next(rows)[1:]
    bars: dict[str, list[DailyBar]] = {ticker: [] for ticker in tickers}
    for number, cells in enumerate(rows, 2):
        day = date.fromisoformat(cells[0])
        for ticker, cell in zip(tickers, cells[1:], strict=True):
            close = _price(cell, file, number)
            bars[ticker].append(DailyBar(day, close, close, close, close, 0))
    return {ticker: tuple(found) for ticker, found in bars.items()}


def _full_bars(text: str, file: WheelFile) -> tuple[DailyBar, ...]:
    """Read a table of Date, Open, High, Low, Close, Adj Close, Volume."""
    bars = []
    for number, row in enumerate(csv.DictReader(io.StringIO(text)), 2):
        day = datetime.strptime(row["Date"], "%m/%d/%Y").date()
        first, high, low, last = (
            _price(row[key], file, number) for key in ("Open", "High", "Low", "Close")
        )
        bars.append(DailyBar(day, first, high, low, last, int(row["Volume"])))
    return tuple(bars)


def read_series(texts: dict[WheelFile, str]) -> list[Series]:
    """Turn the text of the four source files into series, stocks first."""
    series = [
        Series(
            ticker=ticker,
            name=f"{ticker}, adjusted daily close",
            kind="stock",
            fields="close",
            note=ADJUSTED_CLOSE,
            source=STOCKS,
            bars=usable(bars),
            left_out=len(bars) - len(usable(bars)),
        )
        for ticker, bars in sorted(_close_only(texts[STOCKS], STOCKS).items())
    ]
    (index,) = _close_only(texts[INDEX_CLOSE], INDEX_CLOSE).values()
    series.append(
        Series(
            "SP500INDEX",
            "S&P 500 index level, close only",
            "index",
            "close",
            CLOSE_ONLY_INDEX,
            INDEX_CLOSE,
            index,
        )
    )
    for ticker, name, file in (
        ("SP500BARS", "S&P 500 index level, daily bars", SP500_BARS),
        ("NASDAQBARS", "NASDAQ Composite index level, daily bars", NASDAQ_BARS),
    ):
        bars = _full_bars(texts[file], file)
        series.append(Series(ticker, name, "index", "ohlcv", INDEX_BARS, file, bars))
    return series
