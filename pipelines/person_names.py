"""Names of persons in text: a common given name beside another capitalised word.

Belongs here: the list of given names, and finding a name by it. Not here: what is done where one is found (mask.py,
preparing/). A list never holds everybody: it stops what is likely, it proves nothing.

(1) A name is a given name and a word beside it, both capitalised, or both in capitals: "Kari Nordmann",
    "NORDMANN, KARI". (2) Given names that are also everyday words count only before a word that is no unit or measure.
(3) A firm's name is no person's: a legal form after it ("Kari Nordmann AS") ends the matter, except ENK, which is one.
"""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_GIVEN = _words(
    """
    aase abdi abdullah ada adam adrian agnes agnete ahmad ahmed aksel alexander alf alfred ali alice alma amalie
    amanda amina amir anders andrea andreas andre andré ane anette anita anja ann anna anne anneli annette
    anniken ante anton aria arild arne arnfinn arnt arthur arve arvid asbjørn ase asle aslak asgeir astrid atle
    aud audun august aurora axel barbro beate bendik bente benjamin berit bernt bertil birger birgit birgitte
    birte bjarne bjørg bjørge bjørn bjørnar bodil børge borghild brage brit britt brynjar bård camilla carina
    carl caroline casper cathrine cecilie charlotte christian christina christine christoffer christopher clara
    claus dagfinn dagmar dagny dagrun daniel david dina ebba edvard edvin egil einar eirik eirin eivind elena
    eli elias elin eline elisa elisabeth elise ella ellen ellinor elsa else emil emilie emily emma endre erik
    erika erlend erling ernst esben eskil espen ester even eva evy fabian farah fatima filip finn fredrik freddy
    frida fride frithjof frode frøydis georg geir gerd gina gjermund gjertrud grete grethe gry gudrun gudveig
    gunhild gunn gunnar gunvor gustav guttorm guro gøran hassan hans hanna hannah hanne harald harry hauk hedda
    hedvig heidi helen helena helene helge henning henriette henrik henny herman hermann hilda hilde hildegunn
    hussein håkon håvard ibrahim ida idar idun inga ingar inge ingeborg inger ingrid ingunn ingvar ingvild irene
    iris isabel isabella isak iselin ismail ivan ivar iver jakob jan janne jannicke jarl jarle jeanette jens
    jesper joachim joakim johan johanna johanne johannes john johnny jon jonas jonathan jorunn jorun josef
    josefine joseph julia julian julie jørgen jørn jørund kai kaia kaja kamilla karen kari karin karina karl
    karoline kasper katarina kate kathrine katrine kenneth kent ketil khadija kim kine kirsten kirsti kjartan
    kjell kjellaug kjersti kjetil klara klaus knut konrad kris kristian kristin kristina kristine kristoffer
    kurt kåre lars lasse laila layla lea leif leila lena lene leo leon leonard leonora lilly lill lillian lilian
    linda line linn linnea lisa lisbeth lise liss live lotte louise lucas ludvig lukas lydia magne magnhild
    magnus maja malin margaret margrete margareth margrethe margit margunn maren mari maria mariam mariann
    marianne marie marit marius mark markus marta marte martha marthe martin martine marwa mathea mathias
    mathilde mats matteo mattias maud may merete meryem mia michael michelle mikael mikkel mikal milla mina mira
    miriam mohamed mohammad mohammed mona monica monika morten muhammad mustafa nadia nanna natalie nathalie
    niklas nicolai nicolas nicoline nikolai nils nina noah noor nora norunn oda odd oddbjørn oddny oddvar ola
    olaf olaug olav ole olga olivia oliver omar oscar oskar otto ottar patrick patrik paul paula peder per peter
    petter pernille pål ragna ragnar ragnhild rakel ranveig randi randulf rebecca rebekka reidar reidun renate
    richard rikke roald robert robin roger rolf rolv ronny rose rune runa ruth rønnaug sabina said sabrina sahra
    samir samuel sandra sander sara sarah sebastian selma sigbjørn sigmund signe signy sigrid sigrun sigurd
    sigve silje silvia simen simon sindre siri siren siv sivert snorre sofia sofie solfrid solveig solvår sondre
    sonja stein steinar steinulf stefan stian stig stine stephanie stephen sturla sunniva susanne svanhild svein
    sveinung sven svenn sverre sylvi sylvia synne synnøve synøve sølvi søren tage tarald tarjei tatiana tellef
    terje thea theodor therese thomas thor thora thorbjørn thore thorleif tilde tim tina tiril tobias tom tomas
    tommy tone tonje tor tora torbjørn torborg tord tore torfinn torgeir torger torgrim torgunn torhild toril
    torill torkel torkil torleif tormod torstein torunn torvald trine trond truls trude trygve turid ulf ulla
    ulrik una unni ursula vanja vegar vegard vera vetle victor victoria vidar viktor vibeke viggo vigdis
    vilde vilhelm viljar vivian wenche wilhelm william yasmin yngvar yngve yngvild yusuf yvonne zahra zainab
    zara øistein øivind ørjan øyvind øystein åge ågot åse åshild åslaug åsmund
    """
)
# (2) Also everyday words in invoices and ledgers.
_ALSO_WORDS = _words(
    """
    dag liv bo gro odd per may rose live mark tage even isak kai kim roger siv
    """
)
_NO_SURNAMES = _words(
    """
    stk kg liter time timer måned mnd uke dag dager år kvartal enhet pakke pk par sett meter km person deltaker
    barn kr nok mva og i på av til for med
    """
)
_LEGAL_FORMS = _words(
    """
    as asa sa ans da iks kf ba sti nuf ks
    """
)
_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*\.?")
_BETWEEN = re.compile(r"(?: {1,3}|,\s{0,2}|_|-|\.)")


