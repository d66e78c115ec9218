"""The breaker's states, one way after the other."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protection.circuit_breakers.machine import Breaker, BreakerRule
from protection.contracts.actions import Action, BreakerState
from protection.contracts.errors import RecoverState

NOW = datetime(2020, 1, 6, 15, tzinfo=UTC)
C, W, O = BreakerState.CLOSED, BreakerState.WARN, BreakerState.OPEN
COOL, PROB, LATCH = BreakerState.COOLDOWN, BreakerState.PROBATION, BreakerState.LATCHED

LIQUIDATE = BreakerRule(
    "peak",
    "loss",
    Action.LIQUIDATE,
    0.20,
    warn=0.75,
    cooldown_sessions=3,
    probation_sessions=2,
    probation_size=0.25,
    probation_loss=0.02,
    release=0.10,
    persistent=True,
)
FLASH = BreakerRule(
    "flash", "move", Action.FREEZE, 0.05, strict=True, cooldown=timedelta(minutes=5)
)


def drive(breaker: Breaker, session: int, value: float, equity: float = 100.0, flat: bool = True):
    breaker.step(NOW + timedelta(days=session), session, value, equity, flat)
    return breaker.state


def test_a_liquidation_goes_all_the_way_back_without_resetting_what_it_measures() -> None:
    breaker = Breaker(LIQUIDATE, "portfolio")

    assert drive(breaker, 0, 0.14) is C
    assert drive(breaker, 1, 0.16) is W
    assert breaker.demand is Action.ALLOW
    assert drive(breaker, 2, 0.21, 79.0, flat=False) is O
    assert drive(breaker, 3, 0.22, 78.0, flat=False) is O
    assert breaker.demand is Action.LIQUIDATE
    assert drive(breaker, 4, 0.22, 78.0) is COOL
    assert breaker.demand is Action.HALT
    assert drive(breaker, 6, 0.22, 78.0) is COOL
    assert drive(breaker, 7, 0.22, 78.0) is PROB
    assert (breaker.demand, breaker.multiplier) == (Action.REDUCE, 0.25)
    assert drive(breaker, 9, 0.21, 79.0, flat=False) is PROB  # long enough, not yet recovered
    assert drive(breaker, 10, 0.09, 91.0, flat=False) is C


def test_a_probation_that_spends_its_budget_trips_again() -> None:
    breaker = Breaker(LIQUIDATE, "portfolio")
    drive(breaker, 0, 0.25, 75.0, flat=False)
    drive(breaker, 1, 0.25, 75.0)
    assert drive(breaker, 4, 0.25, 75.0) is PROB

    assert drive(breaker, 5, 0.26, 73.6, flat=False) is PROB  # lost 1.87%
    assert drive(breaker, 6, 0.27, 73.5, flat=False) is O  # lost 2.0%
    assert breaker.demand is Action.LIQUIDATE
    drive(breaker, 7, 0.27, 73.5)
    assert drive(breaker, 10, 0.27, 73.5) is PROB
    assert breaker.probation_lost(73.5) == 0.0  # a new budget from a new start


def test_a_payment_scales_the_probations_budget() -> None:
    breaker = Breaker(LIQUIDATE, "portfolio")
    drive(breaker, 0, 0.25, 75.0, flat=False)
    drive(breaker, 1, 0.25, 75.0)
    drive(breaker, 4, 0.25, 75.0)

    breaker.scale(0.5)

    assert breaker.probation_lost(37.5) == pytest.approx(0.0)


def test_a_cooldown_by_time_counts_from_the_last_bad_moment() -> None:
    breaker = Breaker(FLASH, "symbol:SPY")
    breaker.step(NOW, 0, 0.06, 100.0, True)
    breaker.step(NOW + timedelta(minutes=2), 0, 0.07, 100.0, True)
    breaker.step(NOW + timedelta(minutes=3), 0, 0.0, 100.0, True)
    assert breaker.state is COOL
    assert breaker.demand is Action.FREEZE
    assert breaker.until() == NOW + timedelta(minutes=7)

    breaker.step(NOW + timedelta(minutes=7) - timedelta(seconds=1), 0, 0.0, 100.0, True)
    assert breaker.state is COOL
    breaker.step(NOW + timedelta(minutes=7), 0, 0.0, 100.0, True)
    assert breaker.state is C


def test_a_strict_rule_trips_above_its_threshold_only() -> None:
    breaker = Breaker(FLASH, "symbol:SPY")

    assert drive(breaker, 0, 0.05) is C
    assert drive(breaker, 1, math.nextafter(0.05, 1)) is O


def test_a_value_that_is_no_number_trips() -> None:
    for rule in (LIQUIDATE, FLASH):
        breaker = Breaker(rule, "portfolio")
        assert drive(breaker, 0, math.nan) is O


def test_manual_rearming_waits_for_a_name() -> None:
    manual = BreakerRule(
        "peak",
        "loss",
        Action.LIQUIDATE,
        0.2,
        probation_sessions=2,
        probation_size=0.25,
        persistent=True,
        manual=True,
    )
    breaker = Breaker(manual, "portfolio")
    drive(breaker, 0, 0.25, flat=False)
    assert drive(breaker, 1, 0.25) is LATCH
    assert drive(breaker, 500, 0.0) is LATCH
    assert breaker.demand is Action.HALT

    change = breaker.rearm(NOW, 500, 75.0, "Ada: checked")

    assert change is not None
    assert (change.before, change.after) == (LATCH, PROB)
    assert "Ada" in change.reason
    assert breaker.rearm(NOW, 500, 75.0, "Ada: again") is None


def test_a_warning_is_taken_back_with_some_distance() -> None:
    breaker = Breaker(LIQUIDATE, "portfolio")
    drive(breaker, 0, 0.151)

    assert drive(breaker, 1, 0.14) is W
    assert drive(breaker, 2, 0.11) is C


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.floats(0.0, 0.4), st.booleans()), min_size=1, max_size=60
    ),
    st.integers(0, 59),
)
@settings(max_examples=150)
def test_a_restart_changes_nothing_and_no_way_leads_past_the_pause(
    steps: list[tuple[int, float, bool]], cut: int
) -> None:
    straight, broken = Breaker(LIQUIDATE, "portfolio"), Breaker(LIQUIDATE, "portfolio")
    session, tripped_at = 0, None
    for position, (forward, loss, flat) in enumerate(steps):
        session += forward
        before = straight.state
        now, equity = NOW + timedelta(days=session), 100.0 * (1.0 - loss)
        changes = straight.step(now, session, loss, equity, flat)
        if position == cut:
            state = json.loads(json.dumps(broken.snapshot()))
            broken = Breaker(LIQUIDATE, "portfolio")
            broken.restore(state)
        assert broken.step(now, session, loss, equity, flat) == changes
        assert broken.state is straight.state

        if straight.state is O:
            tripped_at = session
        if before in (C, W) and loss >= 0.20:
            assert straight.state is O
        if straight.state in (C, W) and before is not straight.state and tripped_at is not None:
            assert session - tripped_at >= 3
        if straight.state in (O, COOL):
            assert not straight.demand.adding_allowed


def test_a_broken_snapshot_is_refused() -> None:
    with pytest.raises(RecoverState, match="breaker peak"):
        Breaker(LIQUIDATE, "portfolio").restore({"state": "ajar"})


def test_a_latched_breaker_that_is_beyond_its_threshold_stays_latched() -> None:
    manual = BreakerRule("m", "figure", Action.FREEZE, 1.0, manual=True, percent=False)
    breaker = Breaker(manual, "portfolio")
    assert drive(breaker, 0, 2.0) is O
    assert drive(breaker, 1, 0.5) is LATCH
    assert drive(breaker, 2, 5.0) is LATCH
    assert breaker.demand is Action.FREEZE
    assert breaker.rearm(NOW, 3, 100.0, "Ada: mended") is not None
    assert breaker.state is C


def test_a_probation_ends_in_the_session_after_its_length_not_before() -> None:
    breaker = Breaker(LIQUIDATE, "portfolio")
    drive(breaker, 0, 0.25, 75.0, flat=False)
    drive(breaker, 1, 0.25, 75.0)
    assert drive(breaker, 4, 0.25, 75.0) is PROB
    assert drive(breaker, 5, 0.05, 95.0) is PROB
    assert drive(breaker, 6, 0.05, 95.0) is C


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (
            LIQUIDATE,
            "peak: loss at 20.00% closes until flat; pause 3 session(s), then at least 2 sessions "
            "at 25% size with a loss budget of 2.0%",
        ),
        (FLASH, "flash: move above 5.00% denies adding; pause 300 s"),
        (
            BreakerRule("m", "figure", Action.HALT, 1.0, manual=True, percent=False),
            "m: figure at 1.00 denies adding and cancels adding orders; latched until re-armed by "
            "name",
        ),
        (
            BreakerRule("p", "odds", Action.ROLLBACK, -1e-4, strict=True, below=True, unit=""),
            "p: odds below 0.0001 halts and sends the model back to its last checkpoint; released "
            "when it has passed",
        ),
        (
            BreakerRule("r", "size", Action.REDUCE, 3.0, size=0.5, unit="x"),
            "r: size at or above 3x size x0.5; released when it has passed",
        ),
    ],
)
def test_each_rule_says_in_one_sentence_what_it_does(rule: BreakerRule, sentence: str) -> None:
    assert rule.describe() == sentence


def test_a_rule_that_names_no_sizes_leaves_the_size_and_has_a_budget_of_everything() -> None:
    rule = BreakerRule(
        "plain", "figure", Action.HALT, 0.1, probation_sessions=5, cooldown_sessions=1
    )
    assert BreakerRule("plain", "figure", Action.REDUCE, 0.1).describe() == (
        "plain: figure at 10.00% reduces to the limit; released when it has passed"
    )
    reducing = Breaker(BreakerRule("plain", "figure", Action.REDUCE, 0.1), "portfolio")
    assert drive(reducing, 0, 0.2) is O
    assert reducing.multiplier == 1.0

    breaker = Breaker(rule, "portfolio")
    drive(breaker, 0, 0.2)
    assert drive(breaker, 1, 0.0) is PROB
    assert breaker.multiplier == 1.0
    assert drive(breaker, 2, 0.0, equity=0.01) is PROB  # 99.99% of it, and all of it is allowed
    assert drive(breaker, 3, 0.0, equity=0.0) is O


def test_rules_and_changes_cannot_be_altered() -> None:
    change = Breaker(FLASH, "symbol:SPY").step(NOW, 0, 0.06, 100.0, True)[0]

    for record, name in ((FLASH, "threshold"), (change, "reason")):
        with pytest.raises(AttributeError):
            setattr(record, name, getattr(record, name))


def test_a_breaker_that_never_saw_anything_is_closed_and_counts_an_unknown_start_as_lost() -> None:
    breaker = Breaker(LIQUIDATE, "portfolio")

    assert (breaker.state, breaker.value, breaker.multiplier) == (C, 0.0, 1.0)
    assert breaker.until() is None
    assert breaker.probation_lost(100.0) == 1.0  # no start to count from: the budget is gone
    state = json.loads(json.dumps(breaker.snapshot()))
    assert (state["since"], state["bad_time"], state["base"]) == (None, None, 0.0)


def test_each_level_counts_at_the_very_figure() -> None:
    breaker = Breaker(LIQUIDATE, "portfolio")
    warn = 0.75 * 0.20
    assert drive(breaker, 0, math.nextafter(warn, 0)) is C
    assert drive(breaker, 1, warn) is W
    assert drive(breaker, 2, 0.8 * warn) is W  # taken back below, not at, four fifths
    assert drive(breaker, 3, math.nextafter(0.8 * warn, 0)) is C
    assert drive(breaker, 4, 0.20, 80.0, flat=False) is O

    drive(breaker, 5, 0.20, 80.0)
    assert drive(breaker, 8, 0.20, 80.0) is PROB
    assert drive(breaker, 11, 0.10, 90.0) is PROB  # released below, not at, the release
    assert drive(breaker, 12, math.nextafter(0.10, 0), 90.0) is C


def test_a_budget_is_spent_at_its_very_figure() -> None:
    rule = BreakerRule(
        "r", "loss", Action.HALT, 0.5, probation_sessions=9, probation_loss=0.25, percent=True
    )
    breaker = Breaker(rule, "portfolio")
    drive(breaker, 0, 0.6, 80.0)
    assert drive(breaker, 1, 0.0, 80.0) is PROB
    assert drive(breaker, 2, 0.0, 60.5) is PROB
    assert drive(breaker, 3, 0.0, 60.0) is O


def test_what_an_action_leaves_of_the_size_in_each_state() -> None:
    def made(action: Action) -> Breaker:
        return Breaker(
            BreakerRule("r", "x", action, 1.0, size=0.5, cooldown_sessions=2, percent=False), "p"
        )

    for action in (Action.REDUCE, Action.SKIP_LEARN):
        breaker = made(action)
        assert breaker.multiplier == 1.0
        drive(breaker, 0, 2.0)
        assert (breaker.demand, breaker.multiplier) == (action, 0.5)
        assert drive(breaker, 1, 0.0) is COOL
        assert (breaker.demand, breaker.multiplier) == (action, 0.5)
        assert drive(breaker, 2, 0.0) is C
        assert (breaker.demand, breaker.multiplier) == (Action.ALLOW, 1.0)
    frozen = made(Action.FREEZE)
    drive(frozen, 0, 2.0)
    assert frozen.multiplier == 1.0  # it denies; what is held may stay


def test_every_state_that_demands_something_says_why_and_how_long() -> None:
    breaker = Breaker(LIQUIDATE, "portfolio")
    drive(breaker, 0, 0.01)
    assert breaker.sentence(0) == ""
    drive(breaker, 1, 0.25, 75.0, flat=False)
    assert breaker.sentence(1) == "peak: loss is 25.00%, limit 20.00%"
    assert breaker.until() is None
    drive(breaker, 2, 0.25, 75.0)
    assert breaker.sentence(2) == "peak: cooling down, 3 more session(s)"
    assert breaker.sentence(4) == "peak: cooling down, 1 more session(s)"
    assert breaker.sentence(5) == "peak: cooling down"
    assert breaker.until() is None  # sessions, not a time
    drive(breaker, 5, 0.25, 75.0)
    assert breaker.sentence(5) == ("peak: probation at 25% size, loss budget 2.0% from 75.00")

    held = Breaker(BreakerRule("m", "figure", Action.FREEZE, 1.0, manual=True), "portfolio")
    drive(held, 0, 2.0)
    drive(held, 1, 0.0)
    assert held.sentence(1) == "m: latched, waits to be re-armed by name"
    assert held.until() is None


def test_a_pause_by_time_counts_while_the_position_is_still_being_closed() -> None:
    rule = BreakerRule("stop", "loss", Action.LIQUIDATE, 0.15, cooldown=timedelta(days=2))
    breaker = Breaker(rule, "symbol:SPY")
    drive(breaker, 0, 0.2, flat=False)
    drive(breaker, 5, 0.1, flat=False)  # recovered, but it is still held
    assert breaker.state is O
    assert drive(breaker, 6, 0.1) is COOL
    assert breaker.until() == NOW + timedelta(days=8)
    assert drive(breaker, 7, 0.1) is COOL
    assert drive(breaker, 8, 0.1) is C


def test_a_flat_account_that_is_beyond_the_threshold_stays_open_unless_the_value_persists() -> None:
    rule = BreakerRule("stop", "loss", Action.LIQUIDATE, 0.15, cooldown_sessions=1)
    breaker = Breaker(rule, "symbol:SPY")
    drive(breaker, 0, 0.2, flat=False)
    assert drive(breaker, 1, 0.2, flat=True) is O
    assert drive(breaker, 2, 0.1, flat=True) is COOL


def test_a_moved_level_trips_there_warns_there_and_says_so_after_a_restart() -> None:
    rule = BreakerRule("v", "ratio", Action.REDUCE, 2.0, warn=0.5, size=0.5, percent=False)
    breaker = Breaker(rule, "symbol:SPY")
    assert breaker.level == 2.0
    breaker.move(3.0)

    assert breaker.quiet(1.4)
    assert drive(breaker, 0, 1.5) is W
    assert drive(breaker, 1, 2.5) is W
    assert drive(breaker, 2, 3.0) is O
    assert breaker.sentence(2) == "v: ratio is 3.00, limit 3.00"
    again = Breaker(rule, "symbol:SPY")
    again.restore(json.loads(json.dumps(breaker.snapshot())))
    assert (again.level, again.sentence(2)) == (3.0, breaker.sentence(2))

    breaker.move(2.0)
    assert "level" not in breaker.snapshot()
    assert drive(breaker, 3, 2.5) is O


def test_a_level_that_moves_leaves_a_rule_without_warning_silent() -> None:
    below = BreakerRule("p", "odds", Action.ROLLBACK, -1e-4, strict=True, below=True, unit="")
    breaker = Breaker(below, "portfolio")
    breaker.move(-2e-4)

    assert drive(breaker, 0, -3e-4) is C
    assert drive(breaker, 1, -1e-4) is O
