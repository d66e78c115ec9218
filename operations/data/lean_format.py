"""LEAN's files for a daily US equity: the zipped bars, the map file and the factor file.

Prices are whole numbers of a ten-thousandth of a dollar in LEAN's equity files. Where a price is so
small that this grid would move a return, the whole series is multiplied by a power of ten.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

from operations.data.calendar import REGULAR_CLOSE, early_closes
from operations.data.series import DailyBar, Series

#: LEAN's price grid for equities: integers of 1/10,000 dollar.
GRID = Decimal(10_000)

#: How far rounding to the grid may move any price, relative. Two of them bound a return's error.
TOLERANCE = Decimal("0.00005")

#: The date LEAN writes for "until further notice".
FAR = "20501231"


@lru_cache(maxsize=4096)
def _rounded(price: Decimal, scale: int) -> int:
    return int((price * scale * GRID).to_integral_value(ROUND_HALF_EVEN))


def rounding_error(prices: Iterable[Decimal], scale: int) -> Decimal:
    """Return the largest relative error of ``prices`` times ``scale`` on LEAN's grid."""
    exact = ((price * scale * GRID, _rounded(price, scale)) for price in prices)
    return max(
        (abs(stored / price - 1) for price, stored in exact if stored != price), default=Decimal(0)
    )


def choose_scale(bars: Iterable[DailyBar]) -> int:
    """Return the smallest power of ten at which rounding moves no price by more than `TOLERANCE`.

    Returns are then kept to 1e-4 relative. The scale is 1 wherever the grid already holds the
    source's digits.
    """
    prices = {price for bar in bars for price in (bar.open, bar.high, bar.low, bar.close)}
    scale = 1
    while rounding_error(prices, scale) > TOLERANCE:
        scale *= 10
    return scale


def daily_rows(bars: Iterable[DailyBar], scale: int) -> str:
    """Return LEAN's daily rows: ``yyyymmdd 00:00,open,high,low,close,volume``."""
    return "".join(
        f"{bar.day:%Y%m%d} 00:00,{_rounded(bar.open, scale)},{_rounded(bar.high, scale)},"
        f"{_rounded(bar.low, scale)},{_rounded(bar.close, scale)},{bar.volume}\n"
        for bar in bars
    )


def closing_hour_rows(bars: Iterable[DailyBar], scale: int) -> str:
    """Return hourly rows with one bar a session: the close, in the hour that ends with it.

    LEAN reads a benchmark from hourly bars whatever the algorithm subscribes to, and without any
    takes it for worthless. Of the other hours nothing is known, and nothing is written.
    """
    shortened = early_closes()
    rows = []
    for bar in bars:
        hour = shortened.get(bar.day, REGULAR_CLOSE).hour - 1
        close = _rounded(bar.close, scale)
        rows.append(f"{bar.day:%Y%m%d} {hour:02}:00,{close},{close},{close},{close},0\n")
    return "".join(rows)


def zipped(member: str, text: str) -> bytes:
    """Return a zip with one text file, the same bytes on every machine and every day."""
    buffer = io.BytesIO()
    info = zipfile.ZipInfo(member, date_time=(1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 3
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, text)
    return buffer.getvalue()


def map_file(series: Series, listing: str) -> str:
    """Return a map file: the ticker never changed and is not delisted."""
    ticker = series.ticker.lower()
    suffix = f",{listing}" if listing else ""
    return f"{series.bars[0].day:%Y%m%d},{ticker}{suffix}\n{FAR},{ticker}{suffix}\n"


def factor_file(series: Series) -> str:
    """Return a factor file of ones: the source has already adjusted the prices."""
    return f"{series.bars[0].day:%Y%m%d},1,1,1\n{FAR},1,1,0\n"
