"""Matching: scores of names against the company register, and of texts against categories. No decisions: dbt's."""
