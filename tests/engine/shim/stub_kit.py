"""LEAN's public surface as quantconnect-stubs show it, and the engine's as its source shows it."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import textwrap
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

#: fundamentals alone are half of the stubs, and the engine exports none of their classes
LEFT_OUT = ("Fundamental",)


@dataclass(frozen=True, slots=True)
class Call:
    """One overload: names of its parameters in order, and how many must be given."""

    names: tuple[str, ...]
    required: int
    variadic: bool


@dataclass(slots=True)
class StubClass:
    """Bases and public members of a class; a member that is no method has no calls."""

    bases: list[str] = field(default_factory=list)
    members: dict[str, list[Call]] = field(default_factory=dict)


def _call(node: ast.FunctionDef) -> Call:
    static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)
    given = [*node.args.posonlyargs, *node.args.args]
    defaults = len(node.args.defaults)
    if not static:
        given = given[1:]
    variadic = node.args.vararg is not None or node.args.kwarg is not None
    names = tuple(a.arg for a in [*given, *node.args.kwonlyargs])
    return Call(names, max(0, len(given) - defaults), variadic)


def _base_name(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):
        return _base_name(node.value)
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _read_class(node: ast.ClassDef, found: dict[str, StubClass]) -> None:
    entry = found.setdefault(node.name, StubClass())
    entry.bases += [_base_name(base) for base in node.bases]
    for item in node.body:
        if isinstance(item, ast.FunctionDef):
            is_property = any(
                (isinstance(d, ast.Name) and d.id == "property") or isinstance(d, ast.Attribute)
                for d in item.decorator_list
            )
            calls = entry.members.setdefault(item.name, [])
            if not is_property:
                calls.append(_call(item))
        elif isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            entry.members.setdefault(item.target.id, [])
        elif isinstance(item, ast.Assign):
            for target in item.targets:
                if isinstance(target, ast.Name):
                    entry.members.setdefault(target.id, [])
        elif isinstance(item, ast.ClassDef):
            entry.members.setdefault(item.name, [])
            _read_class(item, found)


@cache
def stub_classes() -> dict[str, StubClass]:
    """Return every class of the stubs by its name; classes of one name are one entry."""
    found: dict[str, StubClass] = {}
    for package in ("QuantConnect", "System"):
        spec = importlib.util.find_spec(package)
        assert spec is not None, "quantconnect-stubs are part of the test extra"
        assert spec.origin is not None
        root = Path(spec.origin).parent
        for file in sorted(root.rglob("*.pyi")):
            if any(part in file.parts for part in LEFT_OUT):
                continue
            for node in ast.parse(file.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef):
                    _read_class(node, found)
    return found


@cache
def stub_members(name: str) -> dict[str, list[Call]]:
    """Return the members of a class and its bases."""
    classes, seen, todo = stub_classes(), set(), [name]
    members: dict[str, list[Call]] = {}
    while todo:
        current = todo.pop()
        if current in seen or current not in classes:
            continue
        seen.add(current)
        for member, calls in classes[current].members.items():
            members.setdefault(member, []).extend(calls)
        todo += classes[current].bases
    return members


@cache
def own_attributes(cls: type) -> dict[str, int]:
    """Return public instance attributes that the class's own methods set, with their line."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError):
        return {}
    body = tree.body[0]
    assert isinstance(body, ast.ClassDef)
    found: dict[str, int] = {}
    for item in body.body:
        if not isinstance(item, ast.FunctionDef) or not item.args.args:
            continue
        me = item.args.args[0].arg
        if me != "self":
            continue
        for node in ast.walk(item):
            is_set = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
            if is_set and isinstance(node.value, ast.Name) and node.value.id == me:
                found.setdefault(node.attr, node.lineno)
    return {name: line for name, line in found.items() if not name.startswith("_")}


@cache
def public_members(cls: type) -> dict[str, Any]:
    """Return the public names of an engine class, those of its engine bases included."""
    found: dict[str, Any] = {}
    for base in cls.__mro__:
        if not base.__module__.startswith("engine"):
            continue
        for name in own_attributes(base):
            found.setdefault(name, None)
        for name, value in vars(base).items():
            if not name.startswith("_"):
                found.setdefault(name, value)
    return found


def own_call(value: Any) -> Call | None:
    """Return the parameters of one of our methods; None for what is no plain method."""
    static = isinstance(value, staticmethod)
    function = value.__func__ if isinstance(value, (staticmethod, classmethod)) else value
    if not inspect.isfunction(function):
        return None
    shown = list(inspect.signature(function).parameters.values())
    if not static:
        shown = shown[1:]
    names, required, variadic = [], 0, False
    for parameter in shown:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            variadic = True
            continue
        if parameter.name.startswith("_"):
            if parameter.default is parameter.empty:
                required += 1
            continue
        names.append(parameter.name)
        if parameter.default is parameter.empty:
            required += 1
    return Call(tuple(names), required, variadic)
