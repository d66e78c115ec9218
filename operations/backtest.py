"""``protect backtest``: an algorithm with its protection and without, and the report of both."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from operations.data.prepare import BENCHMARK, read_manifest
from operations.errors import FolderError, OperationError
from operations.files import write_atomically
from operations.reporting.model import Report, build
from operations.reporting.page import render
from operations.reporting.protocol import SUMMARY_KEY, Summary, read_summary

REPORT = "report.html"
RESULT = "result.json"
BARE = "bare"


class RunError(OperationError):
    """An algorithm could not be run."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be run.

    Attributes
    ----------
    path : the algorithm's file
    data : LEAN data folder
    output : folder of the results
    start, end, cash : over the algorithm's own; None leaves them
    parameters : what ``get_parameter`` gives
    compare : run the algorithm without its protection, too
    store : folder of the Object Store
    """

    path: Path
    data: Path
    output: Path
    start: datetime | None = None
    end: datetime | None = None
    cash: float | None = None
    parameters: Mapping[str, str] | None = None
    compare: bool = True
    store: Path = Path("storage")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a backtest left behind."""

    report: Report
    path: Path
    completed: bool
    interrupted: bool
    error: str


def read_parameters(pairs: list[str]) -> dict[str, str]:
    """Read ``name=value`` pairs.

    Raises
    ------
    RunError
        For a text that is no pair.
    """
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise RunError(
                f"expected a parameter as name=value, was {pair!r}; write -p universe=SPY"
            )
        found[key.strip()] = value
    return found


def project_parameters(path: Path) -> dict[str, str]:
    """Return the parameters of the ``config.json`` beside an algorithm, as LEAN does.

    Raises
    ------
    RunError
        When the file is no JSON.
    """
    config = path.parent / "config.json"
    if not config.is_file():
        return {}
    try:
        content = json.loads(config.read_text(encoding="utf-8"))
        return {str(k): str(v) for k, v in content.get("parameters", {}).items()}
    except (ValueError, AttributeError) as error:
        raise RunError(f"expected JSON with parameters in {config}, was not: {error}") from error


def folder_parameters(data: Path, wanted: Mapping[str, str]) -> dict[str, str]:
    """Return universe, benchmark and dates for a folder that ``protect data prepare`` wrote.

    Its stocks are not those that an algorithm expects by default. Nothing is returned for any other
    folder, nor when the folder holds the wanted universe. Trading begins a year after the first
    prices, which the warm-up needs.
    """
    manifest = read_manifest(data)
    if manifest is None:
        return {}
    stocks = [one for one in manifest["series"] if one["tradable"]]
    known = {one["ticker"] for one in stocks}
    universe = [t.strip().upper() for t in wanted.get("universe", "").split(",") if t.strip()]
    if not stocks or (universe and known.issuperset(universe)):
        return {}
    first = min(one["first"] for one in stocks)
    return {
        "universe": ",".join(one["ticker"] for one in stocks),
        "benchmark": BENCHMARK,
        "start": f"{int(first[:4]) + 1}-01-01",
        "end": max(one["last"] for one in stocks),
    }


