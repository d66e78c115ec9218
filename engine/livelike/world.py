"""A live-like run from the outside: one life after another, with what survives between them."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sys
import threading
import time as wall
import traceback
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.livelike import signals
from engine.livelike.account import Account
from engine.livelike.faults import Faults
from engine.livelike.locks import turn_taking, use_turns
from engine.livelike.session import LiveEngine, Session
from engine.loader import algorithm_path
from engine.run import _as_current, _muted
from engine.types.decimals import plain, use_lean_context
from engine.types.enums import AlgorithmStatus
from engine.types.errors import EngineError
from engine.types.timezones import from_utc, to_utc

#: seconds of real time without a change of turns after which a run counts as stuck
_STUCK = 120.0
#: a fault drawn for a time without data happens in the hours after the pause
_PAUSE = timedelta(minutes=30)
_DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Life:
    """How one life ended, and what the account was then."""

    ended: str
    begin: datetime
    end: datetime
    error: str
    positions: dict[str, str]
    open_orders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LiveResult:
    """What a live-like run left behind.

    Attributes
    ----------
    status, content, error : as of a backtest, of the last life
    lives : one entry a life
    trace : (model time, thread, kind, text) of every decision, event, message, command and fault
    exposure : symbol -> (highest, lowest) sum of position and working orders of one side
    load : symbol -> the larger of both at its price, as a share of the equity then
    most_inside_gate : how many threads were inside the gate at once
    """

    name: str
    status: str
    content: dict[str, Any] = field(repr=False)
    seconds: float
    data_points: int
    error: str
    interrupted: bool
    directory: Path | None
    lives: tuple[Life, ...]
    trace: tuple[tuple[str, str, str, str], ...] = field(repr=False)
    exposure: dict[str, tuple[float, float]] = field(repr=False)
    load: dict[str, float] = field(repr=False)
    most_inside_gate: int
    algorithm: Any = field(repr=False, default=None)
    warnings: tuple[str, ...] = ()

    @property
    def completed(self) -> bool:
        return self.status == "Completed" and not self.interrupted

    @property
    def statistics(self) -> dict[str, str]:
        found: dict[str, str] = self.content.get("statistics", {})
        return found


class World:
    """What all lives of a run share."""

    def __init__(
        self,
        path: Path,
        seed: int,
        faults: Faults,
        gate_threads: int,
        parameters: dict[str, str],
        commands: Path,
        script: Sequence[tuple[datetime, dict[str, Any]]],
        start: datetime | None,
        end: datetime | None,
        cash: float | None,
        progress: Any,
    ) -> None:
        self.path, self.seed, self.faults = path, seed, faults
        self.gate_threads = gate_threads
        self.parameters = parameters
        self.commands = commands
        self._script = sorted(script, key=lambda entry: entry[0])
        self._start, self._end, self._cash = start, end, cash
        self._progress = progress
        self._began = wall.perf_counter()
        self._shown = self._began
        self._written = 0
        self.trace: list[tuple[str, str, str, str]] = []
        self.outages: list[tuple[datetime, timedelta]] = []
        self._planned: list[tuple[datetime, str, float]] | None = None
        self._pause_rng = random.Random(f"{seed}/pauses")

    def seconds(self) -> float:
        """Return the real time of the run so far."""
        return wall.perf_counter() - self._began

    def override(self, algorithm: Any) -> None:
        """Set dates and cash over the algorithm's own."""
        if self._start is not None:
            algorithm.set_start_date(self._start)
        if self._end is not None:
            algorithm.set_end_date(self._end)
        if self._cash is not None:
            for entry in algorithm.portfolio.cash_book.values():
                entry.set_amount(0)
            algorithm.set_cash(self._cash)

    def stepped(self, algorithm: Any) -> None:
        """Show progress."""
        now = wall.perf_counter()
        if self._progress is not None and now - self._shown > 0.1:
            self._shown = now
            self._progress.update(algorithm._utc, float(algorithm.portfolio._total_portfolio_value))

    # -- faults --------------------------------------------------------------------------------

    def plan_faults(self, begin: datetime, algorithm: Any) -> None:
        """Draw when things go wrong, once the first life knows its dates."""
        if self._planned is not None:
            return
        if self._progress is not None:
            self._progress.begin(begin, algorithm.end_date)
        faults, rng = self.faults, random.Random(f"{self.seed}/plan")
        span = (to_utc(algorithm.end_date, algorithm.time_zone) - begin).total_seconds()

        def moments(count: int) -> list[datetime]:
            return [_trading_moment(rng, begin, span, algorithm) for _ in range(int(count))]

        planned = [
            (moment, "disconnect", rng.uniform(1, faults.disconnect_seconds))
            for moment in moments(faults.disconnects)
        ]
        planned += [(moment, "warning", 0.0) for moment in moments(faults.messages)]
        planned += [(moment, "error", 0.0) for moment in moments(faults.errors)]
        planned += [(moment, "stop", 0.0) for moment in moments(faults.restarts)]
        self._planned = sorted(planned)
        self.outages.extend(
            sorted(
                (moment, timedelta(seconds=rng.uniform(60, max(60.0, faults.dead_seconds))))
                for moment in moments(faults.dead_feeds)
            )
        )

    def due_faults(self, utc: datetime) -> list[tuple[str, float]]:
        """Take what was planned for this moment or before; one stop at a time."""
        found: list[tuple[str, float]] = []
        planned = self._planned or []
        self._spread(planned, utc)
        self._spread(self.outages, utc)
        while planned and planned[0][0] <= utc and not any(k == "stop" for k, _ in found):
            _, kind, span = planned.pop(0)
            found.append((kind, span))
        return found

    def _spread(self, planned: list[Any], utc: datetime) -> None:
        """Spread what fell into a pause of the data over the hours after it."""
        late = [entry for entry in planned if utc - entry[0] > _PAUSE]
        for entry in late:
            planned.remove(entry)
            moment = utc + timedelta(seconds=self._pause_rng.uniform(0, 6 * 3600))
            planned.append((moment, *entry[1:]))
        if late:
            planned.sort()

    # -- commands ------------------------------------------------------------------------------

    def next_command(self) -> datetime | None:
        """Return when the next scripted command is due."""
        return self._script[0][0] if self._script else None

    def write_commands(self, now: datetime) -> None:
        """Write the scripted commands that are due, as an operator would: aside, then renamed."""
        while self._script and self._script[0][0] <= now:
            _, content = self._script.pop(0)
            self._written += 1
            path = self.commands / f"command-{self._written:06d}.json"
            aside = path.with_suffix(".tmp")
            aside.write_text(json.dumps(content))
            os.replace(aside, path)


