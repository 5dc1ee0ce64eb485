"""What a benchmark is made of, and how one is held.

A benchmark is a module of this folder with TITLE and `contests() -> Sequence[Contest]`.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
from sqlalchemy import make_url

from core import db, settings

ROUNDS = 3
POSTGRES_URL = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")


@dataclass
class Run:
    """One run of one contestant. stage: a folder the contest's prepare filled; answer: what must be the same for all.

    rate: how many things were done, where "per second" says more than seconds. figures: whatever else was measured, a
    column each, by the words above it with their unit.
    """

    stage: Path
    seconds: float = 0.0
    answer: Any = None
    rate: float | None = None
    figures: dict[str, float] = field(default_factory=dict)
    before_mb: float = 0.0

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Only what happens inside counts."""
        self.before_mb = _start_afresh()
        started = time.perf_counter()
        yield
        self.seconds = time.perf_counter() - started


@dataclass(frozen=True)
class Ratio:
    """A line below the table: how many times as many seconds, or MB of memory added, one contestant took as another.

    at_most: what it means to stay below. figure: "seconds", "more_mb", or the name of one of the run's own figures.
    """

    words: str
    of: str
    to: str
    at_most: float
    figure: str = "seconds"


@dataclass(frozen=True)
class Contest:
    """Contestants by name, the first one being the obvious way that the others are compared with.

    prepare: fills the stage once; clean_up: undoes what it did outside of it. targets: contestant → how many times
    faster than the first it means to be. ratios, notes: lines below the table. once: contestants of which a
    single run says enough, being minutes behind the others or only asked for their memory: the first round's.
    """

    name: str
    contestants: Mapping[str, Callable[[Run], None]]
    prepare: Callable[[Path], None]
    clean_up: Callable[[Path], None] = lambda stage: None
    targets: Mapping[str, float] = field(default_factory=dict)
    ratios: Sequence[Ratio] = ()
    notes: Sequence[str] = ()
    once: frozenset[str] = frozenset()
    trouble: Callable[[], str] = lambda: ""


@dataclass(frozen=True)
class Figures:
    """What a child process reports; more_mb: the run's peak less what the process held when it began."""

    seconds: float
    peak_mb: float
    more_mb: float
    answer: Any
    rate: float | None
    figures: dict[str, float]

    def of(self, figure: str) -> float:
        """One of them by its name; KeyError for one this contestant does not measure."""
        named = {"seconds": self.seconds, "more_mb": self.more_mb}
        return named[figure] if figure in named else self.figures[figure]


def hold(module: str, contest: Contest, rounds: int) -> None:
    """Prepare, run everybody in turn, round by round, and print the table."""
    if trouble := contest.trouble():
        print(f"\n{contest.name}: left out, {trouble}")
        return
    stage = Path(tempfile.mkdtemp(prefix="kaowu-bench-"))
    found: dict[str, list[Figures]] = {name: [] for name in contest.contestants}
    try:
        contest.prepare(stage)
        for turn in range(rounds):
            for name in contest.contestants:
                if turn and name in contest.once:
                    continue
                found[name].append(_in_a_process(module, contest.name, name, stage))
        _require_same_answers(found)
        _print(contest, found)
    finally:
        contest.clean_up(stage)
        shutil.rmtree(stage, ignore_errors=True)


