"""Root causes by explicit rules: each rule that applies gives its cause points and says why.

=============== ================== ====== =====================================================
cause           rule               points applies when
=============== ================== ====== =====================================================
market          broad_move         5      most symbols moved the same way by two normals or more,
                                          on the day of a loss or flash trigger
market          common_move        4      not that, but four of five symbols by one normal
market          lone_move          3      one symbol went far and stayed there
market          price_loss         2      the held quantities times the market's moves explain
                                          at least 70% of the loss (with one of those above)
data            refused_prices     5      prices were refused as impossible
data            isolated_price     8 or 4 a price that no other symbol shared; 8 when it came back
data            stale_price        6      orders were refused because a price was old or missing
data            bad_figures        6      the account or a position had impossible figures
data            frozen_price       6      a price stood still for five days while others moved
model           oversized          6      the strategy asked for more than the limits, repeatedly
model           churning           9 or 6 its own orders turned the account over ten times in ten
                                          sessions; 6 for three times, in a quiet market
model           quiet_loss         3      the loss came from its positions in a quiet market, and
                                          no other cause has more than 3 points
execution       slippage           7      slippage made at least 40% of the loss
execution       rejections         6      the broker refused orders that the gate had allowed
execution       overfilled         7      more was filled than was asked
infrastructure  link               7      the link to the broker was lost or failed
infrastructure  record             7      state or decisions could not be stored
infrastructure  clock              7      the clock went back, or the account's snapshot was old
infrastructure  internal           6      the protection failed inside
infrastructure  ledger_gap         4      entries are missing, or a torn tail was cut off
configuration   changed            5      the setting that tripped was changed within ten sessions
configuration   tighter_than_noise 7      the threshold lies within two normal days and below its
                                          default, and the default would not have tripped
configuration   contradiction      5      orders may reach more leverage than the breaker allows
human           stopped            8      somebody killed, and nothing had tripped before
human           outside_orders     8      orders filled that never asked
human           outside_lock       6      the lock was thrown outside the system
human           released_early     3      somebody resumed or re-armed within five sessions before
(any)           came_first         2      the incident began with a guard that watches for this
                                          very cause (prices, sizes, link, records, people)
=============== ================== ====== =====================================================

The points are hand-set: a direct observation (a refused price, a lost link, a person's name)
weighs more than an inference from prices. They are no probabilities.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import pairwise
from statistics import pstdev
from typing import TypeVar

from protection.contracts.actions import WARM_UP
from protection.contracts.settings import ProtectionSettings
from protection.post_mortem.attribution import Attribution
from protection.post_mortem.findings import Cause, Finding, rank, ticker
from protection.post_mortem.incidents import SIZE_GUARDS, TRIPPED, Incident, Trigger
from protection.post_mortem.market import MarketView
from protection.post_mortem.timeline import (
    Asked,
    Filled,
    GuardChange,
    Person,
    Price,
    Rejected,
    Review,
    Snapshot,
    Start,
    Step,
    Timeline,
    Trouble,
    Unfilled,
)

LOSSES = frozenset({"drawdown_peak", "drawdown_recent", "daily_loss", "position_stop", "flash"})
THRESHOLDS = {
    "drawdown_peak": "drawdown.liquidate",
    "drawdown_recent": "drawdown.halt",
    "daily_loss": "daily.loss",
    "position_stop": "position.stop",
    "leverage": "leverage.limit",
    "flash": "flash.move",
    "volatility": "volatility.ratio",
}
LOOKBACK = 10
StepType = TypeVar("StepType", bound=Step)
Rule = Callable[["Case"], Iterator[Finding]]


@dataclass(frozen=True)
class Case:
    """Everything that the rules look at."""

    timeline: Timeline
    incident: Incident
    attribution: Attribution
    market: MarketView

    @cached_property
    def _begins(self) -> list[tuple[date, int]]:
        """Trading days up to the first trigger's, each with the number of its first record."""
        first = self.incident.triggers[0].seq
        begins: dict[date, int] = {}
        day = date.min
        for step in self.timeline.steps:
            if step.seq > first:
                break
            begins.setdefault(step.session, step.seq)
            day = step.session
        return sorted(item for item in begins.items() if item[0] <= day)

    def since(self, sessions: int) -> int:
        """Number of the first record of the trading day so many before the first trigger's."""
        return self._begins[max(0, len(self._begins) - 1 - sessions)][1]

    def steps(self, kind: type[StepType], sessions: int = 0) -> list[StepType]:
        """Steps of a kind in the incident and so many trading days before it."""
        since = min(self.incident.first, self.since(sessions))
        return [step for step in self._near if isinstance(step, kind) and since <= step.seq]

    @cached_property
    def _near(self) -> list[Step]:
        """Steps of the incident and :data:`LOOKBACK` trading days before it."""
        since = min(self.incident.first, self.since(LOOKBACK))
        return [s for s in self.timeline.steps if since <= s.seq <= self.incident.last]

    @cached_property
    def trips(self) -> list[GuardChange]:
        """Guards that came into force."""
        changes = [step for step in self.steps(GuardChange) if step.after in TRIPPED]
        return [step for step in changes if not step.evidence.get(WARM_UP)]

    def triggered(self, *guards: str) -> list[Trigger]:
        """Triggers of these guards."""
        return [trigger for trigger in self.incident.triggers if trigger.guard in guards]

    @property
    def loss(self) -> float:
        """Loss of the stretch, 0 for a gain."""
        return max(0.0, -float(self.attribution.pnl))

    @property
    def lossy(self) -> bool:
        """Whether something tripped that a loss trips."""
        return bool(self.triggered(*LOSSES))

    @property
    def quiet(self) -> bool:
        """Whether neither the market nor a wrong price explains a loss."""
        market = self.market
        far = any(abs(move.normals) >= 4.0 for move in market.moves)
        common = market.common >= 0.8 and len(market.moves) > 1
        return not market.broad and not common and not market.spikes and not far


