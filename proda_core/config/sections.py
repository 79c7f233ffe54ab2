"""The sections of the configuration, a table of the TOML file each: every key with its type, bounds, default and meaning.

Unknown keys are refused. Units are in the field names; a description is what the manual says of a key.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class Section(BaseModel):
    """One table: closed, and never changed once it is made."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def without_secret(url: str | None) -> str | None:
    """An address as it may stand in a file that anybody reads."""
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an address begins with http:// or https://")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("an address holds no user, password or query: keys come from the environment")
    return url


class CorpusConfig(Section):
    chunk_chars: int = Field(4000, ge=200, description="largest chunk, in characters")
    min_words: int = Field(20, ge=1, description="a chunk with fewer words is dropped")
    near_duplicate: float = Field(
        0.6, gt=0, le=1, description="Jaccard of word 5-grams from which a chunk is a duplicate"
    )
    text_field: str | None = Field(
        None,
        min_length=1,
        description="field of a row that holds its text, in JSON, Parquet and Arrow; text, content or body when unset",
    )
    password_file: str | None = Field(
        None,
        min_length=1,
        description="file of passwords, one a line, tried on encrypted PDF and zip files; they are recorded nowhere",
    )
    archive_bytes: int = Field(
        1_000_000_000, gt=0, description="what an archive may unpack to, archives in it included"
    )


class TeacherConfig(Section):
    kind: Literal["rules", "llm"] = Field("rules", description="who reads the text and writes the sentences")
    definitions: bool = Field(
        True,
        description="whether the rules read also sentences that only define, name or contrast: more concepts, more to train",
    )
    model: str | None = Field(
        None,
        pattern=r"^[a-z][a-z0-9./-]*:\S+$",
        description="model of the llm teacher and the llm policy, `provider:name` as pydantic-ai names it, "
        "or `openai-compatible:name` for a server at `calls.base_url`",
    )
    temperature: float = Field(0.0, ge=0, le=2, description="randomness of the llm teacher's answers")
    max_output_tokens: int = Field(
        4000, ge=100, description="longest answer of the llm teacher; what a call may cost at most goes by it"
    )
    merge_similarity: float = Field(0.88, gt=0, le=1, description="cosine from which two concepts may be one")
    max_hops: int = Field(4, ge=2, le=6, description="relations on the longest chain extracted")

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.kind == "llm" and self.model is None:
            raise ValueError("kind llm needs a model: give teacher.model as provider:name")
        return self


class CallsConfig(Section):
    base_url: str | None = Field(
        None,
        description="address of the teacher model's server; the provider's own when unset. Keys come from the environment",
    )
    concurrency: int = Field(16, ge=1, le=1024, description="calls under way at once")
    timeout_s: float = Field(180, gt=0, description="time after which a call without a whole answer is cut")
    retries: int = Field(
        3,
        ge=0,
        description="times a call is repeated that failed, and a question asked again that was answered badly",
    )
    patience_s: float = Field(
        600, ge=0, description="time a server may be gone or refuse for its limits before the session stops"
    )
    input_price: float | None = Field(
        None, ge=0, description="price of a million tokens sent; the provider's list price when unset"
    )
    output_price: float | None = Field(
        None, ge=0, description="price of a million tokens answered; the provider's list price when unset"
    )
    idempotent: bool = Field(
        False,
        description="the server charges a call once however often it is sent under one Idempotency-Key; where it does "
        "not, a call whose end is unknown counts as charged in full",
    )

    _address = field_validator("base_url")(without_secret)


class BenchmarkConfig(Section):
    min_items: int = Field(100, ge=1, description="items wanted in each of dev and sealed")
    max_items: int = Field(160, ge=1, description="items at most in each split")
    min_groups: int = Field(20, ge=2, description="independent chain groups needed in all")
    items_per_chain: int = Field(2, ge=1, description="items drafted from one chain at most")
    max_hops: int = Field(
        3, ge=2, le=6, description="relations on the longest chain that items are built from"
    )
    sealed_share: float = Field(0.5, gt=0, lt=1, description="share of the chain groups that is sealed")
    scoring: Literal["loglikelihood", "letter", "cot"] = Field(
        "cot",
        description="how every model is scored: likeliest option, letter alone, or chain of thought then answer",
    )


