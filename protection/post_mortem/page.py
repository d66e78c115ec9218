"""A post-mortem as one HTML page: its own style and pictures, no script, nothing to load."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from protection.post_mortem import pictures
from protection.post_mortem.findings import ticker
from protection.post_mortem.markdown import PART_WORDS, share

if TYPE_CHECKING:
    from protection.post_mortem.analyzer import PostMortem

_STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#5b6572;--paper:#fff;--line:#d9dee4;
--loss:#b3372f;--gain:#2b7a4b;--whole:#2f5d9b;--muted:#9aa4b0;--shade:#f6e3c5}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ed;--soft:#9aa4b0;--paper:#14171b;
--line:#333a42;--loss:#e0776f;--gain:#6cc28f;--whole:#7aa7e0;--muted:#5b6572;--shade:#3d3322}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);
max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
td.n,th.n{text-align:right;white-space:nowrap}.wide{overflow-x:auto}
svg{width:100%;height:auto;font:13px system-ui,sans-serif}svg text{fill:var(--ink)}
svg .small{fill:var(--soft);font-size:12px}.grid{stroke:var(--line)}
.line{fill:none;stroke:var(--whole);stroke-width:2}.trip{stroke:var(--loss);stroke-width:1.5}
.shade{fill:var(--shade)}.loss{fill:var(--loss)}.gain{fill:var(--gain)}.whole{fill:var(--whole)}
.muted{fill:var(--muted)}.lead{font-size:1.05rem}.grave{font-weight:600}
small,.soft{color:var(--soft)}code{font-family:ui-monospace,monospace}
"""


def write(report: PostMortem) -> str:
    """The page."""
    incident = report.incident
    name = "no incident" if incident is None else incident.name
    body = [f"<h1>Post-mortem: {escape(name)}</h1>", _lead(report)]
    body += _section("Equity", pictures.curve(report))
    if incident is not None:
        body += _section("Causes", pictures.cause_bars(report.causes) + _causes(report))
    if report.attribution is not None:
        body += _section("Profit and loss", pictures.waterfall(report.attribution) + _books(report))
    if report.market is not None:
        body += _section(
            "Moves of the day", pictures.move_bars(report.market) + _market_words(report)
        )
    body += _section("What to change", _advice(report))
    body += _section("Before, during, after", _performance(report))
    body += _section("Timeline", _timeline(report))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Post-mortem {escape(name)}</title><style>{_STYLE}</style></head><body>"
        f"{''.join(body)}</body></html>\n"
    )


def _section(title: str, content: str) -> list[str]:
    return [f"<h2>{escape(title)}</h2>", content] if content else []


def _lead(report: PostMortem) -> str:
    incident, books = report.incident, report.attribution
    if incident is None:
        first, last = report.records
        return f'<p class="lead">Records {first} to {last}: nothing tripped, no cause.</p>'
    ended = "still open" if incident.ended is None else f"{incident.ended:%Y-%m-%d %H:%M} UTC"
    money = "" if books is None else f" Change of equity <strong>{books.pnl:,.2f}</strong>."
    return (
        f'<p class="lead">Top cause <strong>{escape(report.cause or "none found")}</strong>, '
        f"severity {report.severity}.{money}</p>"
        f"<p>{incident.begun:%Y-%m-%d %H:%M} UTC to {ended}, {incident.sessions} session(s); "
        f"guards: {escape(', '.join(incident.guards))}; records {incident.first} to "
        f"{incident.last}.</p>"
    )


def _table(head: Iterable[str], rows: Iterable[Iterable[tuple[str, bool]]]) -> str:
    titles = "".join(
        f'<th scope="col"{" class=n" if title.startswith("#") else ""}>'
        f"{escape(title.lstrip('#'))}</th>"
        for title in head
    )
    lines = "".join(
        "<tr>"
        + "".join(f"<td{' class=n' if right else ''}>{cell}</td>" for cell, right in row)
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide"><table><thead><tr>{titles}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def _causes(report: PostMortem) -> str:
    if not report.causes:
        return "<p>No rule applied.</p>"
    return _table(
        ("cause", "#points", "evidence", "records"),
        (
            (
                (escape(cause.name), False),
                (f"{finding.points:g}", True),
                (escape(finding.text), False),
                (_records(finding.records), False),
            )
            for cause in report.causes
            for finding in cause.findings
        ),
    )


def _books(report: PostMortem) -> str:
    books = report.attribution
    assert books is not None
    rows = [
        ((escape(PART_WORDS[name]), False), (f"{value:,.2f}", True))
        for name, value in books.parts.items()
    ]
    rows.append((("<strong>Sum</strong>", False), (f"<strong>{books.pnl:,.2f}</strong>", True)))
    symbols = _table(
        ("symbol", "#signal", "#gap", "#slippage", "#fees", "#protection"),
        (
            ((escape(ticker(name)), False), *((f"{v + 0.0:,.2f}", True) for v in parts.values()))
            for name, parts in books.by_symbol.items()
        ),
    )
    estimate = (
        f"<p>Without the protection, at the same prices: {books.bare_pnl:,.2f} "
        "<small>(estimate)</small></p>"
    )
    return _table(("part", "#amount"), rows) + estimate + (symbols if books.by_symbol else "")


def _market_words(report: PostMortem) -> str:
    market = report.market
    assert market is not None
    if not market.moves:
        return ""
    return (
        f'<p class="soft">{market.breadth:.0%} of the symbols moved together by two normal days '
        "or more. In brackets: the move in the symbol's own normal days.</p>"
    )


def _advice(report: PostMortem) -> str:
    rows = []
    for one in report.advice:
        where = ""
        if one.setting:
            keep = one.now == one.suggested
            rest = "keep" if keep else f"proposed {escape(one.suggested)}"
            where = f"<br><code>{escape(one.setting)} = {escape(one.now)}</code> ({rest})"
        rows.append(
            f"<li>{escape(one.text)}{where}<br><small>{escape(one.evidence)} "
            f"(records {_records(one.records)})</small></li>"
        )
    return f"<ul>{''.join(rows)}</ul>" if rows else ""


def _performance(report: PostMortem) -> str:
    if not report.performance:
        return ""
    return _table(
        (
            *("", "#sessions", "#change", "#drawdown", "#volatility", "#orders", "#refused"),
            *("#fills", "#turnover"),
        ),
        (
            (
                (one.name, False),
                (str(one.sessions), True),
                (share(one.change), True),
                (share(one.drawdown), True),
                (share(one.volatility), True),
                (str(one.orders), True),
                (str(one.refused), True),
                (str(one.fills), True),
                (f"{one.turnover:.2f}", True),
            )
            for one in report.performance
        ),
    )


def _timeline(report: PostMortem) -> str:
    if not report.moments:
        return ""
    return _table(
        ("time (UTC)", "#record", "what", ""),
        (
            (
                (f"{m.time:%Y-%m-%d %H:%M:%S}", False),
                (str(m.seq), True),
                (
                    f'<span class="grave">{escape(m.kind)}</span>' if m.grave else escape(m.kind),
                    False,
                ),
                (escape(m.text), False),
            )
            for m in report.moments
        ),
    )


def _records(records: tuple[int, ...]) -> str:
    return ", ".join(map(str, records[:5])) + (" ..." if len(records) > 5 else "")
