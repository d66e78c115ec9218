"""Three roads to one kill, the heartbeat, the link, reconciliation and the end: live only."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.livelike import LiveResult
from engine.run import run_backtest
from protection.circuit_breakers.kill_switch import KillSwitch, lock_text
from protection.contracts import HostClock
from protection.contracts.errors import FixSettings
from protection.contracts.stores import DiskFileSystem, FileStateStore
from protection.execution.reconciliation import AccountRecord

Live = Callable[..., LiveResult]

HOLDS = """
def on_data(self, data):
    self.bars += 1
    if self.bars == 3: self.market_order(self.spy, 1000, asynchronous=True)
    if self.bars == 5:
        for n in range(20): self.limit_order(self.spy, 5, 100 + n, asynchronous=True)
        self.stop_market_order(self.spy, -1000, 50, asynchronous=True)
    if self.bars == KILLED: self.kill()
    if self.bars > KILLED: self.market_order(self.spy, 10 + self.bars, asynchronous=True)
"""


def at(hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(2013, 10, 7, hour, minute, second)


def command(name: str, **values: str) -> dict[str, str]:
    return {"$type": name, "id": name[:4], "actor": "Ada", "reason": "drill", **values}


def bought_after(result: LiveResult, moment: str) -> list[str]:
    """Orders that passed the gate after a moment and did not close something."""
    return [
        text
        for when, _, kind, text in result.trace
        if kind == "gate" and "passed" in text and when > moment
    ]


def closed(result: LiveResult) -> bool:
    return not result.lives[-1].positions and not result.lives[-1].open_orders


@pytest.mark.parametrize(
    "road",
    [
        "self.protection.kill('Ada', 'drill')",
        "self.protection.system.kill('Ada', 'drill')",
        "open(self.lock, 'w').write(self.text)",
    ],
    ids=["a call", "the scheduled check", "the kill file"],
)
def test_every_road_cancels_all_orders_and_closes_the_position(
    live: Live, state: Path, road: str
) -> None:
    text = lock_text("Ada", "drill", datetime(2013, 10, 7, 15, tzinfo=UTC))
    body = f"""