def _in_a_process(module: str, contest: str, contestant: str, stage: Path) -> Figures:
    command = [sys.executable, "-m", "tests.benchmarks", "--child", module, contest, contestant, str(stage)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{contest} / {contestant} failed:\n{done.stderr}")
    return Figures(**json.loads(done.stdout.splitlines()[-1]))


def run_here(contest: Contest, contestant: str, stage: Path) -> None:
    """The child's side: one run, and its figures as the last line."""
    run = Run(stage)
    contest.contestants[contestant](run)
    figures = Figures(run.seconds, peak_mb(), peak_mb() - run.before_mb, run.answer, run.rate, run.figures)
    print(json.dumps(asdict(figures)))


def peak_mb() -> float:
    """The most memory this process held; Linux's rusage would also count what its parent held when it began."""
    return _memory_mb("VmHWM")


def _start_afresh() -> float:
    """What this process holds; its peak counts from here on, for importing a project takes more than it leaves."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _memory_mb("VmRSS")


def _memory_mb(figure: str) -> float:
    with suppress(OSError):
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(figure))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _require_same_answers(found: Mapping[str, Sequence[Figures]]) -> None:
    answers = {
        json.dumps(figures.answer, sort_keys=True): name
        for name, runs in found.items()
        for figures in runs
        if figures.answer is not None
    }
    if len(answers) > 1:
        raise SystemExit(f"these did not do the same: {', '.join(answers.values())}")


def _print(contest: Contest, found: Mapping[str, Sequence[Figures]]) -> None:
    first = median(run.seconds for run in found[next(iter(found))])
    print(f"\n{contest.name}")
    width = max(_width(name) for name in found)
    more = list(dict.fromkeys(name for runs in found.values() for name in runs[0].figures))
    widths = [8] * 6 + [max(8, _width(name)) for name in more]
    print(_line(_padded("", width), widths, "seconds", "times", "aim", "peak MB", "added", "/s", *more))
    for name, runs in found.items():
        seconds = median(run.seconds for run in runs)
        rates = [run.rate / run.seconds for run in runs if run.rate is not None]
        print(
            _line(
                _padded(name, width),
                widths,
                f"{seconds:.3f}",
                f"{first / seconds:.1f}",
                f"{contest.targets[name]:.0f}" if name in contest.targets else "",
                f"{median(run.peak_mb for run in runs):.0f}",
                f"{median(run.more_mb for run in runs):.0f}",
                f"{median(rates):.1f}" if rates else "",
                *(
                    f"{median(run.figures[name] for run in runs):.1f}" if name in runs[0].figures else ""
                    for name in more
                ),
            )
        )
    for ratio in contest.ratios:
        of, to = (median(run.of(ratio.figure) for run in found[name]) for name in (ratio.of, ratio.to))
        print(f"  {ratio.words}: {of / max(to, 1e-9):.2f} (aim: at most {ratio.at_most:g})")
    rounds = max(map(len, found.values()))
    if alone := [name for name, runs in found.items() if len(runs) < rounds]:
        print(f"  run once, in the first of {rounds} rounds: {'; '.join(alone)}")
    for note in contest.notes:
        print(f"  {note}")


def _line(name: str, widths: Sequence[int], *cells: str) -> str:
    return "  ".join(["", name, *(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))]).rstrip()


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


# -- databases ---------------------------------------------------------------------------------------------------------


def postgres_trouble() -> str:
    """Why PostgreSQL cannot take part; empty when it answers."""
    with suppress(psycopg.Error), psycopg.connect(POSTGRES_URL, connect_timeout=3):
        return ""
    return "no PostgreSQL answers"


@contextmanager
def copy_of(stage: Path, kind: str) -> Iterator[str]:
    """The address of a fresh copy of the stage's database, gone afterwards."""
    if kind == "sqlite":
        copy = stage / f"copy-{os.getpid()}.db"
        shutil.copyfile(stage / "kaowu.db", copy)
        yield f"sqlite:///{copy}"
        for path in stage.glob(f"{copy.name}*"):
            path.unlink()
        return
    name, source = f"kaowu_bench_copy_{os.getpid()}", template_name(stage)
    with psycopg.connect(POSTGRES_URL, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')
        try:
            yield at_postgres(name)
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def connected(url: str) -> Iterator[None]:
    """The process's database for a while."""
    os.environ["KAOWU_DATABASE_URL"] = url
    settings.forget()
    db.configure(url)
    try:
        yield
    finally:
        db.engine().dispose()


def template_name(stage: Path) -> str:
    """The PostgreSQL database a stage's copies are taken from."""
    return f"kaowu_bench_{stage.name.rpartition('-')[2].lower()}"


def at_postgres(name: str) -> str:
    """The address of a database of the server."""
    return make_url(POSTGRES_URL).set(database=name).render_as_string(hide_password=False)


def make_database(stage: Path, kind: str) -> str:
    """An empty database that copy_of will copy; its address."""
    if kind == "sqlite":
        return f"sqlite:///{stage / 'kaowu.db'}"
    with psycopg.connect(POSTGRES_URL, autocommit=True) as server:
        server.execute(f"CREATE DATABASE \"{template_name(stage)}\" TEMPLATE template0 ENCODING 'UTF8'")
    return at_postgres(template_name(stage))


def drop_database(stage: Path, kind: str) -> None:
    """Take it away again; a SQLite file goes with its stage."""
    if kind == "postgres":
        with psycopg.connect(POSTGRES_URL, autocommit=True) as server:
            server.execute(f'DROP DATABASE IF EXISTS "{template_name(stage)}" WITH (FORCE)')
