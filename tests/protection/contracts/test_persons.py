"""Whoever overrules the machine gives a name and a reason."""

from __future__ import annotations

import pytest

from protection.contracts.errors import NameActor
from protection.contracts.persons import named


def test_a_name_and_a_reason_come_back_without_spaces() -> None:
    assert named(" ann ", "a test\n") == ("ann", "a test")


@pytest.mark.parametrize(("actor", "reason"), [("", "why"), ("ann", " "), (None, "why"), ("", "")])
def test_one_without_the_other_is_refused_in_words(actor: str, reason: str) -> None:
    with pytest.raises(NameActor) as caught:
        named(actor, reason)
    assert str(caught.value) == f"expected actor and reason, was actor={actor!r}, reason={reason!r}"
    with pytest.raises(NameActor, match="name yourself"):
        named(actor, reason, "name yourself, {actor!r}")