def run(
    path: Path | str,
    data: Path | str,
    *,
    seed: int = 0,
    faults: Faults | None = None,
    gate_threads: int = 10,
    commands: Path | str | None = None,
    script: Sequence[tuple[datetime, dict[str, Any]]] = (),
    output: Path | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    cash: float | None = None,
    parameters: dict[str, Any] | None = None,
    object_store: Path | None = None,
    progress: AbstractContextManager[Any] | None = None,
) -> LiveResult:
    """Run an algorithm as LEAN does live, on recorded data and in model time.

    Parameters
    ----------
    path, data, output, start, end, cash, parameters, object_store, progress
        As for :func:`engine.run.run_backtest`.
    seed : int
        Decides delays, faults and the order in which threads go on: the same seed, the same run.
    faults : Faults, optional
        What goes wrong (default: nothing but short delays).
    gate_threads : int
        Most transaction threads, 2 to 10.
    commands : Path, optional
        Folder of command files (default: the working directory).
    script : list of (datetime, dict)
        Commands to be written into that folder at a model time (naive UTC).

    Raises
    ------
    EngineError
        When the run cannot be started, and when threads wait for each other for ever.
    """
    path, data = Path(path), Path(data)
    if path.is_dir():
        path = path / "main.py"
    if not 2 <= gate_threads <= 10:
        raise EngineError(f"expected 2 to 10 gate threads, was {gate_threads}")
    use_lean_context()
    with progress or contextlib.nullcontext() as shown:
        world = World(
            path, seed, faults or Faults.none(), gate_threads,
            {str(k): str(v) for k, v in (parameters or {}).items()},
            Path.cwd() if commands is None else Path(commands),
            script, start, end, cash, shown,
        )  # fmt: skip
        return _lives(world, data, object_store, output)