def find_person_names(text: str, *, any_case: bool = False) -> list[tuple[int, int]]:
    """Return where in a text names of persons stand, as (start, end).

    Args:
        text: Any text, folded.
        any_case: The text is a file's name or an address, where people write without capitals.
    """
    words = [(found.start(), found.end(), found[0].rstrip(".")) for found in _WORD.finditer(text)]
    found, position = [], 0
    while position < len(words):
        run = _run_of_names(text, words, position, any_case=any_case)
        if len(run) > 1 and any(_is_given(run, index) for index in range(len(run))) and not _is_firm(words, run):
            found.append((run[0][0], run[-1][1]))
        position += max(1, len(run))
    return found


_Word = tuple[int, int, str]


def _run_of_names(text: str, words: list[_Word], first: int, *, any_case: bool) -> list[_Word]:
    """Return the words from ``first`` on that could be one name: capitalised, with nothing but a space between."""
    run: list[_Word] = []
    for word in words[first:]:
        if not any_case and not word[2][0].isupper():
            break
        if run and not _BETWEEN.fullmatch(text[run[-1][1] : word[0]]) and run[-1][1] != word[0]:
            break
        run.append(word)
    return run


def _is_given(run: list[_Word], index: int) -> bool:
    given = run[index][2].casefold()
    if given not in _GIVEN and given.partition("-")[0] not in _GIVEN:
        return False
    beside = [run[place][2].casefold() for place in (index - 1, index + 1) if 0 <= place < len(run)]
    if given in _ALSO_WORDS:
        beside = [run[index + 1][2].casefold()] if index + 1 < len(run) else []
    return any(len(word) > 1 and word not in _NO_SURNAMES for word in beside)


def _is_firm(words: list[_Word], run: list[_Word]) -> bool:
    """(3) Return whether a legal form stands in the run, or right after it."""
    following = words.index(run[-1]) + 1
    after = [words[following][2]] if following < len(words) else []
    return any(word.casefold() in _LEGAL_FORMS for word in [*(word for _, _, word in run), *after])
