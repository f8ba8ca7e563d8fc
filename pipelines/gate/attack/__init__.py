"""The attacker: what a recipient can work out about hidden cells from the files that it holds.

Belongs here: equations of released figures, intervals by linear programming, rules DC04 to DC06. Not here: hiding cells
(candidates/), of which nothing is known but the layout of the files; contributors and dominance (disclosure.py).
"""
