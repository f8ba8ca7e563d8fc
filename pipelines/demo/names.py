"""Invented names and numbers: companies, persons, places, organisation numbers.

Belongs here: making a name or number that nobody has, each at most once. Not here: who trades with whom (trading.py).

Stems are syllables that no place or family is called by, as far as one can tell. Organisation numbers start with 3, a
series that the register keeps for test data, and pass modulo 11. Bank accounts fail modulo 11 on purpose.
"""

from __future__ import annotations

import random
import re


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_ROOTS = _words(
    "Tjorm Krygg Sværm Drøsk Kvesk Brimsk Eldrø Flyms Grøft Hjusk Jorms Klaust Lydr Mjørk Njust Ormst Prysk Rjomp "
    "Skjølv Trysk Ulvr Vjelm Ysk Ørvm Åsmr Bjøsk Dyvr Fjusk Gjelv Hvalm Knerv Ljosk Myrsk Njelv Plysk Ræms Smørv "
    "Tvelk Vrask Vjusk Øymr Stjolm Kvilm Drumsk Gnælv Skvim Brjost Felmr"
)
_ENDINGS = _words("bø dal eng fjell haug heim hol lia lund mo nes rud set stad tun vik vold ås")
_GIVEN = _words(
    "Anne Arne Astrid Berit Bjørn Camilla Dag Eli Erik Eva Frode Geir Grete Hanne Harald Ida Inger Ivar Jan Jorunn "
    "Kari Kjell Lars Liv Marit Mona Morten Nils Odd Ola Per Ragnhild Randi Rolf Siri Solveig Stein Svein Terje Tone "
    "Torill Unni"
)
_STREETS = _words(
    "Granveien Bjørkestien Møllegata Kaibakken Skoleveien Industriveien Havnegata Torget Elveveien Åsveien"
)
_LEGAL_FORM = re.compile(r" (AS|ASA|ENK|SA|KF|IKS)$")


def comparable(name: str) -> str:
    """Return a name as two ledgers would agree on it: upper case, no punctuation, no trailing legal form."""
    return _LEGAL_FORM.sub("", " ".join(re.sub(r"[^\w]+|_", " ", name.upper()).split()))


def org_no_check_digit(first_eight: str) -> int | None:
    """Return the modulo 11 check digit of eight digits, or None where there is none."""
    weighted = sum(int(digit) * weight for digit, weight in zip(first_eight, (3, 2, 7, 6, 5, 4, 3, 2), strict=True))
    digit = (11 - weighted % 11) % 11
    return None if digit == 10 else digit


class Inventor:
    """Makes names and numbers, none of them twice; the same seed makes the same ones in the same order."""

    def __init__(self, seed: str) -> None:
        self._rng = random.Random(seed)
        self._names: set[str] = set()
        self._serial = 10_000

    def org_no(self) -> str:
        """Return a new organisation number of the test series."""
        while True:
            self._serial += self._rng.randint(1, 7)
            first_eight = f"3{self._serial:07d}"
            digit = org_no_check_digit(first_eight)
            if digit is not None:
                return f"{first_eight}{digit}"

    def bank_account(self) -> str:
        """Return eleven digits that look like a bank account and cannot be one."""
        digits = f"{self._rng.randint(10**9, 10**10 - 1)}"
        weighted = sum(int(d) * w for d, w in zip(digits, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2), strict=True))
        return f"{digits}{((11 - weighted % 11) % 11 + 1) % 10}"

    def stem(self) -> str:
        """Return an invented word that could be a place or a family."""
        return self._rng.choice(_ROOTS) + self._rng.choice(_ENDINGS)

    def company(self, words: tuple[str, ...], legal_form: str) -> str:
        """Return the name of a company in a trade."""
        while True:
            stem = self.stem()
            middle = f" & {self._rng.choice(('Sønn', 'Datter'))}" if self._rng.random() < 0.03 else ""
            word = self._rng.choice(words)
            name = f"Stiftelsen {stem} {word}" if legal_form == "STI" else f"{stem}{middle} {word} {legal_form}"
            if self._take(name):
                return name

    def person(self, before: str = "") -> str:
        """Return the name of a person, or of a sole proprietor's enterprise with a trade in front."""
        while True:
            name = f"{before} {self._rng.choice(_GIVEN)} {self.stem()}".strip()
            if self._take(name):
                return name

    def contact(self) -> str:
        """Return a person's name for a contact; it may come again."""
        return f"{self._rng.choice(_GIVEN)} {self.stem()}"

    def address(self) -> str:
        """Return a street address."""
        return f"{self._rng.choice(_STREETS)} {self._rng.randint(1, 90)}"

    def reserve(self, name: str) -> str:
        """Take a name out of circulation and return it."""
        self._names.add(comparable(name))
        return name

    def public_body(self, kind: str) -> str:
        """Return the name of a public body."""
        while True:
            name = f"{self.stem()} {kind}"
            if self._take(name):
                return name

    def _take(self, name: str) -> bool:
        taken = comparable(name)
        if taken in self._names:
            return False
        self._names.add(taken)
        return True
