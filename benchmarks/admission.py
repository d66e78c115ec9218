"""Speed of the door, and of the whole path of one observation: admission, robust update, gate.

    python benchmarks/admission.py

Messages are made and signed before the clock starts. Throughput is the best of some rounds in CPU
time. Latencies of single observations come three ways: wall clock and CPU time of one round, in
which other work on the machine shows, and the least CPU time of each observation in all rounds:
what is left then is the observation's own.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from protection.admission import (
    Admission,
    Admitted,
    Ed25519Key,
    Ed25519Signer,
    Envelope,
    HmacKey,
    Sample,
    Source,
    SourceRegistry,
    seal,
)
from protection.contracts import FixSettings, ManualClock, Trade
from protection.estimation import StreamingMoments
from protection.gating import Anchor, ModelGate

START = datetime(2024, 1, 2, 15, 0, tzinfo=UTC)


def messages(count: int, sources: int, signer: Any) -> list[Envelope]:
    """Trades of one symbol, ten milliseconds between two of a source."""
    rng, price, made = random.Random(1), 100.0, []
    for number in range(count):
        price *= math.exp(rng.gauss(0.0, 1e-4))
        at = START + timedelta(milliseconds=10 * (number // sources))
        envelope = Envelope(
            f"s{number % sources}",
            Trade("SPY", at, price, 100.0),
            at,
            number // sources,
            number.to_bytes(8, "big"),
        )
        made.append(envelope if signer is None else seal(envelope, signer))
    return made


def throughput(count: int, sources: int, signer: Any, verifier: Any, rounds: int) -> float:
    """Messages a second, best of the rounds."""
    sent = messages(count, sources, signer)
    keys = {} if verifier is None else {"": verifier}
    best = math.inf
    for _ in range(rounds):
        clock = ManualClock(sent[-1].received or START)
        registry = SourceRegistry(
            *(Source(f"s{k}", keys, cadence_seconds=3600.0) for k in range(sources))
        )
        door = Admission(registry, clock=clock)
        decide = door.decide
        start = time.process_time()
        for envelope in sent:
            decide(envelope)
        best = min(best, time.process_time() - start)
        if door.counters["admitted"] != count:
            raise SystemExit(f"expected every message admitted, was {dict(door.counters)}")
    return count / best


def path(columns: int, count: int, sources: int, rounds: int) -> dict[str, list[float]]:
    """Microseconds of each observation: door, robust update, anomaly check."""
    rng = np.random.default_rng(2)
    anchor = Anchor(rng.standard_normal((1000, columns)))
    key = HmacKey(b"the key of the benchmark")
    sent = []
    for number in range(count):
        at = START + timedelta(milliseconds=number)
        row = tuple(rng.standard_normal(columns).tolist())
        envelope = Envelope(
            f"s{number % sources}",
            Sample("returns", at, row),
            at,
            number // sources,
            number.to_bytes(8, "big"),
        )
        sent.append(seal(envelope, key))
    clock = ManualClock(sent[-1].received or START)
    wall, cpu = np.empty((rounds, count)), np.empty((rounds, count))
    for turn in range(rounds):
        registry = SourceRegistry(
            *(Source(f"s{k}", {"": key}, cadence_seconds=3600.0) for k in range(sources))
        )
        door, gate = Admission(registry, clock=clock), ModelGate(anchor, clock=clock)
        stream = StreamingMoments(anchor.model.location, anchor.model.covariance, max_share=0.2)
        for number, envelope in enumerate(sent):
            begun, start = time.thread_time_ns(), time.perf_counter_ns()
            outcome = door.decide(envelope)
            if isinstance(outcome, Admitted):
                values = outcome.envelope.record.values  # type: ignore[union-attr]
                stream.update(values, weight=outcome.weight, source=outcome.envelope.source)
                gate.anomalous(values)
            wall[turn, number] = (time.perf_counter_ns() - start) / 1000.0
            cpu[turn, number] = (time.thread_time_ns() - begun) / 1000.0
    quietest = int(np.median(wall[:, 1000:], axis=1).argmin())
    return {
        "wall time": wall[quietest, 1000:].tolist(),
        "CPU time": cpu[quietest, 1000:].tolist(),
        f"least CPU of {rounds}": cpu[:, 1000:].min(axis=0).tolist(),
    }


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args(arguments)
    key = HmacKey(b"the key of the benchmark")
    kinds: list[tuple[str, Any, Any]] = [("no signature", None, None), ("HMAC-SHA256", key, key)]
    try:
        signer = Ed25519Signer(b"\x07" * 32)
        kinds.append(("Ed25519", signer, Ed25519Key(signer.public())))
    except FixSettings as error:
        print(f"Ed25519 left out: {error}")
    print(f"{'admission only':34} {'messages/s':>12} {'target':>10}")
    for name, sign, verify in kinds:
        slow = name == "Ed25519"
        for sources in (8,) if slow else (1, 8):
            number = chosen.messages // 10 if slow else chosen.messages
            rate = throughput(number, sources, sign, verify, 1 if slow else chosen.rounds)
            target = "-" if name == "Ed25519" else "100,000"
            print(f"{name + f', sources: {sources}':34} {rate:12,.0f} {target:>10}", flush=True)
    print(f"{'door, robust update, gate':34} {'median us':>12} {'p99 us':>10}   target 50 / 200")
    for columns in (5, 20):
        for name, taken in path(columns, chosen.messages // 2, 8, chosen.rounds).items():
            spent = sorted(taken)
            middle, late = spent[len(spent) // 2], spent[int(0.99 * len(spent))]
            print(f"{f'columns: {columns}, HMAC, {name}':34} {middle:12.1f} {late:10.1f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
