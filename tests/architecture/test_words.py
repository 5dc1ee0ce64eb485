"""Every refusal has its sentence, every sentence its refusal, and no sentence has a gap that nobody fills."""

from __future__ import annotations

import ast
import string
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import core.errors
from core.errors import Refusal
from tests.architecture import source
from tests.architecture.source import ROOT, called, calls, place, product


def files() -> dict[str, dict[str, dict[str, str]]]:
    """file name -> code -> text, way_out; templates/refusals.toml and templates/refusals/*.toml."""
    paths = [*(ROOT / "templates").glob("refusals*.toml"), *(ROOT / "templates" / "refusals").glob("*.toml")]
    return {path.name: tomllib.loads(path.read_text(encoding="utf-8")) for path in paths}


@cache
def sentences() -> dict[str, dict[str, str]]:
    """code -> text, way_out; all files together."""
    return {code: words for said in files().values() for code, words in said.items()}


@dataclass(frozen=True)
class Raised:
    """One place in the product that refuses. facts is None where they are passed on as **facts."""

    place: str
    code: str
    facts: frozenset[str] | None


@cache
def kinds() -> dict[str, str]:
    """Every Refusal class of the product with the code it has by itself."""
    known = {kind.__name__: kind.code for kind in (Refusal, *Refusal.__subclasses__())}
    classes = [node for path in product() for node in source.nodes(path) if isinstance(node, ast.ClassDef)]
    for _ in range(3):  # children of children of children
        for node in classes:
            parent = next((base.id for base in node.bases if isinstance(base, ast.Name) and base.id in known), None)
            if parent is not None and node.name not in vars(core.errors):
                known[node.name] = own_code(node) or known[parent]
    return known


def own_code(node: ast.ClassDef) -> str | None:
    """`code = "…"` in the class body."""
    for line in node.body:
        target = line.targets[0] if isinstance(line, ast.Assign) else getattr(line, "target", None)
        if isinstance(target, ast.Name) and target.id == "code" and isinstance(line.value, ast.Constant):  # type: ignore[attr-defined]
            return str(line.value.value)  # type: ignore[attr-defined]
    return None


def raised() -> Iterator[Raised]:
    """Every refusal made anywhere in the product whose code can be read off."""
    for path in product():
        for call in calls(path):
            if called(call)[1] not in kinds():
                continue
            for code in codes(call):
                facts = {word.arg for word in call.keywords}
                yield Raised(place(path, call), code, None if None in facts else frozenset(filter(None, facts)))


def codes(call: ast.Call) -> list[str]:
    """The codes a refusal may carry: its class's own, the text it is given, or both texts of a choice."""
    if not call.args:
        return [kinds()[called(call)[1]]]
    given = call.args[0]
    choices = [given.body, given.orelse] if isinstance(given, ast.IfExp) else [given]
    return [str(choice.value) for choice in choices if isinstance(choice, ast.Constant)]


def gaps(code: str) -> set[str]:
    """The facts a sentence wants."""
    texts = sentences()[code].values()
    return {
        field.split(".")[0].split("[")[0]
        for text in texts
        for _, field, _, _ in string.Formatter().parse(text)
        if field
    }


def test_every_refusal_has_its_sentence() -> None:
    silent = sorted({(refusal.code, refusal.place) for refusal in raised() if refusal.code not in sentences()})
    assert not silent, f"write it into templates/refusals/: {silent}"


def test_every_sentence_has_its_refusal() -> None:
    spoken = {refusal.code for refusal in raised()} | set(kinds().values())
    spoken |= {str(text.value) for path in product() for text in source.strings(path)}
    assert sorted(sentences().keys() - spoken) == []


def test_no_refusal_is_worded_twice() -> None:
    homes = Counter(code for said in files().values() for code in said)
    assert [code for code, count in homes.items() if count > 1] == []


def test_every_sentence_says_something() -> None:
    assert [code for code, words in sentences().items() if not words.get("text", "").endswith(("。", "！", "？"))] == []
    assert {key for words in sentences().values() for key in words} <= {"text", "way_out"}


def test_no_sentence_has_a_gap_that_nobody_fills() -> None:
    open_gaps = [
        (refusal.place, refusal.code, sorted(gaps(refusal.code) - refusal.facts))
        for refusal in raised()
        if refusal.facts is not None and refusal.code in sentences() and not gaps(refusal.code) <= refusal.facts
    ]
    assert not open_gaps, f"the sentence asks for facts the refusal does not bring: {open_gaps}"


def test_templates_are_packed_whole() -> None:
    patterns = source.pyproject()["tool"]["setuptools"]["package-data"]["*"]  # type: ignore[index]
    packed = {Path(pattern).suffix for pattern in patterns}
    there = {path.suffix for room in ("templates", "core") for path in (ROOT / room).rglob("*") if path.is_file()}
    assert there - packed - {".py", ".pyc"} == set(), "name the suffix under package-data in pyproject.toml"
