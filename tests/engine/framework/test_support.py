"""Identifiers of insights."""

from __future__ import annotations

import copy
import pickle
import random
import uuid

from engine.framework.support import new_id, restart_ids


def test_identifiers_are_what_uuid_makes_of_the_same_random_bits() -> None:
    restart_ids()
    source = random.Random(0)
    for _ in range(500):
        made, known = new_id(), uuid.UUID(int=source.getrandbits(128), version=4)
        assert (made, hash(made), made.hex) == (known, hash(known), known.hex)
        assert (made.version, made.variant) == (4, known.variant)
        assert made.is_safe is known.is_safe


def test_an_identifier_can_be_copied_and_pickled() -> None:
    made = new_id()
    assert copy.deepcopy(made) == made
    assert pickle.loads(pickle.dumps(made)) == made
