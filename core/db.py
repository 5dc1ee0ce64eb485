"""The database: engines done right for SQLite and PostgreSQL, and the one way to change anything.

`transaction(actor)` is the only committer in kaowu. It hands out a Tx; whatever the Tx changes, adds, deletes or
advances is written to the hash-chained trail in the same commit, together with the messages it caused.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from sqlalchemy import (
    ColumnElement,
    Engine,
    Select,
    Table,
    create_engine,
    delete,
    event,
    func,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import InstanceState, Session
from sqlalchemy.orm.exc import StaleDataError

from core import bulk, clock, settings, trail
from core.actors import Actor
from core.errors import AlreadyThere, IllegalMove, NotFound, Refusal, StaleState
from core.models.accounts import TellingChoice
from core.models.base import Base
from core.models.records import AuditEntry, Heartbeat, Notification, NumberSeries, Tally
from core.models.registry import metadata
from core.rules.machine import Machine
from core.rules.notices import ReplyState
from core.rules.numbering import task_code
from core.rules.telling import NIGHT, QuietHours, Tempo, digest_day, escalations, next_reminder, tell_at

T = TypeVar("T", bound=Base)
_TRAIL_LOCK = 7_204_118  # any number, the same everywhere: serialises the end of PostgreSQL transactions
_MANY = 200  # rows; so many and more are poured
_PAGES, _FEW_PAGES = 65_536, 16_384  # KB of SQLite's page cache
_LOST_A_RACE = frozenset({"40P01", "40001"})  # PostgreSQL: deadlock, serialization failure
_FROZEN = "verified_is_locked"  # what the triggers of migration 0005 say
_engine: Engine | None = None


class Message(Protocol):
    """What notify() needs of a message; core.notifications has them all."""

    @property
    def kind(self) -> str: ...
    @property
    def tempo(self) -> Tempo: ...
    @property
    def wakes(self) -> bool: ...
    @property
    def has_ladder(self) -> bool: ...
    @property
    def escalates(self) -> bool: ...
    def facts(self) -> dict[str, Any]: ...
    def dedupe_key(self) -> str: ...
    def recipients(self, session: Session) -> Iterable[int]: ...
    def thing(self, session: Session) -> tuple[str, int, int] | None: ...
    def stand_ins(self, session: Session, people: Iterable[int], now: datetime) -> dict[int, int]: ...
    def due_at(self, session: Session, now: datetime) -> datetime | None: ...
    def about(self) -> int | None: ...
    def useful_until(self, now: datetime) -> datetime: ...
    def asks_for_reply(self) -> bool: ...


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Every SQLite connection: no implicit transactions, WAL, foreign keys, patience, a decent cache."""
    if "sqlite3" not in type(connection).__module__:
        return
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "foreign_keys=ON",
        "busy_timeout=15000",
        "synchronous=NORMAL",
        f"cache_size=-{_PAGES}",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


@event.listens_for(Engine, "begin")
def _begin_sqlite(connection: Connection) -> None:
    """Write units take the write lock at once (read-then-write would lose updates or fail late); readers never wait."""
    if connection.dialect.name == "sqlite":
        writes = connection.get_execution_options().get("write", True)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def configure(url: str | None = None) -> Engine:
    """(Re)build the engine of this process; url defaults to the settings'."""
    global _engine
    if _engine is not None:
        _engine.dispose()
    parsed = make_url(url or settings.current().database)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    options: dict[str, Any] = {"pool_size": 10, "max_overflow": 20} if parsed.get_backend_name() != "sqlite" else {}
    _engine = create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite", **options)
    return _engine


def engine() -> Engine:
    """The engine of this process, made from the settings on first use."""
    return _engine if _engine is not None else configure()


def upgrade() -> None:
    """Bring the schema to the newest migration; safe to call at every start."""
    from alembic import command  # only start-up and tests need alembic

    command.upgrade(alembic_config(), "head")


def differences() -> list[str]:
    """How the database differs from the models, a line each; empty when they agree (checks are a test's business)."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with engine().connect().execution_options(write=False) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [str(difference) for difference in compare_metadata(context, metadata)]


def alembic_config() -> Any:
    """Alembic's configuration, made in code so that it works from wherever kaowu is installed."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


