r"""Profit and loss of a stretch in parts that sum exactly.

Between two snapshots a symbol's price moves from ``p0`` to ``p1``. Where a trading day began in
between, ``o`` is its first price and the move is a gap ``g = o - p0`` and the rest
``m = p1 - p0 - g``. Executions ``q_i`` at ``f_i`` have the arrival price ``r_i``: what the order
saw when it was judged, or ``o`` where it was judged on an earlier day. With the quantity ``h``
that was held and the quantity ``b`` that the strategy would have held had nothing cut it::

    signal     sum of b m + x (p1 - r)       x: what the strategy would have traded
    gap        sum of b g
    slippage   sum of q_i (r_i - f_i)        of the strategy's own orders
    protection h (g + m) + sum of q_i (p1 - r_i) - b (g + m) - x (p1 - r)
    fees       minus the fees that the order events tell
    other      the rest: dividends, interest, quantities that changed without an execution

``b`` differs from ``h`` only while protection stands between them: a review cut the target, the
gate refused an addition, or an exit was forced; ``b`` is then the quantity that was wanted. The
part ``protection`` is summed by symbol over the stretch: where it is a gain it is an *avoided
loss*, where it is a loss the cost of a *forced exit* (slippage of forced exits included). Money
paid in or out is no profit. Figures are rounded to cents by the largest remainder, so that they
sum to the rounded profit to the cent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from protection.contracts.errors import FixInput
from protection.post_mortem.timeline import (
    Asked,
    Filled,
    Flow,
    Price,
    Review,
    Snapshot,
    Timeline,
)

PARTS = ("signal", "gap", "slippage", "fees", "forced_exit", "avoided_loss", "other")
CENT = Decimal("0.01")
_TAG = "Protection:"
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Attribution:
    """Parts of a profit or loss, in account currency.

    Attributes
    ----------
    pnl : equity at the end less equity at the start less money paid in, to the cent
    parts : by name, in the order of :data:`PARTS`; they sum to ``pnl`` exactly
    by_symbol : the same before rounding, by symbol; ``fees`` included, ``other`` not
    start_equity, end_equity, flows : the frame
    from_seq, to_seq : snapshots that it lies between
    bare_pnl : estimate of the profit without protection: signal, gap, slippage, fees, other
    """

    pnl: Decimal
    parts: Mapping[str, Decimal]
    by_symbol: Mapping[str, Mapping[str, float]]
    start_equity: Decimal
    end_equity: Decimal
    flows: Decimal
    from_seq: int
    to_seq: int

    @property
    def bare_pnl(self) -> Decimal:
        """What the same prices would have made of the strategy's own wishes, as estimated."""
        return self.pnl - self.parts["forced_exit"] - self.parts["avoided_loss"]

    @property
    def largest_loss(self) -> str:
        """Name of the part that lost most, or an empty string."""
        worst = min(self.parts, key=lambda name: self.parts[name])
        return worst if self.parts[worst] < 0 else ""


@dataclass(slots=True)
class _Symbol:
    """What is known of one symbol while reading."""

    price: float = math.nan  # account currency per unit, at the last snapshot
    held: float = 0.0
    base: float = 0.0  # what the strategy would hold
    wanted: float | None = None  # while protection stands in between
    multiplier: float = 1.0
    first: float = math.nan  # first price of a new session since the last snapshot
    last: float = math.nan
    session: date | None = None
    fills: list[tuple[float, float, float, bool]] = field(default_factory=list)
    signal: float = 0.0
    gap: float = 0.0
    slippage: float = 0.0
    protection: float = 0.0
    fees: float = 0.0


