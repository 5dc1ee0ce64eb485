"""5,000 photos from a zip, checked and given to their owners; one in twenty is not fit to be."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageStat
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import clock, db
from core.actors import Actor
from core.db import reading
from core.demo import world as demo
from core.demo.people import Person, people
from core.demo.photos import portrait
from core.gateways.seal import LocalSealer
from core.models.candidates import Candidate, CandidatePhoto
from core.models.catalogue import Major
from core.rules.candidates import CandidateKind, CandidateState
from core.rules.organisations import Role
from core.sheets import desk
from core.usecases.candidates import import_candidates
from tests.benchmarks.contest import Contest, Run, connected, copy_of, drop_database, make_database, postgres_trouble

TITLE = "5,000 photos of 20 KB from a zip, 250 of them not fit"
PHOTOS = 5_000
FACES = 40  # drawn; each file is one of them with a comment of its own
OBVIOUS = "every photo decoded whole, an ORM object each, commit"
OURS = "kaowu: desk.import_photos"
LIMIT = "limit: zip read and pictures handed to the driver"


def contests() -> Sequence[Contest]:
    """On SQLite, and on PostgreSQL where it answers."""
    return [
        Contest(
            name=kind,
            contestants={OBVIOUS: _on(kind, obvious), OURS: _on(kind, ours), LIMIT: _on(kind, limit)},
            prepare=lambda stage, kind=kind: prepare(stage, kind),
            clean_up=lambda stage, kind=kind: drop_database(stage, kind),
            targets={OURS: 3},
            trouble=postgres_trouble if kind == "postgres" else lambda: "",
        )
        for kind in ("sqlite", "postgres")
    ]


# -- the stage ---------------------------------------------------------------------------------------------------------


def prepare(stage: Path, kind: str) -> None:
    """A small world, 4,900 candidates in it without photos, and the archive of 5,000."""
    os.environ["KAOWU_DATA_DIR"] = str(stage)
    crowd = people(20_27, PHOTOS, first=200_000)
    with connected(make_database(stage, kind)):
        db.upgrade()
        world = demo.build(LocalSealer(), verify_base="http://127.0.0.1:8000", scale=0.1)
        rows = [(n, demo.candidate_values(person, 2026, 0)) for n, person in enumerate(crowd, start=3) if n % 50]
        with world.acting("jiangcheng") as tx:
            college_id = world.ids["college:jiangcheng"]
            import_candidates(tx, college_id=college_id, kind=CandidateKind.COLLEGE, rows=rows)
        (stage / "college").write_text(str(college_id))
    with zipfile.ZipFile(stage / "photos.zip", "w", zipfile.ZIP_STORED) as archive:
        for name, data in _files(crowd):
            archive.writestr(name, data)


def _files(crowd: Sequence[Person]) -> Iterator[tuple[str, bytes]]:
    """In every hundred: 2 of nobody (above), 1 too small, 1 cut off, 1 that is a page; and one PNG named .jpg."""
    faces = [_noisy(portrait(person.index, person.gender)) for person in crowd[:FACES]]
    for at, person in enumerate(crowd):
        face, options = faces[at % FACES], {"comment": f"{at}", "quality": 92}
        out = io.BytesIO()
        match at % 100:
            case 10:
                face.resize((100, 140)).save(out, "JPEG", **options)
            case 20:
                face.save(out, "PNG")
            case _:
                face.save(out, "JPEG", **options)
        data = out.getvalue()
        data = data[: len(data) * 2 // 3] if at % 100 == 30 else b"<html></html>" if at % 100 == 40 else data
        yield f"{person.id_number}.jpg", data


def _noisy(data: bytes) -> Image.Image:
    """With a camera's grain, without which a drawing weighs a third of a photo."""
    with Image.open(io.BytesIO(data)) as face:
        return Image.blend(face, Image.effect_noise(face.size, 14).convert("RGB"), 0.12)


