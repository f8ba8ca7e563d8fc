"""What runs at the municipality before anything is handed in: files in, a sealed package of what is needed out.

Belongs here: recognising client invoices, cleaning ledgers and e-invoices, writing the package. Not here: what a
package must be to be taken (the root's prepared.py), taking it (landing/). No step imports this, and it needs no home.
"""