@contextmanager
def reading() -> Iterator[Session]:
    """A session for looking only; what is changed in it is thrown away, and SQLite writers never wait for it."""
    with engine().connect().execution_options(write=False) as connection, Session(connection) as session:
        yield session


@contextmanager
def transaction(actor: Actor) -> Iterator[Tx]:
    """One unit of work: all of it, its trail and its messages, or nothing.

    A race lost at a unique constraint comes out as AlreadyThere, a lost update or a deadlock as StaleState, and a hand
    laid on a verified identity as IllegalMove (R-089).
    """
    with Session(engine(), expire_on_commit=False, autoflush=True) as session:
        tx = Tx(session, actor)
        try:
            yield tx
            tx.finish()
            session.commit()
        except IntegrityError as clash:
            session.rollback()
            if _is_our_mistake(clash):
                raise
            raise _as_refusal(clash) from clash
        except StaleDataError as lost:
            session.rollback()
            raise StaleState(thing="记录", state="已被他人修改") from lost
        except OperationalError as trouble:
            session.rollback()
            if getattr(trouble.orig, "sqlstate", None) not in _LOST_A_RACE:
                raise
            raise StaleState(thing="记录", state="已被他人修改") from trouble
        except BaseException:
            session.rollback()
            raise


class Tx:
    """A unit of work in progress. now is one instant for all of it."""

    def __init__(self, session: Session, actor: Actor) -> None:
        self.session = session
        self.actor = actor
        self.now = clock.now()
        self._entries: list[trail.Entry] = []
        self._tallies: Counter[tuple[str, str, str, str]] = Counter()
        self._reasons: dict[int, tuple[str, str]] = {}
        event.listen(session, "before_flush", self._stamp)
        event.listen(session, "after_flush", self._watch)

    # -- reading ---------------------------------------------------------------------------------------------------

    def get(self, model: type[T], ident: int) -> T:
        """The row, or NotFound."""
        found = self.session.get(model, ident)
        if found is None:
            raise NotFound(thing=model.__tablename__)
        return found

    def lock(self, model: type[T], ident: int) -> T:
        """The row, held against other writers until the end of this unit (SQLite holds everything anyway)."""
        found = self.session.get(model, ident, with_for_update=True, populate_existing=True)
        if found is None:
            raise NotFound(thing=model.__tablename__)
        return found

    def one(self, query: Select[T]) -> T:
        """The only row of a select, or NotFound."""
        found = self.session.scalars(query).one_or_none()
        if found is None:
            raise NotFound(thing="row")
        return found

    def first(self, query: Select[Any]) -> Any | None:
        """The first column of the first row, or None."""
        return self.session.scalars(query.limit(1)).first()

    def all(self, query: Select[Any]) -> Sequence[Any]:
        """The first column of every row."""
        return self.session.scalars(query).all()

    # -- writing ---------------------------------------------------------------------------------------------------

    def add(self, row: T) -> T:
        """Insert; the row has its id afterwards."""
        self.session.add(row)
        self.session.flush()
        return row

    def delete(self, row: Base) -> None:
        """Remove; the trail keeps what it was."""
        self.session.delete(row)
        self.session.flush()

    def advance(self, thing: Any, machine: Machine, action: str, *, reason: str = "", **columns: Any) -> Any:
        """Move a thing along its lifecycle and return its new state.

        The machine says where to, the database picks the winner: nobody else may have moved it meanwhile (StaleState).
        columns are set in the same statement.
        """
        self.session.flush()
        model, column = type(thing), machine.column
        source = getattr(thing, column)
        target = machine.target(source, action)
        counted = _places(thing)
        before = {column: source} | {name: getattr(thing, name) for name in columns}
        after = {column: target} | columns
        moved = self.session.execute(
            update(model)
            .where(model.id == thing.id, getattr(model, column) == source)
            .values(**after, **self._touched(model))
            .returning(model.id)
            .execution_options(synchronize_session=False)
        ).scalar_one_or_none()
        self.session.refresh(thing)
        if moved is None:
            raise StaleState(thing=machine.name, state=getattr(thing, column).label)
        self._recount(counted, _places(thing))
        if model.__audited__:
            self._note(model.__tablename__, thing.id, action, before, after, reason)
        return target

    def advance_all(
        self,
        model: type[Base],
        machine: Machine,
        action: str,
        *where: ColumnElement[bool],
        reason: str = "",
        **columns: Any,
    ) -> list[int]:
        """Move every row that where finds and the machine allows; one statement per target, returns the moved ids."""
        _require_uncounted(model)
        self.session.flush()
        column = getattr(model, machine.column)
        moved: list[int] = []
        for target in {move.target for move in machine.moves if move.action == action}:
            sources = {
                s for move in machine.moves if move.action == action and move.target == target for s in move.sources
            }
            ids = self.session.scalars(
                update(model)
                .where(column.in_(sources), *where)
                .values({machine.column: target} | columns | self._touched(model))
                .returning(model.id)
                .execution_options(synchronize_session=False)
            ).all()
            moved.extend(ids)
            if ids and model.__audited__:
                after = {machine.column: target, "ids": trail.ranges(ids)} | columns
                self._note(model.__tablename__, None, action, {}, after, reason)
        self.session.expire_all()
        return moved

    def insert_all(self, model: type[Base], rows: Sequence[dict[str, Any]], *, reason: str = "") -> None:
        """Insert many rows in one go; the trail gets one entry with their number and the digest of their content."""
        if not rows:
            return
        _require_uncounted(model)
        self.session.flush()
        stamp, connection = self._born(model), self.session.connection()
        if len(rows) >= _MANY:
            bulk.pour(connection, cast(Table, model.__table__), rows, stamp)
        else:
            connection.execute(insert(model), [stamp | row for row in rows])
        if model.__audited__:
            after = {"rows": len(rows), "digest": trail.digest(rows)}
            self._note(model.__tablename__, None, "insert_all", {}, after, reason)

    def update_all(self, model: type[Base], *where: ColumnElement[bool], reason: str = "", **columns: Any) -> list[int]:
        """Set columns on every row that where finds; returns their ids. States are moved by advance_all, never here."""
        self.session.flush()
        ids = self.session.scalars(
            update(model)
            .where(*where)
            .values(columns | self._touched(model))
            .returning(model.id)
            .execution_options(synchronize_session=False)
        ).all()
        if ids and model.__audited__:
            after = {name: str(value) for name, value in columns.items()} | {"ids": trail.ranges(ids)}
            self._note(model.__tablename__, None, "update_all", {}, after, reason)
        self.session.expire_all()
        return list(ids)

    def update_each(self, model: type[Base], rows: Sequence[dict[str, Any]], *, reason: str = "") -> None:
        """Set different values on many rows, each dict with its id; one trail entry with the digest of all."""
        if not rows:
            return
        self.session.flush()
        bulk.renew(self.session.connection(), cast(Table, model.__table__), rows, self._touched(model))
        if model.__audited__:
            after = {"ids": trail.ranges(row["id"] for row in rows), "digest": trail.digest(rows)}
            self._note(model.__tablename__, None, "update_each", {}, after, reason)
        self.session.expire_all()

    def delete_all(self, model: type[Base], *where: ColumnElement[bool], reason: str = "") -> list[int]:
        """Remove every row that where finds; returns their ids, which the trail keeps."""
        _require_uncounted(model)
        self.session.flush()
        ids = self.session.scalars(
            delete(model).where(*where).returning(model.id).execution_options(synchronize_session=False)
        ).all()
        if ids and model.__audited__:
            self._note(model.__tablename__, None, "delete_all", {"ids": trail.ranges(ids)}, {}, reason)
        self.session.expire_all()
        return list(ids)

    def next_number(self, series: str, *, count: int = 1) -> int:
        """The first of count fresh numbers of a series, from 1; never given out twice, gaps only after a rollback."""
        taken = self.session.scalar(
            update(NumberSeries)
            .where(NumberSeries.series == series)
            .values(last=NumberSeries.last + count)
            .returning(NumberSeries.last)
            .execution_options(synchronize_session=False)
        )
        if taken is None:
            made = self.upsert(NumberSeries, {"series": series, "last": count}, conflict=["series"])
            return self.next_number(series, count=count) if not made else 1
        return int(taken) - count + 1

    def upsert(self, model: type[Base], row: dict[str, Any], *, conflict: list[str]) -> int | None:
        """Insert unless a row with the same conflict columns is there; the new id, or None."""
        dialect = postgresql if self.session.get_bind().dialect.name == "postgresql" else sqlite
        statement = dialect.insert(model).values(**row).on_conflict_do_nothing(index_elements=conflict)
        return cast("int | None", self.session.scalar(statement.returning(model.id)))

    def because(self, thing: Base, action: str, reason: str = "") -> None:
        """Give the next automatic trail entry of this thing its action's name and reason."""
        self._reasons[id(thing)] = (action, reason)

    def record(self, thing: Base, action: str, *, after: dict[str, Any] | None = None, reason: str = "") -> None:
        """Write something to the trail that no column shows (a download, a look at a full number)."""
        self._note(type(thing).__tablename__, thing.id, action, {}, after or {}, reason)

    def notify(self, message: Message, *, to: Iterable[int] | None = None, instead_of: int | None = None) -> int:
        """Queue a message to each of its audience, once per dedupe key; returns how many rows were new.

        Whoever stands in for one of them hears a request too. to: account ids to tell instead, where somebody is drawn
        in later; instead_of: for whom.
        """
        self.session.flush()
        thing, due_at = message.thing(self.session), message.due_at(self.session, self.now)
        asked = set(message.recipients(self.session) if to is None else to)
        instead = message.stand_ins(self.session, asked, self.now) if to is None else {}
        people = sorted(asked | set(instead))
        choices = self._choices_of(people)
        fresh = 0
        for account_id in people:
            row = {"instead_of": instead.get(account_id, instead_of)}
            row |= self._outbox_row(message, account_id) | self._timing(message, due_at, choices.get(account_id))
            fresh += self._queue(message, row, thing)
        return fresh

    def notify_each(self, messages: Sequence[tuple[int, Message]], *, a_second: int) -> None:
        """Queue (account id, message) pairs that ask nothing and nobody has told before, in one go.

        They become due one after the other, so many a second: what others wait for is not kept behind them.
        """
        rows = []
        for place, (account_id, message) in enumerate(messages):
            due_at = self.now + timedelta(seconds=place // a_second)
            rows.append(self._outbox_row(message, account_id) | {"not_before": due_at, "next_attempt_at": due_at})
        self.insert_all(Notification, rows)

    def beat(self, name: str, note: str = "") -> None:
        """Leave a sign of life."""
        if not self.upsert(Heartbeat, {"name": name, "at": self.now, "note": note}, conflict=["name"]):
            self.session.execute(update(Heartbeat).where(Heartbeat.name == name).values(at=self.now, note=note))

    def finish(self) -> None:
        """Flush and append the trail, last of all so that the chain is held as briefly as possible."""
        self.session.flush()
        if not self._entries:
            return
        self.hold_trail()
        last = self.session.scalar(select(AuditEntry.hash).order_by(AuditEntry.id.desc()).limit(1))
        rows = trail.chained(self._entries, last or trail.GENESIS)
        self.session.execute(insert(AuditEntry), rows)
        self._entries = []
        self._write_tallies()

    def hold_trail(self) -> None:
        """No other unit commits audited rows before this one has ended (SQLite lets one write at a time anyway)."""
        if self.session.get_bind().dialect.name == "postgresql":
            self.session.execute(select(_advisory_lock()))

    @contextmanager
    def sparing_pages(self) -> Iterator[None]:
        """Write any number of rows at constant memory: SQLite would fill all of its page cache with what it wrote.

        PostgreSQL keeps its pages to itself.
        """
        driver: Any = self.session.connection().connection.driver_connection
        is_sqlite = self.session.get_bind().dialect.name == "sqlite"
        if is_sqlite:
            driver.execute(f"PRAGMA cache_size=-{_FEW_PAGES}")
        try:
            yield
        finally:
            if is_sqlite:
                driver.execute(f"PRAGMA cache_size=-{_PAGES}")

    # -- inside ----------------------------------------------------------------------------------------------------

    def _choices_of(self, account_ids: Sequence[int]) -> dict[int, TellingChoice]:
        found = self.session.scalars(select(TellingChoice).where(TellingChoice.account_id.in_(account_ids)))
        return {choice.account_id: choice for choice in found}

    def _timing(self, message: Message, due_at: datetime | None, choice: TellingChoice | None) -> dict[str, Any]:
        """When this person hears it, and is reminded of it."""
        local = clock.local(self.now)
        quiet = NIGHT if choice is None else QuietHours(choice.quiet_from, choice.quiet_until)
        tempo = message.tempo
        if tempo is Tempo.DIGEST and choice is not None and not choice.wants_digest:
            tempo = Tempo.IN_TURN
        at = tell_at(local, tempo=tempo, quiet=quiet, due_at=due_at)
        ladder_to = due_at if message.has_ladder else None
        steps = escalations(local, ladder_to if message.escalates else None)
        return {
            "not_before": at,
            "next_attempt_at": at,
            "useful_until": max(message.useful_until(self.now), at + timedelta(minutes=1)),
            "due_at": due_at,
            "digest_on": digest_day(local) if tempo is Tempo.DIGEST else None,
            "next_reminder_at": next_reminder(local, local, ladder_to, quiet=quiet, wakes=message.wakes),
            "next_escalation_at": next((at for at, _ in steps), None),
            "about_id": message.about(),
        }

    def _outbox_row(self, message: Message, account_id: int) -> dict[str, Any]:
        return {
            "kind": message.kind,
            "account_id": account_id,
            "facts": json.dumps(message.facts(), ensure_ascii=False, sort_keys=True),
            "dedupe_key": message.dedupe_key()[:160],
            "reply_state": ReplyState.OPEN if message.asks_for_reply() else ReplyState.NOT_ASKED,
            "created_at": self.now,
            "not_before": self.now,
            "next_attempt_at": self.now,
            "useful_until": max(message.useful_until(self.now), self.now + timedelta(minutes=1)),
        }

    def _queue(self, message: Message, row: dict[str, Any], thing: tuple[str, int, int] | None) -> int:
        if thing is not None:
            row |= {"thing_type": thing[0], "thing_id": thing[1], "thing_version": thing[2]}
        queued = self.upsert(Notification, row, conflict=["account_id", "dedupe_key"])
        if queued is None:
            return 0
        if message.asks_for_reply():
            code = task_code(self.next_number("task"))
            self.session.execute(update(Notification).where(Notification.id == queued).values(task_code=code))
        return 1

    def _recount(self, before: Iterable[tuple[str, str, str, str]], after: Iterable[tuple[str, str, str, str]]) -> None:
        self._tallies.subtract(before)
        self._tallies.update(after)

    def _write_tallies(self) -> None:
        """Under the trail's lock and in one order: two units that count the same rows never wait for each other."""
        for place, change in sorted(self._tallies.items()):
            if not change:
                continue
            names = dict(zip(("table_name", "scope", "key", "word"), place, strict=True))
            where = [getattr(Tally, name) == value for name, value in names.items()]
            self.upsert(Tally, names | {"count": 0}, conflict=list(names))
            self.session.execute(
                update(Tally)
                .where(*where)
                .values(count=Tally.count + change)
                .execution_options(synchronize_session=False)
            )
        self._tallies.clear()

    def _touched(self, model: type[Base]) -> dict[str, Any]:
        if not hasattr(model, "version"):
            return {}
        return {"version": model.version + 1, "updated_at": self.now, "updated_by": self.actor.account_id}

    def _born(self, model: type[Base]) -> dict[str, Any]:
        if not hasattr(model, "version"):
            return {}
        who = self.actor.account_id
        return {"version": 1, "created_at": self.now, "created_by": who, "updated_at": self.now, "updated_by": who}

    def _stamp(self, session: Session, _context: object, _instances: object) -> None:
        for row in session.new:
            if hasattr(row, "created_by"):
                row.created_at, row.created_by = self.now, self.actor.account_id
        for row in (*session.new, *session.dirty):
            if hasattr(row, "updated_by") and session.is_modified(row):
                row.updated_at, row.updated_by = self.now, self.actor.account_id

    def _watch(self, session: Session, _context: object) -> None:
        for rows, action in ((session.new, "create"), (session.dirty, "update"), (session.deleted, "delete")):
            for row in rows:
                if not isinstance(row, Base):
                    continue
                if row.__tallied__:
                    self._recount(
                        () if action == "create" else _places(row, as_it_was=True),
                        () if action == "delete" else _places(row),
                    )
                if row.__audited__:
                    self._watch_row(row, action)

    def _watch_row(self, row: Base, default: str) -> None:
        state: InstanceState[Any] = inspect(row)
        before, after = trail.changes(state, default)
        if default == "update" and not after:
            return
        action, reason = self._reasons.pop(id(row), (default, ""))
        self._note(row.__tablename__, row.id, action, before, after, reason)

    def _note(
        self,
        object_type: str,
        object_id: int | None,
        action: str,
        before: dict[str, Any],
        after: dict[str, Any],
        reason: str,
    ) -> None:
        self._entries.append(
            trail.Entry(
                at=self.now,
                actor_id=self.actor.account_id,
                actor_login=self.actor.login,
                channel=self.actor.channel,
                object_type=object_type,
                object_id=object_id,
                action=action,
                before=trail.as_text(before),
                after=trail.as_text(after),
                reason=reason,
            )
        )


def _places(row: Any, *, as_it_was: bool = False) -> list[tuple[str, str, str, str]]:
    """Where a row is counted: once in all, and once for each column of __tallied__; as_it_was before this flush."""
    if not row.__tallied__:
        return []
    table, word = row.__tablename__, row.tally
    keys = [(name, _former(row, name) if as_it_was else getattr(row, name)) for name in row.__tallied__]
    return [(table, "", "", word), *((table, name, str(value), word) for name, value in keys)]


def _former(row: Base, name: str) -> Any:
    """A column's value before this flush; states, which make the word, move by advance alone."""
    gone = inspect(row).attrs[name].history.deleted
    return gone[0] if gone else getattr(row, name)


def _require_uncounted(model: type[Base]) -> None:
    """A bug where somebody moves counted rows in bulk: their tallies would be wrong."""
    if model.__tallied__:
        raise TypeError(f"rows of {model.__tablename__} are counted, and written one by one")


def _advisory_lock() -> Any:
    return func.pg_advisory_xact_lock(_TRAIL_LOCK)


def _as_refusal(clash: IntegrityError) -> Refusal:
    """The constraint's name is the refusal's fact, so that a race lost reads like the check that came too early."""
    if _FROZEN in str(clash.orig):
        return IllegalMove(_FROZEN, rule="R-089", thing="考生")
    name = getattr(getattr(clash.orig, "diag", None), "constraint_name", None)
    return AlreadyThere(constraint=name or _sqlite_constraint(str(clash.orig)))


def _is_our_mistake(clash: IntegrityError) -> bool:
    """A column left empty that must not be: no race brings that about, a forgotten check does."""
    return getattr(clash.orig, "sqlstate", None) == "23502" or str(clash.orig).startswith("NOT NULL")


def _sqlite_constraint(text: str) -> str:
    """SQLite names columns (`UNIQUE constraint failed: table.a, table.b`), checks by name; find our name for them."""
    _, _, rest = text.partition("constraint failed: ")
    if "UNIQUE" not in text:
        return rest or "foreign_key"
    if rest.startswith("index "):
        return rest.removeprefix("index ").strip("'")
    columns = [part.strip() for part in rest.split(",")]
    table_name = columns[0].split(".")[0]
    wanted = [column.split(".")[-1] for column in columns]
    table: Table | None = metadata.tables.get(table_name)
    if table is None:
        return rest
    for index in table.indexes:
        if index.unique and [c.name for c in index.columns] == wanted:
            return str(index.name)
    return "uq_" + "_".join([table_name, *wanted])
