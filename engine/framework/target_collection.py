"""``PortfolioTargetCollection``: the targets that an execution model still works on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from engine.framework.slots import SlotDict
from engine.framework.support import as_symbol
from engine.orders.exact import from_python
from engine.orders.sizing import adjust_by_lot_size
from engine.types.dotnet import LeanObject
from engine.types.errors import KeyNotFoundException
from engine.types.symbol import Symbol


def quantity_of(target: Any) -> Decimal:
    """Return the exact quantity of a target, also of a user's own kind."""
    exact = getattr(target, "_quantity", None)
    return from_python(target.quantity) if exact is None else exact


class PortfolioTargetCollection(LeanObject):
    """One target per symbol, in order of arrival; iterating gives the targets."""

    def __init__(self) -> None:
        self._items: SlotDict[Symbol, Any] = SlotDict()

    @property
    def count(self) -> int:
        return len(self._items)

    @property
    def is_empty(self) -> bool:
        return not self._items

    @property
    def is_read_only(self) -> bool:
        return False

    @property
    def keys(self) -> list[Symbol]:
        return list(self._items)

    @property
    def values(self) -> list[Any]:
        return self._items.entries()

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items.entries())

    def add(self, *args: Any) -> None:
        """``add(target)`` or ``add(symbol, target)``.

        It takes the place of the symbol's last one.
        """
        target = args[-1]
        if target is not None:
            self._items[target.symbol] = target

    def add_range(self, targets: Iterable[Any]) -> None:
        for target in targets:
            self._items[target.symbol] = target

    def clear(self) -> None:
        self._items.clear()

    def clear_fulfilled(self, algorithm: Any) -> None:
        """Drop the targets whose position is reached to less than a lot."""
        for target in self._items.entries():
            security = algorithm.securities[target.symbol]
            missing = abs(quantity_of(target) - security.holdings._quantity)
            if missing < security.symbol_properties._lot_size:
                self._items.pop(target.symbol, None)

    def contains(self, target: Any) -> bool:
        return target is not None and target.symbol in self._items

    def contains_key(self, symbol: Any) -> bool:
        return as_symbol(symbol) in self._items

    def __contains__(self, item: Any) -> bool:
        return getattr(item, "symbol", item) in self._items

    def remove(self, item: Any) -> bool:
        """Remove a symbol's target, or exactly this target."""
        if isinstance(item, Symbol | str):
            return self._items.pop(as_symbol(item), None) is not None
        symbol = None if item is None else item.symbol
        if symbol is None or self._items.get(symbol) is not item:
            return False
        del self._items[symbol]
        return True

    def try_get_value(self, symbol: Any, _target: Any = None) -> tuple[bool, Any]:
        target = self._items.get(as_symbol(symbol))
        return target is not None, target

    def __getitem__(self, symbol: Any) -> Any:
        found = self._items.get(as_symbol(symbol))
        if found is None:
            raise KeyNotFoundException(
                f"The given key '{symbol}' was not present in the dictionary."
            )
        return found

    def __setitem__(self, symbol: Any, target: Any) -> None:
        self._items[as_symbol(symbol)] = target

    def order_by_margin_impact(self, algorithm: Any) -> list[Any]:
        """Return the targets that need an order: reductions first, then the largest value first."""
        if not self._items:
            return []
        return order_by_margin_impact(self._items.entries(), algorithm)


def order_by_margin_impact(
    targets: Iterable[Any], algorithm: Any, target_is_delta: bool = False
) -> list[Any]:
    """Return targets in the order in which their orders shall go out.

    Left out are securities without data or not tradable, and what is less than a lot away; in
    warm-up all. With ``target_is_delta`` quantities are orders, not positions.
    """
    if algorithm.is_warming_up:
        return []
    found: list[tuple[bool, Decimal, Any]] = []
    for target in targets:
        security = algorithm.securities[target.symbol]
        wanted = adjust_by_lot_size(security, quantity_of(target))
        held = algorithm.transactions._projected_quantity(security)
        missing = wanted if target_is_delta else wanted - held
        if (
            abs(missing) < security.symbol_properties._lot_size
            or not security.is_tradable
            or not security.has_data
        ):
            continue
        final = wanted + held if target_is_delta else wanted
        reducing = bool(held) and abs(final) < abs(held)
        found.append((reducing, abs(missing * security._price), target))
    found.sort(key=lambda entry: entry[:2], reverse=True)
    return [target for _, _, target in found]
