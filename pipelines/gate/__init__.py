"""The gate: judges a candidate's rendered bytes and keeps a signed verdict with its evidence.

Belongs here: rules and where they apply, the checks, verdicts and their chain. Not here: cutting
and rendering (candidates/), letting anything out (publishing/), what the consortium has signed (expectations/).
"""
