"""The panel: lists are generated, writes are declared, and every write is one use case in one transaction.

Nothing here decides anything; pages show what queries find within core.queries.scoping and hand what people typed to
core.usecases. Reads go through one read-only session a request, writes through core.db.transaction alone.
"""
