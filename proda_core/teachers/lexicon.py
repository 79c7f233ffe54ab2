"""Closed word lists of the rules teacher: which nouns name nothing, which adjectives carry nothing, which nouns are measured.

General English only; no list names a fact or a sentence of any corpus.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Heads that never make a concept, however modified: they point at the text or at nothing.
POINTING_HEADS = _words(
    "figure table chapter section example case way thing fact reason point question answer idea sense "
    "instance time year day month week hour decade century moment percent percentage dollar "
    "cent lot bit deal one ones other others "
    "half third quarter majority rest end beginning middle top bottom side line paragraph "
    "page author reader student exercise "
    "discussion step item matter issue respect extent regard attempt effort word term name "
    "anything something nothing everything someone "
    "everyone anyone kind type sort form variety result consequence outcome effect cause role"
    " function purpose importance difference "
    "similarity combination pair list view perspective place situation circumstance aspect "
    "feature chance possibility ability "
    "tendency opposite reverse following latter former part portion piece share fraction look"
    " story news today tomorrow yesterday "
    "need want hand turn order account mind text video link feature topic lesson "
    "total average sum number amount quantity degree range set series group lack absence presence existence use "
    "addition contrast comparison course general particular sum practice due"
)
# Heads that say too little alone but make a concept with a modifier ("diffusion process", "exchange rate").
BARE_HEADS = _words(
    "process system method state condition factor level rate value change increase decrease "
    "rise fall decline reduction "
    "growth gain loss problem benefit advantage disadvantage solution approach concept "
    "property characteristic component element structure "
    "object material substance people person man woman individual worker member area region world country place "
    "model theory action activity event experience measure tool resource product item unit point body source "
    "position direction amount quantity size length height speed degree pattern relationship relation connection "
    "interaction behavior behaviour choice decision result effort work thing name example "
    "information data study research "
    "evidence question test task job goal service good goods firm company business government"
    " year line side surface layer "
    "movement shift difference response reaction production operation performance quality nature basis "
    "environment environmental condition space period stage phase program example code user "
    "file value variable statement "
    "mean means age class version option outcome impact effect influence power life cost "
    "price output input need rule right"
) - _words(
    "speed growth movement surface material interaction behavior behaviour choice decision resource benefit research "
    "firm government power price output input cost value variable statement code file program data production class "
    "environment worker growth company business user information good goods service resource reaction output"
)
# Adjectives and participles that a term loses: they compare, count or point.
EMPTY_MODIFIERS = _words(
    "many much several various different certain other another some any all each every both few own same such "
    "important main major key specific particular given common typical usual overall entire whole similar new "
    "good bad better best worse worst big huge enormous significant considerable "
    "first second third last next previous following above below possible available necessary essential basic "
    "additional further individual actual complete great little recent "
    "popular famous well-known so-called surrounding nearby more most less least two three four five six seven "
    "eight nine ten hundred thousand million billion numerous vital useful "
    "obvious clear potential resulting remaining existing related "
    "corresponding appropriate proper relevant extra effective familiar enough tiny vast mere sheer very "
    "exact precise right wrong true false interesting strange unusual rare ordinary broad wide narrow brief"
)
PERSONAL = _words("we you i he she us me him my our your mine who whoever people everyone someone anyone")
# What can be higher or lower.
MEASURED = _words(
    "price rate cost level temperature pressure demand supply output income wage profit revenue spending saving "
    "savings tax inflation unemployment interest density concentration speed velocity frequency energy entropy "
    "productivity quantity quality risk return value salinity acidity resistance voltage "
    "current amplitude wavelength volume mass "
    "weight friction viscosity elasticity consumption employment gdp investment debt deficit surplus pressure tide "
    "humidity precipitation solubility expenditure standard power yield cost number amount probability population "
    "rainfall mortality efficiency complexity altitude elevation intensity strength tariff premium percentage share"
)
UP_NOUNS = _words("increase rise growth gain expansion")
DOWN_NOUNS = _words("decrease fall decline drop reduction decrease")
CHANGE_NOUNS = _words("change shift difference variation fluctuation")
# X of Y is Y.
TRANSPARENT = _words(
    "kind type sort form class category majority lot piece bit subset instance subtype species array host"
)
KIND_HEADS = _words(
    "kind type sort form variety example class category subset instance subtype case branch species"
)
PART_HEADS = _words(
    "part component element constituent ingredient portion segment member layer section piece"
)
RESULT_HEADS = _words("result consequence product outcome effect byproduct by-product")
CAUSE_HEADS = _words("cause source driver trigger origin")
NEED_HEADS = _words("requirement prerequisite precondition condition basis foundation")
ROLE_HEADS = _words("function role purpose job task aim goal")
# head + preposition that belongs to the term: "demand for labor", "tax on imports".
BOUND = {
    "demand": "for", "market": "for", "tax": "on", "tariff": "on", "barrier": "to", "return": "to", "resistance": "to",
    "response": "to", "investment": "in", "quota": "on", "limit": "on", "exposure": "to", "trade": "in", "competition": "for",
    "price": "for", "access": "to", "adaptation": "to", "tolerance": "to", "restriction": "on", "ban": "on", "preference": "for",
}  # fmt: skip
HEDGES = _words("may might could would should ought")
NEGATORS = _words("not n't never hardly rarely seldom scarcely barely nor neither no cannot nowhere")
REPORTING = _words(
    "argue claim believe think suppose imagine assume suggest say contend propose hope fear "
    "doubt deny expect predict "
    "hypothesize wonder guess worry feel state report pretend allege insist speculate"
)
UNREAL = _words("if unless whether lest until")
# Plural forms that are terms as they stand.
PLURAL_TERMS = _words(
    "goods means species series economics physics mathematics mechanics statistics dynamics "
    "genetics electronics news savings earnings "
    "sales gas lens mass glass process bus basis analysis thesis crisis hypothesis "
    "photosynthesis mitosis meiosis osmosis "
    "thermodynamics kinetics optics diabetes united_states ethics politics metabolics semantics robotics data media"
)

# Verbs by which a subject goes up or down.
RISING = _words("rise increase grow climb expand intensify strengthen accelerate")
FALLING = _words("fall decrease decline drop shrink diminish weaken slow")
# A subject may carry these phrases without becoming another thing.
PASSED_PREPOSITIONS = _words(
    "in of at on within between among from by through across inside under near around over"
)

# Who acts on purpose: what they raise or lower is their deed and no law of the subject.
AGENTS = _words(
    "institution regulator exporter importer bondholder retiree trader "
    "government firm company bank business household consumer buyer seller worker employer "
    "employee investor economist country "
    "nation people student programmer developer scientist researcher politician congress "
    "monopolist borrower lender saver policymaker "
    "president corporation manager entrepreneur customer family farmer voter owner owners "
    "society state user author team "
    "mother father parent child doctor engineer person man woman individual everyone "
    "shareholder union competitor retailer manufacturer"
)
# Complements and subjects that judge or point instead of saying what a thing is.
EVALUATIVE = _words(
    "problem concern exception challenge theme priority experience question topic danger "
    "criticism debate argument issue goal key reason "
    "factor matter match approach rectangle triangle shape surprise mistake success failure "
    "threat advantage disadvantage opportunity "
    "option alternative must necessity myth story picture analogy metaphor example "
    "illustration indicator sign clue name "
    "survey study report discussion candidate leader winner favorite puzzle paradox hallmark "
    "cornerstone backbone heart way denominator cape"
) - _words("indicator alternative cape denominator")
UNCERTAIN = _words("perhaps maybe possibly probably presumably arguably supposedly allegedly likely")
PROCESS_SUFFIXES = (
    "tion",
    "sion",
    "sis",
    "ing",
    "ment",
    "ance",
    "ism",
    "ysis",
    "phase",
    "stage",
    "period",
    "era",
    "cycle",
    "reaction",
)
# A sentence that names one of these speaks of a picture or a made-up case.
SHOWN = _words("figure table exhibit diagram graph scenario exercise appendix")
# With these in front, a thing is not one of its kind ("artificial intelligence"), or no longer said to be.
PRIVATIVE = _words(
    "expected future planned desired non artificial false fake former potential negative anti quasi pseudo imaginary "
    "virtual zero free unfair perfect imperfect net relative black white dark"
)
# How big or fast a change is, which does not say of what it is.
SIZES = _words(
    "sharp rapid sudden slight gradual percentage unexpected steady dramatic significant small large further corresponding "
    "proportional proportionate slow quick steep modest substantial big huge great little initial final subsequent overall total"
)
# First words of terms that name an amount or a degree.
MEASURING = _words("higher lower more less fewer number amount level quantity degree lack absence change")
# In front of a noun these point back, count out or compare: the noun names nothing of its own.
POINTING_DETERMINERS = _words(
    "this these those such some many most several both other another its their his her our my your few each every all no "
    "neither either any"
)
# "X is a fact", "X is one reason": said of X without saying what X is.
NO_DEFINITION = _words(
    "fact reason result problem issue question matter example case part source cause consequence topic step key thing goal "
    "answer outcome story half majority rest time year percent dollar way same other one factor concern point lot number"
) - _words("number")
# Heads that POINTING_HEADS refuses in statements and that a text may well define.
NAMED_ANYWAY = _words(
    "term amount quantity sum total range group effect pair order function want need share line table graph page deal hour case"
)
# Heads too empty to be a genus, beside POINTING_HEADS.
GENUS_POINTS = _words(
    "idea notion concept extent level amount number quantity degree means set use mean act version kind way place time case "
    "group collection combination rise name term word"
)
# What stands before a name without belonging to it.
IDLE_MODIFIERS = _words(
    "important main major key specific particular given common typical usual similar certain various different famous popular "
    "so-called well-known important useful interesting new old big huge simple possible following above below more most less very"
)
# In front of a name these take its kind away or only compare: a potential output is no output.
NOT_ITS_KIND = _words(
    "non artificial false fake former potential anti quasi pseudo imaginary virtual zero net relative expected future planned "
    "desired near so-called alleged higher lower rising falling"
)
# "a combination of A and B": A and B are its parts.
COLLECTIONS = _words(
    "combination mix mixture sum set collection group bundle composite compound blend series"
)
# "this situation", "this assumption": what a text points back at before it gives it a name.
POINTED_AT = _words(
    "situation process phenomenon assumption approach effect behavior problem condition idea practice strategy policy rule "
    "pattern concept type kind system method relationship argument"
)
# Adjectives that size up or place a thing for the moment: "strong exchange rate" is no kind of its own.
PASSING_MODIFIERS = SIZES | _words(
    "high low strong weak large small long short simple complex graphical numerical current recent modern early late "
    "local foreign american entire different separate own whole average single double alternative preferred special serious "
    "successful positive negative critical central prominent rich poor real true early later easy difficult hard heavy light"
)
# Heads that POINTING_HEADS refuses in statements and that yet are the genus of what is defined.
GENUS_ANYWAY = _words(
    "situation ability percentage share difference sum total average range effect function tendency"
)
