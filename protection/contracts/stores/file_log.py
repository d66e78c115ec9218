"""A log in one file whose room is written out beforehand, so that an entry is one flush.

::

    header   4096 bytes: what this is, then zeros
    frames   one an entry, then zeros

    frame    magic     4 bytes
             number    8 bytes, big-endian
             length    4 bytes, of the text in UTF-8
             crc       4 bytes, CRC-32 of number, length and text
             text
             seal      8 bytes: zeros until the entry is on the disk, then a word and the number

A file that neither grows nor gets new blocks needs no entry in the file system's own journal: a
flush waits for the data alone, and a full disk cannot refuse it. A seal is written after the flush
and not flushed itself. A last frame that is not whole was therefore being written when the process
died, and is left out; one that is sealed, or has whole frames behind it, was damaged later.
"""

from __future__ import annotations

import struct
import threading
import weakref
from pathlib import Path
from zlib import crc32

from protection.contracts.errors import RecoverState, RetryWrite
from protection.contracts.stores.filesystem import FileSystem, partial
from protection.contracts.stores.logs import ForeignWrite, FullLog, contiguous

SIZE = 128 << 10
"""Bytes of a log file: some 200 entries of the usual length."""

_START = 4096
_HEADER = b"protection journal 1\n"
_MAGIC = b"\x8bQJ1"
_HEAD = struct.Struct(">4sQII")
_BODY = struct.Struct(">QI")
_SEAL = struct.Struct(">4sI")
_SEALED = b"kept"
_OPEN = bytes(_SEAL.size)


def _frame(number: int, text: bytes) -> bytes:
    crc = crc32(text, crc32(_BODY.pack(number, len(text))))
    return _HEAD.pack(_MAGIC, number, len(text), crc) + text + _OPEN


def _seal(number: int) -> bytes:
    return _SEAL.pack(_SEALED, number & 0xFFFFFFFF)


def _parse(data: bytes, offset: int) -> tuple[int, str, int] | None:
    """Number, text and end of the whole frame at an offset; None when there is none."""
    if offset + _HEAD.size > len(data):
        return None
    magic, number, length, crc = _HEAD.unpack_from(data, offset)
    start = offset + _HEAD.size
    end = start + length + _SEAL.size
    if magic != _MAGIC or end > len(data):
        return None
    text = data[start : start + length]
    if crc32(text, crc32(_BODY.pack(number, length))) != crc:
        return None
    return number, text.decode("utf-8"), end


