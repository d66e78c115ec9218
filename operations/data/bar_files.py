"""Reading one zipped file of bars, and telling exactly where it cannot be read."""

from __future__ import annotations

import math
import zipfile
import zlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from operations.data.findings import Report

#: Columns of a row by kind of data: the time, then numbers.
COLUMNS = {"trade": 6, "quote": 11}


@dataclass(slots=True)
class BarTable:
    """The rows of one file that could be read.

    Attributes
    ----------
    rows
        Row number in the text, from 1.
    times
        Text of the first column.
    values
        Numbers of the other columns, in the file's own units.
    """

    rows: list[int]
    times: list[str]
    values: list[list[float]]


def read_text(path: Path, name: str, report: Report) -> str | None:
    """Return the one text inside a zip, or record why there is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            if not members:
                report.error("unreadable", name, None, "expected one file inside the zip, was none")
                return None
            return archive.read(members[0]).decode("utf-8-sig")
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, UnicodeDecodeError) as error:
        report.error(
            "unreadable",
            name,
            None,
            f"expected a complete zip, was damaged ({error}); fetch it again",
        )
        return None


def _time_is_readable(text: str, intraday: bool) -> bool:
    if intraday:
        return text.isdigit() and int(text) < 86_400_000
    try:
        datetime(int(text[:4]), int(text[4:6]), int(text[6:8]), int(text[9:11]), int(text[12:]))
    except ValueError:
        return False
    return len(text) == 14 and text[8] == " " and text[11] == ":"


def _number(cell: str) -> float:
    # An empty quote side is how LEAN writes "no quote".
    return 0.0 if cell == "" else float(cell)


def _check_prices(values: list[float], kind: str) -> str | None:
    """Return what is wrong with the prices of one row, if anything."""
    sides = [values[:4]] if kind == "trade" else [values[:4], values[5:9]]
    for bar in sides:
        if not all(math.isfinite(price) for price in bar):
            return "expected finite prices, was NaN or infinite"
        if kind == "quote" and not any(bar):
            continue
        first, high, low, last = bar
        if min(bar) <= 0:
            return f"expected positive prices, was {min(bar):g}"
        if high < max(first, last) or low > min(first, last):
            return (
                f"expected low <= open, close <= high, was open {first:g}, high {high:g}, "
                f"low {low:g}, close {last:g}"
            )
    return None


def read_bars(path: Path, name: str, kind: str, intraday: bool, report: Report) -> BarTable | None:
    """Read a file of bars and record every row that is not one.

    Parameters
    ----------
    kind
        ``trade`` (open, high, low, close, volume) or ``quote`` (bid bar, its size, ask bar, its
        size).
    intraday
        Times are milliseconds since midnight instead of ``yyyymmdd HH:MM``.
    """
    text = read_text(path, name, report)
    if text is None:
        return None
    table = BarTable([], [], [])
    seen: dict[str, int] = {}
    previous = -1
    for row, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        cells = line.split(",")
        if len(cells) != COLUMNS[kind]:
            report.error(
                "unreadable",
                name,
                row,
                f"expected {COLUMNS[kind]} columns, was {len(cells)}: {line!r}",
            )
            continue
        time = cells[0]
        if not _time_is_readable(time, intraday):
            wanted = "milliseconds since midnight" if intraday else "yyyymmdd HH:MM"
            report.error("unreadable", name, row, f"expected a time as {wanted}, was {time!r}")
            continue
        try:
            values = [_number(cell) for cell in cells[1:]]
        except ValueError:
            report.error("unreadable", name, row, f"expected numbers, was {line!r}")
            continue
        if wrong := _check_prices(values, kind):
            report.error("bad price", name, row, wrong)
            continue
        order = int(time) if intraday else int(time.replace(" ", "").replace(":", ""))
        if time in seen:
            report.error(
                "duplicate", name, row, f"expected one bar for {time}, row {seen[time]} is one"
            )
            continue
        if order < previous:
            report.error(
                "unsorted", name, row, f"expected rows in order of time, was {time} too late"
            )
            continue
        seen[time], previous = row, order
        table.rows.append(row)
        table.times.append(time)
        table.values.append(values)
    if not table.rows:
        report.error("unreadable", name, None, "expected at least one bar, was none")
    report.rows += len(table.rows)
    return table
