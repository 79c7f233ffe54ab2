"""How tasks are asked: question templates by use, disjoint between the train and the heldout family.

`{q}` stands for a bare question, `{s}` for a statement, `{n}` and `{m}` for names, `{k}` for a number of steps.
A path is asked in three parts: first, middle (once for each further relation) and last.
"""

from dataclasses import dataclass

from proda_core.general.names import Family


@dataclass(frozen=True, slots=True)
class PathForm:
    """The parts of a question along relations; `{a}` is the known name, `{vp}` a phrase, `{ask}` a bare question."""

    first: str
    middle: str
    last: str


@dataclass(frozen=True, slots=True)
class Phrasings:
    """Every template of one family."""

    open_frames: tuple[str, ...]
    choice_frames: tuple[str, ...]
    whats: tuple[str, ...]
    recalls: tuple[str, ...]
    listings: tuple[str, ...]
    several: tuple[str, ...]
    truths: tuple[str, ...]
    clozes: tuple[str, ...]
    copies: tuple[str, ...]
    matches: tuple[str, ...]
    picks: tuple[str, ...]
    ends: tuple[str, ...]
    starts: tuple[str, ...]
    counted: tuple[str, ...]
    counted_back: tuple[str, ...]
    path_forward: tuple[PathForm, ...]
    path_backward: tuple[PathForm, ...]
    leads: tuple[str, ...]


