"""The outside world behind Protocols: chat, mail, identity, seal, storage.

A gateway carries things across the border and decides nothing. Each Protocol has one implementation that works
without any service, so that a bare machine can run everything; tests put their own behind the same Protocol.
"""
