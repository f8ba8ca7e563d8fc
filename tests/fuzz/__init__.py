"""Bytes that nobody meant, for every parser: they end as rows or rejects, never as an exception."""