TRAIN = Phrasings(
    open_frames=(
        "{q}", "{q}", "{q}", "{q}", "Question: {q}", "Going by the text, {q}", "Tell me: {q}", "According to this, {q}",
        "Please answer: {q}", "In the statements, {q}", "From what is written, {q}", "Say in one sentence: {q}",
    ),
    choice_frames=(
        "{q}", "{q}", "{q}", "{q}", "Choose the right option: {q}", "Question: {q}", "Pick one: {q}", "Which is right? {q}",
        "Select the best answer. {q}", "One option is correct. {q}", "Read the options. {q}", "Decide: {q}",
    ),
    whats=("what", "what", "what", "which thing", "which one", "which of these"),
    recalls=(
        "What is said of {n}?", "What is known about {n}?", "State a fact about {n}.", "What do we read about {n}?",
        "Give the statement on {n}.", "Tell me about {n}.", "What is true of {n}?", "Describe {n}.", "What is {n}?",
        "Recall what is stated of {n}.", "How is {n} described?", "What do you know about {n}?",
    ),
    listings=(
        "List everything about {n}.", "State all that is said of {n}.", "Which statements name {n} first?",
        "Give every statement on {n}.", "What are the facts about {n}?", "Say all there is to say about {n}.",
        "Collect the statements about {n}.", "Write down each fact about {n}.", "Recall all facts about {n}.",
        "Tell me everything about {n}.",
    ),
    several=(
        "State one fact each about {n}.", "What is said of {n}?", "Give the statements on {n}, in this order.",
        "Tell me about {n}.", "Recall in turn the facts about {n}.", "Write a sentence each on {n}.", "Describe {n}.",
        "In order, what is known about {n}?", "Go through {n} and state each fact.", "What do we read about {n}?",
    ),
    truths=(
        "True or false? {s}", "True or false? {s}", "True or false: {s}", "Is this true or false? {s}", "{s} True or false?",
        "Judge this statement. {s}", "Say whether it is true or false: {s}", "Is the following right? {s}",
        "Decide if this holds: {s}", "Mark as true or false. {s}", "Claim: {s} Is the claim true?", "{s} Is that true or false?",
    ),
    clozes=(
        "Complete: {s}", "Fill in the end: {s}", "Finish the sentence. {s}", "{s} ...", "Which name comes next? {s}",
        "Continue: {s}", "The sentence goes on with which name? {s}", "Give the missing name: {s} ...", "End this: {s}",
        "What follows? {s}",
    ),
    copies=(
        "Repeat: {s}", "Repeat the following. {s}", "Say this again: {s}", "Copy: {s}", "Write this once more: {s}",
        "Echo the text. {s}", "Give it back unchanged: {s}", "Copy these words: {s}", "Read it back: {s}", "Say after me: {s}",
    ),
    matches=(
        "Which option is {n}?", "The answer is {n}. Which letter is it?", "Find {n} among the options.", "Which letter has {n}?",
        "{n} is the result. Choose its letter.", "Where is {n}?", "Point to {n}.", "Give the letter of {n}.",
        "We found {n}. Which option says so?", "Select {n}.", "Mark {n}.", "Which of these is {n}?",
    ),
    picks=(
        "What is option {n}?", "Which name stands at {n}?", "Read out option {n}.", "Say what {n} is.", "Name the option {n}.",
        "What does letter {n} stand for?", "Give the text of option {n}.", "What is written at {n}?", "Read line {n}.",
        "Tell me option {n}.",
    ),
    ends=(
        "Start at {n} and follow the statements to the end. What is reached?", "Where does the path that begins with {n} end?",
        "What does {n} come to in the end?", "Follow the links from {n}. Which one is last?", "What is the last link after {n}?",
        "Trace the chain from {n} to its last member. What is it?", "Step by step from {n}, where do we stop?",
        "{n} is the first link of a chain. What is the last?", "If we go on from {n}, what is met at the very end?",
        "What stands at the far end of the chain that opens with {n}?", "What is finally reached from {n}?",
        "Going on and on from {n}, what comes last?", "Taking all links together, where does {n} lead?",
        "What does the series that starts with {n} end with?",
    ),
    starts=(
        "Go back from {n} to the start of its chain. What is there?", "Which chain start lies behind {n}?",
        "Where does the path that ends with {n} begin?", "Trace {n} back to its first link. What is it?",
        "{n} is the last link of a chain. What is the first?", "Going backwards from {n}, where do we stop?",
        "What is the first link before {n}?", "What stands at the head of the chain that closes with {n}?",
        "Follow the links back from {n}. Which one is first?", "What is at the very beginning of what ends in {n}?",
        "Step back and back from {n}. What is found in the end?", "With what does the series that ends with {n} start?",
    ),
    counted=(
        "What is {k} steps on from {n}?", "Go {k} steps from {n}. What is there?", "Which one lies {k} links after {n}?",
        "Follow {k} links from {n}. What is reached?", "After {k} steps from {n}, what do we meet?", "{k} links past {n} is what?",
        "Starting from {n}, take {k} steps. Where are you?", "What does {n} reach in {k} steps?",
        "Count {k} links on from {n}. Which one is it?", "Move {k} statements along from {n}. What comes up?",
    ),
    counted_back=(
        "What is {k} steps back from {n}?", "Go back {k} steps from {n}. What is there?", "Which one lies {k} links before {n}?",
        "Follow {k} links back from {n}. What is reached?", "{k} links ahead of {n} is what?",
        "Starting from {n}, take {k} steps back. Where are you?", "What reaches {n} in {k} steps?",
        "Count {k} links back from {n}. Which one is it?", "Move {k} statements back from {n}. What comes up?",
        "Before {n} by {k} steps stands what?",
    ),
    path_forward=(
        PathForm("{a} {vp} something", " that {vp} something", " that {vp} what?"),
        PathForm("{a} {vp} one thing", ", that thing {vp} another", ", and that {vp} the one we want. Which is it?"),
        PathForm("Think of what {a} {vp}", ", then of what that {vp}", ". {ask}"),
        PathForm("First, {a} {vp} a thing", ". Next, this {vp} a thing", ". Last, this {vp} the answer. Name the answer."),
        PathForm("If {a} {vp} it", ", and it {vp} the next", ", and this in turn {vp} the last, what is the last?"),
        PathForm("Take the thing that {a} {vp}", ", and the thing that this {vp}", ". {ask}"),
        PathForm("What do we get to when {a} {vp} a thing", ", this {vp} a thing", ", and this {vp} the last?"),
        PathForm("Something which {a} {vp} is given", ", and so is what that {vp}", ". {ask}"),
        PathForm("We know what {a} {vp}", ". We know what this {vp}", ". {ask}"),
        PathForm("Begin with what {a} {vp}", ", go on to what that {vp}", ", and end with what this {vp}. Where is the end?"),
    ),
    path_backward=(
        PathForm("What {vp} something", " that {vp} something", " that {vp} {a}?"),
        PathForm("One thing {vp} another", ", that {vp} a further one", ", and that {vp} {a}. Which is the first?"),
        PathForm("Which one {vp} a thing", " that {vp} a thing", " that {vp} {a}?"),
        PathForm("The answer {vp} something", ", this {vp} something", ", and this {vp} {a}. What is the answer?"),
        PathForm("Find the one that {vp} a second", ", which {vp} the next", ", which {vp} {a}."),
        PathForm("Something unknown {vp} a thing", ", the thing {vp} one more", ", and at the end it {vp} {a}. What is unknown?"),
        PathForm("What is it that {vp} the thing", " which {vp} the thing", " which {vp} {a}?"),
        PathForm("Who is first: it {vp} a link", ", the link {vp} a link", ", and the last link {vp} {a}?"),
        PathForm("A start {vp} a middle", ", this {vp} a middle", ", and that {vp} {a}. Name the start."),
        PathForm("Name what {vp} a thing", " that itself {vp} a thing", " that itself {vp} {a}."),
    ),
    leads=("", "", "", "", "", "", "Note that ", "In turn, ", "Here, ", "As a rule, ", "It is known that ", "We also see that ", "Also, "),
)

