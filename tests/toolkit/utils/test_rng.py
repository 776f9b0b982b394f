"""Random numbers are functions of a key."""

import subprocess
import sys

import torch

from toonlab.utils.rng import key_to_seed, rng, seeded


def test_same_key_same_numbers_in_another_process() -> None:
    code = "from toonlab.utils.rng import key_to_seed; print(key_to_seed(3, 'view', 'patch', 17))"
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(there) == key_to_seed(3, "view", "patch", 17)


def test_keys_differ_in_every_place_and_in_type() -> None:
    keys = [(0, "a", 1), (1, "a", 1), (0, "b", 1), (0, "a", 2), (0, "a", "1"), (0, "a1"), (0, "a\x1f1")]
    assert len({key_to_seed(seed, *rest) for seed, *rest in keys}) == len(keys)


def test_seeded_restores_the_global_generator() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with seeded(0, "init", "x"):
        inside = torch.rand(3)
    assert torch.equal(torch.rand(3), expected)
    with seeded(0, "init", "x"):
        assert torch.equal(torch.rand(3), inside)
    assert not torch.equal(inside, expected)


def test_rng_is_fresh_each_time() -> None:
    assert torch.equal(torch.rand(4, generator=rng(1, "x")), torch.rand(4, generator=rng(1, "x")))


def test_the_name_is_the_function_whatever_was_imported_before() -> None:
    import toonlab

    assert callable(toonlab.rng)
    assert toonlab.rng is rng
