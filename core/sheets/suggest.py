"""Beside what is wrong with a row, what may have been meant: never applied, only shown (R-076, R-079, R-297).

Only rows that were refused come here. Whatever is proposed was taken by the column's own cleaner first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from core.errors import ValueRefused
from core.rules import suggestions, values
from core.rules.values import Gender, IdType
from core.sheets.spec import CellError, Column, SheetSpec, shown

Cells = Sequence[Any]
Read = Mapping[str, Any]  # the row's clean values by field, as far as they could be read

# Columns beside each other of which one takes nearly anything, so that only its neighbour notices the swap.
_NEIGHBOURS = {"name_pinyin": "name", "major_code": "major_name"}
_HAN = re.compile("[一-鿿㐀-䶿·\\s]+")
_TRAVELLER = re.compile("[HM][0-9]{8}(?:[0-9]{2})?")


def with_suggestions(
    spec: SheetSpec, number: int, cells: Cells, read: Read, errors: Sequence[CellError]
) -> list[CellError]:
    """The errors of a row again, from left to right, with suggestions where there are any; both halves of a swap."""
    row, order = _Row(spec, number, cells, read), [column.title for column in spec.columns]
    swapped = row.swaps(errors)
    found = [swapped.get(error.column) or row.suggested(error) for error in errors]
    blamed = {error.column for error in errors}
    found += [error for title, error in swapped.items() if title not in blamed]
    found += row.wrong_kind(found)
    return sorted(found, key=lambda error: order.index(error.column))


class _Row:
    """A refused row: texts of its cells and clean values by field."""

    def __init__(self, spec: SheetSpec, number: int, cells: Cells, read: Read) -> None:
        self.number, self.read = number, read
        self.columns = {column.field: column for column in spec.columns}
        self.by_title = {column.title: column for column in spec.columns}
        self.texts = {column.field: shown(cell) for column, cell in zip(spec.columns, cells, strict=True)}

    def takes(self, column: Column, text: str) -> bool:
        """True where the column's cleaner takes this text."""
        try:
            if not column.judged_by:
                column.clean(text)
            elif column.judged_by in self.read:
                column.clean(self.read[column.judged_by], text)
            else:
                return False
        except ValueRefused:
            return False
        return bool(text.strip())

    def suggested(self, error: CellError) -> CellError:
        """The same error, knowing more."""
        column = self.by_title[error.column]
        if error.suggestion or not isinstance(error.refusal, ValueRefused):
            return error
        meant = self._of_others(column, error) or suggestions.proposal(error.code, error.value, column.choices)
        return _knowing(error, meant) if meant and self.takes(column, meant) else error

    def _of_others(self, column: Column, error: CellError) -> str | None:
        """What the rest of the row says: the pinyin of the name, the gender inside the identity number."""
        if error.code == "cell_is_error":
            return None
        if column.field == "name_pinyin" and (name := self.read.get("name")) and _HAN.fullmatch(name):
            return values.suggest_pinyin(name)
        if column.field == "gender" and self.read.get("id_type") is IdType.RESIDENT and "id_number" in self.read:
            inside: Gender = values.gender_of(self.read["id_number"])
            return inside.label
        return None

    def swaps(self, errors: Sequence[CellError]) -> dict[str, CellError]:
        """By title: cells that hold each other's value, where both would be fine the other way round."""
        wrong = [
            self.by_title[error.column] for error in errors if self.texts[self.by_title[error.column].field].strip()
        ]
        found: dict[str, CellError] = {}
        for at, one in enumerate(wrong):
            others = wrong[at + 1 :]
            if neighbour := self.columns.get(_NEIGHBOURS.get(one.field, "")):
                others = [neighbour, *others]
            for other in others:
                if {one.title, other.title}.isdisjoint(found) and self._is_swapped(one, other):
                    found |= {one.title: self._swap(one, other), other.title: self._swap(other, one)}
        return found

    def _is_swapped(self, one: Column, other: Column) -> bool:
        here, there = self.texts[one.field], self.texts[other.field]
        if one.field in _NEIGHBOURS and not _HAN.fullmatch(here):
            return False
        return self.takes(one, there) and self.takes(other, here)

    def _swap(self, column: Column, other: Column) -> CellError:
        value, meant = self.texts[column.field], self.texts[other.field].strip()
        refusal = ValueRefused("columns_swapped", rule="R-076", value=value, suggestion=meant, other=other.title)
        return CellError(self.number, column.title, value, refusal)

    def wrong_kind(self, errors: Sequence[CellError]) -> list[CellError]:
        """A number that is no number of the stated document, but surely one of another: then the kind is in doubt."""
        column, number = self.columns.get("id_type"), self.columns.get("id_number")
        if not column or not number or not any(e.column == number.title and e.code in _OTHER_SHAPE for e in errors):
            return []
        typed = "".join(values.tidy(self.texts["id_number"]).upper().split())
        meant = IdType.RESIDENT if values.is_plausible_id(typed) else None
        if _TRAVELLER.fullmatch(typed):
            meant = IdType.HK_MACAO
        if meant is None or meant is self.read.get("id_type"):
            return []
        value = self.texts["id_type"]
        refusal = ValueRefused("id_type_differs", rule="R-079", value=value, suggestion=meant.label)
        return [CellError(self.number, column.title, value, refusal)]


_OTHER_SHAPE = frozenset({"id_number_shape", "other_id_shape"})


def _knowing(error: CellError, meant: str) -> CellError:
    told = error.refusal
    refusal = type(told)(told.sentence_code, rule=told.rule, **(told.facts | {"suggestion": meant}))
    return replace(error, refusal=refusal)
