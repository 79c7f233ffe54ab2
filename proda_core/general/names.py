"""Made-up names, partitioned by hash: a name belongs to the train family or to the heldout family, never to both.

Names are pseudo-words, everyday words and pairs or triples of them, so that nothing but copying can produce one.
A NameSource may be built on other makers (a tokenizer's own pieces, a word list); the partition holds for all.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

Family = Literal["train", "heldout"]
Maker = Callable[[Random], str]

_HELDOUT_SHARE = 4


def _listed(text: str) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(text.split())


_ADJECTIVES = _listed(
    "amber ancient blue bold brass bright brisk broad broken calm clear cold coarse copper crooked curved dark deep "
    "dim double dry dull dusty early empty even faint fast final fine first flat folded fresh frozen gentle glass "
    "gold grand gray green half hard heavy hidden high hollow humble idle inner iron ivory jagged keen large last "
    "late lean level light little long loose lost loud low lucky major mellow mild minor mixed narrow near neat new "
    "noble north odd old open outer pale patient plain proud pure quick quiet rapid rare raw red rich rough round "
    "royal rusty second secret sharp short shy silent silver simple single sleepy slim slow small smooth soft solid "
    "sour south spare steady steep still stiff strange strong subtle sudden swift tall tame tender thick thin third "
    "tidy tight tiny total tough twin upper vast violet warm weak west wet white whole wide wild wise wooden yellow"
)
_NOUNS = _listed(
    "acre album alley anchor angle apron arch arrow attic badge ball banner barn barrel basin basket beacon bead "
    "beam bell belt bench bird blade blanket board boat bolt bottle bowl box branch brick bridge broom brush bucket "
    "buckle bundle button cabin cabinet cable candle cap card cargo carpet cart cask castle cave chain chair chart "
    "chest chimney circle clasp clay cliff clock cloth club coat coin collar column comb compass cord cork corner "
    "court cradle crate crown cup curtain cushion dial dish dock door drawer dress drum edge elbow engine envelope "
    "fabric fan farm feather fence ferry field figure flag flame flask floor flute fold fork fort fountain frame "
    "fringe garden garment gate ginger glove grain grove guard guitar gutter hall hammer handle harbor harp hat hedge "
    "helmet hinge hook horn hose house hut ink island jacket jar jewel jug kettle key kite knife knob knot label "
    "ladder lake lamp lane lantern latch lawn ledge letter lever lid lift line lock lodge loom loop lot mantle map "
    "marble market mask mast mat meadow medal mill mirror mitten mound nail napkin needle nest net notch oar orchard "
    "oven paddle page palace panel paper parcel park parlor patch path pavement pear peg pen pencil petal piano "
    "picture pillar pillow pin pipe pitcher plank plate plaza plow pocket pole pond porch portal post pot pouch "
    "puzzle quilt rack raft rail ramp rattle ribbon ridge ring road robe rod roof room rope rose row rug saddle sail "
    "saloon sandal sash saw scarf school screen screw scroll seal seat shawl shed sheet shelf shield shoe shop shovel "
    "shutter sign sleeve slope soap sock spade spindle spool spoon spur square stable staff stage stair stamp statue "
    "step stitch stone stool store stove strap straw stream street string stripe studio swing sword table tape target "
    "tassel tent thimble thread throne ticket tile tin token tool torch towel tower town toy track trail train tray "
    "trick trophy trumpet trunk tub tunnel turret valley vase vault veil vest village violin wagon walk wall wallet "
    "well wharf wheel whistle wick willow window wing wire yard yarn"
)
_ONSETS = _listed(
    "b bl br c ch cl cr d dr f fl fr g gl gr h j k kl kr l m n p pl pr qu r s sh sk sl sm sn sp st t th tr v w y z"
)
_VOWELS = _listed("a e i o u ai ea ee ie oa oo ou a e i o u")
_CODAS = ("", "", "", *_listed("b ck d f g l ll m n n nd ng nt p r r rd rk rm rn s sh st t th x"))


def family_of(name: str) -> Family:
    """The family a name belongs to, from its text alone (case does not matter)."""
    return "heldout" if zlib.crc32(name.lower().encode()) % _HELDOUT_SHARE == 0 else "train"


def pseudo_word(rng: Random) -> str:
    """A pronounceable word of one to three syllables that means nothing."""
    count = rng.choices((1, 2, 3), (3, 6, 1))[0]
    return "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS) for _ in range(count))


def everyday_name(rng: Random) -> str:
    """One to three everyday words that do not usually stand together."""
    shape = rng.random()
    if shape < 0.25:
        return rng.choice(_NOUNS)
    if shape < 0.6:
        return f"{rng.choice(_ADJECTIVES)} {rng.choice(_NOUNS)}"
    if shape < 0.85:
        return f"{rng.choice(_NOUNS)} {rng.choice(_NOUNS)}"
    return f"{rng.choice(_ADJECTIVES)} {rng.choice(_NOUNS)} {rng.choice(_NOUNS)}"


def mixed_name(rng: Random) -> str:
    """A pseudo-word beside an everyday word."""
    word = pseudo_word(rng)
    return f"{rng.choice(_ADJECTIVES)} {word}" if rng.random() < 0.5 else f"{word} {rng.choice(_NOUNS)}"


@dataclass(frozen=True, slots=True)
class NameSource:
    """Draws distinct names of one family from weighted makers."""

    makers: tuple[Maker, ...] = (pseudo_word, everyday_name, mixed_name)
    weights: tuple[float, ...] = (3.0, 5.0, 2.0)

    def draw(self, rng: Random, family: Family, *, count: int, alike: float = 0.0) -> list[str]:
        """`count` distinct names; with probability `alike` a name shares a word with one drawn before it."""
        names: list[str] = []
        while len(names) < count:
            name = rng.choices(self.makers, self.weights)[0](rng)
            if names and rng.random() < alike:
                name = _sharing_word(rng, name, rng.choice(names))
            if name not in names and family_of(name) == family:
                names.append(name)
        return names


def _sharing_word(rng: Random, name: str, other: str) -> str:
    """A two-word name with one word of `other`, at the same end or the opposite one."""
    kept, fresh = rng.choice(other.split()), rng.choice(name.split())
    return f"{kept} {fresh}" if rng.random() < 0.5 else f"{fresh} {kept}"
