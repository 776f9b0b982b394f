from __future__ import annotations

import torch
import torch.nn.functional as F

from toonlab.ops.gram import gram_matrix


def maps(array) -> torch.Tensor:
    return torch.from_numpy(array).movedim(-1, 1)


def test_gram_matrix_matches_ctss(golden):
    arrays = golden("ctss_losses")
    torch.testing.assert_close(gram_matrix(maps(arrays["gram_in"])), torch.from_numpy(arrays["gram"]))


def test_gram_matrix_and_its_gradient_match_animegan(golden):
    arrays = golden("animegan_losses")
    anime, fake = gram_matrix(maps(arrays["feat_anime"])), maps(arrays["feat_fake"]).requires_grad_()
    torch.testing.assert_close(anime, torch.from_numpy(arrays["gram_anime"]))
    loss = F.l1_loss(anime, gram_matrix(fake))
    loss.backward()
    torch.testing.assert_close(loss.detach(), torch.tensor(arrays["sty_loss"]))
    torch.testing.assert_close(loss.detach(), torch.tensor(arrays["style_loss_fn"]))
    torch.testing.assert_close(fake.grad.movedim(1, -1), torch.from_numpy(arrays["dsty_dfake"]), rtol=1e-5, atol=1e-9)


def test_gram_matrix_under_autocast_stays_in_float32():
    features = torch.randn(1, 4, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", torch.bfloat16):
        matrix = gram_matrix(features)
    assert matrix.dtype == torch.float32
    torch.testing.assert_close(matrix, gram_matrix(features))


def test_torch_s_distances_are_those_of_ctss(golden):
    arrays = golden("ctss_losses")
    x, y = torch.from_numpy(arrays["huber_x"]), torch.from_numpy(arrays["huber_y"])
    torch.testing.assert_close(F.huber_loss(x, y), torch.tensor(arrays["huber"]))
    torch.testing.assert_close(F.l1_loss(x, y), torch.tensor(arrays["l1"]))
    torch.testing.assert_close(F.mse_loss(x, y), torch.tensor(arrays["l2"]))
