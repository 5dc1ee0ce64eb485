"""通知公告: written and published by TEOs, authorities and the platform, read and confirmed by whom they address."""

from __future__ import annotations

from typing import Any, ClassVar

from markupsafe import Markup
from sqlalchemy.orm import Session
from wtforms import BooleanField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional

from admin.forms import BeijingTime, Choice, PanelForm, Ticks
from admin.session import current_actor, organisation_words, reader
from admin.usecase_view import Related, UseCaseView
from admin.verbs import Verb
from core.actors import Actor
from core.models.announcements import Announcement
from core.models.records import Notification
from core.queries.announcements import Told, addressed, own_notice, told_of
from core.rules.announcements import (
    ANNOUNCEMENT,
    LONGEST_BODY,
    LONGEST_TITLE,
    AnnouncementKind,
    AnnouncementState,
    addressable,
)
from core.rules.notices import DeliveryState, ReplyState
from core.rules.organisations import Role
from core.rules.permissions import may
from core.usecases.announcements import (
    confirm_reading,
    draft_announcement,
    edit_announcement,
    publish_announcement,
    remind_unread,
    remove_announcement,
    withdraw_announcement,
)

WITHDRAWN = "撤回"


class AnnouncementForm(PanelForm):
    """What, to whom, and whether everybody is to confirm."""

    kind = Choice("栏目", choices=AnnouncementKind.choices(), coerce=AnnouncementKind)
    title = StringField(
        "标题",
        [DataRequired("请填写标题。"), Length(max=LONGEST_TITLE)],
        description="会出现在聊天和短信里，不写姓名和个人号码。",
    )
    body = TextAreaField(
        "正文",
        [DataRequired("请填写正文。"), Length(max=LONGEST_BODY)],
        render_kw={"rows": 10},
        description="登录后才能看到全文；空行分段。",
    )
    roles = Ticks("发给", coerce=Role)
    is_receipt_asked = BooleanField("要求每个人确认已阅", description="未确认的会按截止时间逐级提醒，并告知其负责人。")
    answer_until = BeijingTime("确认截止时间", [Optional()], description="要求确认时必填，至少留 12 小时。")

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        self.roles.offer([(role, role.label) for role in addressable(actor.roles)])


class WhyForm(PanelForm):
    """Why it is taken back; everybody who was told reads it."""

    reason = TextAreaField(
        "理由", [DataRequired("请写明理由。"), Length(max=300)], description="收到过的人都会看到这段话。"
    )


def _is_mine(row: Announcement, actor: Actor) -> bool:
    return may(actor, "announce", row)


def _is_unread(row: Announcement, actor: Actor) -> bool:
    notice = own_notice(reader(), row.id, actor.account_id)
    return notice is not None and notice.reply_state is ReplyState.OPEN


def _has_unread(row: Announcement, actor: Actor) -> bool:
    return row.is_receipt_asked and row.state is AnnouncementState.PUBLISHED and _is_mine(row, actor)


def _content(row: Announcement) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "title": row.title,
        "body": row.body,
        "roles": list(row.roles),
        "is_receipt_asked": row.is_receipt_asked,
        "answer_until": row.answer_until,
    }


