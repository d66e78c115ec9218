"""The tables of the report, each as one HTML text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from operations.reporting import charts
from operations.reporting.charts import guard_name, percent
from operations.reporting.cost import Halt
from operations.reporting.curves import monthly
from operations.reporting.model import Report
from operations.reporting.protocol import PORTFOLIO, Episode, Event
from operations.reporting.svg import MONTHS, date_words

#: Guards whose values are ratios; those of all others are fractions, shown in per cent.
_RATIOS = frozenset({"leverage", "volatility"})
_STRONGEST = 0.08
_SHOWN = 8


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "", words: int = 1
) -> str:
    """Return a table; cells are HTML.

    Parameters
    ----------
    head, rows
        Headings, and as many cells in each row.
    kind
        Class of the table.
    words
        Number of leading columns that hold words; the others hold figures.
    """
    tops = "".join(
        f'<th scope="col"{"" if n < words else " class=n"}>{cell}</th>'
        for n, cell in enumerate(head)
    )
    body = []
    for row in rows:
        cells = "".join(
            f"<td{'' if n < words else ' class=n'}>{cell}</td>" for n, cell in enumerate(row)
        )
        body.append(f"<tr>{cells}</tr>")
    return (
        f'<div class="scroll"><table class="{kind}"><thead><tr>{tops}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def folded(title: str, inner: str) -> str:
    """Return something that opens on demand."""
    return f"<details><summary>{escape(title)}</summary>{inner}</details>"


def _amount(event: Event, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}×" if event.breaker in _RATIOS else percent(value, 2)


def _day(day: np.datetime64) -> str:
    return f'<span class="day">{date_words(day)}</span>'


def _signed(value: float | None, digits: int = 1) -> str:
    if value is None:
        return "–"
    kind = "up" if value > 0 else "down" if value < 0 else ""
    plus = "+" if value > 0 else ""
    return f'<span class="{kind}">{plus}{percent(value, digits)}</span>'


def crises(report: Report) -> str:
    """Return drawdowns with and without protection in every covered window."""
    if not report.crises:
        return "<p>The data covers none of the windows.</p>"
    head = ["Window", "From", "To", "Deepest loss inside", "from 252-session peak"]
    head += ["from all-time peak", "Return"]
    if report.summary is not None:
        head += ["Halts", "One-bar gap"]
    if report.limit is not None:
        head.append(f"Limit {percent(report.limit)}")
    rows = []
    for window in report.crises:
        ours, other = window.protected, window.bare
        row = [
            escape(window.name),
            _day(report.sessions[window.first]),
            _day(report.sessions[window.last]),
        ]
        for name in ("inside", "window", "lifetime"):
            second = None if other is None else percent(getattr(other, name), 1)
            row.append(_pair(percent(getattr(ours, name), 1), second))
        row.append(
            _pair(percent(ours.change, 1), None if other is None else percent(other.change, 1))
        )
        if report.summary is not None:
            gap = "none fired" if window.gap is None else percent(window.gap, 2)
            row += [str(window.halts), gap]
        if report.limit is not None:
            verdict = window.verdict(report.limit)
            kind = "bad" if verdict == "exceeded" else "good"
            row.append(f'<span class="{kind}">{verdict}</span>')
        rows.append(row)
    return table(head, rows, words=3)


def _pair(ours: str, other: str | None) -> str:
    """Return both runs' figures in their colours."""
    second = "" if other is None else f' <span class="bare">{other}</span>'
    return f'<b class="protected">{ours}</b>{second}'


def _reason(halt: Halt) -> str:
    if not halt.trips:
        return "adding still denied"
    more = f" (and {len(halt.trips) - 1} more)" if len(halt.trips) > 1 else ""
    return escape(halt.trips[0].reason) + more


