"""Witness: signed heads as files in a second folder, best on another machine or account.

The folder may be a mount, a synchronised folder or removable media. A head is never replaced; a
shorter log or another root is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from operations.anchors.base import Anchored, AnchorRefused, AnchorUnreachable, admit
from operations.files import write_atomically

if TYPE_CHECKING:
    from protection.blockchain.checkpoint import Checkpoint


class WitnessFolder:
    """Heads of one log in a folder.

    Parameters
    ----------
    folder : existing folder; that it exists shows that the mount is there
    origin : name of the log; heads of another one are refused
    """

    def __init__(self, folder: Path, origin: str) -> None:
        self.folder = folder
        self.origin = origin

    @property
    def name(self) -> str:
        """Folder as people see it."""
        return f"witness {self.folder}"

    def _path(self, size: int) -> Path:
        return self.folder / f"head-{size:020d}.txt"

    def heads(self) -> list[Anchored]:
        """Heads in the folder, oldest first."""
        from protection.blockchain.checkpoint import read

        if not self.folder.is_dir():
            raise AnchorUnreachable(
                f"expected the witness folder {self.folder}, found none; mount or create it"
            )
        found = []
        for path in sorted(self.folder.glob("head-*.txt")):
            head = read(path.read_text("utf-8"))
            if head.origin != self.origin:
                raise AnchorRefused(
                    f"expected heads of {self.origin!r} in {self.folder}, {path.name} is of "
                    f"{head.origin!r}; give every log a folder of its own"
                )
            time = next((line[5:] for line in head.extensions if line.startswith("time ")), "")
            found.append(Anchored(head.size, head.root, self.name, path.name, time))
        return found

    def publish(self, head: Checkpoint) -> Anchored:
        """Write the signed note, unless it is there already."""
        if head.origin != self.origin or not head.note:
            raise AnchorRefused(
                f"expected a signed head of {self.origin!r}, was of {head.origin!r}; sign it with "
                "protect audit sign"
            )
        known = self.heads()
        if admit(head, known[-1] if known else None):
            try:
                write_atomically(self._path(head.size), head.note.encode("utf-8"))
            except OSError as error:
                raise AnchorUnreachable(f"{self.name} cannot be written: {error}") from error
        return self.heads()[-1]
