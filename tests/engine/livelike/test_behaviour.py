"""Live-like runs show what LEAN shows live."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.cli import main
from engine.livelike import Deadlock, Faults, LiveResult
from engine.types.errors import EngineError

Live = Callable[..., LiveResult]
ROOT = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("LEAN_DATA", ROOT / "../shared/lean-data"))

ALGORITHM_HEAD = """from AlgorithmImports import *
class Tried(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, 10, 7); self.set_end_date(2013, 10, 7)
        self.spy = self.add_equity("SPY", Resolution.MINUTE).symbol
        self.bars = 0
        self.begin()
"""
TRADES = """
def begin(self):
    self.seen = []
    self.schedule.on(self.date_rules.every_day(), self.time_rules.every(timedelta(minutes=7)),
                     lambda: self.seen.append(str(self.time)))
def on_data(self, data):
    self.bars += 1
    if self.bars % 20 == 1:
        for n in range(4): self.market_order(self.spy, n + 1, asynchronous=True)
    if self.bars % 20 == 9:
        self.limit_order(self.spy, -3, round(self.securities[self.spy].price * 0.999, 2))
def on_order_event(self, event):
    self.seen.append(str(event))
"""


def kinds(result: LiveResult, kind: str) -> list[str]:
    return [text for _, _, found, text in result.trace if found == kind]


@pytest.mark.parametrize("faults", ["none", "all", "all,preempt=0.05,restarts=2"])
def test_the_same_seed_gives_the_same_run_and_another_seed_another(live: Live, faults: str) -> None:
    first, again, other = (live(TRADES, faults, seed=seed) for seed in (3, 3, 4))

    assert first.trace == again.trace
    assert first.algorithm.seen == again.algorithm.seen
    assert first.trace != other.trace


def test_the_algorithm_knows_that_it_is_live(live: Live) -> None:
    result = live(
        """
def begin(self):
    self.found = [self.live_mode, self.algorithm_mode == AlgorithmMode.LIVE,
                  self.portfolio.margin_call_model is MarginCallModel.NULL,
                  self.notify.sms("1", "x"),
                  self.transactions.market_order_fill_timeout == timedelta(seconds=5)]
    import signal
    try: signal.signal(signal.SIGTERM, lambda *a: None)
    except ValueError: self.found.append(True)
"""
    )

    assert result.algorithm.found == [True] * 6


def test_a_synchronous_market_order_waits_five_seconds_and_returns_open(live: Live) -> None:
    body = """
def on_data(self, data):
    self.bars += 1
    if self.bars == 3:
        import time
        began = time.monotonic()
        self.ticket = self.market_order(self.spy, 10)
        self.waited, self.status_then = time.monotonic() - began, self.ticket.status
"""
    slow = live(body, "none,delay=60", seed=1).algorithm
    quick = live(body, "none,delay=0.01", seed=1).algorithm

    assert 5 <= slow.waited < 5.1
    assert slow.status_then.name in ("NEW", "SUBMITTED")
    assert slow.ticket.status.name == "FILLED"
    assert quick.waited < 0.1
    assert quick.status_then.name == "FILLED"


def test_an_order_sent_under_a_lock_of_the_gate_stalls_and_goes_on(live: Live) -> None:
    result = live(
        """
def begin(self):
    import threading
    self.lock = threading.Lock()
    outer = self
    class Gate(DefaultBrokerageModel):
        def can_submit_order(self, security, order, message):
            with outer.lock: return True, None
    self.set_brokerage_model(Gate())
def on_data(self, data):
    self.bars += 1
    if self.bars == 3:
        import time
        began = time.monotonic()
        with self.lock: self.ticket = self.market_order(self.spy, 10)
        self.waited = time.monotonic() - began
"""
    )

    assert 5 <= result.algorithm.waited < 6.1
    assert result.algorithm.ticket.status.name == "FILLED"


def test_threads_that_wait_for_each_other_are_named(live: Live) -> None:
    with pytest.raises(Deadlock, match="algorithm waits for a lock"):
        live(
            """
def on_data(self, data):
    import threading
    lock = threading.Lock()
    lock.acquire(); lock.acquire()
"""
        )


@pytest.mark.parametrize("answer", ["raise ValueError('no')", "return True"])
def test_a_gate_that_raises_or_returns_no_tuple_ends_the_run_with_the_position_open(
    live: Live, answer: str
) -> None:
    result = live(
        f"""
def begin(self):
    outer = self
    self.ended = False
    class Gate(DefaultBrokerageModel):
        def can_submit_order(self, security, order, message):
            if order.id == 2: {answer}
            return True, None
    self.set_brokerage_model(Gate())
