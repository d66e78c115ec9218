"""``protect incidents``: find, explain and replay incidents of an audit ledger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from operations.errors import Exit, OperationError

if TYPE_CHECKING:
    from protection.post_mortem.analyzer import PostMortem
    from protection.post_mortem.counterfactual import Counterfactual

app = typer.Typer(
    name="incidents",
    help="Incidents of an audit ledger: list, explain, replay with other settings.",
    no_args_is_help=True,
)

Place = Annotated[Path, typer.Argument(help="Ledger folder or .sqlite file")]
Name = Annotated[
    str | None, typer.Argument(help="Number or name of an incident [default: the worst]")
]
Run = Annotated[int, typer.Option(help="Run in the ledger, from 0; -1 is the last")]
AsJson = Annotated[bool, typer.Option("--json", help="Print machine-readable JSON")]


class IncidentError(OperationError):
    """An incident could not be found or explained."""


class DamagedLedger(OperationError):
    """A ledger is not what it should be."""

    exit_code = Exit.CHECK_FAILED


@contextmanager
def _explained(place: Path) -> Iterator[None]:
    """Turn the library's errors into one line and an exit code."""
    from protection.blockchain.records import BrokenLedger
    from protection.contracts.errors import ProtectionError

    if not place.exists():
        raise IncidentError(f"expected a ledger at {place}, found nothing")
    try:
        yield
    except BrokenLedger as error:
        raise DamagedLedger(f"{error} (first bad record: {error.seq})") from error
    except (ProtectionError, OSError, ValueError) as error:
        raise IncidentError(str(error)) from error


@app.command("list")
def list_(path: Place, run: Run = -1, as_json: AsJson = False) -> None:
    """One line an incident: number, name, end, top cause, change of equity."""
    import json

    from protection.blockchain.reader import open_reader
    from protection.post_mortem.analyzer import PostMortemEngine

    engine = PostMortemEngine()
    with _explained(path):
        with open_reader(path) as reader:
            records = list(reader.records())
        found = engine.explain_all(records, run=run)
    if as_json:
        rows = [{k: v for k, v in one.as_dict().items() if k != "timeline"} for one in found]
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    if not found:
        typer.echo("No incidents.")
        return
    typer.echo(
        f"{'no':>3}  {'incident':<34} {'sessions':>8}  {'severity':<10} {'cause':<15} equity"
    )
    for report in found:
        typer.echo(_line(report))


def _line(report: PostMortem) -> str:
    incident, books = report.incident, report.attribution
    assert incident is not None
    money = "-" if books is None else f"{books.pnl:,.2f}"
    state = "" if incident.ended is not None else "  (still open)"
    return (
        f"{incident.number:>3}  {incident.name:<34} {incident.sessions:>8}  "
        f"{report.severity:<10} {report.cause or '-':<15} {money}{state}"
    )


@app.command("show")
def show(
    path: Place,
    incident: Name = None,
    run: Run = -1,
    form: Annotated[
        str, typer.Option("--format", "-f", help="markdown, json or html")
    ] = "markdown",
    out: Annotated[Path | None, typer.Option(help="Write to this file instead")] = None,
) -> None:
    """Explain an incident: timeline, causes, parts of the loss, what to change."""
    from operations.files import write_atomically
    from protection.post_mortem.analyzer import PostMortemEngine

    if form not in ("markdown", "json", "html"):
        raise IncidentError(f"expected --format markdown, json or html, was {form!r}")
    with _explained(path):
        report = PostMortemEngine().analyze(path, incident, run=run)
    write: Any = getattr(report, f"to_{form}")
    text = str(write())
    if out is None:
        typer.echo(text)
    else:
        write_atomically(out, text.encode("utf-8"))
        typer.echo(f"Post-mortem: {out.resolve()}")


@app.command("replay")
def replay(
    path: Place,
    incident: Name = None,
    without: Annotated[
        list[str] | None, typer.Option(help="Guard to leave out, as daily_loss; repeatable")
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="Setting to change, as daily.loss=0.05; repeatable"),
    ] = None,
    run: Run = -1,
    lines: Annotated[int, typer.Option(help="Differences to print", min=0)] = 20,
    as_json: AsJson = False,
) -> None:
    """Feed the recorded inputs to a system with other settings and compare its decisions."""
    import json

    from operations.backtest import read_parameters
    from protection.post_mortem.analyzer import PostMortemEngine
    from protection.system import ProtectionSystem

    settings = read_parameters(setting or [])
    with _explained(path):
        found = PostMortemEngine().replay(
            path, ProtectionSystem, incident, without=without or (), settings=settings, run=run
        )
    if as_json:
        typer.echo(json.dumps(found.as_dict(), indent=2, ensure_ascii=False))
    else:
        _print(found, lines)


def _print(found: Counterfactual, lines: int) -> None:
    changed = ", ".join(f"{key} {was} -> {now}" for key, (was, now) in found.changed.items())
    typer.echo(f"{found.incident} with {changed}: {found.calls} calls replayed")
    if not found.faithful:
        typer.echo("note: the unchanged replay differs, too; other software recorded this ledger")
    typer.echo(f"trips then:   {', '.join(found.trips) or 'none'}")
    typer.echo(f"trips now:    {', '.join(found.replayed_trips) or 'none'}")
    typer.echo(
        f"orders:       {found.orders_freed} would have passed, {found.orders_stopped} would have "
        "been refused"
    )
    typer.echo(f"equity:       {found.pnl:,.2f} as recorded, {found.estimate:,.2f} as estimated")
    typer.echo(f"{len(found.differences)} decision(s) differ")
    for one in found.differences[:lines]:
        typer.echo(
            f"{one.seq:>8}  {one.time[:19]}  {one.kind:<8}  {one.recorded}  =>  {one.replayed}"
        )
