from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from toonlab import Logits, Objective
from toonlab_basics import BCE, LSGAN, Hinge, Wasserstein

OBJECTIVES = [LSGAN(), LSGAN(critic_scale=0.5), Hinge(), BCE(), Wasserstein()]
logit_lists = st.lists(st.floats(-50, 50), min_size=1, max_size=20)


def test_lsgan_matches_ctss(golden):
    arrays = golden("ctss_losses")
    real, fake = torch.from_numpy(arrays["logit_anime"]), torch.from_numpy(arrays["logit_fake"])
    torch.testing.assert_close(LSGAN().critic(Logits(real, fake)), torch.tensor(arrays["d_loss"]))
    torch.testing.assert_close(LSGAN().generator(fake), torch.tensor(arrays["g_loss"]))


@pytest.mark.parametrize(
    ("objective", "type_"),
    [
        (LSGAN(), "lsgan"),
        (BCE(), "gan"),
        (BCE(), "dragan"),
        (Hinge(), "hinge"),
        (Wasserstein(), "wgan-gp"),
        (Wasserstein(), "wgan-lp"),
    ],
)
def test_objectives_match_animegan(golden, objective: Objective, type_: str):
    """Its critic adds, as fakes, gray cartoons and (times 0.1) smoothed ones."""
    arrays = golden("animegan_losses")
    real, gray, fake, smooth = (torch.from_numpy(arrays[f"logit_{n}"]) for n in ("real", "gray", "fake", "smooth"))
    critic = objective.critic(Logits(real, fake)) + objective.fake(gray) + 0.1 * objective.fake(smooth)
    torch.testing.assert_close(critic, torch.tensor(arrays[f"d_loss_{type_}"]))
    torch.testing.assert_close(objective.generator(fake), torch.tensor(arrays[f"g_loss_{type_}"]))


@pytest.mark.parametrize(("objective", "name"), [(LSGAN(critic_scale=0.5), "lsgan"), (BCE(), "gan")])
def test_objectives_match_whitebox(golden, objective: Objective, name: str):
    arrays = golden("whitebox_losses")
    real, fake = torch.from_numpy(arrays["logit_real"]), torch.from_numpy(arrays["logit_fake"])
    torch.testing.assert_close(objective.critic(Logits(real, fake)), torch.tensor(arrays[f"{name}_d"]))
    torch.testing.assert_close(objective.generator(fake), torch.tensor(arrays[f"{name}_g"]))


def test_critic_scale_is_the_critics_alone():
    logits = torch.randn(5, 1, generator=torch.Generator().manual_seed(0))
    half, whole = LSGAN(critic_scale=0.5), LSGAN()
    assert half.real(logits) == 0.5 * whole.real(logits)
    assert half.fake(logits) == 0.5 * whole.fake(logits)
    assert half.generator(logits) == whole.generator(logits)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("term", ["real", "fake", "generator"])
def test_gradients(objective: Objective, term: str):
    logits = torch.randn(3, 1, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert torch.autograd.gradcheck(getattr(objective, term), logits.requires_grad_())


@pytest.mark.parametrize("objective", OBJECTIVES)
@given(values=st.lists(st.floats(-0.9, -0.1), min_size=1, max_size=20), step=st.floats(0.001, 0.09))
def test_critic_and_generator_pull_fakes_apart(objective: Objective, values: list[float], step: float):
    """Between the targets of the two, lower logits please the critic and displease the generator."""
    logits = torch.tensor(values, dtype=torch.float64) + (1 if isinstance(objective, LSGAN) else 0)
    assert objective.fake(logits - step) < objective.fake(logits)
    assert objective.generator(logits - step) > objective.generator(logits)


@given(values=logit_lists)
def test_bce_is_the_log_of_the_probability_without_overflow(values: list[float]):
    logits = torch.tensor(values, dtype=torch.float64)
    torch.testing.assert_close(BCE().real(logits), F.softplus(-logits).mean())
    torch.testing.assert_close(BCE().fake(logits), F.softplus(logits).mean())
    assert BCE().real(100 * logits).isfinite()


def test_hinge_lets_go_beyond_its_margin():
    assert Hinge().real(torch.tensor([1.0, 5.0])) == 0
    assert Hinge().fake(torch.tensor([-1.0, -5.0])) == 0
    assert Hinge().real(torch.tensor([0.0, 3.0])) == 0.5
    assert Hinge().fake(torch.tensor([0.0, -3.0])) == 0.5
