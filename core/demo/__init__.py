"""The made-up world that demo, simulator, tests and benchmarks share.

Everybody and everything in it is invented, yet passes every check the real ones have to pass; the same seed always
makes the same world.
"""
