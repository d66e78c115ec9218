"""What protection did and what it cost: halts, false halts, return given up, the proof by count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from operations.reporting.curves import Days, Floats, Track
from operations.reporting.protocol import DENYING, PORTFOLIO, Event, Summary

#: Guards whose limit is a drawdown of the account.
DRAWDOWN_GUARDS = frozenset({"drawdown_peak", "drawdown_recent"})


@dataclass(frozen=True, slots=True)
class Halt:
    """Consecutive sessions that ended with adding denied for the whole account.

    Attributes
    ----------
    first, end : index of the first session, and of the first one after it (or the last there is)
    sessions : how many ended halted
    trips : what tripped in them
    after_one : account's change in the session after the first trip: what the exit met
    protected, bare : change from ``first`` to ``end``
    """

    first: int
    end: int
    sessions: int
    trips: tuple[Event, ...]
    after_one: float | None
    protected: float
    bare: float | None

    @property
    def false(self) -> bool | None:
        """Whether the unprotected account was higher at the end than at the halt."""
        return None if self.bare is None else self.bare > 0.0


def halts(summary: Summary, sessions: Days, protected: Floats, bare: Floats | None) -> list[Halt]:
    """Return the halts of the whole account in order."""
    denied = np.array([state in DENYING for state in summary.states], dtype=bool)
    found: list[Halt] = []
    trips = [event for event in summary.events if event.scope == PORTFOLIO and event.trips]
    index, count = 0, len(denied)
    while index < count:
        if not denied[index]:
            index += 1
            continue
        end = index
        while end < count and denied[end]:
            end += 1
        stop = min(end, count - 1)
        first_day, last_day = sessions[index], sessions[end - 1]
        after = min(index + 1, count - 1)
        found.append(
            Halt(
                index,
                stop,
                end - index,
                tuple(e for e in trips if first_day <= e.day <= last_day),
                float(protected[after] / protected[index] - 1.0) if after > index else None,
                float(protected[stop] / protected[index] - 1.0),
                None if bare is None else float(bare[stop] / bare[index] - 1.0),
            )
        )
        index = end
    return found


def percent_of(statistics: Mapping[str, str], name: str) -> float:
    """Return a percentage or number of LEAN's statistics as a fraction or number.

    Raises
    ------
    KeyError, ValueError
        When there is no such figure.
    """
    text = statistics[name].replace("$", "").replace(",", "").strip()
    return float(text[:-1]) / 100.0 if text.endswith("%") else float(text)


@dataclass(frozen=True, slots=True)
class Cost:
    """Price and yield of the protection against the same algorithm without it.

    Fractions; a positive ``given_up`` or ``yearly`` is what protection cost. ``money``, ``fees``
    and ``orders`` are those of the protected run less those of the bare one.
    """

    given_up: float
    money: float
    yearly: float
    saved_lifetime: float
    saved_window: float
    halted: int
    reduced: int
    mean_multiplier: float
    halt_count: int
    false_halts: int
    fees: float
    orders: int


def cost(protected: Track, bare: Track, summary: Summary, found: Sequence[Halt]) -> Cost:
    """Compare a protected run with the bare one."""
    ends = protected.equity[-1], bare.equity[-1]
    starts = protected.equity[0], bare.equity[0]
    with_, without = protected.statistics, bare.statistics

    def difference(name: str) -> float:
        return percent_of(with_, name) - percent_of(without, name)

    return Cost(
        given_up=float(ends[1] / starts[1] - ends[0] / starts[0]),
        money=float(ends[0] - ends[1]),
        yearly=-difference("Compounding Annual Return"),
        saved_lifetime=float(bare.lifetime.max() - protected.lifetime.max()),
        saved_window=float(bare.window.max() - protected.window.max()),
        halted=sum(state in DENYING for state in summary.states),
        reduced=int((summary.multiplier < 1.0).sum()),
        mean_multiplier=float(summary.multiplier.mean()) if len(summary.multiplier) else 1.0,
        halt_count=len(found),
        false_halts=sum(bool(halt.false) for halt in found),
        fees=difference("Total Fees"),
        orders=int(difference("Total Orders")),
    )


TYPES = {
    0: "market", 1: "limit", 2: "stop market", 3: "stop limit", 4: "market on open",
    5: "market on close", 6: "option exercise", 7: "limit if touched", 8: "combo market",
    9: "combo limit", 10: "combo leg limit", 11: "trailing stop",
}  # fmt: skip
STATUSES = {
    0: "new", 1: "submitted", 2: "partially filled", 3: "filled", 5: "cancelled", 6: "none",
    7: "refused", 8: "cancel pending", 9: "updated",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Proof:
    """The count that every order passed the gate or is of a kind LEAN never shows it.

    Attributes
    ----------
    orders : orders in the result
    judged, engine, short, unaccounted : how the algorithm booked them
    holds : whether the books and the result agree and nothing is left over
    kinds : orders by kind and status, counted from the result
    refusals : what the gate refused, by reason
    """

    orders: int
    judged: int
    engine: int
    short: int
    unaccounted: int
    refused: int
    kinds: Mapping[tuple[str, str], int]
    refusals: Mapping[str, int]

    @property
    def holds(self) -> bool:
        booked = self.judged + self.engine + self.short
        return self.unaccounted == 0 and booked == self.orders


def order_kinds(content: Mapping[str, Any]) -> Counter[tuple[str, str]]:
    """Count the orders of a result by kind and status."""
    return Counter(
        (
            TYPES.get(order["type"], f"kind {order['type']}"),
            STATUSES.get(order["status"], f"status {order['status']}"),
        )
        for order in content["orders"].values()
    )


def proof(content: Mapping[str, Any], summary: Summary) -> Proof:
    """Compare the orders of the result with what the gate counted."""
    gate = summary.gate
    return Proof(
        orders=len(content["orders"]),
        judged=int(gate.get("judged", 0)),
        engine=int(gate.get("engine_orders", 0)),
        short=int(gate.get("refused_before_gate", 0)),
        unaccounted=int(gate.get("unaccounted", 0)),
        refused=int(gate.get("refused", 0)),
        kinds=order_kinds(content),
        refusals={
            name.partition(".")[2]: int(count)
            for name, count in sorted(summary.counters.items(), key=lambda item: -item[1])
            if name.startswith("refused.")
        },
    )
