"""Live-like runs of a protected algorithm on a bad day, seed by seed: what must hold always.

Usage: ``make soak-live ARGS="--seeds 200"`` (``--first 0``, ``--beat 5``)

Each seed draws the number of gate threads (2 to 10), faults (delays, duplicates, disorder, partial
fills, lost cancels, refusals, broken links, dead feeds, errors), restarts, a kill on one of the
roads or none, and now and then a resume. Checked after each:

- law 3: position and working orders together never exceed the cap, whatever the threads did;
- law 1: after a kill no order that adds passes, not after a restart either;
- no deadlock, no exception out of a callback, none swallowed inside;
- a killed account ends flat, with nothing working, once the cancels had time.
"""

from __future__ import annotations

import argparse
import importlib
import os
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

from engine.livelike import Faults, run
from engine.types.errors import EngineError

ROOT = Path(__file__).resolve().parents[1]
ALGORITHM = ROOT / "tests" / "engine" / "livelike" / "algorithms" / "soaked.py"
CAP = 0.20
MOVE = 0.003
"""The price may move between the judgement and the broker's look: one minute of SPY."""
REGISTRY = "soak_registry"
PLANS = (
    "none,preempt=0.01,restarts=1",
    "all,restarts=0",
    "none,partial=0.8,late=0.5,late_seconds=120,out_of_order=0.5,duplicate=0.5,lost_cancel=0.5",
    "all,restarts=2",
    "all,restarts=1,stop=sigterm",
    "none,disconnects=4,disconnect_seconds=1800,late=0.3,duplicate=0.3,gate_delay=2",
    "all,errors=1,restarts=1,stop=quit",
)
ROADS = ("", "command", "file", "touch", "call", "", "command and resume")
INSIDE = (
    *("gate_errors", "event_errors", "heartbeat_errors", "lifeline_errors", "callback_errors"),
    *("seal_errors", "exit_errors", "unsaid", "unjudged"),
)
"""Counts of errors that were caught; each is a defect."""


@dataclass(slots=True)
class Outcome:
    """What one seed showed; ``faults`` lists what must not happen."""

    seed: int
    plan: str
    road: str
    threads: int
    seconds: float = 0.0
    load: float = 0.0
    asked: int = 0
    passed: int = 0
    inside: int = 0
    lives: int = 0
    faults: list[str] = field(default_factory=list)


def soak(seed: int, data: Path, beat: float) -> Outcome:
    """Run one seed."""
    draw = random.Random(f"soak {seed}")
    plan, road = PLANS[seed % len(PLANS)], ROADS[draw.randrange(len(ROADS))]
    threads = draw.randint(2, 10)
    moment = datetime(2013, 10, 7, 14) + timedelta(seconds=draw.uniform(0, 5 * 3600))
    result = Outcome(seed, plan, road, threads)
    lives: list[Any] = []
    registry = ModuleType(REGISTRY)
    registry.lives = lives  # type: ignore[attr-defined]
    sys.modules[REGISTRY] = registry
    begin = time.process_time()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given = {"live.beat_seconds": repr(beat), "road": road, "moment": moment.isoformat()}
        given["lock"] = str(folder / "store" / "protection" / "state-live" / "trading.lock")
        try:
            ran = run(
                ALGORITHM,
                data,
                seed=seed,
                faults=Faults.parse(plan),
                gate_threads=threads,
                parameters=given,
                object_store=folder / "store",
                commands=folder,
                script=_script(road, moment),
            )
        except EngineError as error:
            result.faults.append(f"the run broke down: {error}")
            return result
        finally:
            sys.modules.pop(REGISTRY, None)
            for life in lives:  # a process that was killed would have taken its watcher along
                life.protection.lifeline.stop_watching()
            result.seconds = time.process_time() - begin
        result.load = max(ran.load.values(), default=0.0)
        result.inside, result.lives = ran.most_inside_gate, len(ran.lives)
        _check(result, ran, lives, moment)
    return result


def _script(road: str, moment: datetime) -> list[tuple[datetime, dict[str, Any]]]:
    who = {"actor": "soak", "reason": "drill"}
    found: list[tuple[datetime, dict[str, Any]]] = []
    if road.startswith("command"):
        found.append((moment, {"$type": "KillCommand", "id": "k", **who}))
    if road.endswith("resume"):
        again = {"$type": "ResumeCommand", "id": "r", "role": "operator", **who}
        found.append((moment + timedelta(minutes=20), again))
    return found


def _check(result: Outcome, ran: Any, lives: list[Any], moment: datetime) -> None:
    wrong = result.faults.append
    if ran.status != "Completed":
        wrong(f"ended as {ran.status}: {ran.error}")
    if result.load > CAP * (1 + MOVE):
        wrong(f"law 3: {result.load:.4f} of equity, cap {CAP}")
    for _, who, kind, text in ran.trace:
        if kind == "error":
            wrong(f"{who}: {text}")
        if kind == "gate":
            result.asked += 1
            result.passed += "passed" in text
    for number, life in enumerate(lives):
        counts: Counter[str] = life.protection.counts
        for name in INSIDE:
            if counts[name]:
                said = sorted(life.protection._said)[:3]
                wrong(f"life {number}: {counts[name]} x {name}: {said}")
    killed_at = min((life.killed_at for life in lives if life.killed_at), default=None)
    if result.road and killed_at is None:
        wrong("the kill was not seen")
    if killed_at is not None and not result.road.endswith("resume"):
        for life in lives:
            if life.killed_at is not None and life.adding() > life.added:
                wrong(f"law 1: {life.adding() - life.added} adding orders passed after the kill")
        if not lives[-1].protection.system.killed:
            wrong("law 2: the last life is not killed")
        late = datetime(2013, 10, 7, 19, 30, tzinfo=UTC)
        touched = result.road == "touch"  # it says nothing about closing
        if moment.replace(tzinfo=UTC) < late and ran.lives[-1].positions and not touched:
            wrong(f"killed, and still open: {ran.lives[-1].positions}")


def report(result: Outcome) -> str:
    """One line of the table."""
    plan = result.plan if len(result.plan) < 34 else result.plan[:31] + "..."
    line = (
        f"{result.seed:>5} {result.threads:>3} {result.inside:>3} {result.lives:>3} "
        f"{result.asked:>5} {result.passed:>5} {result.load:>7.4f} {result.seconds:>6.1f} "
        f"{result.road or '-':<19} {plan}"
    )
    return line + "".join(f"\n      WRONG: {text[:400]}" for text in result.faults)


def main() -> int:
    """Print a line for each seed, and the sum."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--beat", type=float, default=5.0, help="seconds between two beats")
    parser.add_argument("--data", type=Path, default=None)
    asked = parser.parse_args()
    data = asked.data or Path(os.environ.get("LEAN_DATA", ROOT / "../shared/lean-data"))
    importlib.import_module("protection.blockchain.ledger")  # before clocks are exchanged
    print(" seed thr in lives asked passed   load   CPU s road                faults")
    results = []
    for seed in range(asked.first, asked.first + asked.seeds):
        results.append(soak(seed, data, asked.beat))
        print(report(results[-1]), flush=True)
    bad = [result.seed for result in results if result.faults]
    print(
        f"{len(results)} seeds, {sum(r.asked for r in results):,} orders judged, "
        f"{sum(r.passed for r in results):,} passed, highest load "
        f"{max(r.load for r in results):.4f} of {CAP}, {sum(r.lives for r in results)} lives, "
        f"at most {max(r.inside for r in results)} threads in the gate at once; "
        + (f"WRONG: seeds {bad}" if bad else "nothing broken")
    )
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
