"""How data folders are shown in the terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from operations.data.findings import Report, Severity


def prepared_table(manifest: dict[str, Any]) -> Table:
    """Return a table of the series in a prepared folder."""
    table = Table(title="Prepared series", title_justify="left")
    for column in ("ticker", "what", "real fields", "from", "to"):
        table.add_column(column)
    for column in ("days", "scale"):
        table.add_column(column, justify="right")
    for one in manifest["series"]:
        cells = (one["ticker"], one["kind"], one["fields"], one["first"], one["last"])
        table.add_row(*cells, f"{one['rows']:,}", str(one["scale"]))
    return table


def print_report(report: Report, console: Console, limit: int = 0) -> None:
    """Print the findings, errors first, and one line that sums them up."""
    order = sorted(report.findings, key=lambda finding: finding.severity is not Severity.ERROR)
    shown = order[:limit] if limit else order
    for finding in shown:
        color = "red" if finding.severity is Severity.ERROR else "yellow"
        where = finding.file + (f", row {finding.row}" if finding.row else "")
        line = Text.assemble((f"{finding.severity} ", color), f"{finding.kind}: {where}: ")
        console.print(line.append(finding.message), soft_wrap=True)
    if len(shown) < len(order):
        console.print(f"... and {len(order) - len(shown)} more; --limit 0 prints all")
    console.print(
        f"{report.folder}: {report.files:,} files, {report.series:,} daily series, {report.rows:,} "
        f"rows; {report.count(Severity.ERROR)} errors, {report.count(Severity.WARNING)} warnings",
        soft_wrap=True,
    )
