"""The page: one HTML file that needs nothing but a browser."""

from __future__ import annotations

import json
from html import escape
from importlib import resources
from typing import Any

import numpy as np

from operations.reporting import charts, tables
from operations.reporting.charts import percent
from operations.reporting.cost import percent_of
from operations.reporting.model import Report
from operations.reporting.svg import date_words

_CARDS = (
    ("End equity", "End Equity"),
    ("Return a year", "Compounding Annual Return"),
    ("Volatility a year", "Annual Standard Deviation"),
    ("Sharpe ratio", "Sharpe Ratio"),
)


def _money(value: float) -> str:
    return f"{value:,.0f}".replace("-", "\u2212")


def _cards(report: Report) -> str:
    ours, other = report.protected, report.bare
    cards: list[tuple[str, str, str | None]] = []
    for label, name in _CARDS:
        cards.append((label, _figure(ours.statistics, name), None))
        if other is not None:
            cards[-1] = (*cards[-1][:2], _figure(other.statistics, name))
    for label, kind in (
        ("Loss from all-time peak", "lifetime"),
        ("Loss from 252-day peak", "window"),
    ):
        cards.insert(
            2 if kind == "lifetime" else 3,
            (
                label,
                percent(-float(getattr(ours, kind).max()), 1),
                None if other is None else percent(-float(getattr(other, kind).max()), 1),
            ),
        )
    parts = []
    for label, value, second in cards:
        beside = "" if second is None else f'<span class="bare">{second} unprotected</span>'
        parts.append(f'<div class="card"><span>{escape(label)}</span><b>{value}</b>{beside}</div>')
    return f'<div class="cards">{"".join(parts)}</div>'


def _figure(statistics: Any, name: str) -> str:
    try:
        value = percent_of(statistics, name)
    except (KeyError, ValueError):
        return "–"
    if name == "End Equity":
        return _money(value)
    if name == "Compounding Annual Return":
        return percent(value, 1)
    return percent(value, 1) if name == "Annual Standard Deviation" else f"{value:.2f}"


def verdict(report: Report) -> list[str]:
    """Return the result in sentences, as the figures are, pleasant or not."""
    said = []
    if report.summary is None and report.status == "Completed":
        said.append("This algorithm wrote no summary of a protection: it ran without one.")
    elif report.summary is None:
        said.append("The run ended early: what protection did in it was not written down.")
    price = report.cost
    if price is not None and report.bare is not None:
        cost = "cost" if price.yearly >= 0 else "added"
        said.append(
            f"Protection {cost} {abs(price.yearly) * 100:.2f} points of return a year "
            f"({_money(abs(price.money))} {'less' if price.money < 0 else 'more'} at the end)."
        )
        ours, other = report.protected, report.bare
        change = "lowered" if price.saved_lifetime > 0 else "did not lower"
        said.append(
            f"It {change} the deepest loss from the all-time peak "
            f"({percent(float(ours.lifetime.max()), 1)} with, "
            f"{percent(float(other.lifetime.max()), 1)} without) and "
            f"{'lowered' if price.saved_window > 0 else 'did not lower'} that from the peak of the "
            f"last 252 sessions ({percent(float(ours.window.max()), 1)} with, "
            f"{percent(float(other.window.max()), 1)} without)."
        )
    if report.limit is not None and report.crises and report.bare is not None:
        limit = report.limit
        tested = [c for c in report.crises if c.bare is not None and c.bare.inside > limit]
        kept = [c for c in tested if c.verdict(limit) != "exceeded"]
        broken = [c for c in report.crises if c.verdict(limit) == "exceeded"]
        if not tested:
            said.append(
                f"In none of the {len(report.crises)} crisis windows did the unprotected account "
                f"lose more than {percent(limit)}: the limit was not tested there."
            )
        else:
            said.append(
                f"In {len(tested)} crisis windows the unprotected account lost more than "
                f"{percent(limit)}; with protection it stayed within the limit (and the gap of one "
                f"bar) in {len(kept)} of them."
            )
        if broken:
            said.append("Exceeded in: " + ", ".join(c.name for c in broken) + ".")
    if report.proof is not None:
        said.append(
            f"All {report.proof.orders:,} orders are accounted for at the gate."
            if report.proof.holds
            else "Not every order is accounted for at the gate: see below."
        )
    return said


