"""Pocket's tokenizer: uncased byte-fallback BPE in which a word has the same tokens wherever it stands.

Lines are split first and every line begins with a word mark, so that a name reads alike at the start of a text, after
a newline and inside a sentence. Punctuation and digits stand alone. It is trained on English word frequencies and
the train wordings of the general tasks, never on a corpus.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

PAD, USER, ASSISTANT, END = "<|pad|>", "<|user|>", "<|assistant|>", "<|end|>"
SPECIAL_TOKENS = (PAD, USER, ASSISTANT, END)
MARK = "▁"
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}"
    "{{ '<|assistant|>' }}{% generation %}{{ message['content'] + '<|end|>' }}{% endgeneration %}"
    "{% else %}{{ '<|user|>' + message['content'] }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
_ALPHABET = [MARK, *"abcdefghijklmnopqrstuvwxyz0123456789.,:;?!'\"()-/%&+=*<>[]_$#@|{}"]


def train_tokenizer(words: Iterable[tuple[str, int]], *, vocab_size: int) -> Tokenizer:
    """A tokenizer of `vocab_size` entries from words with counts; the 256 bytes and the newline are among them."""
    fixed = len(SPECIAL_TOKENS) + 256 + 1
    learner = Tokenizer(models.BPE())
    _set_splitting(learner)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - fixed,
        initial_alphabet=_ALPHABET,
        limit_alphabet=len(_ALPHABET),
        show_progress=False,
    )
    learner.train_from_iterator(_repeated(words), trainer)
    learned = json.loads(learner.to_str())["model"]
    pieces = sorted(learned["vocab"], key=learned["vocab"].__getitem__)
    entries = [*SPECIAL_TOKENS, "\n", *(f"<0x{byte:02X}>" for byte in range(256)), *pieces]
    merges = [tuple(pair) for pair in learned["merges"]]
    vocab = {entry: index for index, entry in enumerate(entries)}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, byte_fallback=True))
    _set_splitting(tokenizer)
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Replace(Regex(f"^{MARK}"), ""),
            decoders.Replace(f"\n{MARK}", "\n"),
            decoders.Replace(MARK, " "),
        ]
    )
    tokenizer.add_special_tokens(
        [AddedToken(token, normalized=False, special=True) for token in SPECIAL_TOKENS]
    )
    tokenizer.add_tokens([AddedToken("\n", normalized=False, special=False)])
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, folder: Path, *, context: int) -> None:
    """Write the files that AutoTokenizer reads, chat template included."""
    from transformers import PreTrainedTokenizerFast

    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=[USER, ASSISTANT],
        model_max_length=context,
        clean_up_tokenization_spaces=False,
        padding_side="right",
    )
    fast.chat_template = CHAT_TEMPLATE
    fast.save_pretrained(str(folder))


def _set_splitting(tokenizer: Tokenizer) -> None:
    """Lower case, then words with their mark, then punctuation and digits by themselves."""
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(replacement=MARK, prepend_scheme="always", split=True),
            pre_tokenizers.Punctuation(behavior="isolated"),
            pre_tokenizers.Digits(individual_digits=True),
        ]
    )


def _repeated(words: Iterable[tuple[str, int]]) -> Iterator[str]:
    """Each word as often as its count, in lines."""
    for word, count in words:
        yield " ".join([word] * count)
