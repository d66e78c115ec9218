"""How often the rules that measure prices trip, and what came after, in Markdown.

    python tools/breaker_table.py --prepared data --lean-data DIR [--write FILE]

Real history, and two kinds of histories in which nothing is wrong by construction: its returns
drawn again in blocks of about 20 sessions (stationary bootstrap, Politis and Romano 1994) and one
by one. In the last kind no session says anything about the next: there every trip is a false
alarm. The rules run in the system itself, one alone with the others off, and all together.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from protection.contracts import ProtectionSettings
from tools.breaker_runs import (
    FOLLOWED,
    OFF,
    RULES,
    Prices,
    Trips,
    bitcoin,
    bootstrap,
    bootstrap_minutes,
    flash,
    followed,
    lean_shares,
    merged,
    minute_days,
    prepared_stocks,
    run,
    single,
)

LEARNED_AFTER = 504
"""Sessions left out before trips of a learned threshold count."""


def _cell(trips: Trips, share: tuple[float, float] | None = None) -> str:
    text = f"{trips.rate:.2f}" if trips.rate < 10 else f"{trips.rate:.1f}"
    if share is None:
        return text
    if not trips.at:
        return f"{text}, -"
    return f"{text}, {share[0]:.0%} ({share[1]:.0%})"


WORDS = """## What it says

- The default ratio of 2.0 means about four trips a year and share, eight for bitcoin: some 2,250 on
  20 shares in 31 years. After 41% of them (14% of all sessions) volatility stayed at 1.5 times the
  normal or more. Measured so, six trips in ten are false alarms, each of which costs half the size
  for a session or more. Histories without any storm trip it *more* often: a ratio of two short
  windows is noisy, so that a trip alone is weak evidence. With independent returns the share
  behind the comma is above the brackets too, because a trip follows a quiet normal.
- `volatility.rate` makes the rate a choice. From two trips a year on, the learned threshold gives
  the wanted rate to within 20% in all eighteen cells of shares; below that it stands at one and a
  half times the static one for much of the time and trips more than wanted (1.1 to 1.9 instead of
  1), which is the safe side of the clamp. Four years of bitcoin teach it too little: the columns
  up to 4 give 2.3 to 3.7.
- The stop of a position, both drawdowns and the daily loss come before more of the same clearly
  more often than an ordinary session on real history, and hardly or not at all on shuffled ones:
  what they know of the future is that storms last. A daily loss of 2% is common: 12 times a year
  on 20 shares, 50 on bitcoin; an account that is meant to bear more needs another threshold.
- With all rules and the cushion on, the drawdown breakers seldom trip: the cushion has reduced the
  account before.
- No minute of the sample data moves by 5%. That bounds the rate of the flash rule from above at
  about 0.075 trips a day of a share and 0.16 of a coin (95%, no trip in 40 and 19 days), no more.
- A stop counts from the average price of the entry: shares held for decades are far above it.
  Prices are closes; a rule that looks within the day trips more often than here. The 20 shares
  were chosen among those that survived.
