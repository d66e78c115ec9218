"""``security.data``: the last points of a security by their type."""

from __future__ import annotations

from typing import Any

from engine.types.dotnet import LeanObject
from engine.types.errors import InvalidOperationException


class DynamicSecurityData(LeanObject):
    """A view of a security's cache; custom data that belongs to the security is in it too.

    ``data.get(TradeBar)`` is the last point of a type, ``data.get_all(TradeBar)`` all points of its
    last moment, ``data.TradeBar`` the same by name. Where LEAN knows no type of a name it raises;
    here there is nothing of it.
    """

    __slots__ = ("_cache",)
    _cache: Any

    def __init__(self, cache: Any) -> None:
        object.__setattr__(self, "_cache", cache)

    def get(self, type: type) -> Any:
        """Return the last point of a type, None without any."""
        found = self.get_all(type)
        return found[-1] if found else None

    def get_all(self, type: type) -> list[Any]:
        """Return the points of a type's last moment."""
        found: list[Any] = self._cache.get_all(getattr(type, "_kind", type))
        return found

    def has_data(self, type: type) -> bool:
        """Tell whether there is a point of a type."""
        return bool(self.get_all(type))

    def has_property(self, name: str) -> bool:
        """Tell whether there is a point of a type of this name."""
        return bool(self.get_property(name))

    def get_property(self, name: str) -> list[Any]:
        """Return the points of the last moment of the type of a name."""
        cache = self._cache
        cache._settle()
        found = next((v for k, v in cache._by_type.items() if k.__name__ == name), None)
        return list(found or ())

    def set_property(self, name: str, value: Any) -> None:
        raise InvalidOperationException(
            "DynamicSecurityData is a view of the SecurityCache. It is readonly, properties can "
            "not be set"
        )

    def __getattr__(self, name: str) -> list[Any]:
        if not name[:1].isupper():
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return self.get_property(name)

    __setattr__ = set_property