def _market(case: Case) -> Iterator[Finding]:
    market, parts = case.market, case.attribution.parts
    if not case.lossy:
        return
    wrong = {spike.symbol for spike in market.spikes}
    sound = [move for move in market.moves if move.symbol not in wrong]
    records = tuple(move.seq for move in sound)
    found = False
    if market.broad:
        found = True
        worst = max(sound, key=lambda move: abs(move.normals))
        yield Finding(
            "market",
            "broad_move",
            5.0,
            f"{market.breadth:.0%} of {len(sound)} symbols moved together by two normal days or "
            f"more, {market.middle:+.1%} in the middle, {ticker(worst.symbol)} "
            f"{worst.change:+.1%} ({abs(worst.normals):.1f} normals)",
            records,
        )
    elif market.common >= 0.8 and len(sound) > 1:
        found = True
        yield Finding(
            "market",
            "common_move",
            4.0,
            f"{market.common:.0%} of {len(sound)} symbols moved together by a normal day or more, "
            f"{market.middle:+.1%} in the middle",
            records,
        )
    else:
        held = _held_before(case)
        far = [m for m in sound if abs(m.normals) >= 4.0 and m.symbol in held]
        if far:
            found = True
            worst = max(far, key=lambda move: abs(move.normals))
            yield Finding(
                "market",
                "lone_move",
                3.0,
                f"{ticker(worst.symbol)} moved {worst.change:+.1%} "
                f"({abs(worst.normals):.1f} normals) and stayed there",
                (worst.seq,),
            )
    moved = -float(parts["signal"] + parts["gap"])
    if found and case.loss and moved >= 0.7 * case.loss:
        yield Finding(
            "market",
            "price_loss",
            2.0,
            f"price moves of what was held lost {moved:,.2f} of {case.loss:,.2f}",
            (case.attribution.from_seq, case.attribution.to_seq),
        )


def _held_before(case: Case) -> set[str]:
    for step in case.timeline.steps:
        if isinstance(step, Snapshot) and step.seq == case.attribution.from_seq:
            return {s for s, p in step.portfolio.positions.items() if p.quantity}
    return set()