class SynthesisConfig(Section):
    wordings: int = Field(2, ge=2, description="wordings of each fact in each format at least")
    choice_wordings: int = Field(
        1,
        ge=1,
        description="multiple-choice rows of each fact: the first reasoned, the second by its option alone",
    )
    reasoned_rows: int = Field(
        1, ge=0, description="open questions of each fact answered by a chain of thought of one step"
    )
    in_turn_rows: int = Field(
        5, ge=0, description="rows of each fact in which it is asked beside unrelated ones, a step for each"
    )
    reworded_rows: int = Field(
        0,
        ge=0,
        description="open questions of each fact that the llm teacher words anew, in place of the template's",
    )
    general_rows: int = Field(1200, ge=0, description="general rows in V1's mixture")


class StudentConfig(Section):
    base: str = Field("pocket", description="'pocket' or a folder or hub ID of a causal LM")
    batch_size: int = Field(64, ge=1, description="prompts asked at once")
    max_new_tokens: int = Field(96, ge=15, description="longest answer of a chain of thought")
    threads: int = Field(
        0,
        ge=0,
        description="torch threads of a job; 0 means every core, "
        "and to train a narrow model one with a helper process on a second core",
    )
    dtype: Literal["auto", "fp32", "bf16"] = Field(
        "auto",
        description="number format that the base's weights are held in; auto: as they are stored on a GPU, fp32 without one",
    )
    served_by: Literal["transformers", "vllm"] = Field(
        "transformers",
        description="what asks the student to score and diagnose it: transformers in the job's own process, or a vLLM server",
    )


class TrainingConfig(Section):
    method: Literal["lora", "dora", "qlora"] = Field(
        "lora",
        description="low-rank adapter; dora learns lengths beside directions, qlora holds the base in 4 bits "
        "(needs a GPU and bitsandbytes)",
    )
    processes: int = Field(
        1,
        ge=1,
        description="processes that train together, each on its rows of every batch; where there are GPUs, one for each process",
    )
    parallel: Literal["ddp", "fsdp"] = Field(
        "ddp", description="what each of several processes holds: the whole base, or with fsdp a share of it"
    )
    gradient_checkpointing: bool = Field(
        False,
        description="compute activations twice rather than keep them: much less memory, about a third more time",
    )
    layers: Literal["feed_forward", "all"] = Field(
        "feed_forward",
        description="linear layers that LoRA adapts; where attention stays as it was, general skill is kept better",
    )
    rank: int = Field(128, ge=1, description="rank of LoRA")
    alpha: int = Field(256, ge=1, description="scale of LoRA: its product is multiplied by alpha / rank")
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout before LoRA's product")
    optimiser: Literal["adamw", "muon"] = Field(
        "muon", description="muon, or adamw, which wants about a tenth of the learning rate"
    )
    learning_rate: float = Field(9e-3, gt=0, description="highest learning rate, reached after the warm-up")
    weight_decay: float = Field(
        0.2,
        ge=0,
        description="decoupled decay of LoRA's weights, in units of the learning rate; the nearer to the base, "
        "the more of its general skill is kept",
    )
    distillation: float = Field(
        0.9,
        ge=0,
        le=1,
        description="share of the base's own word in what general rows teach, beside their written answers; "
        "it keeps general skill",
    )
    protection: float = Field(
        1.0,
        ge=0,
        description="decay, in units of the learning rate, of what LoRA changes where general rows use a layer's inputs; "
        "facts then settle elsewhere",
    )
    warmup_share: float = Field(0.1, ge=0, lt=1, description="share of the steps in which the rate rises")
    batch_tokens: int = Field(2048, ge=128, description="tokens in a batch, padding included")
    epochs: float = Field(4.5, gt=0, description="passes over the mixture at most")
    max_steps: int | None = Field(None, ge=1, description="steps at most, whatever epochs says")
    max_length: int = Field(256, ge=32, description="longest row; longer ones are cut")
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="number format of the forward pass; auto takes bf16 where it is faster"
    )
    checkpoint_steps: int = Field(
        50, ge=1, description="steps between two checkpoints that a killed training goes on from"
    )
    probe_rows: int = Field(
        60, ge=0, description="facts probed during V1's training; it stops when they stop improving"
    )
    patience: int = Field(2, ge=1, description="probings without improvement after which V1 stops")
    continue_incumbent: bool = Field(
        True, description="begin a round from the incumbent's adapter and not from the base"
    )
    round_learning_rate: float = Field(5e-3, gt=0, description="highest learning rate of such a round")
    round_epochs: float = Field(3.5, gt=0, description="passes over the mixture of such a round at most")

    @model_validator(mode="after")
    def _fits_together(self) -> TrainingConfig:
        if self.method == "dora" and self.optimiser == "muon":
            raise ValueError("dora learns vectors, which muon cannot; set training.optimiser=adamw")
        if self.method == "qlora" and self.parallel == "fsdp":
            raise ValueError("a base in 4 bits cannot be divided; set training.parallel=ddp")
        return self

    def going_on(self) -> TrainingConfig:
        """The settings of a round that begins from the incumbent's adapter."""
        return self.model_copy(
            update={"learning_rate": self.round_learning_rate, "epochs": self.round_epochs}
        )


