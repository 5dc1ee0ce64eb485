"""The tables: typed, constrained in the database itself, without verbs.

Every module of this room is imported by core.models.registry, which is what migrations and the engine look at.
"""
