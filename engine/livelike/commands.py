"""Command files: ``command*.json`` in the working directory, read in every turn of the loop."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from engine.orders.requests import SubmitOrderRequest, UpdateOrderFields, UpdateOrderRequest
from engine.types.decimals import to_decimal
from engine.types.enums import AlgorithmStatus, LeanEnum, OrderType, SecurityType
from engine.types.symbol import Symbol


class BareAlgorithm:
    """What the ``run`` of a typed command gets: LEAN's members, not those of the user's class."""

    def __init__(self, algorithm: Any) -> None:
        object.__setattr__(self, "_algorithm", algorithm)

    def __getattr__(self, name: str) -> Any:
        from engine.algorithm.qcalgorithm import QCAlgorithm

        algorithm = object.__getattribute__(self, "_algorithm")
        if name.startswith("_") or not (
            hasattr(QCAlgorithm, name) or (name in _INSTANCE and hasattr(algorithm, name))
        ):
            raise AttributeError(f"'QCAlgorithm' object has no attribute '{name}'")
        own = getattr(QCAlgorithm, name, None)
        if callable(own) and hasattr(own, "__get__"):
            return own.__get__(algorithm)
        return getattr(algorithm, name)


_INSTANCE = frozenset(
    (
        "portfolio",
        "securities",
        "transactions",
        "settings",
        "schedule",
        "notify",
        "name",
        "status",
        "live_mode",
        "tags",
        "is_warming_up",
        "time_zone",
        "subscription_manager",
        "universe_manager",
        "benchmark",
        "brokerage_model",
        "current_slice",
        "algorithm_id",
        "project_id",
        "insights",
        "alpha",
        "execution",
        "risk_management",
    )
)


class CallbackData:
    """The data of an untyped command: a missing name is ``None``."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = {key.lower(): value for key, value in values.items()}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        values = object.__getattribute__(self, "_values")
        return values.get(name.lower(), values.get(name.replace("_", "").lower()))

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)


