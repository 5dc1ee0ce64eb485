"""签发: both ceremonies, refusals, generation, and the certificate made once (R-230…R-260, T-19)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select, text

from core import clock, db
from core.db import reading
from core.errors import IllegalMove, NotFound, NotReady, ReasonMissing, Refusal, StaleState, ValueRefused
from core.gateways import storage
from core.gateways.seal import SealFailed
from core.models.certificates import Certificate, CertificateIssuance, SigningRecord, SigningSession
from core.models.organisations import ElectronicSeal, EvaluationOrg
from core.models.plans import ExamPlan
from core.models.records import Notification
from core.queries.certificates import issuances_to_generate
from core.queries.verification import verified_certificate
from core.rules.certificates import ISSUANCE, IssueMethod, Party
from core.usecases import certificates, organisations, signing
from core.usecases.notices import revive_of
from tests.factories import (
    ISSUED_ON,
    PlainSealer,
    Year,
    Years,
    blank_png,
    census,
    count,
    generate,
    last_entries,
    notices,
    one,
    order,
    rows,
    seal_png,
)

At = Callable[[datetime | str], datetime]


def put(years: Years, at: At, stage: str, now: str = "2026-06-16 13:00") -> Year:
    year = years(stage)
    at(now)
    return year


@pytest.fixture
def concluded(years: Years, at: At) -> Year:
    """Two certificates wait for the TEO."""
    return put(years, at, "concluded", "2026-06-15 19:00")


@pytest.fixture
def half_signed(years: Years, at: At) -> Year:
    """The TEO has signed two certificates, the college has not."""
    return put(years, at, "signed_by_teo")


@pytest.fixture
def signed(years: Years, at: At) -> Year:
    return put(years, at, "signed")


@pytest.fixture
def ordered(years: Years, at: At) -> Year:
    return put(years, at, "ordered")


def states() -> list[str]:
    return [state.value for state in rows(select(CertificateIssuance.state).order_by(CertificateIssuance.id))]


def refused(verb: Callable[[], Any], kind: type[Refusal], code: str, rule: str) -> Refusal:
    with pytest.raises(kind) as caught:
        verb()
    assert (caught.value.sentence_code, caught.value.rule) == (code, rule)
    return caught.value


def reject(year: Year, login: str = "signatory", party: Party = Party.COLLEGE, **other: Any) -> int:
    given = {"plan_id": year["plan"], "party": party, "reason": "照片不清"} | other
    return int(year.do(login, signing.reject_batch, **given))


def handle(year: Year, note: str = "照片已更换") -> int:
    return int(year.do("teo", signing.handle_rejections, plan_id=year["plan"], note=note))


# -- the ceremony ----------------------------------------------------------------------------------------------------


def test_the_recap_shows_numbers_and_the_plan_and_nobodys_name(concluded: Year) -> None:
    ceremony = concluded.open_signing("teo", Party.TEO)
    recap = concluded.do("teo", signing.look_at_signing, token=ceremony.token)
    assert (recap.count, recap.by_certificate, recap.party) == (2, (("示例证书(初级)", 2),), Party.TEO)
    assert recap.expires_at == clock.now() + timedelta(minutes=5)
    said = str(recap)
    assert not [p for p in concluded.students + concluded.socials if p.name in said or p.id_number in said]


def test_signing_moves_every_certificate_and_leaves_a_record_of_each_R233_R238(concluded: Year) -> None:
    concluded.sign("teo", concluded.open_signing("teo", Party.TEO))
    assert states() == ["site_pending", "site_pending"]
    records = rows(select(SigningRecord))
    assert {(r.party, r.decision, r.actor_id, r.channel) for r in records} == {
        ("teo", "approve", concluded["account:teo"], "phone")
    }
    assert len(records) == 2
    held = rows(select(SigningSession))[0]
    assert (held.state, held.item_count, len(held.signature_hash)) == ("signed", 2, 64)


def test_the_college_is_asked_when_the_teo_has_signed_and_the_teos_task_is_done_M28(concluded: Year) -> None:
    concluded.sign("teo", concluded.open_signing("teo", Party.TEO))
    assert [n.reply_state for n in notices("certificates.teo_signing_requested")] == ["done"]
    asked = {n.account_id for n in notices("certificates.signing_requested")}
    assert asked == {concluded["account:signatory"], concluded["account:reviewer"]}


def test_the_college_signs_only_after_the_teo_R231_R232(concluded: Year) -> None:
    refused(lambda: concluded.open_signing("signatory", Party.COLLEGE), NotFound, "nothing_to_sign", "R-232")


@pytest.mark.parametrize("typed", ["1", "3", "", "two", "２x"])
def test_the_number_has_to_be_typed_as_shown_R234(half_signed: Year, typed: str) -> None:
    ceremony = half_signed.open_signing("signatory", Party.COLLEGE)
    refused(lambda: half_signed.sign("signatory", ceremony, count=typed), ValueRefused, "typed_count", "R-234")
    assert states() == ["site_pending", "site_pending"]
    half_signed.sign("signatory", ceremony, count=" 2 ")


@pytest.mark.parametrize("ink", [b"", b"not a picture", blank_png(), b"\x89PNG\r\n\x1a\n" + b"0" * 400_001])
def test_without_a_drawn_signature_nothing_is_signed_R234(half_signed: Year, ink: bytes) -> None:
    ceremony = half_signed.open_signing("signatory", Party.COLLEGE)
    with pytest.raises(ValueRefused) as caught:
        half_signed.sign("signatory", ceremony, ink=ink)
    assert caught.value.rule == "R-234"
    assert count(SigningRecord, SigningRecord.party == Party.COLLEGE) == 0


def test_a_batch_that_changed_since_it_was_shown_is_not_signed(half_signed: Year) -> None:
    ceremony = half_signed.open_signing("signatory", Party.COLLEGE)
    with half_signed.acting("system") as tx:
        tx.get(CertificateIssuance, half_signed["issuance:0"]).rejection_note = "changed"
    refused(lambda: half_signed.sign("signatory", ceremony), StaleState, "batch_changed", "R-237")
    assert states() == ["site_pending", "site_pending"]
    assert count(SigningRecord, SigningRecord.party == Party.COLLEGE) == 0
    half_signed.sign("signatory", half_signed.open_signing("signatory", Party.COLLEGE))
    assert states() == ["ready", "ready"]


def test_signing_twice_is_told_as_signed_already_with_the_number_R237(half_signed: Year) -> None:
    ceremony = half_signed.open_signing("signatory", Party.COLLEGE)
    half_signed.sign("signatory", ceremony)
    before = census()
    caught = refused(lambda: half_signed.sign("signatory", ceremony), StaleState, "signed_already", "R-237")
    assert caught.facts["count"] == 2
    assert census() == before


def test_a_signature_cannot_be_taken_back_R237(signed: Year) -> None:
    with pytest.raises(Refusal):
        reject(signed)
    with pytest.raises(Refusal):
        reject(signed, "teo", Party.TEO)
    assert states() == ["ready", "ready"]


def test_a_cancelled_or_expired_page_signs_nothing(half_signed: Year, at: At) -> None:
    ceremony = half_signed.open_signing("signatory", Party.COLLEGE)
    half_signed.do("signatory", signing.cancel_signing, token=ceremony.token)
    with pytest.raises(Refusal):
        half_signed.sign("signatory", ceremony)
    second = half_signed.open_signing("signatory", Party.COLLEGE)
    at("2026-06-16 13:05:01")
    half_signed.do("system", signing.expire_signing, session_id=second.session.id)
    half_signed.do("system", signing.expire_signing, session_id=ceremony.session.id)
    assert rows(
        select(SigningSession.state).where(SigningSession.party == Party.COLLEGE).order_by(SigningSession.id)
    ) == [
        "cancelled",
        "expired",
    ]
    assert states() == ["site_pending", "site_pending"]


def test_the_job_does_not_expire_a_page_before_its_time(half_signed: Year) -> None:
    ceremony = half_signed.open_signing("signatory", Party.COLLEGE)
    half_signed.do("system", signing.expire_signing, session_id=ceremony.session.id)
    assert one(SigningSession, ceremony.session.id).state == "scanned"


def test_opening_a_second_page_cancels_the_first(half_signed: Year) -> None:
    first = half_signed.open_signing("signatory", Party.COLLEGE)
    second = half_signed.open_signing("signatory", Party.COLLEGE)
    with pytest.raises(Refusal):
        half_signed.sign("signatory", first)
    half_signed.sign("signatory", second)


@pytest.mark.parametrize("token", ["", "x", "a" * 43])
def test_a_token_nobody_was_given_opens_nothing(half_signed: Year, token: str) -> None:
    with pytest.raises(NotFound) as caught:
        half_signed.do("signatory", signing.look_at_signing, token=token)
    assert caught.value.sentence_code == "signing_unknown"


def test_the_secret_of_a_page_is_not_kept(half_signed: Year) -> None:
    ceremony = half_signed.open_signing("signatory", Party.COLLEGE)
    assert one(SigningSession, ceremony.session.id).token_hash != ceremony.token


# -- seals -----------------------------------------------------------------------------------------------------------


def test_a_college_without_a_seal_does_not_sign_R260(half_signed: Year) -> None:
    with db.engine().begin() as connection:
        connection.execute(text("UPDATE electronic_seals SET state = 'replaced'"))
    refused(lambda: half_signed.open_signing("signatory", Party.COLLEGE), NotReady, "seal_missing", "R-260")


def test_a_seal_that_goes_between_opening_and_signing_stops_the_signature_R260(half_signed: Year) -> None:
    ceremony = half_signed.open_signing("signatory", Party.COLLEGE)
    with db.engine().begin() as connection:
        connection.execute(text("UPDATE electronic_seals SET state = 'replaced'"))
    refused(lambda: half_signed.sign("signatory", ceremony), NotReady, "seal_missing", "R-260")


def test_an_organisation_without_a_seal_does_not_sign_R244(concluded: Year) -> None:
    with concluded.acting("system") as tx:
        tx.get(EvaluationOrg, concluded["org"]).seal_image = None
    refused(lambda: concluded.open_signing("teo", Party.TEO), NotReady, "seal_missing", "R-244")


def activate(year: Year, image: bytes, **other: Any) -> Any:
    given = {"college_id": year["college"], "officer_name": "演签发", "image": image, "has_accepted": True} | other
    return year.do("signatory", organisations.activate_seal, **given)


def test_a_new_seal_replaces_the_old_one_and_the_authorisation_is_kept_R258(concluded: Year) -> None:
    seal = activate(concluded, seal_png(99))
    assert (seal.authorization_version, seal.authorized_at) == (organisations.AUTHORIZATION_VERSION, clock.now())
    mine = ElectronicSeal.college_id == concluded["college"]
    assert sorted(rows(select(ElectronicSeal.state).where(mine))) == ["active", "replaced"]


def test_the_authorisation_has_to_be_accepted_R258(concluded: Year) -> None:
    refused(
        lambda: activate(concluded, seal_png(), has_accepted=False), NotReady, "authorization_not_accepted", "R-258"
    )


def _opaque() -> bytes:
    out = BytesIO()
    Image.new("RGB", (95, 95), "white").save(out, "PNG")
    return out.getvalue()


def _oblong() -> bytes:
    out = BytesIO()
    Image.new("RGBA", (95, 60)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("image", "code"),
    [
        (b"", "seal_image"),
        (b"GIF89a", "seal_image"),
        (_opaque(), "seal_image"),
        (_oblong(), "seal_image"),
        (b"\x89PNG" + b"0" * 1_048_576, "seal_too_large"),
    ],
)
def test_a_seal_is_a_transparent_square_png_of_at_most_a_megabyte_R256(
    concluded: Year, image: bytes, code: str
) -> None:
    refused(lambda: activate(concluded, image), ValueRefused, code, "R-256")


# -- refusing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["", "   "])
def test_a_refusal_needs_words_R235(half_signed: Year, reason: str) -> None:
    refused(lambda: reject(half_signed, reason=reason), ReasonMissing, "reason_missing", "R-235")


def test_a_refusal_names_nobody_by_number(half_signed: Year) -> None:
    refused(lambda: reject(half_signed, reason="13900000000 的照片"), ValueRefused, "reason_personal", "chat.md")


def test_what_the_college_refuses_waits_for_the_teo_before_it_can_be_signed_again_D18_R236(half_signed: Year) -> None:
    assert reject(half_signed) == 2
    assert states() == ["site_rejected", "site_rejected"]
    told = notices("certificates.signing_rejected")
    assert [n.account_id for n in told] == [half_signed["account:teo"]]
    assert "照片不清" in told[0].facts
    refused(lambda: half_signed.open_signing("signatory", Party.COLLEGE), NotFound, "nothing_to_sign", "R-232")
    refused(lambda: handle(half_signed, " "), ReasonMissing, "reason_missing", "D-18")
    assert handle(half_signed) == 2
    refused(lambda: handle(half_signed), NotFound, "nothing_to_handle", "D-18")
    half_signed.sign("signatory", half_signed.open_signing("signatory", Party.COLLEGE))
    assert states() == ["ready", "ready"]
    decisions = [r.decision for r in rows(select(SigningRecord).where(SigningRecord.party == Party.COLLEGE))]
    assert sorted(decisions) == ["approve", "approve", "reject", "reject"]


def test_what_was_handled_may_be_refused_again(half_signed: Year) -> None:
    reject(half_signed)
    handle(half_signed)
    assert reject(half_signed, reason="仍不清") == 2
    assert rows(select(CertificateIssuance.is_rejection_handled)) == [False, False]
    refused(lambda: half_signed.open_signing("signatory", Party.COLLEGE), NotFound, "nothing_to_sign", "R-232")


def test_the_college_is_asked_again_when_the_teo_has_handled_its_refusal(half_signed: Year, at: At) -> None:
    reject(half_signed)
    first = notices("certificates.signing_requested", half_signed["account:signatory"])
    assert [n.reply_state for n in first] == ["refused"]
    at("2026-06-16 14:00")
    handle(half_signed)
    assert [n.reply_state for n in notices("certificates.signing_requested", half_signed["account:signatory"])] == [
        "refused",
        "open",
    ]


def test_refusing_one_leaves_the_other_waiting_and_asked_for(half_signed: Year) -> None:
    assert reject(half_signed, issuance_ids=[half_signed["issuance:0"]]) == 1
    assert states() == ["site_rejected", "site_pending"]
    (task,) = notices("certificates.signing_requested", half_signed["account:signatory"])
    assert task.reply_state == "open"
    ceremony = half_signed.open_signing("signatory", Party.COLLEGE)
    assert ceremony.session.item_count == 1
    half_signed.sign("signatory", ceremony)
    assert states() == ["site_rejected", "ready"]


def test_nothing_of_another_plan_or_state_is_refused(half_signed: Year) -> None:
    refused(lambda: reject(half_signed, issuance_ids=[]), NotFound, "nothing_to_sign", "R-232")
    refused(lambda: reject(half_signed, issuance_ids=[999]), NotFound, "nothing_to_sign", "R-232")


def test_what_the_teo_refuses_it_signs_itself_when_the_cause_is_mended(concluded: Year) -> None:
    assert reject(concluded, "teo", Party.TEO, issuance_ids=[concluded["issuance:0"]]) == 1
    assert reject(concluded, "teo", Party.TEO) == 1  # the rest; what was refused before is not refused again
    assert states() == ["teo_rejected", "teo_rejected"]
    refused(lambda: reject(concluded, "teo", Party.TEO), NotFound, "nothing_to_sign", "R-232")
    concluded.sign("teo", concluded.open_signing("teo", Party.TEO))
    assert states() == ["site_pending", "site_pending"]


# -- generation ------------------------------------------------------------------------------------------------------


def test_nothing_is_ordered_before_scores_are_locked_R241(years: Years, at: At) -> None:
    year = put(years, at, "scored", "2026-06-14 09:00")
    refused(lambda: order(year), NotReady, "scores_not_locked", "R-241")


def test_the_teo_is_asked_to_order_what_both_have_signed_until_it_has(signed: Year) -> None:
    """R-242: whoever has to move next hears of it; nothing waits for Monday's list."""
    (asked,) = notices("certificates.ready_to_order")
    assert (asked.account_id, asked.reply_state) == (signed["account:teo"], "open")
    given = {"plan_id": signed["plan"], "issue_method": IssueMethod.PAPER, "issued_on": date(2026, 6, 15)}
    first = rows(select(CertificateIssuance.id).order_by(CertificateIssuance.id))[0]
    signed.do("teo", certificates.order_generation, **given, issuance_ids=[first])
    assert notices("certificates.ready_to_order")[0].reply_state == "open", "the other one is not ordered yet"
    signed.do("teo", certificates.order_generation, **given)
    assert notices("certificates.ready_to_order")[0].reply_state == "done"


