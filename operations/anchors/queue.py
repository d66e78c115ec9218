"""The queue of heads that wait for their anchors, on disk, apart from the trading process.

The newest head covers all before it, so an anchor that was away gets the newest one only. What was
published is remembered per anchor; a head that is not final yet is looked at again, and sent again
when a re-organisation took it away.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operations.anchors.base import Anchor, Anchored, AnchorRefused, AnchorUnreachable
from operations.errors import OperationError
from operations.files import write_atomically

if TYPE_CHECKING:
    from protection.blockchain.checkpoint import Checkpoint

_FIRST_PAUSE, _LONGEST_PAUSE = 30.0, 3600.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How far one anchor has come.

    Attributes
    ----------
    size : records under the newest head it holds, 0 for none
    final : whether it can no longer forget that head
    failures : tries in a row that could not reach it
    next_try : seconds since the epoch before which it is left alone
    problem : what was wrong at the last try, empty when nothing
    refused : whether it contradicts the ledger; people have to look
    """

    size: int = 0
    final: bool = True
    failures: int = 0
    next_try: float = 0.0
    problem: str = ""
    refused: bool = False


class AnchorQueue:
    """Publishes the newest head to every anchor, again and again until it is final there.

    Parameters
    ----------
    file : JSON file that keeps the standing over restarts
    anchors : where heads go
    """

    def __init__(self, file: Path, anchors: Sequence[Anchor]) -> None:
        self.file = file
        self.anchors = list(anchors)
        names = [anchor.name for anchor in self.anchors]
        if len(set(names)) != len(names):
            raise OperationError(f"expected every anchor once, was {', '.join(names)}")
        self.standing: dict[str, Standing] = self._load()

    def _load(self) -> dict[str, Standing]:
        if not self.file.exists():
            return {}
        try:
            stored: dict[str, Any] = json.loads(self.file.read_text(encoding="utf-8"))
            return {name: Standing(**value) for name, value in stored.items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise OperationError(
                f"expected the anchors' standing in {self.file}, was unreadable ({error}); delete "
                "it: every anchor is then asked what it holds"
            ) from error

    def work(self, head: Checkpoint, now: float) -> list[Anchored]:
        """Try every anchor whose pause is over; what was published or found published.

        Parameters
        ----------
        head : newest signed head
        now : seconds since the epoch
        """
        done = []
        for anchor in self.anchors:
            old = self.standing.get(anchor.name, Standing())
            settled = old.size >= head.size and old.final
            if settled or old.refused or now < old.next_try:
                continue
            try:
                kept = anchor.publish(head)
            except AnchorUnreachable as error:
                pause = min(_FIRST_PAUSE * 2.0**old.failures, _LONGEST_PAUSE)
                new = Standing(
                    old.size, old.final, old.failures + 1, now + pause, str(error), False
                )
            except AnchorRefused as error:
                new = Standing(old.size, old.final, 0, now, str(error), True)
            else:
                pause = 0.0 if kept.final else _FIRST_PAUSE
                new = Standing(kept.size, kept.final, 0, now + pause)
                done.append(kept)
            self.standing[anchor.name] = new
            self._save()
        return done

    def waiting(self, size: int) -> list[str]:
        """Names of the anchors that do not hold a final head over ``size`` records."""
        found = []
        for anchor in self.anchors:
            standing = self.standing.get(anchor.name, Standing())
            if standing.size < size or not standing.final:
                found.append(anchor.name)
        return found

    def forgive(self, name: str) -> None:
        """Ask an anchor again that had refused, after people have looked."""
        self.standing.pop(name, None)
        self._save()

    def _save(self) -> None:
        text = json.dumps({name: asdict(value) for name, value in self.standing.items()}, indent=1)
        write_atomically(self.file, text.encode("utf-8"))
