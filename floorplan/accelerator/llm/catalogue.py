"""Shapes of open-weight language models, each with its source and the parameter total its authors state."""

from __future__ import annotations

from dataclasses import replace

from floorplan.accelerator.llm.attention import Attention
from floorplan.accelerator.llm.model import LlmModel
from floorplan.errors import UnknownNameError

__all__ = ["MODELS", "model"]

_COUNTED = "; checkpoint: element count of the safetensors files on Hugging Face"
_LLAMA3 = "Grattafiori et al., The Llama 3 Herd of Models, arXiv 2407.21783, table 3; vocabulary from params.json"
_LLAMA3_TOTAL = "arXiv 2407.21783 names 8B, 70B and 405B; the Hugging Face pages 8.03B, 70.6B and 406B" + _COUNTED
_LLAMA4 = "Llama4TextConfig in Hugging Face transformers, configuration_llama4.py (2025-04)"
_LLAMA4_TOTAL = "Llama 4 model card (2025-04): 109B and 400B, rounded, vision tower included" + _COUNTED
_LLAMA4_NOTE = (
    "three layers of four attend within chunks of 8192, modelled as a window of that size; without the vision tower "
    "Scout is 1.1 % below its rounded 109B"
)
_QWEN3 = "Qwen3 Technical Report, arXiv 2505.09388, tables 1 and 2; widths from config.json on Hugging Face"
_QWEN3_TOTAL = "Qwen3 model cards on Hugging Face (2025-04)" + _COUNTED
_GPT_OSS = "OpenAI, gpt-oss ModelConfig in gpt_oss/torch/model.py and config.json on Hugging Face (2025-08)"
_GPT_OSS_TOTAL = "OpenAI, gpt-oss-120b & gpt-oss-20b Model Card, arXiv 2508.10925, table 1" + _COUNTED
_GPT_OSS_NOTE = "every second layer sees 128 tokens; as published only the experts are in MXFP4, the rest in bf16"


def _vision_tower() -> int:
    """Count Llama 4's vision tower (Llama4VisionConfig, width 1408 as in its config.json), adapter and projector."""
    width, inner, patches = 1408, 5632, 577
    layer = 4 * (width * width + width) + (2 * width * inner + inner + width) + 4 * width
    encoder = 34 * layer + width + patches * width + 3 * 14 * 14 * width + 4 * width
    return encoder + inner * 4096 + 4096 * 4096 + 4096 * 5120


def _gqa(heads: int, kv_heads: int, head_dim: int, window: int = 0, windowed_layers: int = 0) -> Attention:
    return Attention("gqa", heads, kv_heads, head_dim, window=window, windowed_layers=windowed_layers)


def _llama3(name: str, layers: int, hidden: int, heads: int, ffn: int, total: float, counted: int) -> LlmModel:
    return LlmModel(
        name=name,
        layers=layers,
        hidden=hidden,
        attention=_gqa(heads, 8, 128),
        ffn=ffn,
        dense_layers=layers,
        vocab=128256,
        source=_LLAMA3,
        published_params=total,
        published_source=_LLAMA3_TOTAL,
        checkpoint_params=counted,
    )


def _qwen3_moe(
    name: str, layers: int, hidden: int, heads: int, expert_ffn: int, total: float, counted: int
) -> LlmModel:
    return LlmModel(
        name=name,
        layers=layers,
        hidden=hidden,
        attention=_gqa(heads, 4, 128),
        ffn=0,
        dense_layers=0,
        vocab=151936,
        source=_QWEN3,
        experts=128,
        experts_per_token=8,
        expert_ffn=expert_ffn,
        vector_params=layers * 2 * 128,  # norms of query and key heads
        published_params=total,
        published_source=_QWEN3_TOTAL,
        checkpoint_params=counted,
    )


