"""Propose a ledger profile for a file of unknown layout, and say why.

Belongs here: deciding which column is what, number and date styles, sign, period; and what only a person can decide.
Not here: measuring (ledger_sample.py), header words (ledger_words.py), the profile as text (ledger_draft.py). No run
uses this: a person reads the proposal, and the profile that comes of it is a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from pipelines.parsing.dates import DateReader, read_period
from pipelines.parsing.ledger_decide import Undecided
from pipelines.parsing.ledger_header import folded
from pipelines.parsing.ledger_profile import ANY_COLUMN, DATE_COLUMNS
from pipelines.parsing.ledger_sample import ColumnFacts, Layout, find_layout, measure
from pipelines.parsing.ledger_words import PERIOD, WORDS, YEAR, amount_kind, matches
from pipelines.parsing.tabular import Cell, Source, cell_text

SUM_WORDS = r"(?i)^(sum|delsum|totalsum|total|totalt|subtotal|grand total|i alt|til sammen|saldo)\b"
_ENOUGH = 0.9  # of the filled cells must be what the column is taken for
_LEAST = 0.45  # a lower score is no match
_MOSTLY = 0.75
_FEWEST_FOR_SIGN = 10
_TEXT_OF = {
    "local_account": "local_account_text",
    "kostra_function": "kostra_function_text",
    "supplier_ledger_code": "supplier_name",
}
_CODE_OF = {text: code for code, text in _TEXT_OF.items()}
_MAY_HOLD_BOTH = ("local_account", "kostra_function", "supplier_name", "cost_centre", "project_code")
_NAMED_IN_HEADER = ("amount", "voucher_no", "posting_date", "supplier_name", "local_account")
_VAT_FACTORS = (1.25, 1.15, 1.12, 1.20)
_FILE_NAMES = (
    (r"(?P<year>20[0-9]{2})[-_. ]?(?P<month>0[1-9]|1[0-3])(?![0-9])", "a year and a month"),
    (r"(?i)(?P<month>[a-z]{3})-[a-z]{3}-(?P<year>20[0-9]{2})", "the first of two months and a year"),
    (
        r"(?i)(?P<month>jan|feb|mar|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cs])[a-z]*[-_. ](?P<year>20[0-9]{2})",
        "a month",
    ),
)


@dataclass
class Choice:
    """A column that was chosen for a parsed column.

    Attributes:
        column: The parsed column.
        index: Position in the file.
        header: Header text.
        occurrence: Which of the columns of that name, from 1.
        why: The evidence.
        part: code or text, of a cell that holds both.
        alternatives: Other headers that were considered.
        unsure: What a person must decide; the key is then left commented.
    """

    column: str
    index: int
    header: str
    occurrence: int
    why: str
    part: str | None = None
    alternatives: tuple[str, ...] = ()
    unsure: str | None = None


@dataclass
class Decision:
    """What was decided for a key of the profile other than a column.

    Attributes:
        key: The profile's key.
        value: Its value in YAML.
        why: The evidence.
        unsure: What a person must decide; the key is then left commented.
        check: What a person should look at, although it was decided.
    """

    key: str
    value: str
    why: str
    unsure: str | None = None
    check: str | None = None


@dataclass(frozen=True)
class Missing:
    """A column that figures need and no header or content shows.

    Attributes:
        column: The parsed column.
        consequence: What does not work without it.
    """

    column: str
    consequence: str


# Each with the columns that can stand in for it.
_WANTED = (
    (("supplier_name", "supplier_org_no"), "no purchase can be tied to whom it was paid to."),
    (("supplier_org_no",), "payees are known by their names only, and some not at all."),
    (("voucher_no",), "a ledger saved anew and postings that come twice are harder to know again."),
    (("local_account",), "purchases get no category from the accounts."),
)


@dataclass
class Suggestion:
    """A proposed profile."""

    layout: Layout
    facts: list[ColumnFacts]
    columns: list[Choice] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    must_contain: list[str] = field(default_factory=list)

    @property
    def questions(self) -> list[str]:
        """Return what a person must decide."""
        found: Sequence[Choice | Decision] = [*self.columns, *self.decisions]
        return [entry.unsure for entry in found if entry.unsure]

    @property
    def undecided(self) -> list[Undecided]:
        """Return the keys that a person must decide, in the order of the profile."""
        columns = [Undecided(f"columns.{choice.column}", choice.unsure) for choice in self.columns if choice.unsure]
        return columns + [Undecided(one.key, one.unsure) for one in self.decisions if one.unsure]

    @property
    def missing(self) -> list[Missing]:
        """Return the columns that figures need and the file was not seen to have."""
        found = {choice.column for choice in self.columns}
        return [Missing(names[0], consequence) for names, consequence in _WANTED if not found & set(names)]

    @property
    def checks(self) -> list[str]:
        """Return what was decided and should be looked at."""
        return [decision.check for decision in self.decisions if decision.check]


def suggest_profile(source: Source, file_name: str) -> Suggestion:
    """Propose a profile for a file.

    Raises:
        UnreadableTable: It is no table; the message says why.
    """
    layout = find_layout(source)
    return _Suggester(layout, file_name).suggest()


def _fits(column: str, facts: ColumnFacts) -> float:
    """Return how well what stands in a column fits what its header may say, from 0 to 1."""
    if not facts.filled:
        # An empty column may fill later: its name alone counts, except where only the content can tell.
        return 0.0 if column in ("amount", PERIOD, YEAR) or column in DATE_COLUMNS else 0.9
    test = _TESTS.get(column)
    return 1.0 if test is None else test(facts)


def _at_least(share: float, least: float = _ENOUGH) -> float:
    return share if share >= least else 0.0


_TESTS: dict[str, Callable[[ColumnFacts], float]] = {
    "amount": lambda facts: _at_least(facts.best_amount, 0.5),
    **{column: lambda facts: _at_least(facts.best_date, 0.5) for column in DATE_COLUMNS},
    PERIOD: lambda facts: max(_at_least(facts.periods, 0.5), _at_least(facts.months)),
    YEAR: lambda facts: _at_least(facts.years),
    "supplier_org_no": lambda facts: _at_least(max(facts.mod11, facts.luhn), 0.5),
    "supplier_name": lambda facts: _at_least(facts.letters, 0.5),
    "local_account_text": lambda facts: _at_least(facts.letters, 0.5),
    "kostra_function_text": lambda facts: _at_least(facts.letters, 0.5),
    "supplier_ledger_code": lambda facts: _at_least(facts.codes, 0.5),
    "vat_code": lambda facts: _at_least(facts.codes, 0.5),
    "line_no": lambda facts: _at_least(facts.codes, 0.5),
}


class _Suggester:
    """Decides for one file."""

    def __init__(self, layout: Layout, file_name: str) -> None:
        self.layout, self.file_name, self.header = layout, file_name, layout.header
        self.values = [[_cell(row, index) for row in layout.data] for index in range(len(self.header))]
        self.facts = [measure(values, len(layout.data)) for values in self.values]
        self.chosen: dict[str, Choice] = {}
        self.period_columns: dict[str, int] = {}
        self.decisions: list[Decision] = []

    def suggest(self) -> Suggestion:
        """Return the proposal."""
        self.choose_amount()
        self.choose_by_name()
        self.choose_twins()
        self.choose_account()
        self.choose_by_content()
        self.split_cells()
        self.decide_numbers()
        self.decide_dates()
        self.decide_amounts()
        self.decide_period()
        self.decide_sum_rows()
        self.decide_missing()
        self.decide_currency()
        columns = [self.chosen[column] for column in WORDS if column in self.chosen]
        sure = [choice for choice in columns if choice.unsure is None]
        named = [choice.header for choice in sure if choice.column in _NAMED_IN_HEADER and choice.part != "text"]
        return Suggestion(self.layout, self.facts, columns, self.decisions, list(dict.fromkeys(named)))

    @property
    def taken(self) -> set[int]:
        """Return the positions that are in use."""
        return {choice.index for choice in self.chosen.values()} | set(self.period_columns.values())

    def choice(self, column: str, index: int, why: str, **more: object) -> Choice:
        header = self.header[index]
        before = [folded(text) for text in self.header[: index + 1]]
        return Choice(column, index, header, before.count(folded(header)), why, **more)  # type: ignore[arg-type]

    def choose_amount(self) -> None:
        """Choose the amount: a net one before a gross one."""
        found = []
        for index, text in enumerate(self.header):
            scores = [score for column, score, _ in matches(text) if column == "amount"]
            if text and scores and (fit := _fits("amount", self.facts[index])):
                found.append((scores[0] * fit, index))
        if not found:
            return
        found.sort(key=lambda entry: (-entry[0], entry[1]))
        kinds = {index: amount_kind(self.header[index]) for _, index in found}
        net = [index for _, index in found if kinds[index] == "net"]
        plain = [index for _, index in found if kinds[index] is None]
        index = (net or plain or [found[0][1]])[0]
        others = tuple(self.header[other] for _, other in found if other != index)
        why = f"its name says {'an amount net of VAT' if net else 'an amount'}; {self.amount_facts(index)}"
        unsure = None
        if not net and len(plain) > 1 and (smaller := self.net_by_ratio(plain)) is None:
            unsure = f"Which of {', '.join(self.header[other] for other in plain)} is the amount net of VAT?"
        elif not net and len(plain) > 1 and smaller is not None:
            index, why = smaller, f"of {len(plain)} amounts it is the smaller one by a VAT rate, in most rows"
            others = tuple(self.header[other] for other in plain if other != index)
        self.chosen["amount"] = self.choice("amount", index, why, alternatives=others, unsure=unsure)

    def amount_facts(self, index: int) -> str:
        facts = self.facts[index]
        return (
            f"{facts.best_amount:.0%} of {facts.filled} cells are numbers, {facts.with_part:.0%} with decimals, "
            f"{facts.negative:.0%} negative"
        )

    def net_by_ratio(self, indexes: list[int]) -> int | None:
        """Return which of two amounts is the other one without VAT, or None."""
        from pipelines.parsing.ledger_sample import COMMA, POINT

        if len(indexes) != 2:
            return None
        style = COMMA if self.facts[indexes[0]].comma >= self.facts[indexes[0]].point else POINT
        votes = {indexes[0]: 0, indexes[1]: 0}
        for row in zip(*(self.values[index] for index in indexes), strict=True):
            first, second = (style.read(cell_text(value)) for value in row)
            for smaller, larger, index in ((first, second, indexes[0]), (second, first, indexes[1])):
                if smaller and larger and any(abs(float(larger / smaller) - rate) < 0.005 for rate in _VAT_FACTORS):
                    votes[index] += 1
        best = max(votes, key=lambda index: votes[index])
        return best if votes[best] * 2 > len(self.layout.data) else None

    def choose_by_name(self) -> None:
        """Choose every other column by its header, best score first, where its content agrees."""
        scored = []
        for index, text in enumerate(self.header):
            for column, score, word in matches(text) if text else ():
                if column == "amount":
                    continue
                # The Swedish leverantor_id is one or the other by its content.
                total = score * _fits(column, self.facts[index]) + (0.01 if column == "supplier_org_no" else 0)
                scored.append((total, -index, column, word))
        order = list(WORDS)
        for total, place, column, word in sorted(
            scored, key=lambda entry: (-entry[0], -entry[1], order.index(entry[2]))
        ):
            index = -place
            if total < _LEAST or index in self.taken or column in self.chosen or column in self.period_columns:
                continue
            if column in (PERIOD, YEAR):
                self.period_columns[column] = index
                continue
            others = tuple(
                self.header[-other]
                for score, other, name, _ in scored
                if name == column and other != place and score >= _LEAST
            )
            why = f"its name is like '{word}'; {self.content(column, index)}"
            self.chosen[column] = self.choice(column, index, why, alternatives=others)

    def content(self, column: str, index: int) -> str:
        """Return what stands in a column, in words."""
        facts = self.facts[index]
        if not facts.filled:
            return "it is empty in this file"
        share = {
            "supplier_org_no": f"{max(facts.mod11, facts.luhn):.0%} have a right check digit, ",
            **{name: f"{facts.best_date:.0%} are dates, " for name in DATE_COLUMNS},
        }.get(column, "")
        return f"{share}{facts.filled} filled cells, {facts.distinct} different"

    def choose_twins(self) -> None:
        """Choose, of two columns of one name, the code for the text's column and the text for the code's."""
        for column, choice in list(self.chosen.items()):
            twins = [
                index
                for index, text in enumerate(self.header)
                if text and folded(text) == folded(choice.header) and index not in self.taken
            ]
            other = _TEXT_OF.get(column) or _CODE_OF.get(column)
            if not twins or other is None or other in self.chosen:
                continue
            facts = self.facts[twins[0]]
            if (column in _TEXT_OF and facts.letters >= 0.5) or (column in _CODE_OF and facts.codes >= _ENOUGH):
                why = f"a second column named '{choice.header}': {self.content(other, twins[0])}"
                self.chosen[other] = self.choice(other, twins[0], why)

    def choose_account(self) -> None:
        """Take the account's name for the account, where no column has codes."""
        named = self.chosen.get("local_account_text")
        if named is not None and "local_account" not in self.chosen:
            del self.chosen["local_account_text"]
            why = f"{named.why}; no column has the account's code"
            self.chosen["local_account"] = replace(named, column="local_account", why=why)

    def choose_by_content(self) -> None:
        """Propose, for what no header names, what the content alone speaks for; a person decides."""
        tests: dict[str, Callable[[ColumnFacts], bool]] = {
            "supplier_org_no": lambda facts: facts.mod11 >= _ENOUGH and facts.distinct > 1,
            "posting_date": lambda facts: facts.best_date >= _ENOUGH and "excel_serial" not in facts.dates,
            "amount": lambda facts: facts.best_amount >= _ENOUGH and facts.with_part > 0.2,
        }
        for column, test in tests.items():
            free = [index for index, facts in enumerate(self.facts) if index not in self.taken and self.header[index]]
            found = [index for index in free if self.facts[index].filled and test(self.facts[index])]
            if column in self.chosen or not found:
                continue
            if column == "supplier_org_no" and len(found) == 1:
                self.chosen[column] = self.choice(column, found[0], self.content(column, found[0]))
                continue
            names = ", ".join(self.header[index] for index in found)
            unsure = f"Is {names} the {column.replace('_', ' ')}? No header says so, only what stands below."
            self.chosen[column] = self.choice(column, found[0], self.content(column, found[0]), unsure=unsure)

    def split_cells(self) -> None:
        """Split cells that hold a code and its text."""
        for column in _MAY_HOLD_BOTH:
            choice = self.chosen.get(column)
            if choice is None or self.facts[choice.index].code_and_text < 0.5:
                continue
            share = f"{self.facts[choice.index].code_and_text:.0%} of the cells are a code and a text"
            code, text = (_CODE_OF[column], column) if column in _CODE_OF else (column, _TEXT_OF.get(column))
            if code == column or code not in self.chosen:
                self.chosen[code] = self.choice(code, choice.index, f"{choice.why}; {share}", part="code")
            if text is not None and (text == column or text not in self.chosen):
                self.chosen[text] = self.choice(text, choice.index, share, part="text")

    def decide_numbers(self) -> None:
        choice = self.chosen.get("amount")
        if choice is None or self.facts[choice.index].native_numbers == 1:
            return
        facts = self.facts[choice.index]
        why = (
            f"{facts.only_comma} amounts can only have a decimal comma, {facts.only_point} only a decimal point, "
            f"{facts.either} could be either"
        )
        unsure = None
        if facts.only_comma == facts.only_point:
            unsure = (
                "Which is the decimal sign? No amount in the sample shows it"
                + (": 1.234 may be 1234 or 1.234." if facts.either else "; a comma is taken where nothing is said.")
            )  # fmt: skip
        if facts.only_point > facts.only_comma:
            value = '{decimal: ".", thousands: [",", " ", "\\u00a0"]}'
        else:
            value = '{decimal: ",", thousands: [" ", "\\u00a0", "\\u202f", "."]}'
        self.decisions.append(Decision("numbers", value, why, unsure))

    def decide_dates(self) -> None:
        """Decide the date formats of all date columns together."""
        formats: dict[str, float] = {}
        indexes = [choice.index for column, choice in self.chosen.items() if column in DATE_COLUMNS]
        indexes = [index for index in indexes if self.facts[index].dates]
        for index in indexes:
            for pattern, share in self.facts[index].dates.items():
                formats[pattern] = formats.get(pattern, 0.0) + share / len(indexes)
        if not formats:
            return
        best = max(formats, key=lambda pattern: formats[pattern])
        mirrored = {"dd/mm/yyyy": "mm/dd/yyyy", "mm/dd/yyyy": "dd/mm/yyyy"}.get(best)
        unsure = None
        if mirrored and formats.get(mirrored, 0.0) >= formats[best]:
            unsure = "Is the day or the month first? Every date in the sample can be read both ways."
        others = [name for name in formats if name not in (best, mirrored) and formats[name] >= 0.005]
        why = ", ".join(f"{name} reads {formats[name]:.0%}" for name in [best, *others])
        value = "[" + ", ".join(f"'{name}'" if "%" in name else name for name in [best, *others]) + "]"
        self.decisions.append(Decision("dates", value, why, unsure))

    def decide_amounts(self) -> None:
        """Decide net or gross, and the sign."""
        choice = self.chosen.get("amount")
        if choice is None:
            why = "no column has a name and numbers like an amount"
            self.decisions.append(Decision("columns.amount", '""', why, "Which column is the amount net of VAT?"))
            return
        kind = amount_kind(choice.header)
        unsure = None if kind else f"Is '{choice.header}' net or gross of VAT? Its name does not say; net is taken."
        why = f"the header '{choice.header}'"
        self.decisions.append(Decision("amount_kind", kind or "net", why, unsure))
        negative = self.facts[choice.index].negative
        why = f"{negative:.0%} of the amounts are negative; expenses must be positive"
        few = self.facts[choice.index].filled < _FEWEST_FOR_SIGN
        unsure = None
        if negative > 0.5 and (few or negative <= _MOSTLY):
            unsure = "Are expenses negative in this file, or are these credit notes? There are too few amounts to tell."
        self.decisions.append(Decision("sign", "-1" if negative > 0.5 else "1", why, unsure))

    def decide_period(self) -> None:
        """Decide how the fiscal period is found: a column, a date, the file's name."""
        decision = self.period_by_column() or self.period_by_date() or self.period_by_file_name()
        if decision is None:
            unsure = "Where does the fiscal period come from? Neither a column, a date nor the file's name shows it."
            decision = Decision("period", "{from: posting_date}", "nothing found", unsure)
        self.decisions.append(decision)

    @property
    def day(self) -> Choice | None:
        """Return the date whose month can be the period."""
        return next((self.chosen[name] for name in ("posting_date", "invoice_date") if self.is_sure(name)), None)

    def period_by_column(self) -> Decision | None:
        period, year, day = self.period_columns.get(PERIOD), self.period_columns.get(YEAR), self.day
        if period is None:
            return None
        name = self.header[period]
        if self.facts[period].periods >= 0.5:
            rule, why = f"{{column: {_quoted(name)}, style: yyyymm}}", f"'{name}' is written yyyymm"
            agrees = self.agreement(period, day.index) if day is not None else None
            if day is not None and agrees is not None:
                why += f"; in {agrees:.0%} of the rows it is the month of '{day.header}' or one beside it"
                if agrees < 0.5:
                    check = f"'{name}' is no calendar month in most rows (it may count from April): the date is taken."
                    return Decision("period", f"{{from: {day.column}}}", why, check=check)
        elif year is not None and self.facts[period].months >= _ENOUGH:
            why = f"'{name}' is 1 to 13 and '{self.header[year]}' the year"
            rule = f"{{column: {_quoted(name)}, style: mm, year_column: {_quoted(self.header[year])}}}"
        else:
            return None
        if self.facts[period].share_filled < 1 and day is not None:
            rule = f"[{rule}, {{from: {day.column}}}]"
            check = f"'{name}' is blank in some rows: there the month of '{day.header}' is taken. Is that right?"
            return Decision("period", rule, why, check=check)
        return Decision("period", rule, why)

    def period_by_date(self) -> Decision | None:
        if (day := self.day) is None:
            return None
        rule = f"{{from: {day.column}}}"
        if self.facts[day.index].share_filled < 1 and (named := self.by_file_name()):
            rule = f"[{rule}, {named[0]}]"
        return Decision("period", rule, f"no column of periods; the month of '{day.header}' is taken")

    def period_by_file_name(self) -> Decision | None:
        if (named := self.by_file_name()) is None:
            return None
        why = f"no column of periods and no dates; the file's name holds {named[1]}"
        return Decision("period", named[0], why, check="All rows get the month in the file's name: is that right?")

    def is_sure(self, column: str) -> bool:
        return column in self.chosen and self.chosen[column].unsure is None

    def by_file_name(self) -> tuple[str, str] | None:
        for pattern, words in _FILE_NAMES:
            if re.search(pattern, self.file_name):
                return f"{{from_file_name: '{pattern}'}}", words
        return None

    def agreement(self, period: int, day: int) -> float | None:
        """Return in which share of rows a period is the month of a date, or one beside it."""
        reader = DateReader(tuple(self.facts[day].dates) or ("yyyy-mm-dd",))
        compared = agreed = 0
        for text, value in zip(self.values[period], self.values[day], strict=True):
            try:
                year, month = read_period(cell_text(text), "yyyymm").split("-")
                found = reader.read(value if not isinstance(value, str) else value.strip())
            except ValueError:
                continue
            compared += 1
            agreed += abs((int(year) * 12 + min(int(month), 12)) - (found.year * 12 + found.month)) <= 1
        return agreed / compared if compared else None

    def decide_sum_rows(self) -> None:
        blank = [name for name in ("voucher_no", "supplier_org_no", "invoice_no") if self.is_sure(name)]
        if "voucher_no" not in blank:
            blank += [name for name in ("supplier_name", "posting_date") if self.is_sure(name)]
        if not blank:
            return
        positions = [self.chosen[name].index for name in blank]
        words = re.compile(SUM_WORDS)
        found = sum(
            any(words.search(cell_text(value)) for value in row) and not any(_cell(row, index) for index in positions)
            for row in self.layout.rows
        )
        value = f"[{{column: \"{ANY_COLUMN}\", matches: '{SUM_WORDS}', blank: [{', '.join(blank)}]}}]"
        why = f"{found} rows of the sample are sums: such a word, and blank where postings are filled"
        self.decisions.append(Decision("sum_rows", value, why))

    def decide_missing(self) -> None:
        strict = {*DATE_COLUMNS, "supplier_org_no"}
        texts: set[str] = set()
        for column, choice in self.chosen.items():
            if column != "amount":
                nothing = self.facts[choice.index].nothing
                texts |= (
                    set(nothing)
                    if column in strict
                    else {text for text in nothing if text in ("-", "?", "N/A", "NULL")}
                )
        if texts:
            value = "[" + ", ".join(_quoted(text) for text in sorted(texts)) + "]"
            self.decisions.append(Decision("missing", value, "these stand where nothing is meant"))

    def decide_currency(self) -> None:
        words = {folded(text) for text in self.header}
        if words & {"leverantor", "leverantör", "verifikationsnummer", "belopp", "nettobelopp"}:
            currency = "SEK"
        elif any("supplier" in word or "amount" in word for word in words):
            currency = "GBP"
        else:
            return
        unsure = f"Which currency? No cell says; NOK is taken unless you set it (the headers look like {currency})."
        self.decisions.append(Decision("constants", f"{{currency: {currency}}}", "the language of the headers", unsure))


def _cell(row: Sequence[Cell], index: int) -> Cell:
    return row[index] if index < len(row) else ""


def _quoted(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False)
