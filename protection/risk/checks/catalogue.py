"""The order gate's checks as a list: what each one does, how it is set, what it answers to.

The documentation is made from this list, and a test holds it against the gate.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One check.

    Attributes
    ----------
    guard : name in reasons and counters
    what : what is refused
    keys : settings; empty where it cannot be switched off
    where : file that holds it
    sec : paragraphs of SEC rule 15c3-5 it supports
    rts : paragraphs of RTS 6 (2017/589) article 15 it supports, other articles by name
    test : test that proves it
    """

    guard: str
    what: str
    keys: tuple[str, ...]
    where: str
    sec: str
    rts: str
    test: str


_GATE, _ONE = "protection/risk/gate.py", "protection/risk/checks/single.py"
_FLOW, _BUILD = "protection/risk/checks/flow.py", "protection/risk/checks/build.py"
_SHAPE, _TAIL = "protection/risk/limits/exposure.py", "protection/risk/limits/tail.py"
_GATES, _CHECKS = (
    "tests/protection/risk/test_gate.py",
    ("tests/protection/risk/checks/test_order_checks.py"),
)
_LIMITS = "tests/protection/risk/limits"
_ONE_TEST = f"{_CHECKS}::test_a_check_of_one_order_refuses_exactly_beyond_its_limit"

