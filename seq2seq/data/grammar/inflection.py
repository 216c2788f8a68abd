"""German inflection: articles, adjective endings, relative pronouns, and the forms of verbs.

Genders are numbered 0 masculine, 1 feminine, 2 neuter, 3 plural (where genders fall together); cases
0 nominative, 1 accusative, 2 dative, 3 genitive. Persons are "1s 2s 3s 1p 3p" (I, you, he, we, they).
The tables follow any school grammar, for example Duden, Die Grammatik, the chapters on declension.
"""

from functools import cache

MASCULINE, FEMININE, NEUTER, PLURAL = range(4)
NOMINATIVE, ACCUSATIVE, DATIVE, GENITIVE = range(4)
PERSONS = ("1s", "2s", "3s", "1p", "3p")

Table = tuple[tuple[str, ...], ...]  # [gender][case]


def _table(masculine: str, feminine: str, neuter: str, plural: str) -> Table:
    return tuple(
        tuple("" if cell == "-" else cell for cell in row.split()) for row in (masculine, feminine, neuter, plural)
    )


DEFINITE = _table("der den dem des", "die die der der", "das das dem des", "die die den der")
RELATIVE = _table("der den dem dessen", "die die der deren", "das das dem dessen", "die die denen deren")
_STRONG_ARTICLE = _table("er en em es", "e e er er", "es es em es", "e e en er")  # dieser, jeder, alle
_EIN_ARTICLE = _table("- en em es", "e e er er", "- - em es", "e e en er")  # ein, kein, mein
_STRONG = _table("er en em en", "e e er er", "es es em en", "e e en er")
_WEAK = _table("e en en en", "e e en en", "e e en en", "en en en en")
_MIXED = _table("er en en en", "e e en en", "es es en en", "en en en en")
_ADJECTIVES_AFTER = {"der": _WEAK, "dies": _WEAK, "ein": _MIXED, "viel": _STRONG, "fixed": _STRONG, "bare": _STRONG}

_CONTRACTIONS = {
    "in dem": "im",
    "in das": "ins",
    "an dem": "am",
    "zu dem": "zum",
    "zu der": "zur",
    "von dem": "vom",
    "bei dem": "beim",
}


@cache
def article(stem: str, kind: str, gender: int, case: int) -> str:
    """The form of a determiner: kind "der" is definite, "dies" and "viel" end like it, "ein" like ein."""
    if kind == "der":
        return DEFINITE[gender][case]
    if kind in ("dies", "viel"):
        return stem + _STRONG_ARTICLE[gender][case]
    return stem + _EIN_ARTICLE[gender][case] if kind == "ein" else stem


@cache
def adjective(stem: str, kind: str, gender: int, case: int) -> str:
    """The form of an adjective after a determiner of that kind."""
    return stem + _ADJECTIVES_AFTER[kind][gender][case]


def contracted(preposition: str, definite_article: str) -> str | None:
    """The two in one word, where German writes them so."""
    return _CONTRACTIONS.get(f"{preposition} {definite_article}")


def present_forms(infinitive: str, third: str) -> dict[str, str]:
    """The present of a verb without its separable prefix, from its infinitive and its third person."""
    stem = infinitive.removesuffix("n").removesuffix("e")
    if third.endswith("t"):
        first = stem + "e"
        base = third[:-1]
    else:
        first = base = third  # mag, weiß
    second = base + ("t" if base[-1] in "sßzx" else "st")
    return {"1s": first, "2s": second, "3s": third, "1p": infinitive, "3p": infinitive}


def _forms(singular: str, plural: str) -> dict[str, str]:
    return dict(zip(PERSONS, [*singular.split(), plural, plural], strict=True))


SEIN = _forms("bin bist ist", "sind")
WAR = _forms("war warst war", "waren")
HABEN = _forms("habe hast hat", "haben")
HATTE = _forms("hatte hattest hatte", "hatten")
WERDEN = _forms("werde wirst wird", "werden")
MODALS = {
    "kann": _forms("kann kannst kann", "können"),
    "konnte": _forms("konnte konntest konnte", "konnten"),
    "muss": _forms("muss musst muss", "müssen"),
    "musste": _forms("musste musstest musste", "mussten"),
    "will": _forms("will willst will", "wollen"),
    "wollte": _forms("wollte wolltest wollte", "wollten"),
    "darf": _forms("darf darfst darf", "dürfen"),
    "durfte": _forms("durfte durftest durfte", "durften"),
    "sollte": _forms("sollte solltest sollte", "sollten"),
    "möchte": _forms("möchte möchtest möchte", "möchten"),
}
