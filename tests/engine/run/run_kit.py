"""A small LEAN data folder of our own making, an algorithm on it, and the command line in front."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import zipfile
from datetime import date, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

ALGORITHM = """from AlgorithmImports import *


class Small(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, 1, 2)
        self.set_end_date(2013, 3, 28)
        self.set_cash(100000)
        self.set_benchmark(lambda moment: 0)
        self.symbol = self.add_equity("AAA", Resolution.DAILY).symbol
        self.step = int(self.get_parameter("step", "5"))
        self.days = 0

    def on_data(self, data):
        if not data.bars.contains_key(self.symbol):
            return
        self.days += 1
        if self.days % self.step == 0:
            held = self.portfolio[self.symbol].invested
            self.set_holdings(self.symbol, 0 if held else 0.5)
"""


def weekdays(first: date, count: int) -> list[date]:
    """Return exchange days of early 2013: no weekends, none of the four holidays."""
    shut = {date(2013, 1, 1), date(2013, 1, 21), date(2013, 2, 18), date(2013, 3, 29)}
    days, day = [], first
    while len(days) < count:
        if day.weekday() < 5 and day not in shut:
            days.append(day)
        day += timedelta(days=1)
    return days


def rows(count: int = 60, seed: int = 1) -> list[str]:
    """Return daily rows of a random walk, prices in LEAN's ten-thousandths."""
    chance, price, made = random.Random(seed), 100.0, []
    for day in weekdays(date(2013, 1, 2), count):
        open_, close = price * (1 + chance.gauss(0, 0.004)), price * (1 + chance.gauss(0, 0.01))
        high, low = max(open_, close) * 1.003, min(open_, close) * 0.997
        cells = [f"{round(p * 100) * 100}" for p in (open_, high, low, close)]
        made.append(f"{day:%Y%m%d} 00:00,{','.join(cells)},{100_000 + chance.randrange(50_000)}")
        price = close
    return made


def write_zip(folder: Path, lines: list[str], ticker: str = "aaa") -> Path:
    """Write the daily file of a ticker."""
    path = folder / "equity" / "usa" / "daily" / f"{ticker}.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{ticker}.csv", "\n".join(lines) + "\n")
    return path


def make_folder(folder: Path, lean_data: Path, lines: list[str] | None = None) -> Path:
    """Make a data folder: LEAN's databases and one daily ticker, AAA."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("market-hours", "symbol-properties", "alternative"):
        (folder / name).symlink_to((lean_data / name).resolve())
    write_zip(folder, rows() if lines is None else lines)
    usa = folder / "equity" / "usa"
    (usa / "map_files").mkdir(exist_ok=True)
    (usa / "factor_files").mkdir(exist_ok=True)
    (usa / "map_files" / "aaa.csv").write_text("20100101,aaa,Q\n20501231,aaa,Q\n")
    (usa / "factor_files" / "aaa.csv").write_text("20100101,1,1,1\n20501231,1,1,0\n")
    return folder


def write_algorithm(folder: Path, text: str = ALGORITHM) -> Path:
    """Write an algorithm's ``main.py``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "main.py"
    path.write_text(text)
    return path


def command(*arguments: object) -> list[str]:
    """Return the command line of a run."""
    return [sys.executable, "-m", "engine", "run", *(str(a) for a in arguments)]


def start(*arguments: object, cwd: Path) -> subprocess.Popen[str]:
    """Start a run as a process of its own, in a folder of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command(*arguments),
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
