"""Command line of the engine."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.types.days import iso_day
from engine.types.errors import EngineError

DEFAULT_DATA = "../shared/lean-data"


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    top = argparse.ArgumentParser(
        prog="python -m engine", description="Runs LEAN algorithms without .NET and Docker."
    )
    commands = top.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="backtest an algorithm")
    run.add_argument("path", type=Path, help="the algorithm's file, or the folder of its main.py")
    run.add_argument(
        "--data",
        type=Path,
        default=None,
        help="a LEAN data folder (default: $LEAN_DATA, then ./data)",
    )
    run.add_argument(
        "--output",
        type=Path,
        default=None,
        help="folder for result.json (default: backtests/<time>)",
    )
    run.add_argument(
        "--start", type=_day, default=None, help="first day, YYYY-MM-DD, over the algorithm's own"
    )
    run.add_argument("--end", type=_day, default=None, help="last day, YYYY-MM-DD")
    run.add_argument("--cash", type=float, default=None, help="starting cash")
    run.add_argument(
        "--parameter",
        "-p",
        action="append",
        default=[],
        metavar="K=V",
        help="a parameter, repeatable",
    )
    run.add_argument(
        "--object-store",
        type=Path,
        default=None,
        help="folder of the object store (default: storage/)",
    )
    run.add_argument("--quiet", action="store_true", help="no progress bar, no table")
    _add_live_like(run)
    _add_sweep(commands)
    return top


def _add_live_like(run: argparse.ArgumentParser) -> None:
    group = run.add_argument_group("live-like", "LEAN's live behaviour on recorded data")
    group.add_argument(
        "--live-like",
        action="store_true",
        help="worker threads, asynchronous fills, faults and restarts, in model time",
    )
    group.add_argument("--seed", type=int, default=0, help="the same seed gives the same run")
    group.add_argument(
        "--gate-threads", type=int, default=10, help="most transaction threads, 2 to 10"
    )
    group.add_argument(
        "--faults",
        default="none",
        metavar="none|all|NAME=VALUE,...",
        help="what goes wrong, see engine/livelike/faults.py",
    )
    group.add_argument(
        "--commands", type=Path, default=None, help="folder of command files (default: here)"
    )


def _add_sweep(commands: Any) -> None:
    sweep = commands.add_parser("sweep", help="backtest an algorithm for many parameter sets")
    sweep.add_argument("path", type=Path, help="the algorithm's file, or the folder of its main.py")
    sweep.add_argument("--data", type=Path, default=None, help="a LEAN data folder")
    sweep.add_argument(
        "--grid",
        action="append",
        required=True,
        metavar="NAME=A,B,C",
        help="values of a parameter, repeatable: every combination is run",
    )
    sweep.add_argument("--jobs", type=int, default=None, help="processes (default: one a core)")
    sweep.add_argument("--cluster", default=None, help="a Ray address, as ray://host:10001")
    sweep.add_argument(
        "--output", type=Path, default=None, help="folder of the results (default: sweeps/<name>)"
    )
    sweep.add_argument("--start", type=_day, default=None, help="first day, YYYY-MM-DD")
    sweep.add_argument("--end", type=_day, default=None, help="last day, YYYY-MM-DD")
    sweep.add_argument("--cash", type=float, default=None, help="starting cash")
    sweep.add_argument("--fresh", action="store_true", help="compute again what is there already")
    sweep.add_argument("--quiet", action="store_true", help="no progress bar")


def _day(text: str) -> datetime:
    try:
        return iso_day(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a day as 2020-03-31, was {text!r}") from None


def _parameters(pairs: list[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise EngineError(f"expected a parameter as name=value, was {pair!r}")
        found[key] = value
    return found


def data_folder(given: Path | None) -> Path:
    """Return the data folder of a run: the argument, ``$LEAN_DATA``, ``./data``."""
    if given is not None:
        folder = given
    elif os.environ.get("LEAN_DATA"):
        folder = Path(os.environ["LEAN_DATA"])
    else:
        folder = Path("data")
    if not folder.is_dir():
        raise EngineError(
            f"expected a LEAN data folder, {folder} does not exist; "
            "give one with --data or LEAN_DATA"
        )
    return folder


def main(arguments: list[str] | None = None) -> int:
    """Run a command.

    Returns
    -------
    int
        0 only when the algorithm completed; 1 when it ended with an error (of its own or of its
        data; ``result.json`` is there); 2 when the run could not begin; 130 after Ctrl-C.
    """
    if arguments is None:
        # in a process of its own: bars and points live long and hold no cycles, so the collector
        # would walk them for nothing a thousand times in a run
        gc.set_threshold(1_000_000, 20, 100)
    options = parser().parse_args(arguments)
    options.last = arguments is None
    try:
        return sweep_command(options) if options.command == "sweep" else run_command(options)
    except EngineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("error: interrupted before there was a result", file=sys.stderr)
        return 130


def run_command(options: Any) -> int:
    """Backtest one algorithm and print its table."""
    output: Path = options.output or Path("backtests") / f"{datetime.now():%Y-%m-%d_%H-%M-%S}"
    progress = None
    if not options.quiet:
        from engine.progress import progress_bar

        progress = progress_bar(str(options.path))
    given = {
        "output": output,
        "start": options.start,
        "end": options.end,
        "cash": options.cash,
        "parameters": _parameters(options.parameter),
        "object_store": options.object_store,
        "progress": progress,
    }
    result: Any
    if options.live_like:
        from engine.livelike import Faults, run

        result = run(
            options.path,
            data_folder(options.data),
            seed=options.seed,
            faults=Faults.parse(options.faults),
            gate_threads=options.gate_threads,
            commands=options.commands,
            **given,
        )
    else:
        from engine.run import run_backtest

        result = run_backtest(options.path, data_folder(options.data), last=options.last, **given)
    if not options.quiet:
        from engine.progress import print_table

        print_table(result)
    for warning in result.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if result.error:
        print(f"error: {result.error}", file=sys.stderr)
    print(f"result: {output / 'result.json'}")
    if result.interrupted:
        return 130
    return 0 if result.completed else 1


def sweep_command(options: Any) -> int:
    """Run a sweep; 0 only when every run completed."""
    from engine.sweep import run_many

    grid = {}
    for text in options.grid:
        name, equals, values = text.partition("=")
        if not name or not equals or not values:
            raise EngineError(f"expected a grid as name=a,b,c, was {text!r}")
        grid[name] = values.split(",")
    path: Path = options.path
    output = options.output or Path("sweeps") / (path.name if path.is_dir() else path.stem)
    runs = run_many(
        path,
        data_folder(options.data),
        grid,
        jobs=options.jobs,
        cluster=options.cluster,
        output=output,
        resume=not options.fresh,
        start=options.start,
        end=options.end,
        cash=options.cash,
        progress=not options.quiet,
    )
    failed = [run for run in runs if not run.completed]
    for run in failed:
        print(f"{run.status}: {run.parameters}: {run.error}", file=sys.stderr)
    found = sum(run.resumed for run in runs)
    print(f"{len(runs) - len(failed)} of {len(runs)} runs completed, {found} found")
    print(f"results: {output / 'sweep.json'}")
    return 1 if failed else 0