class _Books:
    """Walks over the steps and fills the parts."""

    def __init__(self) -> None:
        self.symbols: dict[str, _Symbol] = {}
        self.snapshot: Snapshot | None = None
        self.orders: dict[int | str, tuple[float, date, bool]] = {}
        self.flows = 0.0
        self.counting = False

    def symbol(self, name: str) -> _Symbol:
        """Books of a symbol."""
        known = self.symbols.get(name)
        if known is None:
            known = self.symbols[name] = _Symbol()
        return known

    def price(self, step: Price) -> None:
        """A price."""
        one = self.symbol(step.symbol)
        fresh = self.snapshot is not None and step.session > self.snapshot.session
        if fresh and math.isnan(one.first):
            one.first = step.open
        one.last = step.close

    def review(self, step: Review) -> None:
        """Targets; a cut one is remembered as what was wanted."""
        for name, target in step.targets.items():
            one = self.symbol(name)
            left = step.result.get(name, target)
            cut = abs(left - target) > _SAME * max(1.0, abs(target))
            one.wanted = target if cut else None

    def asked(self, step: Asked) -> None:
        """An order."""
        one = self.symbol(step.symbol)
        adds = step.quantity * one.held >= 0.0
        forced = step.tag.startswith(_TAG) and not adds
        if not step.allowed:
            if one.wanted is None and adds and not step.update:
                one.wanted = one.held + step.quantity
            return
        if forced and one.wanted is None:
            one.wanted = one.held
        elif adds and one.wanted is not None and abs(one.wanted) <= abs(one.held):
            one.wanted = None  # adding passes again
        forced |= one.wanted is not None and not adds
        self.orders[step.order_id] = (step.reference, step.session, forced)

    def filled(self, step: Filled) -> None:
        """An execution."""
        one = self.symbol(step.symbol)
        one.fees += step.fee if self.counting else 0.0
        reference, session, forced = self.orders.get(step.order_id, (math.nan, step.session, False))
        if session < step.session:
            reference = math.nan  # judged on an earlier day: the day's first price
        one.fills.append((step.quantity, step.price, reference, forced))

    def close(self, snapshot: Snapshot) -> None:
        """Settle everything up to a snapshot."""
        before = self.snapshot
        positions = snapshot.portfolio.positions
        for name in {*self.symbols, *positions}:
            one = self.symbol(name)
            position = positions.get(name)
            held = 0.0 if position is None else position.quantity
            if position is not None:
                one.multiplier = position.multiplier
                now = position.price * position.multiplier
            else:
                now = one.last * one.multiplier
            if not math.isfinite(now):
                now = one.fills[-1][1] * one.multiplier if one.fills else one.price
            if before is not None and math.isfinite(now):
                self._settle(one, now, held, snapshot.time > before.time, before, snapshot)
            elif before is None:
                one.base = held
            one.price, one.held = now, held
            one.first = math.nan
            one.fills.clear()
        self.snapshot = snapshot

    def _settle(
        self,
        one: _Symbol,
        now: float,
        held: float,
        later: bool,
        before: Snapshot,
        snapshot: Snapshot,
    ) -> None:
        start = one.price if math.isfinite(one.price) else now
        opening = one.first * one.multiplier
        fresh = snapshot.session > before.session
        gap = opening - start if fresh and math.isfinite(opening) else 0.0
        move = now - start - gap
        arrival_default = start + gap
        actual, traded, arrival_sum = one.held * (gap + move), 0.0, 0.0
        slipped = forced_slip = 0.0
        for quantity, price, reference, forced in one.fills:
            unit = price * one.multiplier
            arrival = reference * one.multiplier
            if not math.isfinite(arrival):
                arrival = arrival_default if math.isfinite(one.price) or fresh else unit
            actual += quantity * (now - arrival)
            traded += quantity
            arrival_sum += quantity * arrival
            slip = quantity * (arrival - unit)
            if forced:
                forced_slip += slip
            else:
                slipped += slip
        reference = arrival_sum / traded if abs(traded) > _SAME else arrival_default
        if one.wanted is None:
            trade = held - one.base if later or one.fills else 0.0
            if not one.fills:
                reference = start
        else:
            trade = one.wanted - one.base if later else 0.0
        if one.wanted is None and one.base == one.held:
            # nothing stands in between: every execution is the strategy's own, at its own price
            wish = actual
            one.base = one.held + traded
            gap_part = one.held * gap
        else:
            wish = one.base * (gap + move) + trade * (now - reference)
            gap_part = one.base * gap
            one.base += trade
        if self.counting:
            one.gap += gap_part
            one.signal += wish - gap_part
            one.slippage += slipped
            one.protection += actual - wish + forced_slip
        if one.wanted is None and not math.isclose(one.base, held, abs_tol=_SAME):
            one.base = held if later else one.base


