"""Seeders: the first price of a security before its first bar."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from engine.securities.native import LeanModel, method
from engine.types.bars import BaseData


class NullSecuritySeeder(LeanModel):
    """Seeds nothing."""

    def seed_security(self, security: Any) -> bool:
        return True


class SecuritySeeder:
    """LEAN's access to the seeder that seeds nothing."""

    NULL: ClassVar[Any] = NullSecuritySeeder()


class FuncSecuritySeeder(LeanModel):
    """Seeds with what a function of the security returns: one data point, or several.

    As in LEAN an error of the function only means that the security starts without a price.
    """

    def __init__(self, seed_function: Callable[[Any], Any]) -> None:
        self._seed = seed_function

    def seed_security(self, security: Any) -> bool:
        try:
            found = self._seed(security)
            points: Iterable[Any] = (found,) if isinstance(found, BaseData) else (found or ())
            seeded = False
            for point in points:
                seeded = True
                security.set_market_price(point)
        except Exception:
            # LEAN notes the error in its own log and goes on; the engine keeps no such log
            return False
        return seeded


def seed(seeder: Any, security: Any) -> None:
    """Let a seeder (LEAN's or a user's) set the first price."""
    method(seeder, "seed_security")(security)
