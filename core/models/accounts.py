"""People who log in, the roles they hold, and the chats and one-time links bound to them."""

from __future__ import annotations

from datetime import datetime, time

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.models.base import Base, Hash, Mobile, Name, Record, belongs, is_in, one_living, part_of
from core.models.organisations import College, EducationAuthority, EvaluationOrg
from core.rules.letters import ROBOTS, Channel
from core.rules.organisations import AccountState, BindingState, CodePurpose, Role


class UserAccount(Record):
    """账号 (§2.5); belongs to at most one organisation, none for platform administrators.

    acts_frozen_at: since when a colleague's /lock stops every act of consequence in chat and on the phone.
    """

    __tablename__ = "user_accounts"
    __private__ = frozenset({"password_hash", "second_factor_secret"})

    login: Mapped[Name] = mapped_column(unique=True)
    password_hash: Mapped[str | None] = mapped_column(String(200))
    real_name: Mapped[Name]
    mobile: Mapped[Mobile] = mapped_column(default="")
    email: Mapped[Name] = mapped_column(default="")
    authority_id: Mapped[int | None] = belongs("education_authorities.id", nullable=True)
    org_id: Mapped[int | None] = belongs("evaluation_orgs.id", nullable=True)
    college_id: Mapped[int | None] = belongs("colleges.id", nullable=True)
    candidate_id: Mapped[int | None] = belongs("candidates.id", nullable=True, index=False)
    is_initial: Mapped[bool] = mapped_column(default=False)
    must_change_password: Mapped[bool] = mapped_column(default=False)
    state: Mapped[AccountState] = mapped_column(default=AccountState.ENABLED)
    wrong_passwords: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    last_login_at: Mapped[datetime | None]
    second_factor_secret: Mapped[str | None] = mapped_column(String(200))
    second_factor_since: Mapped[datetime | None]
    second_factor_step: Mapped[int | None]
    acts_frozen_at: Mapped[datetime | None]
    acts_frozen_by: Mapped[int | None]

    authority: Mapped[EducationAuthority | None] = relationship()
    org: Mapped[EvaluationOrg | None] = relationship()
    college: Mapped[College | None] = relationship()
    roles: Mapped[list[AccountRole]] = relationship(back_populates="account", cascade="all, delete-orphan")
    bindings: Mapped[list[ChatBinding]] = relationship(back_populates="account", passive_deletes="all")

    __table_args__ = (
        CheckConstraint(
            " + ".join(
                f"(CASE WHEN {owner} IS NULL THEN 0 ELSE 1 END)"
                for owner in ("authority_id", "org_id", "college_id", "candidate_id")
            )
            + " <= 1",
            name="one_owner",
        ),
        CheckConstraint(
            "second_factor_since IS NULL OR second_factor_secret IS NOT NULL", name="second_factor_has_secret"
        ),
        one_living("uq_user_accounts_initial", "college_id", where="is_initial"),
        one_living("uq_user_accounts_candidate", "candidate_id", where="candidate_id IS NOT NULL"),
    )


class AccountRole(Base):
    """One role of one account."""

    __tablename__ = "account_roles"

    account_id: Mapped[int] = part_of("user_accounts.id")
    role: Mapped[Role]

    account: Mapped[UserAccount] = relationship(back_populates="roles")

    __table_args__ = (UniqueConstraint("account_id", "role"),)


class ChatBinding(Record):
    """A Telegram user bound to an account; by user id only, never by name or phone (chat.md).

    A second binding of an account to another user waits for a second person and, once confirmed_by somebody, lets
    irrevocable acts pass only from acts_from on. asked_at, affirmed_at: "is this still you?", and the answer.
    """

    __tablename__ = "chat_bindings"

    account_id: Mapped[int] = belongs("user_accounts.id")
    telegram_user_id: Mapped[int] = mapped_column(BigInteger, index=True)
    bound_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    confirmed_by: Mapped[int | None]
    acts_from: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]
    affirmed_at: Mapped[datetime | None]
    state: Mapped[BindingState] = mapped_column(default=BindingState.ACTIVE)

    account: Mapped[UserAccount] = relationship(back_populates="bindings")

    __table_args__ = (
        one_living("uq_chat_bindings_account", "account_id", where=is_in("state", [BindingState.ACTIVE])),
        one_living("uq_chat_bindings_waiting", "account_id", where=is_in("state", [BindingState.WAITING])),
        one_living("uq_chat_bindings_user", "telegram_user_id", where=is_in("state", [BindingState.ACTIVE])),
    )


class TellingChoice(Record):
    """How a person wants to be told: silence between quiet_from and quiet_until, information in one digest a day.

    letter_channel: what carries letters when no chat reaches them, None for the installation's own order; robot_key:
    of their own robot, where that is the channel.
    """

    __tablename__ = "telling_choices"
    __private__ = frozenset({"robot_key"})

    account_id: Mapped[int] = mapped_column(ForeignKey("user_accounts.id", ondelete="CASCADE"), unique=True)
    quiet_from: Mapped[time]
    quiet_until: Mapped[time]
    wants_digest: Mapped[bool] = mapped_column(default=True, server_default=true())
    letter_channel: Mapped[Channel | None]
    robot_key: Mapped[Name] = mapped_column(default="", server_default="")

    __table_args__ = (
        CheckConstraint(
            f"letter_channel IS NULL OR NOT ({is_in('letter_channel', ROBOTS)}) OR robot_key <> ''",
            name="robot_has_key",
        ),
    )


class OneTimeCode(Record):
    """A secret that works once: chat binding, account activation. Only its hash is stored."""

    __tablename__ = "one_time_codes"
    __private__ = frozenset({"code_hash"})

    purpose: Mapped[str] = mapped_column(String(20))
    account_id: Mapped[int] = belongs("user_accounts.id")
    code_hash: Mapped[Hash] = mapped_column(unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    account: Mapped[UserAccount] = relationship()


class RecoveryCode(Base):
    """One of the words that stand in for a lost second factor; works once, only its hash is stored."""

    __tablename__ = "recovery_codes"
    __private__ = frozenset({"code_hash"})

    account_id: Mapped[int] = part_of("user_accounts.id")
    code_hash: Mapped[Hash]
    used_at: Mapped[datetime | None]

    __table_args__ = (UniqueConstraint("account_id", "code_hash"),)


class VerificationCode(Record):
    """短信验证码 (R-003, R-011, T-20): the digits follow from nonce and the installation's key, so none are stored.

    For an account, or for a mobile nobody has an account with yet; wrong_count ends it early.
    """

    __tablename__ = "verification_codes"

    purpose: Mapped[CodePurpose]
    account_id: Mapped[int | None] = belongs("user_accounts.id", nullable=True)
    mobile: Mapped[Mobile] = mapped_column(default="")
    nonce: Mapped[Hash]
    expires_at: Mapped[datetime]
    wrong_count: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None]

    account: Mapped[UserAccount | None] = relationship()

    __table_args__ = (
        CheckConstraint("account_id IS NOT NULL OR mobile <> ''", name="for_somebody"),
        Index("ix_verification_codes_mobile", "mobile", "created_at"),
    )
