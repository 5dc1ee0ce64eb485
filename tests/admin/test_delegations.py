"""代办授权, frozen chats and chats in doubt, as people of the panel see and handle them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from core import clock
from core.models.accounts import ChatBinding, UserAccount
from core.models.delegations import Delegation
from core.rules.delegations import DelegationState, Duty
from core.rules.organisations import ANSWER_STILL_YOU_WITHIN
from core.usecases import delegations
from tests.admin.conftest import OpenPanel
from tests.factories import Year, one, rows


def proposed(year: Year) -> int:
    given = {"principal_id": year["account:signatory"], "deputy_id": year["account:reviewer"], "duty": Duty.SITE}
    ends_at = clock.now() + timedelta(days=9)
    return int(year.do("coordinator", delegations.propose_delegation, **given, ends_at=ends_at).id)


def test_the_page_says_who_lacks_a_default_deputy_and_takes_a_proposal(panel: OpenPanel) -> None:
    place = panel("planned")
    browser = place.browser("coordinator")
    assert "还没有默认代办人" in browser.text("/admin/delegations/")
    form = browser.text("/admin/delegations/do/propose_delegation/")
    assert "演signatory" in form
    assert "演other_signatory" not in form


@pytest.mark.parametrize(
    ("login", "sees"),
    [("signatory", True), ("coordinator", True), ("reviewer", True), ("admin", True), ("province", True),
     ("other_province", False), ("other_coordinator", False), ("teo", False), ("city", False)],
)  # fmt: skip
def test_each_sees_the_delegations_of_their_own_house(panel: OpenPanel, login: str, sees: bool) -> None:
    place = panel("planned")
    ident = proposed(place.year)
    assert place.browser(login).get(f"/admin/delegations/details/?id={ident}").status_code == (200 if sees else 404)


def test_accept_is_offered_to_the_person_alone(panel: OpenPanel) -> None:
    place = panel("planned")
    ident = proposed(place.year)
    address = f"/admin/delegations/details/?id={ident}"
    assert "accept_delegation" in place.browser("signatory").text(address)
    for login in ("coordinator", "admin", "reviewer"):
        assert "accept_delegation" not in place.browser(login).text(address), login
    assert one(Delegation, ident).state is DelegationState.PROPOSED


def test_a_chat_in_doubt_stands_out_and_is_confirmed_on_ones_own_page(panel: OpenPanel) -> None:
    place = panel("planned")
    year = place.year
    held = rows(select(ChatBinding).where(ChatBinding.account_id == year["account:signatory"]))[0]
    with year.acting("system") as tx:
        binding = tx.get(ChatBinding, held.id)
        binding.asked_at = tx.now - ANSWER_STILL_YOU_WITHIN - timedelta(seconds=1)
    assert "超过 14 天未确认" in place.browser("coordinator").text("/admin/bindings/")
    browser = place.browser("signatory")
    assert "是我本人" in browser.text("/admin/telegram/")
    assert browser.post("/admin/telegram/affirm").status_code == 303
    assert "超过 14 天未确认" not in place.browser("coordinator").text("/admin/bindings/")
    assert "是我本人" not in browser.text("/admin/telegram/")


def test_freezing_in_the_panel_asks_first(panel: OpenPanel) -> None:
    place = panel("planned")
    browser, ident = place.browser("invigilator"), place.year["account:signatory"]
    assert browser.post("/admin/telegram/freeze", {"login": "teo"}).status_code == 422
    assert "确认冻结 1 个账号" in browser.post("/admin/telegram/freeze", {"login": "signatory"}).text
    assert one(UserAccount, ident).acts_frozen_at is None
    given = {"login": "signatory", "sure": str(ident)}
    assert browser.post("/admin/telegram/freeze", given).status_code == 303
    assert one(UserAccount, ident).acts_frozen_at is not None
    assert "已冻结" in place.browser("coordinator").text("/admin/bindings/")
    assert "已冻结" in place.browser("signatory").text("/admin/telegram/")
