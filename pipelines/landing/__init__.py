"""Landing: what was handed in, kept byte for byte, with a receipt for each delivery.

Belongs here: taking drops from where members put them, the write-once store, receipts. Not here: what a file says
(parsing/).
"""