def before(self): self.lock, self.text = {str(state / "trading.lock")!r}, {text!r}
def kill(self): {road}
"""
    result = live(body + HOLDS.replace("KILLED", "9"))

    assert result.status == "Completed", result.error
    assert closed(result)
    counts = result.algorithm.protection.counts
    assert counts["cancels"] >= 21  # orders that the gate is about to refuse may be among them
    assert counts["exits"] == 1
    assert counts["lifeline_errors"] == counts["exit_errors"] == counts["event_errors"] == 0
    assert len(bought_after(result, "2013-10-07T13:39:02")) <= 1  # the exit itself
    assert KillSwitch(FileStateStore(state), HostClock()).killed


def test_a_typed_command_kills_within_a_second_and_answers_when_it_is_on_the_disk(
    live: Live, tmp_path: Path, state: Path
) -> None:
    script = [(at(14, 0, 30), command("KillCommand"))]
    result = live(HOLDS.replace("KILLED", "-1"), script=script)

    assert closed(result)
    answer = json.loads((tmp_path / "result-command-Kill.json").read_text())
    assert answer["Success"] is True
    assert KillSwitch(FileStateStore(state), HostClock()).killed
    asked = [when for when, _, kind, text in result.trace if "CANCEL_PENDING" in text]
    assert "2013-10-07T14:00:30" <= min(asked) <= max(asked) <= "2013-10-07T14:00:32"


def test_a_kill_command_without_a_reason_does_nothing_and_says_so(
    live: Live, tmp_path: Path
) -> None:
    script = [(at(14, 0, 30), {"$type": "KillCommand", "id": "k", "actor": "Ada"})]
    result = live("def on_data(self, data): pass", script=script)

    assert json.loads((tmp_path / "result-command-k.json").read_text())["Success"] is False
    assert not result.algorithm.protection.system.killed


def test_a_resume_command_needs_the_role_and_the_second_person(live: Live, tmp_path: Path) -> None:
    script = [
        (at(14, 0), command("KillCommand")),
        (at(14, 5), command("ResumeCommand", id="r1", role="risk")),
        (at(14, 6), command("ResumeCommand", id="r2", role="intern", second="Grace")),
        (at(14, 7), command("ResumeCommand", id="r3", role="risk", second="Grace")),
    ]
    flat = {"kill.four_eyes": "true"}
    result = live("def on_data(self, data): pass", flat=flat, script=script)

    answers = [
        json.loads((tmp_path / f"result-command-r{n}.json").read_text())["Success"]
        for n in (1, 2, 3)
    ]
    assert answers == [False, False, True]
    assert not result.algorithm.protection.system.killed


@pytest.mark.parametrize("text", ["", '{"kind": "trading-lock", "sha', None])
def test_a_start_with_a_lock_comes_up_killed_whatever_is_in_it(
    live: Live, state: Path, text: str | None
) -> None:
    state.mkdir(parents=True)
    whole = lock_text("Ada", "drill", datetime(2013, 10, 6, tzinfo=UTC))
    (state / "trading.lock").write_text(whole if text is None else text)
    result = live("def on_data(self, data): self.market_order(self.spy, 10, asynchronous=True)")

    assert result.algorithm.protection.counts["gate_calls"] > 0
    assert bought_after(result, "") == []


def test_a_state_folder_that_cannot_be_used_is_no_reason_to_begin_without_it(
    live: Live, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.mkdir(parents=True)

    def broken(*_: object, **__: object) -> None:
        raise PermissionError("not yours")

    monkeypatch.setattr(DiskFileSystem, "make_folder", broken)
    result = live("def on_data(self, data): pass")

    assert result.status == "RuntimeError"
    assert "not yours" in result.error


def test_positions_are_closed_in_portions_when_asked(live: Live) -> None:
    body = "def kill(self): self.protection.kill('Ada', 'drill')\n"
    result = live(body + HOLDS.replace("KILLED", "9"), flat={"live.portions": "4"})

    sold = [t.quantity for t in result.algorithm.transactions.get_order_tickets()][-400:]
    assert [q for q in sold if q < 0 and q > -1000] == [-250.0] * 4
    assert closed(result)


@pytest.mark.parametrize("seed", [0, 1, 3])
def test_cancels_that_are_lost_and_late_do_not_keep_the_position_open(
    live: Live, seed: int
) -> None:
    body = "def kill(self): self.protection.kill('Ada', 'drill')\n"
    faults = "none,lost_cancel=0.5,late=0.5,partial=0.5,reject=0.3,duplicate=0.3"
    result = live(body + HOLDS.replace("KILLED", "9"), faults, seed=seed)

    assert not result.lives[-1].positions
    assert result.algorithm.protection.counts["exits"] >= 1


# -- the heartbeat --------------------------------------------------------------------------------


def test_a_dead_feed_freezes_its_symbol_and_a_living_one_never_does(live: Live) -> None:
    body = """
def on_data(self, data): pass
"""
    dead = live(body, "none,dead_feeds=1,dead_seconds=7200", seed=5)
    alive = live(body, seed=5)

    def states(result: LiveResult) -> list[str]:
        events = result.algorithm.protection.system.events
        return [event.after for event in events if event.breaker == "mute_feed"]

    assert states(dead)[0] == "open"
    assert states(alive) == []


def test_a_loop_that_stands_still_denies_adding_by_the_wall_clock(live: Live) -> None:
    result = live(
        """
def begin(self):
    self.answers = []
    self.schedule.on(self.date_rules.every_day(), self.time_rules.every(timedelta(seconds=30)),
                     self.look)
def look(self):
    self.answers.append((self.sleeping, self.protection.system.verdict.state.name))
sleeping = False
def on_data(self, data):
    import time
    self.bars += 1
    if self.bars == 10:
        self.sleeping = True
        time.sleep(300)
        self.sleeping = False
"""
    )

    asleep = [state for sleeping, state in result.algorithm.answers if sleeping]
    assert asleep[:1] == ["ALLOW"]
    assert asleep[-1] == "FREEZE"
    assert result.algorithm.answers[-1][1] == "ALLOW"


def test_a_lost_link_freezes_adding_at_once_and_a_reconciled_one_lets_go(live: Live) -> None:
    body = """