SEQUENCE: tuple[Step, ...] = (
    Step(
        "input",
        "a quantity or multiplier that is no finite number, an exercise without its delivery",
        (),
        _GATE,
        "(c)(1)(ii)",
        "15(1)",
        f"{_GATES}::test_in_every_bad_state_adding_is_denied_and_reducing_passes",
    ),
    Step(
        "state",
        "adding while killed, halted, frozen, stale, disconnected or unaudited",
        (),
        _GATE,
        "(c)(1)(i)",
        "12, 15(3)",
        f"{_GATES}::test_in_every_bad_state_adding_is_denied_and_reducing_passes",
    ),
    Step(
        "combo",
        "a leg whose combination had another leg refused",
        (),
        _GATE,
        "(c)(1)(ii)",
        "15(1)",
        f"{_GATES}::test_a_combination_stands_or_falls_as_one",
    ),
    Step(
        "restricted",
        "symbols on a list",
        ("orders.restricted",),
        _ONE,
        "(c)(2)(ii)",
        "15(6)",
        _ONE_TEST,
    ),
    Step(
        "instruments",
        "symbols that are not on the list of those that may be traded",
        ("orders.instruments",),
        _ONE,
        "(c)(2)(ii)",
        "8, 15(6)",
        _ONE_TEST,
    ),
    Step(
        "observed",
        "symbols without a good price since the start",
        ("orders.observed",),
        _ONE,
        "(c)(1)(ii)",
        "15(1)(a)",
        f"{_CHECKS}::test_a_symbol_must_have_been_observed",
    ),
    Step(
        "session",
        "adding outside a time of day",
        ("orders.session",),
        _ONE,
        "(c)(1)(ii)",
        "15(1)",
        f"{_CHECKS}::test_adding_keeps_to_the_session_in_its_own_zone",
    ),
    Step(
        "message_rate",
        "more orders and updates in a span than allowed",
        ("orders.max_messages", "orders.message_seconds"),
        _FLOW,
        "(c)(1)(ii)",
        "15(1)(d)",
        f"{_CHECKS}::test_rates_count_everything_sent_and_free_themselves_with_time",
    ),
    Step(
        "order_rate",
        "more new orders in a span than allowed",
        ("orders.max_orders", "orders.order_seconds"),
        _FLOW,
        "(c)(1)(ii)",
        "15(1)(d)",
        f"{_CHECKS}::test_rates_count_everything_sent_and_free_themselves_with_time",
    ),
    Step(
        "orders_per_day",
        "more new orders in a session than allowed",
        ("orders.per_day",),
        _FLOW,
        "(c)(1)(ii)",
        "8, 15(1)(d)",
        f"{_CHECKS}::test_the_count_of_the_day_survives_a_restart_and_ends_with_the_session",
    ),
    Step(
        "duplicate",
        "the same order again within a span",
        ("orders.duplicate_seconds",),
        _FLOW,
        "(c)(1)(ii)",
        "15(3)",
        f"{_CHECKS}::test_the_same_order_twice_is_a_duplicate_and_another_one_is_not",
    ),
    Step(
        "repeated_execution",
        "one strategy, symbol and side too often in a span; latches the symbol",
        ("orders.repeats", "orders.repeat_seconds"),
        _FLOW,
        "(c)(1)(ii)",
        "15(3)",
        f"{_CHECKS}::test_the_same_signal_too_often_latches_its_symbol_until_re_armed_"
        "even_over_a_restart",
    ),
    Step(
        "price",
        "a reference price that is missing, not above zero, not finite or stale",
        ("data.max_price_age_seconds",),
        _GATE,
        "(c)(1)(ii)",
        "15(1)(a)",
        f"{_CHECKS}::test_without_a_reference_price_nothing_after_it_is_judged",
    ),
    Step(
        "collar",
        "limit and stop prices far from the reference price",
        ("orders.collar",),
        _ONE,
        "(c)(1)(ii)",
        "15(1)(a)",
        _ONE_TEST,
    ),
    Step(
        "luld",
        "prices outside the limit-up limit-down bands",
        ("orders.luld_tier",),
        _ONE,
        "(c)(1)(ii)",
        "15(1)(a)",
        f"{_CHECKS}::test_adding_keeps_to_the_bands_around_the_five_minute_mean",
    ),
    Step(
        "max_quantity",
        "too large a quantity of one order",
        ("orders.max_quantity",),
        _ONE,
        "(c)(1)(ii)",
        "15(1)(c)",
        _ONE_TEST,
    ),
    Step(
        "max_notional",
        "too large a value of one order",
        ("orders.max_notional",),
        _ONE,
        "(c)(1)(ii)",
        "15(1)(b)",
        _ONE_TEST,
    ),
    Step(
        "history",
        "a value far above the account's usual one",
        ("orders.history_multiple", "orders.history_orders"),
        _FLOW,
        "(c)(1)(ii)",
        "15(1)(b)",
        f"{_CHECKS}::test_a_far_larger_order_than_usual_is_a_fat_finger",
    ),
    Step(
        "adv",
        "too large a share of the average daily volume",
        ("orders.adv_share", "orders.adv_sessions"),
        _ONE,
        "(c)(1)(ii)",
        "15(1)(c)",
        f"{_CHECKS}::test_an_order_is_held_against_the_average_volume_of_past_sessions",
    ),
    Step(
        "window_quantity",
        "too large a quantity of a symbol over time",
        ("orders.window_quantity", "orders.window_seconds"),
        _FLOW,
        "(c)(1)(ii)",
        "15(1)(c)",
        _ONE_TEST,
    ),
    Step(
        "window_notional",
        "too large a value of all orders over time",
        ("orders.window_notional", "orders.window_seconds"),
        _FLOW,
        "(c)(1)(ii)",
        "15(1)(b)",
        _ONE_TEST,
    ),
    Step(
        "self_trade",
        "orders that would meet a resting limit order of the same account",
        ("orders.self_trade",),
        _ONE,
        "(c)(2)(ii)",
        "13",
        f"{_CHECKS}::test_an_order_may_not_meet_a_resting_one_of_its_own",
    ),
    Step(
        "max_position",
        "a position, everything pending filled, above its share of equity",
        ("limits.max_position",),
        _GATE,
        "(c)(1)(i)",
        "15(2), 15(4)",
        f"{_GATES}::test_the_position_limit_counts_everything_that_may_still_fill",
    ),
    Step(
        "max_leverage",
        "gross exposure, everything pending filled, above its multiple of equity",
        ("limits.max_leverage", "limits.full_gross"),
        _GATE,
        "(c)(1)(i)",
        "15(2), 15(4)",
        f"{_GATES}::test_the_gross_limit_holds_over_symbols_and_lets_a_rotation_pass",
    ),
    Step(
        "stage_capital",
        "gross exposure above the capital of a stage of the rollout",
        ("orders.stage_capital",),
        _BUILD,
        "(c)(1)(i)",
        "8",
        _ONE_TEST,
    ),
    Step(
        "max_positions",
        "more symbols held or pending than allowed",
        ("exposure.max_positions",),
        _SHAPE,
        "(c)(1)(i)",
        "8, 15(4)",
        f"{_LIMITS}/test_exposure.py::test_the_number_of_positions_counts_what_is_on_its_way",
    ),
    Step(
        "max_net",
        "net exposure above its multiple of equity",
        ("exposure.max_net",),
        _SHAPE,
        "(c)(1)(i)",
        "15(4)",
        f"{_LIMITS}/test_exposure.py::test_net_counts_shorts_against_longs_and_pending_orders_in_full",
    ),
    Step(
        "max_sector",
        "gross exposure of a sector above its share of equity",
        ("exposure.max_sector", "exposure.sectors"),
        _SHAPE,
        "(c)(1)(i)",
        "15(4)",
        f"{_LIMITS}/test_exposure.py::test_a_sector_is_bounded_by_ticker_or_key_and_others_are_not",
    ),
    Step(
        "max_concentration",
        "a sum of squared shares of equity that is too large",
        ("exposure.max_concentration",),
        _SHAPE,
        "(c)(1)(i)",
        "15(4)",
        f"{_LIMITS}/test_exposure.py::test_concentration_is_the_sum_of_squared_shares",
    ),
    Step(
        "tail_var",
        "one-day VaR or ES of the book above its limit",
        ("tail.watch", "tail.halt", "tail.shortfall"),
        _TAIL,
        "(c)(1)(i)",
        "15(4)",
        f"{_LIMITS}/test_tail.py::test_a_position_whose_var_is_too_large_is_refused_with_the_size_that_fits",
    ),
    Step(
        "audit",
        "adding whose decision could not be made durable",
        (),
        _GATE,
        "(b)",
        "28",
        f"{_GATES}::test_in_every_bad_state_adding_is_denied_and_reducing_passes",
    ),
    Step(
        "kill",
        "adding when the kill switch was thrown while the order was judged",
        ("kill.watch",),
        _GATE,
        "(c)(1)(i)",
        "12",
        f"{_GATES}::test_an_order_killed_while_it_was_judged_is_taken_back",
    ),
)
