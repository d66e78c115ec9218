"""The paths of known crises against published closes and SPY's own tape."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from protection.contracts import FixInput
from protection.risk.stress.library import SCENARIOS, stress_scenario
from protection.risk.stress.replay import replay_portfolio
from protection.risk.stress.scenario import Step, StressScenario, path

GOLDEN = json.loads((Path(__file__).parents[3] / "golden" / "stress.json").read_text())
WANTED = (
    "1987", "1998", "2000-02", "2008", "2010-05-06", "2011-08", "2015-08-24", "2018-02", "2020-03",
    "2022", "crypto-2020-03-12", "crypto-2021-05-19", "crypto-2022-05", "crypto-2022-11",
)  # fmt: skip


def test_every_crisis_is_there_in_the_order_of_time_and_says_what_it_is() -> None:
    assert tuple(SCENARIOS) == WANTED
    for scenario in SCENARIOS.values():
        assert scenario.title
        assert scenario.source
        assert scenario.exact == (
            not scenario.name.startswith("crypto") and scenario.name != "2010-05-06"
        )
        assert scenario.drawdown > 0.06


@pytest.mark.parametrize(("day", "prices"), GOLDEN["published"]["SP500"].items())
def test_closes_are_the_published_ones(day, prices) -> None:
    label = f"{day[:4]}-{day[4:6]}-{day[6:]}"
    for scenario in SCENARIOS.values():
        labels = [step.label for step in scenario.steps]
        if label in labels:
            place = labels.index(label)
            closes = [step.close for step in scenario.steps[place - 1 : place + 1]]
            assert closes[1] == prices[1]
            if label not in ("2008-10-15", "2020-03-09", "2020-03-12", "2020-03-16", "2008-09-29"):
                assert closes == prices
            return
    pytest.fail(f"{label} is in no scenario")


def test_closes_since_1999_follow_spy(spy_closes) -> None:
    """A tenth of the index is the fund's price within 2.2% (dividends, closing times)."""
    seen = 0
    for scenario in SCENARIOS.values():
        for step in scenario.steps:
            fund = spy_closes.get(step.label)
            if scenario.exact and fund is not None and step.label != "2021":
                assert step.close / (10 * fund) == pytest.approx(1.0, abs=0.022)
                seen += 1
    assert seen > 60


@pytest.fixture(scope="module")
def spy_closes(lean_data: Path) -> dict[str, float]:
    import zipfile

    with zipfile.ZipFile(lean_data / "equity" / "usa" / "daily" / "spy.zip") as archive:
        text = archive.read(archive.namelist()[0]).decode()
    rows = [line.split(",") for line in text.splitlines()]
    return {f"{r[0][:4]}-{r[0][4:6]}-{r[0][6:8]}": float(r[4]) / 1e4 for r in rows}


@pytest.mark.parametrize(
    ("name", "worst", "drawdown"),
    [
        ("1987", 0.2047, 0.2851),
        ("2008", 0.0904, 0.4595),
        ("2020-03", 0.1198, 0.3392),
        ("crypto-2020-03-12", 0.2279, 0.5063),
    ],
)
def test_the_falls_are_those_of_the_records(name, worst, drawdown) -> None:
    scenario = stress_scenario(name).filled()
    assert scenario.worst_step == pytest.approx(worst, abs=1e-4)
    assert scenario.drawdown == pytest.approx(drawdown, abs=1e-4)


def test_filling_in_weekdays_keeps_the_published_days() -> None:
    for scenario in SCENARIOS.values():
        full = scenario.filled()
        levels = {step.label: step for step in full.steps}
        assert all(levels[step.label] == step for step in scenario.steps)
        assert full.drawdown == pytest.approx(scenario.drawdown)
        assert full.worst_step <= scenario.worst_step + 1e-12
        assert {len(path) for path in full.others.values()} <= {len(full.steps)}
    assert len(stress_scenario("2008").filled().steps) == 127
    assert stress_scenario("2010-05-06").filled().closes == stress_scenario("2010-05-06").closes


def test_further_factors_fall_with_their_crisis() -> None:
    closes, _ = stress_scenario("crypto-2022-05").factor("LUNA")
    assert closes[-1] < 1e-4
    closes, _ = stress_scenario("2018-02").factor("short_volatility")
    assert closes[-1] == pytest.approx(0.04)
    with pytest.raises(FixInput, match="market, LUNA"):
        stress_scenario("crypto-2022-05").factor("FTT")
    with pytest.raises(FixInput, match="1987"):
        stress_scenario("1929")


@pytest.mark.parametrize("day", GOLDEN["spy"], ids=lambda day: day["day"])
def test_replays_of_spys_own_days_give_the_golden_returns(day) -> None:
    """Previous close, open, and close with the day's low; LEAN's sample data."""
    steps = path(
        ("before", day["prev_close"]),
        ("open", day["open"]),
        ("close", day["close"], min(day["low"], day["close"])),
    )
    scenario = StressScenario(day["day"], "SPY", steps, "LEAN sample data", True)
    result = replay_portfolio(scenario, {"SPY": 1.0})
    assert result.equity[1] - 1 == pytest.approx(day["ret_open"], abs=1e-12)
    assert result.equity[2] - 1 == pytest.approx(day["ret_close"], abs=1e-12)
    assert result.low[2] - 1 == pytest.approx(day["ret_low"], abs=1e-12)


def test_impossible_scenarios_are_refused() -> None:
    with pytest.raises(FixInput, match="low <= close"):
        Step("x", 1.0, 2.0)
    with pytest.raises(FixInput, match="two steps"):
        StressScenario("x", "", path(("a", 1.0)), "", False)
    with pytest.raises(FixInput, match="levels above 0"):
        replace(stress_scenario("1987"), others={"Y": (1.0,)})