def test_the_date_of_issue_is_not_before_the_end_of_publication_R241(signed: Year) -> None:
    given = {"plan_id": signed["plan"], "issue_method": IssueMethod.PAPER}
    early = lambda: signed.do("teo", certificates.order_generation, **given, issued_on=date(2026, 6, 14))  # noqa: E731
    refused(early, ValueRefused, "issued_on_too_early", "R-241")
    assert signed.do("teo", certificates.order_generation, **given, issued_on=date(2026, 6, 15)) == 2


def test_what_both_have_signed_goes_to_the_printer_at_once_R242_R252(signed: Year) -> None:
    assert order(signed) == 2
    assert states() == ["generating", "generating"]
    found = rows(select(CertificateIssuance))
    assert {(i.issue_method, i.issued_on) for i in found} == {("electronic", ISSUED_ON)}


def test_what_was_ordered_before_the_college_signed_is_made_when_it_signs(half_signed: Year) -> None:
    assert order(half_signed) == 0
    assert states() == ["site_pending", "site_pending"]
    half_signed.sign("signatory", half_signed.open_signing("signatory", Party.COLLEGE))
    assert states() == ["generating", "generating"]


def test_an_order_does_not_make_the_colleges_open_request_look_old(half_signed: Year) -> None:
    order(half_signed)
    with reading() as session:
        row = session.scalars(
            select(Notification).where(
                Notification.kind == "certificates.signing_requested",
                Notification.account_id == half_signed["account:signatory"],
            )
        ).one()
        thing = revive_of(row).thing(session)
        assert thing is not None
        assert (row.reply_state, row.thing_version) == ("open", thing[2])