def _on(kind: str, contestant: Callable[[Run, int], None]) -> Callable[[Run], None]:
    def run(run: Run) -> None:
        os.environ["KAOWU_DATA_DIR"] = str(run.stage)
        run.rate = PHOTOS
        with copy_of(run.stage, kind) as url, connected(url):
            with reading() as session:
                session.scalars(select(Major)).all()  # connected, mappers configured: not what is measured
            contestant(run, int((run.stage / "college").read_text()))

    return run


# -- the contestants ---------------------------------------------------------------------------------------------------


def ours(run: Run, college_id: int) -> None:
    """The whole desk: gate, check, twins, verdict per file, record, trail, list of the failed."""
    actor = Actor("bench", frozenset({Role.COORDINATOR}), college_id=college_id, channel="cli")
    with run.timed():
        report = desk.import_photos(actor, run.stage / "photos.zip", "photos.zip")
    run.answer = {"accepted": report.accepted, "failed": sorted(error.row for error in report.errors)}


def obvious(run: Run, college_id: int) -> None:
    """The usual way, written with care: people read once, one commit, no trail, no verdicts, no record."""
    with run.timed():
        accepted, failed = _import_plainly(run.stage / "photos.zip", college_id)
    run.answer = {"accepted": accepted, "failed": failed}


def _import_plainly(path: Path, college_id: int) -> tuple[int, list[int]]:
    failed, accepted = [], 0
    with Session(db.engine()) as session, zipfile.ZipFile(path) as archive:
        owners = session.scalars(select(Candidate).where(Candidate.college_id == college_id))
        by_number = {owner.id_number: owner for owner in owners}
        for number, name in enumerate(archive.namelist(), start=1):
            owner = by_number.get(name.removesuffix(".jpg"))
            kept = _looked_at(archive.read(name))
            if owner is None or kept is None:
                failed.append(number)
                continue
            digest = hashlib.sha256(kept).hexdigest()
            session.add(CandidatePhoto(candidate_id=owner.id, data=kept, sha256=digest, width=295, height=413))
            owner.photo_hash, owner.updated_at = digest, clock.now()
            owner.state = CandidateState.PENDING_VERIFICATION
            accepted += 1
        session.commit()
    return accepted, failed


def _looked_at(data: bytes) -> bytes | None:
    """The picture to keep: decoded whole, of the right size, with something on it."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            if image.size != (295, 413) or not any(ImageStat.Stat(image).stddev):
                return None
            if image.format == "JPEG":
                return data
            out = io.BytesIO()
            image.convert("RGB").save(out, "JPEG", quality=95)
            return out.getvalue()
    except OSError:
        return None


def limit(run: Run, college_id: int) -> None:
    """What nobody can undercut: the archive read and digested, and every picture handed to the driver unseen."""
    with reading() as session:
        owners = session.scalars(select(Candidate.id).where(Candidate.photo_hash.is_(None)).limit(PHOTOS)).all()
    is_postgres = db.engine().dialect.name == "postgresql"
    names = ("candidate_id", "data", "sha256", "width", "height")
    with run.timed():
        with zipfile.ZipFile(run.stage / "photos.zip") as archive:
            pictures = [archive.read(name) for name in archive.namelist()]
        rows: list[tuple[Any, ...]] = [
            (owner, data, hashlib.sha256(data).hexdigest(), 295, 413)
            for owner, data in zip(owners, pictures, strict=False)
        ]
        with db.engine().begin() as connection:
            if is_postgres:
                cursor: Any = connection.connection.cursor()
                with cursor.copy(f"COPY candidate_photos ({', '.join(names)}) FROM STDIN (FORMAT BINARY)") as copy:
                    copy.set_types(["int4", "bytea", "text", "int4", "int4"])
                    for row in rows:
                        copy.write_row(row)
            else:
                statement = f"INSERT INTO candidate_photos ({', '.join(names)}) VALUES (?, ?, ?, ?, ?)"
                connection.exec_driver_sql(statement, rows)
