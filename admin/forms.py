"""Forms of the panel: Chinese labels, errors beside the field, and the same cleaners that sheets and the bot use."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from wtforms import Field, HiddenField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields import DateTimeLocalField, FileField, IntegerField
from wtforms.validators import DataRequired, InputRequired, NumberRange, Optional, StopValidation
from wtforms.widgets import CheckboxInput, ListWidget

from core import clock
from core.actors import Actor
from core.errors import Refusal
from core.notifications.words import sentence
from core.rules import values

_KEPT_BACK = {"csrf_token", "row_version", "ticket", "ids"}
_YEARS = range(2000, 2200)  # near the ends of the calendar another zone's time or a week later does not exist


class PanelForm(FlaskForm):
    """Base of every form. row_version notices that somebody else changed the row, ticket that a form came twice."""

    class Meta(FlaskForm.Meta):
        locales = ["zh"]

    row_version = HiddenField()
    ticket = HiddenField(default=lambda: secrets.token_urlsafe(12))

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        """Fill choices that depend on the database, the person or the row; forms with such fields override this."""

    def values(self) -> dict[str, Any]:
        """What was typed, by field name, as the use case's keyword arguments."""
        return {field.name: field.data for field in self if field.name not in _KEPT_BACK}

    @property
    def has_file(self) -> bool:
        """True where a file is asked for."""
        return any(isinstance(field, FileField) for field in self)

    def visible_fields(self) -> list[Field]:
        """The fields people see, in order."""
        return [field for field in self if not isinstance(field, HiddenField) and field.name != "csrf_token"]


class ReasonForm(PanelForm):
    """A reason in words, as every return, refusal and correction needs one."""

    reason = TextAreaField("理由", [DataRequired("请写明理由。")], description="对方会看到这段话，请写清需要怎样改。")


class Cleaned:
    """A validator that hands the text to a cleaner of core.rules.values and keeps its result or shows its refusal."""

    def __init__(self, cleaner: Callable[[str | None], Any], *, is_optional: bool = False) -> None:
        self.cleaner = cleaner
        self.field_flags = {} if is_optional else {"required": True}
        self.is_optional = is_optional

    def __call__(self, form: Any, field: Field) -> None:
        typed = "" if field.data is None else str(field.data)  # a field that was not sent keeps the row's value: a year
        if self.is_optional and not typed.strip():
            field.data = ""
            raise StopValidation()
        try:
            field.data = self.cleaner(typed)
        except Refusal as refusal:
            raise StopValidation(sentence(refusal)) from None


def text_field(
    label: str, cleaner: Callable[[str | None], Any], *, optional: bool = False, **options: Any
) -> StringField:
    """A line of text that the cleaner accepts."""
    return StringField(label, [Cleaned(cleaner, is_optional=optional)], **options)


def number_field(label: str, minimum: int, maximum: int, **options: Any) -> IntegerField:
    """A whole number between two bounds, both allowed."""
    bounds = NumberRange(minimum, maximum, f"请填写 {minimum} 到 {maximum} 之间的整数。")
    return IntegerField(label, [InputRequired("请填写这一项。"), bounds], **options)


class BeijingTime(DateTimeLocalField):
    """An instant typed as business time and kept aware in UTC; seconds only where the value has them."""

    def __init__(self, label: str, validators: Any = None, **options: Any) -> None:
        wanted = validators if validators is not None else [InputRequired("请填写时间。")]
        options.setdefault("render_kw", {"step": "60"})
        super().__init__(label, wanted, format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"], **options)

    def process_data(self, value: datetime | None) -> None:
        self.data = value

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        if self.data is None:
            return ""
        there = clock.local(self.data)
        return f"{there:%Y-%m-%dT%H:%M:%S}" if there.second else f"{there:%Y-%m-%dT%H:%M}"

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist or not valuelist[0]:
            self.data = None
            return
        for shape in self.format:
            try:
                typed = datetime.strptime(valuelist[0], shape).replace(tzinfo=clock.zone())
            except ValueError:
                continue
            self.data = typed.astimezone(UTC) if typed.year in _YEARS else None
            if self.data is None:
                raise ValueError(f"请填写 {_YEARS[0]} 年至 {_YEARS[-1]} 年之间的时间。")
            return
        self.data = None
        raise ValueError("请按“年-月-日 时:分”填写时间。")


class Choice(SelectField):
    """One of a list; pairs of (value, word). With blank, the first line is empty and means nothing chosen."""

    def __init__(
        self,
        label: str,
        *,
        choices: Iterable[tuple[Any, str]] = (),
        coerce: Callable[[Any], Any] = int,
        blank: str | None = "请选择",
        required: bool = True,
        **options: Any,
    ) -> None:
        self.blank = blank
        self.wanted = coerce
        checks = [DataRequired("请选择一项。")] if required else [Optional()]
        super().__init__(label, checks, coerce=self._coerced, choices=self._with_blank(choices), **options)

    def _coerced(self, value: Any) -> Any:
        return None if value in (None, "", "None") else self.wanted(value)

    def _with_blank(self, pairs: Iterable[tuple[Any, str]]) -> list[tuple[Any, str]]:
        listed = [(getattr(value, "value", value), word) for value, word in pairs]
        return listed if self.blank is None else [("", self.blank), *listed]

    def offer(self, pairs: Iterable[tuple[Any, str]]) -> None:
        """Set the choices, once they are known."""
        self.choices = self._with_blank(pairs)

    def pre_validate(self, form: Any) -> None:
        if self.data is None:
            return
        if not any(str(value) == str(getattr(self.data, "value", self.data)) for value, _ in self.choices or []):
            raise StopValidation("请从列表中选择。")


class Ticks(SelectMultipleField):
    """Several of a list, as tick boxes with a search box above them when there are many."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def __init__(
        self,
        label: str,
        *,
        choices: Iterable[tuple[Any, str]] = (),
        coerce: Callable[[Any], Any] = int,
        required: bool = True,
        **options: Any,
    ) -> None:
        checks = [InputRequired("请至少选择一项。")] if required else []
        listed = [(getattr(value, "value", value), word) for value, word in choices]
        super().__init__(label, checks, coerce=coerce, choices=listed, **options)

    def offer(self, pairs: Iterable[tuple[Any, str]]) -> None:
        """Set the choices, once they are known."""
        self.choices = [(getattr(value, "value", value), word) for value, word in pairs]

    def pre_validate(self, form: Any) -> None:
        offered = {str(value) for value, _ in self.choices or []}
        if any(str(getattr(item, "value", item)) not in offered for item in self.data or []):
            raise StopValidation("请从列表中选择。")


class Upload(FileField):
    """One file; data is its bytes, file_name the name it had. The size limit of the whole request holds (21 MB)."""

    file_name = ""

    def __init__(self, label: str, *, accept: str, required: bool = True, **options: Any) -> None:
        super().__init__(label, render_kw={"accept": accept}, **options)
        self.is_required = required
        if required:
            self.flags.required = True

    def process_formdata(self, valuelist: list[Any]) -> None:
        given = next((item for item in valuelist if getattr(item, "filename", "")), None)
        self.data = given.read() if given is not None else None
        self.file_name = values.tidy(given.filename)[-200:] if given is not None else ""

    def pre_validate(self, form: Any) -> None:
        if self.is_required and not self.data:
            raise StopValidation("请选择一个文件。")
