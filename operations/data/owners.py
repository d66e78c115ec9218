"""Which company a ticker's file belongs to on a given day: tickers change hands.

LEAN keeps bars under the ticker of the day and factors under the ticker a company ended with. The
map files join them: each row names the ticker a company traded under until that day, included.
"""

from __future__ import annotations

import csv
from bisect import bisect_left
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

from operations.data.findings import Report
from operations.data.lean_format import FAR


def compact_date(text: str) -> date:
    """Read ``yyyymmdd``; what follows it is ignored.

    Raises
    ------
    ValueError
        When the first eight characters are no date.
    """
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))


@dataclass(frozen=True, slots=True)
class Span:
    """One company under one ticker, first and last day included."""

    first: date
    last: date
    company: str


def _rows(folder: Path, name: str, numbers: int, report: Report) -> list[tuple[date, list[str]]]:
    """Read a CSV whose rows start with a date and hold ``numbers`` numbers (or a text) after it."""
    found = []
    report.files += 1
    text = (folder / name).read_text(encoding="utf-8-sig")
    for number, cells in enumerate(csv.reader(text.splitlines()), 1):
        if not cells:
            continue
        try:
            day = compact_date(cells[0])
            if len(cells) < 1 + max(numbers, 1):
                raise ValueError(f"{len(cells)} columns")
            for cell in cells[1 : 1 + numbers]:
                float(cell)
        except ValueError as error:
            report.error("unreadable", name, number, f"expected a date and its values, was {error}")
            continue
        found.append((day, cells[1:]))
    return sorted(found)


class Owners:
    """The map and factor files of a folder's US shares."""

    def __init__(self, folder: Path, report: Report) -> None:
        self._spans: dict[str, list[Span]] = {}
        self._last: dict[str, date] = {}
        self._factors: dict[str, tuple[list[date], list[float]]] = {}
        for path in sorted((folder / "equity/usa/map_files").glob("*.csv")):
            name = path.relative_to(folder).as_posix()
            self._add(path.stem, _rows(folder, name, 0, report))
        for path in sorted((folder / "equity/usa/factor_files").glob("*.csv")):
            name = path.relative_to(folder).as_posix()
            rows = [row for row in _rows(folder, name, 2, report) if "inf" not in row[1]]
            scales = [float(cells[0]) * float(cells[1]) for _, cells in rows]
            self._factors[path.stem] = ([day for day, _ in rows], scales)

    def _add(self, company: str, rows: list[tuple[date, list[str]]]) -> None:
        for (before, _), (last, cells) in pairwise(rows):
            spans = self._spans.setdefault(cells[0].lower(), [])
            first = before if before == rows[0][0] else date.fromordinal(before.toordinal() + 1)
            spans.append(Span(first, last, company))
        if rows:
            self._last[company] = rows[-1][0]

    def company(self, ticker: str, day: date) -> str:
        """Return the company behind ``ticker`` on ``day``; '' when a map file says there was none.

        A ticker without any map file is its own company.
        """
        spans = self._spans.get(ticker)
        if spans is None:
            return ticker
        return next((one.company for one in spans if one.first <= day <= one.last), "")

    def delisted(self, company: str) -> bool:
        """Tell whether the map file ends before LEAN's date for 'until further notice'."""
        return self._last.get(company, compact_date(FAR)) < compact_date(FAR)

    def scale(self, company: str, day: date) -> float:
        """Return what a price of ``day`` is multiplied by to be comparable with today's."""
        days, scales = self._factors.get(company, ([], []))
        at = bisect_left(days, day)
        return scales[at] if at < len(scales) else 1.0
