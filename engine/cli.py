"""Command line of the engine."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

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
    return top


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d")
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
    """Run a command; 0 only when the algorithm completed."""
    options = parser().parse_args(arguments)
    try:
        return run_command(options)
    except EngineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def run_command(options: Any) -> int:
    """Backtest one algorithm and print its table."""
    from engine.run import run_backtest

    output: Path = options.output or Path("backtests") / f"{datetime.now():%Y-%m-%d_%H-%M-%S}"
    progress = None
    if not options.quiet:
        from engine.progress import progress_bar

        progress = progress_bar(str(options.path))
    result = run_backtest(
        options.path,
        data_folder(options.data),
        output=output,
        start=options.start,
        end=options.end,
        cash=options.cash,
        parameters=_parameters(options.parameter),
        object_store=options.object_store,
        progress=progress,
    )
    if not options.quiet:
        from engine.progress import print_table

        print_table(result)
    if result.error:
        print(f"error: {result.error}", file=sys.stderr)
    print(f"result: {output / 'result.json'}")
    if result.interrupted:
        return 130
    return 0 if result.completed else 1
