"""Language models as shapes: parameters, bytes and operations of inference, with a catalogue of open models."""

from floorplan.accelerator.llm.attention import Attention, ShapeError
from floorplan.accelerator.llm.breakdown import Operator, decode_operators, prefill_operators
from floorplan.accelerator.llm.catalogue import MODELS, model
from floorplan.accelerator.llm.model import LlmModel
from floorplan.accelerator.llm.quant import PRECISIONS, Precision, cache_precision, precision

__all__ = [
    "MODELS",
    "PRECISIONS",
    "Attention",
    "LlmModel",
    "Operator",
    "Precision",
    "ShapeError",
    "cache_precision",
    "decode_operators",
    "model",
    "precision",
    "prefill_operators",
]
