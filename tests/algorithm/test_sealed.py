"""A strategy that tries to switch the gate off: every way is tried, and no order gets through."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.livelike import LiveResult
from engine.run import run_backtest

Live = Callable[..., LiveResult]

TRIES = """
def on_data(self, data):
    self.bars += 1
    if self.bars == 1: self.protection.kill("Ada", "drill")
    if self.bars == 2:
        self.refused = ""
        try: self.attack()
        except AttributeError as error: self.refused = str(error)
    if 2 <= self.bars < 20 or self.bars % 50 == 0:
        self.buy()
def buy(self): self.market_order(self.spy, 10 + self.bars, asynchronous=True)
def open_model(self):
    class Open(DefaultBrokerageModel):
        def can_submit_order(self, security, order, message): return True, None
        def can_update_order(self, security, order, request, message): return True, None
    return Open()
"""

ATTACKS = {
    "its own reference": "self.protection = None",
    "a later model": "self.set_brokerage_model(self.open_model())",
    "a later model by name": "self.set_brokerage_model(BrokerageName.QUANT_CONNECT_BROKERAGE)",
    "a later model by the class": "QCAlgorithm.set_brokerage_model(self, self.open_model())",
    "the attribute of the model": "self.brokerage_model = self.open_model()",
    "the gate's answer": "self.protection.gate.can_submit_order = lambda *a: (True, None)",
    "the gate's class": "type(self.protection.gate).can_submit_order = lambda *a: (True, None)",
    "whom the gate asks": "self.protection.gate.protection = None",
    "the judgement": "self.protection.authorize = lambda *a: (True, '')",
    "the system": "self.protection.system = None",
    "the system's answer": "self.protection.system.authorize = lambda *a: None",
    "the settings": "self.protection.system.settings = ProtectionSettings.wide_open()",
    "the inner model": "self.protection.gate.inner = self.open_model()",
    "a later execution model": "self.set_execution(ImmediateExecutionModel())",
    "a later risk model": "self.set_risk_management(NullRiskManagementModel())",
    "a later margin": "self.securities[self.spy].set_buying_power_model(BuyingPowerModel())",
    "an exception": "raise AttributeError('out of here')",
    "the message handler": "self.set_brokerage_message_handler(None)",
    "a parameter": "self.set_parameters({'protection': 'off', 'kill.watch': 'false'})",
    "the reading": "self.protection.bridge.portfolio = lambda: None",
    "the request": "self.protection.bridge.request = lambda *a, **k: 1 / 0",
}


@pytest.mark.parametrize("way", ATTACKS)
def test_no_adding_order_passes_after_a_kill_whatever_the_strategy_does(
    live: Live, way: str
) -> None:
    result = live(f"def attack(self):\n    {ATTACKS[way]}\n" + TRIES)

    answers = [text for _, _, kind, text in result.trace if kind == "gate"]
    assert answers
    assert not any("passed" in text for text in answers)
    assert not any("SUBMITTED" in text for _, _, kind, text in result.trace if kind == "event")
    assert not result.lives[-1].positions
    assert result.status == "Completed", result.error


UPDATED = """
def on_data(self, data):
    self.bars += 1
    if self.bars == 3: self.ticket = self.limit_order(self.spy, 1, 100, asynchronous=True)
    if self.bars == 6: self.attack()
    if self.bars in (9, 12):
        fields = UpdateOrderFields(); fields.quantity = 500 + self.bars
        self.ticket.update(fields)
"""


@pytest.mark.parametrize(
    "attack",
    [
        "self.protection.kill('Ada', 'drill')",
        "self.securities[self.spy].set_buying_power_model(SecurityMarginModel()); "
        "self.protection.kill('Ada', 'drill')",
        "self.securities[self.spy].set_buying_power_model(SecurityMarginModel())",
        "self.securities[self.spy].buying_power_model.has_sufficient_buying_power_for_order = "
        "lambda p: HasSufficientBuyingPowerForOrderResult(True)",
    ],
    ids=["killed", "killed and unguarded", "unguarded", "answered"],
)
def test_an_order_made_larger_never_stays_larger_than_the_limit(live: Live, attack: str) -> None:
    flat = {"limits.max_position": "0.01", "kill.action": "halt"}
    result = live(f"def attack(self): {attack}\n" + UPDATED, flat=flat)

    ticket = result.algorithm.ticket
    assert ticket.quantity < 100 or ticket.status.name == "CANCELED"
    assert not result.lives[-1].positions
    assert max(result.load.values()) < 0.1


def test_an_update_that_went_past_the_guard_is_cancelled_when_it_is_heard_of(live: Live) -> None:
    body = """
def on_data(self, data):
    self.bars += 1
    if self.bars == 3: self.ticket = self.limit_order(self.spy, 1, 100, asynchronous=True)
    if self.bars == 6:
        self.securities[self.spy].set_buying_power_model(SecurityMarginModel())
        fields = UpdateOrderFields(); fields.quantity = 500
        self.ticket.update(fields)
"""
    result = live(body, flat={"limits.max_position": "0.01"})

    assert result.algorithm.ticket.status.name == "CANCELED"
    assert result.algorithm.protection.counts["updates_cancelled"] == 1
    assert result.algorithm.protection.counts["mended"] >= 1


def test_an_order_that_was_never_judged_is_cancelled_and_halts_adding(live: Live) -> None:
    body = """
def on_data(self, data):
    self.bars += 1
    if self.bars == 3:
        self.securities[self.spy].set_buying_power_model(SecurityMarginModel())
        self.brokerage_model = DefaultBrokerageModel()
        self.ticket = self.limit_order(self.spy, 3, 100, asynchronous=True)
    if self.bars > 10: self.market_order(self.spy, self.bars, asynchronous=True)
"""
    result = live(body)

    protection = result.algorithm.protection
    assert protection.counts["unjudged"] == 1
    assert result.algorithm.ticket.status.name == "CANCELED"
    assert protection.system.verdict.state.name == "HALT"
    assert not result.lives[-1].positions


def test_models_set_later_do_their_work_inside_ours_in_a_backtest_too(
    lean_data: Path, tmp_path: Path
) -> None:
    (tmp_path / "main.py").write_text(
        """from AlgorithmImports import *
from algorithm.protect import protect

class Strict(DefaultBrokerageModel):
    asked = 0
    def can_submit_order(self, security, order, message):
        Strict.asked += 1
        return order.quantity < 5, BrokerageMessageEvent(BrokerageMessageType.WARNING, "S", "many")

class Told(ImmediateExecutionModel):
    heard = 0
    def on_order_event(self, algorithm, event): Told.heard += 1

class Later(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, 10, 7); self.set_end_date(2013, 10, 11)
        self.spy = self.add_equity("SPY", Resolution.DAILY).symbol
        self.protection = protect(self)
    def on_data(self, data):
        if self.time.day == 8:
            self.set_brokerage_model(Strict()); self.set_execution(Told())
        if self.time.day == 9:
            self.market_order(self.spy, 3); self.market_order(self.spy, 7)
    def on_end_of_algorithm(self):
        self.asked, self.heard = Strict.asked, Told.heard
"""
    )
    result = run_backtest(tmp_path / "main.py", lean_data, object_store=tmp_path / "store")

    algorithm = result.algorithm
    assert result.status == "Completed", result.error
    assert (algorithm.asked, algorithm.portfolio[algorithm.spy].quantity) == (2, 3)
    assert algorithm.heard > 0
    assert algorithm.protection.counts["resealed"] == 2
    assert algorithm.protection.installed()
