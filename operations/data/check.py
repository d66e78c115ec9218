"""Look through a LEAN data folder for what would silently spoil a backtest."""

from __future__ import annotations

import json
import math
from datetime import date, datetime, timedelta
from pathlib import Path

from operations.data import calendar
from operations.data.bar_files import BarTable, read_bars, read_text
from operations.data.findings import Report
from operations.data.owners import Owners, compact_date
from operations.data.prepare import DATABASES, read_manifest
from operations.errors import FolderError
from operations.files import sha256

#: Identical bars in a row before a daily series is called stale.
STALE_RUN = 5

#: A series may end this many sessions before the newest one of the folder.
LATE_SESSIONS = 10

#: Moves of a daily adjusted close beyond this factor, up or down, are reported.
JUMP = 1.45

#: Split ratios, and how far the day's own move may carry a price from one. Shares do halve in a day
#: without a split, so that a move has to be closer to 2 to be taken for one.
SPLITS = {2: 0.02, **dict.fromkeys((3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 50), 0.08)}


def _holidays(folder: Path, report: Report) -> set[date]:
    """Return the folder's own US equity holidays together with ours."""
    found = set(calendar.holidays())
    name = DATABASES[0]
    path = folder / name
    if not path.is_file():
        report.error("missing", name, None, "expected the market hours database, was no file")
        return found
    try:
        entry = json.loads(path.read_text(encoding="utf-8-sig"))["entries"]["Equity-usa-[*]"]
        found.update(datetime.strptime(day, "%m/%d/%Y").date() for day in entry["holidays"])
    except (ValueError, KeyError, TypeError) as error:
        report.error("unreadable", name, None, f"expected entry Equity-usa-[*], was {error!r}")
    return found


def _check_jumps(
    name: str, ticker: str, table: BarTable, days: list[date], owners: Owners, report: Report
) -> None:
    """Compare neighbouring closes of one company after LEAN's own adjustment."""
    previous, before = math.nan, ""
    for row, day, values in zip(table.rows, days, table.values, strict=True):
        company = owners.company(ticker, day)
        close = values[3] * owners.scale(company, day)
        comparable = previous > 0 and company == before and company != ""
        ratio = close / previous if comparable else 1.0
        previous, before = close, company
        size = max(ratio, 1 / ratio)
        if size < JUMP:
            continue
        split = next((n for n, slack in SPLITS.items() if abs(size / n - 1) < slack), None)
        if split:
            form = f"1-for-{split}" if ratio > 1 else f"{split}-for-1"
            report.error(
                "jump",
                name,
                row,
                f"expected adjusted prices, was a move of {ratio - 1:+.1%} on {day}, like an "
                f"unadjusted {form} split; correct the factor file",
            )
        else:
            report.warning("jump", name, row, f"the close moved {ratio - 1:+.1%} on {day}")


def _check_sessions(
    name: str, table: BarTable, days: list[date], holidays: set[date], report: Report
) -> None:
    """Compare the dates with the trading days between the first and the last."""
    for row, day in zip(table.rows, days, strict=True):
        if day.weekday() >= calendar.SATURDAY or day in holidays:
            report.warning("closed day", name, row, f"a bar on {day}, when the exchange was closed")
    for index in range(1, len(days)):
        step = (days[index] - days[index - 1]).days
        missing = [
            day
            for day in (days[index - 1] + timedelta(days=n) for n in range(1, step))
            if day.weekday() < calendar.SATURDAY and day not in holidays
        ]
        if missing:
            until = f" to {missing[-1]}" if len(missing) > 1 else ""
            report.warning(
                "gap",
                name,
                table.rows[index],
                f"{len(missing)} sessions missing: {missing[0]}{until}",
            )


