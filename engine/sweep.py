"""Many runs of one algorithm: a grid of parameters on all cores, or on a Ray cluster.

Each parameter set is a run of its own, the same bit for bit as a single run; its result goes into a
file whose name is the hash of parameters, code and data, written whole or not at all. A sweep that
was killed finds what is done already and goes on with the rest; a run that fails, or takes its
process with it, loses none of the others.
"""

from __future__ import annotations

import gc
import hashlib
import itertools
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType
from typing import Any

from engine.results.files import write_json, write_text
from engine.types.errors import EngineError
from engine.types.jsontext import json_text

Grid = Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]]
_ATTEMPTS = 2
#: runs that travel to a cluster together: more for long sweeps of short runs
_MOST_TOGETHER = 8
#: a worker computes on one core; libraries that would take more are told so before they start
_ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
        "NUMBA_NUM_THREADS",
    ),
    "1",
)  # fmt: skip
_SKIPPED = frozenset(
    (".git", ".build", ".venv", "venv", "__pycache__", "node_modules", "backtests", "storage")
)
_ENGINE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class SweepRun:
    """One parameter set of a sweep.

    Attributes
    ----------
    parameters : dict
    key : str
        Hash of parameters, code and data; the name of the result file.
    status : str
        ``Completed``, ``RuntimeError``, or ``Failed`` when there is no result at all.
    error : str
        Why it is not completed.
    file : Path, optional
        The result file.
    resumed : bool
        Whether the result was found rather than computed.
    """

    parameters: dict[str, str]
    key: str
    status: str
    error: str
    file: Path | None
    resumed: bool
    _statistics: Mapping[str, str] = field(default_factory=dict, repr=False)
    _text: str | None = field(default=None, repr=False)

    @property
    def completed(self) -> bool:
        return self.status == "Completed"

    @property
    def content(self) -> dict[str, Any]:
        """What ``result.json`` of a single run holds; read when it is asked for."""
        if self._text is not None:
            return dict(json.loads(self._text))
        if self.file is None:
            return {}
        found: dict[str, Any] = json.loads(self.file.read_text(encoding="utf-8"))["content"]
        return found

    @property
    def statistics(self) -> dict[str, str]:
        return dict(self._statistics)


@dataclass(frozen=True, slots=True)
class _Job:
    """What a worker needs."""

    path: str
    data: str
    parameters: dict[str, str]
    start: datetime | None
    end: datetime | None
    cash: float | None
    #: what tells this data from data of other times, for workers that outlive a sweep
    base: str = ""


def expand(grid: Grid) -> list[dict[str, str]]:
    """Return the parameter sets of a grid (every combination) or of a list, as strings.

    Raises
    ------
    EngineError
        When a name has no values, or a text where a sequence belongs.
    """
    if isinstance(grid, Mapping):
        for name, values in grid.items():
            if isinstance(values, str) or not len(values):
                raise EngineError(f"expected a list of values for {name}, was {values!r}")
        names = list(grid)
        sets = [
            dict(zip(names, values, strict=True)) for values in itertools.product(*grid.values())
        ]
    else:
        sets = [dict(entry) for entry in grid]
    return [{str(k): str(v) for k, v in entry.items()} for entry in sets]


def run_many(
    path: Path | str,
    data: Path | str,
    grid: Grid,
    *,
    jobs: int | None = None,
    cluster: str | None = None,
    output: Path | str | None = None,
    resume: bool = True,
    start: datetime | None = None,
    end: datetime | None = None,
    cash: float | None = None,
    progress: bool = False,
) -> list[SweepRun]:
    """Run an algorithm once for each parameter set.

    Parameters
    ----------
    path, data, start, end, cash
        As for :func:`engine.run.run_backtest`.
    grid : dict of name -> values, or list of dicts
        Every combination of the values, or these sets.
    jobs : int, optional
        How many processes (default: one a core).
    cluster : str, optional
        A Ray address (``ray://host:10001``, or ``local``) instead of processes; path and data must
        be the same on every node.
    output : Path, optional
        Folder of the result files (``runs/<key>.json``) and of ``sweep.json``, a table of all.
    resume : bool
        Take results that are in ``output`` already, from a sweep that was interrupted.
    progress : bool
        Show a bar on a terminal.

    Returns
    -------
    list of SweepRun
        In the order of the grid.

    Raises
    ------
    EngineError
        When nothing can be run: no such file, no such cluster, a grid without values.
    """
    path, data = Path(path).resolve(), Path(data).resolve()
    path = path / "main.py" if path.is_dir() else path
    if not path.is_file():
        raise EngineError(f"expected an algorithm file, {path} does not exist")
    if not data.is_dir():
        raise EngineError(f"expected a LEAN data folder, {data} does not exist")
    if jobs is not None and jobs < 1:
        raise EngineError(f"expected at least one job, was {jobs}")
    sets = expand(grid)
    base = _digest(path, data, start, end, cash)
    keys = [_key(base, entry) for entry in sets]
    runs = None if output is None else Path(output) / "runs"
    if runs is not None:
        runs.mkdir(parents=True, exist_ok=True)
    done: dict[str, SweepRun] = {}
    todo: dict[str, _Job] = {}
    for key, entry in zip(keys, sets, strict=True):
        found = _known(runs, key, entry) if resume else None
        if found is not None:
            done[key] = found
        else:
            todo[key] = _Job(str(path), str(data), entry, start, end, cash, base)
    with _bar(len({*keys}), len(done), progress) as advance:

        def take(key: str, record: dict[str, Any]) -> None:
            done[key] = _finished(runs, key, todo[key], record)
            advance(done[key])

        if cluster is None:
            _on_processes(todo, jobs or os.cpu_count() or 1, take)
        else:
            _on_ray(todo, cluster, take)
    result = [done[key] for key in keys]
    if output is not None:
        write_json(Path(output) / "sweep.json", [_row(run) for run in result])
    return result


