"""What spreading a model over chips costs: traffic of tensor, pipeline and expert parallelism, and of disaggregation.

Bytes are those that one rank sends. Ring collectives are assumed: an all-reduce of S bytes over n ranks sends
2 (n - 1) / n S from each (Patarasuk and Yuan, J. Parallel Distrib. Comput. 69, 2009).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from floorplan.accelerator.llm import LlmModel, Precision
from floorplan.accelerator.roofline.walls import RooflineError

__all__ = [
    "Disaggregation",
    "all_reduce_bytes",
    "balance_pools",
    "cache_copies",
    "expert_parallel_bytes",
    "kv_replication",
    "kv_transfer_s",
    "pipeline_bytes",
    "ranks_of",
    "tensor_parallel_bytes",
]


def all_reduce_bytes(payload_bytes: float, ranks: int) -> float:
    """Return what each rank sends in a ring all-reduce; 0 on one rank."""
    _check_ranks(ranks)
    return 2.0 * (ranks - 1) / ranks * payload_bytes


def tensor_parallel_bytes(model: LlmModel, tokens: float, ranks: int, bytes_per_element: float = 2.0) -> float:
    """Return what each rank sends for `tokens` tokens: two all-reduces of the hidden state a layer.

    70B over 8 ranks at 16 bit: 4.59 MB a token.
    """
    return 2.0 * model.layers * all_reduce_bytes(tokens * model.hidden * bytes_per_element, ranks)


def pipeline_bytes(model: LlmModel, tokens: float, cuts: int = 1, bytes_per_element: float = 2.0) -> float:
    """Return what crosses `cuts` stage boundaries: the hidden state of every token at each."""
    if not 0 <= cuts < model.layers:
        raise RooflineError(f"{cuts} cuts through {model.layers} layers")
    return cuts * tokens * model.hidden * bytes_per_element


def expert_parallel_bytes(
    model: LlmModel, tokens: float, ranks: int | None, dispatch_bytes: float = 1.0, combine_bytes: float = 2.0
) -> float:
    """Return dispatch and combine traffic of `tokens` tokens through all MoE layers, no duplicate removed.

    Args:
        model: mixture of experts; a dense one sends nothing.
        tokens: how many.
        ranks: over which experts are spread evenly; None = so many that no expert is local.
        dispatch_bytes: per element towards the experts (1 = FP8).
        combine_bytes: per element back (2 = BF16).
    """
    remote = 1.0
    if ranks is not None:
        _check_ranks(ranks)
        remote = 1.0 - 1.0 / ranks
    per_layer = model.experts_per_token * model.hidden * (dispatch_bytes + combine_bytes)
    return tokens * model.moe_layers * per_layer * remote


def kv_replication(model: LlmModel, ranks: int) -> float:
    """Return how often tensor parallelism keeps each cached byte: 1 where the heads divide evenly.

    Heads are not cut: a rank holds ceil(n_kv / ranks) of them, and all ranks get the memory of the fullest. MLA's one
    latent serves all heads, so every rank holds it.
    """
    _check_ranks(ranks)
    if model.attention.kind == "mla":
        return float(ranks)
    heads = model.attention.kv_heads
    return ranks * math.ceil(heads / ranks) / heads


def cache_copies(model: LlmModel, ranks: int) -> float:
    """Return how often a server keeps each cached byte: 1 for MLA, else `kv_replication`.

    MLA's latent is not copied to every rank: whole requests are spread over the ranks instead, as DeepSeek-V3 is served
    (arXiv 2412.19437, 3.4.2: data-parallel attention in decoding). The weights that this repeats are neglected.
    """
    _check_ranks(ranks)
    return 1.0 if model.attention.kind == "mla" else kv_replication(model, ranks)


def kv_transfer_s(model: LlmModel, context: int, kv: str | Precision, link_bytes_per_s: float) -> float:
    """Return how long the cache of one request takes from a prefill chip to a decode chip.

    70B, 8K tokens, 16 bit at 50 GB/s: 54 ms.
    """
    if not link_bytes_per_s > 0.0:
        raise RooflineError("a link of no bandwidth never delivers a cache")
    return model.kv_bytes(context, kv) / link_bytes_per_s


@dataclass(frozen=True)
class Disaggregation:
    """A pool of prefill servers that feeds a pool of decode servers.

    Attributes:
        prefill_per_decode: prefill servers for each decode server when both are just busy.
        requests_per_s: of one decode server with its share of prefill servers.
        kv_bytes_per_s: caches that each decode server receives.
        transfer_s: time of one request's cache on the link.
        link_busy_frac: share of the link's time; over 1 the link is a wall of its own.
    """

    prefill_per_decode: float
    requests_per_s: float
    kv_bytes_per_s: float
    transfer_s: float
    link_busy_frac: float


def balance_pools(
    prefill_s: float, decode_requests_per_s: float, kv_bytes: float, link_bytes_per_s: float
) -> Disaggregation:
    """Return the pools' ratio at which neither waits for the other, and what the link between them carries.

    Args:
        prefill_s: time of one request on a prefill server.
        decode_requests_per_s: requests that one decode server finishes per second.
        kv_bytes: cache of one request that moves between them.
        link_bytes_per_s: into one decode server.

    Raises:
        RooflineError: a decode server that finishes nothing (it does not fit), or no link.
    """
    if not (prefill_s > 0.0 and decode_requests_per_s > 0.0 and link_bytes_per_s > 0.0):
        raise RooflineError("pools balance only where both finish requests and a link joins them")
    moved = kv_bytes * decode_requests_per_s
    return Disaggregation(
        prefill_s * decode_requests_per_s,
        decode_requests_per_s,
        moved,
        kv_bytes / link_bytes_per_s,
        moved / link_bytes_per_s,
    )


def ranks_of(chips: int, stages: int) -> int:
    """Return the tensor-parallel ranks of each pipeline stage.

    Raises:
        RooflineError: the stages do not divide the chips.
    """
    if chips < 1 or stages < 1 or chips % stages:
        raise RooflineError(f"{chips} chips do not form {stages} equal pipeline stages")
    return chips // stages


def _check_ranks(ranks: int) -> None:
    if ranks < 1:
        raise RooflineError(f"a model spread over {ranks} ranks")
