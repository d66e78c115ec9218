"""Decimals of 96 bits and the texts of numbers."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, localcontext
from fractions import Fraction

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from engine.statistics.arithmetic import (
    _WIDE,
    _fit_long,
    add,
    chart_number,
    difference,
    divide,
    double_text,
    fixed,
    multiply,
    narrow,
    next_mean,
    percent,
    product,
    ratio,
    round_to_significant,
    rounded_ratio,
    sample_price,
    share_of,
    subtract,
    times_100,
    to_money,
    total,
)
from engine.types.decimals import normalize, plain, round_half_even

AMOUNTS = st.decimals(
    min_value=Decimal("-1e9"), max_value=Decimal("1e9"), allow_nan=False, places=6
)
#: any mantissa of 96 bits at any scale
NUMBERS = st.builds(
    lambda mantissa, places: Decimal(mantissa).scaleb(-places),
    st.integers(-(2**93), 2**93),
    st.integers(0, 28),
)


@pytest.mark.parametrize(
    ("numerator", "denominator", "quotient"),
    [
        # as .NET prints them: 28 decimals, or 29 digits where 96 bits hold them
        ("1", "3", "0.3333333333333333333333333333"),
        ("100", "3", "33.333333333333333333333333333"),
        ("800", "9", "88.88888888888888888888888889"),
        ("10", "4", "2.5"),
        ("10.00", "2", "5.00"),
        ("10", "0.5", "20"),
    ],
)
def test_a_quotient_has_the_digits_of_dotnet(
    numerator: str, denominator: str, quotient: str
) -> None:
    assert plain(divide(Decimal(numerator), Decimal(denominator))) == quotient


#: few or many digits, ended by noughts or not, at scales on both sides of .NET's
_ANY = st.builds(
    lambda mantissa, noughts, places: _WIDE.scaleb(Decimal(mantissa * 10**noughts), -places),
    st.integers(-(10**20), 10**20),
    st.integers(0, 20),
    st.integers(-5, 45),
)


@given(_ANY)
def test_a_number_that_fits_keeps_its_scale_and_no_other_has_more_than_96_bits(
    value: Decimal,
) -> None:
    assume(abs(value) < 2**96)
    fitted = _fit_long(value)
    parts, had = fitted.as_tuple(), value.as_tuple()
    assert isinstance(parts.exponent, int)
    assert isinstance(had.exponent, int)
    assert -28 <= parts.exponent <= 0
    assert abs(int("".join(map(str, parts.digits)))) < 2**96
    if -28 <= had.exponent <= 0 and len(had.digits) <= 28:
        assert parts == had
    elif had.exponent > 0:
        assert fitted == value


@given(_ANY)
def test_a_normal_number_has_neither_noughts_at_its_end_nor_an_exponent(value: Decimal) -> None:
    assume(abs(value) < 10**28 and len(value.normalize(_WIDE).as_tuple().digits) < 29)
    short = normalize(value)
    exponent = short.as_tuple().exponent
    assert isinstance(exponent, int)
    assert short == value
    assert short.is_signed() == value.is_signed()
    assert exponent <= 0
    assert exponent == 0 or short.as_tuple().digits[-1]


def test_a_number_with_more_digits_than_the_context_is_rounded_before_its_noughts_go() -> None:
    with localcontext(Context(prec=29, rounding=ROUND_HALF_EVEN)):
        assert str(normalize(Decimal("9." + 35 * "9"))) == "10"
        assert str(normalize(Decimal("12.5" + 35 * "0" + "1"))) == "12.5"
        assert str(normalize(Decimal("31.2500"))) == "31.25"
        assert str(normalize(Decimal("-100.00"))) == "-100"


def test_a_number_is_printed_with_the_digits_that_96_bits_hold() -> None:
    """Margins as LEAN prints them: of a pair in euros, and one that begins with a nine."""
    euros = divide(Decimal(1), Decimal("1.391002"))
    assert plain(30000000 * Decimal("1.391002") * euros * Decimal("0.02")) == (
        "600000.00000000000000000000004"
    )
    assert plain(Decimal("906413.05009999999999999999991")) == "906413.0500999999999999999999"


@given(NUMBERS, NUMBERS)
def test_a_printed_product_is_that_of_exact_arithmetic(first: Decimal, second: Decimal) -> None:
    assume(abs(first.adjusted() + second.adjusted()) < 26)
    exact = multiply(first, second)

    # the context rounds to 29 digits first: a half may go the other way
    unit = Decimal(1).scaleb(exact.as_tuple().exponent)  # type: ignore[arg-type]
    assert abs(Decimal(plain(first * second)) - exact) <= unit


def test_division_by_zero_is_an_error() -> None:
    with pytest.raises(DivisionByZero):
        divide(Decimal(1), Decimal(0))


def test_a_running_mean_of_thirds_keeps_the_twenty_ninth_digit() -> None:
    with narrow():
        off, mean = next_mean(Decimal(100), Decimal(0), 3)
    assert (plain(off), plain(mean)) == ("-100", "66.666666666666666666666666667")


@given(NUMBERS, NUMBERS, st.integers(1, 10**5))
@example(Decimal("0.00"), Decimal("-0"), 3)
@example(Decimal("7.9228162514264337593543950335"), Decimal("1E-28"), 1)
@example(Decimal("9.9999999999999999999999999999"), Decimal("0.00000000000000000000000000005"), 2)
def test_operators_of_29_digits_give_what_the_long_ways_do(
    first: Decimal, second: Decimal, count: int
) -> None:
    with narrow():
        found = [
            *next_mean(first, second, count),
            product(first, second),
            total(first, second),
            difference(first, second),
        ]
    off = subtract(second, first)
    mean = add(first, divide(off, Decimal(count)))
    long_ways = [
        off, mean, multiply(first, second), add(first, second), subtract(first, second),
    ]  # fmt: skip
    assert list(map(str, found)) == list(map(str, long_ways))


@given(AMOUNTS, AMOUNTS)
def test_a_sum_that_fits_is_exact(first: Decimal, second: Decimal) -> None:
    assert Fraction(add(first, second)) == Fraction(first) + Fraction(second)


@given(AMOUNTS, AMOUNTS.filter(bool))
def test_a_quotient_is_off_by_half_a_unit_of_its_last_digit_at_most(
    first: Decimal, second: Decimal
) -> None:
    quotient = divide(first, second)
    exponent = quotient.as_tuple().exponent
    assert isinstance(exponent, int)
    assert -28 <= exponent <= 0
    error = abs(Fraction(quotient) - Fraction(first) / Fraction(second))
    assert error <= Fraction(10) ** exponent / 2


def test_significant_digits_keep_the_scale_that_capacity_shows() -> None:
    assert plain(round_to_significant(Decimal("163000000"), 2)) == "160000000.00"
    assert plain(round_to_significant(Decimal(0), 2)) == "0"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("50000.00", "50000"),
        ("1234.56785", "1234.5678"),
        ("0.123456789", "0.1234568"),
        ("-2000.12345678", "-2000.123"),
    ],
)
def test_chart_numbers_have_four_decimals_or_seven_digits(value: str, shown: str) -> None:
    assert plain(chart_number(Decimal(value))) == shown


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-0.0001, "-0"), (2.6269, "2.627"), (-66.7747, "-66.775"), (3.0, "3")],
)
def test_doubles_print_as_dotnet_prints_them(value: float, text: str) -> None:
    assert double_text(value, 3) == text


def test_money_and_percent_have_the_formats_of_the_runtime_statistics() -> None:
    assert to_money(Decimal("51715.163"), "$") == "$51,715.16"
    assert to_money(Decimal("-3"), "$") == "$-3.00"
    assert percent(Decimal("0.0343")) == "3.43 %"
    assert fixed(Decimal("24.005")) == "24.01"


def test_a_figure_too_large_is_cut_to_the_largest_decimal() -> None:
    assert times_100(Decimal("7e27")) == Decimal(2**96 - 1)


@given(NUMBERS, NUMBERS)
def test_a_ratio_is_the_number_of_a_division(numerator: Decimal, denominator: Decimal) -> None:
    assume(denominator != 0)
    assume(abs(numerator) < 2**96 * abs(denominator))
    assert ratio(numerator, denominator) == divide(numerator, denominator)


@given(NUMBERS)
def test_chart_numbers_are_rounded_as_the_long_way_does(value: Decimal) -> None:
    trimmed = normalize(value)
    if trimmed > 1000:
        expected = round_half_even(trimmed, 4)
    else:
        expected = normalize(round_to_significant(trimmed, 7))
    assert plain(chart_number(value)) == plain(expected)


@given(NUMBERS)
@example(Decimal("1000.00005"))
@example(Decimal("1000.000050001"))
@example(Decimal("120000"))
@example(Decimal("99999.12345"))
@example(Decimal("-2000"))
@example(Decimal("1E+5"))
def test_a_price_of_the_equity_is_rounded_to_four_decimals_and_then_for_charts(
    value: Decimal,
) -> None:
    expected = normalize(round_half_even(value, 4))
    if expected <= 1000:
        expected = normalize(round_to_significant(expected, 7))
    assert str(sample_price(value)) == str(expected)


@given(NUMBERS, NUMBERS.filter(bool), st.sampled_from([4, 10]))
def test_a_ratio_is_rounded_as_the_long_way_does(
    numerator: Decimal, denominator: Decimal, digits: int
) -> None:
    assume(abs(numerator) < 2**60 * abs(denominator))
    long_way = round_half_even(ratio(numerator, denominator), digits)
    assert rounded_ratio(numerator, denominator, digits) == long_way


@given(NUMBERS, st.integers(1, 10**9))
def test_a_share_has_the_four_digits_of_the_long_way(part: Decimal, whole: int) -> None:
    long_way = round_to_significant(divide(part, Decimal(whole)), 4)
    assert share_of(part, Decimal(whole)) == long_way


@given(st.integers(-(10**9), 10**9), st.integers(0, 9), st.integers(18, 28))
def test_a_share_has_no_more_decimals_than_dotnet(mantissa: int, digits: int, places: int) -> None:
    part = Decimal(mantissa).scaleb(-places)
    long_way = round_to_significant(divide(part, Decimal(10**digits)), 4)
    assert share_of(part, Decimal(10**digits)) == long_way