def on_data(self, data):
    self.bars += 1
    if self.bars in (3, 6): self.market_order(self.spy, 10)
def on_end_of_algorithm(self): self.ended = True
"""
    )

    assert result.status == "RuntimeError"
    assert result.lives[-1].positions == {"SPY": "10"}
    assert not result.algorithm.ended
    assert result.algorithm.bars < 10


def test_updates_reach_neither_question_of_the_brokerage_model(live: Live) -> None:
    result = live(
        """
def begin(self):
    self.asked = []
    outer = self
    class Gate(DefaultBrokerageModel):
        def can_submit_order(self, s, order, m): outer.asked.append("submit"); return True, None
        def can_update_order(self, s, order, r, m): outer.asked.append("update"); return False, None
    class Power(SecurityMarginModel):
        def has_sufficient_buying_power_for_order(self, p):
            outer.asked.append(("power", p.order.status != OrderStatus.NEW, p.order.quantity))
            return super().has_sufficient_buying_power_for_order(p)
    self.set_brokerage_model(Gate())
    self.securities[self.spy].set_buying_power_model(Power())
def on_data(self, data):
    self.bars += 1
    if self.bars == 3: self.ticket = self.limit_order(self.spy, 1, 100)
    if self.bars == 5:
        fields = UpdateOrderFields(); fields.quantity = 77
        self.ticket.update(fields)
"""
    )

    assert result.algorithm.asked == [
        ("power", False, 1.0),
        "submit",
        ("power", True, 77.0),
    ]
    assert result.algorithm.ticket.quantity == 77


def test_a_dead_feed_looks_alive_with_fill_forward_and_silent_without(live: Live) -> None:
    body = """
def begin(self):
    self.copies, self.beats, self.ages = 0, 0, []
    each_minute = self.time_rules.every(timedelta(minutes=1))
    self.schedule.on(self.date_rules.every_day(), each_minute, self.beat)
def beat(self):
    self.beats += 1
    last = self.securities[self.spy].get_last_data()
    if last is not None: self.ages.append((self.time - last.end_time).total_seconds())
def on_data(self, data):
    self.bars += 1
    bar = data.bars.get(self.spy)
    if bar is not None and bar.is_fill_forward:
        self.copies += 1
        assert bar.volume == 0
"""
    faults = "none,dead_feeds=1,dead_seconds=7200"
    alive = live(body, faults, seed=5)
    silent = live(body, faults, seed=5, fill_forward=False)

    assert "the data feed is dead" in kinds(alive, "fault")
    assert alive.algorithm.bars == 390
    assert alive.algorithm.copies > 5
    assert silent.algorithm.copies == 0
    assert silent.algorithm.bars == 390 - alive.algorithm.copies
    assert alive.algorithm.beats == silent.algorithm.beats > 900


def test_broker_messages_go_handler_message_disconnect_and_a_raising_handler_drops_the_rest(
    live: Live,
) -> None:
    body = """
def begin(self):
    self.calls = []
    outer = self
    class Handler:
        def handle_message(self, message):
            outer.calls.append("handler " + message.type.name)
            RAISES
        def handle_order(self, args): return False
    self.set_brokerage_message_handler(Handler())
def on_brokerage_message(self, message): self.calls.append("message"); raise ValueError("swallowed")
def on_brokerage_disconnect(self): self.calls.append("disconnect")
def on_brokerage_reconnect(self): self.calls.append("reconnect")
"""
    faults = "none,disconnects=1,disconnect_seconds=60"
    whole = live(body.replace("RAISES", "pass"), faults, seed=2)
    broken = live(body.replace("RAISES", "raise ValueError('x')"), faults, seed=2)

    assert whole.status == broken.status == "Completed"
    assert whole.algorithm.calls == [
        "handler DISCONNECT", "message", "disconnect", "handler RECONNECT", "message", "reconnect",
    ]  # fmt: skip
    assert broken.algorithm.calls == ["handler DISCONNECT", "handler RECONNECT"]


def test_an_error_of_the_broker_stops_the_run_only_without_a_handler(live: Live) -> None:
    handler = """
def begin(self):
    class Handler:
        def handle_message(self, message): pass
        def handle_order(self, args): return False
    self.set_brokerage_message_handler(Handler())