class CommandFiles:
    """Reads, runs and answers commands.

    Parameters
    ----------
    folder : Path
        Where command files are looked for, and results written.
    """

    def __init__(self, folder: Path, session: Any) -> None:
        self.folder = folder
        self._session = session
        self._told: set[str] = set()

    def run_waiting(self) -> int:
        """Run what lies there, in the order of file names; return how many commands that were."""
        try:
            names = [
                entry.name
                for entry in os.scandir(self.folder)
                if entry.name.startswith("command") and entry.name.endswith(".json")
            ]
        except FileNotFoundError:
            return 0
        for name in sorted(names):
            path = self.folder / name
            text = path.read_text(encoding="utf-8", errors="replace")
            path.unlink()
            self._run_text(name, text)
        return len(names)

    def _run_text(self, name: str, text: str) -> None:
        try:
            given = json.loads(text)
        except ValueError as error:
            given = error
        if not isinstance(given, dict):
            self._log(f"command file {name} was dropped: it holds no JSON object")
            return
        values = {str(key): value for key, value in given.items()}
        kind = str(values.pop("$type", "") or "")
        number = next((str(v) for k, v in values.items() if k.lower() == "id" and v), "")
        short = kind.partition(",")[0].rpartition(".")[2]
        self._session.note("command", f"{short or 'untyped'} {number}")
        extra: dict[str, Any] = {}
        if kind.startswith("QuantConnect.Commands."):
            shown, success = short, self._built_in(short, values, extra)
        elif kind:
            shown, success = short, self._typed(short, values)
        else:
            shown, success = "CallbackCommand", self._untyped(values)
        if number:
            answer = {"CommandName": shown, "Success": success, **extra}
            answer.update(Type="CommandResult", Channel="")
            (self.folder / f"result-command-{number}.json").write_text(json.dumps(answer))

    def _log(self, text: str) -> None:
        self._session.algorithm._engine.results.add_system_debug(text)

    def _untyped(self, values: dict[str, Any]) -> bool | None:
        try:
            answer = self._session.algorithm.on_command(CallbackData(values))
        except Exception as error:
            self._log(f"on_command failed: {type(error).__name__}: {error}")
            return False
        return None if answer is None else bool(answer)

    def _typed(self, name: str, values: dict[str, Any]) -> bool | None:
        """Run a registered command class; an error is told once and answered with nothing."""
        algorithm = self._session.algorithm
        known = getattr(algorithm, "_commands", {}).get(name)
        if known is None:
            self._once(name, f"Detected unregistered command type '{name}', will be ignored")
            return None
        command = known()
        for key, value in values.items():
            setattr(command, _attribute(command, key), value)
        try:
            answer = command.run(BareAlgorithm(algorithm))
        except Exception as error:
            self._once(name, f"Unexpected error running command '{name}' error: '{error}'")
            return None
        return None if answer is None else bool(answer)

    def _once(self, name: str, text: str) -> None:
        if name not in self._told:
            self._told.add(name)
            self._session.algorithm.log(text)

    # -- LEAN's own commands -------------------------------------------------------------------

    def _built_in(self, name: str, values: dict[str, Any], extra: dict[str, Any]) -> bool | None:
        data = CallbackData(values)
        algorithm = self._session.algorithm
        try:
            if name == "OrderCommand":
                return self._order(data)
            if name == "LiquidateCommand":
                given = data.ticker or data.security_type or data.market
                algorithm.liquidate(*([_symbol(algorithm, data)] if given else []))
                return True
            if name == "UpdateOrderCommand":
                return self._update(data)
            if name == "CancelOrderCommand":
                ticket = algorithm.transactions.cancel_order(int(data.order_id))
                extra["QuantityFilled"] = ticket.quantity_filled
                return bool(ticket.cancel_request is not None)
            if name == "QuitCommand":
                algorithm.status = AlgorithmStatus.STOPPED
                return True
            if name == "AlgorithmStatusCommand":
                algorithm.status = _member(AlgorithmStatus, data.status)
                return True
        except Exception as error:
            self._log(f"{name} failed: {type(error).__name__}: {error}")
            return False
        self._log(f"the command {name} is not known")
        return None

    def _order(self, data: CallbackData) -> bool:
        algorithm = self._session.algorithm
        symbol = _symbol(algorithm, data)
        request = SubmitOrderRequest(
            _member(OrderType, data.order_type), symbol.security_type, symbol,
            to_decimal(data.quantity), to_decimal(data.stop_price or 0),
            to_decimal(data.limit_price or 0), algorithm._utc, data.tag or "",
            algorithm.default_order_properties.clone(),
        )  # fmt: skip
        ticket = algorithm.submit_order_request(request)
        response = ticket.get_most_recent_order_response()
        text = f"{data.order_type} order of {data.quantity} {symbol}: {response}"
        (algorithm.error if response.is_error else algorithm.debug)(text)
        return not response.is_error

    def _update(self, data: CallbackData) -> bool:
        algorithm = self._session.algorithm
        wanted = {
            name: getattr(data, name)
            for name in ("quantity", "limit_price", "stop_price", "tag")
            if getattr(data, name) is not None
        }
        request = UpdateOrderRequest(
            algorithm._utc, int(data.order_id), UpdateOrderFields(**wanted)
        )
        ticket = algorithm.transactions.update_order(request)
        return bool(ticket.get_most_recent_order_response().is_success)


def _attribute(command: Any, key: str) -> str:
    """Return the attribute that a JSON name fills, whatever its case."""
    for name in dir(command):
        if name.lower().replace("_", "") == key.lower().replace("_", ""):
            return name
    return key


def _member(kind: type[LeanEnum], value: Any) -> Any:
    if isinstance(value, int):
        return kind(value)
    wanted = str(value).replace("_", "").lower()
    for member in kind:
        if member.name.replace("_", "").lower() == wanted:
            return member
    raise ValueError(f"expected one of {', '.join(m.name for m in kind)}, was {value!r}")


def _symbol(algorithm: Any, data: CallbackData) -> Symbol:
    if data.symbol is not None:
        return algorithm.symbol(str(data.symbol))
    kind = _member(SecurityType, data.security_type)
    market = data.market or algorithm.brokerage_model.default_markets.get(kind, "usa")
    return Symbol.create(str(data.ticker), kind, str(market))
