"""What the framework's models share: symbols and times from users, calls of user models, names."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable, MutableMapping
from datetime import datetime, timedelta
from typing import Any

from engine.types.enums import Resolution
from engine.types.subscription import INCREMENTS
from engine.types.symbol import Symbol, SymbolCache
from engine.types.timezones import naive

#: LEAN's "never": what a model answers that is not asked again
NEVER = datetime.max
END_OF_TIME = datetime(2050, 12, 31)
NO_TIME = datetime(1, 1, 1)
END_OF_TIME_SPAN = END_OF_TIME - NO_TIME

_ids = random.Random(0)


def restart_ids() -> None:
    """Begin the sequence of identifiers anew: equal runs give equal files."""
    _ids.seed(0)


def new_id() -> uuid.UUID:
    """Return the next identifier of the run."""
    return uuid.UUID(int=_ids.getrandbits(128), version=4)


def as_symbol(value: Any) -> Symbol:
    """Return the symbol of a symbol, a security or a ticker."""
    if type(value) is Symbol:
        return value
    if isinstance(value, str):
        return SymbolCache.get_symbol(value)
    found: Symbol = value if isinstance(value, Symbol) else value.symbol
    return found


def as_utc(moment: Any) -> datetime:
    """Return the naive UTC form of a time given by a user."""
    if type(moment) is not datetime:
        moment = datetime(moment.year, moment.month, moment.day)
    return naive(moment)


def as_list(items: Any) -> list[Any]:
    """Return what a user model gave as a list; ``None`` gives an error as in LEAN."""
    return items if type(items) is list else list(items)


def span_of(resolution: Any) -> timedelta:
    """Return the length of a bar."""
    return INCREMENTS[Resolution(resolution)]


def model_name(model: Any) -> str:
    """Return the name under which a model signs its insights."""
    for key in ("Name", "name"):
        if key in getattr(model, "__dict__", {}):
            return str(model.__dict__[key])
    for cls in type(model).__mro__:
        if cls.__module__.startswith("engine."):
            break
        for key in ("Name", "name"):
            if key in vars(cls):
                return str(getattr(model, key))
    found = getattr(model, "name", None)
    return type(model).__name__ if found is None else str(found)


def text_of(value: Any) -> str:
    """Print a number, enumeration or time span as .NET does in model names."""
    if hasattr(value, "to_string"):
        return str(value.to_string())
    if isinstance(value, timedelta):
        return span_text(value)
    if isinstance(value, float):
        return f"{value:.15g}" if float(f"{value:.15g}") == value else repr(value)
    return str(value)


def span_text(span: timedelta) -> str:
    """Print a time span as .NET does: ``1.02:03:04.5000000``."""
    sign = "-" if span < timedelta(0) else ""
    span = abs(span)
    hours, rest = divmod(span.seconds, 3600)
    text = f"{hours:02}:{rest // 60:02}:{rest % 60:02}"
    if span.days:
        text = f"{span.days}.{text}"
    if span.microseconds:
        text += f".{span.microseconds:06}0"
    return sign + text


def update_securities(securities: MutableMapping[Any, Any], changes: Any) -> None:
    """Keep a collection of securities (``symbol -> security``) up to date."""
    for added in changes.added_securities:
        securities.setdefault(added.symbol, added)
    for removed in changes.removed_securities:
        securities.pop(removed.symbol, None)


def distinct_by_symbol(targets: Iterable[Any]) -> list[Any]:
    """Return the first target of every symbol."""
    found: dict[Symbol, Any] = {}
    for target in targets:
        found.setdefault(target.symbol, target)
    return list(found.values())
