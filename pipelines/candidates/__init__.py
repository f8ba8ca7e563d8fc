"""Candidates: the product tables cut to one recipient, suppressed and rendered, not yet allowed out."""
