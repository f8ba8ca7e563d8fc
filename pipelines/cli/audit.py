"""Who has asked the whole warehouse what: the home's audit log.

Belongs here: writing a line before there is an answer. Not here: what may be asked (the commands).
"""

from __future__ import annotations

import getpass
import json
from datetime import UTC, datetime

from pipelines.home import Home


def note_question(home: Home, **asked: str) -> None:
    """Append who asks what to ``logs/query_audit.jsonl``; without it there is no answer."""
    home.logs.mkdir(parents=True, exist_ok=True)
    line = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "user": getpass.getuser(), **asked}
    path = home.logs / "query_audit.jsonl"
    with path.open("a", encoding="utf-8") as log:
        log.write(json.dumps(line, ensure_ascii=False) + "\n")
    path.chmod(0o600)
