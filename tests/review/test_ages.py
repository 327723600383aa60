"""How old a login was, as far as policies tell one age from another."""

import random

from policy.review.ages import Ages
from tests.review.worlds import Freedom, rules


def test_ages_of_one_kind_are_decided_alike() -> None:
    """So any age of a kind stands for all of it; edges are kinds of their own."""
    chance = random.Random(3)
    policies = [rules(chance, 0.5, Freedom(step_up=True, names=True)) for _ in range(40)]
    asked = {entry.step_up for each in policies for entry in each.entries.values() if entry.step_up is not None}
    ages = Ages(policies)
    for age in (-1e6, -31, -30.5, -30, -29, 0, 1, 299.999, 300, 300.001, 1e6):
        other = ages.one_of(ages.kind(age))
        assert other is not None
        for step_up in asked:
            most = step_up.max_age if step_up.max_age is not None else 1e9
            assert (-30 <= age <= most) == (-30 <= other <= most)
    assert len({ages.kind(age) for age in (-31, -30, 0, 300, 301)}) == 3


def test_what_is_no_kind_of_age_has_none() -> None:
    """No age both is too far in the future and reaches everything."""
    assert Ages([]).one_of("2") is None