"""
    assert live("pass", "none,errors=1").status == "RuntimeError"
    assert live(handler, "none,errors=1").status == "Completed"


RESTARTED = """
def begin(self):
    store = self.object_store.get_file_path("lives")
    import os
    os.makedirs(os.path.dirname(store), exist_ok=True)
    with open(store, "a") as file: file.write("life ")
    self.lives = open(store).read().split()
    self.at_initialize = (self.portfolio.invested, self.portfolio.cash)
    self.gated = []
    outer = self
    class Gate(DefaultBrokerageModel):
        def can_submit_order(self, s, order, m): outer.gated.append(order.id); return True, None
    self.set_brokerage_model(Gate())
    self.events = []
def on_warmup_finished(self):
    self.at_start = (self.portfolio[self.spy].quantity, round(self.portfolio.cash))
    self.restored = [(t.order_id, t.status.name, t.quantity, t.order_type.name)
                     for t in self.transactions.get_open_order_tickets()]
    self.told = list(self.events), list(self.gated)
def on_data(self, data):
    self.bars += 1
    if self.bars == 2 and len(self.lives) == 1:
        self.market_order(self.spy, 100)
        self.limit_order(self.spy, 7, 100)
def on_order_event(self, event): self.events.append(str(event))
def on_end_of_algorithm(self): self.object_store.save("ended", str(len(self.lives)))
"""


@pytest.mark.parametrize("how", ["kill", "sigterm", "quit"])
def test_a_broker_gives_holdings_and_orders_back_after_initialize(live: Live, how: str) -> None:
    result = live(RESTARTED, f"none,restarts=1,stop={how}", seed=1)

    again = result.algorithm
    assert [life.ended for life in result.lives] == [how, "data"]
    assert again.at_initialize == (False, 100000)
    quantity, cash = again.at_start
    assert quantity == 100
    assert 84000 < cash < 87000
    assert again.restored == [(1, "SUBMITTED", 7, "LIMIT")]
    assert again.told == ([], [])
    # a killed process has no last callback
    assert again.object_store.contains_key("ended")


def test_paper_forgets(live: Live) -> None:
    again = live(RESTARTED, "none,restarts=1,account=paper", seed=1).algorithm

    assert again.at_start == (0, 100000)
    assert again.restored == []


def test_what_was_saved_less_than_five_seconds_before_a_kill_is_lost(live: Live) -> None:
    body = """
def begin(self):
    self.found = [self.object_store.contains_key(key) for key in ("early", "forced", "late")]
def on_data(self, data):
    self.bars += 1
    if self.bars == 2: self.object_store.save("early", "x")
def on_brokerage_message(self, message):
    if not self.found[0]:
        self.object_store.save("forced", "x")
        self.object_store.get_file_path("forced")
        self.object_store.save("late", "x")
        self._engine.session.stop("kill")
"""
    result = live(body, "none,messages=1", seed=1)

    assert [life.ended for life in result.lives] == ["kill", "data"]
    assert result.algorithm.found == [True, True, False]


def test_sigterm_kills_at_once_unless_a_handler_was_registered(live: Live) -> None:
    body = """
def begin(self):
    from System import Action
    from System.Runtime.InteropServices import (
        PosixSignal, PosixSignalRegistration, PosixSignalContext)
    def on_term(context): context.Cancel = True; self.quit("SIGTERM")
    handler = Action[PosixSignalContext](on_term)
    self.kept = PosixSignalRegistration.Create(PosixSignal.SIGTERM, handler)
    self.ended = False
def on_end_of_algorithm(self): self.ended = True
"""
    result = live(body, "none,restarts=1,stop=sigterm", seed=1)

    assert [life.ended for life in result.lives] == ["quit", "data"]
    assert result.algorithm.ended


COMMANDS = """
def begin(self):
    self.got = []
    registry = self
    class Halt(Command):
        actor = None
        def run(self, algo):
            registry.got.append(("halt", self.actor)); return True
    class Wrong(Command):
        def run(self, algo): algo.my_own(); return True
    self.add_command(Halt); self.add_command(Wrong)
def my_own(self): self.got.append("own")
def on_command(self, data):
    self.got.append((data.what, data.absent)); return data.what == "yes"
