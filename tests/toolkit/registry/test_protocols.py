"""What parts have to do, as types; search ranges; and objectives' defaults."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from toonlab import Logits, Objective, Tunable, discover
from toonlab.registry.protocols import KINDS


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"low": 3, "high": 2}, "low 3 is above high 2"),
        ({"low": 0, "high": 2, "log": True}, "log needs low > 0"),
        ({"low": 1, "high": 2, "log": True, "step": 1}, "no step"),
    ],
)
def test_a_range_that_can_not_be_searched_is_refused(arguments: dict[str, float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Tunable(**arguments)  # type: ignore[arg-type]


def test_both_ends_may_be_the_same() -> None:
    assert Tunable(2, 2, step=1) == Tunable(2, 2, 1, log=False)


class Halves(Objective):
    def real(self, logits: Tensor) -> Tensor:
        return logits.mean() / 2

    def fake(self, logits: Tensor) -> Tensor:
        return -logits.mean()

    def generator(self, fake_logits: Tensor) -> Tensor:
        return fake_logits.mean()


def test_a_critics_loss_is_that_on_real_and_that_on_fake_unless_overridden() -> None:
    logits = Logits(torch.tensor([4.0]), torch.tensor([1.0]))
    assert Halves().critic(logits).item() == 1.0


def test_an_objective_without_its_terms_can_not_be_made() -> None:
    with pytest.raises(TypeError, match="abstract"):
        type("Empty", (Objective,), {})()


def test_every_kind_has_parts_and_a_label_of_its_own() -> None:
    catalogue = discover()
    assert all(catalogue.names(kind) for kind in KINDS)
    assert len({str(kind) for kind in KINDS.values()}) == len(KINDS)


def test_the_engine_fills_in_only_numbers_of_channels() -> None:
    injected = {name: set(kind.injected) for name, kind in KINDS.items() if kind.injected}
    assert injected == {"discriminators": {"in_channels"}, "generator_losses": {"channels_at"}}
    with pytest.raises(TypeError, match="in_channels"):
        discover().make("discriminators", "ctss_patch")
