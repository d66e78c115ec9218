"""Laws 5 and 9: nonsense denies adding and is said once; the same events give the same root."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protection.blockchain.ledger import Ledger
from protection.blockchain.replay import replay
from protection.blockchain.stores import MemoryStore
from protection.contracts import (
    Bar,
    ManualClock,
    OrderRequest,
    Portfolio,
    Position,
    ProtectionSettings,
    Quote,
    Statistic,
)
from protection.contracts.stores import MemoryStateStore
from protection.system import ProtectionSystem

START = datetime(2020, 1, 6, 15, tzinfo=UTC)
SETTINGS = ProtectionSettings.from_flat(
    {
        "limits.max_position": "0.3",
        "orders.max_orders": "3",
        "orders.per_day": "10",
        "orders.repeats": "4",
        "orders.duplicate_seconds": "2",
        "orders.history_multiple": "5",
        "orders.collar": "0.1",
    }
)
PRICES = st.sampled_from([100.0, 101.0, 94.0, 80.0, math.nan, math.inf, 0.0, -37.63])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.sampled_from([0, 1, 60, 3600, 86_400, -5])),
        st.tuples(st.just("bar"), PRICES),
        st.tuples(st.just("quote"), PRICES),
        st.tuples(st.just("order"), st.integers(-400, 400)),
        st.tuples(st.just("odd order"), PRICES),
        st.tuples(st.just("account"), st.sampled_from([100_000.0, 97_000.0, 79_000.0, math.nan])),
        st.tuples(st.just("kl"), st.sampled_from([0.1, 0.3, math.nan])),
        st.tuples(st.just("disable"), st.integers(1, 5000)),
        st.tuples(st.just("rearm"), st.just(0)),
    ),
    max_size=25,
)
EXAMPLES = settings(
    max_examples=int(os.environ.get("SOAK_EXAMPLES", "500")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def run(steps: list[tuple[str, Any]], ledger: Ledger | None) -> ProtectionSystem:
    """Feed the steps to a fresh system; law 5 is checked on the way."""
    clock = ManualClock(START)
    system = ProtectionSystem(SETTINGS, clock=clock, store=MemoryStateStore(), ledger=ledger)
    equity, held, price = 100_000.0, 100.0, 100.0
    latest = START

    def account() -> Portfolio:
        return Portfolio(clock.now(), equity, {"SPY": Position("SPY", held, 100.0, price)})

    system.evaluate(account())
    for number, (what, value) in enumerate(steps):
        now = clock.now()
        if what == "wait":
            clock.advance(timedelta(seconds=value))
        elif what == "bar":
            system.observe(Bar("SPY", now, value, value, value, value, 1e6))
        elif what == "quote":
            system.observe(Quote("SPY", now, value, value))
        elif what in ("order", "odd order"):
            odd = what == "odd order"
            quantity = 10.0 if odd else float(value)
            order = OrderRequest(
                number, "SPY", quantity, reference_price=value if odd else 100.0, reference_time=now
            )
            answer = system.authorize(order, account)
            nonsense = (odd and not 0.0 < value < math.inf) or not math.isfinite(equity)
            nonsense |= now < latest
            if quantity > 0.0 and nonsense:
                assert not answer.allowed, "law 5: adding on nonsense"
            if odd:
                small = replace(order, order_id=f"exit {number}", quantity=-1.0)
                pending = sum(
                    abs(work.remaining)
                    for work in system._gate.book._working.values()
                    if work.remaining < 0.0
                )
                if pending + 1.0 <= held:
                    assert system.authorize(small, account).allowed, "law 1: an exit was refused"
        elif what == "account":
            equity = value
            system.evaluate(account())
        elif what == "kl":
            system.observe(Statistic("model:a", now, "kl", value))
        elif what == "disable":
            system.disable("kl", now + timedelta(seconds=value), "Ada", "test")
        else:
            system.rearm("*", "Ada", "test")
        if what in ("order", "odd order", "account"):
            latest = max(latest, now)
    assert system.counters["internal_errors"] == 0, list(system.events)[-2:]
    return system


@EXAMPLES
@given(STEPS)
def test_nonsense_denies_adding_never_blocks_an_exit_and_is_said_once(steps) -> None:
    system = run(steps, None)
    last: dict[tuple[str, str], str] = {}
    for event in system.events:
        if event.after in ("fault", "ok"):
            key = (event.breaker, event.scope)
            assert last.get(key, "ok") != event.after, "law 5: the same fault was said twice"
            last[key] = event.after


@EXAMPLES
@given(STEPS)
def test_the_same_events_give_the_same_decisions_and_the_same_root(steps) -> None:
    roots, found = [], []
    for _ in range(2):
        store = MemoryStore()
        with Ledger(store, stall=60.0) as ledger:  # a busy machine is no failing disk
            run(steps, ledger)
            ledger.flush()
            records = list(ledger.records())
            roots.append(ledger.root())
        found.append(records)
    assert roots[0] == roots[1]
    outcome = replay(found[0], ProtectionSystem)
    assert outcome.same, outcome.divergence
