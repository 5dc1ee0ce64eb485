"""Pages as people see them, in a real browser.

A package of its own, so that its one browser is closed before asynchronous tests elsewhere need the event loop.
"""