# -- one run --------------------------------------------------------------------------------------


_kept_base = ""


def _one(job: _Job) -> dict[str, Any]:
    """Run one parameter set; whatever happens to it becomes part of the record."""
    global _kept_base
    from engine.data.readers import share_files
    from engine.run import run_backtest

    if _kept_base != job.base:
        _kept_base = job.base
        share_files()
        # bars and points hold no cycles: the collector would walk them for nothing at every turn
        gc.set_threshold(100_000, 20, 100)
    with tempfile.TemporaryDirectory() as store:
        try:
            result = run_backtest(
                job.path, job.data, parameters=job.parameters, start=job.start, end=job.end,
                cash=job.cash, object_store=Path(store),
            )  # fmt: skip
        except EngineError as error:
            return _failed(str(error))
        except Exception as error:
            return _failed(f"{type(error).__name__}: {error}")
    return {
        "status": result.status,
        "error": result.error,
        "statistics": dict(result.statistics),
        "text": json_text(result.content),
    }


def _several(jobs: Sequence[_Job]) -> list[dict[str, Any]]:
    """Run some parameter sets, one after another."""
    return [_one(job) for job in jobs]


def _failed(error: str) -> dict[str, Any]:
    return {"status": "Failed", "error": error, "statistics": {}, "text": "{}"}


def _finished(runs: Path | None, key: str, job: _Job, record: dict[str, Any]) -> SweepRun:
    """Keep the record of a run: in its file, or in memory when there is no folder."""
    status, error, text = record["status"], record["error"], record["text"]
    file = None
    # what failed without a result is tried again by the next sweep
    if runs is not None and status != "Failed":
        file = runs / f"{key}.json"
        head = json_text(
            {
                "key": key,
                "parameters": job.parameters,
                "status": status,
                "error": error,
                "statistics": record["statistics"],
            }
        )
        # the content is JSON already
        write_text(file, f'{head[:-1]}, "content": {text}}}')
        text = None
    return SweepRun(job.parameters, key, status, error, file, False, record["statistics"], text)


