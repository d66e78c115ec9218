"""Bytes of LEAN's csv files to integer columns.

Prices become integers with the number of decimals beside them, so that nothing is lost: ``611.90``
is 61190 with
scale 2. Files of whole numbers go through one call of NumPy, all others through a tokenizer made of
array operations.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.types.errors import DataError

Ints = npt.NDArray[np.int64]
_ZERO, _MINUS, _DOT = 48, 45, 46
_NINE = 9
_NOTHING = (b"\r", b" ", b"\t", b":")


def read_zip(path: Path | str, entry: str | None = None) -> bytes | None:
    """Return the bytes of the first (or the named) file in a zip; None when there is no such file.

    Raises
    ------
    DataError
        When the archive is cut off or broken.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            blob = file.read()
    except FileNotFoundError:
        return None
    try:
        end = blob.rindex(b"PK\x05\x06")
        count, _, at = struct.unpack_from("<HII", blob, end + 10)
        for _ in range(count):
            method, _, _, crc, packed, size = struct.unpack_from("<HHHIII", blob, at + 10)
            name_length, extra, comment = struct.unpack_from("<HHH", blob, at + 28)
            (offset,) = struct.unpack_from("<I", blob, at + 42)
            name = blob[at + 46 : at + 46 + name_length].decode("utf-8", "replace")
            if 0xFFFFFFFF in (packed, size, offset):
                fields = blob[at + 46 + name_length : at + 46 + name_length + extra]
                size, packed, offset = _zip64(fields, size, packed, offset)
            at += 46 + name_length + extra + comment
            if entry is not None and name != entry:
                continue
            here, skip = struct.unpack_from("<HH", blob, offset + 26)
            start = offset + 30 + here + skip
            body = blob[start : start + packed]
            if method == 8:
                body = zlib.decompress(body, -15, size or 1)
            elif method != 0:
                raise DataError(
                    f"expected deflated data in {path}, was method {method}; pack the file again"
                )
            if len(body) != size or zlib.crc32(body) != crc:
                raise DataError(
                    f"expected {size} intact bytes in {path}, was {len(body)}; copy the file again"
                )
            return body
    except (ValueError, StopIteration, struct.error, zlib.error) as error:
        raise DataError(
            f"expected a complete zip file in {path}, was broken ({error}); copy the file again"
        ) from error
    return None


