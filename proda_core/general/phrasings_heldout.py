"""The question templates of the heldout family: none is a train template, and each is built from words that those use.

A student without a language of its own cannot know what "retreat two hops" means if no text told it; what it can be asked for is
to understand known words in an arrangement that it has not met.
"""

from proda_core.general.forms import PathForm, Phrasings

HELDOUT = Phrasings(
    open_frames=(
        "{q}",
        "Going by the statements, {q}",
        "Please tell me: {q}",
        "According to what is written, {q}",
    ),
    choice_frames=(
        "{q}",
        "Pick the right option: {q}",
        "Read the options and decide: {q}",
        "Which option is correct? {q}",
    ),
    whats=("what", "which"),
    recalls=(
        "Tell me what is said of {n}.",
        "What is stated about {n}?",
        "Give a fact about {n}.",
        "State what we read about {n}.",
    ),
    listings=(
        "Give all that is said of {n}.",
        "List each fact about {n}.",
        "Tell me all facts about {n}.",
    ),
    several=(
        "Tell me in turn about {n}.",
        "State in order what is said of {n}.",
        "Give a sentence each about {n}.",
    ),
    truths=(
        "Is this claim true or false? {s}",
        "{s} Is this true or false?",
        "Say true or false: {s}",
    ),
    clozes=("Give the name that comes next: {s}", "Fill in the missing name: {s}", "Finish this: {s}"),
    copies=("Repeat this: {s}", "Say once more: {s}", "Give this back unchanged: {s}"),
    ends=(
        "Start at {n} and go on to the very end. What is there?",
        "What is at the end of the chain that begins with {n}?",
        "Follow the statements from {n}. What comes last?",
        "Where does the chain of {n} lead in the end?",
    ),
    starts=(
        "Go back from {n} to the very first link. What is it?",
        "What is at the start of the chain that ends with {n}?",
        "Follow the statements back from {n}. What comes first?",
        "Where does the chain that ends in {n} begin?",
    ),
    counted=(
        "Go {k} links on from {n}. What is reached?",
        "What lies {k} steps after {n}?",
        "Take {k} steps from {n}. What is there?",
    ),
    counted_back=(
        "Go {k} links back from {n}. What is reached?",
        "What lies {k} steps before {n}?",
        "Take {k} steps back from {n}. What is there?",
    ),
    path_forward=(
        PathForm("First, take what {a} {vp}", ". Next, take what that {vp}", ". {ask}"),
        PathForm(
            "If {a} {vp} a thing",
            ", and that thing {vp} the next",
            ", and this {vp} the last, name the last.",
        ),
        PathForm(
            "We know that {a} {vp} something",
            ", which {vp} another",
            ", which {vp} the one we want. What is it?",
        ),
    ),
    path_backward=(
        PathForm(
            "What is the first thing, which {vp} something", ", which {vp} something", ", which {vp} {a}?"
        ),
        PathForm("Name the first: it {vp} a thing", ", this {vp} the next", ", and that {vp} {a}."),
        PathForm("Find what {vp} a thing", " that {vp} another", " that in turn {vp} {a}."),
    ),
    leads=("", "", "", "", "Note also that ", "It is also known that ", "Here we see that "),
)
