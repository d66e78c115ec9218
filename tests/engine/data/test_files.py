"""Reading files: zips, csv cells, bars, factor and map files; and the sentences about
broken ones.
"""

from __future__ import annotations

import sys
import zipfile
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from data_kit import DATA, files

from engine.data.columns import (
    Factors,
    FileSource,
    Rows,
    round_sizes,
    scaled_floats,
    split_factors,
    steps_of,
)
from engine.data.events import distribution
from engine.data.factors import FactorFile
from engine.data.maps import AuxiliaryFiles
from engine.data.parsing import parse_columns, read_zip, tokenize
from engine.data.readers import FileReader, cut_to_session, parse_rows
from engine.types.enums import DataNormalizationMode, Resolution, SecurityType, TickType
from engine.types.errors import DataError
from engine.types.symbol import Symbol
from engine.types.timezones import TimeZones

D = datetime
SPY_MINUTE = DATA / "equity" / "usa" / "minute" / "spy" / "20131007_trade.zip"


def test_our_unzipping_equals_that_of_the_standard_library():
    for path in (SPY_MINUTE, DATA / "equity" / "usa" / "daily" / "spy.zip"):
        with zipfile.ZipFile(path) as archive:
            assert read_zip(path) == archive.read(archive.namelist()[0])


def test_a_truncated_zip_is_named(tmp_path):
    broken = tmp_path / "x.zip"
    broken.write_bytes(SPY_MINUTE.read_bytes()[:5000])
    with pytest.raises(DataError, match=r"complete zip file in .*x\.zip"):
        read_zip(broken)
    assert read_zip(tmp_path / "absent.zip") is None


def test_a_zip_with_a_flipped_byte_is_named(tmp_path):
    blob = bytearray(SPY_MINUTE.read_bytes())
    blob[900] ^= 0xFF
    broken = tmp_path / "x.zip"
    broken.write_bytes(bytes(blob))
    with pytest.raises(DataError, match=r"x\.zip"):
        read_zip(broken)


cell = st.one_of(
    st.integers(0, 10**12).map(str),
    st.decimals(0, 10**6, places=5).map(str),
    st.just(""),
    st.integers(-(10**6), -1).map(str),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(cell, min_size=4, max_size=4), min_size=1, max_size=6))
def test_every_cell_is_read_exactly(rows):
    text = "\n".join(",".join(["7", *row[1:]]) for row in rows).encode()
    values, scales = parse_columns(text, 4, "file")
    for number, row in enumerate(rows):
        for column, written in enumerate(["7", *row[1:]]):
            held = 0 if scales is None else int(scales[number, column])
            assert Decimal(int(values[number, column])).scaleb(-held) == Decimal(written or "0")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.integers(0, 10**15), min_size=3, max_size=3), min_size=1, max_size=8))
def test_the_fast_path_and_the_tokenizer_agree(rows):
    text = "\n".join(",".join(map(str, row)) for row in rows).encode()
    fast, scales = parse_columns(text, 3, "file")
    slow, none = tokenize(text, 3, "file")
    assert scales is None
    assert none is None
    assert np.array_equal(fast, slow)
    assert fast.tolist() == rows


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"1,2,3\n4,x,6\n", "a number in f.csv, row 2, column 2, was 'x'"),
        (b"1,2\n3,4,5\n", "3 columns in f.csv, row 1, was 2"),
        (b"1,2,3,4\n5,6\n7,8,9\n", "3 columns in f.csv, row 2, was 2"),
        (b"1,2,3\nnan,5,6\n", "row 2, column 1, was 'nan'"),
        (b"1.2.3,4,5\n", "row 1, column 1, was '1.2.3'"),
    ],
)
def test_a_wrong_row_is_named_with_its_number(text, message):
    with pytest.raises(DataError, match=message):
        parse_columns(text, 3, "f.csv")


