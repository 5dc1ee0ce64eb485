"""Everything that is true without Telegram, Flask or a scheduler.

Imports point downwards inside this room, and nothing here knows its edges: rules decide, models hold, use cases write.
"""
