"""Canonical JSON against the published examples of RFC 8785."""

from __future__ import annotations

import json
import math
import struct
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protection.blockchain.canonical import SAFE, canonical, is_canonical, parse, read
from protection.contracts.errors import FixInput

# RFC 8785, appendix B: IEEE 754 bits and their text.
NUMBERS = [
    ("0000000000000000", "0"),
    ("8000000000000000", "0"),
    ("0000000000000001", "5e-324"),
    ("8000000000000001", "-5e-324"),
    ("7fefffffffffffff", "1.7976931348623157e+308"),
    ("ffefffffffffffff", "-1.7976931348623157e+308"),
    ("4340000000000000", "9007199254740992"),
    ("c340000000000000", "-9007199254740992"),
    ("4430000000000000", "295147905179352830000"),
    ("44b52d02c7e14af5", "9.999999999999997e+22"),
    ("44b52d02c7e14af6", "1e+23"),
    ("44b52d02c7e14af7", "1.0000000000000001e+23"),
    ("444b1ae4d6e2ef4e", "999999999999999700000"),
    ("444b1ae4d6e2ef4f", "999999999999999900000"),
    ("444b1ae4d6e2ef50", "1e+21"),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
    ("3eb0c6f7a0b5ed8d", "0.000001"),
    ("41b3de4355555553", "333333333.3333332"),
    ("41b3de4355555554", "333333333.33333325"),
    ("41b3de4355555555", "333333333.3333333"),
    ("41b3de4355555556", "333333333.3333334"),
    ("41b3de4355555557", "333333333.33333343"),
    ("becbf647612f3696", "-0.0000033333333333333333"),
    ("43143ff3c1cb0959", "1424953923781206.2"),
]


@pytest.mark.parametrize(("bits", "text"), NUMBERS)
def test_numbers_are_written_as_in_appendix_b(bits: str, text: str) -> None:
    assert canonical(struct.unpack(">d", bytes.fromhex(bits))[0]).decode() == text


def test_the_example_of_section_3_2_2_gives_its_bytes() -> None:
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": '€$\x0f\nA\'B"\\\\"/',
        "literals": [None, True, False],
    }

    assert canonical(value).decode() == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


def test_keys_are_sorted_by_utf_16_units_as_in_section_3_2_3() -> None:
    keys = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7}

    assert list(json.loads(canonical(keys))) == [
        "\r",
        "1",
        "\u0080",
        "\u00f6",
        "\u20ac",
        "\U0001f600",
        "\ufb33",
    ]


class Side(Enum):
    BUY = "buy"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2020, 1, 6, 21, 0, tzinfo=UTC), '"2020-01-06T21:00:00.000000Z"'),
        (
            datetime(2020, 1, 6, 16, 0, 0, 5, tzinfo=timezone(timedelta(hours=-5))),
            '"2020-01-06T21:00:00.000005Z"',
        ),
        (date(2020, 1, 6), '"2020-01-06"'),
        (timedelta(minutes=1), "60"),
        (Decimal("0.10"), '"0.10"'),
        (Decimal("1E+3"), '"1000"'),
        (Side.BUY, '"buy"'),
        (b"\x00\xff", '"00ff"'),
        (np.float64(2.5), "2.5"),
        (np.int64(7), "7"),
        (np.bool_(True), "true"),
        ((1, 2), "[1,2]"),
    ],
)
def test_types_beyond_json_have_one_form(value: object, text: str) -> None:
    assert canonical(value).decode() == text


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        Decimal("NaN"),
        SAFE + 1,
        -SAFE - 1,
        datetime(2020, 1, 1),
        {1: 2},
        {1: 2, "a": 3},
        {"a": {2}},
        object(),
        "\ud800",
        {"\ud800": 1},
        np.array([1.0]),
    ],
)
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(FixInput):
        canonical(value)


def test_a_value_nested_too_deeply_is_refused() -> None:
    value: list[object] = []
    for _ in range(100_000):
        value = [value]

    with pytest.raises(FixInput, match="nested"):
        canonical(value)


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-SAFE, SAFE)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(plain)
def test_reading_gives_the_value_and_writing_it_again_the_same_bytes(value: object) -> None:
    data = canonical(value)

    assert parse(data) == value
    assert canonical(read(data)) == data


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 9), max_size=6), st.randoms())
def test_the_order_of_insertion_does_not_matter(value: dict[str, int], random) -> None:  # type: ignore[no-untyped-def]
    keys = list(value)
    random.shuffle(keys)
    try:
        expected = canonical(value)
    except FixInput:
        return
    assert canonical({key: value[key] for key in keys}) == expected


@pytest.mark.parametrize(
    "data", [b"1.0", b'{"b":1,"a":2}', b'{"a": 1}', b'{"a":1,"a":1}', b"1e2", b'"\\u0041"', b"x"]
)
def test_other_spellings_of_a_value_are_not_canonical(data: bytes) -> None:
    assert not is_canonical(data)


def test_a_raised_limit_on_recursion_does_not_let_depth_end_the_process() -> None:
    deep: list[object] = []
    deep.append(deep)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    try:
        with pytest.raises(FixInput, match="nested"):
            canonical({"entry": deep})
        assert canonical({"entry": [[1]]}) == b'{"entry":[[1]]}'
    finally:
        sys.setrecursionlimit(limit)
