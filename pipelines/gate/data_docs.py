"""Data Docs of a candidate: one page of what Great Expectations found in its tables, beside the other evidence.

Belongs here: the page, which stands alone, and reading it back. Not here: what stands on it (run_suite.py), the other
rules' answers (evidence.py).

The page loads nothing from anywhere, and the same bytes judged by the same suites give the same page.
"""

from __future__ import annotations

import html
from collections.abc import Mapping

from pipelines.candidates.products import CandidateKey

FILE_NAME = "data_docs.html"
_STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
h2 { border-bottom: 2px solid #888; margin-top: 3rem; }
table { border-collapse: collapse; width: 100%; }
td, th { border: 1px solid #bbb; padding: .3rem .5rem; text-align: left; vertical-align: top; }
.badge { background: #eee; border-radius: .3rem; padding: 0 .3rem; }
.alert { background: #f4f4f4; margin-top: 1rem; padding: .3rem .5rem; }
.text-success::before { color: #176117; content: "✔"; }
.text-danger::before { color: #a11; content: "✘"; }
h5, h6 { margin: .3rem 0; }
"""


def page_bytes(key: CandidateKey, candidate_sha256: str, sections: Mapping[str, str]) -> bytes:
    """Return the page.

    Args:
        key: Product, recipient, period.
        candidate_sha256: What was judged.
        sections: By table, its Data Docs as a piece of HTML.
    """
    title = html.escape(f"{key.product}, {key.recipient}, {key.period}")
    contents = "".join(f'<li><a href="#{html.escape(name)}">{html.escape(name)}</a></li>' for name in sections)
    tables = "".join(
        f'<h2 id="{html.escape(name)}">{html.escape(name)}</h2>\n{section}\n' for name, section in sections.items()
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n<h1>{title}</h1>\n"
        f"<p>What the suites expect of the candidate {html.escape(candidate_sha256)}, and what they found. Values are"
        " shown by their shape. The other rules' answers stand in <code>rule_results.csv</code> beside this page.</p>\n"
        f"<ul>{contents}</ul>\n{tables}</body>\n</html>\n"
    ).encode()
