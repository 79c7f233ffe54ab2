"""The forward pass of an LFM2 model, written for training it on a CPU: one number format throughout, attention by plain products.

Takes the weights of an Lfm2ForCausalLM where they are and computes the same function (a test compares the two). Plain
products beat fused attention here: the backward pass of the fused kernel takes half of a training step on a CPU.
Rows are padded on the right, so causal attention alone keeps padding out of every labelled position.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from proda_core.training.pocket.turnings import MOST_LEFT

# A convolution to mark where statements open, an attention to look there.
_EARLY_LAYER = 2
# Two more attentions, to find the statement of a step and its other name; a reply's next token is what follows from that.
_MIDDLE_LAYER = 4


class TrainingForward(nn.Module):
    """Logits of an LFM2 model at chosen places of a batch, and of two of its layers by way of `opener`, `leader` and `counter`.

    Those of the layers are for the auxiliary objectives (`openings`, `turnings`); the three are trained along and are no part
    of the model.
    """

    def __init__(self, model: Any, *, dtype: torch.dtype = torch.bfloat16) -> None:
        super().__init__()
        config = model.config
        self.model: Any = model
        self.dtype = dtype
        self.heads: int = config.num_attention_heads
        self.early = min(_EARLY_LAYER, config.num_hidden_layers)
        self.middle = min(_MIDDLE_LAYER, config.num_hidden_layers)
        self.opener = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.leader = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.counter = nn.Linear(config.hidden_size, MOST_LEFT + 1, bias=False)
        self.eps: float = config.norm_eps
        width = config.hidden_size // self.heads
        rates = config.rope_parameters["rope_theta"] ** (-torch.arange(0, width, 2).float() / width)
        angles = torch.outer(torch.arange(config.max_position_embeddings).float(), rates)
        self.cos, self.sin = angles.cos().to(dtype), angles.sin().to(dtype)

    @property
    def auxiliary(self) -> dict[str, nn.Module]:
        """What is trained along and is no part of the model, by name."""
        return {"opener": self.opener, "leader": self.leader, "counter": self.counter}

    def forward(
        self, ids: Tensor, places: Tensor, openings: Tensor, ahead: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Float32 logits for token ids (rows, length) at flat places into rows x length.

        The first are the model's (places, vocabulary), the second the early layer's (openings, vocabulary), the third and fourth
        the middle one's for where a step leads (ahead, vocabulary) and for the steps left (ahead, MOST_LEFT + 1).
        """
        core = self.model.model
        table = core.embed_tokens.weight.to(self.dtype)
        hidden = functional.embedding(ids, table)
        length = ids.shape[1]
        future = torch.full((length, length), float("-inf"), dtype=self.dtype).triu(1)
        early = middle = hidden
        for number, layer in enumerate(core.layers, start=1):
            normed = self._norm(hidden, layer.operator_norm)
            if layer.is_attention_layer:
                hidden = hidden + self._attend(layer.self_attn, normed, future)
            else:
                hidden = hidden + self._convolve(layer.conv, normed)
            hidden = hidden + self._feed(layer.feed_forward, self._norm(hidden, layer.ffn_norm))
            if number == self.early:
                early = self._norm(_at(hidden, openings), core.embedding_norm)
            if number == self.middle:
                middle = self._norm(_at(hidden, ahead), core.embedding_norm)
        chosen = self._norm(_at(hidden, places), core.embedding_norm)
        opened = functional.linear(early, self.opener.weight.to(self.dtype))
        led = functional.linear(middle, self.leader.weight.to(self.dtype))
        left = functional.linear(middle, self.counter.weight.to(self.dtype))
        return (chosen @ table.T).float(), (opened @ table.T).float(), (led @ table.T).float(), left.float()

    def _norm(self, hidden: Tensor, norm: Any) -> Tensor:
        """Root-mean-square normalisation, its mean taken in float32."""
        length = torch.linalg.vector_norm(hidden, dim=-1, keepdim=True, dtype=torch.float32)
        scale = torch.rsqrt(length.square() / hidden.shape[-1] + self.eps)
        weight: Tensor = norm.weight.to(self.dtype)
        return hidden * scale.to(self.dtype) * weight

    def _attend(self, attention: Any, hidden: Tensor, future: Tensor) -> Tensor:
        """Causal self-attention with normalised queries and keys and rotary positions."""
        rows, length, width = hidden.shape
        projections = (attention.q_proj, attention.k_proj, attention.v_proj)
        weight = torch.cat([projection.weight for projection in projections]).to(self.dtype)
        split = functional.linear(hidden, weight).view(rows, length, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        query = self._rotate(self._norm(query, attention.q_layernorm))
        key = self._rotate(self._norm(key, attention.k_layernorm))
        scale = (width // self.heads) ** -0.5
        flat = rows * self.heads
        scores = torch.baddbmm(
            future, query.reshape(flat, length, -1), key.reshape(flat, length, -1).mT, alpha=scale
        )
        mixed = scores.softmax(-1) @ value.reshape(flat, length, -1)
        joined = mixed.view(rows, self.heads, length, -1).transpose(1, 2).reshape(rows, length, width)
        return functional.linear(joined, attention.out_proj.weight.to(self.dtype))

    def _convolve(self, block: Any, hidden: Tensor) -> Tensor:
        """A short causal convolution of each channel, gated on both sides: as sums of the states shifted by 0, 1, ... places."""
        before, after, kept = functional.linear(hidden, block.in_proj.weight.to(self.dtype)).chunk(3, dim=-1)
        gated = before * kept
        taps = block.conv.weight.to(self.dtype)[:, 0].unbind(-1)
        mixed = gated * taps[-1]
        for back, tap in enumerate(reversed(taps[:-1]), start=1):
            mixed = mixed + functional.pad(gated, (0, 0, back, 0))[:, : gated.shape[1]] * tap
        return functional.linear(after * mixed, block.out_proj.weight.to(self.dtype))

    def _rotate(self, heads: Tensor) -> Tensor:
        """Rotary embedding in the half-split convention of transformers."""
        cos, sin = self.cos[: heads.shape[2]], self.sin[: heads.shape[2]]
        left, right = heads.chunk(2, dim=-1)
        return torch.cat((left * cos - right * sin, right * cos + left * sin), dim=-1)

    def _feed(self, mlp: Any, hidden: Tensor) -> Tensor:
        """The gated feed-forward block."""
        weight = torch.cat((mlp.w1.weight, mlp.w3.weight)).to(self.dtype)
        gate, up = functional.linear(hidden, weight).chunk(2, dim=-1)
        return functional.linear(functional.silu(gate) * up, mlp.w2.weight.to(self.dtype))


def _at(hidden: Tensor, places: Tensor) -> Tensor:
    """Hidden states (places, width) at flat places."""
    return hidden.reshape(-1, hidden.shape[-1]).index_select(0, places)
