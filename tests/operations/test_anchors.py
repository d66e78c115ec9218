"""Witness folders, time stamps of a real authority (openssl), the queue, the settings file."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.anchors.base import Anchored, AnchorRefused, AnchorUnreachable
from operations.anchors.queue import AnchorQueue
from operations.anchors.settings import anchors_of
from operations.anchors.timestamp import TimestampAuthority, Token, der, elements
from operations.anchors.witness import WitnessFolder
from operations.errors import OperationError
from protection.blockchain.checkpoint import Checkpoint, write_checkpoint
from protection.blockchain.keys import new_signer
from protection.blockchain.ledger import Ledger

ORIGIN = "desk-1"
SIGNER = new_signer("desk", "hmac")


def head_of(folder: Path, count: int, word: str = "note", origin: str = ORIGIN) -> Checkpoint:
    with Ledger(folder) as ledger:
        while ledger.size < count:
            ledger.append({"type": word, "number": ledger.size})
        return write_checkpoint(ledger, SIGNER, origin=origin)


# -- witness ---------------------------------------------------------------------


def test_a_witness_keeps_every_head_and_takes_none_back(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    witness = WitnessFolder(tmp_path / "w", ORIGIN)
    for size in (3, 5):
        assert witness.publish(head_of(tmp_path / "audit", size)).size == size
    assert [head.size for head in witness.heads()] == [3, 5]
    with pytest.raises(AnchorRefused, match="cut back"):
        witness.publish(head_of(tmp_path / "short", 4))
    with pytest.raises(AnchorRefused, match="rewritten"):
        witness.publish(head_of(tmp_path / "other", 5, "other"))
    assert [head.size for head in witness.heads()] == [3, 5]


def test_a_folder_that_is_not_mounted_is_unreachable_and_never_created(tmp_path: Path) -> None:
    witness = WitnessFolder(tmp_path / "away", ORIGIN)
    with pytest.raises(AnchorUnreachable, match="mount"):
        witness.publish(head_of(tmp_path / "audit", 1))
    assert not (tmp_path / "away").exists()


def test_a_folder_of_another_log_is_refused(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    WitnessFolder(tmp_path / "w", ORIGIN).publish(head_of(tmp_path / "audit", 1))
    with pytest.raises(AnchorRefused, match="folder of its own"):
        WitnessFolder(tmp_path / "w", "desk-2").heads()


# -- RFC 3161 --------------------------------------------------------------------


@given(st.binary(max_size=70_000), st.integers(0, 255))
def test_der_is_read_as_it_was_written(content: bytes, tag: int) -> None:
    assert list(elements(der(tag, content))) == [(tag, content)]


@given(st.binary(max_size=400))
def test_garbage_is_no_time_stamp(data: bytes) -> None:
    with pytest.raises(AnchorRefused, match="time-stamp response"):
        Token(data)


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A time-stamping authority: openssl behind an HTTP server."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tsa")
    (folder / "tsa.cnf").write_text(
        "[req]\ndistinguished_name=dn\nprompt=no\nx509_extensions=ext\n[dn]\nCN=Test TSA\n"
        "[ext]\nextendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n"
        "basicConstraints=critical,CA:false\n"
        "[tsa]\ndefault_tsa=one\n[one]\nserial=serial\ndefault_policy=1.2.3.4.1\n"
        "digests=sha256\naccuracy=secs:1\nsigner_digest=sha256\n",
        encoding="utf-8",
    )
    (folder / "serial").write_text("01\n", encoding="utf-8")
    _openssl(
        folder,
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-config", "tsa.cnf"),
        *("-keyout", "key.pem", "-out", "cert.pem", "-days", "2"),
    )

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            (folder / "q.tsq").write_bytes(body)
            _openssl(
                folder,
                *("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "q.tsq"),
                *("-signer", "cert.pem", "-inkey", "key.pem", "-out", "r.tsr"),
            )
            answer = (folder / "r.tsr").read_bytes()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", folder / "cert.pem"
    server.shutdown()


def test_an_authority_stamps_a_head_and_its_signature_is_checked(
    authority: tuple[str, Path], tmp_path: Path
) -> None:
    url, certificate = authority
    (tmp_path / "stamps").mkdir()
    stamps = TimestampAuthority(url, tmp_path / "stamps", certificate)
    head = head_of(tmp_path / "audit", 3)
    kept = stamps.publish(head)
    assert (kept.size, kept.root) == (3, head.root)
    assert kept.time.endswith("Z")
    assert stamps.publish(head) == kept
    token = tmp_path / "stamps" / f"head-{3:020d}.tsr"
    data = bytearray(token.read_bytes())
    data[-20] ^= 1  # inside the signature
    token.write_bytes(bytes(data))
    with pytest.raises(AnchorRefused, match="signature"):
        stamps.heads()


def test_a_stamp_of_another_head_is_refused(authority: tuple[str, Path], tmp_path: Path) -> None:
    url, _ = authority
    (tmp_path / "stamps").mkdir()
    stamps = TimestampAuthority(url, tmp_path / "stamps")
    assert "not checked" in stamps.publish(head_of(tmp_path / "audit", 3)).reference
    other = head_of(tmp_path / "other", 3, "other")
    (tmp_path / "stamps" / f"head-{3:020d}.txt").write_text(other.note, encoding="utf-8")
    with pytest.raises(AnchorRefused, match="something else"):
        stamps.heads()


def test_an_authority_that_is_away_is_unreachable(tmp_path: Path) -> None:
    stamps = TimestampAuthority("http://127.0.0.1:9/", tmp_path, timeout=2.0)
    with pytest.raises(AnchorUnreachable, match="does not answer"):
        stamps.publish(head_of(tmp_path / "audit", 1))


# -- queue -----------------------------------------------------------------------


class Flaky:
    """An anchor that is away for some tries, then keeps what it is given."""

    def __init__(self, away: int) -> None:
        self.name = "flaky"
        self.away = away
        self.tries = 0
        self.kept: list[Anchored] = []

    def publish(self, head: Checkpoint) -> Anchored:
        self.tries += 1
        if self.tries <= self.away:
            raise AnchorUnreachable("away")
        self.kept.append(Anchored(head.size, head.root, self.name, "here"))
        return self.kept[-1]

    def heads(self) -> list[Anchored]:
        return self.kept


def test_an_anchor_that_is_away_is_tried_ever_less_often_and_gets_the_newest_head(
    tmp_path: Path,
) -> None:
    flaky, file = Flaky(away=3), tmp_path / "standing.json"
    for now in range(0, 2000, 10):
        size = 1 + now // 100
        AnchorQueue(file, [flaky]).work(head_of(tmp_path / "audit", size), float(now))
        if flaky.kept:
            break
    assert flaky.tries == 4
    assert now == 30 + 60 + 120
    assert flaky.kept[-1].size == 3
    assert AnchorQueue(file, [flaky]).waiting(3) == []


def test_an_anchor_that_contradicts_is_left_alone_until_people_have_looked(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    witness = WitnessFolder(tmp_path / "w", ORIGIN)
    witness.publish(head_of(tmp_path / "audit", 5))
    queue = AnchorQueue(tmp_path / "standing.json", [witness])
    queue.work(head_of(tmp_path / "short", 2), 0.0)
    standing = queue.standing[witness.name]
    assert standing.refused
    assert "cut back" in standing.problem
    queue.work(head_of(tmp_path / "short", 3), 1e9)
    assert queue.standing[witness.name] == standing
    queue.forgive(witness.name)
    queue.work(head_of(tmp_path / "audit", 6), 1e9)
    assert queue.waiting(6) == []


def test_an_unreadable_standing_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "standing.json").write_text('{"x": {"size"', encoding="utf-8")
    with pytest.raises(OperationError, match="delete it"):
        AnchorQueue(tmp_path / "standing.json", [])


# -- settings --------------------------------------------------------------------


@pytest.mark.parametrize(
    "found",
    [
        {"chain": [{"node": "http://x", "contract": "0x0", "private_key": "0x1"}]},
        {"password": "x"},
        {"timestamp": [{"url": "http://x"}]},
    ],
)
def test_secrets_unknown_and_missing_keys_are_refused(found: object, tmp_path: Path) -> None:
    path = tmp_path / "anchors.json"
    path.write_text(json.dumps(found), encoding="utf-8")
    with pytest.raises(OperationError, match="expected"):
        anchors_of(path, ORIGIN)


# -- command line ----------------------------------------------------------------


def test_the_command_publishes_and_the_ledger_is_verified_against_the_anchor(
    tmp_path: Path,
) -> None:
    from typer.testing import CliRunner

    from operations.cli import app

    (tmp_path / "w").mkdir()
    config = tmp_path / "anchors.json"
    config.write_text('{"witness": ["w"]}', encoding="utf-8")
    ledger = tmp_path / "audit"
    runner = CliRunner()
    with Ledger(ledger) as opened:
        opened.append({"type": "note"})
    nothing = runner.invoke(app, ["audit", "anchor", str(ledger), "--config", str(config)])
    assert nothing.exit_code != 0
    head_of(ledger, 3, origin="")
    done = runner.invoke(app, ["audit", "anchor", str(ledger), "--config", str(config)])
    assert done.exit_code == 0, done.output
    assert "3 records" in done.output
    verify = ["audit", "verify", "--against", f"chain:{config}"]
    good = runner.invoke(app, [*verify, str(ledger)])
    assert good.exit_code == 0, good.output
    head_of(tmp_path / "other", 3, "other", origin="")
    bad = runner.invoke(app, [*verify, str(tmp_path / "other")])
    assert bad.exit_code == 3
    assert "rewritten" in bad.output
