"""The people and organisations of panel tests: two of everything, so that somebody else's is always at hand."""

from __future__ import annotations

from dataclasses import dataclass

from core.actors import SYSTEM, Actor
from core.db import Tx, transaction
from core.models.accounts import AccountRole, UserAccount
from core.models.organisations import RegionName
from core.rules.catalogue import CertificateLevel, ExamMode
from core.rules.organisations import CollegeType, Role
from core.usecases.accounts import create_account, set_password
from core.usecases.catalogue import create_certificate, create_major, create_subject
from core.usecases.organisations import create_authority, create_college, create_org

PASSWORD = "correct-horse-7"
ROOT = Actor(login="root", roles=frozenset({Role.ADMIN.value}), channel="test")


@dataclass(frozen=True)
class World:
    """Ids. The first of each pair is Hubei's (42), the second Hunan's (43)."""

    authorities: tuple[int, int]
    city: int
    orgs: tuple[int, int]
    colleges: tuple[int, int]
    certificates: tuple[int, int]
    majors: tuple[int, int]


def build() -> World:
    """Everybody below can log in with PASSWORD; logins: root, province, city, teo, coordinator, signatory, reviewer,
    candidate-less invigilator, and province2, teo2, coordinator2, signatory2 of the other province."""
    with transaction(ROOT) as tx:
        for code, name in (
            ("420000", "湖北省"),
            ("420100", "武汉市"),
            ("420106", "武昌区"),
            ("430000", "湖南省"),
            ("430100", "长沙市"),
            ("430102", "芙蓉区"),
        ):
            tx.upsert(RegionName, {"code": code, "name": name}, conflict=["code"])
        hubei = create_authority(tx, name="湖北省教育厅", province_code="42", contact_phone="027-00000001")
        wuhan = create_authority(tx, name="武汉市教育局", province_code="42", city_code="420100")
        hunan = create_authority(tx, name="湖南省教育厅", province_code="43", contact_phone="0731-00000001")
        orgs = (
            create_org(tx, org_code="G001", name="华清科技评价中心"),
            create_org(tx, org_code="G002", name="岳麓技能评价中心"),
        )
        colleges = (
            _college(tx, "4142010001", "江城职业技术学院", "420106"),
            _college(tx, "4143010002", "湘江职业技术学院", "430102"),
        )
        majors = (
            create_major(tx, code="510201", name="计算机应用技术"),
            create_major(tx, code="510203", name="软件技术"),
        )
        for login, name, roles, owner in (
            ("root", "平台甲", [Role.ADMIN], {}),
            ("province", "鄂省甲", [Role.PROVINCE], {"authority_id": hubei.id}),
            ("city", "汉市甲", [Role.CITY], {"authority_id": wuhan.id}),
            ("province2", "湘省甲", [Role.PROVINCE], {"authority_id": hunan.id}),
            ("teo", "评价甲", [Role.TEO], {"org_id": orgs[0].id}),
            ("teo2", "评价乙", [Role.TEO], {"org_id": orgs[1].id}),
            ("signatory", "签发甲", [Role.SIGNATORY], {"college_id": colleges[0].id}),
            ("coordinator", "考务甲", [Role.COORDINATOR], {"college_id": colleges[0].id}),
            ("reviewer", "审核甲", [Role.SIGN_REVIEWER], {"college_id": colleges[0].id}),
            ("invigilator", "监考甲", [Role.INVIGILATOR], {"college_id": colleges[0].id}),
            ("signatory2", "签发乙", [Role.SIGNATORY], {"college_id": colleges[1].id}),
            ("coordinator2", "考务乙", [Role.COORDINATOR], {"college_id": colleges[1].id}),
        ):
            create_account(tx, login=login, real_name=name, roles=roles, mobile="13800138000", **owner)
    certificates = tuple(_certificate(org.id, name) for org, name in zip(orgs, ("数字运营", "工业互联"), strict=True))
    _passwords()
    return World(
        authorities=(hubei.id, hunan.id),
        city=wuhan.id,
        orgs=(orgs[0].id, orgs[1].id),
        colleges=(colleges[0].id, colleges[1].id),
        certificates=(certificates[0], certificates[1]),
        majors=(majors[0].id, majors[1].id),
    )


def _college(tx: Tx, code: str, name: str, district: str) -> object:
    return create_college(
        tx,
        college_code=code,
        name=name,
        college_type=CollegeType.VOCATIONAL_COLLEGE,
        province_code=district[:2],
        city_code=f"{district[:4]}00",
        district_code=district,
        address="学府路 1 号",
        contact_mobile="13900139000",
    )


def _certificate(org_id: int, name: str) -> int:
    teo = Actor(login="teo", roles=frozenset({Role.TEO.value}), org_id=org_id, channel="test")
    with transaction(teo) as tx:
        made = create_certificate(
            tx,
            org_id=org_id,
            name=name,
            short_name=name,
            level=CertificateLevel.INTERMEDIATE,
            standard_code="510201",
            major_codes=["510201", "510203"],
        )
        create_subject(tx, certificate_id=made.id, name="理论", exam_modes=[ExamMode.COMPUTER])
        create_subject(tx, certificate_id=made.id, name="实操", exam_modes=[ExamMode.PRACTICAL])
        return made.id


def _passwords() -> None:
    with transaction(SYSTEM) as tx:
        for account in tx.session.query(UserAccount):
            set_password(tx, account_id=account.id, password=PASSWORD)


def add_role(login: str, role: Role) -> None:
    """Give a person one more role."""
    with transaction(SYSTEM) as tx:
        account = tx.session.query(UserAccount).filter_by(login=login).one()
        tx.add(AccountRole(account_id=account.id, role=role))
