"""The electronic seal (§2.6, §3.20): previewed, accepted, replaced, and good for certificates only."""

from __future__ import annotations

import ast
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

from core.errors import NotFound, NotPermitted, NotReady, Refusal, ValueRefused
from core.models.organisations import ElectronicSeal
from core.rules.organisations import SealState
from core.usecases import organisations, samples
from core.usecases.organisations import AUTHORIZATION_VERSION, SEAL_MAX_BYTES
from tests.architecture import source
from tests.factories import CAST, Year, Years, at_once, census, count, one, rows, seal_png


@pytest.fixture
def year(years: Years) -> Year:
    return years("set_up")


def png(width: int = 95, height: int = 95, mode: str = "RGBA", form: str = "PNG") -> bytes:
    """A picture of this kind."""
    out = BytesIO()
    Image.new(mode, (width, height)).save(out, form)
    return out.getvalue()


def accept(year: Year, login: str = "signatory", **other: Any) -> Any:
    """Put a seal into use."""
    given = {
        "college_id": year["college"], "officer_name": "演签发", "image": seal_png(99), "has_accepted": True,
    } | other  # fmt: skip
    return year.do(login, organisations.activate_seal, **given)


def preview(year: Year, login: str = "signatory", **other: Any) -> Any:
    """Look at one."""
    given = {"college_id": year["college"], "officer_name": "演签发", "image": seal_png(99)} | other
    return year.do(login, samples.preview_seal, **given)


def effect(year: Year, login: str = "signatory") -> Any:
    """Look at the one in use."""
    return year.do(login, samples.seal_effect, college_id=year["college"])


BAD = {
    "a jpeg": png(mode="RGB", form="JPEG"),
    "no transparency": png(mode="RGB"),
    "not square": png(95, 96),
    "text": b"hello",
    "half": seal_png()[:80],
    "too heavy": seal_png() + bytes(SEAL_MAX_BYTES),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
@pytest.mark.parametrize("verb", [preview, accept], ids=["preview", "accept"])
def test_another_picture_is_refused_before_it_is_seen_and_before_it_is_used(
    year: Year, verb: Callable[..., Any], data: bytes
) -> None:
    """R-256: PNG, transparent, square, at most 1 MB."""
    before = census()
    with pytest.raises(ValueRefused) as caught:
        verb(year, image=data)
    assert caught.value.rule == "R-256"
    assert census() == before


def test_a_megabyte_passes_and_one_byte_more_does_not(year: Year) -> None:
    """R-256."""
    fits = seal_png() + bytes(SEAL_MAX_BYTES - len(seal_png()))
    assert preview(year, image=fits).picture
    with pytest.raises(ValueRefused):
        preview(year, image=fits + b"\0")


def test_the_effect_is_shown_on_a_sample_and_nothing_is_in_use_yet(year: Year) -> None:
    """R-257: the picture differs with the seal, and no row, no trail, no message comes of looking."""
    before = census()
    shown, other = preview(year), preview(year, image=png())
    assert Image.open(BytesIO(shown.picture)).format == "PNG"
    assert shown.picture != other.picture
    assert (shown.officer_name, shown.image) == ("演签发", seal_png(99))
    assert census() == before


def test_the_letter_is_read_and_ticked_and_its_version_and_time_are_kept(year: Year) -> None:
    """R-258."""
    with pytest.raises(NotReady) as caught:
        accept(year, has_accepted=False)
    assert (caught.value.sentence_code, caught.value.rule) == ("authorization_not_accepted", "R-258")
    row = one(ElectronicSeal, accept(year).id)
    assert row.authorization_version == AUTHORIZATION_VERSION
    assert row.authorized_at == row.created_at


def test_a_new_seal_replaces_the_old_one(year: Year) -> None:
    """§3.20, R-255: one in use per college."""
    accept(year)
    accept(year, image=seal_png(97))
    mine = [
        row for row in rows(select(ElectronicSeal).order_by(ElectronicSeal.id)) if row.college_id == year["college"]
    ]
    assert [row.state for row in mine] == [SealState.REPLACED, SealState.REPLACED, SealState.ACTIVE]


def test_two_uploads_at_once_leave_one_seal_in_use(any_years: Years) -> None:
    """R-255."""
    year = any_years("set_up")
    found = at_once(lambda: accept(year), lambda: accept(year, image=seal_png(97)))
    assert all(isinstance(result, (ElectronicSeal, Refusal)) for result in found)
    mine = (ElectronicSeal.college_id == year["college"], ElectronicSeal.state == SealState.ACTIVE)
    assert count(ElectronicSeal, *mine) == 1


@pytest.mark.parametrize("login", sorted(set(CAST) - {"signatory"}))
@pytest.mark.parametrize("verb", [preview, accept, effect], ids=["preview", "accept", "effect"])
def test_nobody_but_the_signing_officer_uploads_or_sees_it(year: Year, login: str, verb: Callable[..., Any]) -> None:
    """R-254: not the coordinator, not the reviewer, not the platform, not another college's officer."""
    before = census()
    with pytest.raises((NotPermitted, NotFound)):
        verb(year, login)
    assert census() == before


def test_the_effect_can_be_looked_at_later(year: Year) -> None:
    """R-257."""
    accept(year)
    shown = effect(year)
    assert shown.image == seal_png(99)
    assert shown.picture == preview(year).picture


def test_the_seal_is_used_to_issue_certificates_and_for_nothing_else() -> None:
    """R-259: whoever names the table is written down here."""
    users = {
        source.name(path)
        for path in source.product()
        for node in source.nodes(path)
        if isinstance(node, ast.Name) and node.id == "ElectronicSeal"
    }
    assert users == {
        "core/queries/scoping.py",  # the signing officer alone reads it
        "core/usecases/organisations.py",  # uploaded and replaced
        "core/usecases/samples.py",  # its effect
        "core/usecases/certificates.py",  # certificates
        "core/queries/issuances.py",  # certificates that wait for one
        "core/queries/delegations.py",  # the letter that came with it, before somebody may sign for another one
        "admin/views/colleges.py",  # whether there is one
    }