def test_an_impossible_date_is_named():
    with pytest.raises(DataError, match="row 2, was 201313010000"):
        parse_rows(
            b"20130101 00:00,1,1,1,1,1\n20131301 00:00,1,1,1,1,1\n", "f", Resolution.DAILY, False, 4
        )


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("20130104 00:00,2,2,2,2,2\n20130103 00:00,3,3,3,3,3\n", "row 3, was an earlier time"),
        ("20130104 00:00,2,2,2,2,2\n20130104 00:00,4,4,4,4,4\n", "row 3, was the same time again"),
        ("20130104 00:00,2,2,0,2,2\n", "prices above 0"),
        ("20130104 00:00,2,1,2,2,2\n", "a high above the low"),
    ],
)
def test_rows_that_cannot_be_true_are_an_error_that_names_the_row(tmp_path, rows, said):
    folder = tmp_path / "equity" / "usa" / "daily"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "x.zip", "w") as archive:
        archive.writestr(
            "x.csv",
            f"20130102 00:00,1,1,1,1,1\n{rows}20130107 00:00,5,5,5,5,5\n",
        )
    with pytest.raises(DataError, match=said):
        FileReader(tmp_path).rows(
            SecurityType.EQUITY, "usa", "X", Resolution.DAILY, TickType.TRADE, False,
            TimeZones.NEW_YORK, TimeZones.NEW_YORK,
        )  # fmt: skip


def test_cutting_to_the_session_keeps_it_the_row_before_and_the_last():
    text = read_zip(SPY_MINUTE)
    lines = text.split()
    kept = cut_to_session(text, 34_200_000, 57_600_000).split()
    times = [int(line.split(b",")[0]) for line in lines]
    inside = [line for line, t in zip(lines, times, strict=False) if 34_200_000 <= t < 57_600_000]
    assert kept == [lines[lines.index(inside[0]) - 1], *inside, lines[-1]]
    assert cut_to_session(b"5,1\n6,2\n", 0, 100) == b"5,1\n6,2\n"
    assert cut_to_session(b"5,1\n6,2\n", 10, 100) == b"6,2\n"


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(1, 10**8), min_size=1, max_size=20),
    st.decimals("0.0001", 3, places=9),
    st.decimals("0.0001", 1, places=7),
)
def test_adjusted_floats_are_the_floats_of_the_exact_prices(raw, price, split):
    factor = price * split * Decimal("0.0001")
    high, low = split_factors([factor])
    floats = scaled_floats(np.array(raw), high[0], low[0])
    exact = [float(Decimal(value) * factor) for value in raw]
    assert floats.tolist() == exact


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, 10**9), min_size=1, max_size=20),
    st.decimals("0.01", 1, places=7),
)
def test_adjusted_volumes_are_rounded_as_exact_numbers(volumes, factor):
    inverse = Decimal(1) / factor
    got = round_sizes(np.array(volumes, float), [inverse], np.zeros(len(volumes), int))
    assert got.tolist() == [float((Decimal(v) * inverse).to_integral_value()) for v in volumes]


def test_an_exact_price_is_integer_times_unit_times_factor():
    source = FileSource(Symbol.EMPTY, [], [], [], [np.array([16743])], [], 2)
    source.scales = source.addends = None
    assert str(source.exact(0, 0)) == "167.43"
    source.factor = Decimal("0.8646266")
    assert str(source.exact(0, 0)) == "144.764431638"
    source.addends = [Decimal("0.99")]
    assert str(source.exact(0, 0)) == "145.754431638"


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(0, 2**62), min_size=1, max_size=6),
    st.lists(st.integers(1, 10**34).map(lambda n: Decimal(n).scaleb(-30)), max_size=3),
    st.integers(0, 8),
)
def test_prices_by_the_steps_of_a_row_are_the_exact_ones(raw, values, scale):
    which = np.arange(len(raw)) % max(1, len(values))
    factors = Factors(values, which) if values else None
    column = np.array(raw)
    rows = Rows(column, column, column[None], None, scale, column[None])
    source = FileSource(Symbol.EMPTY, [], [], [], [column], [], scale)
    source.scales = source.addends = None
    source.factors = factors.of_rows() if factors else None
    exact = [source.exact(0, row).as_tuple() for row in range(len(raw))]
    source.steps = steps_of(rows, factors)
    assert [source.exact(0, row).as_tuple() for row in range(len(raw))] == exact