def test_nothing_left_to_order_is_said_so(ordered: Year) -> None:
    for ident in rows(issuances_to_generate()):
        generate(ordered, ident)
    refused(lambda: order(ordered), NotFound, "nothing_to_generate", "R-241")


def test_a_certificate_is_made_stored_and_verifiable_R241_R247(ordered: Year) -> None:
    made = generate(ordered, ordered["issuance:0"])
    assert states() == ["issued", "generating"]
    assert storage.read(made.storage_key).startswith(b"%PDF")
    with reading() as session:
        known = verified_certificate(session, made.certificate_no, ordered.students[0].id_number)
        assert known is not None
        assert known.name[1:] == "*" * (len(ordered.students[0].name) - 1)
        assert verified_certificate(session, made.certificate_no, ordered.students[1].id_number) is None


def test_the_college_is_told_once_when_all_of_a_plan_are_made_M30(ordered: Year) -> None:
    generate(ordered, ordered["issuance:0"])
    assert notices("certificates.issued") == []
    generate(ordered, ordered["issuance:1"])
    told = {n.account_id for n in notices("certificates.issued")}
    assert told == {ordered[f"account:{who}"] for who in ("coordinator", "second_coordinator", "signatory")}


def test_a_certificate_is_never_made_twice_R228(ordered: Year) -> None:
    assert generate(ordered, ordered["issuance:0"]) is not None
    before = census()
    assert generate(ordered, ordered["issuance:0"]) is None
    assert census() == before


