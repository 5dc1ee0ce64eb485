"""What the system remembers of itself: imports, messages, the trail, number series and heartbeats."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.models.accounts import UserAccount
from core.models.base import Base, Code, Hash, Name, Record, Words, belongs, is_in, one_living, part_of
from core.rules.imports import ImportState
from core.rules.notices import DeliveryState, ReplyState


class ImportJob(Record):
    """导入记录 (§2.37, §3.22, R-295): rows = accepted + rejected + unchanged; changed: of the accepted, those not new.

    Before it is DONE the counts say what would become of the rows. is_all_or_none: with one bad row none is taken.
    cleared_at: when what it held of people was put away, after which it cannot be undone (G-26).
    """

    __tablename__ = "import_jobs"
    __private__ = frozenset({"failed_rows"})

    sheet: Mapped[Code]
    file_name: Mapped[Name]
    file_hash: Mapped[Hash]
    plan_id: Mapped[int | None] = belongs("exam_plans.id", nullable=True)
    college_id: Mapped[int | None] = belongs("colleges.id", nullable=True)
    org_id: Mapped[int | None] = belongs("evaluation_orgs.id", nullable=True)
    state: Mapped[ImportState] = mapped_column(default=ImportState.READING, server_default="done")
    is_all_or_none: Mapped[bool] = mapped_column(default=False, server_default=false())
    row_count: Mapped[int]
    accepted_count: Mapped[int]
    changed_count: Mapped[int] = mapped_column(default=0, server_default="0")
    rejected_count: Mapped[int]
    unchanged_count: Mapped[int]
    failed_rows: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    cleared_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("row_count = accepted_count + rejected_count + unchanged_count", name="sum"),
        CheckConstraint("changed_count <= accepted_count", name="changed"),
        CheckConstraint("cleared_at IS NULL OR failed_rows IS NULL", name="cleared"),
    )


class ImportFile(Base):
    """The uploaded file while its import is decided on, who works on it until when, and how far he is.

    begun_at, channel: when and through what somebody last asked for something to be done with it.
    """

    __tablename__ = "import_files"
    __audited__ = False

    job_id: Mapped[int] = mapped_column(ForeignKey("import_jobs.id", ondelete="CASCADE"), unique=True)
    data: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    rows_read: Mapped[int] = mapped_column(default=0)
    begun_at: Mapped[datetime]
    channel: Mapped[str] = mapped_column(String(16), server_default="panel")
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    refusal: Mapped[Words] = mapped_column(default="")  # why the file as a whole was not taken, in words


class ImportFault(Base):
    """One thing wrong with one row of a file that is decided on, or was: what CellError says, kept for the page."""

    __tablename__ = "import_faults"
    __audited__ = False

    job_id: Mapped[int] = part_of("import_jobs.id", index=False)
    row: Mapped[int]
    field: Mapped[Code]  # "": the row as a whole
    column: Mapped[Name]
    code: Mapped[Code]
    value: Mapped[Words]
    message: Mapped[Words]
    suggestion: Mapped[Words | None]

    __table_args__ = (Index("ix_import_faults_job_row", "job_id", "row"),)


class ImportCorrection(Base):
    """A cell typed anew on the preview's page; the file itself stays as it was uploaded."""

    __tablename__ = "import_corrections"
    __private__ = frozenset({"value"})

    job_id: Mapped[int] = part_of("import_jobs.id", index=False)
    row: Mapped[int]
    field: Mapped[Code]
    value: Mapped[Words]

    __table_args__ = (UniqueConstraint("job_id", "row", "field"),)


class ImportChange(Base):
    """What an import did to a thing: before holds its earlier columns as JSON, "" for a new thing."""

    __tablename__ = "import_changes"
    __audited__ = False

    job_id: Mapped[int] = part_of("import_jobs.id", index=False)
    thing: Mapped[Code]
    thing_id: Mapped[int]
    before: Mapped[Words] = mapped_column(default="")
    after: Mapped[Words] = mapped_column(default="")

    __table_args__ = (Index("ix_import_changes_job", "job_id", "thing", "thing_id"),)


class ExportJob(Record):
    """导出记录 (§2.37): who asked for which rows of what, and when they left. asked: the filter or the ticked ids.

    code_id: the one-time code that must be typed back first (R-011), None where no personal data leaves.
    """

    __tablename__ = "export_jobs"
    __private__ = frozenset({"asked"})  # people search by name and number

    sheet: Mapped[Code]
    asked: Mapped[Words]
    row_count: Mapped[int]
    authority_id: Mapped[int | None] = belongs("education_authorities.id", nullable=True)
    college_id: Mapped[int | None] = belongs("colleges.id", nullable=True)
    org_id: Mapped[int | None] = belongs("evaluation_orgs.id", nullable=True)
    code_id: Mapped[int | None] = belongs("verification_codes.id", nullable=True)
    is_verified: Mapped[bool] = mapped_column(default=False)
    handed_out_at: Mapped[datetime | None]
    file_hash: Mapped[Hash | None]


class Tally(Base):
    """How many rows of a table stand in a state, per value of each column of __tallied__ ('' for all of them).

    Kept in the commit that moves the rows, so that a list of a million knows its counts without counting;
    `kaowu reconcile` counts.
    """

    __tablename__ = "tallies"
    __audited__ = False

    table_name: Mapped[str] = mapped_column(String(40))
    scope: Mapped[str] = mapped_column(String(20))
    key: Mapped[str] = mapped_column(String(20))
    word: Mapped[str] = mapped_column(String(40))
    count: Mapped[int]

    __table_args__ = (UniqueConstraint("table_name", "scope", "key", "word"),)


