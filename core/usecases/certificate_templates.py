"""证书样式 (G-07): what an organisation's certificates say, revision by revision, and samples to look at."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from core.db import Tx
from core.errors import AlreadyThere
from core.models.catalogue import CertificateTemplate
from core.rules.certificate_words import LONGEST_STATEMENT, LONGEST_STATEMENT_EN, require_words
from core.rules.organisations import SWITCH
from core.rules.permissions import permit
from core.usecases.edits import set_only

ACT = "manage_catalogue"
LONGEST_TITLE, LONGEST_TITLE_EN = 14, 60  # more does not fit the page's width
_WORDS = {
    "title": LONGEST_TITLE,
    "title_en": LONGEST_TITLE_EN,
    "statement": LONGEST_STATEMENT,
    "statement_en": LONGEST_STATEMENT_EN,
}


def create_template(
    tx: Tx, *, org_id: int, name: str, title: str, title_en: str, statement: str, statement_en: str
) -> CertificateTemplate:
    """Words around the facts, revision 1; a gap nobody fills is refused."""
    words = _clean({"title": title, "title_en": title_en, "statement": statement, "statement_en": statement_en})
    template = CertificateTemplate(org_id=org_id, name=name, revision=1, **words)
    permit(tx.actor, ACT, template)
    _require_new_name(tx, template)
    return tx.add(template)


def edit_template(
    tx: Tx, *, template_id: int, name: str, title: str, title_en: str, statement: str, statement_en: str
) -> CertificateTemplate:
    """Other words are the next revision, the same words are none; sealed certificates keep theirs."""
    template = tx.lock(CertificateTemplate, template_id)
    permit(tx.actor, ACT, template)
    words = _clean({"title": title, "title_en": title_en, "statement": statement, "statement_en": statement_en})
    is_new = any(getattr(template, column) != text for column, text in words.items())
    if template.name != name:
        template.name = name
        with tx.session.no_autoflush:
            _require_new_name(tx, template)
    if is_new:
        set_only(template, frozenset(_WORDS) | {"revision"}, words | {"revision": template.revision + 1})
    tx.session.flush()
    return template


def switch_template(tx: Tx, *, template_id: int, action: str) -> None:
    """action: enable or disable; certificates that have it keep it, no other can choose it (R-054)."""
    template = tx.get(CertificateTemplate, template_id)
    permit(tx.actor, ACT, template)
    tx.advance(template, SWITCH, action)


def _clean(words: Mapping[str, str]) -> dict[str, str]:
    return {column: require_words(text, maximum=_WORDS[column]) for column, text in words.items()}


def _require_new_name(tx: Tx, template: CertificateTemplate) -> None:
    twin = select(CertificateTemplate).where(
        CertificateTemplate.org_id == template.org_id, CertificateTemplate.name == template.name
    )
    there = tx.first(twin)
    if there is not None and there is not template:
        raise AlreadyThere("template_there", rule="G-07", value=template.name)
