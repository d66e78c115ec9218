"""Write docs/concepts/breakers.md and docs/concepts/controls.md from the code they describe.

Usage: ``make docs-breakers``; ``--check`` only tells whether they are current.
"""

from __future__ import annotations

import sys
from pathlib import Path

from protection.circuit_breakers import rules
from protection.circuit_breakers.gauges import gauge_meanings, gauge_rule
from protection.circuit_breakers.machine import BreakerRule
from protection.contracts.gauge_settings import GaugeSettings
from protection.contracts.order_settings import OrderSettings
from protection.contracts.settings import ProtectionSettings, meanings
from protection.risk.checks.catalogue import SEQUENCE

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "concepts"
NOTICE = "<!-- written by tools/breaker_docs.py (make docs-breakers); change the code instead -->"

MACHINE = "tests/protection/circuit_breakers/test_machine.py"
SYSTEM = "tests/protection/test_system.py"
GAUGES = "tests/protection/circuit_breakers/test_gauges.py"
GAUGE_TEST = f"{GAUGES}::test_each_gauge_trips_beyond_its_default_and_ends_after_its_pause"
RULE_TESTS = {
    "drawdown_peak": f"{MACHINE}::test_a_liquidation_goes_all_the_way_back_without_resetting_what_"
    "it_measures",
    "drawdown_recent": f"{SYSTEM}::test_fifteen_per_cent_in_24_hours_halts_then_trades_"
    "at_a_quarter",
    "daily_loss": f"{SYSTEM}::test_a_daily_loss_halts_to_the_next_session_on_minute_bars",
    "leverage": f"{SYSTEM}::test_leverage_beyond_the_limit_reduces_and_is_released_after_a_minute",
    "position_stop": f"{SYSTEM}::test_a_position_that_loses_15_per_cent_is_closed_alone",
    "volatility": f"{SYSTEM}::test_doubled_volatility_halves_the_size_of_the_symbol",
    "flash": f"{SYSTEM}::test_a_flash_move_freezes_the_symbol_for_five_minutes",
}
KEYS = {
    "drawdown_peak": "drawdown.liquidate",
    "drawdown_recent": "drawdown.halt",
    "daily_loss": "daily.loss",
    "leverage": "leverage.limit",
    "position_stop": "position.stop",
    "volatility": "volatility.ratio",
    "flash": "flash.move",
}
GAUGE_TESTS = {
    "slippage_high": f"{GAUGES}::test_scopes_hold_where_they_belong",
    "repeated_execution": f"{GAUGES}::test_a_repeated_execution_stays_latched_until_somebody_"
    "re_arms_it",
}

CONTROLS_HEAD = """# Controls of the order gate

The gate asks these checks about every order that adds exposure, in this sequence, from cheap to
dear, and keeps the reasons of all that refuse. An order that reduces passes in every state and can
never flip a position. When the state refuses, nothing else is asked; without a reference price
nothing after `price` can be judged; the checks from `stage_capital` on are asked about orders that
passed everything before them.

What does not depend on the order (values of the positions, sums over all symbols at their worst,
scenarios of the book) is worked out once for a snapshot and what is in flight, and anew when either
changes, a mapping of positions that changed in place included. The answers are the same as without
(`tests/protection/risk/test_gate_memory.py`).

The paragraphs name what a check *supports*; whether an installation complies is for its operator
to show. Checks with a setting are off by default unless the table says otherwise.
"""

BREAKERS_HEAD = """# Circuit breakers

Every breaker is the same state machine: closed, warn, open, cooldown, probation, latched
(`protection/circuit_breakers/machine.py`). The board resolves all of them to one verdict with every
reason. A breaker can be disabled for at most a day by name and reason; that is recorded, stands in
every verdict, and ends by itself.

```python
system.observe(Statistic("SPY", now, "vpin", 0.81))   # a gauge's statistic
verdict = system.evaluate(portfolio)                   # state, reasons, until, multiplier
system.rearm("repeated_execution", "Ada", "signal mended")
system.disable("kl", until, "Ada", "retraining")
```

## Rules measured here
"""

GAUGES_HEAD = """
## Gauges: statistics from outside

A gauge is idle until its statistic is fed; from then on a figure that is not finite, comes from the
future, or does not come for longer than *stale* trips it. `GaugeSettings` reads lines such as
`> 0.75 skip_learn cooldown=120 stale=900`; *off* switches a gauge off. A statistic whose cadence is
slower than *stale* needs a longer one, or says with `until` when it can come again: a figure that
is fed once a session is stale over a weekend.
"""

FEEDS_HEAD = """
## Feeds: what a LEAN algorithm tells the gauges

`protect(self, feeds="auto", news="off")`, or the parameters of these names. Daily bars feed nothing
(a calendar works on them too). `feeds` can also be `off`, or names separated by commas.
"""