def _data(case: Case) -> Iterator[Finding]:
    refused = case.steps(Rejected, 1)
    if refused:
        first = refused[0]
        yield Finding(
            "data",
            "refused_prices",
            5.0,
            f"{len(refused)} price(s) were refused, first of {ticker(first.symbol)}: "
            f"{first.reason}",
            tuple(step.seq for step in refused[:10]),
        )
    for spike in sorted(case.market.spikes, key=lambda s: -abs(s.normals))[:1]:
        back = " and came back" if spike.reversed_ else ""
        yield Finding(
            "data",
            "isolated_price",
            8.0 if spike.reversed_ else 4.0,
            f"{ticker(spike.symbol)} jumped {spike.change:+.1%} ({abs(spike.normals):.0f} "
            f"normals){back} while the others moved {spike.others:.1%}",
            (spike.seq,),
        )
    stale = [a for a in case.steps(Asked) if not a.allowed and a.guard == "price"]
    if stale and case.triggered("price"):  # not one that had been missing for long
        yield Finding(
            "data",
            "stale_price",
            6.0,
            f"{len(stale)} order(s) refused: {stale[0].reason}",
            tuple(step.seq for step in stale[:10]),
        )
    bad = [t for t in case.triggered("position") if "finite" in t.text]
    bad += [t for t in case.triggered("input") if "clock" not in t.text and "stale" not in t.text]
    bad = [t for t in bad if "time" not in t.text.partition(",")[0]]
    if bad:
        records = tuple(t.seq for t in bad[:10])
        yield Finding("data", "bad_figures", 6.0, bad[0].text, records)
    for move in case.market.frozen[:1]:
        text = f"the price of {ticker(move.symbol)} stood still for five days while others moved"
        yield Finding("data", "frozen_price", 6.0, text, (move.seq,))


def _model(case: Case) -> Iterator[Finding]:
    sized = [a for a in case.steps(Asked, 1) if not a.allowed and a.guard in SIZE_GUARDS]
    if len(sized) >= 3:
        yield Finding(
            "model",
            "oversized",
            6.0,
            f"{len(sized)} orders asked for more than the limits, first: {sized[0].reason}",
            tuple(step.seq for step in sized[:10]),
        )
    else:
        yield from _oversized_targets(case)
    if not (case.loss and case.lossy):
        return
    turnover, fills = _turnover(case)
    if turnover >= 10.0 or (turnover >= 3.0 and case.quiet):
        yield Finding(
            "model",
            "churning",
            9.0 if turnover >= 10.0 else 6.0,
            f"its orders turned the equity over {turnover:.1f} times in {LOOKBACK} sessions and "
            "the incident",
            fills,
        )
    if not case.quiet:
        return
    parts = case.attribution.parts
    moved = -float(parts["signal"] + parts["gap"])
    if moved >= 0.6 * case.loss:
        yield Finding(
            "model",
            "quiet_loss",
            3.0,
            f"its positions lost {moved:,.2f} of {case.loss:,.2f} while no symbol moved more than "
            "four normal days and most moved less than two",
            (case.attribution.from_seq, case.attribution.to_seq),
        )


def _oversized_targets(case: Case) -> Iterator[Finding]:
    settings = case.timeline.settings
    limit = settings.limits.max_leverage or settings.leverage.limit
    if limit is None:
        return
    prices: dict[str, float] = {}
    equity = 0.0
    since = case.since(1)
    for step in case.timeline.steps:
        if step.seq > case.incident.last:
            return
        if isinstance(step, Snapshot):
            equity = step.portfolio.equity
            for name, position in step.portfolio.positions.items():
                prices[name] = position.price * position.multiplier
        elif isinstance(step, Price):
            prices[step.symbol] = step.close
        elif isinstance(step, Review) and step.seq >= since and equity > 0:
            gross = sum(abs(q) * prices.get(s, 0.0) for s, q in step.targets.items())
            if gross > 1.25 * limit * equity:
                text = (
                    f"targets of {gross / equity:.1f} times the equity, limit {limit:g}; they "
                    "were cut"
                )
                yield Finding("model", "oversized", 6.0, text, (step.seq,))
                return