class MixtureConfig(Section):
    rows: int = Field(3500, ge=10, description="rows of a patch or replay mixture")
    patch_share: float = Field(
        0.28, gt=0, lt=1, description="share of patch, carried and scaffold rows together"
    )
    general_share: float = Field(0.3, ge=0, lt=1, description="share of general rows")
    scaffold_relations: float = Field(
        0.25, ge=0, le=1, description="relations that scaffold may take, as a share"
    )
    min_replay_share: float = Field(
        0.2, ge=0, lt=1, description="less replay than this share of the rows is refused"
    )


class DiagnosisConfig(Section):
    mastered_from: float = Field(
        0.5, gt=0, le=1, description="guess-corrected probe accuracy from which a node counts as mastered"
    )
    permutations: int = Field(
        3, ge=1, description="times a mastered item is asked again with its options permuted"
    )


class VerdictConfig(Section):
    alpha: float = Field(0.05, gt=0, lt=1, description="the session's whole error rate")
    max_verdicts: int = Field(
        3,
        ge=1,
        description="verdicts over which error rates are spent, as many as `budget.rounds`; one that accepts hands its part on",
    )
    smallest_gain: float = Field(
        0.10,
        gt=0,
        lt=1,
        description="gain on dev not to be missed; a dev set that finds it less than 4 times in 5 can leave a verdict undecided",
    )
    sealed_margin: float = Field(
        0.10, ge=0, lt=1, description="fall on sealed that a candidate must be shown not to reach"
    )
    general_margin: float = Field(0.10, ge=0, lt=1, description="the same on the general suite")
    margin_confidence: float = Field(
        0.80,
        ge=0.5,
        lt=1,
        description="one-sided confidence, over the whole session, with which sealed and general are shown not to fall beyond "
        "their margins; at 100 items 0.95 also rejects most candidates that change nothing there",
    )


class PolicyConfig(Section):
    kind: Literal["rules", "llm"] = Field(
        "rules",
        description="who chooses between patch, replay and stop where the rules leave a choice; llm asks `teacher.model`",
    )
    target_dev: float | None = Field(0.95, gt=0, le=1, description="dev accuracy at which the session stops")
    max_rejections: int = Field(
        2, ge=1, description="rejected rounds in a row after which the session has reached a plateau"
    )
    min_patchable: int = Field(10, ge=1, description="patchable diagnoses below which no patch is written")
    lost_items_for_replay: int = Field(
        10, ge=1, description="items once right and now wrong from which a replay round is chosen"
    )


class GeneralConfig(Section):
    suite_items: int = Field(120, ge=10, description="tasks of the general suite over made-up names")
    questions: tuple[str, ...] = Field(
        (),
        description="JSONL files of multiple-choice questions that are general skill as well: "
        "`question`, `options`, `answer`, `subject`",
    )
    tasks: tuple[str, ...] = Field(
        (), description="multiple-choice tasks or groups of lm-evaluation-harness, whose data is at hand"
    )
    task_folder: str | None = Field(None, description="folder of further task files for it")
    items_per_source: int = Field(
        200, ge=1, description="questions of one file or task at most, drawn by the seed"
    )

    @field_validator("questions", mode="after")
    @classmethod
    def _whole_paths(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(Path(path).expanduser().absolute()) for path in paths)

    @field_validator("task_folder", mode="after")
    @classmethod
    def _whole_path(cls, path: str | None) -> str | None:
        return None if path is None else str(Path(path).expanduser().absolute())


class AuditConfig(Section):
    sign: bool = Field(True, description="put signed checkpoints beside the decision log")
    checkpoint_records: int = Field(16, ge=1, description="records after which a checkpoint is made at least")
    key: str | None = Field(
        None,
        description="file of the signing key; `$PRODA_SIGNING_KEY` comes before it, the user's own after it",
    )
    sink: str | None = Field(None, description="folder on another disk that gets every checkpoint as well")


class BudgetConfig(Section):
    wall_s: float | None = Field(None, gt=0, description="wall-clock time while a host lives")
    rounds: int | None = Field(3, ge=1, description="rounds after V1 at most")
    disk_bytes: int | None = Field(2_000_000_000, gt=0, description="size of the session folder")
    money: float | None = Field(
        None, gt=0, description="what calls to a teacher model may cost, in the currency of the prices"
    )
