"""Which verb says which relation: one table of frames from verb (with particle and preposition) to a type of Φ.

A frame says the type, whether subject and object change places, and how the object becomes a term: as it stands, graded
("raises the price": higher price) or as the name of what is done to it ("carries oxygen": oxygen transport).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Frame:
    """``reverse``: the grammatical object is the relation's subject. ``grade``: up, down or "". ``deed``: a noun added."""

    type: str
    reverse: bool = False
    grade: str = ""
    deed: str = ""


def _table(*rows: tuple[str, Frame]) -> dict[str, Frame]:
    return {verb: frame for verbs, frame in rows for verb in verbs.split(", ")}


_CAUSE, _CAUSED = Frame("CAUSAL"), Frame("CAUSAL", reverse=True)
_NEED, _NEEDED = Frame("PREREQUISITE"), Frame("PREREQUISITE", reverse=True)
_WHOLE, _PART = Frame("PART_OF", reverse=True), Frame("PART_OF")
_BEFORE, _AFTER = Frame("SEQUENCE"), Frame("SEQUENCE", reverse=True)
_CONTRAST = Frame("CONTRAST")
_UP, _DOWN = Frame("CAUSAL", grade="up"), Frame("CAUSAL", grade="down")


def _deed(noun: str) -> Frame:
    return Frame("FUNCTION", deed=noun)


# Active verbs; with a preposition after a space when the object follows one.
ACTIVE: dict[str, Frame] = _table(
    (
        "exert, form, cause, produce, create, generate, trigger, induce, yield, bring about, "
        "set off, give off, release, emit, secrete, spur, provoke, "
        "lead to, result in, give rise to, contribute to, drive, account for, "
        "change, alter, modify, shape, determine, govern, affect, influence, dictate",
        _CAUSE,
    ),
    (
        "result from, arise from, stem from, come from, originate from, derive from, "
        "originate in, develop from, emerge from",
        _CAUSED,
    ),
    (
        "widen, deepen, enlarge, speed, improve, increase, raise, boost, elevate, enhance, "
        "push up, drive up, strengthen, stimulate, encourage, promote, speed up, accelerate",
        _UP,
    ),
    (
        "prevent, inhibit, kill, deplete, harm, undermine, block, suppress, hinder, destroy, "
        "eliminate, erode, dampen, depress, curb, deter, reduce, decrease, lower, diminish, "
        "lessen, weaken, slow, slow down, drive down, push down, discourage, limit, restrict",
        _DOWN,
    ),
    (
        "require, need, entail, depend on, depend upon, rely on, rely upon, rest on, hinge on, presuppose",
        _NEED,
    ),
    ("favor, enable, underlie", _NEEDED),
    ("contain, comprise, consist of, incorporate, encompass", _WHOLE),
    ("make up, constitute", _PART),
    ("carry out, perform, facilitate, aid, conduct", Frame("FUNCTION")),
    ("belong to", _PART),
    ("differ from, contrast with, oppose, counteract", _CONTRAST),
    (
        "precede, turn into, change into, develop into, evolve into, grow into, become, come "
        "before, give way to, melt into",
        _BEFORE,
    ),
    ("form from, come after, evolve from", _AFTER),
    ("transport, carry, deliver", _deed("transport")),
    ("store", _deed("storage")),
    ("transfer", _deed("transfer")),
    ("transmit", _deed("transmission")),
    ("shield", _deed("protection")),
    ("protect", _deed("protection")),
    ("absorb", _deed("absorption")),
    ("regulate", _deed("regulation")),
    ("control", _deed("control")),
    ("digest", _deed("digestion")),
    ("detect", _deed("detection")),
    ("measure", _deed("measurement")),
    ("filter", _deed("filtration")),
    ("remove", _deed("removal")),
    ("break down", _deed("breakdown")),
    ("synthesize", _deed("synthesis")),
    ("coordinate", _deed("coordination")),
)

# Said of a process only: "photosynthesis uses light", not "economists use models".
OF_PROCESSES: dict[str, Frame] = _table(("use, consume, involve", _NEED), ("follow, succeed", _AFTER))
# "Metals include iron" names kinds, "the cell includes a nucleus" names parts.
INCLUDING = frozenset(("include",))

# After "serves as", "acts as" the object is what the subject is used as.
SERVES = frozenset(("serve as", "act as", "function as"))

# Verb, object, preposition, second object: "gives rise to", "divides X into Y". ``object`` word fixed, or "" for any.
WITH_OBJECT: dict[tuple[str, str, str], Frame] = {
    ("give", "rise", "to"): _CAUSE,
    ("have", "effect", "on"): _CAUSE,
    ("have", "influence", "on"): _CAUSE,
    ("make", "use", "of"): _NEED,
}

# "converts X into Y", "divides X into Y": the two objects are related, X as subject.
BETWEEN_OBJECTS: dict[tuple[str, str], Frame] = {
    **{
        (verb, link): _BEFORE
        for verb in ("convert", "turn", "transform", "change", "break down")
        for link in ("into", "to")
    },
    **{(verb, "into"): _WHOLE for verb in ("divide", "split", "subdivide", "separate")},
    ("distinguish", "from"): _CONTRAST,
}

# Passive verb and preposition: subject "is caused by" object.
PASSIVE: dict[str, Frame] = _table(
    (
        "cause by, produce by, create by, generate by, trigger by, induce by, drive by, bring"
        " about by, form by, release by, determine by, govern by, affect by, influence by",
        _CAUSED,
    ),
    ("derive from, obtain from", _CAUSED),
    (
        "make of, compose of, make up of, comprise of, build from, build of, divide into, "
        "subdivide into, construct from",
        _WHOLE,
    ),
    ("contain in, include in, embed in, find in, house in, enclose in", _PART),
    (
        "base on, require by, support by, control by, enable by, power by",
        _NEED,
    ),
    ("require for, need for", _NEEDED),
    ("precede by", _AFTER),
    (
        "follow by, convert into, convert to, turn into, transform into, change into, replace"
        " by, break down into",
        _BEFORE,
    ),
    ("use for, use in, design for", Frame("FUNCTION")),
    ("make from, form from", _AFTER),
    ("classify as, regard as, consider as", Frame("SPECIALIZATION")),
    ("distinguish from, oppose to, separate from", _CONTRAST),
)

# "is necessary for": predicate adjective and preposition.
ADJECTIVE: dict[str, Frame] = _table(
    (
        "necessary for, essential for, essential to, crucial for, vital for, vital to, "
        "crucial to, indispensable for, required for, needed for, "
        "important for",
        _NEEDED,
    ),
    ("due to, attributable to", _CAUSED),
    ("responsible for", _CAUSE),
    ("different from, distinct from, opposite to", _CONTRAST),
    ("dependent on, reliant on, contingent on, based on", _NEED),
    ("useful for, suitable for", Frame("FUNCTION")),
    ("present in, contained in, found in", _PART),
)

# Noun made from a verb after "is used to", "helps to".
DEEDS = {verb: frame.deed for verb, frame in ACTIVE.items() if frame.deed}
