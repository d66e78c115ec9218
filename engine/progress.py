"""Progress bar and result table of the command line.

They are drawn by ``rich`` on a terminal. A file or a pipe gets plain lines, which are not cut to a
width, without the time that importing it takes.
"""

from __future__ import annotations

import os
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


def _may_be_terminal(stream: Any) -> bool:
    """Tell whether ``rich`` could take a stream for a terminal; it knows exactly."""
    if any(os.environ.get(name) for name in ("FORCE_COLOR", "TTY_COMPATIBLE")):
        return stream is not None
    asked = getattr(stream, "isatty", None)
    try:
        return asked is not None and bool(asked())
    except ValueError:  # of a closed stream
        return False


@contextmanager
def progress_bar(title: str) -> Iterator[Progress | None]:
    """Show a bar with date, equity and time left while a run lasts; none but on a terminal."""
    if not _may_be_terminal(sys.__stderr__):
        yield None
        return
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
    """Print the statistics of a result, the second half of them beside the first."""
    title = f"{result.name}: {result.status}"
    speed = (
        f"{result.data_points:,} data points in {result.seconds:.2f} s "
        f"({result.data_points / max(result.seconds, 1e-9):,.0f}/s)"
    )
    statistics = [(name, str(value)) for name, value in result.statistics.items()]
    half = (len(statistics) + 1) // 2
    right = [*statistics[half:], *[("", "")] * (2 * half - len(statistics))]
    rows = [(*first, *second) for first, second in zip(statistics[:half], right, strict=True)]
    if not _may_be_terminal(sys.stdout):
        widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
        print(title)
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            print("  ".join(cells).rstrip())
        print(speed)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, show_header=False)
    for row in rows:
        table.add_row(*row)
    console = Console()
    console.print(table)
    console.print(speed)
