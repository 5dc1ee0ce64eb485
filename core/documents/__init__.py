"""Printed things: facts first (frozen dataclasses of plain values), looks second (functions that draw them as PDF).

Nothing here reads the database or the clock: whoever prints hands over the facts and the moment. Every document has a
TEMPLATE_VERSION that is stored with the file, a file once sealed is never drawn again, and no character of a name is
ever dropped in silence: what no font can draw is refused by name.
"""
