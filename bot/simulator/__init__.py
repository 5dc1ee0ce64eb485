"""Telegram without Telegram: a strict Bot API, the people who talk to the bot, and the phones they hold.

Everything the bot may ask of Telegram is answered here in Telegram's own shape and with Telegram's own refusals, so
that the demo, the tests and the bot's real code path are one and the same. Knows `core` only, never touches the
database, and refuses to stand beside a real token.
"""
