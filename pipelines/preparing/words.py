"""What the accountant reads in bokmål where a parser, whose messages are English, has refused something.

Belongs here: a refusal and a failure in an accountant's words. Not here: the words of a report to the sender
(parsing/sender_texts.py), the rules themselves (expectations/rules/).
"""

from __future__ import annotations

from pipelines.errors import ConfigurationError, ProblemsFound, SamandelError
from pipelines.parsing.rejects import Reject

_REASONS = {
    "IN01": "kan ikke leses slik formatet eller profilen krever",
    "IN03": "står der to ganger",
    "IN05": "kontrollsummene stemmer ikke",
    "IN06": "en dato, en periode eller et beløp mangler, eller er ikke skrevet slik profilen sier",
    "IN07": "datoen ligger utenfor regnskapsåret",
    "IN08": "en sumrad eller overskrift står blant radene",
    "IN09": "teksten har ødelagte tegn",
    "IN11": "summene i dokumentet stemmer ikke",
    "RF04": "organisasjonsnummeret kan ikke være riktig",
}
_ANYTHING_ELSE = "kan ikke brukes"


def why_refused(reject: Reject) -> str:
    """Return why a row, a file or a document was refused; ``samandel inspect`` has the parser's own, longer message."""
    return f"{_REASONS.get(reject.rule, _ANYTHING_ELSE)} ({reject.rule}; «samandel inspect» sier mer)"


def profile_refused(error: ConfigurationError, named: str) -> ConfigurationError:
    """Return in bokmål that a named profile does not exist or has faults."""
    from pipelines.parsing.ledger_profile import shipped_profile_names

    if isinstance(error, ProblemsFound):
        return ConfigurationError(
            f"Profilen har {len(error.problems)} feil.",
            where=f"--profile {named}",
            remedy="Spør innkjøpssamarbeidet; «samandel inspect FIL --profile» viser hver feil.",
        )
    return ConfigurationError(
        "Profilen finnes ikke.",
        where=f"--profile {named}",
        remedy=f"Oppgi en som følger med ({', '.join(shipped_profile_names())}), eller en YAML-fil.",
    )


def failure_text(error: SamandelError) -> str:
    """Return a failure with bokmål headings: what, where, what to do."""
    lines = [error.what]
    if isinstance(error, ProblemsFound):
        lines = ["Dette må rettes først:", *(f"  - {problem}" for problem in error.problems)]
    if error.where:
        lines.append(f"  hvor: {error.where}")
    if error.remedy:
        lines.append(f"  gjør: {error.remedy}")
    return "\n".join(lines)
