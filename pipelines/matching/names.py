"""Likeness of two names of companies, and whether a name is a person's.

Belongs here: the words and rules by which names are compared: pure functions of the names alone, so that a pair scored
today scores the same tomorrow, whatever else the register holds. Not here: which pairs are looked at (suppliers.py),
which likeness is enough (dbt).

(1) A name is folded: lower case, accents off, ø as o, å and aa as a, æ as ae, what UTF-8 read as Latin-1 mended, a
    figure amid letters read as the letter that it looks like.
(2) What follows avd., filial, c/o, v/ and the like is a department or a person, not the company's name.
(3) Legal forms are compared apart: another form costs, a missing one does not. What follows one, a place or a branch,
    tells little.
(4) Each word counts by what it tells: words that many companies share (trades, Norge, og) count little.
(5) A word's likeness falls by what differs: a letter too many, too few or swapped costs less than another letter, and a
    figure has no likeness but to itself. A word cut short (at least three letters) is like the whole one.
(6) Likeness of names is the harmonic mean of how much of each is found in the other, or that of the names without
    spaces where words were joined or split.
(7) A name reads as a person's where a given name stands beside another word and no company's legal form is in it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from pipelines.person_names import find_person_names


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# (3) Folded; of other countries too. ENK is no company's: it is a person's own enterprise.
LEGAL_FORMS = _words("as asa ans da sa ks iks kf fkf ba sti nuf ab oy aps ltd limited plc gmbh llc inc enk hf sti sf")
_PERSONAL_FORM = "enk"
# (4) Trades and other words that tell little of which company it is; a word that ends in one of the longer ones too.
TRADES = _words(
    """
    bakeri bakst konditori renhold rengjoring vask vaskeri bygg byggservice bygging entreprenor entreprise maskin
    maskiner transport bud spedisjon taxi drosje buss bussreiser turbil bil bilverksted verksted bilpleie dekk mat
    catering kafe kantine grossist engros dagligvare handel butikk blomster gartneri hage hagesenter anlegg anleggs
    anleggsgartner ror rorlegger roer vvs elektro elektriker installasjon kraft energi nett strom oppvarming ved
    snekker snekkeri tre trevare trelast byggevare byggevarer maler malermester maleri glass tak taktekker blikk mur
    murmester betong stal mekanisk industri industrier service tjenester tjeneste konsulent konsult radgivning
    radgivende arkitekt arkitekter ingenior prosjekt data it ikt system systemer software teknologi kontor papir trykk
    trykkeri grafisk reklame skilt media forlag bok bokhandel skole kurs kompetanse opplaering barnehage omsorg
    helse lege legesenter tannlege apotek fysioterapi medisinsk utstyr sykehjem hjemmetjeneste bofellesskap vakt
    vakter sikkerhet alarm las forsikring bank regnskap revisjon advokat advokatfirma eiendom eiendommer utleie leie
    hotell restaurant gjenvinning avfall renovasjon miljo container moebel mobel mobler inventar interior sport
    leker lek lekeapparater foto lyd lys klima kjol kulde ventilasjon heis maskinservice gravemaskin graving
    sprengning asfalt vei veivedlikehold brann laeremidler undervisning tekstil arbeidstoy som klaer farge
    jernvare vaktmester vekst arbeid aktivitet ferge ferje rederi fisk kjott gront frukt meieri landbruk murer
    verft produkter produksjon design trafikk kjoreskole begravelsesbyra frisor optiker kiropraktor stell
    bakery cleaning building builders transport services consulting consultants engineering systems solutions supplies
    """
)
_FILLERS = _words(
    """
    og i av for med paa pa til the and of norge norsk norway nordic nordisk skandinavia scandinavia norden gruppen
    group holding drift avdeling firma company co sonn sonner brodrene datter son sons stiftelsen stiftelse
    kommune kommunale foretak samvirkelag lag senter sentral sentrum nord sor ost vest midt indre ytre
    """
)
_TRADE_ENDINGS = tuple(sorted(word for word in TRADES if len(word) >= 5))
_GENERIC_WEIGHT, _SHORT_WEIGHT = 0.35, 0.5
_LETTER_MOVED, _LETTER_CHANGED, _FIRST_LETTER, _CUT_SHORT = 0.7, 1.25, 0.4, 0.9
_LEAST_WORD = 0.7
_OTHER_FORM = 0.08
_COMPACT_PENALTY = 0.02
_DAMAGED = {"Ã¸": "ø", "Ã¥": "å", "Ã¦": "æ", "Ã˜": "Ø", "Ã…": "Å", "Ã†": "Æ"}
_LETTERS = str.maketrans({"ø": "o", "ö": "o", "å": "a", "ä": "ae", "æ": "ae", "ü": "u", "é": "e", "è": "e", "ð": "d"})
_APART = re.compile(r"(?:\b(?:avd(?:eling)?|filial|att|tlf)\b|\bc/o|\bv/|\borg\.?\s?nr).*$")
_SLASHED_FORM = re.compile(r"\b(a)/(s)\b")
_NOT_WORDS = re.compile(r"[^a-z0-9]+")
_FIGURE_AMID_LETTERS = re.compile(r"(?<=[a-z]{2})[015](?=[a-z])")
_LOOKS_LIKE = {"0": "o", "1": "i", "5": "s"}


@lru_cache(maxsize=1 << 17)
def folded(name: str) -> str:
    """Return a name as it is compared: (1), (2), words with one space between."""
    text = name
    for damaged, letter in _DAMAGED.items():
        text = text.replace(damaged, letter)
    text = _SLASHED_FORM.sub(r"\1\2", text.casefold()).translate(_LETTERS)
    kept = _APART.sub("", text)
    words = _NOT_WORDS.sub(" ", kept if _NOT_WORDS.sub("", kept) else text).replace("aa", "a").replace("oe", "o")
    words = _FIGURE_AMID_LETTERS.sub(lambda figure: _LOOKS_LIKE[figure[0]], words)
    return " ".join(words.split())


def forms_of(words: list[str]) -> set[str]:
    """Return the legal forms among the words of a folded name."""
    return set(LEGAL_FORMS.intersection(words))


def telling_words(words: list[str]) -> list[str]:
    """Return the words of a folded name without legal forms; all of them where nothing else is left."""
    return [word for word in words if word not in LEGAL_FORMS] or words


def is_trade(word: str) -> bool:
    """Return whether a folded word is a trade, or ends in one."""
    return word in TRADES or word.endswith(_TRADE_ENDINGS)


@lru_cache(maxsize=1 << 16)
def weight_of(word: str) -> float:
    """Return how much a folded word tells (4)."""
    if word in TRADES or word in _FILLERS:
        return _GENERIC_WEIGHT
    return _SHORT_WEIGHT if len(word) < 3 else 1.0


def weighed_words(words: list[str]) -> list[tuple[str, float]]:
    """Return the words of a folded name without legal forms, each with what it tells (3), (4)."""
    telling: list[tuple[str, float]] = []
    is_after_form = False
    for word in words:
        if word in LEGAL_FORMS:
            is_after_form = bool(telling)
        else:
            telling.append((word, min(weight_of(word), _GENERIC_WEIGHT) if is_after_form else weight_of(word)))
    return telling or [(word, 1.0) for word in words]


def name_kind(name: str) -> str:
    """Return what kind of name it is: company, person, person_and_trade or unsure (7)."""
    words = folded(name).split()
    forms = forms_of(words)
    has_trade = any(is_trade(word) for word in telling_words(words))
    if forms - {_PERSONAL_FORM}:
        return "company"
    if forms or find_person_names(_without_trades(name), any_case=True):
        return "person_and_trade" if has_trade else "person"
    return "company" if has_trade else "unsure"


def _without_trades(name: str) -> str:
    """Return a name without its trades: what is left of 'Solveig Bakeri' is no person's name."""
    return " ".join(word for word in re.split(r"\s+", name) if not is_trade(folded(word)))


