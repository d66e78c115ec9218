"""What it means that a run of the engine equals a recorded run of LEAN.

Every statistic is the same string (numbers as numbers); as many data points, unless an error ended
the run; the same order events in the same order;
every recorded equity point is there with the same values; and every line that the algorithm wrote
itself, in order, with the wording of engine messages masked and floats to 1e-9.

LEAN writes its log in batches and loses the last of them when a run-time error ends the run: of
such a run the recording holds only the first lines, and only these are compared.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

OWN_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \d{3,6}\b")
MESSAGE = re.compile(r"""message=("[^"]*"|'[^']*')""")
FLOAT = re.compile(r"-?\d+(?:\.\d+(?:[eE][-+]?\d+)?|[eE][-+]\d+)")
EVENT_KEYS = (
    "orderId",
    "status",
    "fillPrice",
    "fillQuantity",
    "quantity",
    "direction",
    "orderFeeAmount",
    "time",
)


def read(path: Path) -> dict[str, Any]:
    """Read a recorded run, following sections that stand for those of another file."""
    run = _json(path)
    for key, value in run.items():
        if key != "thinned" and isinstance(value, dict) and set(value) == {"same_as"}:
            name = value["same_as"] + (".gz" if path.suffix == ".gz" else "")
            run[key] = _json(path.parent / name)[key]
    return run


def _json(path: Path) -> dict[str, Any]:
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8") as file:
            return json.load(file)
    return json.loads(path.read_text(encoding="utf-8"))


def parameters(path: Path) -> dict[str, str]:
    """Return the parameters that a recording's name tells: ``NN_name@key=value@key=value.json``."""
    stem = path.name.removesuffix(".gz").removesuffix(".json")
    return dict(part.split("=", 1) for part in stem.split("@")[1:])


def differences(recorded: dict[str, Any], got: dict[str, Any]) -> list[str]:
    """Return one sentence for each kind of difference; none when the runs are equal."""
    return [
        *_statistics(recorded, got),
        *_points(recorded, got),
        *_events(recorded, got),
        *_equity(recorded, got),
        *_lines(recorded, got),
    ]


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-9 * max(1.0, abs(b))


def _same(a: Any, b: Any) -> bool:
    try:
        return _close(float(a), float(b))
    except (TypeError, ValueError):
        return bool(a == b)


def _statistics(recorded: dict[str, Any], got: dict[str, Any]) -> Iterator[str]:
    mine = got.get("statistics") or {}
    for key, value in (recorded.get("statistics") or {}).items():
        if not _same(mine.get(key), value):
            yield f"statistic {key}: LEAN {value}, engine {mine.get(key)}"


def _points(recorded: dict[str, Any], got: dict[str, Any]) -> Iterator[str]:
    # LEAN reads ahead of an error
    if recorded.get("status") != "Completed" or not recorded.get("data_points"):
        return
    if got.get("data_points") != recorded["data_points"]:
        yield f"data points: LEAN {recorded['data_points']}, engine {got.get('data_points')}"


def _events(recorded: dict[str, Any], got: dict[str, Any]) -> Iterator[str]:
    events, mine = recorded.get("order_events") or [], got.get("order_events") or []
    if len(events) != len(mine):
        yield f"order events: LEAN {len(events)}, engine {len(mine)}"
    for number, (a, b) in enumerate(zip(events, mine, strict=False)):
        wrong = [key for key in EVENT_KEYS if key in a and not _same(b.get(key), a[key])]
        if wrong:
            told = ", ".join(f"{key} LEAN {a[key]} engine {b.get(key)}" for key in wrong)
            yield f"first different order event, number {number}: {told}"
            return


def _equity(recorded: dict[str, Any], got: dict[str, Any]) -> Iterator[str]:
    mine = {row[0]: row for row in got.get("equity") or []}
    for row in recorded.get("equity") or []:
        other = mine.get(row[0])
        if other is None or not all(_close(x, y) for x, y in zip(other, row, strict=True)):
            yield f"first different equity point: LEAN {row}, engine {other}"
            return


def _lines(recorded: dict[str, Any], got: dict[str, Any]) -> Iterator[str]:
    lines, mine = _own(recorded.get("log")), _own(got.get("log"))
    tail_lost = recorded.get("status") == got.get("status") == "RuntimeError"
    if len(lines) != len(mine) and not (tail_lost and len(lines) < len(mine)):
        yield f"own log lines: LEAN {len(lines)}, engine {len(mine)}"
    for number, (a, b) in enumerate(zip(lines, mine, strict=False)):
        if not _same_line(a, b):
            yield f"first different log line, number {number}:\n    LEAN   {a}\n    engine {b}"
            return


def _own(lines: list[str] | None) -> list[str]:
    masked = (MESSAGE.sub("message=*", line) for line in lines or [])
    return [line for line in masked if OWN_LINE.match(line)]


def _same_line(a: str, b: str) -> bool:
    if a == b:
        return True
    if FLOAT.sub("#", a) != FLOAT.sub("#", b):
        return False
    return all(
        _close(float(x), float(y)) for x, y in zip(FLOAT.findall(b), FLOAT.findall(a), strict=True)
    )
