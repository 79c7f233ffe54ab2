"""Tiny random causal LMs with a byte-level tokenizer, saved as ordinary folders: what tests load instead of real models."""

from __future__ import annotations

from pathlib import Path

CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ '<|end|>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
_WORDS = (
    "What does the heat of an inner core lead to? True or false: convection requires a fluid. Which of these? "
    "Think step by step. Answer: A B C D Question: magma serves cooling. sediment is part of a basin."
)


def tiny_tokenizer(folder: Path, *, chat: bool = True) -> int:
    """Save a byte-level BPE tokenizer (with or without a chat template); returns its size."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|pad|>", "<|end|>", "<|user|>", "<|assistant|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=330,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([_WORDS] * 4, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<|pad|>",
        eos_token="<|end|>",
        additional_special_tokens=special[2:],
        clean_up_tokenization_spaces=False,
    )
    if chat:
        fast.chat_template = CHAT_TEMPLATE
    fast.save_pretrained(str(folder))
    return len(fast)


def tiny_llama(folder: Path, *, seed: int = 0, chat: bool = True) -> Path:
    """A random two-layer Llama with grouped-query attention; the folder is returned."""
    from transformers import LlamaConfig, LlamaForCausalLM

    return _save(folder, LlamaForCausalLM, LlamaConfig, seed=seed, chat=chat)


def servable_llama(folder: Path, *, seed: int = 0) -> Path:
    """The same with heads as wide as vLLM's kernels for a CPU want them, and room for a schema; the folder is returned."""
    from transformers import LlamaConfig, LlamaForCausalLM

    return _save(
        folder, LlamaForCausalLM, LlamaConfig, seed=seed, chat=True, head_dim=32, max_position_embeddings=1024
    )


def tiny_qwen2(folder: Path, *, seed: int = 0, chat: bool = True) -> Path:
    """A random two-layer Qwen2 (biases on q, k and v); the folder is returned."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    return _save(folder, Qwen2ForCausalLM, Qwen2Config, seed=seed, chat=chat)


def tiny_lfm2(folder: Path, *, seed: int = 0, chat: bool = True) -> Path:
    """A random two-layer LFM2, a short convolution below attention; the folder is returned."""
    from transformers import Lfm2Config, Lfm2ForCausalLM

    layers = {"layer_types": ["conv", "full_attention"], "block_auto_adjust_ff_dim": False}
    return _save(folder, Lfm2ForCausalLM, Lfm2Config, seed=seed, chat=chat, **layers)


def _save(
    folder: Path, model_class: type, config_class: type, *, seed: int, chat: bool, **shape: object
) -> Path:
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    size = tiny_tokenizer(folder, chat=chat)
    shape = {"max_position_embeddings": 256, **shape}
    config = config_class(
        vocab_size=size,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=1,
        pad_token_id=0,
        **shape,
    )
    torch.manual_seed(seed)
    model = model_class(config)
    # Wider than the usual initialisation, so that random models have opinions and ties never decide a test.
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(6.0)
    model.save_pretrained(str(folder))
    return folder
