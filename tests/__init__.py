"""The suite: a mirror of the rooms, the journeys through them, and tests about the house itself.

Every test is a sentence the office would understand. Arrange by factory, act through the public verb, look at rows and
at the outbox. Shared ground (databases, clock, sockets) is in conftest.py.
"""
