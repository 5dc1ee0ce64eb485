"""Signing on the phone: in from a chat button, a panel login or a QR code, and out with an outcome in words.

A visit lives in the signed cookie, names one account and one ceremony, and opens nothing of the panel. What is signed,
refused or expired is decided by core.usecases alone; here every answer of theirs, also every no, gets a page.
"""
