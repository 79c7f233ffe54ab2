"""merge: a model of a session as an ordinary folder."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from agent.cli.options import DEFAULT_ROOT, JsonOption, RootOption, SessionArgument, chosen, print_json
from agent.connect import merge_round


class Dtype(StrEnum):
    """Number formats to save in."""

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"


def merge(
    out: Annotated[Path, typer.Argument(help="Folder to write the model into; empty or not there yet.")],
    session: SessionArgument = None,
    round_: Annotated[
        int | None,
        typer.Option(
            "--round", min=0, help="Round whose model it is, 0 for V1; the incumbent when left out."
        ),
    ] = None,
    dtype: Annotated[
        Dtype, typer.Option(help="Number format of the weights; auto is the base's own.")
    ] = Dtype.AUTO,
    sessions: RootOption = DEFAULT_ROOT,
    json: JsonOption = False,
) -> None:
    """Merge a session's adapter into its base and write an ordinary model folder, for servers and tools without peft."""
    adapter_id = merge_round(chosen(session, sessions), out, number=round_, dtype=dtype.value)
    if json:
        print_json({"adapter_id": adapter_id, "folder": str(out)})
    else:
        typer.echo(f"{adapter_id} merged into {out}")