def _cost(report: Report) -> str:
    price = report.cost
    if price is None:
        return ""
    sessions = len(report.sessions)
    rows = [
        ["Return given up over the whole run", percent(price.given_up, 1)],
        ["Return given up a year (difference of compounded returns)", percent(price.yearly, 2)],
        ["End equity, protected less unprotected", _money(price.money)],
        ["Extra orders", f"{price.orders:,}"],
        ["Extra fees", _money(price.fees)],
        ["Deepest loss spared, from the all-time peak", percent(price.saved_lifetime, 1)],
        ["Deepest loss spared, from the 252-session peak", percent(price.saved_window, 1)],
    ]
    times = [
        ["Sessions that ended halted", f"{price.halted:,} of {sessions:,}"],
        ["Sessions at a reduced size", f"{price.reduced:,} of {sessions:,}"],
        ["Mean size let through", percent(price.mean_multiplier, 1)],
        ["Halts", str(price.halt_count)],
        ["of these false", str(price.false_halts)],
    ]
    note = (
        "<p class=note>A halt is false when the unprotected account stood higher at its end than "
        "at its beginning. A negative figure in “spared” means that protection made it worse.</p>"
    )
    both = tables.table(["Price", ""], rows) + tables.table(["Time", ""], times)
    return f'<div class="two">{both}</div>{note}'


def _hover(report: Report) -> str:
    """Return the daily figures that the page shows under the pointer, in small numbers."""

    def whole(values: Any, factor: float = 1.0) -> list[int]:
        return [int(v) for v in np.rint(values * factor)]

    content: dict[str, Any] = {
        "d": [int(d) for d in report.sessions.astype(int)],
        "p": whole(report.protected.equity),
        "pl": whole(report.protected.lifetime, 1e4),
        "pw": whole(report.protected.window, 1e4),
        "pg": whole(report.protected.gross, 1e3),
    }
    if report.bare is not None:
        content |= {
            "b": whole(report.bare.equity),
            "bl": whole(report.bare.lifetime, 1e4),
            "bw": whole(report.bare.window, 1e4),
            "bg": whole(report.bare.gross, 1e3),
        }
    if report.summary is not None:
        names = sorted(set(report.summary.states))
        content |= {
            "m": whole(report.summary.multiplier, 1e2),
            "names": names,
            "s": [names.index(state) for state in report.summary.states],
        }
    return json.dumps(content, separators=(",", ":")).replace("</", "<\\/")


def _section(number: str, title: str, inner: str, note: str = "") -> str:
    if not inner:
        return ""
    words = f"<p class=note>{note}</p>" if note else ""
    return f'<section id="{number}"><h2>{escape(title)}</h2>{words}{inner}</section>'


def _months(report: Report) -> str:
    kinds = ["protected"] + (["bare", "difference"] if report.bare else [])
    names = {"protected": "Protected", "bare": "Unprotected", "difference": "Difference"}
    if len(kinds) == 1:
        return tables.months(report, "protected")
    inputs = "".join(
        f'<input type="radio" name="months" id="m-{kind}"{" checked" if n == 0 else ""}>'
        f'<label for="m-{kind}">{names[kind]}</label>'
        for n, kind in enumerate(kinds)
    )
    panes = "".join(
        f'<div class="pane m-{kind}">{tables.months(report, kind)}</div>' for kind in kinds
    )
    return f'<div class="tabs">{inputs}{panes}</div>'


def _breakers(report: Report) -> str:
    if report.summary is None:
        return ""
    if not report.episodes:
        return "<p>No guard tripped.</p>"
    legend = "".join(
        f'<span><i class="state {kind}"></i>{words}</span>'
        for kind, words in (
            ("open", "action in force"),
            ("cooldown", "cooling down"),
            ("probation", "probation"),
            ("latched", "waits for a person"),
            ("fault", "bad input"),
        )
    )
    details = "".join(
        tables.folded(
            f"Every time: {charts.guard_name(name)} "
            f"({sum(e.breaker == name for e in report.episodes):,})",
            tables.episodes(report, name),
        )
        for name in charts.guard_order(report)
    )
    halts = tables.halts(report)
    return (
        f'<div class="legend">{legend}</div>{charts.timeline(report)}{tables.guards(report)}'
        f"<h3>Halts of the whole account, and the gap that was open</h3>{halts}{details}"
    )


def _crises(report: Report) -> str:
    cards = "".join(
        f"<figure><figcaption>{escape(c.name)}</figcaption>{charts.crisis(report, c)}</figure>"
        for c in report.crises
    )
    return f'<div class="minis">{cards}</div>{tables.crises(report)}'


