"""Industry identifiers of LEAN's table of examples."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from engine.data.definitions import SecurityDefinitions
from engine.data.maps import AuxiliaryFiles
from engine.types.errors import DataError
from engine.types.symbol import SecurityIdentifier, Symbol

AAPL = Symbol(SecurityIdentifier.parse("AAPL R735QTJ8XC9X"), "AAPL")
DAY = datetime(2014, 6, 5)


@pytest.fixture
def table(lean_data: Path) -> SecurityDefinitions:
    return SecurityDefinitions(lean_data, AuxiliaryFiles(lean_data))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("cusip", "03783310"),
        ("composite_figi", "BBG000B9XRY4"),
        ("sedol", "2046251"),
        ("isin", "US0378331005"),
        ("cik", 320193),
    ],
)
def test_identifiers_lead_both_ways(
    table: SecurityDefinitions, column: str, value: str | int
) -> None:
    assert table.of(AAPL, column) == value
    assert table.symbols(value, column, DAY) == [AAPL]


def test_what_is_not_in_the_table_is_nothing(table: SecurityDefinitions, tmp_path: Path) -> None:
    assert table.symbols("000", "cusip", DAY) == []
    assert SecurityDefinitions(tmp_path, None).of(AAPL, "isin") is None


def test_a_short_row_is_an_error_that_names_it(tmp_path: Path) -> None:
    file = tmp_path / "symbol-properties" / "security-database.csv"
    file.parent.mkdir()
    file.write_text("# comment\nAAPL R735QTJ8XC9X,03783310\n")
    with pytest.raises(DataError, match=r"expected 6 columns in .*, row 2, was 2"):
        SecurityDefinitions(tmp_path, None).of(AAPL, "isin")
