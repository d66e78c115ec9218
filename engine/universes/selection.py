"""Universe selection as the engine runs it.

Who is asked when, what is subscribed, what is let go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from engine.types.subscription import SubscriptionDataConfig
from engine.types.symbol import Symbol
from engine.types.timezones import to_utc
from engine.universes.changes import SecurityChanges
from engine.universes.pending import PendingRemovals
from engine.universes.universe import Universe

#: stands for LEAN's one tick (0.1 microseconds), by which late subscriptions start after the
#: present moment
_TICK = timedelta(microseconds=1)


class UniverseSelection:
    """Applies selections to the subscriptions of a run.

    The feed calls :meth:`select` with the universes that are due; :meth:`on_universe_changed`
    hangs on the universe manager and gives the feed the times of selection.

    Parameters
    ----------
    algorithm : QCAlgorithm
    feed : ``engine.data.feed.Feed``
    """

    def __init__(self, algorithm: Any, feed: Any) -> None:
        self._algorithm = algorithm
        self._feed = feed
        self._service = algorithm._subscription_service
        self._waiting = PendingRemovals(algorithm.transactions)
        self._requests: dict[int, list[Universe]] = {}
        self._made: dict[Symbol, Any] = {}
        self._made_at: datetime | None = None
        #: called with the securities of a selection before they are seen by the algorithm
        #: (exchange rates)
        self.on_added: Callable[[list[Any]], Any] | None = None
        feed.restart = self.restart

    # -- times ---------------------------------------------------------------------------------

    def on_universe_changed(self, _sender: Any, change: Any) -> None:
        """Let the feed select a new universe, or one whose members were changed by hand."""
        universe: Universe = change.value
        if change.action == "Remove" or universe._live:
            return
        start: datetime = self._algorithm._utc
        late = change.action == "Add" and universe._starts_late and self._feed._started
        self._schedule(universe, start + _TICK if late else start)

    def restart(self, universe: Universe) -> None:
        """Select a universe again right after now.

        Its subscription began anew with the fill-forward resolution.
        """
        self._schedule(universe, self._algorithm._utc + _TICK)

    def _schedule(self, universe: Universe, start: datetime) -> None:
        algorithm = self._algorithm
        end = to_utc(algorithm.end_date, algorithm.time_zone)
        config = universe.configuration
        hours = algorithm._engine.hours._entry_of(config.symbol).exchange_hours
        self._feed.remove_pulse(universe)
        universe._live = True
        self._feed.add_pulse(
            universe, _until_over(universe, universe._trigger_times(start, end, hours))
        )

    # -- selection -----------------------------------------------------------------------------

    def select(self, utc: datetime, universes: Iterable[Universe]) -> SecurityChanges | None:
        """Select universes, the finest resolution first; return what changed, or None."""
        total = SecurityChanges.NONE
        for universe in sorted(
            universes, key=lambda u: (u.configuration.resolution, str(u.symbol.id))
        ):
            changes = self._apply(universe, utc)
            if changes is not None:
                total = total + changes
        return total if total.count else None

    def _apply(self, universe: Universe, utc: datetime) -> SecurityChanges | None:
        algorithm = self._algorithm
        if utc > to_utc(algorithm.end_date, algorithm.time_zone):
            return None
        found = universe.perform_selection(utc, None)
        unchanged = found is Universe.UNCHANGED
        if not unchanged:
            universe.selected = dict.fromkeys(found)
        self._let_go(self._waiting.check(universe), utc)
        if unchanged:
            return None
        removed, removed_internal = self._drop(universe, utc)
        added, added_internal = self._take(universe, utc)
        changes = SecurityChanges(added, removed, added_internal, removed_internal)
        fresh = changes.added_securities
        if fresh and self.on_added is not None:
            self.on_added(fresh)
        if fresh and algorithm.settings.seed_initial_prices:
            algorithm._seed_securities(fresh)
        return changes if changes.count else None

    def _drop(self, universe: Universe, utc: datetime) -> tuple[list[Any], list[Any]]:
        removed: list[Any] = []
        internal: list[Any] = []
        members = sorted(
            universe.securities.values(),
            key=lambda m: (m.security.symbol.security_type, str(m.security.symbol.id)),
        )
        for member in members:
            security = member.security
            if security.symbol in universe.selected or not universe.can_remove_member(
                utc, security
            ):
                continue
            if not security.is_delisted and not self._waiting.contains(
                security, member.is_internal
            ):
                (internal if member.is_internal else removed).append(security)
            self._let_go(self._waiting.try_remove(member, universe), utc)
        return removed, internal

    def _take(self, universe: Universe, utc: datetime) -> tuple[list[Any], list[Any]]:
        added: list[Any] = []
        added_internal: list[Any] = []
        if self._made_at != utc:
            self._made_at = utc
            self._made.clear()
        for symbol in universe.selected:
            if universe.contains_member(symbol):
                continue
            security = self._security(symbol, universe)
            fresh, internal, any_config = False, True, False
            for config in universe._configs_for(security, self._service):
                security._add_data(config)
                fresh = self._subscribe(config, universe)
                internal = internal and config.is_internal_feed
                any_config = True
            if any_config and universe._add_member(utc, security, internal) and fresh:
                (added_internal if internal else added).append(security)
        return added, added_internal

    def _security(self, symbol: Symbol, universe: Universe) -> Any:
        made = self._made.get(symbol)
        if made is None:
            made = self._algorithm.securities.create_security(
                symbol, [], universe.universe_settings._leverage, False
            )
            self._made[symbol] = made
        return made

    def _let_go(self, members: list[tuple[Universe, Any]], utc: datetime) -> None:
        algorithm = self._algorithm
        for universe, security in members:
            universe._remove_member(utc, security)
            active = algorithm.universe_manager._is_active(security.symbol)
            for config in universe._configs_for(security, self._service):
                if self._unsubscribe(config, universe) and not active:
                    security.reset()
                    security.cache.reset()
                    algorithm.securities.remove(security.symbol)

    def _subscribe(self, config: SubscriptionDataConfig, universe: Universe) -> bool:
        """Subscribe for a universe; True when the user sees data that was not there."""
        self._algorithm.subscription_manager._add(config)
        holders = self._requests.get(id(config))
        if holders and self._feed.contains(config):
            if universe not in holders:
                holders.append(universe)
            return config.is_internal_feed
        self._requests[id(config)] = [universe]
        return bool(self._feed.add(config))

    def _unsubscribe(self, config: SubscriptionDataConfig, universe: Universe) -> bool:
        """Give up a subscription; True when no other universe holds it and it is gone."""
        holders = self._requests.get(id(config), [])
        if universe in holders:
            holders.remove(universe)
        if holders or not self._feed.contains(config):
            return False
        self._requests.pop(id(config), None)
        self._feed.remove(config)
        self._algorithm.subscription_manager._remove(config)
        return True

    # -- delistings ----------------------------------------------------------------------------

    def handle_delisting(self, symbol: Symbol, internal: bool) -> SecurityChanges | None:
        """Take a delisted security out of the algorithm.

        Its position is closed by the delisting itself.
        """
        algorithm = self._algorithm
        if not dict.__contains__(algorithm.securities, symbol):
            return None
        security = algorithm.securities[symbol]
        security.is_delisted = True
        security.reset()
        algorithm.securities.remove(symbol)
        if self._waiting.contains(security, internal):
            return None
        if internal:
            return SecurityChanges((), (), (), (security,))
        return SecurityChanges((), (security,))


def _until_over(universe: Universe, times: Iterable[datetime]) -> Iterator[datetime]:
    """Pass times on, and note when there are no more."""
    yield from times
    universe._live = False


def apply_changes(algorithm: Any, changes: SecurityChanges) -> None:
    """Show the algorithm what a selection changed.

    New securities, and which are no longer tradable.
    """
    for security in changes.added_securities:
        algorithm.securities.add(security)
    manager = algorithm.universe_manager
    for security in changes.removed_securities:
        if not manager._is_active(security.symbol):
            make_untradable(security)


def make_untradable(security: Any) -> None:
    """Let no new order through; open ones still fill while there is data."""
    security._is_initialized = False
    security.is_tradable = False
