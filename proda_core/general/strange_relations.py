"""Relations put together at random from common words, for the train family: what they mean nobody told the student.

Two hundred phrases can be learnt by heart; a text says its relations in thousands. Each relation comes with every way of saying it:
"X absorbs Y" and "Y is absorbed by X" are one. Where a phrase leaves open which name comes first, the draw decides, so that only the
text tells how a chain runs. No content word is one of a heldout wording.
"""

from random import Random

from proda_core.general.wordings import Wording

_VERBS = (
    "absorb accept accompany adapt adjust admire advance affect aid aim alert align allocate alter amplify anchor announce answer "
    "approach approve arrange assess assist attach attack attract avoid await balance bend bind blend boost border bother "
    "bypass calm capture cement challenge charge chill claim clean clear collect color combine comfort compare "
    "complete compress conceal confirm confront confuse connect conserve consume convince cool copy correct cover cross crowd "
    "crush cure damage darken decay declare decorate deepen defend define delay describe deserve detect disturb dominate "
    "double doubt drain edit empower encircle endanger engage enrich enter entertain equal erode escort establish evaluate examine "
    "exceed exchange exclude execute expand explain explore expose express extend extract face favor fear fetch filter finance "
    "finish flatten flavor flood follow force frame fuel gather govern greet guard guide handle harden harvest haunt heal heat help "
    "hunt ignore imitate impress improve influence inform inherit inspect inspire install insult interrupt invade invite irritate join "
    "judge justify label launch lift link load loosen lubricate maintain manage mark match measure melt mention merge mirror mix "
    "monitor motivate name nourish obey observe obtain occupy offer open operate oppose outlast outweigh overlap owe park pass "
    "patrol permit persuade plan plant please polish pollute possess pour praise predict present preserve press process "
    "promote prompt propel protect prove publish pull pump punish purify push puzzle question reach recall receive recognize record "
    "recover reflect refresh refuse reject relax remember remind remove repair repeat replace represent rescue resemble resist resolve "
    "respect restore reveal reverse reward roll rotate sample save scatter scratch seal search select separate shape share shelter "
    "shield shift signal smooth soften solve sort spoil stabilize stain steer stir store strain strengthen stretch strip study "
    "summon surprise surround suspect sustain target taste teach tempt test thank threaten touch trace track trade trap treat trick "
    "trim trouble trust tune twist unite update upset value vary verify visit warm warn wash waste watch water weigh welcome widen wipe "
    "witness worry wrap yoke"
).split()
_TURNED = 0.45
_PREPOSITIONS = "to from with into on over against toward through around under beside beyond for at behind after upon within near above".split()
_PARTICLES = "up down off in away back on over along".split()
_NOUNS = (
    "source result aim answer base basis bearer border bridge brother carrier center chance choice claim clue companion copy core "
    "cousin cover cure danger degree driver duty edge effect engine enemy example expression face factor field final form friend front "
    "fruit fuel gate goal ground guard guide heart heir helper home hope image index key layer leader level limit link list mark master "
    "match matter measure member mirror model mother motive name neighbor object opposite origin outcome owner pair parent partner path "
    "pattern picture point price problem product proof purpose quality rate record remedy remnant rest rival root school "
    "seat seed servant shadow share shape side sign signal sister site size solution space stage standard start state step stock "
    "store strength structure subject support surface symbol system target task teacher test theme thread title tool topic track tradition "
    "unit vehicle version view voice wall way weight window winner work world"
).split()
_ADJECTIVES = (
    "able absent active alien alive anxious available aware bad bound busy central certain clear close common competent "
    "crucial critical curious dear different eager equal faithful familiar famous fit foreign free fresh full good grateful guilty harmful "
    "helpful hostile identical important independent inferior innocent keen kind late linked liable loyal necessary new "
    "normal numb open parallel peculiar perfect polite poor prior proper proud ready relevant responsible rich rude safe sacred "
    "secondary sensitive separate short silent similar slow strange strong subject suitable superior sure tied tired true "
    "typical unique useful valid vital weak welcome willing wrong"
).split()


def strange_relation(rng: Random, *, told_forward: bool = False) -> tuple[str, tuple[Wording, ...]]:
    """A relation: its key and the ways of saying it, with `told_forward` at least one of them read from subject to object."""
    verb = rng.choice(_VERBS)
    shape = rng.random()
    if shape < 0.34:
        return verb, (Wording(third_person(verb)), Wording(f"is {participle(verb)} by", inverted=True))
    if shape < 0.42:
        particle = rng.choice(_PARTICLES)
        active = Wording(f"{third_person(verb)} {particle}")
        return f"{verb} {particle}", (active, Wording(f"is {participle(verb)} {particle} by", inverted=True))
    preposition = rng.choice(_PREPOSITIONS)
    if shape < 0.58:
        return _either_way(rng, told_forward, f"{third_person(verb)} {preposition}")
    if shape < 0.7:
        return _either_way(rng, told_forward, f"is {participle(verb)} {preposition}")
    if shape < 0.8:
        noun = rng.choice(_NOUNS)
        article = "an" if noun[0] in "aeiou" else "a"
        opening = rng.choice(("the", article, "one", "the main", "a first"))
        preposition = rng.choice(("of", "of", "for", "to", "behind", "in"))
        return noun, (
            Wording(f"is {opening} {noun} {preposition}"),
            Wording(f"has as its {noun}", inverted=True),
        )
    if shape < 0.86:
        noun = rng.choice(_NOUNS)
        return _either_way(rng, told_forward, f"{rng.choice(('has the', 'plays the', 'takes the', 'has its'))} {noun} {preposition}")
    if shape < 0.92:
        return _either_way(rng, told_forward, f"is {rng.choice(_ADJECTIVES)} {preposition}")
    if shape < 0.96:
        return _either_way(rng, told_forward, f"is {rng.choice(('at', 'in', 'on', 'under'))} {rng.choice(_NOUNS)} {preposition}")
    return _either_way(rng, told_forward, f"cannot {verb} {preposition}")


def third_person(verb: str) -> str:
    """The third person singular of a regular verb."""
    if verb.endswith(("s", "sh", "ch", "x", "z")):
        return verb + "es"
    return verb[:-1] + "ies" if _ends_in_consonant_y(verb) else verb + "s"


def participle(verb: str) -> str:
    """The past participle of a verb, as if it were regular; a few common ones as they are."""
    known = {"bend": "bent", "bind": "bound", "teach": "taught", "trap": "trapped", "trim": "trimmed", "strip": "stripped"}
    if verb in known:
        return known[verb]
    if verb.endswith("e"):
        return verb + "d"
    return verb[:-1] + "ied" if _ends_in_consonant_y(verb) else verb + "ed"


def _ends_in_consonant_y(verb: str) -> bool:
    return verb.endswith("y") and verb[-2] not in "aeiou"


def _either_way(rng: Random, told_forward: bool, phrase: str) -> tuple[str, tuple[Wording, ...]]:
    """A phrase that is read from subject to object or the other way, as chance will have it."""
    return phrase, (Wording(phrase, inverted=not told_forward and rng.random() < _TURNED),)