class BrokenSealer(PlainSealer):
    def seal(self, pdf: bytes, *, reason: str, picture: bytes | None = None) -> bytes:
        raise SealFailed


def test_a_failed_stamp_is_told_and_can_be_retried_R245(ordered: Year) -> None:
    assert generate(ordered, ordered["issuance:0"], BrokenSealer()) is None
    issuance = one(CertificateIssuance, ordered["issuance:0"])
    assert (issuance.state, issuance.failure_code) == ("stamp_failed", "seal_failed")
    assert [n.account_id for n in notices("certificates.stamp_failed")] == [ordered["account:teo"]]
    assert generate(ordered, ordered["issuance:0"]) is None
    assert order(ordered) == 1
    assert generate(ordered, ordered["issuance:0"]) is not None
    assert one(CertificateIssuance, ordered["issuance:0"]).failure_code is None
    assert count(Certificate) == 1


def test_a_seal_that_is_missing_at_the_last_moment_stops_the_stamp_R245(ordered: Year) -> None:
    with ordered.acting("system") as tx:
        tx.get(EvaluationOrg, ordered["org"]).seal_image = None
    assert generate(ordered, ordered["issuance:0"]) is None
    assert one(CertificateIssuance, ordered["issuance:0"]).failure_code == "seal_missing"