def test_rows_have_no_step_where_cells_differ_or_digits_would_be_lost():
    one = np.ones((1, 1), int)
    rows = Rows(one[0], one[0], one, None, 4, one)
    assert steps_of(rows, None) == [Decimal("0.0001")]
    assert steps_of(rows, Factors([Decimal("0.5")], np.zeros(1, int))) == [Decimal("0.00005")]
    assert steps_of(rows, Factors([Decimal("0.5")], np.zeros(1, int), [Decimal(1)])) is None
    assert steps_of(rows, Factors([Decimal("0." + "7" * 40)], np.zeros(1, int))) is None
    assert steps_of(Rows(one[0], one[0], one, one.astype(np.int8), 4, one), None) is None


@pytest.mark.parametrize(
    ("ticker", "identity"),
    [
        ("SPY", "SPY R735QTJ8XC9X"),
        ("GOOGL", "GOOG T1AZ164W5VTX"),
        ("GOOG", "GOOCV VP83T1ZUHROL"),
        ("BAC", "NB R735QTJ8XC9X"),
        ("WM", "UW R735QTJ8XC9X"),
        ("NOPE", "NOPE 2T"),
    ],
)
def test_identities_come_from_the_first_ticker_and_day(ticker, identity):
    files().install()
    assert str(Symbol.create(ticker, SecurityType.EQUITY, "usa").id) == identity


def test_a_ticker_means_its_owner_on_the_date():
    found = files()
    assert found.equity_identity("VXX", "usa", D(2016, 7, 28)) == ("VXX", D(2009, 1, 30))
    assert found.equity_identity("GOOG", "usa", D(2010, 1, 1)) == ("GOOG", D(2004, 8, 19))
    assert found.equity_identity("GOOG", "usa", D(2020, 1, 1)) == ("GOOCV", D(2014, 3, 27))


def test_factors_of_a_date_are_those_of_the_row_that_ends_next():
    files().install()
    aapl = Symbol.create("AAPL", SecurityType.EQUITY, "usa")
    factors = files().factor_file(aapl)
    before, after = D(2014, 6, 6), D(2014, 6, 9)
    split = DataNormalizationMode.SPLIT_ADJUSTED
    assert factors.factor(before, split) / factors.factor(after, split) == Decimal("0.1428572")
    assert factors.factor(before, DataNormalizationMode.RAW) == 1
    assert factors.factor(D(2030, 1, 1), DataNormalizationMode.ADJUSTED) == 1
    end = factors.factor(before, DataNormalizationMode.SCALED_RAW)
    assert factors.price_scale(before, DataNormalizationMode.SCALED_RAW, before) == 1
    assert factors.price_scale(after, DataNormalizationMode.SCALED_RAW, before) > 1
    assert end < 1
    factor, reference = factors.split_after(before)
    assert (factor, reference) == (Decimal("0.1428572"), Decimal("645.57"))


def test_a_dividend_is_rounded_to_the_cent():
    assert distribution(Decimal("113.4"), Decimal("0.9964726")) == Decimal("0.40")


def test_odd_rows_of_a_factor_file_do_not_count_and_broken_ones_are_named(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("20100101,inf,1,0\n20110101,1.6e+6,1,0\n20120101,0,1,0\n20130101,0.5,1,9\n")
    rows = FactorFile.read(path).rows
    assert [row.date for row in rows] == [D(2013, 1, 1)]
    path.write_text("20130101,0.5,1,9\nyesterday,1,1\n")
    with pytest.raises(DataError, match=r"x\.csv, row 2"):
        FactorFile.read(path)


def test_a_broken_map_file_is_named(tmp_path):
    folder = tmp_path / "equity" / "usa" / "map_files"
    folder.mkdir(parents=True)
    (folder / "x.csv").write_text("20130101\n")
    with pytest.raises(DataError, match=r"x\.csv, row 1"):
        AuxiliaryFiles(tmp_path).equity_identity("X", "usa", None)
