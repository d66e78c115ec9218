"""A change of plain data makes the new out of the old, whatever they are."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protection.contracts.errors import RecoverState
from protection.contracts.stores.patch import difference, patched

LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.floats(allow_nan=False), st.text(max_size=3)
)
PLAIN = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=6), st.dictionaries(st.sampled_from("abcd"), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(PLAIN, PLAIN)
def test_the_change_makes_the_new_of_the_old_and_leaves_the_old_alone(old: Any, new: Any) -> None:
    kept = copy.deepcopy(old)

    change = difference(old, new)

    if change is None:
        assert old == new
    else:
        assert patched(old, json.loads(json.dumps(change))) == new
    assert old == kept
    assert difference(new, copy.deepcopy(new)) is None


@given(st.lists(st.floats(0, 9), max_size=30), st.integers(0, 5), st.integers(0, 5), st.data())
def test_a_queue_that_moves_on_costs_what_came_and_not_what_stays(
    old: list[float], left: int, right: int, data: st.DataObject
) -> None:
    tail = data.draw(st.lists(st.floats(10, 19), max_size=3))
    new = old[left : len(old) - right] + tail

    change = difference(old, new)

    if change is not None:
        assert patched(old, change) == new


def test_the_shapes_of_the_state_give_short_changes() -> None:
    past = [float(number) for number in range(25)]
    assert difference(past, [*past[1:], 99.0]) == ["l", 1, 25, [99.0]]
    assert difference([*past, 1.5], past) == ["l", 0, 25, []]
    gauges = [["vpin", "SPY", "t0", {"state": "closed"}], ["kl", "portfolio", "t0", {}]]
    later = [["vpin", "SPY", "t1", {"state": "open"}], ["kl", "portfolio", "t0", {}]]
    assert difference(gauges, later) == [
        "e",
        {"0": ["e", {"2": ["=", "t1"], "3": ["d", {"state": ["=", "open"]}, []]}]},
    ]
    assert difference({"a": 1, "b": 2}, {"a": 1, "c": 3}) == ["d", {"c": ["=", 3]}, ["b"]]


@pytest.mark.parametrize(
    "change", [None, [], ["?"], ["d", {}], ["l", 0, 9, []], ["e", {"7": ["=", 1]}], ["d", 3, []]]
)
def test_a_change_that_was_not_made_for_it_asks_for_recovery(change: Any) -> None:
    with pytest.raises(RecoverState):
        patched([1, 2], change)
