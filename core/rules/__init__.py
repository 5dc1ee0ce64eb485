"""Pure decisions: states, machines, windows, values, permissions, arithmetic.

Nothing here knows SQL, files or the time of day: the moment arrives as an argument and the answer is a value or a
Refusal. Panel, bot, importer and command line all ask here, so no rule is written twice.
"""