class Notification(Base):
    """通知: one fact told to one person; the outbox is the rows still pending.

    kind and facts make the words; thing_type, thing_id and thing_version say what its buttons are about.
    task_code is what a text reply names. useful_until: after it nobody wants to hear this any more.
    due_at: until when an answer is expected; next_reminder_at, reminders: the ladder up to it; next_escalation_at,
    escalations: who else is drawn in. digest_on: the day of the digest it waits for; gathered_in: the message that told
    it together with others; about_id: the message a reminder reminds of;
    instead_of: whom the person stands in for.
    """

    __tablename__ = "notifications"
    __audited__ = False  # its own columns are its history, and jobs touch it all day

    kind: Mapped[str] = mapped_column(String(60))
    account_id: Mapped[int] = belongs("user_accounts.id", index=False)
    facts: Mapped[Words]
    dedupe_key: Mapped[str] = mapped_column(String(160))
    thing_type: Mapped[str | None] = mapped_column(String(40))
    thing_id: Mapped[int | None]
    thing_version: Mapped[int | None]
    task_code: Mapped[str | None] = mapped_column(String(8))
    reply_state: Mapped[ReplyState] = mapped_column(default=ReplyState.NOT_ASKED)
    replied_at: Mapped[datetime | None]
    replied_by: Mapped[int | None]
    closing_note: Mapped[Words] = mapped_column(default="")
    created_at: Mapped[datetime]
    not_before: Mapped[datetime]
    useful_until: Mapped[datetime]
    due_at: Mapped[datetime | None]
    next_reminder_at: Mapped[datetime | None]
    reminders: Mapped[int] = mapped_column(default=0, server_default="0")
    next_escalation_at: Mapped[datetime | None]
    escalations: Mapped[int] = mapped_column(default=0, server_default="0")
    digest_on: Mapped[date | None]
    gathered_in: Mapped[int | None]
    about_id: Mapped[int | None]
    instead_of: Mapped[int | None]
    delivery_state: Mapped[DeliveryState] = mapped_column(default=DeliveryState.PENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    may_have_arrived: Mapped[bool] = mapped_column(default=False)
    delivered_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(String(200))
    chat_id: Mapped[int | None] = mapped_column(BigInteger)
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    is_stale: Mapped[bool] = mapped_column(default=False)
    seen_at: Mapped[datetime | None]

    account: Mapped[UserAccount] = relationship()

    __table_args__ = (
        Index("uq_notifications_once", "account_id", "dedupe_key", unique=True),
        Index("ix_notifications_due", "delivery_state", "next_attempt_at"),
        Index("ix_notifications_mine", "account_id", "reply_state"),
        Index("ix_notifications_thing", "thing_type", "thing_id"),
        Index("ix_notifications_stale", "is_stale"),
        Index("ix_notifications_created", "created_at"),
        Index("ix_notifications_reminder", "next_reminder_at"),
        Index("ix_notifications_escalation", "next_escalation_at"),
        Index("ix_notifications_about", "about_id"),
        Index("ix_notifications_gathered", "gathered_in"),
        one_living("uq_notifications_task_code", "task_code", where=is_in("reply_state", [ReplyState.OPEN])),
        CheckConstraint(
            f"({is_in('delivery_state', [DeliveryState.DELIVERED])}) = (delivered_at IS NOT NULL)",
            name="delivered_has_time",
        ),
    )


class ChatUpdate(Base):
    """An update of Telegram that has been acted upon; the same one twice does nothing."""

    __tablename__ = "chat_updates"
    __audited__ = False

    update_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    at: Mapped[datetime]


class ChatDraft(Base):
    """What the bot is waiting for from a person: a row, so that a restart forgets nothing.

    thing_version and shown_count: what the person was shown; text: what they have said so far.
    """

    __tablename__ = "chat_drafts"
    __audited__ = False

    account_id: Mapped[int] = mapped_column(unique=True)
    flow: Mapped[str] = mapped_column(String(40))
    text: Mapped[Words] = mapped_column(default="")
    thing_id: Mapped[int]
    thing_version: Mapped[int]
    shown_count: Mapped[int] = mapped_column(default=0)
    chat_id: Mapped[int] = mapped_column(BigInteger)
    message_id: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[datetime]


class AuditEntry(Base):
    """操作日志: one link of the chain; hash covers every column and the link before."""

    __tablename__ = "audit_entries"
    __audited__ = False

    at: Mapped[datetime]
    actor_id: Mapped[int | None]
    actor_login: Mapped[Name]
    channel: Mapped[str] = mapped_column(String(16))
    object_type: Mapped[str] = mapped_column(String(60))
    object_id: Mapped[int | None]
    action: Mapped[str] = mapped_column(String(60))
    before: Mapped[Words]
    after: Mapped[Words]
    reason: Mapped[Words]
    previous_hash: Mapped[Hash]
    hash: Mapped[Hash] = mapped_column(unique=True)

    __table_args__ = (Index("ix_audit_entries_object", "object_type", "object_id"),)


class NumberSeries(Base):
    """The last number given out in a series (plan numbers, tickets of a plan and site …)."""

    __tablename__ = "number_series"
    __audited__ = False

    series: Mapped[str] = mapped_column(String(80), unique=True)
    last: Mapped[int]


class Heartbeat(Base):
    """When a job or the bot's poller was last seen at work; /readyz reads it."""

    __tablename__ = "heartbeats"
    __audited__ = False

    name: Mapped[str] = mapped_column(String(60), unique=True)
    at: Mapped[datetime]
    note: Mapped[Words] = mapped_column(default="")
