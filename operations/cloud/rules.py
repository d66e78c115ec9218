"""What QuantConnect's cloud and the ``lean`` command accept, as checks on a folder of sources."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

#: File quota of the smallest cloud tier. 32 KB, read strictly.
LARGEST_FILE = 32_000

#: What ``lean cloud push`` sends; every other file stays behind without a word.
PUSHED = frozenset({".py", ".ipynb", ".html", ".css"})

#: Folders that ``lean`` skips at any depth.
FORBIDDEN_FOLDERS = frozenset(
    {"bin", "obj", "backtests", "live", "optimizations", "storage", "report"}
)

#: Files that may stay behind: without the weights the tuner answers by its other model.
LEFT_BEHIND = frozenset({"config.json", "py.typed", "README.md", "market.json", "market.npz"})

#: Modules of LEAN itself.
LEAN_MODULES = frozenset({"AlgorithmImports", "QuantConnect", "System", "clr"})

#: Third-party packages in LEAN's image that the bundle may use.
CLOUD_PACKAGES = frozenset(
    {
        "arch",
        "hmmlearn",
        "joblib",
        "matplotlib",
        "numba",
        "numpy",
        "pandas",
        "plotly",
        "scipy",
        "sklearn",
        "statsmodels",
        "torch",
        "torch_geometric",
    }
)

#: Our own packages that travel.
OWN_PACKAGES = frozenset({"algorithm", "protection", "research"})


def imported_modules(tree: ast.Module) -> dict[str, int]:
    """Return the top-level names a module imports absolutely, with the line of the first import.

    Imports whose absence the module handles by itself (``except ImportError``) are left out.
    """
    found: dict[str, int] = {}
    optional = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.Try)
        and any("ImportError" in ast.unparse(h.type) for h in node.handlers if h.type is not None)
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if id(node) in optional:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                found.setdefault(alias.name.split(".")[0], node.lineno)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.setdefault(node.module.split(".")[0], node.lineno)
    return found


def algorithm_classes(tree: ast.Module) -> list[str]:
    """Return the names of the classes in a module that derive from QCAlgorithm by name."""
    return [
        node.name
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        and any(ast.unparse(base).split(".")[-1] == "QCAlgorithm" for base in node.bases)
    ]


def _source(path: Path) -> str:
    """Return the Python of a module, or of the code cells of a notebook without its magics."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = json.loads(text).get("cells", [])
    lines = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code").splitlines()
    return "\n".join("pass" if line.lstrip()[:1] in ("%", "!") else line for line in lines)


def _check_imports(path: Path, name: str, tree: ast.Module) -> list[str]:
    allowed = OWN_PACKAGES | CLOUD_PACKAGES | LEAN_MODULES | sys.stdlib_module_names
    return [
        f"{name}, line {line}: expected an import of the cloud's packages or our own, was {module}"
        for module, line in imported_modules(tree).items()
        if module not in allowed
    ]


def violations(folder: Path) -> list[str]:
    """Return one sentence for everything in ``folder`` that the cloud would refuse or drop.

    Parameters
    ----------
    folder
        A staged bundle: ``main.py``, ``config.json`` and the packages that travel.
    """
    found: list[str] = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir():
            if path.name.lower() in FORBIDDEN_FOLDERS or path.name.startswith("."):
                found.append(f"{name}: expected no folder of this name, lean would skip it")
            continue
        if path.suffix not in PUSHED:
            if path.name not in LEFT_BEHIND:
                found.append(f"{name}: expected {', '.join(sorted(PUSHED))}, would not be pushed")
            elif path.name == "config.json" and path.parent != folder:
                found.append(f"{name}: expected one config.json, lean takes this for a project")
            continue
        size = path.stat().st_size
        if size > LARGEST_FILE:
            found.append(f"{name}: expected at most {LARGEST_FILE:,} bytes, was {size:,}")
        if size == 0:
            found.append(f"{name}: expected a docstring, was an empty file")
        if path.suffix in (".py", ".ipynb"):
            try:
                tree = ast.parse(_source(path), feature_version=(3, 11))
            except (SyntaxError, ValueError) as error:
                found.append(f"{name}: expected Python 3.11, was {error}")
                continue
            found.extend(_check_imports(path, name, tree))
            classes = algorithm_classes(tree) if path.suffix == ".py" else []
            if name == "main.py" and len(classes) != 1:
                found.append(f"main.py: expected one QCAlgorithm class, was {classes or 'none'}")
    if not (folder / "main.py").is_file():
        found.append("main.py: expected the algorithm, was no file")
    return found
