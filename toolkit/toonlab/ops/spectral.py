"""The spectral norms of all layers of a network at once: on a GPU a few products in place of many small kernels."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.utils import parametrize

from .filters import full_precision
from .layers import SpectralNorm


def norm_together(network: nn.Module) -> None:
    """Compute the spectral norms of a network together, before each of its forward passes; changed in place.

    Values and gradients are those of `SpectralNorm`, up to rounding: sigma is |W v|, which is u' W v, and its gradient
    is written out. It can be differentiated once, which a penalty of the gradient with respect to images does not need
    more than. Call it when the network is on its device.
    """
    layers: list[Any] = [module for module in network.modules() if parametrize.is_parametrized(module, "weight")]
    chains = [layer.parametrizations.weight for layer in layers]
    known = [chain for chain in chains if len(chain) == 1 and isinstance(chain[0], SpectralNorm)]
    for constant in (False, True):
        alike = [chain for chain in known if chain[0].stop_gradient == constant]
        if alike:
            norms, weights = [chain[0] for chain in alike], [chain.original for chain in alike]
            network.register_forward_pre_hook(_Together(norms, weights, constant))


class _Together:
    """The hook before a forward pass: each norm is given its weight, which the next access takes."""

    def __init__(self, norms: list[Any], weights: list[Any], constant: bool) -> None:
        self.norms, self.weights, self.constant = norms, weights, constant
        self.u = torch.empty(0)

    def __call__(self, *_: object) -> None:
        if any(norm.u._base is not self.u for norm in self.norms):  # the first time
            self.u = _padded([norm.u[:, None] for norm in self.norms])[..., 0].contiguous()
        with torch.autocast(self.u.device.type, enabled=False):
            u, *given = _Norm.apply(self.u, self.constant, *self.weights)
        for norm, weight in zip(self.norms, given, strict=True):
            norm.given = weight
        if self.norms[0].training:
            self.u = u.detach()
            for number, norm in enumerate(self.norms):
                norm.u = self.u[number, : len(norm.u)]


class _Norm(torch.autograd.Function):
    """One power iteration of several weights, each `(outputs, ...)`: u, `(L, rows)`, -> u', and weights / sigma.

    Matrices are padded by zeros to the largest, `(L, rows, columns)`.
    """

    @staticmethod
    def forward(ctx: Any, u: Tensor, constant: bool, *weights: Tensor) -> tuple[Tensor, ...]:
        stacked = _padded([full_precision(weight).flatten(1) for weight in weights])
        v = (u[:, None] @ stacked)[:, 0]  # (L, columns)
        length = torch.linalg.vector_norm(v, dim=1, keepdim=True)
        v = v / length
        product = (stacked @ v[..., None])[..., 0]  # (L, rows)
        sigma = torch.linalg.vector_norm(product, dim=1, keepdim=True)
        after = product / sigma
        ctx.save_for_backward(stacked, u, v, length, after, sigma, *weights)
        ctx.constant = constant
        ctx.mark_non_differentiable(after)
        return after, *(weight / one for weight, one in zip(weights, sigma.unbind(), strict=True))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, _: Tensor, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """`dW = (G - <G, W> / sigma * dsigma/dW) / sigma`, where

        `dsigma/dW = u' vᵀ + u cᵀ` with `c = (Wᵀ u' - sigma v) / |Wᵀ u|`, and c is 0 if u and v count as constants.
        """
        stacked, u, v, length, after, sigma, *weights = ctx.saved_tensors
        given = _padded([gradient.flatten(1) for gradient in gradients])
        share = (given * stacked).sum((1, 2))[:, None] / sigma  # (L, 1)
        if ctx.constant:
            left, right = (after * share)[..., None], v[:, None]
        else:
            through = torch.addcmul((after[:, None] @ stacked)[:, 0], sigma, v, value=-1) / length
            left, right = torch.stack([after, u], 2) * share[..., None], torch.stack([v, through], 1)
        grown = torch.baddbmm(given, left, right, alpha=-1) / sigma[..., None]
        each = zip(grown, weights, strict=True)
        return None, None, *(one[: len(w), : w[0].numel()].reshape(w.shape).to(w.dtype) for one, w in each)


def _padded(matrices: list[Tensor]) -> Tensor:
    """Matrices of several sizes as one tensor, `(L, rows, columns)`, with zeros below and to the right."""
    rows, columns = (max(matrix.shape[axis] for matrix in matrices) for axis in (0, 1))
    stacked = matrices[0].new_zeros(len(matrices), rows, columns)
    for place, matrix in zip(stacked, matrices, strict=True):
        place[: matrix.shape[0], : matrix.shape[1]] = matrix
    return stacked