def run(order: Order, progress: Any = None) -> Outcome:
    """Backtest, compare, and write ``result.json``, ``bare/result.json`` and ``report.html``.

    Both runs go on at the same time; the bare one in a process of its own, with the parameter
    ``protection=off`` and a copy of the Object Store as it was before.

    Raises
    ------
    RunError
        When one of the runs cannot be started, or holds nothing to report.
    """
    from engine.run import run_backtest
    from engine.types.errors import EngineError

    if not order.data.is_dir():
        raise FolderError(
            f"expected a LEAN data folder at {order.data}, was none; run `protect data prepare` "
            "or give one with --data"
        )
    if not order.path.is_file():
        raise RunError(f"expected an algorithm's file at {order.path}, was none")
    parameters = dict(order.parameters or {})
    guarded = parameters.get("protection") != "off"
    before = _stamp(order.store)
    with _bare_run(order, parameters if order.compare and guarded else None) as bare:
        try:
            result = run_backtest(
                order.path,
                order.data,
                output=order.output,
                start=order.start,
                end=order.end,
                cash=order.cash,
                parameters=parameters,
                object_store=order.store,
                progress=progress,
            )
        except EngineError as error:
            raise RunError(str(error)) from error
        summary = _summary(order.store, before)
        other = None
        if bare is not None and summary is not None and not result.interrupted:
            other = bare.wait()
    failed = result.error
    if other is None and bare is not None and summary is not None and not result.interrupted:
        failed = failed or f"the run without protection failed: {bare.error}"
    report = _report(order, result.content, other, summary, failed)
    target = order.output / REPORT
    write_atomically(target, render(report).encode("utf-8"))
    return Outcome(report, target, result.completed and not failed, result.interrupted, failed)


def _report(
    order: Order,
    content: Mapping[str, Any],
    bare: Mapping[str, Any] | None,
    summary: Summary | None,
    error: str,
) -> Report:
    try:
        return build(
            content,
            bare,
            summary,
            data=order.data.resolve().name,
            created=f"{datetime.now():%Y-%m-%d %H:%M}",
        )
    except ValueError as problem:
        raise RunError(error or str(problem)) from problem


def _stamp(store: Path) -> tuple[int, int] | None:
    """Return what tells whether the summary in the store is a new one."""
    path = store / SUMMARY_KEY
    if not path.is_file():
        return None
    facts = path.stat()
    return facts.st_mtime_ns, facts.st_ino


def _summary(store: Path, before: tuple[int, int] | None) -> Summary | None:
    """Return the summary that the run has written, None when it wrote none."""
    if _stamp(store) in (None, before):
        return None
    return read_summary((store / SUMMARY_KEY).read_text(encoding="utf-8"))


class _Bare:
    """The run without protection, in a process of its own."""

    def __init__(self, order: Order, parameters: Mapping[str, str], folder: Path) -> None:
        self._result = order.output / BARE / RESULT
        self._said = folder / "errors.txt"
        self.error = ""
        store = folder / "storage"
        if order.store.is_dir():
            shutil.copytree(order.store, store)
        command = [sys.executable, "-m", "engine", "run", str(order.path), "--quiet"]
        command += ["--data", str(order.data), "--output", str(order.output / BARE)]
        command += ["--object-store", str(store)]
        for name, day in (("--start", order.start), ("--end", order.end)):
            command += [name, f"{day:%Y-%m-%d}"] if day is not None else []
        command += ["--cash", str(order.cash)] if order.cash is not None else []
        for key, value in {**parameters, "protection": "off"}.items():
            command += ["--parameter", f"{key}={value}"]
        self._result.unlink(missing_ok=True)
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=said, env=_environment()
            )

    def wait(self) -> dict[str, Any] | None:
        """Return the result, None (and ``error``) when there is no complete one."""
        code = self._process.wait()
        if code != 0 or not self._result.is_file():
            lines = self._said.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            self.error = lines[-1] if lines else f"exit code {code}"
            return None
        content: dict[str, Any] = json.loads(self._result.read_text(encoding="utf-8"))
        return content

    def stop(self) -> None:
        """End the process, when it is still running."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait()


def _environment() -> dict[str, str]:
    """Return the environment in which a process finds this project, from wherever it is called."""
    root = str(Path(__file__).resolve().parents[1])
    before = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": root if not before else f"{root}{os.pathsep}{before}"}


@contextmanager
def _bare_run(order: Order, parameters: Mapping[str, str] | None) -> Iterator[_Bare | None]:
    if parameters is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="protect-bare-") as folder:
        bare = _Bare(order, parameters, Path(folder))
        try:
            yield bare
        finally:
            bare.stop()
