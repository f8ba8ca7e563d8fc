"""Every message that a reader can refuse a file or row with (IN01), or leave it out (IN03), has its words in bokmål."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path

import pytest

from pipelines.parsing.ehf import _REQUIRED
from pipelines.parsing.sender_reasons import reason_of
from pipelines.registers_nb import REMARKS
from pipelines.settings import PROJECT_ROOT

PIPELINES = PROJECT_ROOT / "pipelines"
# Who makes a refusal, and which of its arguments is the message; the rule is IN01 or IN03, or comes first.
MAKERS = {
    "Reject": 1,
    "issue": 1,
    "refused_file": 1,
    "refuse": 0,
    "UnreadableTable": 0,
    "UnreadableXml": 0,
    "UnusableEnvelope": 0,
    "LedgerRefused": 0,
    "RefusedArchive": 0,
    "_refuse": 1,
}
# The company register's file is the consortium's own: nobody gets a report on it. Samples are only suggested from.
LEFT_OUT = ("brreg.py", "ledger_sample.py", "ledger_suggest.py", "inspect.py", "sender_reasons.py", "sender_texts.py")
MODULES = [
    path
    for path in (*sorted((PIPELINES / "parsing").glob("*.py")), PIPELINES / "landing/archives.py")
    if path.name not in LEFT_OUT
]
# Functions and constants that messages are taken from, wherever they are defined.
HOMES = [*MODULES, PIPELINES / "limits.py"]
# What an inner reason stands in: told here once, so that each is seen as the reader sees it.
FRAMES = {
    "UnreadableXml": "The file cannot be read as XML: {}. Ask the sender for the document again.",
    "UnusableEnvelope": "The SBDH envelope {}; one invoice or credit note was expected. Deliver them one by one.",
    "UnreadableTable": "The file cannot be read by the profile 'p'. {}",
    "RefusedArchive": "The archive was not unpacked: {}. Deliver its files as they are, or in a plain zip.",
    "_refuse": "The archive was not unpacked: {}. Deliver its files as they are, or in a plain zip.",
}
Scope = dict[str, list[ast.expr]]


def _assigned(tree: ast.AST) -> Scope:
    found: Scope = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node.value)
                elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    for name, value in zip(target.elts, node.value.elts, strict=True):
                        if isinstance(name, ast.Name):
                            found.setdefault(name.id, []).append(value)
        elif isinstance(node, ast.NamedExpr):
            found.setdefault(node.target.id, []).append(node.value)
    return found


TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in HOMES}
FUNCTIONS = [
    (path, node) for path, tree in TREES.items() for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
]
CONSTANTS: Scope = {
    name: values for tree in TREES.values() for name, values in _assigned(tree).items() if name.upper() == name
}


class _Texts:
    """Gives the texts that an expression can be; a value in one that is no text of ours is 7."""

    def __init__(self, path: Path, scope: Scope, seen: AbstractSet[str] = frozenset()) -> None:
        self.path, self.scope, self.seen = path, scope, seen

    def of(self, node: ast.expr) -> Iterator[str]:
        read = getattr(self, f"_{type(node).__name__}", None)
        if read is not None:
            yield from read(node)

    def _Constant(self, node: ast.Constant) -> Iterator[str]:
        if isinstance(node.value, str):
            yield node.value

    def _JoinedStr(self, node: ast.JoinedStr) -> Iterator[str]:
        texts = [""]
        for part in node.values:
            told = [str(part.value)] if isinstance(part, ast.Constant) else self._filled(part)
            texts = [text + one for text in texts for one in told]
        yield from texts

    def _filled(self, part: ast.expr) -> list[str]:
        value = part.value if isinstance(part, ast.FormattedValue) else part
        if isinstance(value, ast.Name) and value.id in ("error", "refused"):
            return []  # the inner refusal is found where it is made
        return list(self.of(value)) or ["7"]

    def _IfExp(self, node: ast.IfExp) -> Iterator[str]:
        yield from self.of(node.body)
        yield from self.of(node.orelse)

    def _BoolOp(self, node: ast.BoolOp) -> Iterator[str]:
        for value in node.values:
            yield from self.of(value)

    def _BinOp(self, node: ast.BinOp) -> Iterator[str]:
        for left in list(self.of(node.left)) or ["7"]:
            for right in list(self.of(node.right)) or ["7"]:
                yield left + right

    def _Name(self, node: ast.Name) -> Iterator[str]:
        if node.id not in self.seen:
            inner = _Texts(self.path, self.scope, self.seen | {node.id})
            for value in self.scope.get(node.id) or CONSTANTS.get(node.id, []):
                yield from inner.of(value)

    def _Attribute(self, node: ast.Attribute) -> Iterator[str]:
        for value in CONSTANTS.get(node.attr, []):
            yield from self.of(value)

    def _GeneratorExp(self, node: ast.GeneratorExp) -> Iterator[str]:
        yield from self.of(node.generators[0].iter if isinstance(node.elt, ast.Name) else node.elt)

    def _Call(self, node: ast.Call) -> Iterator[str]:
        name = _name(node)
        if name == "next":
            yield from self.of(node.args[0])
        named = [one for one in FUNCTIONS if one[1].name == name and f"{name}()" not in self.seen]
        for path, function in [one for one in named if one[0] == self.path] or named:
            inner = _Texts(path, _assigned(function), {one for one in self.seen if one.endswith("()")} | {f"{name}()"})
            for one in ast.walk(function):
                if isinstance(one, ast.Return) and one.value is not None:
                    yield from inner.of(one.value)


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _messages() -> Iterator[str]:
    for path in MODULES:
        tree = TREES[path]
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef):
                continue
            scope = _assigned(function)
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and _name(call) in MAKERS and _is_in01(call):
                    for text in _Texts(path, scope).of(_message(call)):
                        yield text if text in REMARKS else FRAMES.get(_name(call), "{}").format(text)


def _message(call: ast.Call) -> ast.expr:
    place = MAKERS[_name(call)]
    return call.args[place] if len(call.args) > place else ast.Constant("")


def _is_in01(call: ast.Call) -> bool:
    if _name(call) in ("Reject", "issue"):
        rule = call.args[0] if call.args else None
        return isinstance(rule, ast.Constant | ast.Name) and getattr(rule, "value", getattr(rule, "id", "")) in (
            "IN01",
            "UNREADABLE",
        )
    return not any(word.arg == "rule" for word in call.keywords)


MESSAGES = sorted({message for message in _messages() if message.strip() not in ("", "{}")})


def test_the_messages_were_found() -> None:
    told = "\n".join(MESSAGES)
    for words in (
        "The file is empty",
        "protected by a password",
        "larger than 7 MiB",
        "malformed or truncated",
        "DOCTYPE",
        "The header does not fit the profile",
        "The amounts contradict",
        "Its encoding is none of",
        "Ask for a new form.",
        "SAF-T Financial",
        "an archive lies inside it",
        "The notice states no identifier",
        "it spans 7 lines",
        "The sign contradicts",
        "A sheet reaches to",
        "Missing: ",
    ):
        assert words in told, words
    assert len(MESSAGES) > 90


@pytest.mark.parametrize("message", MESSAGES)
def test_each_has_its_words_in_bokmal(message: str) -> None:
    reason = reason_of("IN01", message)
    assert reason is not None
    assert reason.fault
    assert "{" not in reason.fault + reason.remedy


@pytest.mark.parametrize("label", [label for label, _ in _REQUIRED.values()])
def test_each_indispensable_fact_is_named(label: str) -> None:
    reason = reason_of("IN01", f"The document has no {label}. Ask the sender for a complete one.")
    assert reason is not None
    assert reason.fault.endswith(f"({label.partition('(')[2]}.")


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        (
            "The header does not fit the profile 'p' in the first 20 rows. Expected: A, B. Found: C. "
            "Missing: A, B. Ask the member for the usual export",
            "Overskriftene er ikke de avtalte. Det mangler: A, B.",
        ),
        ("The file cannot be read by the profile 'p'. It is not a workbook that can be read: save", "hel arbeidsbok"),
        ("The document has no issue date (BT-2). Ask the sender for a complete one.", "mangler fakturadato (BT-2)"),
        ("The workbook is not read: it is protected by a password. Save it again as XLSX", "beskyttet med passord"),
        ("The file is larger than 512 MiB. Deliver it in parts, or raise limits.x", "større enn 512 MiB"),
    ],
)
def test_what_is_known_of_the_fault_is_told(message: str, fault: str) -> None:
    reason = reason_of("IN01", message)
    assert reason is not None
    assert fault in reason.fault


def test_what_has_no_words_here_is_left_to_its_rule() -> None:
    assert reason_of("IN06", "The value is not a number.") is None
    assert reason_of("IN04", "The file is empty") is None


@pytest.mark.parametrize(
    ("message", "fault", "remedy"),
    [
        (
            "The delivery holds the same bytes as a.csv already. They are counted once.",
            "Filen er den samme som «a.csv»",
            "Dere trenger ikke",
        ),
        (
            "6 of the file's 7 postings (voucher, date, amount and accounts) stand in other files of the same "
            "drop too, most of them in x.y.csv. This file is left out. If it",
            "6 av de 7 posteringene i filen står også i andre filer i leveransen, de fleste i «x.y.csv».",
            "lever alt på nytt",
        ),
        (
            "The same invoice came before, in 1.xml of delivery 0a. It is counted once.",
            "i «1.xml»",
            "Dere trenger ikke",
        ),
        (
            "An invoice with this seller, type, number and date but other amounts came before, in 1.xml of delivery "
            "0a. This one is held: ask the seller which one is right.",
            "men andre beløp, er levert før, i «1.xml»",
            "Spør leverandøren",
        ),
        ("The coordinator accepted 2.xml of delivery 0b in its place.", "har godtatt «2.xml»", "Dere trenger ikke"),
        (
            "9902 has delivered the same invoice (delivery 0c), addressed to the host's number: it counts there, and",
            "er også levert for en annen kommune",
            "innkjøpssamarbeidet",
        ),
    ],
)
def test_what_came_before_says_where_and_what_to_do(message: str, fault: str, remedy: str) -> None:
    reason = reason_of("IN03", message)
    assert reason is not None
    assert fault in reason.fault
    assert remedy in reason.remedy
