"""The verbs of kaowu, one file per subject, and the only place that writes.

Each takes a Tx first and the rest by keyword, and goes: load, permit, check the window, move, record, tell. No commit
and no wording here; the edges open the transaction and put refusals into sentences.
"""
