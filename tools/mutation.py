"""Mutation score: how many small changes to the protection its own tests notice.

Usage: ``make mutation`` (``ARGS="--part 1/4 board"``, ``ARGS="--limit 40 --seed 1 gate"``)

Each mutant changes one comparison, operator, constant, boolean word, sign or branch of a file. Its
tests then run in a forked process that imports the changed source instead of the file: no copy of
the repository, no new interpreter, the libraries loaded once. Quick tests come first and the first
failure ends the run; a mutant that passes everything has survived. Property tests draw the same
examples every time, so that a score can be repeated. Written here because the known tools copy
and run whole projects, which takes days for this one.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.abc
import importlib.util
import os
import random
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
TARGETS = {
    "machine": (
        "protection/circuit_breakers/machine.py",
        ("circuit_breakers/test_machine.py", "circuit_breakers/test_gauges.py", "test_system.py"),
    ),
    "board": (
        "protection/circuit_breakers/board.py",
        ("circuit_breakers/test_board.py", "circuit_breakers/test_gauges.py", "test_system.py"),
    ),
    "gate": (
        "protection/risk/gate.py",
        (
            "risk/test_gate.py",
            "risk/test_gate_edges.py",
            "risk/test_gate_limits.py",
            "test_system.py",
            "risk/checks",
            "risk/limits/test_exposure.py",
            "risk/test_gate_memory.py",
        ),
    ),
    "drawdown": (
        "protection/risk/drawdown.py",
        ("risk/test_drawdown.py", "test_system.py"),
    ),
}
SKIP = "not importing"
LIMIT = 90
"""Seconds of real time after which a mutant counts as found: it hangs."""

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


def mutate(tree: ast.Module, number: int, kind: str) -> tuple[str, int, str]:
    """Source of the tree with one place changed, its line, and the changed text."""
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
    made = ast.fix_missing_locations(made)
    shown = ast.unparse(node).splitlines()[0]
    return ast.unparse(made), getattr(node, "lineno", 0), shown


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a text instead of its file."""

    def __init__(self, path: str, text: str) -> None:
        self._name = path.removesuffix(".py").replace("/", ".")
        self._path, self._text = str(ROOT / path), text

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Spec of the changed module, None for every other."""
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        """Run the text as the module."""
        code = compile(self._text, self._path, "exec")
        exec(code, module.__dict__)  # noqa: S102


def passes(path: str, text: str, tests: Sequence[str]) -> bool:
    """Whether the tests pass with the text in the file's place; ones that hang do not.

    Raises
    ------
    SystemExit
        When no test ran at all, which would look like a change that was found.
    """
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(LIMIT)
        os._exit(_run(path, text, tests))
    status = os.waitpid(child, 0)[1]
    code = os.waitstatus_to_exitcode(status)
    if code in (4, 5):
        raise SystemExit(f"expected tests at {', '.join(tests)}, was none that could be run")
    return code == 0


def _run(path: str, text: str, tests: Sequence[str]) -> int:
    import pytest
    from hypothesis import Phase, settings

    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    sys.dont_write_bytecode = False
    settings.register_profile(
        "mutation", database=None, derandomize=True, phases=(Phase.explicit, Phase.generate)
    )
    settings.load_profile("mutation")
    sys.meta_path.insert(0, Changed(path, text))
    ask = ["-x", "-q", "-p", "no:cacheprovider", "-k", SKIP, "--rootdir", str(ROOT)]
    try:
        return int(pytest.main(ask + [str(ROOT / "tests/protection" / test) for test in tests]))
    except BaseException:  # whatever a mutant does to the runner, it has been noticed
        return 1


def _preload() -> None:
    """Load what every child needs, but nothing of the project itself."""
    import hypothesis.stateful
    import numpy
    import pandas
    import pytest
    import scipy.stats

    loaded = (hypothesis.stateful, numpy, pandas, pytest, scipy.stats)
    mine = [name for name in sys.modules if name.split(".")[0] == "protection"]
    if mine or not all(loaded):
        raise SystemExit(f"expected nothing of the project to be loaded yet, was {mine}")


def _said(path: str, line: int, shown: str, site: tuple[int, str]) -> str:
    return f"survived: {path}:{line} {site[1]}: {shown}"


def _part(text: str) -> tuple[int, int]:
    which, of = (int(word) for word in text.split("/"))
    if not 1 <= which <= of:
        raise argparse.ArgumentTypeError(f"expected 1/4 to 4/4 or alike, was {text}")
    return which, of


def main() -> int:
    """Run the mutants; prints survivors and scores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(TARGETS))
    parser.add_argument("--limit", type=int, default=0, help="mutants a file, drawn at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", type=_part, default=(1, 1), help="1/4: the first quarter only")
    parser.add_argument("--again", type=Path, help="output of a run: its survivors only")
    asked = parser.parse_args()
    known = set() if asked.again is None else set(asked.again.read_text().splitlines())
    os.chdir(ROOT)
    _preload()
    total = killed = 0
    for name in asked.names:
        path, tests = TARGETS[name]
        tests = tuple(test for test in tests if (ROOT / "tests/protection" / test).exists())
        source = (ROOT / path).read_text()
        tree = ast.parse(source)
        found = list(sites(tree))
        random.Random(asked.seed).shuffle(found)
        found = found[: asked.limit] if asked.limit else found
        if asked.again is not None:
            found = [site for site in found if _said(path, *mutate(tree, *site)[1:], site) in known]
        found = found[asked.part[0] - 1 :: asked.part[1]]
        began = time.monotonic()
        if not passes(path, ast.unparse(tree), tests):
            print(f"{name}: its tests fail without any change")
            return 1
        caught = 0
        for number, kind in found:
            text, line, shown = mutate(tree, number, kind)
            if passes(path, text, tests):
                print(_said(path, line, shown, (number, kind)), flush=True)
            else:
                caught += 1
        total, killed = total + len(found), killed + caught
        spent = time.monotonic() - began
        share = caught / max(len(found), 1)
        print(f"{name}: {caught} of {len(found)} found, {share:.1%} ({spent:.0f} s)", flush=True)
    print(f"all: {killed} of {total} found, {killed / max(total, 1):.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
