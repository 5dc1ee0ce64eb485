"""The project as text and as syntax trees, for tests about the project itself."""

from __future__ import annotations

import ast
import tokenize
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("core", "bot", "admin", "jobs", "templates")
AWAY = {".git", ".venv", "venv", "var", "build", "dist", "__pycache__", "node_modules"}


def product() -> list[Path]:
    """Every Python file of the product: the rooms and the command line, tests left out."""
    found = [path for room in ROOMS for path in (ROOT / room).rglob("*.py") if not AWAY & set(path.parts)]
    return sorted(found) + [path for path in (ROOT / "kaowu.py",) if path.exists()]


def tests() -> list[Path]:
    """Every Python file of the suite."""
    return sorted((ROOT / "tests").rglob("*.py"))


def written() -> Iterator[Path]:
    """Every file somebody wrote, whatever its kind; caches, environments and data left out."""
    for top in ROOT.iterdir():
        if top.is_file() and top.name not in AWAY:  # .git is a file in a worktree
            yield top
        elif top.is_dir() and top.name not in AWAY and not top.name.endswith(("_cache", ".egg-info", ".hypothesis")):
            yield from (
                path for path in top.rglob("*") if path.is_file() and not AWAY & set(path.relative_to(ROOT).parts)
            )


def name(path: Path) -> str:
    """The file as people speak of it: core/rules/plans.py."""
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    """The file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@cache
def nodes(path: Path) -> list[ast.AST]:
    """Every node of the file."""
    return list(ast.walk(tree(path)))


def calls(path: Path) -> Iterator[ast.Call]:
    """Every call in the file."""
    return (node for node in nodes(path) if isinstance(node, ast.Call))


def called(call: ast.Call) -> tuple[str, str]:
    """(what it is asked of, what is asked): ("datetime", "now") for datetime.now(), ("", "print") for print()."""
    match call.func:
        case ast.Name(id=asked):
            return "", asked
        case ast.Attribute(value=ast.Name(id=owner) | ast.Attribute(attr=owner), attr=asked):
            return owner, asked
        case ast.Attribute(attr=asked):
            return "?", asked
    return "", ""


def place(path: Path, node: ast.expr | ast.stmt) -> str:
    """core/rules/plans.py:12"""
    return f"{name(path)}:{node.lineno}"


@cache
def strings(path: Path) -> list[ast.Constant]:
    """Every string of the file that is not a docstring."""
    docs = {id(node.body[0].value) for node in nodes(path) if has_docstring(node)}  # type: ignore[attr-defined]
    texts = [node for node in nodes(path) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return [text for text in texts if id(text) not in docs]


def has_docstring(node: ast.AST) -> bool:
    """True for a module, class or function that begins with one."""
    documented = isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
    return documented and ast.get_docstring(node, clean=False) is not None  # type: ignore[arg-type]


def comments(path: Path) -> Iterator[tuple[int, str]]:
    """(line, text) of every comment."""
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def pyproject() -> dict[str, object]:
    """pyproject.toml, parsed."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
