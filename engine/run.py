"""Runs an algorithm over a data folder: set-up, the loop of steps, the result.

``run_backtest(path, data)`` is the library's front door; the command line calls it too.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import threading
import time as wall
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import services
from engine.loader import algorithm_path, describe, load_algorithm_class, stack_lines
from engine.types.decimals import use_lean_context
from engine.types.errors import EngineError
from engine.types.symbol import Symbol, SymbolCache, set_equity_resolver

if TYPE_CHECKING:
    from engine.results.document import Document

_CURRENT: Engine | None = None


def current_engine() -> Engine:
    """Return the engine whose run is being set up or running.

    Raises
    ------
    EngineError
        When an algorithm is made outside of a run.
    """
    if _CURRENT is None:
        raise EngineError(
            "expected an algorithm to be made by a run, it was made by hand; use "
            "engine.run.run_backtest(path, data)"
        )
    return _CURRENT


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run left behind; ``document`` makes its files and :attr:`content`."""

    name: str
    status: str
    document: Document = field(repr=False)
    seconds: float
    data_points: int
    error: str
    interrupted: bool
    directory: Path | None
    warnings: tuple[str, ...] = ()
    algorithm: Any = field(repr=False, default=None)

    @property
    def completed(self) -> bool:
        return self.status == "Completed" and not self.interrupted

    @property
    def content(self) -> dict[str, Any]:
        """The dictionary of ``result.json``."""
        return self.document.content()

    @property
    def statistics(self) -> dict[str, str]:
        return self.document.statistics


class Engine:
    """Services of one run, shared by its parts."""

    def __init__(self, data: Path, *, object_store: Path | None = None) -> None:
        from engine.algorithm.object_store import ObjectStore
        from engine.data.hours import MarketHoursDatabase
        from engine.data.maps import AuxiliaryFiles
        from engine.data.properties import SymbolPropertiesDatabase

        self.data_folder = data
        self.configuration: dict[str, Any] = {}
        self.hours = MarketHoursDatabase._from_data_folder(data)
        self.properties = SymbolPropertiesDatabase._from_data_folder(data)
        self.maps = AuxiliaryFiles(data)
        self.maps.install()
        self.object_store = ObjectStore(object_store or Path("storage"))
        self.algorithm: Any = None
        self.feed: Any = None
        self.results: Any = None
        self.transactions: Any = None
        self.schedule: Any = None
        self.stepper: Any = None
        self.selection: Any = None
        self.internal_feeds: Any = None
        self.end_of_day: Any = None

    def build_services(self, algorithm: Any) -> None:
        """Make the managers of a new algorithm."""
        services.build(self, algorithm)

    def transaction_handler(self, algorithm: Any) -> Any:
        """Make the handler of order requests."""
        from engine.orders.handler import TransactionHandler

        return TransactionHandler(algorithm)

    def default_brokerage_model(self) -> Any:
        """Return the brokerage model that an algorithm begins with."""
        return services.default_brokerage_model(self.algorithm)

    def on_securities_changed(self, changes: Any) -> None:
        """Follow securities that come and go."""
        self.end_of_day.on_securities_changed(changes)


@contextmanager
def _as_current(engine: Engine) -> Iterator[None]:
    global _CURRENT
    before = _CURRENT
    _CURRENT = engine
    SymbolCache.clear()
    try:
        yield
    finally:
        _CURRENT = before
        set_equity_resolver(None)
        Symbol._interned.clear()


def run_backtest(
    path: Path | str,
    data: Path | str,
    *,
    output: Path | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    cash: float | None = None,
    parameters: dict[str, Any] | None = None,
    object_store: Path | None = None,
    progress: AbstractContextManager[Any] | None = None,
    debug_mode: bool = False,
    last: bool = False,
) -> RunResult:
    """Backtest an algorithm file on a LEAN data folder.

    Parameters
    ----------
    path : Path
        The algorithm's file, or the folder of its ``main.py``.
    data : Path
        A LEAN data folder.
    output : Path, optional
        Folder for ``result.json``; nothing is written when it is missing.
    start, end, cash : optional
        Over what the algorithm sets itself.
    parameters : dict, optional
        What ``get_parameter`` gives.
    object_store : Path, optional
        Folder of the object store (default ``storage``).
    progress : context manager, optional
        Gives an object with ``begin(start, end)`` and ``update(now, equity)``.
    debug_mode : bool
        Framework checks that LEAN's regression runs switch on.
    last : bool
        The process ends with this run: the garbage collector, off while the result is made, is not
        switched on again to walk all of it, and the content is made when somebody asks for it.

    Raises
    ------
    EngineError
        When the run cannot be started: no such file, broken data, an API the engine lacks.
    """
    path, data = Path(path), Path(data)
    if path.is_dir():
        path = path / "main.py"
    use_lean_context()
    engine = Engine(data, object_store=object_store)
    with _as_current(engine), algorithm_path(path.parent), _muted():
        started = wall.perf_counter()
        algorithm = load_algorithm_class(path)()
        algorithm._debug_mode = debug_mode
        run = _Run(engine, algorithm, path)
        run.set_up(start, end, cash, {str(k): str(v) for k, v in (parameters or {}).items()})
        with progress or contextlib.nullcontext() as shown:
            run.loop(shown)
        with _no_collector(last):
            document = run.finish(wall.perf_counter() - started)
            if not last:
                # what follows may change the objects that it is made of
                document.content()
            if output is not None:
                engine.results.write(output)
        return RunResult(
            name=algorithm.algorithm_id,
            status=document.status,
            document=document,
            seconds=document.seconds,
            data_points=document.data_points,
            error=run.error,
            interrupted=run.interrupted,
            directory=output,
            warnings=tuple(
                text
                for text in (
                    *services.securities_without_data(engine, algorithm),
                    engine.results.statistics_error,
                )
                if text
            ),
            algorithm=algorithm,
        )