"""

KINDS: tuple[tuple[str, float], ...] = (("real", 0.0), ("blocks of 20", 20.0), ("one by one", 1.0))


def rules_table(prices: Prices, accounts: bool, seed: int) -> list[str]:
    """Table of one class: every rule alone and all together, on the three kinds of history."""
    histories = {
        kind: prices if not block else bootstrap(prices, block, seed) for kind, block in KINDS
    }
    head = ["rule", "of", *(kind for kind, _ in KINDS), "real, all rules together"]
    lines = ["| " + " | ".join(head) + " |", "| --- | --- |" + " ---: |" * (len(head) - 2)]
    whole = {kind: run(history, {}) for kind, history in histories.items() if kind == "real"}
    for rule, key in RULES.items():
        default = ProtectionSettings().to_flat()[key]
        alone = {**OFF, key: default}
        symbol_rule = rule in ("volatility", "position_stop")
        cells = []
        for kind, _ in KINDS:
            history = histories[kind]
            trips = run(history, alone)[rule]
            cells.append(_cell(trips, followed(history, rule, trips)))
        what = "symbol" if symbol_rule else "account of all"
        lines.append(
            f"| `{rule}` | {what} | " + " | ".join(cells) + f" | {_cell(whole['real'][rule])} |"
        )
        if symbol_rule or not accounts:
            continue
        cells = []
        for kind, _ in KINDS:
            history = histories[kind]
            trips = merged((c, run(part, alone)) for c, part in single(history))[rule]
            cells.append(_cell(trips, followed(history, rule, trips)))
        lines.append(f"| `{rule}` | account of one | " + " | ".join(cells) + " | |")
    return lines


def learned_table(classes: list[Prices], wanted: tuple[float, ...], seed: int) -> list[str]:
    """Trips of the learned threshold against what was wanted, by class."""
    head = ["class", "fixed at 2.0", *(f"wanted {rate:g}" for rate in wanted)]
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    for prices in classes:
        for kind, block in KINDS:
            history = prices if not block else bootstrap(prices, block, seed)
            cells = []
            for rate in (None, *wanted):
                flat = {**OFF, "volatility.ratio": "2"}
                if rate is not None:
                    # the setting counts in years of 252 sessions
                    flat["volatility.rate"] = f"{rate * 252 / prices.year:.9g}"
                at = [n for n, _ in run(history, flat)["volatility"].at if n >= LEARNED_AFTER]
                years = (len(history.days) - LEARNED_AFTER) / prices.year * len(history.symbols)
                cells.append(f"{len(at) / years:.2f}")
            lines.append(f"| {prices.name}; {kind} | " + " | ".join(cells) + " |")
    return lines


def flash_table(lean: Path, seed: int) -> list[str]:
    """Trips of the flash rule on every day of minutes there is."""
    lines = [
        "| minutes of | days | real | 2% more within 5 minutes | blocks of 20 | one by one |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for kind, days in minute_days(lean).items():
        trips, after, usual, minutes = flash(days)
        blocks = flash(bootstrap_minutes(days, 20.0, seed))[0]
        shuffled = flash(bootstrap_minutes(days, 1.0, seed))[0]
        lines.append(
            f"| {kind} | {len(days)} | {trips} | {after} of {trips} (usual: {usual / minutes:.2%} "
            f"of the minutes) | {blocks} | {shuffled} |"
        )
    return lines


HEAD = """<!-- written by tools/breaker_table.py (make breaker-table); run it instead of editing -->

# How often the breakers trip

Trips a year of one symbol or one account, measured with the rules at their defaults in the system
itself; behind the comma the share of the trips after which came what the rule guards against, in
brackets the share of all sessions after which it came. A trip that is no better than the brackets
says nothing about what is to come; it bounds what one may lose meanwhile.

Three kinds of history: *real*; *blocks of 20*, its returns drawn again in blocks of about 20
sessions (stationary bootstrap, all symbols together); *one by one*, where no session says anything
about the next, so that every trip is a false alarm. Rules run alone, the others and the cushion
off; the last column has all of them on, with the cushion, at their defaults. Accounts hold all
symbols in equal parts, or one, fully invested, without costs. Decisions at a close are done at the
next.

What counts as having come:
"""


def page(prepared: Path, lean: Path, seed: int) -> str:
    """Text of the page."""
    stocks, shares, coin = prepared_stocks(prepared), lean_shares(lean), bitcoin(lean)
    lines = [HEAD + "\n".join(f"- `{rule}`: {FOLLOWED[rule][0]}" for rule in RULES), ""]
    for prices in (stocks, shares, coin):
        began = time.process_time()
        lines += [f"## {prices.name}", "", *rules_table(prices, len(prices.symbols) > 1, seed), ""]
        print(f"{prices.name}: {time.process_time() - began:.0f} s", file=sys.stderr)
    lines += [
        "## Flash moves, on every day of minutes in LEAN's sample data",
        "",
        *flash_table(lean, seed),
        "",
        "## Volatility with a learned threshold",
        "",
        "`volatility.rate` is the wanted number of trips a year of a symbol. The first "
        f"{LEARNED_AFTER} sessions are left out; all other rules are off.",
        "",
        *learned_table([stocks, shares, coin], (1.0, 2.0, 4.0, 6.0), seed),
        "",
    ]
    return "\n".join(lines) + "\n" + WORDS


def main() -> int:
    """Print or write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("--lean-data", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    text = page(asked.prepared, asked.lean_data, asked.seed)
    if asked.write is None:
        print(text)
    else:
        asked.write.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
