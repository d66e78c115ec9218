"""``protect audit anchor`` and ``deploy-anchor``: heads to where nobody here can change them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from operations.errors import Exit, OperationError

if TYPE_CHECKING:
    from operations.anchors.base import Anchor
    from protection.blockchain.reader import LedgerReader
    from protection.blockchain.verifier import Report


def anchor(
    path: Annotated[Path, typer.Argument(help="Ledger folder or .sqlite file")],
    config: Annotated[Path, typer.Option(help="JSON file that names the anchors")],
    every: Annotated[
        float, typer.Option(help="Look for a newer head every so many seconds; 0 looks once", min=0)
    ] = 0.0,
) -> None:
    """Publish the newest signed head to every anchor; a process apart from trading.

    Exit codes: 0 all anchors hold it finally, 1 some wait, 3 one contradicts the ledger.
    """
    from operations.anchors.queue import AnchorQueue
    from operations.anchors.settings import anchors_of
    from protection.blockchain.checkpoint import latest_checkpoint
    from protection.blockchain.reader import open_reader

    queue: AnchorQueue | None = None
    while True:
        with open_reader(path) as reader:
            head = latest_checkpoint(reader)
        if head is None:
            raise OperationError(
                f"expected a signed head beside {path}, found none; run protect audit sign first"
            )
        if queue is None:
            queue = AnchorQueue(
                config.with_suffix(".standing.json"), anchors_of(config, head.origin)
            )
        for kept in queue.work(head, time.time()):
            state = "" if kept.final else ", not final yet"
            typer.echo(f"{kept.where}: {kept.size} records, {kept.reference}{state}")
        if not every:
            break
        time.sleep(every)
    for name, standing in queue.standing.items():
        if standing.problem:
            typer.echo(f"{'REFUSED' if standing.refused else 'waits'}: {name}: {standing.problem}")
    if any(standing.refused for standing in queue.standing.values()):
        raise typer.Exit(Exit.CHECK_FAILED)
    if queue.waiting(head.size):
        raise typer.Exit(Exit.FAILURE)


def deploy(
    node: Annotated[str, typer.Argument(help="Address of an Ethereum node")],
    origin: Annotated[str, typer.Argument(help="Name of the log, as its heads say it")],
    account: Annotated[
        str | None, typer.Option(help="Account the node holds; else QMP_ANCHOR_KEY")
    ] = None,
) -> None:
    """Create the contract of a log on a chain and print its address."""
    from operations.anchors.ethereum import EthereumAnchor, connect

    made = EthereumAnchor.deploy(connect(node), origin, account=account)
    typer.echo(made.contract.address)


def check(path: Path, config: Path, report: Report) -> None:
    """Compare a ledger with every head its anchors hold; problems go into the report."""
    from operations.anchors.settings import anchors_of
    from protection.blockchain.checkpoint import latest_checkpoint
    from protection.blockchain.reader import open_reader

    with open_reader(path) as reader:
        head = latest_checkpoint(reader)
        origin = head.origin if head else str(getattr(reader.store, "origin", ""))
        compare(reader, anchors_of(config, origin), report)


def compare(reader: LedgerReader, anchors: list[Anchor], report: Report) -> None:
    """Compare an open ledger with what anchors hold."""
    from operations.anchors.base import contradictions

    for item in anchors:
        heads = item.heads()
        for problem in contradictions(reader, heads):
            report.bad(problem)
        if heads:
            last = heads[-1]
            report.notes.append(
                f"{item.name} holds {len(heads)} head(s), the newest over {last.size} records "
                f"({last.time or 'no time'}{'' if last.final else ', not final'})"
            )
        else:
            report.notes.append(f"{item.name} holds no head")
