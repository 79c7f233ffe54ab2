"""Tiny random bases of four families, each with its own style of tokenizer: byte-level BPE or metaspace Unigram, chat or plain.

Between them: tied and untied embeddings, biases, grouped and single heads, no pad and no begin token, a context that rows
outgrow, sliding attention, and logits that are capped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.models import CHAT_TEMPLATE

_TEXT = (
    "What does the heat of an inner core lead to? True or false: convection requires a fluid. Which of these is a part of it? "
    "Think step by step. Answer: A B C D Question: magma serves cooling. sediment is part of a basin, and a market sets prices."
)
GEMMA_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}"
    "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
QWEN_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@dataclass(frozen=True, slots=True)
class Family:
    """Names of the model's and configuration's classes, its shape beside the common one, and what makes its tokenizer."""

    model: str
    config: str
    tokenizer: Callable[[], Any]
    shape: Mapping[str, Any] = field(default_factory=dict)
    context: int = 512

    def save(self, folder: Path, *, seed: int = 0) -> Path:
        """The base as an ordinary folder; its path is returned."""
        import torch
        import transformers

        tokenizer = self.tokenizer()
        settings = {
            "vocab_size": len(tokenizer),
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": self.context,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
            **self.shape,
        }
        torch.manual_seed(seed)
        model = getattr(transformers, self.model)(getattr(transformers, self.config)(**settings))
        with torch.no_grad():  # wider than usual, so that ties never decide a test
            for parameter in model.parameters():
                if parameter.dim() > 1:
                    parameter.mul_(6.0)
        folder.mkdir(parents=True)
        tokenizer.save_pretrained(str(folder))
        model.save_pretrained(str(folder))
        return folder


def byte_level(special: list[str], **named: Any) -> Any:
    """A byte-level BPE, as Llama 3's and Qwen's are."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([_TEXT] * 4, trainer)
    return _fast(tokenizer, special, **named)


def metaspace(special: list[str], **named: Any) -> Any:
    """A Unigram model over pieces that begin with a lower bar, as sentencepiece makes them; a begin token before every text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,;:?!'\"()-+=*/%&\n▁"
    words = Counter(f"▁{word}" for word in _TEXT.split())
    common = sorted(words, key=lambda word: (-words[word], word))[: 160 - len(special) - len(letters)]
    # Counted and not trained: the library's trainer gives other pieces each time.
    pieces = [(token, 0.0) for token in special]
    pieces += [(letter, -8.0) for letter in letters if letter not in special]
    pieces += [(word, -4.0) for word in common if len(word) > 2]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=special.index("<unk>")))
    tokenizer.add_special_tokens(special)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
    begin = named["bos_token"]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A", special_tokens=[(begin, tokenizer.token_to_id(begin))]
    )
    return _fast(tokenizer, special, unk_token="<unk>", **named)


def _fast(tokenizer: Any, special: list[str], *, template: str = "", **named: str) -> Any:
    from transformers import PreTrainedTokenizerFast

    rest = [token for token in special if token not in named.values()]
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        additional_special_tokens=rest,
        clean_up_tokenization_spaces=False,
        **named,
    )
    if template:
        fast.chat_template = template
    return fast


def _llama() -> Any:
    """No pad token, no begin token, no template."""
    return byte_level(["<|end|>"], eos_token="<|end|>")


def _qwen() -> Any:
    return byte_level(
        ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        template=QWEN_TEMPLATE,
    )


def _gemma() -> Any:
    return metaspace(
        ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"],
        pad_token="<pad>",
        eos_token="<eos>",
        bos_token="<bos>",
        template=GEMMA_TEMPLATE,
    )


def _chat_llama() -> Any:
    special = ["<|pad|>", "<|end|>", "<|user|>", "<|assistant|>"]
    return byte_level(special, eos_token="<|end|>", pad_token="<|pad|>", template=CHAT_TEMPLATE)


_GEMMA = {"head_dim": 8, "tie_word_embeddings": True, "sliding_window": 24}
FAMILIES = {
    "llama": Family(
        "LlamaForCausalLM",
        "LlamaConfig",
        _llama,
        {"tie_word_embeddings": True, "mlp_bias": True, "attention_bias": True},
        context=256,
    ),
    "qwen2": Family("Qwen2ForCausalLM", "Qwen2Config", _qwen, {"tie_word_embeddings": False}),
    "qwen3": Family(
        "Qwen3ForCausalLM",
        "Qwen3Config",
        _qwen,
        {"tie_word_embeddings": True, "head_dim": 16, "num_key_value_heads": 1},
    ),
    "gemma2": Family(
        "Gemma2ForCausalLM",
        "Gemma2Config",
        _gemma,
        {**_GEMMA, "query_pre_attn_scalar": 8, "final_logit_softcapping": 5.0},
    ),
    "gemma3": Family(
        "Gemma3ForCausalLM",
        "Gemma3TextConfig",
        _gemma,
        {**_GEMMA, "query_pre_attn_scalar": 8, "layer_types": ["sliding_attention", "full_attention"]},
    ),
}