def _zip64(extra: bytes, *short: int) -> list[int]:
    """Replace the sizes that did not fit by those of the 64-bit record, in its order."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            wide = iter(struct.unpack_from(f"<{length // 8}Q", extra, at + 4))
            return [next(wide) if value == 0xFFFFFFFF else value for value in short]
        at += 4 + length
    raise ValueError("no 64-bit sizes")


def parse_columns(
    data: bytes, columns: int, where: str
) -> tuple[Ints, npt.NDArray[np.int8] | None]:
    """Split csv text into integers.

    Parameters
    ----------
    data
        Rows of numbers; blanks and colons (of ``yyyymmdd hh:mm``) do not count. An empty cell is 0.
    columns
        Cells that a row must have; more are dropped.
    where
        The file, for error messages.

    Returns
    -------
    tuple
        Integers of shape (rows, columns), and the number of decimals of each (None: all are whole).

    Raises
    ------
    DataError
        When a row has too few cells or a cell is not a number, with the row's number.
    """
    text = data.strip(b"\n")
    if any(mark in text for mark in _NOTHING):
        text = text.translate(None, b"".join(_NOTHING)).strip(b"\n")
    if not text:
        return np.zeros((0, columns), np.int64), None
    if b"." not in text:
        # an empty cell ends the reading: there are too few numbers then
        flat = _whole_numbers(text)
        if flat is not None and len(flat) % columns == 0:
            # every row must have its own cells: too many in one and too few in the next would shift
            # the columns
            marks = np.frombuffer(text, np.uint8)
            ends = np.flatnonzero(marks < _MINUS)
            if len(ends) + 1 == len(flat):
                lines = np.flatnonzero(marks[ends] == 10)
                if np.array_equal(lines, np.arange(columns - 1, len(ends), columns)):
                    return flat.reshape(-1, columns), None
    return tokenize(text, columns, where)


def _whole_numbers(text: bytes) -> Ints | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return np.fromstring(text.replace(b"\n", b","), dtype=np.int64, sep=",")
        except ValueError:
            return None


def tokenize(text: bytes, columns: int, where: str) -> tuple[Ints, npt.NDArray[np.int8] | None]:
    """Twin of the fast path for decimals, signs and empty cells; same results and errors as
    :func:`parse_columns`.
    """
    lines = text.count(b"\n") + 1
    marks = np.frombuffer(text + b"\n", np.uint8)
    ends = np.flatnonzero((marks == 44) | (marks == 10))
    if len(ends) != lines * columns or not np.all(marks[ends[columns - 1 :: columns]] == 10):
        text = _even_rows(text, columns, where)
        marks = np.frombuffer(text + b"\n", np.uint8)
        ends = np.flatnonzero((marks == 44) | (marks == 10))
        lines = len(ends) // columns
    starts = np.concatenate(([0], ends[:-1] + 1))
    scales = None
    dots = np.flatnonzero(marks == _DOT)
    if len(dots):
        scales = np.zeros(len(ends), np.int64)
        field = np.searchsorted(ends, dots)
        # each cell keeps its last dot only, a second one is found below as a wrong cell
        scales[field] = ends[field] - dots - 1
        if len(np.unique(field)) != len(field):
            field, times = np.unique(field, return_counts=True)
            _refuse(text, int(field[times > 1][0]), columns, where)
    negative = np.flatnonzero(marks[starts] == _MINUS)
    body = text.translate(None, b".")
    plain = np.frombuffer(body + b"\n", np.uint8)
    ends = np.flatnonzero((plain == 44) | (plain == 10))
    lengths = np.diff(ends, prepend=-1) - 1
    value = np.zeros(len(ends), np.int64)
    lengths[negative] -= 1
    width = int(lengths.max(initial=0))
    at, power = ends.copy(), 1
    for k in range(width):
        at -= 1
        inside = lengths > k
        digit = np.where(inside, plain[np.maximum(at, 0)] - np.uint8(_ZERO), np.uint8(0))
        if (largest := int(digit.max())) > _NINE:
            _refuse(text, int(np.flatnonzero(digit > _NINE)[0]), columns, where)
        if k > 17 and largest > (8 if k == 18 else 0):
            value, scales = _long_cells(body, text, columns, where, scales)
            break
        if k < 19:
            value += digit.astype(np.int64) * power
            power *= 10
    value[negative] *= -1
    shaped = None if scales is None else scales.astype(np.int8).reshape(lines, columns)
    return value.reshape(lines, columns), shaped


def _long_cells(
    body: bytes,
    text: bytes,
    columns: int,
    where: str,
    scales: Ints | None,
) -> tuple[Ints, Ints | None]:
    """Read cells of more than 18 digits: decimals are cut to what fits."""
    cells = body.replace(b"\n", b",").split(b",")
    out = np.zeros(len(cells), np.int64)
    for index, cell in enumerate(cells):
        digits = cell.lstrip(b"-")
        if not digits:
            continue
        if not digits.isdigit():
            _refuse(text, index, columns, where)
        if len(digits) > 18:
            spare = len(digits) - 18
            held = 0 if scales is None else int(scales[index])
            if held < spare:
                _refuse(text, index, columns, where)
            assert scales is not None
            scales[index] = held - spare
            digits = digits[:18]
        out[index] = int(digits)
    return out, scales


def _even_rows(text: bytes, columns: int, where: str) -> bytes:
    rows = []
    for number, line in enumerate(text.split(b"\n"), 1):
        if not line:
            continue
        cells = line.split(b",")
        if len(cells) < columns:
            raise DataError(
                f"expected {columns} columns in {where}, row {number}, was "
                f"{len(cells)}: {line.decode('utf-8', 'replace')!r}; "
                "repair or download the file again"
            )
        rows.append(b",".join(cells[:columns]))
    return b"\n".join(rows)


def _refuse(text: bytes, field: int, columns: int, where: str) -> None:
    row = field // columns
    cells = text.split(b"\n")[row].split(b",")
    cell = cells[field % columns].decode("utf-8", "replace")
    raise DataError(
        f"expected a number in {where}, row {row + 1}, column {field % columns + 1}, was {cell!r}; "
        "repair or download the file again"
    )
