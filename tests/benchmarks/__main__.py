"""Hold the benchmarks: all of them, or those named."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

import tests.benchmarks
from tests.benchmarks.contest import ROUNDS, hold, run_here


def benchmarks() -> dict[str, ModuleType]:
    """Every module of this folder that holds contests."""
    names = [found.name for found in pkgutil.iter_modules(tests.benchmarks.__path__)]
    modules = {name: importlib.import_module(f"tests.benchmarks.{name}") for name in names if name[0] != "_"}
    return {name: module for name, module in modules.items() if hasattr(module, "contests")}


def main() -> None:
    """Tables on standard output; stops at the first contestant that fails or answers differently."""
    asked = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=tests.benchmarks.__doc__)
    asked.add_argument("names", nargs="*", help="which benchmarks; none means all")
    asked.add_argument("--rounds", type=int, default=ROUNDS)
    asked.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.child:
        module, contest, contestant, stage = given.child
        contests = {one.name: one for one in importlib.import_module(f"tests.benchmarks.{module}").contests()}
        run_here(contests[contest], contestant, Path(stage))
        return
    known = benchmarks()
    if strangers := set(given.names) - set(known):
        sys.exit(f"no benchmark {', '.join(sorted(strangers))}; there are {', '.join(known)}")
    for name in given.names or known:
        print(f"\n== {name}: {known[name].TITLE}, {given.rounds} rounds")
        for contest in known[name].contests():
            hold(name, contest, given.rounds)


if __name__ == "__main__":
    main()
