"""Relations put together at random from common words: what they mean nobody told the student.

Two hundred phrases can be learnt by heart; a text says its relations in thousands. Each relation comes with every way of saying
it: "X absorbs Y" and "Y is absorbed by X" are one. Where a phrase leaves open which name comes first, the draw decides, so that
only the text tells how a chain runs. No content word is one of a heldout wording.
"""

from random import Random

from proda_core.general.wordings import Wording


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_TURNED = 0.45
_VERBS = _words(
    "absorb accept accompany adapt adjust admire advance affect aid aim alert align allocate alter amplify "
    "anchor announce answer approach approve arrange assess assist attach attack attract avoid await balance "
    "bend bind blend boost border bother bypass calm capture cement challenge charge chill claim clean clear "
    "collect color combine comfort compare complete compress conceal confirm confront confuse connect "
    "conserve consume convince cool copy correct cover cross crowd crush cure damage darken decay declare "
    "decorate deepen defend define delay describe deserve detect disturb dominate double doubt drain edit "
    "empower encircle endanger engage enrich enter entertain equal erode escort establish evaluate examine "
    "exceed exchange exclude execute expand explain explore expose express extend extract face favor fear "
    "fetch filter finance finish flatten flavor flood follow force frame fuel gather govern greet guard guide "
    "handle harden harvest haunt heal heat help hunt ignore imitate impress improve influence inform inherit "
    "inspect inspire install insult interrupt invade invite irritate join judge justify label launch lift "
    "link load loosen lubricate maintain manage mark match measure melt mention merge mirror mix monitor "
    "motivate name nourish obey observe obtain occupy offer open operate oppose outlast outweigh overlap owe "
    "park pass patrol permit persuade plan plant please polish pollute possess pour praise predict present "
    "preserve press process promote prompt propel protect prove publish pull pump punish purify push puzzle "
    "question reach recall receive recognize record recover reflect refresh refuse reject relax remember "
    "remind remove repair repeat replace represent rescue resemble resist resolve respect restore reveal "
    "reverse reward roll rotate sample save scatter scratch seal search select separate shape share shelter "
    "shield shift signal smooth soften solve sort spoil stabilize stain steer stir store strain strengthen "
    "stretch strip study summon surprise surround suspect sustain target taste teach tempt test thank "
    "threaten touch trace track trade trap treat trick trim trouble trust tune twist unite update upset value "
    "vary verify visit warm warn wash waste watch water weigh welcome widen wipe witness worry wrap yoke"
)
_PREPOSITIONS = _words(
    "to from with into on over against toward through around under beside beyond for at behind after upon "
    "within near above"
)
_PARTICLES = _words("up down off in away back on over along")
_NOUNS = _words(
    "source result aim answer base basis bearer border bridge brother carrier center chance choice claim clue "
    "companion copy core cousin cover cure danger degree driver duty edge effect engine enemy example "
    "expression face factor field final form friend front fruit fuel gate goal ground guard guide heart heir "
    "helper home hope image index key layer leader level limit link list mark master match matter measure "
    "member mirror model mother motive name neighbor object opposite origin outcome owner pair parent partner "
    "path pattern picture point price problem product proof purpose quality rate record remedy remnant rest "
    "rival root school seat seed servant shadow share shape side sign signal sister site size solution space "
    "stage standard start state step stock store strength structure subject support surface symbol system "
    "target task teacher test theme thread title tool topic track tradition unit vehicle version view voice "
    "wall way weight window winner work world"
)
_ADJECTIVES = _words(
    "able absent active alien alive anxious available aware bad bound busy central certain clear close common "
    "competent crucial critical curious dear different eager equal faithful familiar famous fit foreign free "
    "fresh full good grateful guilty harmful helpful hostile identical important independent inferior "
    "innocent keen kind late linked liable loyal necessary new normal numb open parallel peculiar perfect "
    "polite poor prior proper proud ready relevant responsible rich rude safe sacred secondary sensitive "
    "separate short silent similar slow strange strong subject suitable superior sure tied tired true typical "
    "unique useful valid vital weak welcome willing wrong"
)
_OPENINGS = ("the", "a", "one", "the main", "a first")
_IRREGULAR = {
    "bend": "bent",
    "bind": "bound",
    "teach": "taught",
    "trap": "trapped",
    "trim": "trimmed",
    "strip": "stripped",
}
_EITHER_WAY = (
    ("{acts} {to}", 0.16),
    ("is {acted} {to}", 0.12),
    ("{has} {noun} {to}", 0.06),
    ("is {adjective} {to}", 0.06),
    ("is {at} {noun} {to}", 0.04),
    ("cannot {act} {to}", 0.04),
)


def strange_relation(rng: Random, told_forward: bool) -> tuple[str, tuple[Wording, ...]]:
    """A relation: its key and the ways of saying it, with `told_forward` one that reads from subject to object among them."""
    verb, shape = rng.choice(_VERBS), rng.random()
    if shape < 0.34:
        return verb, (Wording(third_person(verb)), Wording(f"is {participle(verb)} by", inverted=True))
    if shape < 0.42:
        up = rng.choice(_PARTICLES)
        active = Wording(f"{third_person(verb)} {up}")
        return f"{verb} {up}", (active, Wording(f"is {participle(verb)} {up} by", inverted=True))
    noun = rng.choice(_NOUNS)
    if shape < 0.52:
        opening, preposition = rng.choice(_OPENINGS), rng.choice(("of", "of", "for", "to", "behind", "in"))
        if opening == "a" and noun[0] in "aeiou":
            opening = "an"
        active = Wording(f"is {opening} {noun} {preposition}")
        return noun, (active, Wording(f"has as its {noun}", inverted=True))
    forms, weights = zip(*_EITHER_WAY, strict=True)
    phrase = rng.choices(forms, weights)[0].format(
        act=verb,
        acts=third_person(verb),
        acted=participle(verb),
        to=rng.choice(_PREPOSITIONS),
        noun=noun,
        adjective=rng.choice(_ADJECTIVES),
        has=rng.choice(("has the", "plays the", "takes the", "has its")),
        at=rng.choice(("at", "in", "on", "under")),
    )
    return phrase, (Wording(phrase, inverted=not told_forward and rng.random() < _TURNED),)


def third_person(verb: str) -> str:
    """The third person singular of a regular verb."""
    if verb.endswith(("s", "sh", "ch", "x", "z")):
        return verb + "es"
    return verb[:-1] + "ies" if _ends_in_consonant_y(verb) else verb + "s"


def participle(verb: str) -> str:
    """The past participle of a verb, as if it were regular but for a few."""
    if verb in _IRREGULAR:
        return _IRREGULAR[verb]
    if verb.endswith("e"):
        return verb + "d"
    return verb[:-1] + "ied" if _ends_in_consonant_y(verb) else verb + "ed"


def _ends_in_consonant_y(verb: str) -> bool:
    return verb.endswith("y") and verb[-2] not in "aeiou"