def halts(report: Report) -> str:
    """Return the halts of the account with their gaps and what was missed or spared.

    Of many, those with the widest gaps are shown and the others on demand.
    """
    if not report.halts:
        return "<p>The account was never halted.</p>"
    if len(report.halts) <= _SHOWN:
        return _halts(report, report.halts)
    widest = sorted(report.halts, key=_gap, reverse=True)[:_SHOWN]
    shown = _halts(report, sorted(widest, key=lambda halt: halt.first))
    every = folded(f"All {len(report.halts)} halts", _halts(report, report.halts))
    return f"<p class=note>The {_SHOWN} with the widest gaps.</p>{shown}{every}"


def _gap(halt: Halt) -> float:
    """How far beyond its limit the halting guard was: in shares of the limit."""
    found = [
        event.beyond / float(event.evidence["threshold"])
        for event in halt.trips
        if event.beyond is not None and float(event.evidence["threshold"]) > 0
    ]
    return max(found, default=0.0)


def _halts(report: Report, shown: Sequence[Halt]) -> str:
    head = [
        "From",
        "Until",
        "Why",
        "Sessions",
        "Gap beyond the limit",
        "Next session",
        "Until the end",
    ]
    if report.bare:
        head += ["Unprotected", "Verdict"]
    rows = []
    for halt in shown:
        first = halt.trips[0] if halt.trips else None
        row = [
            _day(report.sessions[halt.first]),
            _day(report.sessions[halt.end]),
            _reason(halt),
            str(halt.sessions),
            "–" if first is None else _amount(first, first.beyond),
            _signed(halt.after_one, 2),
            _signed(halt.protected, 2),
        ]
        if report.bare:
            verdict = (
                '<span class="bad">false</span>'
                if halt.false
                else '<span class="day">spared a loss</span>'
            )
            row += [_signed(halt.bare, 2), verdict]
        rows.append(row)
    return table(head, rows, words=3)


def guards(report: Report) -> str:
    """Return how often each guard tripped."""
    rows = []
    for name in charts.guard_order(report):
        runs = [e for e in report.episodes if e.breaker == name]
        beyond = max(
            ((e.trip.beyond or 0.0, e.trip) for e in runs),
            key=lambda pair: pair[0],
        )
        account = all(e.scope == PORTFOLIO for e in runs)
        rows.append(
            [
                escape(guard_name(name)),
                "account" if account else "symbols: " + ", ".join(_symbols(runs)),
                f"{sum(e.trips for e in runs):,}",
                _day(runs[0].trip.day),
                _day(runs[-1].trip.day),
                _amount(beyond[1], beyond[0]) if beyond[1].beyond is not None else "–",
            ]
        )
    head = ["Guard", "Watches", "Trips", "First", "Last", "Furthest beyond its limit"]
    return table(head, rows, words=2)


def _symbols(runs: Sequence[Episode]) -> list[str]:
    names = sorted({escape(e.symbol) for e in runs})
    return names if len(names) <= 8 else [*names[:8], f"{len(names) - 8} more"]


def episodes(report: Report, guard: str) -> str:
    """Return every trip of one guard: with its reason, or its figures when there are many."""
    runs = [one for one in report.episodes if one.breaker == guard]
    many = len(runs) > charts.MANY
    rows = []
    for one in runs:
        until = "still in force" if one.until is None else date_words(one.until)
        row = [date_words(one.trip.day), until, escape(one.symbol or "account")]
        if many:
            value = one.trip.evidence.get("value")
            row.append(_amount(one.trip, value if isinstance(value, (int, float)) else None))
        else:
            row.append(escape(one.trip.reason.removeprefix(f"{guard}: ")))
        rows.append(row)
    note = f"<p class=note>As in: {escape(runs[0].trip.reason)}.</p>" if many else ""
    head = ["Tripped", "Until", "Where", "Value" if many else "Why"]
    return note + table(head, rows, "small", words=4)