"""


def test_command_files_are_run_answered_and_taken_away(live: Live, tmp_path: Path) -> None:
    from datetime import datetime

    def at(minute: int) -> datetime:
        return datetime(2013, 10, 7, 15, minute, 0, 500000)

    lean = "QuantConnect.Commands.{}, QuantConnect.Common"
    order = {
        "$type": lean.format("OrderCommand"), "Id": "o", "Ticker": "SPY", "SecurityType": "Equity",
        "Market": "usa", "OrderType": "Market", "Quantity": 5,
    }  # fmt: skip
    script = [
        (at(1), {"id": "a", "what": "yes"}),
        (at(2), {"id": "b", "what": "no"}),
        (at(3), {"$type": "Halt", "id": "c", "actor": "ops"}),
        (at(4), {"$type": "Wrong", "id": "d"}),
        (at(5), order),
        (at(6), {"$type": lean.format("QuitCommand"), "id": "q"}),
    ]
    (tmp_path / "command-broken.json").write_text("[1]")

    result = live(COMMANDS, script=script)

    answers = {
        name: json.loads((tmp_path / f"result-command-{name}.json").read_text())
        for name in "abcdoq"
    }
    assert [answers[name]["Success"] for name in "abcd"] == [True, False, True, None]
    assert answers["a"] == {
        "CommandName": "CallbackCommand", "Success": True, "Type": "CommandResult", "Channel": "",
    }  # fmt: skip
    assert result.algorithm.got == [("yes", None), ("no", None), ("halt", "ops")]
    assert result.lives[-1].positions == {"SPY": "5"}
    assert result.lives[-1].ended == "quit"
    assert result.lives[-1].end.minute == 6
    assert not list(tmp_path.glob("command*.json"))


def test_order_events_overlap_on_several_threads(live: Live) -> None:
    result = live(
        """
def begin(self): self.inside, self.most = 0, 0
def on_data(self, data):
    self.bars += 1
    if self.bars == 3:
        for _ in range(6): self.market_order(self.spy, 1, asynchronous=True)
def on_order_event(self, event):
    import time
    self.inside += 1
    self.most = max(self.most, self.inside)
    time.sleep(0.3)
    self.inside -= 1
"""
    )

    assert result.algorithm.most == 2


def test_a_thread_of_the_users_own_may_send_orders(live: Live) -> None:
    result = live(
        """
def on_data(self, data):
    self.bars += 1
    if self.bars == 5:
        import threading
        send = lambda: self.market_order(self.spy, 3, asynchronous=True)
        threading.Thread(target=send, daemon=True).start()
        import time
        while not self.transactions.get_order_tickets(): time.sleep(0.001)
"""
    )

    assert result.lives[-1].positions == {"SPY": "3"}


def test_a_real_sigterm_ends_the_process_at_once(tmp_path: Path) -> None:
    head = "from AlgorithmImports import *\nclass Slow(QCAlgorithm):\n"
    (tmp_path / "main.py").write_text(
        head
        + "    def initialize(self):\n        self.set_start_date(2013, 10, 7)\n"
        + "        self.add_equity('SPY', Resolution.MINUTE)\n"
        + "    def on_data(self, data):\n        import os, time\n"
        + "        open(os.environ['SEEN'], 'w').close()\n        n = 10 ** 7\n"
        + "        while n: n -= 1\n"
        + "    def on_end_of_algorithm(self): open(os.environ['SEEN'] + '-end', 'w').close()\n"
    )
    seen = tmp_path / "seen"
    process = subprocess.Popen(
        [
            sys.executable, "-m", "engine", "run", str(tmp_path), "--data", str(DATA), "--quiet",
            "--live-like", "--output", str(tmp_path / "out"), "--commands", str(tmp_path),
        ],
        cwd=ROOT, env={**os.environ, "SEEN": str(seen)},
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not seen.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)

    assert process.wait(30) == -signal.SIGTERM
    assert not Path(f"{seen}-end").exists()
    assert not (tmp_path / "out" / "result.json").exists()


def test_the_command_line_writes_the_result_and_how_each_life_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "\n".join("    " + line for line in TRADES.strip().splitlines())
    (tmp_path / "main.py").write_text(ALGORITHM_HEAD + body)
    monkeypatch.chdir(tmp_path)

    code = main(
        ["run", "main.py", "--data", str(DATA.resolve()), "--live-like", "--seed", "9", "--quiet",
         "--faults", "all,restarts=1", "--gate-threads", "4", "--output", "out"]
    )  # fmt: skip

    record = json.loads((tmp_path / "out" / "livelike.json").read_text())
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert code == 0
    assert [life["ended"] for life in record["lives"]] == ["kill", "data"]
    assert result["status"] == "Completed"
    assert len(record["trace"]) > 50


@pytest.mark.parametrize("text", ["lates=1", "late=2", "stop=sigint", "late=much", "late"])
def test_a_fault_that_is_not_one_is_refused_with_the_names(text: str) -> None:
    with pytest.raises(EngineError, match="expected"):
        Faults.parse(text)