class AnnouncementView(UseCaseView):
    """Readers see what was told to them, issuers their own and who has read it."""

    model = Announcement
    title = "通知公告"
    slug = "announcements"
    menu_group = "待办与消息"
    menu_order = 15
    one = "份通知公告"
    column_list = ("kind", "title", "issuer", "published_at", "answer_until", "reading", "state")
    column_labels: ClassVar[dict[str, str]] = {
        "kind": "栏目",
        "title": "标题",
        "body": "正文",
        "issuer": "发布单位",
        "roles": "发给",
        "audience": "收件人数",
        "is_receipt_asked": "要求确认",
        "answer_until": "确认截止时间",
        "published_at": "发布时间",
        "withdrawn_at": "撤回时间",
        "withdrawn_because": "撤回理由",
        "reading": "阅读",
    }
    column_searchable_list = ("title",)
    column_sortable_list = ("published_at", "answer_until")
    column_default_sort = ("id", True)
    column_filters = ("published_at",)
    status_tabs = Announcement.state
    column_formatters: ClassVar[dict[str, Any]] = {
        "body": lambda view, context, row, name: _paragraphs(row.body),
        "roles": lambda view, context, row, name: _roles(row),
        "audience": lambda view, context, row, name: f"{_audience(row)} 人",
        "reading": lambda view, context, row, name: _reading(row, current_actor()),
    }
    detail_groups = (
        ("内容", ("title", "body")),
        (
            "发布",
            ("kind", "issuer", "published_at", "answer_until", "reading", "state", "withdrawn_at", "withdrawn_because"),
        ),
    )
    recap_columns = ("title", "kind", "roles", "audience", "answer_until", "body")
    create_with = Verb(
        draft_announcement,
        "起草通知公告",
        form=AnnouncementForm,
        act="announce",
        tone="primary",
        done="草稿已保存，发布前只有本单位看得到。",
    )
    edit_with = Verb(
        edit_announcement,
        "编辑",
        form=AnnouncementForm,
        act="announce",
        when=lambda row, actor: row.state is AnnouncementState.DRAFT,
        fill=_content,
    )
    row_verbs = (
        Verb(
            confirm_reading,
            "确认已阅",
            when=_is_unread,
            tone="primary",
            done="已确认。",
        ),
        Verb(
            publish_announcement,
            "发布",
            act="announce",
            move=(ANNOUNCEMENT, "publish"),
            confirm="发布后立即通知上述人员，内容不能再改。确定发布吗？",
            tone="primary",
            done="已发布，正在通知收件人。",
        ),
        Verb(
            remind_unread,
            "提醒未确认的人",
            act="announce",
            when=_has_unread,
            tell=lambda count: f"已提醒 {count} 人。",
        ),
        Verb(
            withdraw_announcement,
            "撤回",
            form=WhyForm,
            act="announce",
            move=(ANNOUNCEMENT, "withdraw"),
            explain="收到过的人会再收到撤回通知；已作的确认保留。",
            tone="danger",
            done="已撤回，收件人会看到理由。",
        ),
        Verb(
            remove_announcement,
            "删除草稿",
            act="announce",
            when=lambda row, actor: row.state is AnnouncementState.DRAFT,
            confirm="确定删除这份草稿吗？",
            tone="danger",
            done="草稿已删除。",
        ),
    )

    def name_of(self, row: Announcement) -> str:
        return row.title

    def _groups(self, row: Announcement) -> list[tuple[str, list[tuple[str, Any]]]]:
        """What was never withdrawn has nothing to say of it."""
        is_withdrawn = row.state is AnnouncementState.WITHDRAWN
        return [(word, facts) for word, facts in super()._groups(row) if is_withdrawn or word != WITHDRAWN]

    def related(self, row: Announcement) -> list[Related]:
        """Who was told, by which way, and who has confirmed: for the issuer only."""
        if row.state is AnnouncementState.DRAFT or not _is_mine(row, current_actor()):
            return []
        people = told_of(reader(), row.id)
        headers = ("账号", "单位", "送达方式", "确认已阅" if row.is_receipt_asked else "在面板看过")
        rows = [(one.account.login, organisation_words(one.account), _way(one), _receipt(one)) for one in people]
        return [Related(f"收件人 {len(people)} 人", headers, rows)]


def _paragraphs(body: str) -> Markup:
    return Markup("").join(Markup("<p>{}</p>").format(line) for line in body.split("\n") if line.strip())


def _roles(row: Announcement) -> str:
    return "、".join(role.label for role in Role if role in row.roles)


def _audience(row: Announcement) -> int:
    """As it was when published; before that as it would be now."""
    return len(addressed(reader(), row)) if row.state is AnnouncementState.DRAFT else row.told_count


def _reading(row: Announcement, actor: Actor) -> str | Markup:
    """For a reader whether they have confirmed, for the issuer how many have."""
    notice = own_notice(reader(), row.id, actor.account_id)
    if notice is not None and notice.reply_state is ReplyState.OPEN:
        return Markup('<span class="badge-state is-wait">待您确认</span>')
    if notice is not None and row.is_receipt_asked:
        return "已确认" if notice.reply_state is ReplyState.ACKNOWLEDGED else "—"
    if row.state is AnnouncementState.DRAFT or not row.is_receipt_asked or not _is_mine(row, actor):
        return "—"
    people = told_of(reader(), row.id)
    read = sum(one.notice.reply_state is ReplyState.ACKNOWLEDGED for one in people)
    return f"已确认 {read} 人，共 {len(people)} 人"


def _way(one: Told) -> str:
    notice, letter = one.notice, one.letter
    ways = ["聊天"] if notice.delivery_state is DeliveryState.DELIVERED else []
    if letter is not None:
        ways.append(f"{letter.channel.label}（{letter.state.label}）" if letter.channel else letter.state.label)
    return "、".join(ways) or _without_way(notice)


def _without_way(notice: Notification) -> str:
    if notice.digest_on is not None and notice.delivery_state is DeliveryState.PENDING:
        return "等待每日汇总"
    if notice.gathered_in is not None:
        return "每日汇总"
    return "只在面板" if notice.delivery_state is DeliveryState.SUPPRESSED else notice.delivery_state.label


def _receipt(one: Told) -> Any:
    notice = one.notice
    if notice.reply_state is ReplyState.NOT_ASKED:
        return notice.seen_at
    if notice.reply_state is ReplyState.ACKNOWLEDGED:
        return notice.replied_at
    late = notice.due_at is not None and notice.reply_state is ReplyState.OPEN
    return f"{notice.reply_state.label}（提醒 {notice.reminders} 次）" if late else notice.reply_state.label


def views(db: Any) -> list[UseCaseView]:
    """For the application to register."""
    return [AnnouncementView(db)]
