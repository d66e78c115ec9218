"""Daily returns the risk figures are measured on: SPY of LEAN's sample data and prepared stocks."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]


def lean_data() -> Path:
    """LEAN's sample data folder: environment variable LEAN_DATA or ../shared/lean-data."""
    return Path(os.environ.get("LEAN_DATA", ROOT.parent / "shared" / "lean-data"))


def prepared_data() -> Path:
    """Folder that `make data` writes: environment variable PREPARED_DATA or data/."""
    return Path(os.environ.get("PREPARED_DATA", ROOT / "data"))


def closes(folder: Path, ticker: str) -> tuple[NDArray[np.datetime64], NDArray[np.float64]]:
    """Dates and closes adjusted for splits and dividends by the factor file, both shape (n,)."""
    daily = folder / "equity" / "usa" / "daily" / f"{ticker.lower()}.zip"
    with zipfile.ZipFile(daily) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    rows = [line.split(",") for line in text.split()]
    # "19980102", "00:00,o,h,l,c,v": the date and the time are split by the blank between them.
    dates = np.array(
        [f"{row[0][:4]}-{row[0][4:6]}-{row[0][6:8]}" for row in rows[::2]], dtype="datetime64[D]"
    )
    prices = np.array([float(row[4]) for row in rows[1::2]]) / 1e4
    factors = folder / "equity" / "usa" / "factor_files" / f"{ticker.lower()}.csv"
    lines = [line.split(",") for line in factors.read_text().split() if "inf" not in line]
    ends = np.array(
        [f"{line[0][:4]}-{line[0][4:6]}-{line[0][6:8]}" for line in lines], dtype="datetime64[D]"
    )
    values = np.array([float(line[1]) * float(line[2]) for line in lines])
    return dates, prices * values[np.minimum(np.searchsorted(ends, dates), values.size - 1)]


def returns(folder: Path, ticker: str) -> tuple[NDArray[np.datetime64], NDArray[np.float64]]:
    """Dates and simple returns, both shape (n - 1,)."""
    dates, prices = closes(folder, ticker)
    return dates[1:], prices[1:] / prices[:-1] - 1.0


def spy() -> tuple[NDArray[np.datetime64], NDArray[np.float64]]:
    """SPY from January 1998 to March 2021."""
    return returns(lean_data(), "spy")


def stocks() -> dict[str, tuple[NDArray[np.datetime64], NDArray[np.float64]]]:
    """Twenty large companies, 1990 to 2022; they were chosen among those that survived."""
    folder = prepared_data()
    names = sorted(path.stem for path in (folder / "equity" / "usa" / "daily").glob("*.zip"))
    if not names:
        raise FileNotFoundError(f"expected prepared daily prices in {folder}; run `make data`")
    return {
        name.upper(): returns(folder, name)
        for name in names
        if name not in ("nasdaqbars", "sp500bars", "sp500index")
    }
