"""What leaves the house: a lock file without addresses, pages that ask nobody else, files that name no machine."""

from __future__ import annotations

import re

from tests.architecture import source
from tests.architecture.source import ROOT, name

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PINNED = re.compile(r"^([a-z0-9-]+)==\S+", re.MULTILINE)

# Namespaces are names, not addresses; t.me is where a chat link has to lead.
HARMLESS = ("www.w3.org", "t.me", "127.0.0.1", "localhost", "example.org", "example.com", "example.invalid")


def test_the_lock_file_names_no_address() -> None:
    assert "://" not in LOCK
    assert not re.search(r"^-", LOCK, re.MULTILINE), "no options either: the reader's mirror decides where from"


def test_everything_in_the_lock_file_is_pinned_with_a_hash() -> None:
    entries = re.split(r"\n(?=\S)", LOCK.strip())
    assert [entry.split()[0] for entry in entries if not PINNED.match(entry) or "--hash=sha256:" not in entry] == []


def test_the_lock_file_knows_every_dependency() -> None:
    project = source.pyproject()["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]  # type: ignore[index]
    wanted += [line for line in (ROOT / "fonts.in").read_text().splitlines() if line and not line.startswith("#")]
    names = {re.split(r"[\[<>=!~ ;]", line, maxsplit=1)[0].lower() for line in wanted}
    assert names - set(PINNED.findall(LOCK)) == set(), "run make lock"


def test_pages_ask_no_other_machine() -> None:
    address = re.compile(r"""(?:https?:|wss?:|["'(=\s])//([a-z0-9-]+(?:\.[a-z0-9-]+)+)""", re.IGNORECASE)
    asked = [
        (name(path), host)
        for path in (ROOT / "templates").rglob("*")
        if path.suffix in (".html", ".css", ".js", ".svg", ".txt", ".toml", ".json")
        for host in address.findall(path.read_text(encoding="utf-8"))
        if host.lower() not in HARMLESS
    ]
    assert not asked, f"pages and words point to no host but our own: {asked}"


def test_no_file_names_a_machine_or_a_package_registry() -> None:
    homes = re.compile(r"""(?<![\w.*/-])/(?:root|Users|work)/\w""")
    registries = re.compile(
        "|".join(map(re.escape, ("pypi" + ".org", "python" + "hosted", "npm" + "js.", "/simple" + "/")))
    )
    named = []
    for path in source.written():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture or a font
        named += [name(path) for wanted in (homes, registries) if wanted.search(text)]
    assert not named


def test_the_changelog_tells_of_this_version() -> None:
    version = source.pyproject()["project"]["version"]  # type: ignore[index]
    first = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert first is not None
    assert first.group(1) == version
