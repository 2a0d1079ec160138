from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d

from agents.gnn.fused import canvas_conv, read_out, residual_conv


def doubles(*shape: int, grad: bool = True) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64).requires_grad_(grad)


def grid(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64).contiguous(memory_format=torch.channels_last).requires_grad_()


def same_with_gradients(ours: tuple[Tensor, ...], plain: tuple[Tensor, ...], given: list[Tensor]) -> None:
    for a, b in zip(ours, plain, strict=True):
        torch.testing.assert_close(a, b)
    weights = [torch.randn_like(a) for a in ours]
    got, expected = (
        torch.autograd.grad(sum((o * w).sum() for o, w in zip(out, weights, strict=True)), given)
        for out in (ours, plain)
    )
    for a, b in zip(got, expected, strict=True):
        assert b.any()
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("rows", [1, 5, 6])
def test_canvas_conv_is_a_convolution_of_the_three_stacks(rows: int) -> None:
    torch.manual_seed(rows)
    maps, coords = doubles(2, 3, rows, 4, grad=False), doubles(1, 2, rows, 4, grad=False)
    canvas, weight = grid(2, 4, rows, 4), doubles(5, 9, 3, 3)
    plain = conv2d(torch.cat([maps, canvas, coords.expand(2, -1, -1, -1)], dim=1), weight, padding=1)
    same_with_gradients((canvas_conv(maps, canvas, coords, weight),), (plain,), [canvas, weight])


@pytest.mark.parametrize("film", [False, True])
@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (6, 5), (7, 12)])
def test_residual_conv_is_what_its_formula_says(film: bool, dilation: int, rows: int, columns: int) -> None:
    torch.manual_seed(rows)
    x, weight = grid(2, 4, rows, columns), doubles(4, 4, 3, 3)
    scale, shift = (doubles(2, 4), doubles(2, 4)) if film else (None, doubles(4))
    y = conv2d(x, weight, padding=dilation, dilation=dilation)
    y = y * scale[:, :, None, None] + shift[:, :, None, None] if scale is not None else y + shift[None, :, None, None]
    given = [t for t in (x, weight, scale, shift) if t is not None]
    same_with_gradients((residual_conv(x, weight, scale, shift, dilation),), (x + torch.relu(y),), given)


def test_read_out_gives_sums_means_and_maxima() -> None:
    torch.manual_seed(0)
    x, weight = grid(3, 4, 5, 6), doubles(4)
    plain = torch.einsum("bkrc,k->brc", x, weight).flatten(1), x.mean(dim=(2, 3)), x.amax(dim=(2, 3))
    same_with_gradients(read_out(x, weight), plain, [x, weight])


def test_the_first_of_equal_maxima_gets_the_whole_gradient() -> None:
    x = torch.zeros(1, 2, 2, 2).contiguous(memory_format=torch.channels_last).requires_grad_()
    read_out(x, torch.ones(2))[2].sum().backward()
    assert x.grad is not None
    assert x.grad.flatten(2).tolist() == [[[1, 0, 0, 0], [1, 0, 0, 0]]]
