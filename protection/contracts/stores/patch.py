"""What changed from one piece of plain data to the next, and putting it back together.

A change is a list: ``["=", value]`` the whole value; ``["d", {key: change}, [gone keys]]`` of a
mapping; ``["e", {index: change}]`` of a list of the same length; ``["l", start, stop, tail]`` of a
list that lost elements at its ends and grew at its end: ``old[start:stop] + tail``.
"""

from __future__ import annotations

from typing import Any

from protection.contracts.errors import RecoverState


def difference(old: Any, new: Any) -> list[Any] | None:
    """Change that makes ``new`` of ``old``; None when they are equal.

    Numbers that compare equal count as equal. Keys of mappings must be texts.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        changed = {}
        for key, value in new.items():
            if key not in old:
                changed[key] = ["=", value]
            elif (change := difference(old[key], value)) is not None:
                changed[key] = change
        gone = [key for key in old if key not in new]
        return ["d", changed, gone] if changed or gone else None
    if old == new:
        return None
    if isinstance(old, list) and isinstance(new, list) and old and new:
        return _list_difference(old, new)
    return ["=", new]


def _list_difference(old: list[Any], new: list[Any]) -> list[Any]:
    first = new[0]
    if len(old) == len(new) and (old[0] == first or first not in old):
        changes = {}
        for place, (before, after) in enumerate(zip(old, new, strict=True)):
            if (change := difference(before, after)) is not None:
                changes[str(place)] = change
        return ["e", changes]
    if first not in old:
        return ["=", new]
    start = old.index(first)
    same = 0
    for before, after in zip(old[start:], new):  # noqa: B905 (either may be the longer one)
        if before != after:
            break
        same += 1
    return ["l", start, start + same, new[same:]]


def patched(old: Any, change: Any) -> Any:
    """``old`` with the change made; ``old`` itself is left as it was.

    Raises
    ------
    RecoverState
        When the change was not made for it.
    """
    try:
        kind = change[0]
        if kind == "=":
            return change[1]
        if kind == "d":
            made = {key: value for key, value in old.items() if key not in set(change[2])}
            for key, part in change[1].items():
                made[key] = patched(old.get(key), part)
            return made
        if kind == "e":
            listed = list(old)
            for place, part in change[1].items():
                listed[int(place)] = patched(listed[int(place)], part)
            return listed
        if kind == "l":
            start, stop, tail = change[1:]
            if not 0 <= start <= stop <= len(old):
                raise ValueError(f"elements {start} to {stop} of {len(old)}")
            return [*old[start:stop], *tail]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise RecoverState(f"expected a change of the stored state, was not: {error!r}") from error
    raise RecoverState(f"expected a change of the stored state, was of kind {kind!r}")
