"""Samandel: municipalities' purchase files in, gated and published releases out.

The packages are the steps of one way through the house, in this order: landing, parsing, matching, warehouse,
candidates, gate, publishing. A step imports only from steps to its left and from the root modules.
"""

__version__ = "0.1.0"
