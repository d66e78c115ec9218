"""A post-mortem as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from protection.post_mortem.findings import ticker

if TYPE_CHECKING:
    from protection.post_mortem.analyzer import PostMortem

PART_WORDS = {
    "signal": "Signal (price moves within sessions of what the strategy wanted)",
    "gap": "Gap (moves between sessions)",
    "slippage": "Slippage (arrival price to fill)",
    "fees": "Fees",
    "forced_exit": "Forced exits (cost of the protection)",
    "avoided_loss": "Avoided loss (gain of the protection)",
    "other": "Other (dividends, interest, unexplained)",
}


def write(report: PostMortem) -> str:
    """Markdown text."""
    incident = report.incident
    lines: list[str] = []
    if incident is None:
        lines += ["# Post-mortem: no incident", ""]
        first, last = report.records
        lines += [f"Records {first} to {last}: nothing tripped, no cause to look for.", ""]
    else:
        ended = "still open" if incident.ended is None else f"{incident.ended:%Y-%m-%d %H:%M}"
        lines += [f"# Post-mortem {incident.name}", ""]
        lines += [
            f"- Begun {incident.begun:%Y-%m-%d %H:%M} UTC, ended {ended} "
            f"({incident.sessions} session(s))",
            f"- Severity {report.severity}; guards: {', '.join(incident.guards)}",
            f"- Top cause: **{report.cause or 'none found'}**",
            f"- Records {incident.first} to {incident.last}",
            "",
        ]
        lines += ["## Causes", "", "| cause | points | share | evidence | records |"]
        lines += ["|---|---:|---:|---|---|"]
        for cause in report.causes:
            for finding in cause.findings:
                lines.append(
                    f"| {cause.name} | {finding.points:g} | {cause.share:.0%} | "
                    f"{_cell(finding.text)} | {_records(finding.records)} |"
                )
        if not report.causes:
            lines.append("| none | | | no rule applied | |")
        lines.append("")
    lines += _books(report)
    lines += _advice(report)
    lines += _performance(report)
    if report.moments:
        lines += ["## Timeline", "", "| time (UTC) | record | what | |", "|---|---:|---|---|"]
        lines += [
            f"| {m.time:%Y-%m-%d %H:%M:%S} | {m.seq} | {_bold(m.kind, m.grave)} | {_cell(m.text)} |"
            for m in report.moments
        ]
        lines.append("")
    return "\n".join(lines)


def _books(report: PostMortem) -> list[str]:
    books = report.attribution
    if books is None:
        return []
    lines = ["## Profit and loss", "", "| part | amount |", "|---|---:|"]
    lines += [f"| {PART_WORDS[name]} | {value:,.2f} |" for name, value in books.parts.items()]
    lines += [f"| **Sum = change of equity** | **{books.pnl:,.2f}** |", ""]
    lines += [
        f"Equity {books.start_equity:,.2f} to {books.end_equity:,.2f}"
        + (f", {books.flows:,.2f} paid in" if books.flows else "")
        + f". Without the protection, at the same prices: {books.bare_pnl:,.2f} (estimate).",
        "",
    ]
    if books.by_symbol:
        lines += ["| symbol | signal | gap | slippage | fees | protection |"]
        lines += ["|---|---:|---:|---:|---:|---:|"]
        for name, parts in books.by_symbol.items():
            cells = " | ".join(f"{value + 0.0:,.2f}" for value in parts.values())
            lines.append(f"| {ticker(name)} | {cells} |")
        lines.append("")
    return lines


def _advice(report: PostMortem) -> list[str]:
    if not report.advice:
        return []
    lines = ["## What to change", ""]
    for one in report.advice:
        where = ""
        if one.setting:
            same = one.now == one.suggested
            where = f" `{one.setting}` = {one.now}" + (
                " (keep)" if same else f", proposed {one.suggested}"
            )
        lines.append(f"- {one.text}{where}")
        lines.append(f"  Evidence: {one.evidence} (records {_records(one.records)})")
    return [*lines, ""]


def _performance(report: PostMortem) -> list[str]:
    if not report.performance:
        return []
    lines = ["## Before, during, after", ""]
    lines.append(
        "| | sessions | change | drawdown | volatility | orders | refused | fills | turnover |"
    )
    lines.append("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    lines += [
        f"| {one.name} | {one.sessions} | {share(one.change)} | {share(one.drawdown)} | "
        f"{share(one.volatility)} | {one.orders} | {one.refused} | {one.fills} | "
        f"{one.turnover:.2f} |"
        for one in report.performance
    ]
    return [*lines, ""]


def share(value: float | None) -> str:
    """A fraction as text."""
    return "-" if value is None else f"{value:.2%}"


def _records(records: tuple[int, ...]) -> str:
    return ", ".join(map(str, records[:5])) + (" ..." if len(records) > 5 else "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _bold(text: str, grave: bool) -> str:
    return f"**{text}**" if grave else text
