"""用户管理 and 聊天绑定: who makes, edits, reaches and confirms whom, and whose numbers are shown to whom."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from admin import letters
from core.db import transaction
from core.gateways.courier import CourierTrouble, Letter
from core.models.accounts import ChatBinding, UserAccount
from core.models.organisations import College
from core.rules.organisations import AccountState, BindingState
from core.usecases import accounts, bindings
from tests.admin.conftest import Browser, OpenPanel, Panel, words
from tests.admin.test_login import enrolled
from tests.factories import last_entries, notices, one, rows

MOBILE = "13900001234"


def give(place: Panel, login: str, **values: str) -> int:
    """A mobile, a mail."""
    ident = place.year[f"account:{login}"]
    given = {"real_name": f"演{login}", "reason": "来函"} | values
    place.year.do("admin", accounts.edit_account, account_id=ident, **given)
    return ident


def do_to(browser: Browser, page: str, verb: str, ident: int) -> str:
    return f"/admin/{page}/do/{verb}/?id={ident}"


# -- 用户管理 ----------------------------------------------------------------------------------------------------------


def test_lists_mask_mobiles_and_only_ones_own_is_shown_in_full(panel: OpenPanel) -> None:
    """R-010."""
    place = panel("set_up")
    mine, other = give(place, "coordinator", mobile=MOBILE), give(place, "second_coordinator", mobile="13900005678")
    browser = place.browser("coordinator")
    listed = browser.text("/admin/accounts/")
    assert "139****1234" in listed
    assert MOBILE not in listed
    assert MOBILE in browser.text(f"/admin/accounts/details/?id={mine}")
    for address in (f"/admin/accounts/details/?id={other}", do_to(browser, "accounts", "edit_account", other)):
        page = browser.text(address)
        assert "139****5678" in page
        assert "13900005678" not in page


def test_an_account_is_made_with_mobile_and_mail_and_edited_without_losing_them(panel: OpenPanel) -> None:
    """R-006, R-009: sub-accounts with roles, inside the college."""
    place = panel("set_up")
    browser = place.browser("signatory")
    given = {
        "login": "newcomer",
        "real_name": "新来",
        "mobile": "139 0000 1234",
        "email": "Neu@Example.INVALID",
        "owner": f"c{place.year['college']}",
        "roles": ["coordinator", "invigilator"],
    }
    answer = browser.do("/admin/accounts/do/create_account/", given)
    assert answer.status_code == 303, words(answer)
    made = rows(select(UserAccount).where(UserAccount.login == "newcomer"))[0]
    assert (made.mobile, made.email, made.is_initial) == (MOBILE, "Neu@example.invalid", False)
    answer = browser.do(do_to(browser, "accounts", "edit_account", made.id), {"real_name": "新名", "mobile": ""})
    assert answer.status_code == 303, words(answer)
    edited = one(UserAccount, made.id)
    assert (edited.real_name, edited.mobile, edited.email) == ("新名", MOBILE, "Neu@example.invalid")


def test_only_an_administrator_changes_the_signing_officers_mobile_and_with_a_reason(panel: OpenPanel) -> None:
    """G-39; R-043: the results go to the new number from then on."""
    place = panel("set_up")
    ident = give(place, "signatory", mobile="13900005678")
    with transaction(place.year.actor("system")) as tx:
        tx.get(College, place.year["college"]).registered_mobile = "13900005678"
    for login in ("coordinator", "signatory"):
        browser = place.browser(login)
        assert browser.get(do_to(browser, "accounts", "edit_account", ident)).status_code == 303, "not offered"
    admin = place.browser("admin")
    address, given = do_to(admin, "accounts", "edit_account", ident), {"real_name": "演签发", "mobile": MOBILE}
    refused = admin.do(address, given)
    assert refused.status_code == 422
    assert "G-39" in words(refused)
    assert one(UserAccount, ident).mobile == "13900005678"
    assert admin.do(address, given | {"reason": "院校来函 7 号"}).status_code == 303
    assert one(UserAccount, ident).mobile == MOBILE
    assert one(College, place.year["college"]).registered_mobile == MOBILE
    assert {entry.reason for entry in last_entries(2)} == {"院校来函 7 号"}


def test_the_activation_link_travels_as_a_letter_where_an_address_is_known(
    panel: OpenPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = panel("set_up")
    sent: list[Letter] = []
    monkeypatch.setattr(letters, "courier", lambda: SimpleNamespace(send=sent.append))
    ident = place.year["account:second_coordinator"]
    browser = place.browser("coordinator")
    assert "发送激活链接" not in browser.text(f"/admin/accounts/details/?id={ident}"), "nowhere to send it"
    give(place, "second_coordinator", email="demo@example.invalid")
    address = do_to(browser, "accounts", "send_activation_letter", ident)
    answer = browser.do(address)
    assert "demo@example.invalid" in words(answer)
    link = re.search(r"/activate/(\S+)", sent[0].text)
    assert link
    assert link[0] not in answer.text, "only the addressee has it"
    assert place.browser().get(link[0]).status_code == 200

    def fail(letter: Letter) -> None:
        raise CourierTrouble

    monkeypatch.setattr(letters, "courier", lambda: SimpleNamespace(send=fail))
    assert "没有发出" in words(browser.do(address))


def test_an_account_is_disabled_and_enabled_again(panel: OpenPanel) -> None:
    """§3.5."""
    place = panel("set_up")
    browser, ident = place.browser("coordinator"), place.year["account:second_coordinator"]
    for verb, state in (("disable_account", AccountState.DISABLED), ("enable_account", AccountState.ENABLED)):
        assert browser.do(do_to(browser, "accounts", verb, ident)).status_code == 303
        assert one(UserAccount, ident).state is state


def test_verbs_are_offered_for_accounts_one_could_have_made_and_no_others(panel: OpenPanel) -> None:
    """R-006, R-240."""
    place = panel("set_up")
    browser = place.browser("coordinator")
    for login, offered in (
        ("second_coordinator", True),
        ("invigilator", True),
        ("reviewer", False),
        ("signatory", False),
    ):
        page = browser.text(f"/admin/accounts/details/?id={place.year[f'account:{login}']}")
        assert ("do/issue_activation_code/" in page) is offered, login
        assert ("do/edit_account/" in page) is offered, login


def test_an_administrator_resets_a_lost_second_factor(panel: OpenPanel) -> None:
    place = panel("set_up")
    enrolled(place, "teo")
    ident, browser = place.year["account:teo"], place.browser("admin")
    address = do_to(browser, "accounts", "reset_second_factor", ident)
    assert browser.do(address, {"reason": ""}).status_code == 422
    assert browser.do(address, {"reason": "手机遗失"}).status_code == 303
    assert one(UserAccount, ident).second_factor_since is None
    assert notices("accounts.second_factor_reset", ident)
    page = browser.text(f"/admin/accounts/details/?id={ident}")
    assert "do/reset_second_factor/" not in page
    assert "手机遗失" in page  # who did it, when and why stands in the record


# -- 聊天绑定 ----------------------------------------------------------------------------------------------------------


def rebind(place: Panel, login: str, telegram: int) -> ChatBinding:
    """Ask for a code, and type it into another phone."""
    code = place.year.do(login, bindings.issue_binding_code)
    place.year.do("public", bindings.bind_chat, code=code, telegram_user_id=telegram)
    mine = select(ChatBinding).where(ChatBinding.account_id == place.year[f"account:{login}"])
    return rows(mine.order_by(ChatBinding.id.desc()))[0]


def test_the_page_says_who_is_bound_to_which_chat_and_who_is_not(panel: OpenPanel) -> None:
    """chat.md: a person without a working channel is shown in red, before a wave of deadlines."""
    place = panel("set_up")
    place.year.do("system", bindings.bury_binding, account_id=place.year["account:reviewer"], reason="blocked")
    rebind(place, "coordinator", 800)
    page = place.browser("signatory").text("/admin/bindings/")
    tabs = re.findall(r"(全部|已绑定|待确认|已失效|未绑定)\D{0,80}?(\d+)", words(SimpleNamespace(text=page)))
    assert dict(tabs[:5]) == {"全部": "5", "已绑定": "1", "待确认": "1", "已失效": "1", "未绑定": "2"}
    assert page.count('badge-state is-bad">未绑定') == 2
    assert page.count('badge-state is-bad">已失效') == 1
    assert page.count('badge-state is-wait">待确认') == 1
    assert "9009" in page
    assert "有 3 个账号收不到聊天消息" in page
    assert "9011" not in page, "another college's"


def test_each_tab_lists_what_it_counts(panel: OpenPanel) -> None:
    place = panel("set_up")
    rebind(place, "coordinator", 800)
    browser = place.browser("admin")
    for tab, inside, outside in (
        (1, "signatory", "invigilator"),
        (2, "coordinator", "reviewer"),
        (4, "invigilator", "teo"),
    ):
        listed = re.findall(r'data-label="账号">\s*([\w-]+)', browser.text(f"/admin/bindings/?tab={tab}&page_size=50"))
        assert inside in listed
        assert outside not in listed


def test_a_second_person_confirms_the_chat_that_was_shown(panel: OpenPanel) -> None:
    place = panel("set_up")
    waiting = rebind(place, "coordinator", 800)
    browser = place.browser("signatory")
    address = do_to(browser, "bindings", "confirm_binding", place.year["account:coordinator"])
    assert "800" in words(browser.get(address))
    hidden = browser.hidden(address)
    newer = rebind(place, "coordinator", 801)
    assert browser.client.post(address, data=hidden).status_code == 409, "another one waits by now"
    assert one(ChatBinding, newer.id).state is BindingState.WAITING
    assert browser.do(address).status_code == 303
    assert one(ChatBinding, newer.id).state is BindingState.ACTIVE
    assert one(ChatBinding, waiting.id).state is BindingState.ENDED


@pytest.mark.parametrize("login", ["coordinator", "second_coordinator"])
def test_nobody_confirms_ones_own_or_what_one_does_not_look_after(panel: OpenPanel, login: str) -> None:
    place = panel("set_up")
    who = "coordinator" if login == "coordinator" else "reviewer"
    rebind(place, who, 800)
    browser = place.browser(login)
    ident = place.year[f"account:{who}"]
    address = do_to(browser, "bindings", "confirm_binding", ident)
    assert browser.get(address).status_code == 303, "not offered"
    sent = browser.post(address, {"row_version": str(one(UserAccount, ident).version), "binding_id": "1"})
    assert sent.status_code == 422
    assert bindings_of(place, who)[-1] is BindingState.WAITING


def bindings_of(place: Panel, login: str) -> list[BindingState]:
    mine = ChatBinding.account_id == place.year[f"account:{login}"]
    return rows(select(ChatBinding.state).where(mine).order_by(ChatBinding.id))


def test_ones_own_page_says_what_a_move_costs_and_that_it_waits(panel: OpenPanel) -> None:
    place = panel("set_up")
    browser = place.browser("coordinator")
    assert "原来的聊天立即失效" in words(browser.get("/admin/telegram/"))
    page = browser.post("/admin/telegram/code")
    code = re.search(r"/start ([\w-]+)", page.text)
    assert code
    assert bindings_of(place, "coordinator") == [BindingState.ENDED]
    place.year.do("public", bindings.bind_chat, code=code[1], telegram_user_id=800)
    assert "待确认" in words(browser.get("/admin/telegram/"))
    with place.year.acting("signatory") as tx:
        waiting = bindings.waiting_binding(tx.session, place.year["account:coordinator"])
        assert waiting is not None
        bindings.confirm_binding(tx, account_id=waiting.account_id, binding_id=waiting.id)
    assert "起才能签发" in words(browser.get("/admin/telegram/"))


def test_the_trail_of_a_changed_number_shows_it_masked_in_words(panel: OpenPanel) -> None:
    """R-010, G-39."""
    place = panel("set_up")
    give(place, "signatory", mobile="13900005678")
    with transaction(place.year.actor("system")) as tx:
        tx.get(College, place.year["college"]).registered_mobile = "13900005678"
    give(place, "signatory", mobile=MOBILE)
    browser = place.browser("admin")
    shown = "".join(browser.text(f"/admin/trail/details/?id={entry.id}") for entry in last_entries(12))
    assert "139****1234" in shown
    assert "注册手机" in shown
    assert MOBILE not in shown
    assert "13900005678" not in shown
