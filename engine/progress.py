"""Progress bar and result table of the command line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any


class Progress:
    """Receives the date and the equity of a run, about ten times a second."""

    def __init__(self, bar: Any, task: Any) -> None:
        self._bar, self._task = bar, task
        self._start: datetime | None = None
        self._total = 1.0

    def begin(self, start: datetime, end: datetime) -> None:
        """Set the span of the run."""
        self._start = start
        self._total = max((end - start).total_seconds(), 1.0)
        self._bar.update(self._task, total=self._total)

    def update(self, now: datetime, equity: float) -> None:
        """Move the bar."""
        assert self._start is not None
        done = min(max((now - self._start).total_seconds(), 0.0), self._total)
        self._bar.update(
            self._task, completed=done, date=f"{now:%Y-%m-%d}", equity=f"{equity:,.0f}"
        )


@contextmanager
def progress_bar(title: str) -> Iterator[Progress | None]:
    """Show a bar with date, equity and time left while a run lasts; none but on a terminal."""
    from rich.console import Console

    console = Console(file=sys.__stderr__)
    if not console.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    bar = Bar(
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[date]}  equity {task.fields[equity]}"),
        TimeRemainingColumn(),
        console=console,
    )
    with bar:
        yield Progress(bar, bar.add_task(title, total=None, date="", equity=""))


def print_table(result: Any) -> None:
    """Print the statistics of a result."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{result.name}: {result.status}", show_header=False)
    statistics = list(result.statistics.items())
    half = (len(statistics) + 1) // 2
    for row in range(half):
        left = statistics[row]
        right = statistics[row + half] if row + half < len(statistics) else ("", "")
        table.add_row(left[0], str(left[1]), right[0], str(right[1]))
    console = Console()
    console.print(table)
    console.print(
        f"{result.data_points:,} data points in {result.seconds:.2f} s "
        f"({result.data_points / max(result.seconds, 1e-9):,.0f}/s)"
    )