FEEDS = (
    (
        "`volatility_spike`",
        "volatility of the last 15 minutes over that of the same half hour in the last 5 to 20 "
        "sessions",
        "minute bars or finer",
    ),
    (
        "`vpin`",
        "minute closes and volumes, 50 buckets of a fiftieth of the day's mean volume, bulk "
        "classification",
        "the same",
    ),
    (
        "`luld`",
        "minute closes against the bands of `orders.luld_tier` (2 when it is off)",
        "US shares, the same",
    ),
    (
        "`mute_feed`",
        "silence over its own rhythm: a minute, or the 95% quantile of the last 100 intervals",
        "backtest; live the lifeline listens",
    ),
    (
        "`market_wide`",
        "SPY, VOO, IVV or SPX against its last session's close; its open before one is known",
        "subscribed by the hour or finer",
    ),
    (
        "`slippage`, `slippage_high`",
        "mean of a symbol's last five fills of market orders within a day, against the price at "
        "submission",
        "sent while the exchange was open",
    ),
    (
        "`api_latency`, `latency_spike`",
        "submission to first answer, the slowest of the last minute; waiting orders count",
        "live",
    ),
    (
        "`news`",
        "lines `2024-03-20T14:00:00-04:00, 30, 60, AAPL`: time, minutes before and after, perhaps "
        "a ticker",
        "`news` names a file or a key of the Object Store",
    ),
    (
        "`imbalance`",
        "geometric mean of larger over smaller side of the last 30 quotes",
        "only when asked for by name",
    ),
)

LIMITS = """
A figure is told from half its threshold on and once when it is below again; a feed that is quiet
costs its meters only: about 25 us for a symbol and minute. On the six days of minutes of SPY, IBM,
AIG and BAC in LEAN's sample data nothing trips and no order changes
(`tests/algorithm/test_feeds.py`); the sides of SPY's best quotes differ by more than threefold in
1.5% of these minutes, BAC's in 0.4%: that is why `imbalance` is not part of `auto`. Anchor, KL and
HHI are figures of models and sources: their host feeds them; the order gate feeds
`repeated_execution`.

## How often they trip

`make breaker-table` measures it on real and on drawn histories: [the table](breakers_table.md).
The ratio of 2.0 of `volatility` is about four trips a year and share, of which four in ten are
followed by more of the same. `volatility.rate` (off by default) is the wanted number of trips a
year instead: the threshold then follows, per symbol and from the past alone, the conformal quantile
of what was seen, inside half to one and a half times `volatility.ratio`.

What is shown to the guards while an algorithm warms up moves their states; such trips carry
`warm_up` in their evidence, and reports and incidents count none of them.

## Mutation score

`make mutation` changes one comparison, operator, constant, word, sign or branch at a time, every
one there is, and runs the tests of that file:

| file | changes | found |
| --- | ---: | ---: |
| `circuit_breakers/machine.py` | 157 | 94% |
| `circuit_breakers/board.py` | 160 | 89% |
| `risk/drawdown.py` | 117 | 91% |
| `risk/gate.py` | 297 | 89% |

What survives are mostly changes without effect: shortcuts whose long way gives the same, starting
values that are overwritten before they are read, comparisons of maxima at equality. In the gate
these are joined by what it remembers between orders, where a change means that it is worked out
anew, and by its slack of a billionth, met exactly.

## Speed

`make bench-breakers`, CPU time of the thread on two idle cores, Python 3.11; what the table misses
it misses. A plain loop meant to take 20 us took 26 there, and 43 at the 99th percentile of its
best block:

| what | measured | wanted |
| --- | --- | --- |
| board, 22 rules x 20 symbols, three tripped, median, p99 | 3.9 us, 10 us | 10 us, 50 us |
| gate with 7 checks (defaults), median, p99 | 11 us, 18 us | 50 us |
| the same, orders a second, best block | 83,000 | 40,000 |
| gate with 17 checks, median, p99 | 21 us, 34 us | 50 us |
| the same, orders a second, best block | 46,000 | 40,000 |
| gate with 26 checks, median, p99 of the best block | 28 us, 63 us | 50 us, missed |
| the same, orders a second, best block | 34,000 | 40,000, missed |
| gate with 26 checks, account read anew at each order, median, p99 | 89 us, 167 us | - |
| kill until durable, p99, real time: one flush of the disk | 1.6 ms | 10 ms |
| kill until the last of 1,000 cancels is requested, p99, real time | 31 ms | 1 s |

## What is not promised

- A breaker acts on what it is told: a gauge without a feed guards nothing.
- A feed that ends while its figure is quiet is noticed by `mute_feed`, not by its own gauge.
- Ticks feed no minute meters; a subscription of quote or trade bars does.
- `api_latency` denies adding; changing the endpoint is the host's work, on the event of the trip.
- Scopes `venue:` and `model:` hold for the whole account: an order does not say whence it comes.
- A drawdown breaker is evaluated at steps: the loss can pass its threshold by one step's gap.
"""


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _pause(rule: BreakerRule) -> str:
    parts = []
    if rule.cooldown_sessions:
        parts.append(f"{rule.cooldown_sessions} session(s)")
    if rule.cooldown:
        parts.append(f"{rule.cooldown.total_seconds():g} s")
    return " and ".join(parts) or "none"