def _turnover(case: Case) -> tuple[float, tuple[int, ...]]:
    """What the strategy's own orders asked for and got, over the equity."""
    asked = {
        order.order_id: abs(order.quantity)
        for order in case.steps(Asked, LOOKBACK)
        if order.allowed and not order.tag.startswith("Protection:")
    }
    fills = [fill for fill in case.steps(Filled, LOOKBACK) if fill.order_id in asked]
    equity = float(case.attribution.start_equity) or 1.0
    traded = sum(min(abs(f.quantity), asked[f.order_id]) * f.price for f in fills)
    return traded / equity, tuple(fill.seq for fill in fills[:10])


def _execution(case: Case) -> Iterator[Finding]:
    slipped = -float(case.attribution.parts["slippage"])
    if case.loss and slipped >= 0.4 * case.loss:
        fills = case.steps(Filled)
        yield Finding(
            "execution",
            "slippage",
            7.0,
            f"slippage cost {slipped:,.2f} of a loss of {case.loss:,.2f}",
            tuple(f.seq for f in fills[:10]),
        )
    refused = case.steps(Unfilled)
    if len(refused) >= 3:
        yield Finding(
            "execution",
            "rejections",
            6.0,
            f"the broker refused {len(refused)} orders that the gate had allowed",
            tuple(step.seq for step in refused[:10]),
        )
    asked: dict[int | str, float] = {}
    for order in case.steps(Asked, LOOKBACK):
        if order.allowed:
            asked[order.order_id] = order.quantity
    filled: dict[int | str, float] = defaultdict(float)
    for fill in case.steps(Filled, LOOKBACK):
        if fill.order_id in asked:
            filled[fill.order_id] += fill.quantity
            if abs(filled[fill.order_id]) > abs(asked[fill.order_id]) * (1 + 1e-9):
                yield Finding(
                    "execution",
                    "overfilled",
                    7.0,
                    f"order {fill.order_id} asked for {asked[fill.order_id]:+g} "
                    f"{ticker(fill.symbol)}, {filled[fill.order_id]:+g} was filled",
                    (fill.seq,),
                )
                return


def _infrastructure(case: Case) -> Iterator[Finding]:
    def told(rule: str, points: float, triggers: list[Trigger]) -> Iterator[Finding]:
        if triggers:
            records = tuple(t.seq for t in triggers[:10])
            yield Finding("infrastructure", rule, points, triggers[0].text, records)

    yield from told("link", 7.0, case.triggered("broker"))
    yield from told("record", 7.0, case.triggered("audit", "store", "state"))
    clock = [t for t in case.triggered("input") if "clock" in t.text or "stale" in t.text]
    yield from told("clock", 7.0, clock)
    yield from told("internal", 6.0, case.triggered("internal"))
    trouble = case.steps(Trouble, 1)
    if trouble:
        records = tuple(step.seq for step in trouble)
        text = f"{trouble[0].kind}: {trouble[0].reason}"
        yield Finding("infrastructure", "ledger_gap", 4.0, text, records)


def _configuration(case: Case) -> Iterator[Finding]:
    tripped = {t.guard: t for t in case.trips if t.guard in THRESHOLDS}
    starts = [
        s for s in case.timeline.steps if isinstance(s, Start) and s.seq <= case.incident.first
    ]
    for start, earlier in zip(starts[1:], starts, strict=False):
        if start.seq < case.since(LOOKBACK):
            continue
        changed = {k for k, v in start.settings.items() if earlier.settings.get(k, v) != v}
        for guard, trip in tripped.items():
            related = _related(guard) & changed
            if related:
                key = sorted(related)[0]
                yield Finding(
                    "configuration",
                    "changed",
                    5.0,
                    f"{key} was changed from {earlier.settings[key]} to {start.settings[key]} on "
                    f"{start.time:%Y-%m-%d}; then {trip.reason}",
                    (start.seq, trip.seq),
                )
                break
    defaults = ProtectionSettings().to_flat()
    noise = _noise(case)
    for guard, trip in tripped.items():
        key = THRESHOLDS[guard]
        now, usual = case.timeline.settings.to_flat()[key], defaults[key]
        value = trip.evidence.get("value")
        if not isinstance(value, (int, float)) or now in ("none", usual) or usual == "none":
            continue
        level = float(now)
        if level < float(usual) and value < float(usual) and (not noise or level <= 2 * noise):
            yield Finding(
                "configuration",
                "tighter_than_noise",
                7.0,
                f"{key} is {now}, by default {usual}; it tripped at {value:.4g}"
                + (f", a normal day of the account is {noise:.2%}" if noise else ""),
                (trip.seq,),
            )
    settings = case.timeline.settings
    most, level_ = settings.limits.max_leverage, settings.leverage.limit
    if "leverage" in tripped and level_ is not None and (most is None or most > level_):
        yield Finding(
            "configuration",
            "contradiction",
            5.0,
            f"limits.max_leverage lets orders reach {most or 'any'} times the equity, the breaker "
            f"leverage.limit reduces at {level_:g}",
            (tripped["leverage"].seq,),
        )


