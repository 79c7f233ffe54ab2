"""Starting a run: the words, the tokenizer trained on them, and the untrained model.

Words and their frequencies come from the wordfreq package, needed to start a run and for nothing else; a run keeps its
own copy, so that resuming and exporting do without it.
"""

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from proda_core.errors import StudentError
from proda_core.general.phrasings import TRAIN
from proda_core.general.wordings import Flavour, wordings_of
from proda_core.training.pocket.pretrain import Plan
from proda_core.training.pocket.tokenizer import END, PAD, train_tokenizer

WORDS = "words.json"
TOKENIZER = "tokenizer.json"
_TOP = 30_000
_WORDING_COUNT = 200
_SHAPE = (
    "vocab_size",
    "hidden_size",
    "layer_types",
    "conv_L_cache",
    "num_attention_heads",
    "intermediate_size",
)


def english_words() -> list[tuple[str, int]]:
    """The commonest English words of plain letters, with counts flattened to the square root of their frequency."""
    import wordfreq

    plain = [word for word in wordfreq.top_n_list("en", _TOP) if word.isascii() and word.isalpha()]
    return [(word, max(1, round((wordfreq.word_frequency(word, "en") * 1e8) ** 0.5))) for word in plain]


def wording_words() -> list[tuple[str, int]]:
    """The words of the train wordings and templates, each as often as a common word."""
    phrases = [wording.phrase for flavour in Flavour for wording in wordings_of("train", flavour)]
    templates = [
        template
        for name in ("ends", "starts", "counted", "recalls", "truths")
        for template in getattr(TRAIN, name)
    ]
    words = {word.strip(".,:?{}").lower() for text in (*phrases, *templates) for word in text.split()}
    return [(word, _WORDING_COUNT) for word in sorted(words) if word.isalpha()]


def prepare(folder: Path, plan: Plan) -> tuple[Tokenizer, list[str]]:
    """The tokenizer and words of a run folder, made there if they are not yet."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / TOKENIZER).exists():
        words = english_words()
        (folder / WORDS).write_text(json.dumps([word for word, _ in words]), encoding="utf-8")
        tokenizer = train_tokenizer([*words, *wording_words()], vocab_size=plan.vocab_size)
        tokenizer.save(str(folder / TOKENIZER))
    return Tokenizer.from_file(str(folder / TOKENIZER)), json.loads(
        (folder / WORDS).read_text(encoding="utf-8")
    )


def first_model(plan: Plan, tokenizer: Tokenizer) -> Any:
    """The Lfm2ForCausalLM that a run begins with: an exported one if the plan says so, else untrained from the plan's seed.

    Raises:
        StudentError: the exported one is of another shape or has another vocabulary than this run.
    """
    from transformers import Lfm2ForCausalLM

    config = _shape(plan, tokenizer)
    if not plan.weights:
        torch.manual_seed(plan.seed)
        return Lfm2ForCausalLM(config)
    model = Lfm2ForCausalLM.from_pretrained(plan.weights, dtype=torch.float32)
    told = Tokenizer.from_file(str(Path(plan.weights) / TOKENIZER))
    differing = [name for name in _SHAPE if getattr(model.config, name) != getattr(config, name)]
    if differing or told.get_vocab() != tokenizer.get_vocab():
        what = ", ".join(differing) or "vocabulary"
        raise StudentError(f"{plan.weights} is no pocket of this plan: another {what}")
    return model


def _shape(plan: Plan, tokenizer: Tokenizer) -> Any:
    from transformers import Lfm2Config

    return Lfm2Config(
        vocab_size=plan.vocab_size,
        hidden_size=plan.hidden,
        num_hidden_layers=len(plan.layers),
        layer_types=["conv" if layer == "c" else "full_attention" for layer in plan.layers],
        conv_L_cache=plan.kernel,
        num_attention_heads=plan.heads,
        num_key_value_heads=plan.heads,
        intermediate_size=plan.feed_forward,
        block_auto_adjust_ff_dim=False,
        max_position_embeddings=plan.context,
        tie_word_embeddings=True,
        norm_eps=1e-6,
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
        initializer_range=0.04,
        pad_token_id=tokenizer.token_to_id(PAD),
        eos_token_id=tokenizer.token_to_id(END),
        bos_token_id=None,
    )
