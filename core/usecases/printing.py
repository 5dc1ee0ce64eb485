"""Handing out printed things: who may, when they exist, and the note in the trail that they were taken."""

from __future__ import annotations

from typing import BinaryIO

from core.db import Tx
from core.documents.admission_ticket import Sitting, TicketFacts, draw_tickets
from core.documents.desk_label import DeskLabelFacts, draw_desk_labels
from core.documents.door_label import DoorLabelFacts, DoorSeat, draw_door_labels
from core.documents.sign_in_sheet import SignInRow, SignInSheetFacts, draw_sign_in_sheets
from core.errors import NotPermitted, NotReady, ValueRefused
from core.models.organisations import College
from core.models.plans import ExamPlan
from core.queries.documents import SeatedRow, by_candidate, by_room_session, photos_of, seated_rows
from core.rules.catalogue import modes_text
from core.rules.permissions import has_role

KINDS = {"ticket": "准考证", "sign-in": "考场签到表", "desk-label": "考场桌贴", "door-label": "考场门贴"}


def print_documents(
    tx: Tx, *, kind: str, plan_id: int, out: BinaryIO, site_id: int | None = None, room_name: str | None = None
) -> int:
    """Write one PDF of a kind (a key of KINDS) for a plan, site or room; returns how many sheets' facts it holds.

    Only after the arrangement is published (R-179…R-182), each party what is its own, and never without a trace.
    """
    if kind not in KINDS:
        raise ValueRefused("document_unknown", rule="R-181", value=kind, suggestion="、".join(KINDS))
    if not has_role(tx.actor, "print_documents"):
        raise NotPermitted(rule="§8.8", act="print_documents")
    plan = tx.get(ExamPlan, plan_id)
    rows = seated_rows(tx.session, plan, tx.actor, site_id=site_id, room_name=room_name)
    if not rows:
        raise NotReady("nothing_arranged", rule="R-180", plan=plan.plan_no)
    count = draw_sheets(tx, kind, plan, rows, out)
    tx.record(plan, f"print_{kind}", after={"count": count, "site_id": site_id, "room": room_name})
    return count


def draw_sheets(tx: Tx, kind: str, plan: ExamPlan, rows: list[SeatedRow], out: BinaryIO) -> int:
    """The PDF of a kind for these seats; how many sheets' facts it holds."""
    return _DRAW[kind](tx, plan, rows, out)


def _tickets(tx: Tx, plan: ExamPlan, rows: list[SeatedRow], out: BinaryIO) -> int:
    grouped = by_candidate(rows)
    photos = photos_of(tx.session, [sat[0].snapshot.candidate_id for sat in grouped.values()])
    draw_tickets((_ticket(plan, sat, photos) for sat in grouped.values()), out, printed_at=tx.now)
    return len(grouped)


def _ticket(plan: ExamPlan, sat: list[SeatedRow], photos: dict[int, bytes]) -> TicketFacts:
    first = sat[0]
    person = first.snapshot
    return TicketFacts(
        plan_no=plan.plan_no,
        plan_name=plan.name,
        ticket_no=person.ticket_no or "",
        name=person.name,
        id_type=person.id_type.label,
        id_number=person.id_number,
        college=first.college.name,
        certificate=first.certificate.name,
        level=first.certificate.level.label,
        site=first.site.name,
        sittings=tuple(
            Sitting(
                subject=row.subject.name,
                mode=modes_text(row.subject.exam_modes),
                starts_at=row.session.starts_at,
                ends_at=row.session.ends_at,
                room=row.room.name,
                room_address=row.room.address,
                seat_no=row.seat_no,
            )
            for row in sorted(sat, key=lambda row: row.session.starts_at)
        ),
        photo=photos.get(person.candidate_id),
        qr=person.ticket_no or "",
    )


def _sign_in_sheets(tx: Tx, plan: ExamPlan, rows: list[SeatedRow], out: BinaryIO) -> int:
    grouped = by_room_session(rows)
    draw_sign_in_sheets((_sign_in_sheet(tx, plan, sat) for sat in grouped.values()), out, printed_at=tx.now)
    return len(grouped)


def _sign_in_sheet(tx: Tx, plan: ExamPlan, sat: list[SeatedRow]) -> SignInSheetFacts:
    first = sat[0]
    return SignInSheetFacts(
        plan_no=plan.plan_no,
        room=first.room.name,
        site=first.site.name,
        college=_host(tx, first),
        subject=first.subject.name,
        certificate=first.certificate.name,
        level=first.certificate.level.label,
        starts_at=first.session.starts_at,
        ends_at=first.session.ends_at,
        rows=tuple(
            SignInRow(
                seat_no=row.seat_no,
                name=row.snapshot.name,
                id_number=row.snapshot.id_number,
                ticket_no=row.snapshot.ticket_no or "",
                college=row.college.name,
            )
            for row in sat
        ),
    )


def _host(tx: Tx, row: SeatedRow) -> str:
    return tx.get(College, row.site.college_id).name


def _desk_labels(tx: Tx, plan: ExamPlan, rows: list[SeatedRow], out: BinaryIO) -> int:
    draw_desk_labels((_desk_label(row) for row in rows), out, printed_at=tx.now)
    return len(rows)


def _desk_label(row: SeatedRow) -> DeskLabelFacts:
    return DeskLabelFacts(
        seat_no=row.seat_no,
        name=row.snapshot.name,
        ticket_no=row.snapshot.ticket_no or "",
        id_number=row.snapshot.id_number,
        room=row.room.name,
        subject=row.subject.name,
    )


def _door_labels(tx: Tx, plan: ExamPlan, rows: list[SeatedRow], out: BinaryIO) -> int:
    grouped = by_room_session(rows)
    draw_door_labels((_door_label(plan, sat) for sat in grouped.values()), out, printed_at=tx.now)
    return len(grouped)


def _door_label(plan: ExamPlan, sat: list[SeatedRow]) -> DoorLabelFacts:
    first = sat[0]
    return DoorLabelFacts(
        plan_no=plan.plan_no,
        room=first.room.name,
        room_address=first.room.address,
        site=first.site.name,
        subject=first.subject.name,
        certificate=first.certificate.name,
        level=first.certificate.level.label,
        starts_at=first.session.starts_at,
        ends_at=first.session.ends_at,
        seats=tuple(DoorSeat(row.seat_no, row.snapshot.name, row.snapshot.ticket_no or "") for row in sat),
    )


_DRAW = {"ticket": _tickets, "sign-in": _sign_in_sheets, "desk-label": _desk_labels, "door-label": _door_labels}
