"""Shortcuts of the verdict: they say what the plain definition says."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from protection.circuit_breakers.board import _verdict
from protection.contracts.actions import Action, Reason
from protection.risk.policy import cushion_multiplier

NOW = datetime(2020, 1, 6, 15, tzinfo=UTC)
REASONS = st.lists(
    st.builds(
        Reason,
        st.sampled_from(["peak", "daily", "kill", "data"]),
        st.sampled_from(list(Action)),
        st.sampled_from(["one", "two", "three"]),
        st.none() | st.integers(0, 3).map(lambda hours: NOW + timedelta(hours=hours)),
    ),
    min_size=1,
    max_size=5,
)
ANY = st.floats(allow_nan=True, allow_infinity=True)


@given(reasons=REASONS)
def test_strongest_reason_leads_equals_keep_their_place_and_the_last_end_counts(
    reasons: list[Reason],
) -> None:
    given_before = list(reasons)
    found = _verdict("portfolio", reasons, 0.5, {"peak": 0.1})
    ordered = tuple(
        reason for action in sorted(Action, reverse=True) for reason in reasons
        if reason.action is action
    )  # fmt: skip
    state = ordered[0].action
    ends = [reason.until for reason in ordered if reason.action is state]
    known = [end for end in ends if end is not None]
    assert found.reasons == ordered
    assert found.state is state
    assert found.reason == (ordered[0].text if state is not Action.ALLOW else "")
    assert found.until == (max(known) if len(known) == len(ends) else None)
    assert (found.multiplier, found.evidence) == (0.5, {"peak": 0.1})
    assert reasons == given_before


@given(equity=ANY, peak=ANY, limit=st.floats(0.01, 0.99), steepness=st.floats(0.1, 50.0))
def test_cushion_lies_between_nothing_and_full_size_whatever_the_figures(
    equity: float, peak: float, limit: float, steepness: float
) -> None:
    found = cushion_multiplier(equity, peak, limit, steepness)
    plain = 0.0
    if equity > 0.0:
        share = steepness * (1.0 - (1.0 - limit) * peak / equity) / limit
        plain = min(1.0, max(0.0, share))
    assert found == plain
    assert math.copysign(1.0, found) == 1.0
