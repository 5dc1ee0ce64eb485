"""How fast the heavy jobs are, beside the obvious way of doing them: `python -m tests.benchmarks [name…]`.

Seconds depend on the machine and on what else it does, so every claim is a ratio of contestants that ran interleaved
in one go: several rounds, each run a process of its own, medians shown, peak memory as the kernel counted it. A
contestant that does the whole job has to give the same answer as the others, or the benchmark stops.
"""
