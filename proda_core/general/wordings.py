"""How relations are said: verb phrases by flavour, disjoint between the train and the heldout family.

A wording is a verb phrase read from subject to object, or inverted (from object to subject). Phrases are everyday
English, so that a student meets the connectives of real prose; what they connect are made-up names.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from proda_core.general.names import Family


class Flavour(StrEnum):
    """What a relation between two names is about."""

    CAUSE = "cause"
    PRODUCTION = "production"
    KIND = "kind"
    PART = "part"
    NEED = "need"
    USE = "use"
    ORDER = "order"
    HINDRANCE = "hindrance"
    TRANSFER = "transfer"
    CONTRAST = "contrast"


EFFECT_LIKE = frozenset({Flavour.CAUSE, Flavour.PRODUCTION, Flavour.ORDER, Flavour.TRANSFER})


@dataclass(frozen=True, slots=True)
class Wording:
    """A verb phrase; `inverted` when the object of the relation stands first."""

    phrase: str
    inverted: bool = False

    def say(self, subject: str, object_: str) -> str:
        """The bare clause, without capital or period."""
        first, second = (object_, subject) if self.inverted else (subject, object_)
        return f"{first} {self.phrase} {second}"

    def ask_after(self, first: str, what: str = "what") -> str:
        """The question for what stands after the phrase, e.g. "what does X lead to?"."""
        head, _, rest = self.phrase.partition(" ")
        if head == "is":
            return f"{what} is {first} {rest}?"
        if head == "cannot":
            return f"{what} can {first} not {rest}?"
        return f"{what} does {first} {' '.join(filter(None, (_base_form(head), rest)))}?"

    def ask_before(self, second: str, what: str = "what") -> str:
        """The question for what stands before the phrase, e.g. "what leads to X?"."""
        return f"{what} {self.phrase} {second}?"


def _base_form(verb: str) -> str:
    """The infinitive of a verb in the third person singular."""
    if verb == "has":
        return "have"
    if verb.endswith("ies"):
        return verb[:-3] + "y"
    if verb.endswith(("sses", "shes", "ches", "xes")):
        return verb[:-2]
    return verb.removesuffix("s")


_TRAIN: dict[Flavour, tuple[str, str]] = {
    Flavour.CAUSE: (
        "causes|leads to|brings about|results in|gives rise to|triggers|drives|sets off|is the cause of|"
        "is responsible for|is behind|contributes to|raises|increases",
        "is caused by|results from|comes from|is brought about by|is driven by|is due to|is the result of",
    ),
    Flavour.PRODUCTION: (
        "produces|makes|creates|generates|forms|builds|yields|gives off|releases|turns into|changes into|develops into",
        "is produced by|is made by|is created by|is formed by|is made from|is released by",
    ),
    Flavour.KIND: (
        "is a kind of|is a type of|is a sort of|is a form of|is a variety of|is an example of|is an instance of|"
        "is a case of|is a special kind of|belongs to the group of|counts as|falls under|is a member of",
        "includes|has as one kind|has as an example|takes in|is the general name for|covers",
    ),
    Flavour.PART: (
        "is part of|is a part of|belongs to|lies within|sits inside|is a piece of|is a component of|is contained in|"
        "is an element of|is found in|is a section of|is located in",
        "consists of|contains|has as a part|is made up of|holds|is composed of|has",
    ),
    Flavour.NEED: (
        "requires|depends on|needs|relies on|calls for|rests on|cannot work without|is based on|is possible only with|"
        "builds upon|presupposes|draws on|is determined by",
        "is required for|is needed for|makes possible|enables|is a condition for|supports|allows|is necessary for",
    ),
    Flavour.USE: (
        "is used for|serves for|is meant for|is a tool for|helps with|is employed in|is designed for|is used in|"
        "has the task of|serves the purpose of|works for|is useful for",
        "is done with|is carried out by|is achieved with|makes use of|is performed by|is served by",
    ),
    Flavour.ORDER: (
        "precedes|comes before|is followed by|happens before|goes ahead of|gives way to|is earlier than|"
        "takes place before|is succeeded by|runs before|is replaced by",
        "follows|comes after|happens after|is preceded by|is later than|takes place after",
    ),
    Flavour.HINDRANCE: (
        "prevents|limits|blocks|stops|slows|reduces|holds back|weakens|restricts|hinders|suppresses|keeps down|lowers|"
        "protects against",
        "is prevented by|is limited by|is blocked by|is slowed by|is held back by|is reduced by",
    ),
    Flavour.TRANSFER: (
        "carries|moves|sends|delivers|supplies|feeds|transports|passes on|brings|provides|hands over|controls|regulates",
        "is carried by|is moved by|is supplied by|is sent by|is provided by|is controlled by",
    ),
    Flavour.CONTRAST: (
        "differs from|is different from|is unlike|contrasts with|is not the same as|stands in contrast to|"
        "is the opposite of|is distinct from|is opposed to|is set against",
        "",
    ),
}
_HELDOUT: dict[Flavour, tuple[str, str]] = {
    Flavour.CAUSE: ("induces|sparks|ends in|is the reason for", "stems from|arises from"),
    Flavour.PRODUCTION: ("gives out|puts out|emits|is converted into", "is generated by|is built by"),
    Flavour.KIND: ("is a subtype of|is a class of|is classed as|ranks among", "has the subtype|embraces"),
    Flavour.PART: ("is a portion of|makes up|is housed in|is built into", "comprises|is assembled from"),
    Flavour.NEED: ("hinges on|demands|cannot exist without|is conditional on", "is essential to|underlies"),
    Flavour.USE: (
        "is intended for|is applied to|has the role of|is put to use in",
        "is accomplished with|uses",
    ),
    Flavour.ORDER: ("occurs before|predates|stands before|leaves its place to", "succeeds|occurs after"),
    Flavour.HINDRANCE: ("inhibits|curbs|dampens|rules out", "is restrained by|is kept in check by"),
    Flavour.TRANSFER: ("conveys|ships|transfers|distributes", "is delivered by|is conveyed by"),
    Flavour.CONTRAST: ("is at odds with|is dissimilar to|diverges from|is in opposition to", ""),
}


@cache
def wordings_of(family: Family, flavour: Flavour) -> tuple[Wording, ...]:
    """All wordings of a flavour in a family, active ones first."""
    active, inverted = (_TRAIN if family == "train" else _HELDOUT)[flavour]
    plain = tuple(Wording(phrase) for phrase in active.split("|"))
    return plain + tuple(Wording(phrase, inverted=True) for phrase in inverted.split("|") if phrase)


@cache
@cache
def flavour_of(phrase: str) -> Flavour:
    """The flavour a phrase belongs to; raises KeyError for a phrase of no family."""
    for table in (_TRAIN, _HELDOUT):
        for flavour, lists in table.items():
            if phrase in "|".join(lists).split("|"):
                return flavour
    raise KeyError(phrase)
