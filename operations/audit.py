"""``protect audit``: verify, export, prove, read, sign and replay ledgers."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from operations import audit_anchor
from operations.errors import Exit, OperationError

if TYPE_CHECKING:
    from protection.blockchain.reader import LedgerReader

app = typer.Typer(
    name="audit", help="The audit ledger: verify, export, prove, read.", no_args_is_help=True
)

Place = Annotated[Path, typer.Argument(help="Ledger folder or .sqlite file")]
AsJson = Annotated[bool, typer.Option("--json", help="Print machine-readable JSON")]
Keys = Annotated[
    list[str] | None,
    typer.Option("--key", help="Verifier key to trust (text or file), repeatable"),
]
Types = Annotated[list[str] | None, typer.Option("--type", help="Only this type, repeatable")]


class AuditError(OperationError):
    """A ledger could not be read or written."""


class AuditFailed(OperationError):
    """A ledger is not what it should be."""

    exit_code = Exit.CHECK_FAILED


@contextmanager
def _explained() -> Iterator[None]:
    """Turn the library's errors into one line and an exit code."""
    from protection.blockchain.records import BrokenLedger
    from protection.contracts.errors import ProtectionError

    try:
        yield
    except BrokenLedger as error:
        raise AuditFailed(f"{error} (first bad record: {error.seq})") from error
    except (ProtectionError, OSError, ValueError) as error:
        raise AuditError(str(error)) from error


@contextmanager
def _reader(place: Path) -> Iterator[LedgerReader]:
    from protection.blockchain.reader import open_reader

    if not place.exists():
        raise AuditError(f"expected a ledger at {place}, found nothing")
    with _explained(), open_reader(place) as reader:
        yield reader


def _texts(keys: list[str] | None) -> list[str]:
    return [Path(key).read_text("utf-8") if Path(key).is_file() else key for key in keys or []]


def _public(path: Path) -> str:
    from protection.blockchain.keys import load_key

    return load_key(path).verifier


