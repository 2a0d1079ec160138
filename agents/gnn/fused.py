"""The head's convolutions with backward passes of their own: fewer passes over memory than recorded step by step.

On a CPU half of training was spent outside the arithmetic: in elementwise passes over activations that do not fit into
a cache, in gradients of inputs that need none, and in oneDNN's weight gradient of dilated convolutions, which is four
times as slow as that of plain ones. Nothing here changes what is computed but the order of sums.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

__all__ = ["canvas_conv", "read_out", "residual_conv"]


def canvas_conv(maps: Tensor, canvas: Tensor, coords: Tensor, weight: Tensor) -> Tensor:
    """Return the 3 x 3 convolution of three stacks of channels; only `canvas` and `weight` get gradients.

    Shapes:
        maps (B, K, R, C), canvas (B, P, R, C), coords (1, 2, R, C), weight (channels, K + P + 2, 3, 3)
        -> (B, channels, R, C), channels last in memory
    """
    out: Tensor = _CanvasConv.apply(maps, canvas, coords, weight)  # type: ignore[no-untyped-call]  # torch's own
    return out


def residual_conv(x: Tensor, weight: Tensor, scale: Tensor | None, shift: Tensor, dilation: int) -> Tensor:
    """Return x + relu(scale * conv(x) + shift).

    Shapes:
        x (B, channels, R, C) channels last, weight (channels, channels, 3, 3), scale None or (B, channels),
        shift (B, channels) with scale, else (channels,) -> like x
    """
    out: Tensor = _ResidualConv.apply(x, weight, scale, shift, dilation)  # type: ignore[no-untyped-call]  # torch's own
    return out


def read_out(x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return what is read off a stack of channels: weighted sums of each cell, and means and maxima over the cells.

    Where several cells hold the largest value, the first of them gets the gradient.

    Shapes:
        x (B, channels, R, C) channels last, weight (channels,) -> (B, R * C), (B, channels), (B, channels)
    """
    out: tuple[Tensor, Tensor, Tensor] = _ReadOut.apply(x, weight)  # type: ignore[no-untyped-call]  # torch's own
    return out


def _input_gradient(grad: Tensor, x: Tensor, weight: Tensor, dilation: int) -> Tensor:
    """Return the gradient of a same-sized 3 x 3 convolution with respect to its input, of which x gives the shape."""
    d = [dilation, dilation]
    out: Tensor = torch.ops.aten.convolution_backward(
        grad, x, weight, None, [1, 1], d, d, False, [0, 0], 1, [True, False, False]
    )[0]
    return out


def _weight_gradient(grad: Tensor, x: Tensor, weight: Tensor, dilation: int) -> Tensor:
    """Return the gradient of a same-sized 3 x 3 convolution with respect to its weights."""
    if dilation > 1 and x.device.type == "cpu":
        grad, x, dilation = _interleaved(grad, dilation), _interleaved(x, dilation), 1
    d = [dilation, dilation]
    out: Tensor = torch.ops.aten.convolution_backward(
        grad, x, weight, None, [1, 1], d, d, False, [0, 0], 1, [False, True, False]
    )[1]
    return out


def _interleaved(x: Tensor, step: int) -> Tensor:
    """Return every step-th row and column as a sample of its own: a dilated convolution is a plain one on these.

    Rows and columns missing to a multiple of `step` are zeros, which is what a convolution sees beyond the edge.

    Shapes:
        (B, channels, R, C) -> (B * step * step, channels, ceil(R / step), ceil(C / step)), channels last in memory
    """
    batch, channels, rows, columns = x.shape
    cells = x.permute(0, 2, 3, 1)
    down, right = -rows % step, -columns % step
    if down or right:
        cells = pad(cells, (0, 0, 0, right, 0, down))
    r, c = (rows + down) // step, (columns + right) // step
    cells = cells.reshape(batch, r, step, c, step, channels).permute(0, 2, 4, 1, 3, 5)
    return cells.reshape(batch * step * step, r, c, channels).permute(0, 3, 1, 2)


def _last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)


class _CanvasConv(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, maps: Tensor, canvas: Tensor, coords: Tensor, weight: Tensor) -> Tensor:
        stacks = [s.permute(0, 2, 3, 1) for s in (maps, canvas, coords.expand(len(maps), -1, -1, -1))]
        x = torch.cat(stacks, dim=3).permute(0, 3, 1, 2)
        ctx.save_for_backward(x, weight)
        ctx.span = (maps.shape[1], canvas.shape[1])
        return conv2d(x, weight, padding=1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        grad = _last(grads[0])
        start, size = ctx.span
        of_canvas = None
        if ctx.needs_input_grad[1]:
            of_canvas = _input_gradient(grad, x.narrow(1, start, size), _last(weight.narrow(1, start, size)), 1)
        return None, of_canvas, None, _weight_gradient(grad, x, weight, 1)


class _ResidualConv(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, scale: Tensor | None, shift: Tensor, dilation: int) -> Tensor:
        y = conv2d(x, weight, None if scale is not None else shift, padding=dilation, dilation=dilation)
        if scale is None:
            active = y.relu_()
            ctx.save_for_backward(x, weight, active)
        else:
            active = torch.addcmul(shift[:, :, None, None], y, scale[:, :, None, None]).relu_()
            ctx.save_for_backward(x, weight, active, y, scale)
        ctx.dilation = dilation
        return x + active

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, active, *film = ctx.saved_tensors
        through = _last(grads[0])
        grad = torch.ops.aten.threshold_backward(through, active, 0)
        of_scale = None
        if film:
            y, scale = film
            of_shift = grad.sum(dim=(2, 3))
            of_scale = (y * grad).sum(dim=(2, 3))
            grad = grad.mul_(scale[:, :, None, None])
        else:
            of_shift = grad.sum(dim=(0, 2, 3))
        of_weight = _weight_gradient(grad, x, weight, ctx.dilation)
        of_x = _input_gradient(grad, x, weight, ctx.dilation).add_(through)
        return of_x, of_weight, of_scale, of_shift, None


class _ReadOut(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        cells = x.permute(0, 2, 3, 1).flatten(1, 2)
        most, where = cells.max(dim=1)
        ctx.save_for_backward(cells, weight, where)
        ctx.shape = x.shape
        return cells @ weight, cells.mean(dim=1), most

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor]:
        of_sum, of_mean, of_most = grads
        cells, weight, where = ctx.saved_tensors
        batch, channels, rows, columns = ctx.shape
        grad = torch.addcmul((of_mean / (rows * columns))[:, None], of_sum[:, :, None], weight)
        grad.scatter_add_(1, where[:, None], of_most[:, None])
        of_weight = of_sum.reshape(-1) @ cells.reshape(-1, channels)
        return grad.view(batch, rows, columns, channels).permute(0, 3, 1, 2), of_weight
