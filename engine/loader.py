"""Loads an algorithm file as LEAN does, with the shim on the path only while it is needed."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from engine.shim.namespaces import namespaces
from engine.types.errors import AlgorithmError, EngineError

_SHIM = str(Path(__file__).parent / "shim" / "path")


@contextmanager
def algorithm_path(folder: Path) -> Iterator[None]:
    """Put the algorithm's folder and the shim first on ``sys.path``; take both away at the end.

    The folder comes first, as in LEAN: a package ``Portfolio`` of the user's own wins over LEAN's.
    Modules that were imported from either are forgotten too, so that the next run of the process
    reads its own.
    """
    before = set(sys.modules)
    path = list(sys.path)
    sys.path[:0] = [str(folder), _SHIM]
    try:
        with namespaces():
            yield
    finally:
        sys.path[:] = path
        root = str(folder.resolve())
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None) or ""
            if file.startswith(_SHIM) or (file.startswith(root) and not _is_library(file, root)):
                del sys.modules[name]


def _is_library(file: str, root: str) -> bool:
    tail = file[len(root) :]
    return "site-packages" in tail or tail.startswith(("/engine/", "/protection/"))


def load_algorithm_class(path: Path) -> type:
    """Import the file and return its algorithm class: the last one by name, as LEAN picks it.

    Raises
    ------
    EngineError
        When there is no file, no class, or the file cannot be imported.
    """
    if path.is_dir():
        path = path / "main.py"
    if not path.is_file():
        raise EngineError(
            f"expected an algorithm file, {path} does not exist; give the path of a main.py"
        )
    from engine.algorithm.qcalgorithm import QCAlgorithm

    name = path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except EngineError:
        raise
    except Exception as error:
        raise AlgorithmError(
            f"the algorithm file cannot be imported: {describe(error, path)}"
        ) from error
    # of the thousands of names few are of the file itself
    own = [item for item in vars(module).items() if getattr(item[1], "__module__", "") == name]
    found = [
        value
        for _, value in sorted(own, key=lambda item: item[0])
        if isinstance(value, type) and issubclass(value, QCAlgorithm)
    ]
    if not found:
        raise EngineError(
            f"expected a class derived from QCAlgorithm in {path}, there is none; "
            "define it in that file"
        )
    return found[-1]


def describe(error: BaseException, path: Path) -> str:
    """Return the error with the lines of the user's own files that led to it, in one text."""
    frames = traceback.extract_tb(error.__traceback__)
    folder = str(path.parent.resolve())
    own = [f for f in frames if f.filename.startswith(folder) and "/engine/" not in f.filename]
    where = "".join(
        f"\n  at {f.name} in {Path(f.filename).name}: line {f.lineno}" for f in reversed(own)
    )
    text = str(error) or type(error).__name__
    kind = "" if isinstance(error, EngineError) else f"{type(error).__name__} : "
    return f"{kind}{text}{where}"


def stack_lines(error: BaseException) -> str:
    """Return the traceback as text, for the result file."""
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))
