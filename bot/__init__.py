"""The chat: people's words and presses become verbs, rows become messages.

A handler parses, performs, shows; what is true is decided in core. Nothing of a conversation lives in this process, so
it may be killed between any two lines and go on where the rows say.
"""