def _known(runs: Path | None, key: str, parameters: dict[str, str]) -> SweepRun | None:
    """Return the result that an earlier sweep left, if it can be read whole."""
    if runs is None:
        return None
    file = runs / f"{key}.json"
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        status, error = str(found["status"]), str(found["error"])
        statistics = dict(found["content"]["statistics"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return SweepRun(parameters, key, status, error, file, True, statistics)


def _row(run: SweepRun) -> dict[str, Any]:
    return {
        "key": run.key,
        "parameters": run.parameters,
        "status": run.status,
        "error": run.error,
        "statistics": run.statistics,
    }


# -- where runs take place ------------------------------------------------------------------------


def _on_processes(
    todo: dict[str, _Job], jobs: int, take: Callable[[str, dict[str, Any]], None]
) -> None:
    """Work off runs on processes of this machine; one that dies takes no other run with it."""
    waiting = list(todo)
    while waiting:
        waiting, suspects = _in_pool(todo, waiting, jobs, take)
        # nobody knows which of them it was: each is tried again, in a process of its own
        for key in suspects:
            if _in_pool(todo, [key], 1, take)[1]:
                take(key, _died())


def _in_pool(
    todo: dict[str, _Job], keys: list[str], jobs: int, take: Callable[[str, dict[str, Any]], None]
) -> tuple[list[str], list[str]]:
    """Work off runs until one takes its process with it; return what waits, and who it can be."""
    waiting = list(keys)
    workers = min(jobs, len(waiting))
    waiting.reverse()
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    running: dict[Future[dict[str, Any]], str] = {}
    try:
        while waiting or running:
            # a few in the queue of each worker, so that none waits for the next; the first ones
            # start the processes
            with _environment(_ONE_THREAD), _no_main():
                while waiting and len(running) < 2 * workers:
                    key = waiting.pop()
                    running[pool.submit(_one, todo[key])] = key
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                record = future.result()
                take(running.pop(future), record)
    except BrokenProcessPool:
        return waiting[::-1], list(running.values())
    finally:
        pool.shutdown(wait=not running, cancel_futures=True)
    return [], []


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables that processes started meanwhile inherit; the user's own stay."""
    added = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


@contextmanager
def _no_main() -> Iterator[None]:
    """Keep processes started meanwhile from running the user's script again.

    A script that calls :func:`run_many` needs no ``if __name__ == "__main__"``: nothing of it is
    needed in a worker.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _died() -> dict[str, Any]:
    return _failed("the process of this run died")


def _on_ray(
    todo: dict[str, _Job], cluster: str, take: Callable[[str, dict[str, Any]], None]
) -> None:
    """Work off runs on a Ray cluster."""
    try:
        import ray
    except ImportError:
        raise EngineError(
            f"expected ray to be installed for the cluster {cluster}, it is not; "
            "pip install ray, or leave --cluster away"
        ) from None
    began = not ray.is_initialized()
    if began:
        try:
            _start_ray(ray, cluster)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise EngineError(f"expected a Ray cluster at {cluster}: {error}") from error
    try:
        remote = ray.remote(num_cpus=1, max_retries=_ATTEMPTS - 1)(_several)
        cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
        together = max(1, min(_MOST_TOGETHER, len(todo) // (8 * cores)))
        keys = list(todo)
        batches = [keys[at : at + together] for at in range(0, len(keys), together)][::-1]
        running: dict[Any, list[str]] = {}
        while batches or running:
            while batches and len(running) < 3 * cores:
                batch = batches.pop()
                running[remote.remote([todo[key] for key in batch])] = batch
            finished, _ = ray.wait(list(running), num_returns=1)
            for reference in finished:
                batch = running.pop(reference)
                try:
                    records = ray.get(reference)
                except ray.exceptions.RayError as error:
                    if len(batch) > 1:
                        # nobody knows which of them it was: each goes again by itself
                        batches.extend([key] for key in batch)
                        continue
                    records = [_failed(f"the process of this run died: {error}")]
                for key, record in zip(batch, records, strict=True):
                    take(key, record)
    finally:
        if began:
            ray.shutdown()


def _start_ray(ray: Any, cluster: str) -> None:
    """Start a Ray of this machine, or join one."""
    python_path = str(_ENGINE.parent)
    if cluster not in ("local", "ray://local"):
        ray.init(
            address=cluster,
            ignore_reinit_error=True,
            log_to_driver=False,
            runtime_env={"env_vars": _ONE_THREAD | {"PYTHONPATH": python_path}},
        )
        return
    # its workers inherit the variables: an environment of their own would have to be made first,
    # while the workers that Ray starts at once stood idle
    own = os.environ.get("PYTHONPATH")
    try:
        os.environ["PYTHONPATH"] = os.pathsep.join([python_path, *([own] if own else [])])
        with _environment(_ONE_THREAD):
            ray.init(
                address="local",
                ignore_reinit_error=True,
                log_to_driver=False,
                include_dashboard=False,
            )
    finally:
        if own is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = own


# -- keys -----------------------------------------------------------------------------------------


def _digest(path: Path, data: Path, *rest: Any) -> str:
    """Hash what all runs share: the algorithm's folder, the engine, the data, dates and cash."""
    state = hashlib.sha256()
    for root in dict.fromkeys((path.parent, _ENGINE)):
        for file in _files(root):
            if file.suffix == ".py":
                state.update(f"{file.relative_to(root)}\0".encode())
                state.update(hashlib.sha256(file.read_bytes()).digest())
    for file in _files(data):
        seen = file.stat()
        state.update(f"{file.relative_to(data)}\0{seen.st_size}\0{seen.st_mtime_ns}\0".encode())
    state.update(repr((path.name, *rest)).encode())
    return state.hexdigest()


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        for name in sorted(names):
            yield Path(folder) / name


def _key(base: str, parameters: dict[str, str]) -> str:
    text = base + json.dumps(parameters, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


# -- progress -------------------------------------------------------------------------------------


@contextmanager
def _bar(total: int, done: int, wanted: bool) -> Iterator[Callable[[SweepRun], None]]:
    """Show how many runs are done and how many of them failed."""
    if not wanted:
        yield lambda run: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Left

    console = Console(file=sys.__stderr__)
    columns = (TextColumn("sweep"), BarColumn(), MofNCompleteColumn(), Left())
    with Progress(
        *columns, TextColumn("{task.fields[note]}"), console=console,
        transient=not console.is_terminal, disable=not console.is_terminal,
    ) as bar:  # fmt: skip
        note = f"{done} found" if done else ""
        task = bar.add_task("sweep", total=total, completed=done, note=note)
        failed = 0

        def advance(run: SweepRun) -> None:
            nonlocal failed
            failed += not run.completed
            bar.update(task, advance=1, note=f"{failed} failed" if failed else note)

        yield advance
