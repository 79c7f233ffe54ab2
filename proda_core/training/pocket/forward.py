"""The forward pass of a Llama model, written for training it on a CPU: bfloat16 throughout, attention by plain products.

Takes the weights of a LlamaForCausalLM where they are and computes the same function (a test compares the two). Plain
products beat fused attention here: the backward pass of the fused kernel takes half of a training step on a CPU.
Rows are padded on the right, so causal attention alone keeps padding out of every labelled position.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

# One layer to mark where statements open, one to look there, one to look behind the name.
_EARLY_LAYERS = (2, 3)


class TrainingForward(nn.Module):
    """Logits of a Llama model at chosen positions of a batch, and from two early layers by way of `opener`.

    The early layers' are for the auxiliary objective (`openings`); `opener` is trained along and is no part of the model.
    """

    def __init__(self, model: Any, *, dtype: torch.dtype = torch.bfloat16) -> None:
        super().__init__()
        config = model.config
        self.model: Any = model
        self.dtype = dtype
        self.heads: int = config.num_attention_heads
        self.early = [min(number, config.num_hidden_layers) for number in _EARLY_LAYERS]
        self.opener = nn.Linear(config.hidden_size, len(_EARLY_LAYERS) * config.hidden_size, bias=False)
        self.eps: float = config.rms_norm_eps
        width = config.hidden_size // self.heads
        rates = config.rope_parameters["rope_theta"] ** (-torch.arange(0, width, 2).float() / width)
        angles = torch.outer(torch.arange(config.max_position_embeddings).float(), rates)
        self.cos, self.sin = angles.cos().to(dtype), angles.sin().to(dtype)

    def forward(self, ids: Tensor, places: Tensor, openings: Tensor) -> tuple[Tensor, Tensor]:
        """Float32 logits for token ids (rows, length) at flat places into rows x length.

        The first are the model's (places, vocabulary), the second the early layers' (2 x openings, vocabulary), layer by layer.
        """
        core = self.model.model
        table = core.embed_tokens.weight.to(self.dtype)
        hidden = functional.embedding(ids, table)
        length = ids.shape[1]
        future = torch.full((length, length), float("-inf"), dtype=self.dtype).triu(1)
        early: list[Tensor] = []
        for number, layer in enumerate(core.layers, start=1):
            hidden = hidden + self._attend(layer.self_attn, self._norm(hidden, layer.input_layernorm), future)
            hidden = hidden + self._feed(layer.mlp, self._norm(hidden, layer.post_attention_layernorm))
            asked = self.early.count(number)
            if asked:
                early += [self._norm(_at(hidden, openings), core.norm)] * asked
        chosen = self._norm(_at(hidden, places), core.norm)
        halves = self.opener.weight.to(self.dtype).chunk(len(self.early))
        opened = torch.cat([functional.linear(one, half) for one, half in zip(early, halves, strict=True)])
        return (chosen @ table.T).float(), (opened @ table.T).float()

    def _norm(self, hidden: Tensor, norm: Any) -> Tensor:
        """Root-mean-square normalisation, its mean taken in float32."""
        length = torch.linalg.vector_norm(hidden, dim=-1, keepdim=True, dtype=torch.float32)
        scale = torch.rsqrt(length.square() / hidden.shape[-1] + self.eps)
        weight: Tensor = norm.weight.to(self.dtype)
        return hidden * scale.to(self.dtype) * weight

    def _attend(self, attention: Any, hidden: Tensor, future: Tensor) -> Tensor:
        """Causal self-attention with rotary positions."""
        rows, length, width = hidden.shape
        projections = (attention.q_proj, attention.k_proj, attention.v_proj)
        weight = torch.cat([projection.weight for projection in projections]).to(self.dtype)
        split = functional.linear(hidden, weight).view(rows, length, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        query, key = self._rotate(query), self._rotate(key)
        scale = (width // self.heads) ** -0.5
        flat = rows * self.heads
        scores = torch.baddbmm(
            future, query.reshape(flat, length, -1), key.reshape(flat, length, -1).mT, alpha=scale
        )
        mixed = scores.softmax(-1) @ value.reshape(flat, length, -1)
        joined = mixed.view(rows, self.heads, length, -1).transpose(1, 2).reshape(rows, length, width)
        return functional.linear(joined, attention.o_proj.weight.to(self.dtype))

    def _rotate(self, heads: Tensor) -> Tensor:
        """Rotary embedding in the half-split convention of transformers."""
        cos, sin = self.cos[: heads.shape[2]], self.sin[: heads.shape[2]]
        left, right = heads.chunk(2, dim=-1)
        return torch.cat((left * cos - right * sin, right * cos + left * sin), dim=-1)

    def _feed(self, mlp: Any, hidden: Tensor) -> Tensor:
        """The gated feed-forward block."""
        weight = torch.cat((mlp.gate_proj.weight, mlp.up_proj.weight)).to(self.dtype)
        gate, up = functional.linear(hidden, weight).chunk(2, dim=-1)
        return functional.linear(functional.silu(gate) * up, mlp.down_proj.weight.to(self.dtype))


def _at(hidden: Tensor, places: Tensor) -> Tensor:
    """Hidden states (places, width) at flat places."""
    return hidden.reshape(-1, hidden.shape[-1]).index_select(0, places)
