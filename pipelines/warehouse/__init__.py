"""The warehouse: one build at a time into a new DuckDB file, swapped in whole."""