HELDOUT = Phrasings(
    open_frames=("{q}", "Work out from the lines above: {q}", "Look it up: {q}", "Reply with the sentence. {q}"),
    choice_frames=("{q}", "Give the letter that fits. {q}", "Mark the correct line: {q}", "Only one line fits. {q}"),
    whats=("what", "which item"),
    recalls=("What does the text say on {n}?", "Quote the line on {n}.", "Report what is written of {n}.", "Who or what is {n}?"),
    listings=("Quote every line that opens with {n}.", "Gather all lines on {n}.", "Report each thing written of {n}."),
    several=("Quote one line each on {n}.", "Report, one after another, on {n}.", "Present the lines on {n}."),
    truths=("Does the text bear this out, true or false? {s}", "{s} Answer with true or false.", "Test the claim, true or false. {s}"),
    clozes=("Supply the last name: {s}", "How does this end? {s}", "Round off the line: {s}"),
    copies=("Reproduce: {s}", "Print this line as it is: {s}", "Type the same again. {s}"),
    matches=("Which line reads {n}?", "Our result: {n}. State its letter.", "Look for {n} and give its letter."),
    picks=("What does line {n} read?", "Spell out the choice {n}.", "Quote the option under {n}."),
    ends=(
        "Walk along the lines from {n} until there is no further one. Where is that?", "What is the final stop on the way from {n}?",
        "Pursue {n} as far as the text goes. Which name closes the walk?", "At which name does the trail out of {n} run out?",
    ),
    starts=(
        "Walk the lines in reverse from {n} until there is no earlier one. Where is that?", "What is the origin of the trail to {n}?",
        "Pursue {n} back as far as the text goes. Which name opens the walk?", "From which name did the way to {n} set out?",
    ),
    counted=("Advance {k} lines beyond {n}. Which name is that?", "Name whatever is {k} hops beyond {n}.", "Hop {k} times from {n} and say where you land."),
    counted_back=("Retreat {k} lines from {n}. Which name is that?", "Name whatever is {k} hops behind {n}.", "Hop back {k} times from {n} and say where you land."),
    path_forward=(
        PathForm("{a} {vp} an unnamed thing", ", which {vp} one more", ", which {vp} the one sought. Name it."),
        PathForm("Look up what {a} {vp}", ", then whatever it {vp}", ", then whatever this {vp}. Report the final name."),
        PathForm("Given the item that {a} {vp}", " and the item which that {vp}", ", {ask}"),
    ),
    path_backward=(
        PathForm("Which name {vp} an unnamed thing", ", which {vp} one more", ", which {vp} {a}?"),
        PathForm("The one sought {vp} an item", ", the item {vp} a further item", ", which at last {vp} {a}. Report the one sought."),
        PathForm("Look up which name {vp} some item", " which then {vp} some item", " which then {vp} {a}."),
    ),
    leads=("", "", "", "", "Observe that ", "Likewise, ", "By the way, "),
)


def phrasings_of(family: Family) -> Phrasings:
    """The templates of a family."""
    return TRAIN if family == "train" else HELDOUT
