"""Records in files of one folder: segments that only grow.

::

    audit/
      ledger.json                   what this is, and how long it must be kept
      00000000000000000000.seg      records from 0 on, see ``frames``
      00000000000000046811.seg      ... each begins with the root of everything before it
      acked                         size and root of what was acknowledged
      nodes/00 01 02 ...            nodes of the tree, see ``nodes``
      kept/                         signed checkpoints, public keys
      torn-12.bin                   an unacknowledged tail that a crash left, kept as evidence
      lock                          held by the process that writes
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from protection.blockchain.canonical import canonical
from protection.blockchain.disk import Disk
from protection.blockchain.frames import (
    COMMIT,
    HEADER,
    RECORD,
    Commit,
    batch,
    commits_after,
    frame,
    frames,
    mark,
    read_commit,
    read_mark,
)
from protection.blockchain.merkle import EMPTY_ROOT, CompactRange
from protection.blockchain.nodes import FileNodes, grow
from protection.blockchain.records import BrokenLedger
from protection.blockchain.stores.base import Dropped, Opened
from protection.blockchain.stores.locking import FolderLock
from protection.contracts.errors import RecoverState, RetryWrite
from protection.contracts.stores import check_key

FORMAT = "qmp-ledger/1"
RETENTION_YEARS = 6
_RESERVE = 1 << 20
_LEAVES = 4096


class FileStore:
    """Segments in a folder.

    Parameters
    ----------
    folder : created where missing
    origin : name of the log on its checkpoints
    segment_bytes : size at which a new segment begins
    retention_years : how long the records must be kept; written into ``ledger.json``
    readonly : read only: takes no lock and mends nothing
    disk : file operations; the real ones by default

    Raises
    ------
    RecoverState
        When the folder holds something else.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        origin: str = "qmp-overrider",
        segment_bytes: int = 16 << 20,
        retention_years: int = RETENTION_YEARS,
        readonly: bool = False,
        disk: Disk | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.readonly = readonly
        self._disk = disk if disk is not None else Disk()
        self._segment_bytes = segment_bytes
        self._about = {"format": FORMAT, "origin": origin, "retention_years": retention_years}
        self.about_digest = ""
        self._lock: FolderLock | None = None
        self._handle = -1
        self._mark = -1
        self._end = 0
        self._reserved = 0
        self._path = self.folder
        self._damaged = False
        self._root = EMPTY_ROOT

    # ------------------------------------------------------------------ opening

    def open(self) -> Opened:
        try:
            if not self.readonly:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._lock = FolderLock(self.folder / "lock")
            self._read_about()
            return self._recover()
        except OSError as error:
            self._let_go()
            if isinstance(error, RetryWrite):
                raise
            raise RetryWrite(f"expected {self.folder} to hold a ledger, was not: {error}") from (
                error
            )
        except RecoverState:
            self._let_go()
            raise

    def _read_about(self) -> None:
        path = self.folder / "ledger.json"
        if not path.is_file():
            if self.readonly or any(self.folder.glob("*.seg")):
                raise BrokenLedger(f"expected {path}, was missing", 0)
            raw = canonical(self._about) + b"\n"
            self._write_whole(path, raw)
            self.about_digest = sha256(raw).hexdigest()
            return
        try:
            raw = path.read_bytes()
            self.about_digest = sha256(raw).hexdigest()
            about = json.loads(raw)
            found = about["format"]
        except (ValueError, KeyError, TypeError) as error:
            raise BrokenLedger(f"expected {path} to describe a ledger, was not", 0) from error
        if found != FORMAT:
            raise RecoverState(f"expected a ledger of format {FORMAT}, was {found!r}")
        self._about = about

    @property
    def origin(self) -> str:
        """Name of the log on its checkpoints."""
        return str(self._about["origin"])

    @property
    def about(self) -> dict[str, object]:
        """What ``ledger.json`` says."""
        return dict(self._about)

    def segments(self) -> list[tuple[int, Path]]:
        """First record and path of every segment, oldest first."""
        return sorted(
            (int(path.stem), path) for path in self.folder.glob("*.seg") if path.stem.isdigit()
        )

    def _recover(self) -> Opened:
        segments = self.segments()
        while len(segments) > 1 and not self._has_header(segments[-1][1]):
            if self._acked()[0] > segments[-1][0]:
                break  # its header was acknowledged: that is damage, and is told below
            if not self.readonly:  # a process died while it made the next segment
                segments[-1][1].unlink()
                self._disk.sync_folder(self.folder)
            segments.pop()
        if not segments or (len(segments) == 1 and self._unborn(segments[0][1])):
            return self._begin()
        first, path = segments[-1]
        data = path.read_bytes()
        header_root = self._header(path, data, first)
        acked, acked_root = self._acked()
        leaves, end, commit = _committed(data, first)
        size = first + len(leaves)
        dropped = self._judge_tail(path, data, end, size, acked)
        nodes = FileNodes(self.folder / "nodes", self._disk, size, self.readonly)
        try:
            edge = self._edge(nodes, first, header_root, leaves, size)
            found = edge.root()
            if commit is not None and commit.root != found:
                raise BrokenLedger(
                    f"expected the root {commit.root.hex()} of {size} records in {path.name}, "
                    f"was {found.hex()}; verify the ledger",
                    first,
                )
            if acked == size and acked_root != found:
                raise BrokenLedger(f"expected the acknowledged root of {size} records", first)
            if not self.readonly:
                self._resume(path, data, end, dropped, size, found)
        except BaseException:
            nodes.close()
            raise
        return Opened(edge, nodes, dropped)

    def _has_header(self, path: Path) -> bool:
        with path.open("rb") as stream:
            start = stream.read(4096)
        return any(kind == HEADER for kind, _, _ in frames(start))

    def _unborn(self, path: Path) -> bool:
        """Whether this is the very first segment, which a crash left without its header."""
        return int(path.stem) == 0 and not self._has_header(path) and self._acked()[0] == 0

    def _begin(self) -> Opened:
        edge = CompactRange()
        nodes = FileNodes(self.folder / "nodes", self._disk, 0, self.readonly)
        if not self.readonly:
            try:
                self._new_segment(0, EMPTY_ROOT)
                self._open_mark(0, EMPTY_ROOT)
            except BaseException:
                nodes.close()
                raise
        return Opened(edge, nodes)

    def _header(self, path: Path, data: bytes, first: int) -> bytes:
        for kind, payload, _ in frames(data):
            if kind != HEADER:
                break
            try:
                header = json.loads(payload)
                if header["format"] == FORMAT and header["first"] == first:
                    return bytes.fromhex(header["root"])
            except (ValueError, KeyError, TypeError):
                break
            break
        raise BrokenLedger(f"expected {path.name} to begin with its header, was damaged", first)

    def _acked(self) -> tuple[int, bytes]:
        """Size and root that were acknowledged; a missing mark (a copy) claims nothing."""
        path = self.folder / "acked"
        if not path.is_file():
            return 0, EMPTY_ROOT
        found = read_mark(path.read_bytes())
        if found is None:
            raise BrokenLedger(
                f"expected {path} to hold a mark, was damaged; verify the ledger, then delete it", 0
            )
        return found

    def _judge_tail(
        self, path: Path, data: bytes, end: int, size: int, acked: int
    ) -> Dropped | None:
        """What to do with the bytes behind the last commit: nothing, cut them off, or refuse."""
        if acked > size:
            raise BrokenLedger(
                f"expected {acked} acknowledged records, found {size} sound ones: record {size} in "
                f"{path.name} at byte {end} is damaged or missing; restore it from a copy",
                size,
            )
        rest = data[end:].rstrip(b"\0")
        if not rest:
            return None
        later = list(commits_after(data, end))
        if any(commit.previous != size for commit in later):
            raise BrokenLedger(
                f"expected record {size} in {path.name} at byte {end}, was damaged, and sound "
                "records follow it; restore it from a copy",
                size,
            )
        return Dropped(len(rest), sha256(rest).hexdigest(), f"torn-{size}.bin")

    def _edge(
        self, nodes: FileNodes, first: int, header_root: bytes, leaves: list[bytes], size: int
    ) -> CompactRange:
        """Tree of the sound records, from the kept nodes where they lead to the stated root."""
        edge = CompactRange.load(nodes, min(nodes.size, first))
        if nodes.size > first:
            known = CompactRange.load(nodes, first)
            if known.root() == header_root:
                edge = CompactRange.load(nodes, nodes.size)
                grow(nodes, edge, leaves[nodes.size - first :])
                if nodes.size == size or self._leaf_agrees(nodes, leaves, first):
                    return edge
        elif nodes.size == first and edge.root() == header_root:
            grow(nodes, edge, leaves)
            return edge
        return self._rebuild(nodes, first, header_root, leaves)

    def _leaf_agrees(self, nodes: FileNodes, leaves: list[bytes], first: int) -> bool:
        last = nodes.size - 1
        return last < first or nodes.node(0, last) == leaves[last - first]

    def _rebuild(
        self, nodes: FileNodes, first: int, header_root: bytes, leaves: list[bytes]
    ) -> CompactRange:
        """Compute every node anew from the records."""
        nodes.reset()
        edge = CompactRange()
        part: list[bytes] = []
        for payload in self.payloads(0, first):
            part.append(sha256(b"\x00" + payload).digest())
            if len(part) == _LEAVES:
                grow(nodes, edge, part)
                part = []
        grow(nodes, edge, part)
        if edge.size != first or edge.root() != header_root:
            raise BrokenLedger(
                f"expected the root {header_root.hex()} of the first {first} records, was "
                f"{edge.root().hex()} of {edge.size}; verify the ledger",
                min(first, edge.size),
            )
        grow(nodes, edge, leaves)
        return edge

    def _resume(
        self, path: Path, data: bytes, end: int, dropped: Dropped | None, size: int, root: bytes
    ) -> None:
        """Open the last segment for writing, behind its last commit."""
        disk = self._disk
        if dropped is not None:
            self._write_whole(self.folder / dropped.kept, data[end:].rstrip(b"\0"))
        self._path = path
        self._handle = disk.open(path)
        self._end = self._reserved = end
        if len(data) > end:
            disk.truncate(self._handle, end)
        # what a reader believes from now on must outlive a power cut: flush it before going on
        disk.sync(self._handle)
        disk.sync_folder(self.folder)
        self._open_mark(size, root)

    def _open_mark(self, size: int, root: bytes) -> None:
        self._root = root
        path = self.folder / "acked"
        self._write_whole(path, mark(size, root))
        self._mark = self._disk.open(path)

    def _new_segment(self, first: int, root: bytes) -> None:
        disk = self._disk
        path = self.folder / f"{first:020d}.seg"
        handle = disk.open(path)
        try:
            header = {
                "about": self.about_digest,
                "first": first,
                "format": FORMAT,
                "root": root,
            }
            start = frame(HEADER, canonical(header))
            disk.truncate(handle, 0)
            disk.write(handle, start, 0)
            disk.sync(handle)
            disk.sync_folder(self.folder)
        except BaseException:
            disk.close(handle)
            raise
        old, self._handle = self._handle, handle
        self._path, self._end, self._reserved = path, len(start), len(start)
        if old >= 0:
            disk.close(old)

    def _write_whole(self, path: Path, data: bytes) -> None:
        partial = path.with_name(path.name + ".partial")
        handle = self._disk.open(partial)
        try:
            self._disk.truncate(handle, 0)
            self._disk.write(handle, data, 0)
            self._disk.sync(handle)
        finally:
            self._disk.close(handle)
        self._disk.rename(partial, path)
        self._disk.sync_folder(path.parent)

    # ------------------------------------------------------------------ writing

    def commit(self, payloads: Sequence[bytes], previous: int, size: int, root: bytes) -> None:
        disk = self._disk
        data = batch(payloads, Commit(size, previous, root))
        if self._damaged:
            self._mend()
        if self._end >= self._segment_bytes:
            self._roll(previous)
        end = self._end + len(data)
        self._damaged = True
        if end > self._reserved:
            self._reserve(end)
        disk.write(self._handle, data, self._end)
        disk.sync(self._handle)
        disk.write(self._mark, mark(size, root), 0)
        self._end, self._damaged = end, False
        self._root = root

    def _roll(self, first: int) -> None:
        """Begin the next segment; the present one loses what was reserved behind its end."""
        self._damaged = True
        self._disk.truncate(self._handle, self._end)
        self._disk.sync(self._handle)
        self._new_segment(first, self._root)
        self._damaged = False

    def _reserve(self, end: int) -> None:
        length = max(_RESERVE, end - self._reserved)
        try:
            self._disk.reserve(self._handle, self._reserved, length)
        except OSError:
            self._reserved = end  # room ahead is a convenience; the write itself tells what is up
            return
        self._reserved += length

    def _mend(self) -> None:
        """After a failed write: cut it off on a fresh handle, because a failed flush may have
        dropped pages that the old handle believes to be written.
        """
        disk = self._disk
        fresh = disk.open(self._path)
        try:
            disk.truncate(fresh, self._end)
            disk.sync(fresh)
        except BaseException:
            disk.close(fresh)
            raise
        old, self._handle = self._handle, fresh
        self._reserved, self._damaged = self._end, False
        disk.close(old)

    # ------------------------------------------------------------------ reading

    def payloads(self, start: int, stop: int) -> Iterator[bytes]:
        segments = self.segments()
        for place, (first, path) in enumerate(segments):
            following = segments[place + 1][0] if place + 1 < len(segments) else None
            if first >= stop or (following is not None and following <= start):
                continue
            seq = first
            for payload in _records(path.read_bytes(), first):
                if start <= seq < stop:
                    yield payload
                seq += 1
                if seq >= stop:
                    break
            if following is not None and seq < min(stop, following):
                raise BrokenLedger(
                    f"expected record {seq} in {path.name}, was damaged or missing", seq
                )

    def keep(self, name: str, text: str) -> None:
        folder = self.folder / "kept"
        if not folder.is_dir():
            folder.mkdir()
            self._disk.sync_folder(self.folder)
        self._write_whole(folder / check_key(name), text.encode("utf-8"))

    def kept(self) -> dict[str, str]:
        folder = self.folder / "kept"
        if not folder.is_dir():
            return {}
        return {
            path.name: path.read_text("utf-8")
            for path in sorted(folder.iterdir())
            if path.suffix != ".partial"
        }

    def close(self) -> None:
        try:
            if self._handle >= 0 and not self._damaged:
                self._disk.truncate(self._handle, self._end)  # what was reserved ahead
                self._disk.sync(self._handle)
                if self._mark >= 0:
                    self._disk.sync(self._mark)
        except OSError as error:
            raise RetryWrite(
                f"expected {self.folder} to be closed tidily, was not: {error}; every "
                "acknowledged record is on the disk all the same"
            ) from error
        finally:
            self._let_go()

    def _let_go(self) -> None:
        handles, self._handle, self._mark = (self._handle, self._mark), -1, -1
        for handle in handles:
            if handle >= 0:
                self._disk.close(handle)
        if self._lock is not None:
            self._lock.release()
            self._lock = None


def _records(data: bytes, first: int) -> Iterator[bytes]:
    """Committed payloads of a segment."""
    open_batch: list[bytes] = []
    size = first
    for kind, payload, _ in frames(data):
        if kind == RECORD:
            open_batch.append(payload)
        elif kind == COMMIT:
            commit = read_commit(payload)
            if commit is None or commit.previous != size:
                return
            size += len(open_batch)
            if commit.size != size:
                return
            yield from open_batch
            open_batch = []


def _committed(data: bytes, first: int) -> tuple[list[bytes], int, Commit | None]:
    """Leaf hashes of the committed records, the end of the last commit, and that commit."""
    leaves: list[bytes] = []
    open_batch: list[bytes] = []
    end, last = 0, None
    for kind, payload, stop in frames(data):
        if kind == RECORD:
            open_batch.append(sha256(b"\x00" + payload).digest())
        elif kind == COMMIT:
            commit = read_commit(payload)
            if commit is None or commit.previous != first + len(leaves):
                break
            if commit.size != commit.previous + len(open_batch):
                break
            leaves += open_batch
            open_batch = []
            end, last = stop, commit
        elif end == 0 and not open_batch:
            end = stop
        else:
            break
    return leaves, end, last