@contextmanager
def _muted() -> Iterator[None]:
    """Swallow ``print`` of the algorithm, as LEAN does."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        yield


@contextmanager
def _no_collector(last: bool) -> Iterator[None]:
    """Keep the collector from walking all of a run's objects while its result is made of them.

    After the ``last`` run of a process it stays off.
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before and not last:
            gc.enable()


@contextmanager
def _polite_interrupt() -> Iterator[list[int]]:
    """Let the first Ctrl-C end the run between two steps; a second one does at once.

    Raised inside of a step it could be caught by the algorithm's own ``except``, or leave an order
    half booked. Gives a list that is not empty once the user has asked.
    """
    asked: list[int] = []

    def note(number: int, frame: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


class _Run:
    """One run from set-up to result."""

    def __init__(self, engine: Engine, algorithm: Any, path: Path) -> None:
        self.engine = engine
        self.algorithm = algorithm
        self.path = path
        self.error = ""
        self.interrupted = False
        self.initialized = False

    def set_up(
        self,
        start: datetime | None,
        end: datetime | None,
        cash: float | None,
        parameters: dict[str, str],
    ) -> None:
        """Call ``initialize`` and everything that LEAN does around it."""
        engine, algorithm = self.engine, self.algorithm
        algorithm.set_parameters(parameters)
        try:
            algorithm.initialize()
            if start is not None:
                algorithm.set_start_date(start)
            if end is not None:
                algorithm.set_end_date(end)
            if cash is not None:
                for entry in algorithm.portfolio.cash_book.values():
                    entry.set_amount(0)
                algorithm.set_cash(cash)
            services.set_trading_days(algorithm)
            services.post_initialize(engine, algorithm)
        except EngineError:
            raise
        except Exception as error:
            algorithm._set_runtime_error(error, "")
            self.error = (
                "During the algorithm initialization, the following exception has occurred: "
                + describe(error, self.path)
            )
            return
        engine.end_of_day = services.EndOfDay(algorithm)
        services.start(engine, algorithm)
        self.initialized = True

    def loop(self, progress: Any) -> None:
        """Step through the data."""
        if self.initialized:
            with _polite_interrupt() as asked:
                self._steps(progress, asked)

    def _steps(self, progress: Any, asked: list[int]) -> None:
        engine, algorithm = self.engine, self.algorithm
        if progress is not None:
            progress.begin(algorithm._utc, algorithm.end_date)
        try:
            services.begin_stream(engine, algorithm)
            engine.stepper.run(self._stream(progress, asked), asked)
            if algorithm._runtime_error is None:
                services.end_of_algorithm(engine, algorithm)
        except KeyboardInterrupt:
            self.interrupted = True
            self.error = "interrupted: the result holds what was done until then"
        except Exception as error:
            # of a model or callback that LEAN does not guard either: the run ends with its result
            algorithm._set_runtime_error(error, "")
        failure = algorithm._runtime_error
        if failure is not None:
            self.error = describe(failure, self.path)

    def _stream(self, progress: Any, asked: list[int]) -> Iterator[Any]:
        """Yield the data of each step; between two steps show how far the run is."""
        engine, algorithm = self.engine, self.algorithm
        shown = wall.perf_counter()
        for count, data in enumerate(engine.feed, 1):
            if asked:
                raise KeyboardInterrupt
            if data.eventful and data.delistings:
                services.handle_delistings(engine, data)
            yield data
            if progress is not None and not count & 31:
                now = wall.perf_counter()
                if now - shown > 0.1:
                    shown = now
                    progress.update(
                        algorithm._utc, float(algorithm.portfolio._total_portfolio_value)
                    )

    def finish(self, seconds: float) -> Document:
        """Compute the result and flush the object store."""
        engine, algorithm = self.engine, self.algorithm
        failure = algorithm._runtime_error
        status = "RuntimeError" if failure is not None else "Completed"
        if self.interrupted:
            status = "Stopped"
        document: Document = engine.results.finish(
            status, self.error, stack_lines(failure) if failure is not None else "", seconds
        )
        engine.object_store._persist()
        return document