def begin(self): self.tried = []
def on_brokerage_disconnect(self): self.tried.append(self.protection.system.verdict.state.name)
def on_data(self, data):
    self.bars += 1
    if self.bars % 5 == 0: self.market_order(self.spy, 1 if self.bars % 10 else -1, True)
"""
    result = live(body, "none,disconnects=2,disconnect_seconds=900", seed=3)

    protection = result.algorithm.protection
    assert result.algorithm.tried == ["FREEZE"] * len(result.algorithm.tried) != []
    assert protection.counts["reconciled"] == protection.counts["reconnects"] >= 1
    assert protection.system.verdict.state.name == "ALLOW"


def test_an_error_of_the_broker_halts_until_somebody_resumes_and_is_said_once(live: Live) -> None:
    body = """
def on_data(self, data):
    self.bars += 1
    self.market_order(self.spy, self.bars, asynchronous=True)
"""
    result = live(body, "none,errors=2", seed=4)

    assert result.status == "Completed"
    protection = result.algorithm.protection
    assert protection.system.verdict.state.name == "HALT"
    assert sum("until somebody resumes" in text for text in protection._said) == 1
    protection.resume("Ada", "looked into", role="risk")
    assert protection.system.verdict.state.name == "ALLOW"


def test_the_algorithms_own_message_handler_hears_everything_and_may_raise(live: Live) -> None:
    body = """
def before(self):
    outer = self
    outer.heard = []
    class Own:
        def handle_message(self, message):
            outer.heard.append(message.type.name); raise ValueError("no")
        def handle_order(self, args): raise ValueError("no")
    self.set_brokerage_message_handler(Own())
def on_brokerage_disconnect(self): self.heard.append("callback")
def on_data(self, data): pass
"""
    result = live(body, "none,disconnects=1,disconnect_seconds=60", seed=3)

    assert result.algorithm.heard == ["DISCONNECT", "callback", "RECONNECT"]
    handler = result.algorithm.brokerage_message_handler
    assert handler.handle_order(None) is False
    assert result.algorithm.protection.counts["lifeline_errors"] == 4


FOREIGN = """
def on_data(self, data):
    self.bars += 1
    if self.bars == 5:
        class Arguments: pass
        given = Arguments()
        given.order = MarketOrder(self.spy, 100, self.utc_time)
        given.order.broker_id.append("b-77")
        KILL
        self.adopted = self.brokerage_message_handler.handle_order(given)
    if self.bars == 20: self.state = self.protection.system.verdict.state.name
"""


def test_an_order_placed_elsewhere_is_counted_and_waits_for_a_person(live: Live) -> None:
    result = live(FOREIGN.replace("KILL", "pass"))

    assert result.algorithm.adopted is False
    assert result.algorithm.state == "FREEZE"
    portfolio = result.algorithm.protection.bridge.portfolio()
    assert [(o.order_id, o.quantity) for o in portfolio.open_orders] == [("b-77", 100.0)]
    result.algorithm.protection.resume("Ada", "it was mine")
    assert result.algorithm.protection.bridge.portfolio().open_orders == ()
    assert result.algorithm.protection.system.verdict.state.name == "ALLOW"


def test_while_killed_an_order_placed_elsewhere_is_adopted_to_be_cancelled(live: Live) -> None:
    result = live(FOREIGN.replace("KILL", "self.protection.kill('Ada', 'drill')"))

    assert result.algorithm.adopted is True


# -- restarts -------------------------------------------------------------------------------------

LIVES = """
def begin(self): self.seen = []
def on_warmup_finished(self): self.state = self.protection.system.verdict.state.name
def on_data(self, data):
    self.bars += 1
    if self.bars == 2 and not self.portfolio.invested: self.market_order(self.spy, 100, True)
    if self.bars == 4: self.limit_order(self.spy, 7, 100, True)
"""


@pytest.mark.parametrize("how", ["kill", "sigterm", "quit"])
def test_a_restart_finds_the_account_as_it_was_and_goes_on(live: Live, how: str) -> None:
    result = live(LIVES, f"none,restarts=1,stop={how}", seed=1)

    ends = {"kill": "kill", "sigterm": "quit", "quit": "quit"}
    assert [life.ended for life in result.lives] == [ends[how], "data"]
    assert result.algorithm.state == "ALLOW"
    assert result.algorithm.protection.counts["mismatches"] == 0


def test_before_it_is_reconciled_a_restart_may_only_reduce(live: Live) -> None:
    body = """
