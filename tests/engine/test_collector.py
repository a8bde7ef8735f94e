"""The collector of cycles stays out of the way, and goes on afterwards."""

from __future__ import annotations

import gc

import pytest

from engine.collector import collector_paused, collector_spared


def test_it_is_off_meanwhile_and_on_again_whatever_happens() -> None:
    """Also where the work fails."""
    for context in (collector_paused, collector_spared):
        with context():
            assert not gc.isenabled()
        assert gc.isenabled()
        with pytest.raises(ValueError, match="broken"), context():
            raise ValueError("broken")
        assert gc.isenabled()


def test_it_stays_off_where_it_was_off() -> None:
    """Whoever turned it off turns it on."""
    gc.disable()
    try:
        for context in (collector_paused, collector_spared):
            with context():
                pass
            assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_was_made_is_old_and_is_not_kept_for_ever() -> None:
    """It is in the oldest generation, in no young one, and a cycle in it is still found."""

    class Node:
        """In a cycle with itself."""

        def __init__(self) -> None:
            self.me = self

    with collector_spared():
        made = [[number] for number in range(5000)]
        node = Node()
    young = {id(found) for generation in (0, 1) for found in gc.get_objects(generation=generation)}
    assert not young & {id(one) for one in made}
    assert gc.is_tracked(node)
    del node
    gc.collect()
    alive = sum(type(found) is Node for found in gc.get_objects())
    assert alive == 0
    assert len(made) == 5000
