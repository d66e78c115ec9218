"""Minute bars for the speed benchmarks: real SPY days, laid end to end."""

from __future__ import annotations

import shutil
import zipfile
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

DAYS = ("20131007", "20131008", "20131009", "20131010", "20131011")
FIRST_DAY = date(2003, 1, 2)
MINUTES = 390


def real_days(lean_data: Path) -> list[npt.NDArray[np.int64]]:
    """Read SPY's five days of October 2013: rows of ms, open, high, low, close, volume."""
    days = []
    for day in DAYS:
        archive = lean_data / "equity" / "usa" / "minute" / "spy" / f"{day}_trade.zip"
        with zipfile.ZipFile(archive) as file:
            text = file.read(file.namelist()[0]).decode()
        rows = np.array([[int(x) for x in line.split(",")] for line in text.splitlines()])
        inside = (rows[:, 0] >= 34_200_000) & (rows[:, 0] < 57_600_000)
        full = rows[inside]
        if len(full) == MINUTES:
            days.append(full)
    if not days:
        raise ValueError(f"expected full SPY minute days under {lean_data}, found none")
    return days


def trading_days(lean_data: Path, count: int) -> list[date]:
    """Return full trading days of US equities: weekdays on which SPY has a daily bar with a regular
    close.
    """
    archive = lean_data / "equity" / "usa" / "daily" / "spy.zip"
    with zipfile.ZipFile(archive) as file:
        text = file.read(file.namelist()[0]).decode()
    known = [date(int(r[:4]), int(r[4:6]), int(r[6:8])) for r in text.splitlines()]
    half = {(7, 3), (12, 24)}
    chosen = [
        d
        for d in known
        if d >= FIRST_DAY and (d.month, d.day) not in half and not _after_thanksgiving(d)
    ]
    return chosen[:count]


def _after_thanksgiving(day: date) -> bool:
    return day.month == 11 and day.weekday() == 4 and 23 <= day.day <= 29


def bars(lean_data: Path, count: int) -> tuple[list[date], list[npt.NDArray[np.int64]]]:
    """Return ``count`` minute bars as days, each day scaled so that it opens where the last one
    closed.
    """
    source = real_days(lean_data)
    days = trading_days(lean_data, -(-count // MINUTES))
    made, price = [], float(source[0][0, 1])
    for number in range(len(days)):
        rows = source[number % len(source)].copy()
        # every other round runs backwards in price, so that the level stays where it is
        factor = price / float(rows[0, 1])
        if number // len(source) % 2:
            rows[:, 1:5] = np.round(price * price / (rows[:, 1:5] * factor)).astype(np.int64)
            rows[:, [2, 3]] = rows[:, [3, 2]]
        else:
            rows[:, 1:5] = np.round(rows[:, 1:5] * factor).astype(np.int64)
        price = float(rows[-1, 4])
        made.append(rows)
    return days, made


def write_lean_folder(lean_data: Path, folder: Path, count: int) -> int:
    """Write the bars as a LEAN data folder with one equity, SPY; return how many there are."""
    for part in (
        "market-hours",
        "symbol-properties",
        "alternative/interest-rate",
        "equity/usa/map_files",
    ):
        shutil.copytree(lean_data / part, folder / part, dirs_exist_ok=True)
    (folder / "equity/usa/factor_files").mkdir(parents=True)
    (folder / "equity/usa/factor_files/spy.csv").write_text("19980102,1,1,1\n20501231,1,1,0\n")
    for resolution in ("daily", "hour"):
        target = folder / "equity" / "usa" / resolution
        target.mkdir(parents=True)
        shutil.copy(lean_data / "equity" / "usa" / resolution / "spy.zip", target)
    target = folder / "equity" / "usa" / "minute" / "spy"
    target.mkdir(parents=True)
    days, made = bars(lean_data, count)
    total = 0
    for day, rows in zip(days, made, strict=True):
        name = f"{day:%Y%m%d}"
        text = "\n".join(",".join(map(str, row)) for row in rows.tolist())
        with zipfile.ZipFile(target / f"{name}_trade.zip", "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr(f"{name}_spy_minute_trade.csv", text)
        total += len(rows)
    return total


def last_day(lean_data: Path, count: int) -> date:
    """Return the day of the last bar."""
    return trading_days(lean_data, -(-count // MINUTES))[-1]


def write_csv(lean_data: Path, path: Path, count: int) -> int:
    """Write the same bars as one CSV of UTC-naive times and dollars, for the peers."""
    days, made = bars(lean_data, count)
    lines = ["time,open,high,low,close,volume"]
    for day, rows in zip(days, made, strict=True):
        for row in rows.tolist():
            moment = timedelta(milliseconds=row[0] + 60_000)
            prices = ",".join(f"{x / 10_000:.4f}" for x in row[1:5])
            lines.append(f"{day} {moment},{prices},{row[5]}")
    path.write_text("\n".join(lines) + "\n")
    return len(lines) - 1
