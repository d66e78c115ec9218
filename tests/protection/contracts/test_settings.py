"""The settings tree refuses what it does not know and says what to write instead."""

from __future__ import annotations

import math
from dataclasses import fields, make_dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protection.contracts.admission_settings import AdmissionSettings
from protection.contracts.errors import FixSettings
from protection.contracts.schema import to_text
from protection.contracts.settings import (
    ProtectionSettings,
    RearmSettings,
    SessionSettings,
    flat_keys,
    meanings,
)


def test_the_defaults_are_those_of_the_specification() -> None:
    flat = ProtectionSettings().to_flat()

    assert flat["drawdown.halt"] == "0.15"
    assert flat["drawdown.halt_hours"] == "24.0"
    assert flat["drawdown.liquidate"] == "0.2"
    assert flat["daily.loss"] == "0.02"
    assert flat["position.stop"] == "0.15"
    assert flat["volatility.ratio"] == "2.0"
    assert flat["volatility.size"] == "0.5"
    assert flat["leverage.limit"] == "2.0"
    assert flat["flash.move"] == "0.05"
    assert flat["rearm.probation_size"] == "0.25"
    assert flat["cushion.promise"] == "window"


@pytest.mark.parametrize(
    ("key", "text", "sentence"),
    [
        ("drawdown.halt", "15", "expected drawdown.halt in (0, 1) or none, was 15.0; write 0.15"),
        ("drawdown.halt", "-0.15", "write losses as positive numbers"),
        ("drawdown.halt", "a lot", "was 'a lot'"),
        ("drawdown.halt", "nan", "was nan"),
        ("drawdown.hlt", "0.1", "did you mean drawdown.halt"),
        ("drawdowns.halt", "0.1", "expected a known setting"),
        ("halt", "0.1", "expected a known setting"),
        ("admission.max_age", "5", "expected a known setting, was 'admission.max_age'"),
        ("admission.quality.outlier", "5", "did you mean admission.quality.outlier_z"),
        ("admission.quality", "5", "expected a known setting"),
        ("admission.quality.outlier_z", "-1", "admission.quality.outlier_z a number above 0 or"),
        ("gating.drfit", "1", "did you mean gating.drift"),
        ("estimation.alpha", "1.5", "expected estimation.alpha in (0, 1)"),
        ("cushion.limit", "off", "cannot be switched off"),
        ("cushion.promise", "always", "one of off, window, lifetime, forgiving"),
        ("drawdown.sessions", "2.5", "a whole number of at least 2"),
        ("kill.watch", "maybe", "true or false"),
        ("limits.max_leverage", "inf", "a number above 0"),
    ],
)
def test_an_impossible_parameter_is_named_with_what_to_write(
    key: str, text: str, sentence: str
) -> None:
    with pytest.raises(FixSettings) as caught:
        ProtectionSettings.from_flat({key: text})

    assert sentence in str(caught.value)


@pytest.mark.parametrize("key", flat_keys())
def test_every_setting_survives_the_way_through_text_and_has_a_meaning(key: str) -> None:
    value: Any = ProtectionSettings().to_dict()
    for name in key.split("."):
        value = value[name]
    text = to_text(value)

    assert ProtectionSettings.from_flat({key: text}) == ProtectionSettings()
    assert len(meanings()[key]) > 10


def test_off_means_none_and_survives_both_forms() -> None:
    open_ = ProtectionSettings.wide_open()

    assert open_.drawdown.halt is None
    assert ProtectionSettings.from_flat(open_.to_flat()) == open_
    assert ProtectionSettings.from_dict(open_.to_dict()) == open_


def test_a_tree_in_the_tree_reads_and_writes_what_differs() -> None:
    keys = {
        "admission.quality.outlier_z": "none",
        "admission.door.mode": "on",
        "gating.draws": "99",
    }
    tree = ProtectionSettings.from_flat(keys)

    assert tree.admission.quality.outlier_z is None
    assert tree.admission.door.mode == "on"
    assert tree.admission.trust == ProtectionSettings().admission.trust
    assert tree.to_flat() == ProtectionSettings().to_flat() | keys
    assert ProtectionSettings.from_flat(tree.to_flat()) == tree
    assert ProtectionSettings.from_dict(tree.to_dict()) == tree
    with pytest.raises(FixSettings, match=r"expected quality to be a mapping of settings, was 3"):
        ProtectionSettings.from_dict({"admission": {"quality": 3}})
    with pytest.raises(FixSettings, match=r"expected quality to be QualitySettings, was None"):
        AdmissionSettings(quality=None)
    with pytest.raises(FixSettings, match=r"expected trust\.ban below trust\.suspect"):
        ProtectionSettings.from_flat({"admission.trust.ban": "0.9"})


def test_sections_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(FixSettings, match=r"rearm\.release below drawdown\.liquidate"):
        ProtectionSettings.from_flat({"rearm.release": "0.2"})
    with pytest.raises(FixSettings, match=r"drawdown\.halt not above"):
        ProtectionSettings.from_flat({"drawdown.halt": "0.25"})
    with pytest.raises(FixSettings, match="mapping"):
        ProtectionSettings.from_dict({"drawdown": 0.15})


@given(st.floats())
def test_a_share_is_taken_exactly_when_it_is_one(value: float) -> None:
    inside = math.isfinite(value) and 0.0 < value < 1.0
    try:
        taken = ProtectionSettings.from_dict({"daily": {"loss": value}}).daily.loss
    except FixSettings:
        assert not inside
    else:
        assert inside
        assert taken == value


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(AttributeError):
        ProtectionSettings().drawdown.halt = 0.9  # type: ignore[misc]


def test_settings_compare_hash_and_print_as_plain_dataclasses_do() -> None:
    section = RearmSettings()
    values = [(field.name, Any, getattr(section, field.name)) for field in fields(section)]
    twin = make_dataclass("RearmSettings", values, frozen=True)()

    assert repr(section) == repr(twin)
    assert hash(section) == hash(twin)
    assert section == RearmSettings()
    assert hash(section) == hash(RearmSettings())
    assert section != replace(section, release=section.release / 2)
    assert section != SessionSettings()
    assert section != twin
    tree = ProtectionSettings()
    assert tree == ProtectionSettings()
    assert hash(tree) == hash(ProtectionSettings())
    assert tree != ProtectionSettings.from_flat({"drawdown.halt": "0.1"})
    assert repr(tree).startswith(f"ProtectionSettings(drawdown={tree.drawdown!r}, cushion=")
