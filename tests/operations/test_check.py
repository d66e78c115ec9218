"""`protect data check` finds what was put in, where it was put in, and nothing in clean data."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from operations.data.check import check_folder
from operations.data.findings import Finding, Report, Severity
from operations.data.lean_format import zipped
from operations.errors import FolderError

AAPL = "equity/usa/daily/aapl.zip"


@pytest.fixture
def folder(prepared: Path, tmp_path: Path) -> Path:
    """A prepared folder reduced to one share, so that a check takes milliseconds."""
    target = tmp_path / "data"
    for name in (
        AAPL,
        "equity/usa/map_files/aapl.csv",
        "equity/usa/factor_files/aapl.csv",
        "market-hours/market-hours-database.json",
        "symbol-properties/symbol-properties-database.csv",
    ):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(prepared / name, target / name)
    return target


def edit(folder: Path, change: Callable[[list[str]], None]) -> None:
    path = folder / AAPL
    with zipfile.ZipFile(path) as archive:
        lines = archive.read("aapl.csv").decode().splitlines()
    change(lines)
    path.write_bytes(zipped("aapl.csv", "\n".join(lines) + "\n"))


def only(report: Report, kind: str) -> Finding:
    (finding,) = [f for f in report.findings if f.kind == kind]
    assert finding.file == AAPL
    return finding


def test_the_prepared_data_has_no_errors(prepared: Path) -> None:
    report = check_folder(prepared)
    assert report.passed()
    assert report.series == 23
    daily, hourly = 20 * 8313 - 607 + 8313 + 2 * 5031, 8313 + 2 * 5031
    assert report.rows == daily + hourly
    # Real one-day moves, short runs of equal closes, and two series that end in 2018.
    assert {f.kind for f in report.findings} == {"jump", "stale", "ends early"}


def test_leans_sample_data_has_no_errors_and_its_known_gaps(lean_data: Path) -> None:
    report = check_folder(lean_data)
    assert report.passed(), [f for f in report.findings if f.severity is Severity.ERROR]
    gaps = {f.file for f in report.findings if f.kind == "gap"}
    assert "equity/usa/daily/spy.zip" not in gaps
    assert "equity/usa/daily/aaa.zip" in gaps


def test_a_truncated_zip_is_one_error_with_its_file(folder: Path) -> None:
    path = folder / AAPL
    path.write_bytes(path.read_bytes()[:5000])
    finding = only(check_folder(folder), "unreadable")
    assert finding.severity is Severity.ERROR
    assert "expected a complete zip" in finding.message


@pytest.mark.parametrize(
    ("line", "kind", "message"),
    [
        ("20000104 00:00,1,2,3", "unreadable", "expected 6 columns, was 4"),
        ("2000-01-04,1,1,1,1,0", "unreadable", "expected a time as yyyymmdd HH:MM"),
        ("20000104 00:00,1,1,one,1,0", "unreadable", "expected numbers"),
        ("20000104 00:00,1,1,nan,1,0", "bad price", "expected finite prices"),
        ("20000104 00:00,1,1,0,1,0", "bad price", "expected positive prices, was 0"),
        ("20000104 00:00,5,4,3,5,0", "bad price", "expected low <= open"),
    ],
)
def test_a_bad_row_is_named_with_its_number(
    folder: Path, line: str, kind: str, message: str
) -> None:
    edit(folder, lambda lines: lines.__setitem__(2526, line))
    finding = only(check_folder(folder), kind)
    assert finding.severity is Severity.ERROR
    assert finding.row == 2527
    assert message in finding.message


def test_a_bar_twice_is_a_duplicate(folder: Path) -> None:
    edit(folder, lambda lines: lines.insert(101, lines[100]))
    finding = only(check_folder(folder), "duplicate")
    assert (finding.severity, finding.row) == (Severity.ERROR, 102)
    assert "row 101" in finding.message


def test_bars_in_the_wrong_order_are_unsorted(folder: Path) -> None:
    def swap(lines: list[str]) -> None:
        lines[100], lines[101] = lines[101], lines[100]

    edit(folder, swap)
    finding = only(check_folder(folder), "unsorted")
    assert (finding.severity, finding.row) == (Severity.ERROR, 102)


def test_missing_sessions_are_a_gap_with_its_days(folder: Path) -> None:
    edit(folder, lambda lines: lines.__delitem__(slice(100, 103)))
    finding = only(check_folder(folder), "gap")
    assert (finding.severity, finding.row) == (Severity.WARNING, 101)
    assert finding.message == "3 sessions missing: 1990-05-24 to 1990-05-29"  # across Memorial Day


def test_a_bar_on_a_holiday_is_reported(folder: Path) -> None:
    edit(folder, lambda lines: lines.append("20221226 00:00,1300000,1300000,1300000,1300000,0"))
    edit(folder, lambda lines: lines.sort())
    assert "2022-12-26" in only(check_folder(folder), "closed day").message


def test_a_dead_feed_is_stale(folder: Path) -> None:
    def freeze(lines: list[str]) -> None:
        bar = lines[3000].split(",", 1)[1]
        for n in range(3001, 3008):
            lines[n] = f"{lines[n].split(',')[0]},{bar}"

    edit(folder, freeze)
    finding = only(check_folder(folder), "stale")
    assert finding.row == 3001
    assert "the same bar 8 times" in finding.message


@pytest.mark.parametrize(("ratio", "words"), [(4, "4-for-1"), (0.1, "1-for-10")])
def test_an_unadjusted_split_is_an_error(folder: Path, ratio: float, words: str) -> None:
    def split(lines: list[str]) -> None:
        for n in range(7726):
            time, *prices, volume = lines[n].split(",")
            scaled = ",".join(str(round(int(price) * ratio)) for price in prices)
            lines[n] = f"{time},{scaled},{volume}"

    edit(folder, split)
    errors = [f for f in check_folder(folder).findings if f.severity is Severity.ERROR]
    (finding,) = errors
    assert (finding.kind, finding.row) == ("jump", 7727)
    assert f"unadjusted {words} split" in finding.message


def test_a_factor_file_that_explains_the_split_silences_the_error(folder: Path) -> None:
    test_an_unadjusted_split_is_an_error(folder, 4, "4-for-1")
    (folder / "equity/usa/factor_files/aapl.csv").write_text(
        "19900102,1,0.25,1\n20200828,1,0.25,499.23\n20501231,1,1,0\n"
    )
    report = check_folder(folder)
    assert report.count(Severity.ERROR) == 0


def test_a_series_that_ends_before_the_others_is_reported_unless_delisted(
    folder: Path, prepared: Path
) -> None:
    shutil.copy(prepared / "equity/usa/daily/ge.zip", folder / "equity/usa/daily/ge.zip")
    edit(folder, lambda lines: lines.__delitem__(slice(8000, None)))
    assert (
        "sessions before the newest 2022-12-28" in only(check_folder(folder), "ends early").message
    )
    maps = folder / "equity/usa/map_files/aapl.csv"
    maps.write_text("19900102,aapl,Q\n20210930,aapl,Q\n")
    assert [f for f in check_folder(folder).findings if f.kind == "ends early"] == []


def test_a_broken_factor_file_is_named_with_its_row(folder: Path) -> None:
    (folder / "equity/usa/factor_files/aapl.csv").write_text("19900102,1,1,1\n20501231,one,1,0\n")
    (finding,) = [f for f in check_folder(folder).findings if f.kind == "unreadable"]
    assert (finding.file, finding.row) == ("equity/usa/factor_files/aapl.csv", 2)


def test_a_folder_without_market_hours_lacks_something(folder: Path) -> None:
    (folder / "market-hours/market-hours-database.json").unlink()
    assert [f.kind for f in check_folder(folder).findings if f.severity is Severity.ERROR] == [
        "missing"
    ]


def test_a_prepared_file_that_changed_is_reported(prepared: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(prepared, folder)
    edit(folder, lambda lines: lines.__setitem__(0, "19900102 00:00,2650,2650,2650,2650,0"))
    assert only(check_folder(folder), "changed").severity is Severity.ERROR


def test_minute_quotes_are_read_with_their_own_columns(folder: Path) -> None:
    path = folder / "crypto/coinbase/minute/btcusd/20200101_quote.zip"
    path.parent.mkdir(parents=True)
    good = "0,1,2,1,2,3,2,3,2,3,4\n60000,1,2,1,2,3,,,,,\n"
    path.write_bytes(zipped("x.csv", good + "59000,1,2,1,2,3,2,3,2,3,4\n"))
    (finding,) = [f for f in check_folder(folder).findings if f.severity is Severity.ERROR]
    assert (finding.kind, finding.row) == ("unsorted", 3)


def test_no_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match=r"expected a LEAN data folder at .*, was none"):
        check_folder(tmp_path / "absent")


def test_an_empty_folder_does_not_pass(tmp_path: Path) -> None:
    assert not check_folder(tmp_path).passed()
