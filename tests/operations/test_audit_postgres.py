"""The redundant copy, in a real PostgreSQL server that lives for this test."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from operations.audit_postgres import CopyDiffers, CopyError, PostgresCopy
from protection.blockchain.checkpoint import write_checkpoint
from protection.blockchain.keys import HmacSigner
from protection.blockchain.ledger import Ledger

psycopg = pytest.importorskip("psycopg")


def _binary(name: str) -> str | None:
    found = shutil.which(name)
    if found:
        return found
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / name).is_file():
            return str(folder / name)
    return None


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Connection text of a server on a socket in a folder of its own."""
    initdb, postgres = _binary("initdb"), _binary("pg_ctl")
    if initdb is None or postgres is None:
        pytest.skip("no PostgreSQL on this machine")
    folder = Path(tmp_path_factory.mktemp("pg"))
    who: dict[str, object] = {}
    if os.getuid() == 0:  # the server refuses to run as root
        try:
            account = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
        for path in (folder, *folder.parents):
            if path == Path("/tmp"):
                break
            os.chmod(path, 0o755)
        os.chown(folder, account.pw_uid, account.pw_gid)
        who = {"user": account.pw_uid, "group": account.pw_gid, "cwd": folder}
    data = folder / "data"
    run = {"check": True, "capture_output": True, **who}
    subprocess.run([initdb, "-D", str(data), "-A", "trust", "-U", "audit", "--no-sync"], **run)  # type: ignore[call-overload]
    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
    log = str(folder / "log")
    subprocess.run([postgres, "-D", str(data), "-o", options, "-l", log, "-w", "start"], **run)  # type: ignore[call-overload]
    try:
        yield f"host={folder} user=audit dbname=postgres"
    finally:
        subprocess.run([postgres, "-D", str(data), "-m", "immediate", "stop"], **run)  # type: ignore[call-overload]


def test_the_copy_has_the_same_root_and_follows(server: str, tmp_path: Path) -> None:
    with Ledger(tmp_path / "a") as ledger, PostgresCopy(server, "follows") as copy:
        ledger.append_many({"type": "x", "i": i, "text": "ü\n"} for i in range(2500))
        assert copy.update(ledger) == 2500
        copy.compare(ledger)
        ledger.append({"type": "y"})
        write_checkpoint(ledger, HmacSigner("desk", bytes(32)))
        with pytest.raises(CopyDiffers, match="2501 records"):
            copy.compare(ledger)
        assert copy.update(ledger) == 1
        assert copy.update(ledger) == 0
        assert copy.root() == (2501, ledger.root())
        assert list(copy.payloads()) == [record.payload for record in ledger.records()]


def test_records_of_the_copy_are_never_changed_or_deleted(server: str, tmp_path: Path) -> None:
    with Ledger(tmp_path / "a") as ledger, PostgresCopy(server, "stays") as copy:
        ledger.append({"type": "x"})
        copy.update(ledger)
    for statement in (
        "UPDATE audit_records SET payload = ''",
        "DELETE FROM audit_records",
        "TRUNCATE audit_records",
    ):
        with (
            psycopg.connect(server) as base,
            pytest.raises(psycopg.errors.RaiseException, match="never changed or deleted"),
        ):
            base.execute(statement)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_records SET payload = 'x' WHERE seq = 7 AND ledger = 'differs'",
        "DELETE FROM audit_records WHERE seq = 7 AND ledger = 'differs'",
        "UPDATE audit_records SET seq = seq + 100 WHERE ledger = 'differs'",
    ],
)
def test_a_copy_changed_behind_the_triggers_is_found_and_not_written_on(
    server: str, tmp_path: Path, change: str
) -> None:
    with psycopg.connect(server) as base:
        base.execute("DROP TABLE IF EXISTS audit_records")
    with Ledger(tmp_path / "a") as ledger, PostgresCopy(server, "differs") as copy:
        ledger.append_many({"type": "x", "i": i} for i in range(20))
        copy.update(ledger)
        with psycopg.connect(server) as base:
            base.execute("ALTER TABLE audit_records DISABLE TRIGGER ALL")
            base.execute(change)  # type: ignore[call-overload]
        before = copy.size()
        ledger.append({"type": "y"})
        with pytest.raises(CopyDiffers, match="record"):
            copy.update(ledger)
        assert copy.size() == before


def test_a_server_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(CopyError, match="expected a PostgreSQL database"):
        PostgresCopy("host=/nonexistent dbname=none")
