"""Verification: what is found, what is not and is documented, exports, the script on its own."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from protection.blockchain import verifier
from protection.blockchain.checkpoint import write_checkpoint
from protection.blockchain.export import export, human
from protection.blockchain.ledger import Ledger, open_reader
from protection.blockchain.records import BrokenLedger, Record
from protection.blockchain.stores import FileStore
from protection.contracts.errors import FixInput
from tools.audit_mutants import (
    BOUNDARY,
    CAREFUL,
    CLUMSY,
    SIGNER,
    Original,
    careful,
    found,
    opens_silently,
    run,
    store,
)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path


def test_every_detectable_change_is_found_and_the_boundary_is_where_the_docs_say(
    work: Path,
) -> None:
    tally = run(seed=20_200_106, count=900, work=work)

    assert set(tally.cases) == {
        *(f"clumsy, {name}" for name in CLUMSY),
        *(f"careful, {name}" for name in CAREFUL),
        *(f"{name}, {head}" for name in BOUNDARY for head in ("no outer head", "outer head")),
    }
    for name, cases in tally.cases.items():
        expected = cases if name.endswith("no outer head") else 0
        assert tally.missed[name] == expected, tally.examples


@pytest.mark.slow
def test_ten_thousand_changes(work: Path) -> None:
    tally = run(seed=1, count=10_000, work=work)

    assert {n for n, c in tally.missed.items() if c} == {f"{n}, no outer head" for n in BOUNDARY}


@pytest.mark.parametrize("kind", sorted(BOUNDARY))
def test_what_no_check_of_the_ledger_alone_can_see_an_outer_head_shows(
    work: Path, kind: str
) -> None:
    original = Original.make(work)
    files = BOUNDARY[kind](random.Random(7), original, work / "scratch")
    store(work / "target", files)

    assert not found(work / "target")
    assert found(work / "target", original.head)


def test_a_rewrite_without_any_head_is_seen_only_with_the_key(work: Path) -> None:
    original = Original.make(work)
    files = careful(random.Random(3), original, CAREFUL["change"], work / "scratch")
    store(work / "target", {n: d for n, d in files.items() if not n.startswith("kept")})

    assert verifier.verify(work / "target").ok
    report = verifier.verify(work / "target", keys=[SIGNER.verifier])
    assert report.problems == ["no head signed by the given key: a rewrite could not be told"]


def test_a_damaged_ledger_never_hands_out_other_records_silently(work: Path) -> None:
    original = Original.make(work)
    rng = random.Random(11)
    for case in range(200):
        files = dict(original.files)
        kind = sorted(CLUMSY)[case % len(CLUMSY)]
        while files == original.files:
            CLUMSY[kind](rng, files)
        store(work / "target", files)
        if not (work / "target" / "acked").is_file():
            continue
        try:
            assert not opens_silently(work / "target", original), (kind, case)
        except FixInput:
            continue  # a kept head that cannot be read


def test_the_first_bad_record_is_named(tmp_path: Path) -> None:
    with Ledger(FileStore(tmp_path / "a", segment_bytes=700)) as ledger:
        for i in range(30):
            ledger.append({"type": "x", "i": i})
    for seq in (0, 7, 29):
        found_at = None
        for path in sorted((tmp_path / "a").glob("*.seg")):
            data = path.read_bytes()
            mark = b'"seq":%d}' % seq
            if mark in data:
                path.write_bytes(data.replace(mark, b'"seq":%s}' % (b"9" * len(str(seq)))))
                found_at = verifier.verify(tmp_path / "a").first_bad
                path.write_bytes(data)
        assert found_at == seq


def test_a_tombstone_that_points_elsewhere_is_found(tmp_path: Path) -> None:
    with Ledger(tmp_path / "a") as ledger:
        ledger.append({"type": "x"})
        ledger.append({"type": "tombstone", "target": 0, "target_hash": "00" * 32})
    assert verifier.verify(tmp_path / "a").first_bad == 1


def make_ledger(folder: Path, count: int = 40) -> Ledger:
    ledger = Ledger(folder)
    ledger.append_many(
        {
            "type": "order",
            "time": f"2020-01-06T15:00:{i % 60:02d}.000000Z",
            "symbol": "=SUM(A1)" if i == 3 else "SPY",
            "i": i,
        }
        for i in range(count)
    )
    write_checkpoint(ledger, SIGNER)
    return ledger


def test_an_export_holds_every_record_with_its_proof_and_verifies_anywhere(tmp_path: Path) -> None:
    with make_ledger(tmp_path / "a") as ledger:
        done = export(ledger, tmp_path / "out")
        assert (done.records, done.size, done.signed) == (40, 40, True)
        lines = (tmp_path / "out" / "records.jsonl").read_bytes().splitlines()
        assert lines == [record.payload for record in ledger.records()]
    head = (tmp_path / "out" / "checkpoint.txt").read_text()

    report = verifier.verify(tmp_path / "out", keys=[SIGNER.verifier], against=[head])
    assert report.problems == []
    assert report.size == 40
    index = (tmp_path / "out" / "index.csv").read_text()
    assert "'=SUM(A1)" in index
    row = index.splitlines()[6].split(",")
    offset, length = int(row[-2]), int(row[-1])
    data = (tmp_path / "out" / "records.jsonl").read_bytes()
    assert json.loads(data[offset : offset + length])["seq"] == int(row[0]) == 5


def test_a_part_can_be_handed_out_and_proven_without_the_rest(tmp_path: Path) -> None:
    with make_ledger(tmp_path / "a") as ledger:
        ledger.append({"type": "later"})
        export(ledger, tmp_path / "out", start=10, stop=20)
        export(ledger, tmp_path / "typed", types={"later"})

    report = verifier.verify(tmp_path / "out", keys=[SIGNER.verifier])
    assert report.ok
    assert report.heads == 1
    assert verifier.verify(tmp_path / "typed").ok


@pytest.mark.parametrize(
    "name", ["records.jsonl", "proofs.jsonl", "index.csv", "checkpoint.txt", "records.txt"]
)
def test_a_changed_export_is_found(tmp_path: Path, name: str) -> None:
    with make_ledger(tmp_path / "a") as ledger:
        export(ledger, tmp_path / "out")
    path = tmp_path / "out" / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)

    assert not verifier.verify(tmp_path / "out", keys=[SIGNER.verifier])


def test_an_export_is_not_written_over_other_files(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("x")
    with make_ledger(tmp_path / "a") as ledger, pytest.raises(FixInput, match="empty or new"):
        export(ledger, tmp_path / "out")


def shipped(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The shipped script in an interpreter that sees neither the project nor its packages."""
    return subprocess.run(
        [sys.executable, "-I", "-S", str(folder / "verify.py"), *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )


def test_the_shipped_script_needs_nothing_and_its_exit_codes_tell(tmp_path: Path) -> None:
    with make_ledger(tmp_path / "a") as ledger:
        export(ledger, tmp_path / "out")
        late = write_checkpoint(ledger, SIGNER).note
    out = tmp_path / "out"
    (tmp_path / "head.txt").write_text(late.replace("\n40\n", "\n41\n"), "utf-8")

    good = shipped(out)
    assert (good.returncode, good.stderr) == (0, "")
    assert "40 records" in good.stdout
    assert "holds" in good.stdout
    as_json = shipped(out, str(tmp_path / "a"), "--key", SIGNER.verifier, "--json")
    assert json.loads(as_json.stdout)["ok"] is True
    assert (
        shipped(out, str(tmp_path / "a"), "--against", str(tmp_path / "head.txt")).returncode == 3
    )
    assert shipped(out, str(tmp_path / "missing")).returncode == 1
    assert shipped(out, "--nonsense").returncode == 2
    (out / "records.txt").write_text("other")
    bad = shipped(out)
    assert bad.returncode == 3
    assert "records.txt" in bad.stdout


def test_reading_stops_at_the_first_damaged_record(tmp_path: Path) -> None:
    with Ledger(FileStore(tmp_path / "a", segment_bytes=700)) as ledger:
        for i in range(30):
            ledger.append({"type": "x", "i": i})
    first = sorted((tmp_path / "a").glob("*.seg"))[1]
    data = bytearray(first.read_bytes())
    data[-100] ^= 1
    first.write_bytes(data)

    with open_reader(tmp_path / "a") as reader:
        seen = []
        with pytest.raises(BrokenLedger) as caught:
            seen += [record.seq for record in reader.records()]
        assert caught.value.seq >= int(first.stem)
        assert [r.seq for r in reader.records(0, int(first.stem))] == list(range(int(first.stem)))


def test_lines_for_people_stay_on_one_line() -> None:
    record = Record(3, b'{"entry":{"text":"a\\nb","type":"note"},"seq":3}')

    assert "\n" not in human(record)
    assert len(human(record, 20)) == 20
