"""Runs commands of the `lean` package itself, with Docker and the web replaced at their boundary.

usage: python lean_driver.py OUT.json COMMANDS.json      (in the working folder of the commands)

COMMANDS.json holds a list of argument lists. For each command OUT.json gets its exit code, its
output, what would have been run in Docker (image, mounts, environment, commands, and LEAN's
configuration file), and what would have been sent to the cloud.

The package downloads a list of modules when its models are imported. A module of that name, put in
place before, keeps the import offline; it holds the two entries that need no download.
"""

from __future__ import annotations

import json
import sys
import traceback
import types
from importlib.util import find_spec
from pathlib import Path
from unittest.mock import MagicMock

LOCAL = {
    "type": ["data-downloader", "history-provider"],
    "platform": ["cli"],
    "product-id": "",
    "id": "Local",
    "display-id": "Local",
    "installs": False,
    "configurations": [
        {
            "id": "data-provider",
            "type": "info",
            "value": "QuantConnect.Lean.Engine.DataFeeds.DefaultDataProvider",
        }
    ],
}


PAPER = {
    "type": ["brokerage", "data-queue-handler"],
    "platform": ["cli", "cloud"],
    "product-id": "",
    "id": "QuantConnectBrokerage",
    "display-id": "Paper Trading",
    "installs": False,
    "live-cash-balance-state": "required",
    "live-holdings-state": "optional",
    "configurations": [
        {"id": "live-mode-brokerage", "type": "info", "value": "PaperBrokerage"},
        {"id": "data-queue-handler", "type": "info", "value": '["LiveDataQueue"]'},
    ],
}


#: What the optimizer says at the end when no backtest met the target.
OPTIMIZER_LOG = "2026-01-01T00:00:00Z TRACE:: Optimization has ended. No result was found\n"


def _install_modules() -> None:
    package = find_spec("lean")
    folder = Path(package.submodule_search_locations[0])
    models = types.ModuleType("lean.models")
    models.__path__ = [str(folder / "models")]
    models.json_modules = [LOCAL, PAPER]
    sys.modules["lean.models"] = models


def _mounted_configuration(arguments):
    """Read the configuration file that would have been mounted over LEAN's own."""
    for mount in arguments.get("mounts", []):
        if str(mount["Target"]).endswith("config.json") and "Launcher" in str(mount["Target"]):
            return json.loads(Path(mount["Source"]).read_text(encoding="utf-8"))
    return None


def _run(arguments):
    from click.testing import CliRunner
    from lean.commands import lean
    from lean.container import container

    docker, api, runs = MagicMock(), MagicMock(), []

    def run_image(image, **settings):
        runs.append(
            {
                "image": str(image),
                "commands": settings.get("commands", []),
                "working_dir": settings.get("working_dir"),
                "environment": {k: str(v) for k, v in settings.get("environment", {}).items()},
                "volumes": {str(k): v["bind"] for k, v in settings.get("volumes", {}).items()},
                "mounts": {str(m["Source"]): m["Target"] for m in settings.get("mounts", [])},
                "configuration": _mounted_configuration(settings),
            }
        )
        # The optimizer's container leaves its log in the results folder, and the command reads it.
        for source, target in runs[-1]["volumes"].items():
            if target == "/Results" and "Optimizer" in str(runs[-1]["working_dir"]):
                Path(source, "log.txt").write_text(OPTIMIZER_LOG)
        return True

    docker.run_image.side_effect = run_image
    docker.get_image_label.side_effect = lambda image, label, default: default
    docker.create_site_packages_volume.return_value = "site-packages"
    docker.is_image_outdated = lambda *_, **__: False
    api.data.download_public_file.side_effect = OSError("no network")
    api.is_authenticated.return_value = True

    created = MagicMock(projectId=4711, organizationId="0" * 32, leanEnvironment=0)
    created.name = arguments[arguments.index("--project") + 1] if "--project" in arguments else "?"
    created.parameters, created.libraries, created.files = [], [], []
    created.encrypted = created.encryptionKey = None
    created.encrypted = False
    api.projects.create.return_value = created
    api.projects.get.return_value = created
    api.files.get_all.return_value = []
    api.lean.environments.return_value = []

    container.initialize(docker_manager=docker, api_client=api)
    result = CliRunner().invoke(lean, arguments)
    error = None
    if result.exception and not isinstance(result.exception, SystemExit):
        error = "".join(traceback.format_exception(result.exception))
    return {
        "exit_code": result.exit_code,
        "output": result.output,
        "error": error,
        "runs": runs,
        "created": [list(map(str, call.args)) for call in api.projects.create.call_args_list],
        "updated": [
            {"args": list(map(str, call.args)), "kwargs": call.kwargs}
            for call in api.projects.update.call_args_list
        ],
    }


def main() -> None:
    out, commands = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())
    _install_modules()
    results = [_run(arguments) for arguments in commands]
    out.write_text(json.dumps(results, default=str))


if __name__ == "__main__":
    main()