class FileLog:
    """Log in a file of fixed size; one process writes, others may read.

    Parameters
    ----------
    path : the file
    files : file operations
    size : its length in bytes
    """

    def __init__(self, path: Path, files: FileSystem, size: int = SIZE) -> None:
        self._path, self._files, self._size = path, files, size
        self._lock = threading.Lock()
        self._handle = -1
        self._closing: weakref.finalize[..., FileLog] | None = None
        self._end = _START
        self._next: int | None = None  # number that must follow; None for any
        self._broken = False
        self.torn = 0
        """Bytes of an unfinished entry that the last reading left out."""

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def exists(self) -> bool:
        try:
            return self._files.stamp(self._path) is not None
        except OSError:
            return True  # that it cannot be looked at is told by whoever reads it

    def create(self) -> None:
        with self._lock:
            if self._open():
                return
            self._make()

    def _make(self) -> None:
        fresh = partial(self._path)
        try:
            self._files.write_new(fresh, _HEADER.ljust(self._size, b"\0"))
            self._let_go()
            self._files.replace(fresh, self._path)
            self._files.sync_folder(self._path.parent)
            self._end, self._next, self._broken = _START, None, False
            self._open()
        except OSError as error:
            raise RetryWrite(
                f"expected {self._path} to be made, was not: {error}; "
                "free the disk or mend its permissions, then repeat"
            ) from error

    def _open(self) -> bool:
        """Whether the file is open, or could be opened."""
        if self._handle >= 0 and self._files.linked(self._handle):
            return True
        self._let_go()
        handle = self._files.open_log(self._path)
        if handle is None:
            return False
        self._handle = handle
        self._closing = weakref.finalize(self, self._files.close, handle)
        return True

    def _let_go(self) -> None:
        if self._closing is not None:
            self._closing()
            self._closing = None
        self._handle = -1

    # ------------------------------------------------------------------ reading

    def read(self, after: int) -> list[str]:
        return contiguous(self.entries(after), after, str(self._path))

    def entries(self, after: int | None = None) -> list[tuple[int, str]]:
        """Number and text of every entry in the file, also of those that a snapshot holds.

        Parameters
        ----------
        after : number up to which a snapshot holds everything, where that is known

        Raises
        ------
        RecoverState
            When an entry that was acknowledged is damaged.
        """
        with self._lock:
            try:
                if not self._open():
                    return []
                data = self._files.read_at(self._handle, 0, self._size)
            except OSError as error:
                raise RecoverState(
                    f"expected {self._path} to be readable, was not: {error}; "
                    "inspect it, then resume with actor and reason"
                ) from error
            return self._scan(data, after)

    def _scan(self, data: bytes, after: int | None) -> list[tuple[int, str]]:
        if len(data) < _START or not data.startswith(_HEADER):
            raise RecoverState(
                f"expected {self._path} to be a journal of protection, was not; "
                "inspect it, then resume with actor and reason"
            )
        found: list[tuple[int, str]] = []
        offset = _START
        while (frame := _parse(data, offset)) is not None:
            number, text, end = frame
            if found and number != found[-1][0] + 1:
                break
            found.append((number, text))
            offset = end
        last = found[-1][0] if found else after
        rest = data[offset:].rstrip(b"\0")
        if rest or len(data) != self._size:
            self._judge(data, offset, last)
        self.torn = len(rest)
        self._end = offset
        self._next = found[-1][0] + 1 if found else None
        return found

    def _judge(self, data: bytes, offset: int, last: int | None) -> None:
        """Refuse what is no unfinished last entry."""
        reason = "" if len(data) == self._size else f"it has {len(data)} bytes of {self._size}"
        if last is not None and data.find(_seal(last + 1), offset) >= 0:
            reason = f"entry {last + 1} was acknowledged, and is damaged"
        at = data.find(_MAGIC, offset)
        while at >= 0 and not reason:
            frame = _parse(data, at)
            if frame is not None and (last is None or frame[0] > last):
                reason = f"entry {frame[0]} stands behind damage"
            at = data.find(_MAGIC, at + 1)
        if reason:
            raise RecoverState(
                f"expected {self._path} whole, but {reason}; "
                "restore it, or inspect it and resume with actor and reason"
            )

    # ------------------------------------------------------------------ writing

    def append(self, number: int, text: str) -> None:
        frame = _frame(number, text.encode("utf-8"))
        with self._lock:
            files = self._files
            try:
                self._ready(number)
                if self._end + len(frame) > self._size:
                    raise FullLog(f"expected room for {len(frame)} bytes in {self._path}")
                files.write_at(self._handle, frame, self._end)
                self._broken = True  # until the flush has said otherwise
                files.sync(self._handle)
                self._broken = False
            except OSError as error:
                if isinstance(error, RetryWrite):
                    raise
                self._take_back()
                raise RetryWrite(
                    f"expected {self._path} to take an entry durably, was not: {error}; "
                    "free the disk or mend its permissions, then repeat"
                ) from error
            self._end += len(frame)
            self._next = number + 1
            try:
                files.write_at(self._handle, _seal(number), self._end - _SEAL.size)
            except OSError:
                return  # it is on the disk; only a later damage to it would not be told apart

    def _ready(self, number: int) -> None:
        """Make sure that nobody else has written, and that no failed entry stands there."""
        files = self._files
        if self._handle < 0 or not files.linked(self._handle):
            raise ForeignWrite(f"expected to be the only writer of {self._path}, was not")
        if self._broken and not self._take_back():
            raise RetryWrite(f"expected {self._path} to be mended, was not; repeat")
        if self._next is not None and number != self._next:
            raise ForeignWrite(f"expected entry {self._next} of {self._path}, was {number}")
        head = files.read_at(self._handle, self._end, _HEAD.size)
        if head.startswith(_MAGIC) and _HEAD.unpack(head)[1] >= number:
            if _parse(files.read_at(self._handle, 0, self._size), self._end) is None:
                return  # unfinished, of a process that died
            raise ForeignWrite(f"expected to be the only writer of {self._path}, was not")

    def _take_back(self) -> bool:
        """Wipe out an entry whose flush failed, on a fresh handle; whether that is durable.

        A failed flush may have dropped pages that the old handle believes to be written.
        """
        try:
            self._broken = True
            self._let_go()
            if not self._open():
                return False
            self._files.write_at(self._handle, bytes(_HEAD.size), self._end)
            self._files.sync(self._handle)
        except OSError:
            return False  # tried again before the next entry
        self._broken = False
        return True

    def room(self) -> float:
        return max(0.0, 1.0 - (self._end - _START) / (self._size - _START))

    def clear(self) -> None:
        with self._lock:
            self._make()

    def retire(self) -> None:
        with self._lock:
            try:
                if self._files.stamp(self._path) is not None:
                    stem = self._path.name.partition(".")[0]
                    self._files.replace(
                        self._path, self._path.with_name(f"{stem}-journal.unreadable")
                    )
                    self._files.sync_folder(self._path.parent)
            except OSError as error:
                raise RetryWrite(
                    f"expected {self._path} to be moved away, was not: {error}; "
                    "free the disk or mend its permissions, then repeat"
                ) from error
            self._let_go()
            self._end, self._next, self._broken = _START, None, False
