"""What keeps the house beautiful, as tests: who may write, who may ask the time, where words live, how long is long."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from pathlib import Path

from sqlalchemy import CheckConstraint

import core.rules
from core.models.registry import metadata
from core.rules.machine import Labelled
from tests.architecture import source
from tests.architecture.source import ROOT, called, calls, name, place, product

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers", "service", "services"}
LONGEST_FUNCTION = 60
LONGEST_FILE = 400

# Longer than the house likes, each with its reason. What shrinks below the bound must leave this list.
LONG_FUNCTIONS: dict[str, str] = {
    "bot/simulator/web.py:_add_verbs": "a list of routes of two or three lines each",
}
LONG_FILES: dict[str, str] = {
    "bot/simulator/api.py": "one object under one lock: what people do to Telegram, and what Telegram answers",
    "bot/simulator/methods.py": "the Bot API's methods one after another, in the order of its documentation",
    "core/db.py": "one promise, kept in one place: engine, transaction() and the whole of Tx",
    "core/demo/world.py": "one invented year, told in the order in which it happened",
    "core/queries/scoping.py": "one table, default deny: who may see what is read in one place",
    "core/rules/values.py": "every cleaner beside the next, so that a field's rule is found where fields are cleaned",
    "core/usecases/signing.py": "one ceremony from opening to refusal; its verbs share the same private steps",
    "kaowu.py": "the command line: one short function per command, and the one place that starts everything",
}

# State words that are, elsewhere, honest names of something else.
OTHER_MEANINGS: dict[tuple[str, str], str] = {}


def outside(folder: str) -> list[Path]:
    """The product without one folder."""
    return [path for path in product() if not name(path).startswith(folder)]


# -- who may do what --------------------------------------------------------------------------------------------------


def test_only_the_database_module_commits() -> None:
    allowed = ("core/db.py", "core/migrations/env.py")  # the latter for the schema itself
    committers = [
        place(path, call)
        for path in product()
        if name(path) not in allowed
        for call in calls(path)
        if called(call)[1] == "commit"
    ]
    assert not committers, f"use core.db.transaction: {committers}"


ASKING_THE_TIME = {
    *((owner, ask) for owner in ("datetime", "date", "dt") for ask in ("now", "utcnow", "today")),
    *(("time", ask) for ask in ("time", "time_ns", "localtime", "gmtime", "ctime")),
    *(("func", ask) for ask in ("now", "current_timestamp", "current_date", "localtimestamp")),
}


def test_only_the_clock_asks_what_time_it_is() -> None:
    askers = [
        place(path, call)
        for path in outside("core/clock.py")
        for call in calls(path)
        if called(call) in ASKING_THE_TIME
    ]
    assert not askers, f"use core.clock.now() or take the moment as an argument: {askers}"


def test_the_panel_has_no_rules_in_hooks() -> None:
    hooks = {"on_model_change", "after_model_change", "on_model_delete", "after_model_delete"}
    found = [
        place(path, node)
        for path in product()
        for node in source.nodes(path)
        if isinstance(node, ast.FunctionDef) and node.name in hooks
    ]
    assert not found, f"a panel view declares use cases, it does not hook into writes: {found}"


def test_nobody_prints_but_the_command_line() -> None:
    printers = [
        place(path, call) for path in outside("kaowu.py") for call in calls(path) if called(call) == ("", "print")
    ]
    assert not printers


# -- rooms and names --------------------------------------------------------------------------------------------------


def test_a_room_opens_with_its_promise_and_holds_no_code_at_the_door() -> None:
    for path in product():
        if path.name == "__init__.py":
            body = source.tree(path).body
            assert len(body) == 1, f"{name(path)}: one docstring, nothing else"
            assert source.has_docstring(source.tree(path)), f"{name(path)}: say what the room promises"


def test_every_room_has_a_door() -> None:
    doors = {path.parent for path in product() if path.name == "__init__.py"}
    without = {name(path.parent) for path in product() if path.parent != ROOT} - {name(door) for door in doors}
    assert without - {"core/migrations", "core/migrations/versions"} == set()


def test_no_module_is_a_drawer_for_everything() -> None:
    drawers = [name(path) for path in product() if {path.stem, path.parent.name} & FORBIDDEN_NAMES]
    assert not drawers, f"name it after what it does: {drawers}"


def test_every_room_of_core_has_a_place_in_the_import_contracts() -> None:
    contracts = str(source.pyproject()["tool"]["importlinter"]["contracts"])  # type: ignore[index]
    rooms = {path.stem for path in (ROOT / "core").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert {room for room in rooms - {"__init__", "migrations"} if f"core.{room}" not in contracts} == set()


# -- words ------------------------------------------------------------------------------------------------------------


def labelled() -> list[type[Labelled]]:
    """Every enumeration of core/rules."""
    for module in pkgutil.iter_modules(core.rules.__path__):
        importlib.import_module(f"core.rules.{module.name}")
    return list(Labelled.__subclasses__())


def test_state_words_are_spelled_in_the_rules_only() -> None:
    words = {member.value for states in labelled() for member in states if "_" in member.value}
    strays = [
        (place(path, text), text.value)
        for path in product()
        if not name(path).startswith(("core/rules/", "core/migrations/"))
        for text in source.strings(path)
        if text.value in words and (name(path), text.value) not in OTHER_MEANINGS
    ]
    assert not strays, f"name the enum's member instead: {strays}"


def test_a_table_checks_for_states_that_exist() -> None:
    words = {member.value for states in labelled() for member in states}
    unknown = {
        (table.name, word)
        for table in metadata.tables.values()
        for check in table.constraints
        if isinstance(check, CheckConstraint)
        for word in re.findall(r"'(\w+)'", str(check.sqltext))
        if word not in words
    }
    assert not unknown, f"a check that no state can meet guards nothing: {unknown}"


def test_every_state_has_a_word_people_read() -> None:
    silent = [
        f"{states.__name__}.{member.name}" for states in labelled() for member in states if not is_chinese(member.label)
    ]
    assert not silent


def is_chinese(text: str) -> bool:
    """True where at least one Chinese character is in it."""
    return re.search(r"[\u4e00-\u9fff]", text) is not None


def test_use_cases_and_jobs_carry_no_sentences() -> None:
    sentence = re.compile(r"[\u4e00-\u9fff].*[，。！？；]|[，。！？；].*[\u4e00-\u9fff]")
    rooms = ("core/usecases/", "core/queries/", "core/models/", "jobs/")
    wordy = [
        place(path, text)
        for path in product()
        if name(path).startswith(rooms)
        for text in source.strings(path)
        if sentence.search(text.value)
    ]
    assert not wordy, f"sentences live in templates/: {wordy}"


# -- size and debts ---------------------------------------------------------------------------------------------------


def test_functions_can_be_seen_whole() -> None:
    long = {
        f"{name(path)}:{node.name}"
        for path in product()
        for node in source.nodes(path)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        if not name(path).startswith("core/migrations/versions/")  # a migration is a list of statements
        if (node.end_lineno or node.lineno) - node.lineno + 1 > LONGEST_FUNCTION
    }
    assert long == set(LONG_FUNCTIONS), (
        f"more than {LONGEST_FUNCTION} lines, or listed without need: {sorted(long ^ set(LONG_FUNCTIONS))}"
    )


def test_files_are_one_subject_deep() -> None:
    long = {
        name(path)
        for path in product()
        if not name(path).startswith("core/migrations/versions/")
        if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST_FILE
    }
    assert long == set(LONG_FILES), (
        f"more than {LONGEST_FILE} lines, or listed without need: {sorted(long ^ set(LONG_FILES))}"
    )


def test_nothing_is_left_to_do() -> None:
    debt = re.compile(r"\b(TO" + "DO|FIX" + r"ME|XXX|HACK)\b")
    left = [
        f"{name(path)}:{line}"
        for path in (*product(), *source.tests())
        for line, comment in source.comments(path)
        if debt.search(comment)
    ]
    assert not left


def test_a_skipped_test_says_why() -> None:
    silent = [
        place(path, node)
        for path in source.tests()
        for node in source.nodes(path)
        if isinstance(node, (ast.Call, ast.Attribute)) and is_silent_skip(node)
    ]
    assert not silent


def is_silent_skip(node: ast.Call | ast.Attribute) -> bool:
    """True for pytest.skip() and pytest.mark.skip/skipif/xfail without a reason in words."""
    if isinstance(node, ast.Attribute):
        return False
    owner, asked = called(node)
    reasons = [word.value for word in node.keywords if word.arg == "reason"] + (
        [] if asked in ("skipif", "xfail") else node.args
    )
    return (owner, asked) in {
        ("pytest", "skip"),
        ("mark", "skip"),
        ("mark", "skipif"),
        ("mark", "xfail"),
    } and not reasons