def months(report: Report, which: str) -> str:
    """Return monthly returns as a heat map; ``which`` is protected, bare or difference."""
    ours = monthly(report.sessions, report.protected.equity)
    shown = ours
    if report.bare is not None and which != "protected":
        other = monthly(report.sessions, report.bare.equity)
        shown = other
        if which == "difference":
            shown = {
                year: [
                    None if a is None or b is None else a - b
                    for a, b in zip(row, other[year], strict=True)
                ]
                for year, row in ours.items()
            }
    strongest = 0.03 if which == "difference" else _STRONGEST
    rows = []
    for year, row in shown.items():
        cells = "".join(_cell(value, strongest, n == 12) for n, value in enumerate(row))
        rows.append(f"<tr><th scope=row>{year}</th>{cells}</tr>")
    head = "".join(f"<th scope=col class=n>{name}</th>" for name in [*MONTHS, "Year"])
    return (
        f'<div class="scroll"><table class="heat"><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cell(value: float | None, strongest: float, year: bool) -> str:
    kind = " class=year" if year else ""
    if value is None:
        return f"<td{kind}></td>"
    scale = strongest * (3 if year else 1)
    strength = min(abs(value) / scale, 1.0) * 0.75
    color = "var(--gain)" if value >= 0 else "var(--drop)"
    shown = percent(value, 1).rstrip("%")
    share = f"{strength:.0%}"
    return (
        f'<td{kind} style="background:color-mix(in srgb,{color} {share},transparent)">{shown}</td>'
    )


def statistics(report: Report) -> str:
    """Return LEAN's statistics of both runs."""
    ours = report.protected.statistics
    head = ["Statistic", "Protected" if report.summary else "Value"]
    if report.bare is not None:
        head.append("Unprotected")
    rows = []
    for name, value in ours.items():
        row = [escape(name), escape(str(value))]
        if report.bare is not None:
            row.append(escape(str(report.bare.statistics.get(name, "–"))))
        rows.append(row)
    half = (len(rows) + 1) // 2
    return f'<div class="two">{table(head, rows[:half])}{table(head, rows[half:])}</div>'


def orders(report: Report) -> str:
    """Return the count of orders by kind and status, and the proof about the gate."""
    rows = [
        [escape(kind), escape(status), f"{count:,}"]
        for (kind, status), count in sorted(report.kinds.items(), key=lambda item: -item[1])
    ]
    total = sum(report.kinds.values())
    rows.append(["<b>all orders of the run</b>", "", f"<b>{total:,}</b>"])
    kinds = table(["Kind", "Ended as", "Orders"], rows, words=2)
    proof = report.proof
    if proof is None:
        return kinds
    books = [
        ["judged by the order gate", f"{proof.judged:,}"],
        [
            "made by the engine itself, never shown to a gate (delisting, exercise)",
            str(proof.engine),
        ],
        ["refused by the engine before the gate was asked", str(proof.short)],
        ["not accounted for", f"{proof.unaccounted:,}"],
        ["<b>sum</b>", f"<b>{proof.judged + proof.engine + proof.short + proof.unaccounted:,}</b>"],
    ]
    refused = [[f"refused: {escape(guard_name(k))}", f"{v:,}"] for k, v in proof.refusals.items()]
    sentence = (
        f"Every one of the {proof.orders:,} orders passed through the gate or is of a kind that "
        "LEAN never shows it."
        if proof.holds
        else f"The books do not agree with the {proof.orders:,} orders of the result: some order "
        "was not judged. This is a defect; please report it."
    )
    verdict = f'<p class="{"good" if proof.holds else "bad"}">{sentence}</p>'
    gate = table(["How the protection booked them", "Orders"], books + refused)
    return f'{verdict}<div class="two">{gate}{kinds}</div>'


def settings(report: Report) -> str:
    """Return every setting of the protection."""
    if report.summary is None:
        return ""
    rows = [
        [escape(f"{section}.{name}"), escape("off" if value is None else str(value))]
        for section, values in report.summary.settings.items()
        for name, value in values.items()
    ]
    third = -(-len(rows) // 2)
    halves = [rows[:third], rows[third:]]
    inner = "".join(table(["Setting", "Value"], half, "small") for half in halves)
    return f'<div class="two">{inner}</div>'
