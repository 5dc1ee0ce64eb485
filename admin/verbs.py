"""A verb of a panel page: one use case, how its button looks, when it is offered, and what it needs to be told."""

from __future__ import annotations

import inspect
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from admin.forms import PanelForm
from core.actors import Actor
from core.db import Tx, transaction
from core.errors import StaleState
from core.models.base import Base
from core.rules.machine import Machine
from core.rules.permissions import has_role, may

_TICKETS_KEPT = 2000


@dataclass(frozen=True)
class Verb:
    """usecase(tx, …) behind a button.

    label: the button. form: what has to be typed; its values() become keyword arguments, after shape if given.
    confirm: a question asked on a page of its own, `{count}` filled in for batches. act: the permission that decides
    who is offered the verb; thing finds what is permitted on, the row itself by default. move: (machine, action), the
    verb is offered where the lifecycle allows it. when: a further condition on (row, actor). fixed: constant keyword
    arguments; given: those that come of the actor. fill: initial values of the form, from the row (None for new
    ones). row: the name of the use case's id argument, found by itself (`…_id`, for many `…_ids`). many: one call
    with all ids, else a batch is a call and a transaction per row. done: said afterwards, `{count}` filled in.
    tone: primary, plain or danger. explain: a sentence above the form. key: the verb's name in addresses.
    send: the word on the form's own button, the label by default.
    then: where to go afterwards, from the result; the list by default. show: for what may be seen only once,
    a page made of (view, row, result) instead.
    """

    usecase: Callable[..., Any]
    label: str
    form: type[PanelForm] | None = None
    confirm: str = ""
    act: str = ""
    thing: Callable[[Any], Any] = lambda row: row
    move: tuple[Machine, str] | None = None
    when: Callable[[Any, Actor], bool] | None = None
    fixed: Mapping[str, Any] = field(default_factory=dict)
    given: Callable[[Actor], dict[str, Any]] | None = None
    fill: Callable[[Any], dict[str, Any]] | None = None
    shape: Callable[[dict[str, Any], Any], dict[str, Any]] | None = None
    row: str = ""
    many: bool = False
    done: str = ""
    tell: Callable[[Any], str] | None = None
    tone: str = "plain"
    explain: str = ""
    key: str = ""
    send: str = ""
    then: Callable[[Any], str] | None = None
    show: Callable[[Any, Any, Any], Any] | None = None
    template: str = "admin/verb.html"

    @property
    def name(self) -> str:
        """The verb's name in addresses."""
        return self.key or self.usecase.__name__

    @property
    def asks(self) -> bool:
        """True where pressing the button opens a page first."""
        return self.form is not None or bool(self.confirm)

    def offered(self, row: Any, actor: Actor) -> bool:
        """Whether this actor may do it to this row as it stands (§8.8 and the lifecycle)."""
        if self.act and not may(actor, self.act, self.thing(row)):
            return False
        if self.move is not None:
            machine, action = self.move
            if not machine.allows(getattr(row, machine.column), action):
                return False
        return self.when is None or self.when(row, actor)

    def offered_at_all(self, actor: Actor) -> bool:
        """Whether this actor could do it to something; decides on buttons that stand above the list."""
        return not self.act or has_role(actor, self.act)

    def id_argument(self) -> str:
        """The keyword argument that takes the row's id."""
        if self.row:
            return self.row
        ending = "_ids" if self.many else "_id"
        wanted = [
            parameter.name
            for parameter in inspect.signature(self.usecase).parameters.values()
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY and parameter.name.endswith(ending)
        ]
        return wanted[0]

    def arguments(self, actor: Actor, form: PanelForm | None, row: Any) -> dict[str, Any]:
        """Everything but the id."""
        typed = form.values() if form is not None and self.form is not None else {}
        if self.shape is not None:
            typed = self.shape(typed, row)
        return {**typed, **(self.given(actor) if self.given else {}), **self.fixed}

    def perform(
        self, actor: Actor, arguments: Mapping[str, Any], row: Base | None = None, version: str | None = None
    ) -> Any:
        """One transaction. StaleState when the row is not at the version the person was looking at; None: not asked."""
        with transaction(actor) as tx:
            if row is None:
                return self.usecase(tx, **arguments)
            if version is not None:
                _require_unchanged(tx, type(row), row.id, version)
            return self.usecase(tx, **{self.id_argument(): row.id}, **arguments)

    def perform_on_all(self, actor: Actor, arguments: Mapping[str, Any], ids: list[int]) -> Any:
        """One transaction for all rows."""
        with transaction(actor) as tx:
            return self.usecase(tx, **{self.id_argument(): ids}, **arguments)


def _require_unchanged(tx: Tx, model: type[Base], ident: int, version: str) -> None:
    row = tx.get(model, ident)
    if str(getattr(row, "version", "")) != version:
        raise StaleState("row_changed")


class Tickets:
    """Forms that came twice (a double click, a reload): the second gets the first's answer and does nothing.

    Kept in this process only; behind it stand row versions and unique constraints.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, _Ticket] = OrderedDict()

    def once(self, key: str, do: Callable[[], str]) -> str:
        """do() answers with where to go next; when it raises, the ticket can be used again."""
        with self._lock:
            ticket = self._seen.setdefault(key, _Ticket())
            while len(self._seen) > _TICKETS_KEPT:
                self._seen.popitem(last=False)
        with ticket.lock:
            if not ticket.address:
                ticket.address = do()
            return ticket.address


@dataclass
class _Ticket:
    lock: threading.Lock = field(default_factory=threading.Lock)
    address: str = ""