@app.command("verify")
def verify(
    path: Annotated[Path, typer.Argument(help="Ledger folder, .sqlite file or export")],
    against: Annotated[
        list[str] | None,
        typer.Option(
            help="Head kept elsewhere: a checkpoint file, or chain:FILE with anchors; repeatable"
        ),
    ] = None,
    key: Keys = None,
    key_file: Annotated[
        Path | None, typer.Option(help="Trust the key of this private key file (HMAC)")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Rebuild the tree from the records and compare it with everything that speaks of it.

    Exit codes: 0 everything holds, 1 cannot be read, 3 something does not hold.
    """
    import json

    from protection.blockchain import verifier

    with _explained():
        anchored = [Path(name[6:]) for name in against or [] if name.startswith("chain:")]
        heads = [_head(name) for name in against or [] if not name.startswith("chain:")]
        keys = _texts(key) + ([] if key_file is None else [_public(key_file)])
        report = verifier.verify(path, against=heads, keys=keys)
        if report.ok:
            for config in anchored:
                audit_anchor.check(path, config, report)
    if as_json:
        typer.echo(json.dumps(report.as_dict(), indent=2))
    else:
        for note in report.notes:
            typer.echo(f"note: {note}")
        for problem in report.problems[:20]:
            typer.echo(f"BAD: {problem}")
        state = "everything holds" if report.ok else "DOES NOT HOLD"
        where = "" if report.first_bad is None else f"; first bad record: {report.first_bad}"
        heads_text = f", {report.heads} signed head(s)" if report.heads else ""
        typer.echo(f"{report.size} records, root {report.root.hex()}{heads_text}: {state}{where}")
    if not report.ok:
        raise typer.Exit(Exit.CHECK_FAILED)


def _head(source: str) -> str:
    """Text of a head: a file, or whatever an anchor of the operations layer knows."""
    path = Path(source)
    if path.is_file():
        return path.read_text("utf-8")
    raise AuditError(
        f"expected --against to name a file with a signed head, or chain:FILE with a JSON file of "
        f"anchors, was {source!r}"
    )


@app.command("export")
def export(
    path: Place,
    folder: Annotated[Path, typer.Argument(help="New folder for the export")],
    start: Annotated[int, typer.Option(help="First record", min=0)] = 0,
    stop: Annotated[int | None, typer.Option(help="Record to stop before", min=0)] = None,
    kind: Types = None,
) -> None:
    """Write records for people and machines, an index, a proof a record and verify.py."""
    from protection.blockchain.export import export as write

    with _reader(path) as reader:
        done = write(reader, folder, start=start, stop=stop, types=set(kind) if kind else None)
    signed = "signed head" if done.signed else "no signed head"
    typer.echo(f"{done.records} records with proofs to {done.size} records ({signed}): {folder}")
    typer.echo(f"Check it anywhere with:  python {folder / 'verify.py'}")


@app.command("prove")
def prove(
    path: Place,
    record: Annotated[str, typer.Argument(help="Number or hash of a record")],
    size: Annotated[int | None, typer.Option(help="Size of the tree to prove against")] = None,
) -> None:
    """Print the record, its inclusion proof and the root as JSON."""
    import json

    with _reader(path) as reader:
        wanted = int(record) if record.isdigit() and len(record) < 20 else record
        proof = reader.prove(wanted, size)
        found = reader.record(proof.seq)
    typer.echo(
        json.dumps(
            {"record": found.payload.decode("utf-8"), **proof.as_dict(), "holds": proof.holds()},
            indent=2,
            ensure_ascii=False,
        )
    )


@app.command("tail")
def tail(
    path: Place,
    lines: Annotated[int, typer.Option("--lines", "-n", help="Records to show", min=0)] = 20,
    kind: Types = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for more")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON record a line")] = False,
    width: Annotated[int, typer.Option(help="Cut lines; 0 shows them whole", min=0)] = 160,
) -> None:
    """Show the newest records."""
    from collections import deque

    from protection.blockchain.export import human
    from protection.blockchain.records import Record

    def show(record: Record) -> None:
        typer.echo(record.payload.decode("utf-8") if as_json else human(record, width))

    types = set(kind) if kind else None
    with _reader(path) as reader:
        newest = reader.records(0 if types else -lines, types=types) if lines else iter(())
        for record in deque(newest, maxlen=lines):
            show(record)
        seen = reader.size
    while follow:
        time.sleep(0.5)
        sys.stdout.flush()
        with _reader(path) as reader:
            for record in reader.records(seen, types=types):
                show(record)
            seen = reader.size


@app.command("stats")
def stats(path: Place, as_json: AsJson = False) -> None:
    """Count records by type, days, bytes; say what is signed and how long it must be kept."""
    import json

    from operations.audit_stats import gather

    with _reader(path) as reader:
        figures = gather(reader, path)
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
        return
    for name, value in figures.items():
        if isinstance(value, dict):
            typer.echo(f"{name}:")
            for key, count in value.items():
                typer.echo(f"  {key:<16} {count:>10}")
        else:
            typer.echo(f"{name + ':':<22} {'-' if value is None else value}")


@app.command("key")
def key_new(
    path: Annotated[Path, typer.Argument(help="New file for the private key (mode 0600)")],
    name: Annotated[str, typer.Option(help="Who signs with it")] = "qmp-overrider",
    algorithm: Annotated[str, typer.Option(help="ed25519, hmac or auto")] = "auto",
) -> None:
    """Make a key that signs heads; prints the verifier key to give to others."""
    from protection.blockchain.keys import new_signer, save_key

    with _explained():
        signer = new_signer(name, algorithm)
        save_key(signer, path)
    typer.echo(signer.public)
    typer.echo(signer.proves, err=True)


@app.command("sign")
def sign(
    path: Place,
    key_file: Annotated[Path, typer.Option("--key-file", help="Private key file")],
    out: Annotated[
        Path | None, typer.Option(help="Write the head here, too: keep it on another machine")
    ] = None,
) -> None:
    """Sign the present head and keep it beside the records; the ledger must not be in use."""
    from datetime import UTC, datetime

    from operations.files import write_atomically
    from protection.blockchain.checkpoint import write_checkpoint
    from protection.blockchain.keys import load_key
    from protection.blockchain.ledger import Ledger

    if not path.exists():
        raise AuditError(f"expected a ledger at {path}, found nothing")
    with _explained(), Ledger(path) as ledger:
        head = write_checkpoint(ledger, load_key(key_file), time=datetime.now(UTC))
        if out is not None:
            write_atomically(out, head.note.encode("utf-8"))
    typer.echo(head.note, nl=False)


@app.command("replay")
def replay(path: Place, as_json: AsJson = False) -> None:
    """Feed the recorded inputs to a fresh system: the decisions must be the same, to the byte.

    Exit codes: 0 the same, 1 cannot be read, 3 a difference, which is located.
    """
    import json

    from protection.blockchain.replay import replay as run
    from protection.system import ProtectionSystem

    with _reader(path) as reader:
        outcome = run(reader.records(), ProtectionSystem)
    difference = outcome.divergence
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "same": outcome.same,
                    "records": outcome.records,
                    "calls": outcome.calls,
                    "root": outcome.root.hex(),
                    "replayed_root": outcome.replayed_root.hex(),
                    "divergence": None
                    if difference is None
                    else {
                        "seq": difference.seq,
                        "reason": difference.reason,
                        "recorded": difference.recorded,
                        "replayed": difference.replayed,
                    },
                },
                indent=2,
            )
        )
    elif difference is None:
        typer.echo(
            f"{outcome.calls} calls replayed, {outcome.records} records the same, "
            f"root {outcome.root.hex()}"
        )
    else:
        typer.echo(f"BAD: record {difference.seq}: {difference.reason}")
    if not outcome.same:
        raise typer.Exit(Exit.CHECK_FAILED)


@app.command("copy")
def copy(
    path: Place,
    dsn: Annotated[
        str,
        typer.Option(
            envvar="QMP_AUDIT_DSN",
            help="PostgreSQL connection; take the password from PGPASSWORD or a pgpass file",
        ),
    ],
    name: Annotated[str, typer.Option(help="Name of the ledger in the database")] = "audit",
) -> None:
    """Bring a redundant copy in PostgreSQL up to date and compare the roots."""
    from operations.audit_postgres import PostgresCopy

    with _reader(path) as reader, PostgresCopy(dsn, name) as target:
        added = target.update(reader)
        target.compare(reader)
    typer.echo(f"{added} records copied; {reader.size} records with the same root in both places")


app.command("anchor")(audit_anchor.anchor)
app.command("deploy-anchor")(audit_anchor.deploy)
