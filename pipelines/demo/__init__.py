"""The demo consortium: twenty invented municipalities and the files that they would hand in.

Belongs here: the generator's own books, the truth told from them, and every file of the demo home. Not here: anything
of the platform; no code is shared with it, so that the one can test the other. Every name and number is invented.
"""