def _guards(report: Report) -> str:
    if report.summary is None:
        return ""
    lines = "".join(f"<li>{escape(line)}</li>" for line in report.summary.describe)
    return f"<ul>{lines}</ul>" + tables.folded("Every setting", tables.settings(report))


def render(report: Report) -> str:
    """Return the whole page."""
    days = f"{date_words(report.sessions[0])} to {date_words(report.sessions[-1])}"
    speed = f"{report.data_points:,} data points in {report.seconds:.1f} s"
    facts = [days, f"{len(report.sessions):,} sessions", f"data folder {report.data}", speed]
    if report.created:
        facts.append(report.created)
    banner = ""
    if report.status != "Completed":
        banner = (
            f'<p class="banner">This run ended early ({escape(report.status)}). '
            f"{escape(report.error)}</p>"
        )
    key = '<span><i class="key protected"></i>protected</span>'
    if report.summary is None:
        key = '<span><i class="key protected"></i>this run</span>'
    if report.bare is not None:
        key += '<span><i class="key bare"></i>same algorithm, guards off</span>'
    legend = f'<div class="legend">{key}<span><i class="key crisis"></i>crisis window</span></div>'
    said = "".join(f"<p>{escape(line)}</p>" for line in verdict(report))
    given = ", ".join(f"{k}={v}" for k, v in report.parameters.items()) or "none"
    sections = [
        _section("equity", "Equity", legend + charts.equity(report), "Logarithmic axis."),
        _section(
            "drawdown",
            "Drawdown",
            f"<h3>From the highest equity ever</h3>{charts.drawdown_lifetime(report)}"
            f"<h3>From the highest equity of the last 252 sessions</h3>"
            f"{charts.drawdown_window(report)}",
            "Measured at the end of each session. "
            "The dashed line is where the last breaker liquidates.",
        ),
        _section("crises", "Crisis windows", _crises(report), _CRISIS_NOTE),
        _section("breakers", "Breakers", _breakers(report), _BREAKER_NOTE),
        _section("exposure", "Exposure", _exposure(report), _EXPOSURE_NOTE),
        _section("cost", "What protection cost", _cost(report)),
        _section("months", "Monthly returns in per cent", _months(report)),
        _section("orders", "Orders and the gate", tables.orders(report)),
        _section("statistics", "Statistics", tables.statistics(report), _STATISTICS_NOTE),
        _section("guards", "What stood guard", _guards(report)),
    ]
    folder = resources.files("operations.reporting")
    page = folder.joinpath("page.html").read_text(encoding="utf-8")
    style = folder.joinpath("page.css").read_text(encoding="utf-8")
    fields = {
        "TITLE": f"{escape(report.name)}: backtest",
        "STYLE": style,
        "NAME": escape(report.name),
        "FACTS": " · ".join(escape(fact) for fact in facts),
        "BANNER": banner,
        "VERDICT": said,
        "CARDS": _cards(report),
        "SECTIONS": "".join(sections),
        "PARAMETERS": escape(given),
        "DATA": _hover(report),
    }
    return _fill(page, fields)


def _fill(page: str, fields: dict[str, str]) -> str:
    """Put each field in its place, in one pass: a field's own text is never looked at."""
    parts = page.split("@@")
    return "".join(fields[part] if number % 2 else part for number, part in enumerate(parts))


def _exposure(report: Report) -> str:
    legend = ""
    if report.summary is not None:
        legend = (
            '<div class="legend"><span><i class="key size"></i>share of its size that the strategy '
            "was allowed</span></div>"
        )
    return legend + charts.exposure(report)


_CRISIS_NOTE = (
    "The windows were fixed beforehand; only those that the data covers are shown. Equity is 100 "
    "on the eve; red marks sessions in which adding was denied. The one-bar gap is what lay beyond "
    "the limit when a drawdown breaker first saw it, plus what the session took in which the exit "
    "was filled: no rule on bars can promise less."
)
_BREAKER_NOTE = (
    "Each lane is one guard; a mark lasts from its trip until it asks for nothing any more. Guards "
    "of single symbols share a lane, and darker means several symbols at once."
)
_EXPOSURE_NOTE = "Sum of long and short holdings over equity, at the end of each session."
_STATISTICS_NOTE = "LEAN's names, definitions and rounding."
