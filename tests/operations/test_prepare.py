"""The prepared data folder: LEAN's format, the source's prices, and no surprises when run again."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
import zipfile
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.factors import FactorFile
from engine.data.hours import MarketHoursDatabase
from engine.data.maps import read_map_file
from engine.data.properties import SymbolPropertiesDatabase
from engine.types.enums import SecurityType
from operations.data import databases, lean_format, prepare, series, wheels
from operations.data.series import DailyBar
from operations.errors import FolderError, SourceError
from operations.files import sha256

FIRST = date(2000, 1, 3)


def closes(prices: list[Decimal]) -> tuple[DailyBar, ...]:
    return tuple(DailyBar(FIRST + timedelta(days=n), p, p, p, p, 0) for n, p in enumerate(prices))


def rows(folder: Path, ticker: str) -> list[list[str]]:
    with zipfile.ZipFile(folder / f"equity/usa/daily/{ticker}.zip") as archive:
        assert archive.namelist() == [f"{ticker}.csv"]
        return list(csv.reader(io.TextIOWrapper(archive.open(f"{ticker}.csv"))))


def test_every_stock_has_the_closes_of_the_source_to_the_last_digit(prepared, texts) -> None:
    table = list(csv.reader(texts[series.STOCKS].splitlines()))
    assert len(table[0]) == 21
    for column, ticker in enumerate(table[0][1:], 1):
        found = rows(prepared, ticker.lower())
        source = {line[0].replace("-", ""): Decimal(line[column]) for line in table[1:]}
        assert {r[0][:8]: Decimal(r[4]) / 10_000 for r in found}.items() <= source.items()
        assert all(r[1:5] == [r[4]] * 4 and r[5] == "0" for r in found)


def test_index_bars_have_the_sources_prices_within_the_grid(prepared, texts) -> None:
    source = list(csv.DictReader(texts[series.NASDAQ_BARS].splitlines()))
    found = rows(prepared, "nasdaqbars")
    assert len(found) == len(source) == 5031
    for bar, cells in zip(source, found, strict=True):
        for key, cell in zip(("Open", "High", "Low", "Close"), cells[1:5], strict=True):
            assert abs(Decimal(bar[key]) - Decimal(cell) / 10_000) <= Decimal("0.00005")
        assert bar["Volume"] == cells[5]


def test_a_start_of_quotes_carried_forward_for_weeks_is_left_out_and_said(prepared, found) -> None:
    manifest = json.loads((prepared / prepare.MANIFEST).read_text())
    left_out = {one["ticker"]: one["left_out"] for one in manifest["series"] if one["left_out"]}
    assert left_out == {"RRC": 607}
    for one in found:
        longest = run = 1
        for before, bar in zip(one.bars, one.bars[1:], strict=False):
            run = run + 1 if bar.close == before.close else 1
            longest = max(longest, run)
        assert longest < series.FROZEN_RUN, one.ticker


def test_the_hourly_file_of_an_index_has_only_the_close_of_each_session(prepared, found) -> None:
    with zipfile.ZipFile(prepared / "equity/usa/hour/sp500index.zip") as archive:
        hours = list(csv.reader(io.TextIOWrapper(archive.open("sp500index.csv"))))
    days = rows(prepared, "sp500index")
    assert [row[0][:8] for row in hours] == [row[0][:8] for row in days]
    assert [row[4] for row in hours] == [row[4] for row in days]
    starts = {row[0][:8]: row[0][9:] for row in hours}
    assert starts["20080915"] == "15:00"
    assert starts["20081128"] == "12:00"  # the day after Thanksgiving ends at one
    assert starts["19921127"] == "13:00"  # and ended at two until 1992
    assert {path.stem for path in (prepared / "equity/usa/hour").iterdir()} == {
        one.ticker.lower() for one in found if one.kind == "index"
    }


def test_names_and_notes_are_honest(prepared) -> None:
    manifest = json.loads((prepared / prepare.MANIFEST).read_text())
    by_ticker = {one["ticker"]: one for one in manifest["series"]}
    assert "SPY" not in by_ticker
    assert by_ticker[manifest["benchmark"]]["kind"] == "index"
    for one in manifest["series"]:
        assert one["tradable"] == (one["kind"] == "stock")
        assert one["fields"] in ("close", "ohlcv")
        assert ("closes only" in one["note"]) == (one["fields"] == "close")
    assert "survivorship" in by_ticker["AAPL"]["note"]


def test_the_manifest_names_every_file_with_its_checksum(prepared) -> None:
    manifest = json.loads((prepared / prepare.MANIFEST).read_text())
    on_disk = {
        path.relative_to(prepared).as_posix(): sha256(path.read_bytes())
        for path in prepared.rglob("*")
        if path.is_file() and path.name != prepare.MANIFEST
    }
    assert manifest["files"] == on_disk


def test_the_same_sources_give_the_same_bytes(prepared, found) -> None:
    files, manifest = prepare.build(found)
    assert {name: sha256(content) for name, content in files.items()} == manifest["files"]
    assert json.loads((prepared / prepare.MANIFEST).read_text()) == manifest


def test_the_engine_reads_the_reference_files(prepared) -> None:
    hours = MarketHoursDatabase._from_data_folder(prepared)
    exchange = hours.get_exchange_hours("usa", "AAPL", SecurityType.EQUITY)
    assert exchange is not None
    properties = SymbolPropertiesDatabase._from_data_folder(prepared)
    assert properties.get_symbol_properties("usa", "AAPL", SecurityType.EQUITY, "USD") is not None
    factors = FactorFile.read(prepared / "equity/usa/factor_files/aapl.csv")
    assert {row.price_factor * row.split_factor for row in factors.rows} == {Decimal(1)}
    maps = read_map_file(prepared / "equity/usa/map_files/aapl.csv")
    assert maps.first_date.date() == date(1990, 1, 2)
    assert maps.delisting_date.year == 2050


def test_the_interest_rate_is_leans_series_of_the_primary_credit_rate(prepared, lean_data) -> None:
    name = "alternative/interest-rate/usa/interest-rate.csv"

    def rates(folder: Path) -> dict[str, Decimal]:
        lines = (folder / name).read_text().split()[1:]
        return {day: Decimal(rate) for day, rate in (line.split(",") for line in lines)}

    assert rates(prepared) == rates(lean_data)


@given(st.lists(st.decimals("0.0001", "5000", places=6), min_size=1, max_size=30))
def test_a_scale_keeps_every_return_to_a_ten_thousandth(prices: list[Decimal]) -> None:
    scale = lean_format.choose_scale(closes(prices))
    assert str(scale).rstrip("0") == "1"
    lines = lean_format.daily_rows(closes(prices), scale).splitlines()
    stored = [Decimal(line.split(",")[4]) for line in lines]
    for n in range(1, len(prices)):
        exact, kept = prices[n] / prices[n - 1], stored[n] / stored[n - 1]
        assert abs(kept / exact - 1) <= Decimal("0.0001001")


def test_a_price_of_a_twentieth_of_a_cent_is_scaled_up() -> None:
    assert lean_format.choose_scale(closes([Decimal("0.000512"), Decimal("0.000498")])) == 100
    assert lean_format.choose_scale(closes([Decimal("0.264"), Decimal("129.652")])) == 1


def test_preparing_again_when_current_writes_nothing(prepared) -> None:
    before = {path: path.stat().st_mtime_ns for path in prepared.rglob("*")}
    assert prepare.prepare(prepared, if_needed=True).written is False
    assert {path: path.stat().st_mtime_ns for path in prepared.rglob("*")} == before


def test_a_changed_series_is_written_again_and_a_refreshed_database_stays(
    prepared: Path, texts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels, "read", lambda files: texts)  # downloaded once is enough
    folder = tmp_path / "data"
    shutil.copytree(prepared, folder)
    (folder / prepare.DATABASES[0]).write_text("{}")
    assert prepare.is_current(folder)
    (folder / "equity/usa/daily/aapl.zip").write_bytes(b"truncated")
    assert not prepare.is_current(folder)
    (folder / "equity/usa/daily/mine.zip").write_bytes(b"of the user")
    assert prepare.prepare(folder, if_needed=True).written is True
    assert prepare.is_current(folder)
    assert (folder / "equity/usa/daily/mine.zip").read_bytes() == b"of the user"


def test_other_peoples_data_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "equity/usa/daily").mkdir(parents=True)
    with pytest.raises(FolderError, match="was other data in"):
        prepare.prepare(tmp_path)
    assert not (tmp_path / prepare.MANIFEST).exists()


def test_a_broken_manifest_is_named(tmp_path: Path) -> None:
    (tmp_path / prepare.MANIFEST).write_text("{")
    with pytest.raises(FolderError, match=r"manifest written by `protect data prepare`"):
        prepare.read_manifest(tmp_path)


def test_another_package_than_the_pinned_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    altered = gzip.compress(b"Date,AAPL\n1990-01-02,0.264\n")
    monkeypatch.setattr(wheels, "_installed", lambda file: altered)
    with pytest.raises(SourceError, match=r"expected SHA-256 ee21cac2.*do not trade on it"):
        wheels.read([series.STOCKS])


def test_a_package_that_does_not_exist_is_one_sentence() -> None:
    absent = replace(series.STOCKS, package="qmp-overrider-no-such-package", version="0.0.1")
    with pytest.raises(SourceError, match=r"expected to download qmp-overrider-no-such-pac"):
        wheels.read([absent])


@pytest.mark.parametrize("cell", ["", "nan", "-1", "0", "inf", "n/a"])
def test_a_source_row_that_is_no_price_is_named(cell: str) -> None:
    with pytest.raises(SourceError, match=r"expected a positive price in .*, row 3"):
        series._close_only(f"Date,AAPL\n1990-01-02,0.264\n1990-01-03,{cell}\n", series.STOCKS)


def test_crypto_markets_are_open_around_the_clock() -> None:
    entries = json.loads(databases.market_hours())["entries"]
    entry = entries["Crypto-coinbase-[*]"]
    assert entry["saturday"] == [{"start": "00:00:00", "end": "1.00:00:00", "state": "market"}]
    assert "coinbase,BTCUSD,crypto,Bitcoin in USD,USD,1,0.01" in databases.symbol_properties()
