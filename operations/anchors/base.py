"""What an anchor is, and what it says of a ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from operations.errors import Exit, OperationError

if TYPE_CHECKING:
    from protection.blockchain.checkpoint import Checkpoint
    from protection.blockchain.reader import LedgerReader


class AnchorUnreachable(OperationError):
    """The anchor cannot be reached now: the head waits in the queue and is tried again."""


class AnchorRefused(OperationError):
    """The anchor knows something that contradicts the head: look before trying again."""

    exit_code = Exit.CHECK_FAILED


@dataclass(frozen=True, slots=True)
class Anchored:
    """A head as an anchor keeps it.

    Attributes
    ----------
    size, root : the tree
    where : name of the anchor
    reference : what finds it there (file, serial number, transaction)
    time : when, as the anchor tells it; empty where it does not
    final : False while the anchor may still forget it
    """

    size: int
    root: bytes
    where: str
    reference: str
    time: str = ""
    final: bool = True


class Anchor(Protocol):
    """A place that keeps heads."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    def publish(self, head: Checkpoint) -> Anchored:
        """Keep a head; publishing the newest one again is no error.

        Raises
        ------
        AnchorUnreachable
            When it cannot be reached now.
        AnchorRefused
            When it holds a longer or a different log.
        """
        ...

    def heads(self) -> list[Anchored]:
        """Heads it holds, oldest first.

        Raises
        ------
        AnchorUnreachable
            When it cannot be reached now.
        """
        ...


def contradictions(reader: LedgerReader, heads: list[Anchored]) -> list[str]:
    """Return one sentence for each anchored head that is no past of the ledger."""
    found = []
    for head in heads:
        if head.size > reader.size:
            found.append(
                f"{head.where} ({head.reference}) holds a head over {head.size} records, the "
                f"ledger has {reader.size}: it was cut back"
            )
        elif reader.root(head.size) != head.root:
            found.append(
                f"{head.where} ({head.reference}) holds another root over {head.size} records: "
                "the ledger was rewritten"
            )
    return found


def admit(head: Checkpoint, newest: Anchored | None) -> bool:
    """Return whether a head is news to an anchor.

    Raises
    ------
    AnchorRefused
        When the anchor holds a longer log, or another root over as many records.
    """
    if newest is None:
        return True
    if head.size < newest.size:
        raise AnchorRefused(
            f"expected a head over at least {newest.size} records, which {newest.where} holds, "
            f"was {head.size}: the ledger was cut back or is another one"
        )
    if head.size == newest.size and head.root != newest.root:
        raise AnchorRefused(
            f"expected the root that {newest.where} holds over {head.size} records, was another: "
            "the ledger was rewritten"
        )
    return head.size > newest.size