def _check_stale(name: str, table: BarTable, report: Report) -> None:
    """Find runs of bars that repeat the one before in every price and in the volume."""
    run = 1
    for index in range(1, len(table.rows) + 1):
        if index < len(table.rows) and table.values[index] == table.values[index - 1]:
            run += 1
            continue
        if run >= STALE_RUN:
            start = index - run
            report.warning(
                "stale",
                name,
                table.rows[start],
                f"the same bar {run} times from {table.times[start][:8]}, as from a dead feed",
            )
        run = 1


def _check_daily(folder: Path, holidays: set[date], report: Report) -> None:
    owners = Owners(folder, report)
    ends: dict[str, tuple[str, date]] = {}
    for path in sorted((folder / "equity/usa/daily").glob("*.zip")):
        name = path.relative_to(folder).as_posix()
        report.files += 1
        report.series += 1
        table = read_bars(path, name, "trade", False, report)
        if table is None or not table.rows:
            continue
        days = [compact_date(time) for time in table.times]
        _check_sessions(name, table, days, holidays, report)
        _check_stale(name, table, report)
        _check_jumps(name, path.stem, table, days, owners, report)
        ends[name] = (owners.company(path.stem, days[-1]), days[-1])
    newest = max((day for _, day in ends.values()), default=date.min)
    for name, (company, last) in ends.items():
        if company == "" or owners.delisted(company):
            continue
        later = (last + timedelta(days=n) for n in range(1, (newest - last).days + 1))
        late = sum(day.weekday() < calendar.SATURDAY and day not in holidays for day in later)
        if late > LATE_SESSIONS:
            said = f"last bar {last}, {late} sessions before the newest {newest}"
            report.warning("ends early", name, None, said)


def _check_other_bars(folder: Path, report: Report) -> None:
    """Check that every other file of shares and crypto can be read, row by row."""
    for path in sorted(
        [*folder.glob("equity/usa/*/**/*.zip"), *folder.glob("crypto/*/*/**/*.zip")]
    ):
        parts = path.relative_to(folder).parts
        resolution = parts[2]
        if resolution not in ("minute", "second", "hour", "daily") or parts[:3] == (
            "equity",
            "usa",
            "daily",
        ):
            continue
        report.files += 1
        intraday = resolution in ("minute", "second")
        kind = "quote" if path.stem.endswith("_quote") else "trade"
        if path.stem.endswith("_openinterest"):
            continue
        read_bars(path, "/".join(parts), kind, intraday, report)


def _check_zips(folder: Path, report: Report) -> None:
    """Check that every zip of the kinds we have no column rules for is whole."""
    for path in sorted(folder.rglob("*.zip")):
        parts = path.relative_to(folder).parts
        if parts[0] in ("equity", "crypto"):
            continue
        report.files += 1
        read_text(path, "/".join(parts), report)


def _check_manifest(folder: Path, report: Report) -> None:
    manifest = read_manifest(folder)
    if manifest is None:
        return
    for name, digest in manifest["files"].items():
        path = folder / name
        if not path.is_file():
            report.error("missing", name, None, "expected the file of the manifest, was none")
        elif name not in DATABASES and sha256(path.read_bytes()) != digest:
            report.error(
                "changed", name, None, "expected the prepared file, was another; prepare it again"
            )


def check_folder(folder: Path) -> Report:
    """Check a LEAN data folder.

    Daily shares are checked for readable rows, order, duplicates, prices, missing sessions, bars on
    closed days, stale runs, early ends and moves that look like unadjusted splits; every other file
    for readable rows in order.

    Raises
    ------
    FolderError
        When there is no data folder.
    """
    if not folder.is_dir():
        raise FolderError(
            f"expected a LEAN data folder at {folder}, was none; `protect data prepare` makes one"
        )
    report = Report(folder)
    holidays = _holidays(folder, report)
    if not (folder / DATABASES[1]).is_file():
        report.error("missing", DATABASES[1], None, "expected the symbol properties, was no file")
    _check_manifest(folder, report)
    _check_daily(folder, holidays, report)
    _check_other_bars(folder, report)
    _check_zips(folder, report)
    if not report.files:
        report.error("missing", ".", None, "expected LEAN data files, was a folder without any")
    return report
