"""Insights as LEAN's result file holds them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.framework.insight import Insight
from engine.framework.support import NO_TIME
from engine.types.decimals import normalize, plain, round_half_even
from engine.types.enums import InsightDirection, InsightType
from engine.types.jsontext import number_text, seconds_text, value_text

_EPOCH = datetime(1970, 1, 1)
_TYPES = {kind: kind.name.lower() for kind in InsightType}
_DIRECTIONS = {direction: direction.name.lower() for direction in InsightDirection}


def _seconds(moment: datetime | None) -> float:
    return ((moment or NO_TIME) - _EPOCH).total_seconds()


def _rounded(value: float | None) -> str | None:
    """Four decimals as text, as LEAN writes doubles that it rounds."""
    if value is None:
        return None
    if value == 1:
        return "1"
    text = repr(round(value, 4))
    if text.endswith(".0"):
        return text[:-2]
    return repr(int(float(text))) if "e+" in text else text


def insight_record(insight: Insight) -> dict[str, Any]:
    """Return one insight; numbers that LEAN keeps exact are ``Decimal``."""
    score, generated = insight.score, _seconds(insight._generated)
    return {
        "id": insight.id.hex,
        "groupId": None if insight.group_id is None else insight.group_id.hex,
        "sourceModel": insight.source_model,
        "generatedTime": generated,
        "createdTime": generated,
        "closeTime": _seconds(insight._close),
        "symbol": str(insight.symbol.id),
        "ticker": insight.symbol.value,
        "type": _TYPES[insight.type],
        "reference": insight._reference_value,
        "referenceValueFinal": insight._reference_value_final,
        "direction": _DIRECTIONS[insight.direction],
        "period": insight.period.total_seconds(),
        "magnitude": _rounded(insight.magnitude),
        "confidence": _rounded(insight.confidence),
        "weight": insight.weight,
        "scoreIsFinal": score.is_final_score,
        "scoreMagnitude": _rounded(score.magnitude),
        "scoreDirection": _rounded(score.direction),
        "estimatedValue": _exact(insight._estimated_value),
        "tag": insight.tag,
    }


def insight_text(insight: Insight) -> str:
    """Return the JSON of ``insight_record(insight)``, made without the record: runs have thousands.

    Raises
    ------
    ValueError
        For a number that JSON does not know.
    """
    score, symbol, group = insight.score, insight.symbol, insight.group_id
    generated = seconds_text(insight._generated or NO_TIME)
    return (
        f'{{"id": {value_text(insight.id.hex)}, "groupId": {value_text(group and group.hex)}, '
        f'"sourceModel": {value_text(insight.source_model)}, "generatedTime": {generated}, '
        f'"createdTime": {generated}, "closeTime": {seconds_text(insight._close or NO_TIME)}, '
        f'"symbol": {value_text(str(symbol.id))}, "ticker": {value_text(symbol.value)}, '
        f'"type": "{_TYPES[insight.type]}", "reference": {number_text(insight._reference_value)}, '
        f'"referenceValueFinal": {number_text(insight._reference_value_final)}, '
        f'"direction": "{_DIRECTIONS[insight.direction]}", '
        f'"period": {insight.period.total_seconds()!r}, '
        f'"magnitude": {value_text(_rounded(insight.magnitude))}, '
        f'"confidence": {value_text(_rounded(insight.confidence))}, '
        f'"weight": {value_text(insight.weight)}, '
        f'"scoreIsFinal": {value_text(score.is_final_score)}, '
        f'"scoreMagnitude": {value_text(_rounded(score.magnitude))}, '
        f'"scoreDirection": {value_text(_rounded(score.direction))}, '
        f'"estimatedValue": "{_exact(insight._estimated_value)}", '
        f'"tag": {value_text(insight.tag)}}}'
    )


def _exact(value: Decimal) -> str:
    return plain(normalize(round_half_even(value, 4))) if value else "0"