class Accident(Exception):
    pass


class DyingSealer(PlainSealer):
    def seal(self, pdf: bytes, *, reason: str, picture: bytes | None = None) -> bytes:
        raise Accident


def test_a_worker_that_dies_leaves_the_certificate_to_the_next_one(ordered: Year) -> None:
    before = census()
    with pytest.raises(Accident):
        generate(ordered, ordered["issuance:0"], DyingSealer())
    assert census() == before
    assert generate(ordered, ordered["issuance:0"]) is not None


def test_an_issued_certificate_is_downloaded_with_a_note_in_the_trail(years: Years, at: At) -> None:
    year = put(years, at, "issued")
    year.do("coordinator", certificates.note_download, issuance_id=year["issuance:0"])
    entry = last_entries()[0]
    assert (entry.object_type, entry.object_id, entry.action) == (
        "certificate_issuances",
        year["issuance:0"],
        "download",
    )


def test_what_is_not_issued_yet_is_not_downloaded(ordered: Year) -> None:
    refused(
        lambda: ordered.do("coordinator", certificates.note_download, issuance_id=ordered["issuance:0"]),
        NotReady,
        "certificate_not_issued",
        "R-241",
    )


def test_an_issued_certificate_is_final(years: Years, at: At) -> None:
    year = put(years, at, "issued")
    with pytest.raises(Refusal):
        order(year)
    with pytest.raises(Refusal):
        reject(year)
    assert states() == ["issued", "issued"]
    assert one(ExamPlan, year["plan"]).locked_at is not None
    with pytest.raises(IllegalMove), year.acting("system") as tx:
        tx.advance(tx.get(CertificateIssuance, year["issuance:0"]), ISSUANCE, "generate")
