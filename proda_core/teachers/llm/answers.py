"""What a model may answer when it reads a chunk: closed, strict shapes without any ID, one a call.

Quotes and terms are claims about the text until they are found there; a type is a string, not an enum, so that one bad type costs
one relation and not the whole answer (the schema names the allowed ones all the same).
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from proda_core.phi import PHI

NO_TYPE = "NONE"


class Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Step(Answer):
    """One fact that the document states."""

    subject: str = Field(description="term as the quote writes it, without article, at most six words")
    predicate: str = Field(description="the quote's own words between the two terms, copied")
    object: str = Field(description="term as the quote writes it, without article, at most six words")
    quote: str = Field(description="the one sentence of the document that states this, copied word for word")


class StatedChain(Answer):
    """Facts joined end to end: the object of each is the subject of the next."""

    steps: list[Step]


class ChainsAnswer(Answer):
    chains: list[StatedChain]


class TypedStep(Answer):
    """The relation type of one step."""

    step: int = Field(description="the step's number")
    type: str = Field(description="one of the relation types", json_schema_extra={"enum": [*PHI, NO_TYPE]})
    turned: bool = Field(
        description="true if the type's {s} is the step's object and its {o} the step's subject"
    )


class RelationsAnswer(Answer):
    relations: list[TypedStep]


class StatedAlias(Answer):
    """Another name that the document itself gives."""

    alias: str
    quote: str = Field(description="the sentence that gives both names, copied word for word")


class StatedConcept(Answer):
    """What the document says one of the terms is."""

    term: str = Field(description="one of the terms listed, as listed")
    definition: str = Field(
        description="the clause that says what the term is, copied, beginning with its article; empty if there is none"
    )
    quote: str = Field(description="the sentence that the definition stands in; empty if there is none")
    aliases: list[StatedAlias]


class ConceptsAnswer(Answer):
    concepts: list[StatedConcept]
