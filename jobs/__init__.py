"""What the clock does: a timetable of data, bodies of one line, and the outbox.

Jobs only record and announce what time has already made true; every guard stands in the use cases, so a missed tick
harms nothing, and two job processes never do a thing twice because each unit claims its row.
"""