def attribute(timeline: Timeline, from_seq: int, to_seq: int) -> Attribution:
    """Parts of the profit between two snapshots.

    Parameters
    ----------
    timeline : the run, read from its beginning, so that wishes of before are known
    from_seq, to_seq : records; the snapshots at or before them are the frame

    Raises
    ------
    FixInput
        When there are no two snapshots with a finite equity.
    """
    frames = [
        step
        for step in timeline.steps
        if isinstance(step, Snapshot) and step.seq <= to_seq and _believable(step)
    ]
    starts = [step for step in frames if step.seq <= from_seq] or frames[:1]
    if not frames:
        raise FixInput(f"expected a snapshot up to record {to_seq}, was none")
    start, end = starts[-1], frames[-1]
    books = _Books()
    for step in timeline.steps:
        if step.seq > end.seq:
            break
        if isinstance(step, Price):
            books.price(step)
        elif isinstance(step, Review):
            books.review(step)
        elif isinstance(step, Asked):
            books.asked(step)
        elif isinstance(step, Filled):
            books.filled(step)
        elif isinstance(step, Flow):
            books.flows += step.amount if books.counting else 0.0
        elif isinstance(step, Snapshot) and _believable(step):
            books.close(step)
            if step is start:
                books.counting = True
    return _total(books, start, end)


def _equity(step: Snapshot) -> float:
    return float(step.portfolio.equity)


def _believable(step: Snapshot) -> bool:
    portfolio = step.portfolio
    return math.isfinite(portfolio.equity) and all(
        math.isfinite(p.quantity * p.price * p.multiplier) for p in portfolio.positions.values()
    )


def _total(books: _Books, start: Snapshot, end: Snapshot) -> Attribution:
    ones = books.symbols
    begun, ended, flows = (_cents(v) for v in (_equity(start), _equity(end), books.flows))
    pnl = ended - begun - flows
    gains = [one.protection for one in ones.values()]
    raw = {
        "signal": math.fsum(one.signal for one in ones.values()),
        "gap": math.fsum(one.gap for one in ones.values()),
        "slippage": math.fsum(one.slippage for one in ones.values()),
        "fees": -math.fsum(one.fees for one in ones.values()),
        "forced_exit": math.fsum(gain for gain in gains if gain < 0),
        "avoided_loss": math.fsum(gain for gain in gains if gain > 0),
    }
    raw["other"] = float(pnl) - math.fsum(raw.values())
    by_symbol = {
        name: {
            "signal": one.signal,
            "gap": one.gap,
            "slippage": one.slippage,
            "fees": -one.fees,
            "protection": one.protection,
        }
        for name, one in sorted(ones.items())
        if one.signal or one.gap or one.slippage or one.protection or one.fees
    }
    return Attribution(pnl, _rounded(raw, pnl), by_symbol, begun, ended, flows, start.seq, end.seq)


def _cents(value: float) -> Decimal:
    return Decimal(repr(float(value))).quantize(CENT, ROUND_HALF_EVEN)


def _rounded(raw: Mapping[str, float], total: Decimal) -> dict[str, Decimal]:
    """Largest remainder: every part within a cent of its value, all together the total."""
    exact = {name: Decimal(raw[name]) for name in PARTS}
    if abs(exact["other"]) < CENT:  # the cent that two rounded equities leave
        exact["other"] = Decimal(0)
    floors = {name: value.quantize(CENT, ROUND_FLOOR) for name, value in exact.items()}
    missing = int((total - sum(floors.values())) / CENT)
    order = sorted(PARTS, key=lambda name: floors[name] - exact[name])
    chosen = [name for name in order if exact[name] != floors[name]] or list(order)
    for index in range(max(0, missing)):
        floors[chosen[index % len(chosen)]] += CENT
    for index in range(max(0, -missing)):
        floors[order[-1 - index % len(order)]] -= CENT
    return {name: value + 0 for name, value in floors.items()}  # no negative zero
