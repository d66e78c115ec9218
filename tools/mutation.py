"""Mutation score: how many small changes to the protection its own tests notice.

Usage: ``make mutation`` (``ARGS="--limit 40 --seed 1 board"``)

Each mutant changes one comparison, operator, constant, boolean word or returned value of a file and
runs that file's tests in a copy of the repository; a mutant that they pass has survived. Written
here because the known tools copy and run whole projects, which takes days for this one.
"""

from __future__ import annotations

import argparse
import ast
import copy
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGETS = {
    "machine": (
        "protection/circuit_breakers/machine.py",
        ("circuit_breakers/test_machine.py", "circuit_breakers/test_gauges.py", "test_system.py"),
    ),
    "board": (
        "protection/circuit_breakers/board.py",
        ("circuit_breakers/test_gauges.py", "test_system.py"),
    ),
    "gate": (
        "protection/risk/gate.py",
        ("risk/test_gate.py", "risk/checks", "risk/limits/test_exposure.py", "test_system.py"),
    ),
    "drawdown": (
        "protection/risk/drawdown.py",
        ("risk/test_drawdown.py", "test_system.py"),
    ),
}
SKIP = "not importing"
_COMPARE = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_BINARY = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}


def sites(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every place that can be changed: number in the walk, and what is done."""
    for number, node in enumerate(ast.walk(tree)):
        if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARE:
            yield number, "compare"
        elif isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in _BINARY:
            yield number, "operator"
        elif isinstance(node, ast.BoolOp):
            yield number, "word"
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
            yield number, "sign"
        elif isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float)):
            yield number, "constant"
        elif isinstance(node, ast.If):
            yield number, "branch"


def mutate(tree: ast.Module, number: int, kind: str) -> tuple[str, int]:
    """Source of the tree with one place changed, and its line."""
    made = copy.deepcopy(tree)
    node = list(ast.walk(made))[number]
    if isinstance(node, ast.Compare):
        node.ops[0] = _COMPARE[type(node.ops[0])]()
    elif isinstance(node, (ast.BinOp, ast.AugAssign)):
        node.op = _BINARY[type(node.op)]()
    elif isinstance(node, ast.BoolOp):
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    elif isinstance(node, ast.UnaryOp):
        if isinstance(node.op, ast.USub):
            node.op = ast.UAdd()
        else:  # not x -> bool(x)
            node.operand = ast.UnaryOp(ast.Not(), node.operand)
    elif isinstance(node, ast.Constant):
        value = node.value
        node.value = (not value) if isinstance(value, bool) else value + 1  # type: ignore[operator]
    elif isinstance(node, ast.If):
        node.test = ast.Constant(False)
    return ast.unparse(ast.fix_missing_locations(made)), getattr(node, "lineno", 0)


def passes(folder: Path, tests: tuple[str, ...]) -> bool:
    """Whether the tests pass in a copy of the repository; ones that hang do not."""
    run = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-k", SKIP]
    run += [f"tests/protection/{test}" for test in tests]
    try:
        done = subprocess.run(run, cwd=folder, capture_output=True, timeout=180, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def main() -> int:
    """Run the mutants; prints survivors and scores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(TARGETS))
    parser.add_argument("--limit", type=int, default=0, help="mutants a file, drawn at random")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    total = killed = 0
    with tempfile.TemporaryDirectory() as place:
        copied = Path(place) / "repository"
        copied.mkdir()
        for name in ("protection", "tests", "tools", "pyproject.toml"):
            source, target = ROOT / name, copied / name
            if source.is_dir():
                skip = shutil.ignore_patterns("__pycache__", "golden", "engine", "operations")
                shutil.copytree(source, target, ignore=skip)
            else:
                shutil.copy(source, target)
        for name in asked.names:
            path, tests = TARGETS[name]
            tree = ast.parse((ROOT / path).read_text())
            found = list(sites(tree))
            random.Random(asked.seed).shuffle(found)
            found = found[: asked.limit] if asked.limit else found
            if not passes(copied, tests):
                print(f"{name}: its tests fail without any change")
                return 1
            caught = 0
            for number, kind in found:
                text, line = mutate(tree, number, kind)
                (copied / path).write_text(text)
                if passes(copied, tests):
                    print(f"survived: {path}:{line} {kind}", flush=True)
                else:
                    caught += 1
            (copied / path).write_text((ROOT / path).read_text())
            total, killed = total + len(found), killed + caught
            print(f"{name}: {caught} of {len(found)} found, {caught / len(found):.0%}", flush=True)
    print(f"all: {killed} of {total} found, {killed / total:.0%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