@lru_cache(maxsize=1 << 17)
def _taken_apart(name: str) -> tuple[list[tuple[str, float]], set[str]]:
    words = name.split()
    return weighed_words(words), forms_of(words)


def likeness(name: str, other: str) -> float:
    """Return how alike two folded names are, 0 to 1, four decimals (3)-(6)."""
    (words, forms), (others, other_forms) = _taken_apart(name), _taken_apart(other)
    if not (words and others):
        return 0.0
    score = max(_by_words(words, others), _by_letters(words, others))
    if forms and other_forms and forms.isdisjoint(other_forms):
        score -= _OTHER_FORM
    return max(0.0, round(score, 4))


_Weighed = list[tuple[str, float]]


def _by_words(words: _Weighed, others: _Weighed) -> float:
    found, found_in_other = _found(words, others), _found(others, words)
    return 2 * found * found_in_other / (found + found_in_other) if found and found_in_other else 0.0


def _found(words: _Weighed, others: _Weighed) -> float:
    """Return how much of the first name is found in the second, by weight."""
    total = sum(weight for _, weight in words)
    return sum(weight * max(word_likeness(word, other) for other, _ in others) for word, weight in words) / total


def _by_letters(words: _Weighed, others: _Weighed) -> float:
    """Return the likeness of the names without spaces, for words joined or split."""
    compact, other = "".join(word for word, _ in words), "".join(word for word, _ in others)
    if len(words) == len(others) or min(len(compact), len(other)) < 6:
        return 0.0
    return max(0.0, word_likeness(compact, other) - _COMPACT_PENALTY)


@lru_cache(maxsize=1 << 18)
def word_likeness(word: str, other: str) -> float:
    """Return how alike two folded words are, 0 to 1 (5)."""
    if word == other:
        return 1.0
    shorter, longer = (word, other) if len(word) <= len(other) else (other, word)
    if not (word.isalpha() and other.isalpha()):
        return 0.0
    if len(shorter) >= 3 and longer.startswith(shorter) and len(longer) - len(shorter) > 1:
        return _CUT_SHORT if len(shorter) * 2 >= len(longer) else _LEAST_WORD
    if len(shorter) < 4:
        return 0.0
    from rapidfuzz.distance import OSA, Levenshtein

    edits = OSA.distance(word, other, score_cutoff=max(1, len(longer) // 4))
    if edits > max(1, len(longer) // 4):
        return 0.0
    moved = min(edits, abs(len(word) - len(other)) + Levenshtein.distance(word, other) - edits)
    cost = moved * _LETTER_MOVED + (edits - moved) * _LETTER_CHANGED
    if word[0] != other[0] and word[:2] != other[1::-1]:
        cost += _FIRST_LETTER
    alike = 1 - cost / len(longer)
    return alike if alike >= _LEAST_WORD else 0.0
