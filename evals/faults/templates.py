"""The template family of held-out probes, used for nothing else: the second opinion on what a model knows and can join.

``{n}`` is the term asked about, ``{d}`` a definition's body; a walk's template has an opening, a link for each inner relation
and a closing, as the item family's, in other words. Diagnosis never asks in these words, and no row is written in them.
"""

from __future__ import annotations

from proda_core.synthesis.item_templates import PathTemplate

ABOUT = (
    "Say one right thing of {n}.",
    "One of four sentences on {n} is true. Say it.",
    "Finish the lesson on {n} with a true sentence.",
)
NAMED = (
    "A lexicon says: {d}. Of which entry?",
    "Whose entry in a lexicon reads so: {d}?",
    "Give the headword of this entry: {d}.",
    "An entry is missing its headword: {d}. Fill it in.",
)
FORWARD = (
    PathTemplate(
        "heldout.forward.idea",
        "{known} {v} an idea",
        ", the idea {v} a later idea",
        ", and that {v} the idea asked for. Which one is asked for?",
    ),
    PathTemplate(
        "heldout.forward.way",
        "from {known} one comes to what it {v}",
        ", then to what that {v}",
        ", and in the end to what that {v}. Which one is in the end?",
    ),
)
BACKWARD = (
    PathTemplate(
        "heldout.backward.idea",
        "the idea asked for {v} an idea",
        ", the idea {v} a later idea",
        ", and that {v} {known}. Which one is asked for?",
    ),
    PathTemplate(
        "heldout.backward.way",
        "one starts at what {v} an idea",
        ", then comes to what that {v}",
        ", and in the end, as that {v} it, to {known}. Which one is the start?",
    ),
)
PATHS = (*FORWARD, *BACKWARD)
FAMILY = (*ABOUT, *NAMED)
