"""A bounded run of the fuzz target with every test run."""

from __future__ import annotations

import random

import pytest

from tests.fuzz import fuzz_ami


@pytest.mark.parametrize("seed", range(4))
def test_broken_recordings_raise_nothing_and_do_not_depend_on_the_cuts(seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(60):
        fuzz_ami.one(fuzz_ami.broken(dice))


def test_whole_recordings_pass_the_target() -> None:
    for name in ("t09", "t19", "t30"):
        fuzz_ami.one(fuzz_ami.trap(name).raw)