def _back(rule: BreakerRule) -> str:
    if rule.manual:
        return "by name"
    if rule.probation_sessions:
        return (
            f"probation: {rule.probation_sessions} sessions at {rule.probation_size:.0%}, loss "
            f"budget {rule.probation_loss:.0%}"
        )
    return "by itself"


def _action(rule: BreakerRule) -> str:
    word = rule.action.name
    return f"{word} x {rule.size:g}" if rule.size < 1.0 else word


def _threshold(rule: BreakerRule) -> str:
    sign = (
        ("below" if rule.strict else "at or below")
        if rule.below
        else ("above" if rule.strict else "from")
    )
    return f"{sign} {rule.show(rule.threshold)}"


def breakers() -> str:
    """Text of the page on breakers."""
    settings = ProtectionSettings()
    made = [
        rules.peak_rule(settings),
        rules.recent_rule(settings),
        rules.daily_rule(settings),
        rules.leverage_rule(settings),
        rules.position_rule(settings),
        rules.volatility_rule(settings),
        rules.flash_rule(settings),
    ]
    head = ["breaker", "measures", "trips", "action", "cooldown", "re-arm", "setting", "test"]
    lines = [NOTICE, "", BREAKERS_HEAD, _row(head), _row(["---"] * len(head))]
    for rule in made:
        if rule is not None:
            name = rule.name
            lines.append(
                _row(
                    [
                        f"`{name}`",
                        rule.label,
                        _threshold(rule),
                        _action(rule),
                        _pause(rule),
                        _back(rule),
                        f"`{KEYS[name]}`",
                        f"`{RULE_TESTS[name]}`",
                    ]
                )
            )
    lines += [GAUGES_HEAD]
    head = ["gauge", "measures", "trips", "action", "cooldown", "re-arm", "stale", "test"]
    lines += [_row(head), _row(["---"] * len(head))]
    texts = gauge_meanings()
    for name, spec in GaugeSettings().specs().items():
        rule = gauge_rule(name, spec, texts[name])
        lines.append(
            _row(
                [
                    f"`{name}`",
                    rule.label,
                    _threshold(rule),
                    _action(rule),
                    _pause(rule),
                    _back(rule),
                    f"{spec.stale:g} s" if spec.stale else "never",
                    f"`{GAUGE_TESTS.get(name, GAUGE_TEST)}`",
                ]
            )
        )
    head = ["gauge", "fed from", "when"]
    lines += [FEEDS_HEAD, _row(head), _row(["---"] * len(head))]
    lines += [_row(list(row)) for row in FEEDS]
    return "\n".join([*lines, LIMITS])


def controls() -> str:
    """Text of the page on controls."""
    flat, texts = ProtectionSettings().to_flat(), meanings()
    orders = OrderSettings().to_dict()
    head = ["", "check", "refuses", "settings", "SEC 15c3-5", "RTS 6", "where", "test"]
    lines = [NOTICE, "", CONTROLS_HEAD, _row(head), _row(["---"] * len(head))]
    for number, step in enumerate(SEQUENCE, 1):
        keys = ", ".join(f"`{key}`" for key in step.keys) or "always on"
        lines.append(
            _row(
                [
                    str(number),
                    f"`{step.guard}`",
                    step.what,
                    keys,
                    step.sec,
                    step.rts,
                    f"`{step.where}`",
                    f"`{step.test}`",
                ]
            )
        )
    lines += ["", "## Settings", "", _row(["setting", "default", "meaning"]), _row(["---"] * 3)]
    for step in SEQUENCE:
        for key in step.keys:
            default = flat.get(key, str(orders.get(key.removeprefix("orders."))))
            default = "off" if default.lower() in ("none", "false") else default
            line = _row([f"`{key}`", default, texts[key]])
            if line not in lines:
                lines.append(line)
    return "\n".join([*lines, ""])


PAGES = {"breakers.md": breakers, "controls.md": controls}


def main() -> int:
    """Write the pages, or say which are not current."""
    stale = 0
    for name, build in PAGES.items():
        path, text = FOLDER / name, build()
        if "--check" in sys.argv:
            if not path.is_file() or path.read_text() != text:
                print(f"{path.relative_to(ROOT)} is not current: make docs-breakers")
                stale = 1
        else:
            path.write_text(text)
    return stale


if __name__ == "__main__":
    sys.exit(main())
