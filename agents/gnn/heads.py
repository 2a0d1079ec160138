"""The size-free head: from per-cell maps and a condition vector to one logit a cell and one value."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm

from agents.gnn.fused import canvas_conv, read_out, residual_conv

__all__ = ["SKIP_GAIN", "GridHead", "scatter_to_grid"]

SKIP_GAIN = 10.0
"""Factor on the linear path's own weights: they must grow to about 10 for a sharp policy, which takes Adam 10,000 steps
of 1e-3 without it."""

CONDITION_GAIN = 3.0
"""Factor on the part of those weights that comes from the condition vector; at 10 the first updates overshoot."""


def scatter_to_grid(values: Tensor, cell: Tensor, rows: int, columns: int) -> Tensor:
    """Add each macro's channels into the cell that it stands on.

    Shapes:
        values (B, H, P), zero for macros not placed; cell (B, H) int64
        -> (B, P, rows, columns), channels last in memory
    """
    batch, _, channels = values.shape
    offset = torch.arange(batch, device=cell.device)[:, None] * (rows * columns)
    grid = values.new_zeros(batch * rows * columns, channels)
    grid = grid.index_add(0, (cell + offset).flatten(), values.flatten(0, 1))
    return grid.view(batch, rows, columns, channels).permute(0, 3, 1, 2)


class GridHead(nn.Module):
    """Fully convolutional policy and value head; nothing in it depends on the size of the grid.

    A stack of 3 x 3 convolutions (every other one dilated, so that four reach 6 cells to each side), conditioned once
    by a bias and once by scale and shift (FiLM, Perez et al. 2018) made from the condition vector, with a linear path
    from the raw environment maps to the logits, whose weights come from that vector too. The value comes from pooled
    features of the same stack.

    Shapes:
        maps (B, map_channels, R, C), canvas (B, canvas_channels, R, C), coords (1, 2, R, C), cond (B, cond_width),
        stand (B,) 0 to 1 -> logits (B, R * C), value (B,)
    """

    def __init__(
        self, map_channels: int, canvas_channels: int, cond_width: int, channels: int, layers: int, dilation: int
    ) -> None:
        super().__init__()
        self.first = nn.Conv2d(map_channels + canvas_channels + 2, channels, 3, padding=1)
        steps = [dilation if i % 2 == 0 else 1 for i in range(layers - 1)]
        self.convs = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=d, dilation=d) for d in steps)
        self.bias = nn.Linear(cond_width, channels)
        self.film = nn.Linear(cond_width, 2 * channels)
        self.logit = nn.Conv2d(channels, 1, 1)
        self.skip_base = nn.Parameter(torch.zeros(map_channels))
        self.skip_last = nn.Parameter(torch.zeros(map_channels))
        self.skip = nn.Linear(cond_width, map_channels, bias=False)
        last = nn.Linear(64, 1)
        self.value = nn.Sequential(nn.Linear(2 * channels + cond_width, 64), nn.ReLU(), last)
        nn.init.zeros_(self.film.weight)
        nn.init.zeros_(self.film.bias)
        nn.init.normal_(self.logit.weight, std=0.01)
        nn.init.zeros_(self.logit.bias)  # type: ignore[arg-type]  # the layer has a bias
        nn.init.zeros_(self.skip.weight)
        nn.init.normal_(last.weight, std=0.01)
        nn.init.zeros_(last.bias)

    def own_weights(self, stand: Tensor) -> Tensor:
        """Return (B, map_channels) the weights of the linear path that do not come from the condition vector."""
        return SKIP_GAIN * torch.addcmul(self.skip_base, stand[:, None], self.skip_last)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *rest: Any) -> None:
        # policies stored before weights changed in the course of an episode
        state_dict.setdefault(f"{prefix}skip_last", torch.zeros_like(self.skip_last))
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def forward(
        self, maps: Tensor, canvas: Tensor, coords: Tensor, cond: Tensor, stand: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return logits and values."""
        cond = layer_norm(cond, cond.shape[1:])
        weight, bias, _ = _parts(self.first)
        x = canvas_conv(maps, canvas, coords, weight)
        x = torch.relu_(x + (self.bias(cond) + bias)[:, :, None, None])
        scale, shift = self.film(cond).chunk(2, dim=1)
        scale = 1 + scale
        for i, conv in enumerate(self.convs):
            weight, bias, dilation = _parts(conv)
            if i == 0:
                x = residual_conv(x, weight, scale, torch.addcmul(shift, scale, bias), dilation)
            else:
                x = residual_conv(x, weight, None, bias, dilation)
        weight, bias, _ = _parts(self.logit)
        plain, mean, most = read_out(x, weight.flatten())
        weights = self.own_weights(stand) + CONDITION_GAIN * self.skip(cond)
        logits = plain + bias + torch.bmm(weights[:, None], maps.flatten(2)).squeeze(1)
        return logits, self.value(torch.cat([mean, most, cond], dim=1)).squeeze(1)


def _parts(conv: nn.Module) -> tuple[Tensor, Tensor, int]:
    if not isinstance(conv, nn.Conv2d) or conv.bias is None:
        raise TypeError(f"the head is made of convolutions with biases, not {conv}")
    return conv.weight, conv.bias, int(conv.dilation[0])
