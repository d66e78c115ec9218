"""The callbacks an algorithm may define; here they do nothing."""

from __future__ import annotations

from typing import Any


class HandlersMixin:
    """Default callbacks of ``QCAlgorithm``."""

    def initialize(self) -> None:
        """Set dates, cash, securities and models. Every algorithm defines it."""
        raise NotImplementedError(
            "expected the algorithm to define initialize(self), it does not; add the method"
        )

    def on_data(self, slice: Any) -> None:
        """Take the data of one moment."""

    def on_warmup_finished(self) -> None:
        """Called once, when warm-up is over."""

    def on_splits(self, splits: Any) -> None:
        """Take split events."""

    def on_dividends(self, dividends: Any) -> None:
        """Take dividend events."""

    def on_delistings(self, delistings: Any) -> None:
        """Take delisting events."""

    def on_symbol_changed_events(self, symbols_changed: Any) -> None:
        """Take renames."""

    def on_securities_changed(self, changes: Any) -> None:
        """Take changes of the universe."""

    def on_margin_call(self, requests: Any) -> Any:
        """Look at, or change, the orders of a margin call."""
        return requests

    def on_margin_call_warning(self) -> None:
        """Called while free margin is low."""

    def on_end_of_day(self, symbol: Any = None) -> None:
        """Called ten minutes before the close of each security."""

    def on_end_of_algorithm(self) -> None:
        """Called at a regular end."""

    def on_end_of_time_step(self) -> None:
        """Never called on a Python algorithm, as in LEAN."""

    def on_order_event(self, order_event: Any) -> None:
        """Take an order event."""

    def on_assignment_order_event(self, assignment_event: Any) -> None:
        """Take an option assignment."""

    def on_brokerage_message(self, message_event: Any) -> None:
        """Take a message of the brokerage."""

    def on_brokerage_disconnect(self) -> None:
        """Called when the link to the brokerage breaks."""

    def on_brokerage_reconnect(self) -> None:
        """Called when the link to the brokerage is back."""

    def on_command(self, data: Any) -> bool | None:
        """Take a command; commands exist in live trading only."""
        return None
