"""Dropped files to write-once bytes: each owner's deliveries, with a receipt for every one."""