def _gpt_oss(name: str, layers: int, experts: int, total: float, counted: int) -> LlmModel:
    heads, kv_heads, head_dim, width = 64, 8, 64, 2880
    expert_biases = experts * (2 * width + width) + experts  # of gate and up, down, router
    attention_biases = (heads + 2 * kv_heads) * head_dim + width + heads  # of q, k, v and output; one sink a head
    return LlmModel(
        name=name,
        layers=layers,
        hidden=width,
        attention=_gqa(heads, kv_heads, head_dim, window=128, windowed_layers=layers // 2),
        ffn=0,
        dense_layers=0,
        vocab=201088,
        source=_GPT_OSS,
        experts=experts,
        experts_per_token=4,
        expert_ffn=width,
        vector_params=layers * (expert_biases + attention_biases),
        published_params=total,
        published_source=_GPT_OSS_TOTAL,
        checkpoint_params=counted,
        note=_GPT_OSS_NOTE,
    )


_DEEPSEEK_V3 = LlmModel(
    name="deepseek-v3",
    layers=61,
    hidden=7168,
    attention=Attention(
        "mla",
        heads=128,
        kv_heads=128,
        head_dim=192,
        latent_dim=512,
        rope_dim=64,
        nope_dim=128,
        value_dim=128,
        q_rank=1536,
    ),
    ffn=18432,
    dense_layers=3,
    vocab=129280,
    source="DeepSeek-AI, DeepSeek-V3 Technical Report, arXiv 2412.19437, section 4.2; config.json on Hugging Face",
    experts=256,
    experts_per_token=8,
    expert_ffn=2048,
    shared_experts=1,
    vector_params=58 * 256,  # routing bias of each expert
    published_params=671e9,
    published_source="deepseek-ai/DeepSeek-V3 README_WEIGHTS.md: 671B, 36.6B active with the output head" + _COUNTED,
    checkpoint_params=671_026_419_200,
    note="the multi-token-prediction module (11.5 B more) is not part of the model",
)

_LLAMA4_SCOUT = LlmModel(
    name="llama4-scout",
    layers=48,
    hidden=5120,
    attention=_gqa(40, 8, 128, window=8192, windowed_layers=36),
    ffn=0,
    dense_layers=0,
    vocab=202048,
    source=_LLAMA4,
    experts=16,
    experts_per_token=1,
    expert_ffn=8192,
    shared_experts=1,
    outside_params=_vision_tower(),
    published_params=109e9,
    published_source=_LLAMA4_TOTAL,
    checkpoint_params=108_641_793_536,
    note=_LLAMA4_NOTE,
)

MODELS: dict[str, LlmModel] = {
    m.name: m
    for m in (
        _llama3("llama3-8b", 32, 4096, 32, 14336, 8.03e9, 8_030_261_248),
        _llama3("llama3-70b", 80, 8192, 64, 28672, 70.6e9, 70_553_706_496),
        _llama3("llama3-405b", 126, 16384, 128, 53248, 406e9, 405_853_388_800),
        _DEEPSEEK_V3,
        replace(_DEEPSEEK_V3, name="deepseek-r1", note="the shape of deepseek-v3 (arXiv 2501.12948)"),
        _LLAMA4_SCOUT,
        replace(
            _LLAMA4_SCOUT,
            name="llama4-maverick",
            ffn=16384,
            dense_layers=24,
            experts=128,
            published_params=400e9,
            checkpoint_params=401_583_781_376,
        ),
        _qwen3_moe("qwen3-30b-a3b", 48, 2048, 32, 768, 30.5e9, 30_532_122_624),
        LlmModel(
            name="qwen3-32b",
            layers=64,
            hidden=5120,
            attention=_gqa(64, 8, 128),
            ffn=25600,
            dense_layers=64,
            vocab=151936,
            source=_QWEN3,
            vector_params=64 * 2 * 128,
            published_params=32.8e9,
            published_source=_QWEN3_TOTAL,
            checkpoint_params=32_762_123_264,
        ),
        _qwen3_moe("qwen3-235b", 94, 4096, 64, 1536, 235e9, 235_093_634_560),
        _gpt_oss("gpt-oss-20b", 24, 32, 20.91e9, 20_914_757_184),
        _gpt_oss("gpt-oss-120b", 36, 128, 116.83e9, 116_829_156_672),
    )
}


def model(name: str) -> LlmModel:
    """Return the model called `name`.

    Raises:
        UnknownNameError: the catalogue holds none of this name.
    """
    found = MODELS.get(name)
    if found is None:
        raise UnknownNameError("model", name, list(MODELS))
    return found
