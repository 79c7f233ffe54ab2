"""The question templates of the heldout family: none is among the train templates."""

from proda_core.general.forms import PathForm, Phrasings

HELDOUT = Phrasings(
    open_frames=(
        "{q}",
        "Work out from the lines above: {q}",
        "Look it up: {q}",
        "Reply with the sentence. {q}",
    ),
    choice_frames=(
        "{q}",
        "Give the letter that fits. {q}",
        "Mark the correct line: {q}",
        "Only one line fits. {q}",
    ),
    whats=("what", "which item"),
    recalls=(
        "What does the text say on {n}?",
        "Quote the line on {n}.",
        "Report what is written of {n}.",
        "Who or what is {n}?",
    ),
    listings=(
        "Quote every line that opens with {n}.",
        "Gather all lines on {n}.",
        "Report each thing written of {n}.",
    ),
    several=(
        "Quote one line each on {n}.",
        "Report, one after another, on {n}.",
        "Present the lines on {n}.",
    ),
    truths=(
        "Does the text bear this out, true or false? {s}",
        "{s} Answer with true or false.",
        "Test the claim, true or false. {s}",
    ),
    clozes=("Supply the last name: {s}", "How does this end? {s}", "Round off the line: {s}"),
    copies=("Reproduce: {s}", "Print this line as it is: {s}", "Type the same again. {s}"),
    ends=(
        "Walk along the lines from {n} until there is no further one. Where is that?",
        "What is the final stop on the way from {n}?",
        "Pursue {n} as far as the text goes. Which name closes the walk?",
        "At which name does the trail out of {n} run out?",
    ),
    starts=(
        "Walk the lines in reverse from {n} until there is no earlier one. Where is that?",
        "What is the origin of the trail to {n}?",
        "Pursue {n} back as far as the text goes. Which name opens the walk?",
        "From which name did the way to {n} set out?",
    ),
    counted=(
        "Advance {k} lines beyond {n}. Which name is that?",
        "Name whatever is {k} hops beyond {n}.",
        "Hop {k} times from {n} and say where you land.",
    ),
    counted_back=(
        "Retreat {k} lines from {n}. Which name is that?",
        "Name whatever is {k} hops behind {n}.",
        "Hop back {k} times from {n} and say where you land.",
    ),
    path_forward=(
        PathForm(
            "{a} {vp} an unnamed thing", ", which {vp} one more", ", which {vp} the one sought. Name it."
        ),
        PathForm(
            "Look up what {a} {vp}",
            ", then whatever it {vp}",
            ", then whatever this {vp}. Report the final name.",
        ),
        PathForm("Given the item that {a} {vp}", " and the item which that {vp}", ", {ask}"),
    ),
    path_backward=(
        PathForm("Which name {vp} an unnamed thing", ", which {vp} one more", ", which {vp} {a}?"),
        PathForm(
            "The one sought {vp} an item",
            ", the item {vp} a further item",
            ", which at last {vp} {a}. Report the one sought.",
        ),
        PathForm("Look up which name {vp} some item", " which then {vp} some item", " which then {vp} {a}."),
    ),
    leads=("", "", "", "", "Observe that ", "Likewise, ", "By the way, "),
)