def begin(self): self.state = self.protection.system.verdict.state.name
def on_data(self, data): pass
"""
    assert live(body).algorithm.state == "FREEZE"


@pytest.mark.parametrize(("mismatch", "found"), [("freeze", "FREEZE"), ("accept", "ALLOW")])
def test_a_difference_that_nothing_explains_waits_for_a_person_over_restarts(
    live: Live, state: Path, mismatch: str, found: str
) -> None:
    store = FileStateStore(state)
    known = AccountRecord("2013-10-06T20:00:00+00:00", 1e6, 1e6, {"SPY R735QTJ8XC9X": 500.0})
    store.write("account.record", known.text())
    body = """
def before(self): pass
def on_data(self, data):
    self.bars += 1
    if self.bars == 2: self.state = self.protection.system.verdict.state.name
def on_warmup_finished(self):
    pass
"""
    forged = (
        body.replace("def before(self): pass", "def before(self): pass")
        + """
def begin(self): self.portfolio[self.spy].set_holdings(100.0, 40)
"""
    )
    result = live(forged, flat={"live.mismatch": mismatch})

    assert result.algorithm.state == found
    kept = store.read("account.record")
    assert (kept == known.text()) is (mismatch == "freeze")


def test_an_empty_account_needs_no_explanation(live: Live, state: Path) -> None:
    known = AccountRecord("2013-10-06T20:00:00+00:00", 1e6, 1e6, {"SPY R735QTJ8XC9X": 500.0})
    FileStateStore(state).write("account.record", known.text())
    result = live(LIVES)  # a paper account forgets

    assert result.algorithm.state == "ALLOW"
    assert any("was 500, is 0" in text for text in result.algorithm.protection._said)


def test_an_unreadable_record_of_the_account_waits_for_a_person(live: Live, state: Path) -> None:
    FileStateStore(state).write("account.record", "half")
    result = live(LIVES)

    assert result.algorithm.state == "FREEZE"


# -- settings and backtests -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["protection", "state"])
def test_live_the_guard_and_its_memory_cannot_be_parametered_away(
    lean_data: Path, tmp_path: Path, kind: str
) -> None:
    from engine.livelike import run

    given = {"protection": {"protection": "off"}, "state": {"state": "memory"}}[kind]
    root = Path(__file__).resolve().parents[2]
    result = run(
        root / "main.py", lean_data, parameters={"universe": "SPY", "end": "1999-01-05", **given},
        object_store=tmp_path / "store", commands=tmp_path,
    )  # fmt: skip

    assert "live trading" in result.error
    assert FixSettings.__name__ in result.error


def test_live_main_py_keeps_state_and_audit_and_beats(lean_data: Path, tmp_path: Path) -> None:
    from engine.livelike import Faults, run

    root = Path(__file__).resolve().parents[2]
    given = {"start": "2013-10-07", "end": "2013-10-08", "universe": "SPY,AAPL"}
    result = run(
        root / "main.py", lean_data, parameters={**given, "live.beat_seconds": "60"},
        faults=Faults.none(), object_store=tmp_path / "store", commands=tmp_path,
    )  # fmt: skip

    assert result.status == "Completed", result.error
    protection = result.algorithm.protection
    assert protection.counts["beats"] > 1000
    assert protection.counts["lifeline_errors"] == protection.counts["callback_errors"] == 0
    folder = tmp_path / "store" / "protection"
    assert (folder / "audit-live").is_dir()
    assert (folder / "state-live" / "account.record").is_file()


def test_a_backtest_has_no_lifeline(lean_data: Path, tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    result = run_backtest(
        root / "main.py",
        lean_data,
        parameters={"start": "2013-10-07", "end": "2013-10-08", "universe": "SPY"},
        object_store=tmp_path / "store",
    )

    protection = result.algorithm.protection
    assert protection.lifeline is None
    assert protection.guards is None
    assert protection.ledger is None
    assert not (tmp_path / "store" / "protection" / "state-live").exists()
