"""The result of a backtest in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from operations.reporting.charts import percent
from operations.reporting.model import Report
from operations.reporting.page import verdict

_SHOWN = (
    "End Equity",
    "Net Profit",
    "Compounding Annual Return",
    "Annual Standard Deviation",
    "Sharpe Ratio",
    "Sortino Ratio",
    "Total Orders",
    "Total Fees",
    "Portfolio Turnover",
)


def result_table(report: Report) -> Table:
    """Return the main figures, protected beside bare."""
    title = f"{report.name}: {report.status}"
    table = Table(title=title, title_justify="left")
    table.add_column("", no_wrap=True)
    table.add_column("protected" if report.summary else "this run", justify="right", style="bold")
    tracks = [report.protected]
    if report.bare is not None:
        tracks.append(report.bare)
        table.add_column("guards off", justify="right")
    losses = (("Deepest loss from the peak", "lifetime"), ("... from the 252-day peak", "window"))
    for words, name in losses:
        figures = [percent(float(getattr(one, name).max()), 1) for one in tracks]
        table.add_row(words, *figures)
    for name in _SHOWN:
        table.add_row(name, *(str(one.statistics.get(name, "")) for one in tracks))
    if report.crises:
        table.add_section()
    for window in report.crises:
        row = [percent(window.protected.inside, 1)]
        if window.bare is not None:
            row.append(percent(window.bare.inside, 1))
        table.add_row(f"Loss in: {window.name}", *row)
    return table


def print_result(report: Report, console: Console) -> None:
    """Print the table and the verdict in sentences."""
    console.print(result_table(report))
    for line in verdict(report):
        console.print(line)
    console.print(
        f"{report.data_points:,} data points in {report.seconds:.2f} s "
        f"({report.data_points / max(report.seconds, 1e-9):,.0f}/s)"
    )
