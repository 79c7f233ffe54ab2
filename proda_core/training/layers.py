"""Which layers of an architecture are its feed-forward ones, found without a list of architectures.

First by what most families call those blocks; where none is called so, every linear layer of the repeated blocks that does not
lie in something that mixes positions (attention, convolution, recurrence) or routes between experts. A model without is refused.
"""

from __future__ import annotations

from typing import Any

from proda_core.errors import StudentError
from proda_core.students.loading import is_linear

_BLOCKS = frozenset({"mlp", "feed_forward", "ffn", "block_sparse_moe", "shared_expert"})
_MIXERS = ("attn", "attention", "conv", "mixer", "ssm", "recurrent", "temporal", "rotary")
_ROUTERS = ("gate", "router", "shared_expert_gate")


def feed_forward_layers(model: Any) -> list[str]:
    """Names of the linear layers of a model's feed-forward blocks. StudentError where none is found."""
    linear = [name for name, module in model.named_modules() if is_linear(module)]
    linear = [name for name in linear if name.rsplit(".", 1)[-1] not in _ROUTERS]
    named = [name for name in linear if _BLOCKS & set(name.split("."))]
    repeated = [name for name in linear if any(part.isdigit() for part in name.split(".")[:-1])]
    found = named or [name for name in repeated if not any(mixer in name.lower() for mixer in _MIXERS)]
    if not found:
        raise StudentError(
            f"{type(model).__name__} has no linear layer in a feed-forward block; set training.layers=all"
        )
    return found