def _related(guard: str) -> set[str]:
    section = THRESHOLDS[guard].partition(".")[0]
    keys = {key for key in ProtectionSettings().to_flat() if key.startswith(section + ".")}
    if guard == "leverage":
        keys |= {"limits.max_leverage", "limits.max_position"}
    return keys


def _noise(case: Case) -> float:
    """Standard deviation of the account's daily returns before the incident; 0 when unknown."""
    last: dict[date, float] = {}
    for step in case.timeline.steps:
        if step.seq >= case.attribution.from_seq and last:
            break
        if isinstance(step, Snapshot) and step.portfolio.equity > 0:
            last[step.session] = step.portfolio.equity
    values = list(last.values())[-60:]
    steps = [b / a - 1.0 for a, b in pairwise(values)]
    return pstdev(steps) if len(steps) >= 5 else 0.0


def _human(case: Case) -> Iterator[Finding]:
    people = case.steps(Person)
    kills = [p for p in people if p.kind == "kill"]
    first = case.incident.triggers[0]
    if kills and first.guard == "kill":
        kill = kills[0]
        text = f"{kill.actor} stopped trading before anything had tripped: {kill.reason}"
        yield Finding("human", "stopped", 8.0, text, (kill.seq,))
    outside = [f for f in case.steps(Filled, 1) if not f.judged]
    if outside:
        fill = outside[0]
        yield Finding(
            "human",
            "outside_orders",
            8.0,
            f"{len(outside)} fill(s) of orders that never asked, first {fill.quantity:+g} "
            f"{ticker(fill.symbol)} at {fill.price:g} (order {fill.order_id})",
            tuple(f.seq for f in outside[:10]),
        )
    locks = [p for p in people if p.kind == "lock"]
    if locks and not kills:
        yield Finding("human", "outside_lock", 6.0, locks[0].reason, (locks[0].seq,))
    early = [p for p in case.steps(Person, 5) if p.kind in ("resume", "rearm")]
    early = [p for p in early if p.seq < case.incident.first]
    if early and case.lossy:
        person = early[-1]
        text = f"{person.actor} released the protection shortly before: {person.reason}"
        yield Finding("human", "released_early", 3.0, text, (person.seq,))


_WATCHED = {
    **dict.fromkeys(("data", "price", "position"), "data"),
    **dict.fromkeys(("broker", "audit", "store", "state", "internal"), "infrastructure"),
    **dict.fromkeys(("kill", "unknown_order", "lock"), "human"),
    **dict.fromkeys(SIZE_GUARDS, "model"),
    "rejections": "execution",
}


def _first(case: Case) -> Iterator[Finding]:
    first = case.incident.triggers[0]
    cause = _WATCHED.get(first.guard)
    if cause is not None:
        yield Finding(cause, "came_first", 2.0, f"it began with: {first.text}", (first.seq,))


RULES: tuple[Rule, ...] = (
    _market,
    _data,
    _model,
    _execution,
    _infrastructure,
    _configuration,
    _human,
    _first,
)


def find_causes(case: Case) -> tuple[Cause, ...]:
    """Causes of an incident, the strongest first; empty when no rule applies."""
    findings = [finding for rule in RULES for finding in rule(case)]
    if any(finding.cause != "model" and finding.points > 3.0 for finding in findings):
        # an inference from what did not happen yields to whatever did
        findings = [finding for finding in findings if finding.rule != "quiet_loss"]
    return rank(findings)