def _lives(world: World, data: Path, object_store: Path | None, output: Path | None) -> LiveResult:
    lives: list[Life] = []
    exposure: dict[str, tuple[float, float]] = {}
    load: dict[str, float] = {}
    most = 0
    begin: datetime | None = None
    account: Account | None = None
    interrupted = False
    while True:
        engine = LiveEngine(data, object_store=object_store)
        session = engine.session = Session(world, len(lives), begin, account)
        with _as_current(engine), algorithm_path(world.path.parent), _muted():
            signals.install()
            try:
                with turn_taking(), _terminable(session):
                    use_turns(session.turns)
                    try:
                        session.run(engine)
                        interrupted = _await(session) or interrupted
                    finally:
                        use_turns(None)
            finally:
                signals.uninstall()
            failure = session.turns.failure
            if failure is not None:
                raise failure
            account = _account(session)
        lives.append(_life(session, begin, account))
        most = max(most, session.most_inside_gate)
        for symbol, (top, bottom) in session.brokerage.exposure.items():
            known = exposure.get(str(symbol), (0.0, 0.0))
            exposure[str(symbol)] = (max(known[0], float(top)), min(known[1], float(bottom)))
            share = session.brokerage.load.get(symbol, 0.0)
            load[str(symbol)] = max(load.get(str(symbol), 0.0), share)
        if interrupted or not session.planned:
            break
        begin = session.turns.now + timedelta(seconds=5)
        if world.faults.account == "paper":
            account = None
    content = session.content or {"status": "RuntimeError", "data_points": 0}
    if output is not None:
        _write(output, session, content, world, lives)
    algorithm = session.algorithm
    return LiveResult(
        name=algorithm.algorithm_id,
        status=content["status"],
        content=content,
        seconds=world.seconds(),
        data_points=content["data_points"],
        error=session.error,
        interrupted=interrupted,
        directory=output,
        lives=tuple(lives),
        trace=tuple(world.trace),
        exposure=exposure,
        load=load,
        most_inside_gate=most,
        algorithm=algorithm,
        warnings=session.warnings,
    )


def _trading_moment(rng: random.Random, begin: datetime, span: float, algorithm: Any) -> datetime:
    """Draw a moment of the run at which a market is open."""
    moment = begin
    for _ in range(_DRAWS):
        moment = begin + timedelta(seconds=rng.uniform(0, span))
        for security in algorithm.securities.values():
            hours = security.exchange.hours
            if hours.is_open(from_utc(moment, hours.time_zone), False):
                return moment
    return moment


def _account(session: Session) -> Account | None:
    if session.algorithm is None or session.brokerage is None:
        return None
    return Account.of(session.algorithm, session.brokerage)


def _life(session: Session, begin: datetime | None, account: Account | None) -> Life:
    positions: dict[str, str] = {}
    orders: tuple[str, ...] = ()
    if account is not None:
        positions = {str(s): plain(q) for s, (q, _, _) in account.positions.items()}
        orders = tuple(str(order) for order in account.orders)
    first = begin or session.algorithm.start_date
    return Life(session.ended, first, session.turns.now, session.error, positions, orders)


def _await(session: Session) -> bool:
    """Wait for the end of a life; Ctrl-C quits as LEAN does, a second one at once."""
    turns = session.turns
    interrupted = False
    before, since = -1, wall.perf_counter()
    while True:
        try:
            if turns.finished.wait(0.5):
                return interrupted
        except KeyboardInterrupt:
            if interrupted or session.algorithm is None:
                raise
            interrupted = True
            session.algorithm.status = AlgorithmStatus.STOPPED
        if turns.switches != before:
            before, since = turns.switches, wall.perf_counter()
        elif wall.perf_counter() - since > _STUCK:
            raise EngineError(
                "expected a thread of the run to give its turn away, none did for "
                f"{_STUCK:.0f} s; it may wait for something that only another of them can do: "
                f"{_everywhere()}"
            )


def _everywhere() -> str:
    lines = []
    for thread in threading.enumerate():
        frame = sys._current_frames().get(thread.ident or 0)
        if frame is not None and thread is not threading.main_thread():
            entry = traceback.extract_stack(frame)[-1]
            lines.append(f"{thread.name} at {entry.filename}:{entry.lineno}")
    return "; ".join(lines)


@contextlib.contextmanager
def _terminable(session: Session) -> Any:
    """Hand a SIGTERM of the real process to the algorithm's handler, if it has registered one."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def arrived(number: int, frame: Any) -> None:
        handlers = signals.registered(signals.PosixSignal.SIGTERM)
        if not handlers:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)
            return
        context = signals.PosixSignalContext(signals.PosixSignal.SIGTERM)

        def deliver() -> None:
            with session.turns.guest("signal"):
                for handler in handlers:
                    handler(context)
            if not context.Cancel:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=deliver, daemon=True).start()

    before = signal.signal(signal.SIGTERM, arrived)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _write(
    output: Path, session: Session, content: dict[str, Any], world: World, lives: list[Life]
) -> None:
    if session.content is not None:
        session.engine.results.write(output)
    output.mkdir(parents=True, exist_ok=True)
    text = json.dumps(
        {
            "seed": world.seed,
            "lives": [
                {
                    "ended": life.ended,
                    "begin": life.begin.isoformat(),
                    "end": life.end.isoformat(),
                    "error": life.error,
                    "positions": life.positions,
                    "open_orders": life.open_orders,
                }
                for life in lives
            ],
            "trace": world.trace,
        },
        indent=1,
        default=lambda value: str(value) if isinstance(value, Decimal) else repr(value),
    )
    aside = output / "livelike.json.tmp"
    aside.write_text(text, encoding="utf-8")
    os.replace(aside, output / "livelike.json")
