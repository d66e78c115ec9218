"""kill -9 at random moments: what was in force is in force again, and nothing half is read."""

from __future__ import annotations

import itertools
import random
import subprocess
import sys
import time
from pathlib import Path

from protection.contracts import Action, BreakerState, HostClock
from protection.contracts.stores import FileStateStore
from protection.system import ProtectionSystem

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 20
PROGRAM = """
import random, sys
from datetime import datetime, timedelta, timezone
from protection.contracts import ManualClock, Portfolio, ProtectionSettings
from protection.contracts.stores import FileStateStore
from protection.system import ProtectionSystem

folder, seed = sys.argv[1], int(sys.argv[2])
draw = random.Random(seed)
store = FileStateStore(folder)
clock = ManualClock(datetime(2020, 1, 6, 21, tzinfo=timezone.utc))
flat = {"persistence.peaks": "step", "cushion.promise": "off", "rearm.mode": "manual"}
settings = ProtectionSettings.from_flat(flat)
system = ProtectionSystem(settings, clock=clock, store=store)
equity = 100_000.0
print("ready", flush=True)
while True:
    clock.advance(timedelta(hours=8))
    equity *= 1 + draw.uniform(-0.06, 0.062)
    system.evaluate(Portfolio(clock.now(), equity))
    states = {b.rule.name: b.state.value for b in system._board.breakers()}
    names = [n for n, s in states.items() if s in ("open", "latched", "cooldown")]
    killed = False
    if draw.random() < 0.05:
        if system.killed:
            system.resume("Grace", "test")
        else:
            system.kill("Ada", "test")
    if draw.random() < 0.02:
        system.rearm("*", "Ada", "test")
        names = None
    # what is printed was acknowledged
    shown = "?" if names is None else ",".join(names)
    print(repr(system.reading.lifetime_peak), int(system.killed), shown, flush=True)
"""


def test_twenty_kills_at_random_moments_lose_nothing_that_was_acknowledged(
    tmp_path: Path,
) -> None:
    draw = random.Random(20200316)
    tripped = killed = lines_seen = 0
    for round_ in range(ROUNDS):
        folder = tmp_path / str(round_)
        child = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder), str(round_)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        output = [child.stdout.readline() for _ in range(draw.randint(1, 40))]
        time.sleep(draw.uniform(0.0, 0.004))
        child.kill()
        output += child.stdout.readlines()
        child.wait()
        # a line without its end was not finished when the process died
        lines = [line.rstrip("\n") for line in output if line.endswith("\n")]
        lines_seen += len(lines)
        peak, was_killed, names = lines[-1].split(" ")

        store = FileStateStore(folder)
        clock = HostClock()
        system = ProtectionSystem(clock=clock, store=store)
        state = system.snapshot()
        # the step after the last line may have been stored too, never less than the line
        assert state["account"]["lifetime"] >= float(peak)
        assert not system._board.has_fault("state"), "half-written state was read"
        assert "unreadable" not in system._kill.reason
        if was_killed == "1" and len(system.kill_history) == _acknowledged(lines):
            assert system.killed
            killed += 1
        if names not in ("", "?"):
            now = {b.rule.name: b.state for b in system._board.breakers()}
            for name in names.split(","):
                if now[name] is BreakerState.CLOSED and name == "daily_loss":
                    continue  # the very next step may have begun a new session
                assert now[name] is not BreakerState.CLOSED, name
            tripped += 1
            if any(n in names for n in ("drawdown_peak", "drawdown_recent")):
                assert system.verdict.state >= Action.REDUCE
    assert lines_seen >= 20 * ROUNDS
    assert tripped > 0
    assert killed > 0


def _acknowledged(lines: list[str]) -> int:
    """Number of kills and resumes seen in the output, from its changes."""
    flags = ["0", *(line.split(" ")[1] for line in lines)]
    return sum(a != b for a, b in itertools.pairwise(flags))
