"""The electronic seal on a PDF: put on once, checked offline by anyone who has the seal's root certificate.

LocalSealer makes its own root and key. That is evidence against tampering, bound to this installation; it is not a
legally recognised electronic signature of the Chinese signature law (no accredited authority, no SM2). An office that
needs one puts its provider behind the same Protocol.
"""

from __future__ import annotations

import logging
import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

from cryptography import x509 as cx509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.x509.oid import NameOID
from PIL import Image, UnidentifiedImageError
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.images import PdfImage
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.layout import AxisAlignment, InnerScaling, Margins, SimpleBoxLayoutRule
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers
from pyhanko.sign.general import SigningError, UnacceptableSignerError
from pyhanko.sign.signers.pdf_signer import PdfSigningSession
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel
from pyhanko.stamp import StaticStampStyle
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from core import clock, settings
from core.errors import FileRefused, Refusal

for _chatty in ("pyhanko", "pyhanko_certvalidator"):  # they log a stack trace for every seal that does not hold
    logging.getLogger(_chatty).setLevel(logging.CRITICAL)

SIGNER = "考务系统电子签章（本机自签）"
_FIELD = "KaowuSeal"
_YEARS = 30
_MM = 72 / 25.4
_MARGIN = timedelta(days=1)  # a key made on a machine whose clock is a little ahead still works on the others
_BROKEN = (PdfError, SigningError, ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError)


class SealFailed(Refusal):
    """The seal could not be put on; nothing was stored (the issuance goes to 盖章失败 and can be retried)."""

    code = "seal_failed"


@dataclass(frozen=True, slots=True)
class SealVerdict:
    """What a check found; detail_code is seal_intact or why not, signer and sealed_at only where they can be read.

    Codes: seal_intact, seal_absent, seal_unreadable, seal_broken (bytes changed), seal_appended (something was
    added after sealing), seal_stranger (sealed by somebody else).
    """

    is_valid: bool
    signer: str
    sealed_at: datetime | None
    detail_code: str


class Sealer(Protocol):
    """Puts seals on and checks them; both may take a second and must not run on an event loop."""

    def seal(self, pdf: bytes, *, reason: str, picture: bytes | None = None) -> bytes:
        """The sealed file; picture (PNG) is shown where certificates show it. SealFailed if it cannot be."""
        ...

    def check(self, pdf: bytes) -> SealVerdict:
        """Whether the file is exactly the one that was sealed; never raises over a bad file."""
        ...


class LocalSealer:
    """Seals with a key kept in the data directory, made on first use, readable by its owner alone."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or settings.current().data_dir / "seal"
        self._loaded: tuple[Any, Any, rsa.RSAPrivateKey] | None = None

    def seal(self, pdf: bytes, *, reason: str, picture: bytes | None = None) -> bytes:
        """PAdES B-B, certified: no later change is allowed. Refuses a file that already carries a seal."""
        style = _appearance(picture) if picture else None
        try:
            writer = IncrementalPdfFileWriter(BytesIO(pdf))
            if writer.prev.embedded_signatures:
                raise SealFailed("already_sealed")
            field = fields.SigFieldSpec(_FIELD, on_page=-1, box=_place(writer) if style else None)
            meta = signers.PdfSignatureMetadata(
                field_name=_FIELD,
                md_algorithm="sha256",
                reason=reason,
                name=SIGNER,
                subfilter=fields.SigSeedSubFilter.PADES,
                certify=True,
                docmdp_permissions=fields.MDPPerm.NO_CHANGES,
            )
            signer = _ClockedSigner(meta, self._signer(), stamp_style=style, new_field_spec=field)
            sealed = signer.sign_pdf(writer)
        except _BROKEN as broken:
            raise SealFailed from broken
        return bytes(sealed.getbuffer())

    def check(self, pdf: bytes) -> SealVerdict:
        """Trusts this installation's root only, and only a seal that covers the whole file."""
        try:
            signatures = PdfFileReader(BytesIO(pdf)).embedded_signatures
        except _BROKEN:
            return SealVerdict(False, "", None, "seal_unreadable")
        if not signatures:
            return SealVerdict(False, "", None, "seal_absent")
        try:
            status = validate_pdf_signature(signatures[-1], self._trust())
        except (SignatureValidationError, UnacceptableSignerError, *_BROKEN):
            return SealVerdict(False, "", None, "seal_broken")
        return _verdict(status, is_only=len(signatures) == 1)

    def root_certificate(self) -> bytes:
        """The root as PEM, for people who check a certificate with a PDF reader of their own."""
        self._material()
        before, end, _ = self._bundle.read_bytes().partition(b"-----END CERTIFICATE-----\n")
        return before + end

    def _signer(self) -> _KeptKeySigner:
        root, certificate, key = self._material()
        store = SimpleCertificateStore.from_certs([root])  # type: ignore[no-untyped-call]  # pyHanko left this bare
        return _KeptKeySigner(key, signing_cert=certificate, cert_registry=store, embed_roots=True)

    def _trust(self) -> ValidationContext:
        """Validity is asked for the business clock's now, without any look into the network."""
        roots = [self._material()[0]] if self._bundle.exists() else []
        return ValidationContext(
            trust_roots=roots, allow_fetching=False, moment=clock.now(), revocation_mode="soft-fail"
        )

    @property
    def _bundle(self) -> Path:
        return self._folder / "seal.pem"

    def _material(self) -> tuple[Any, Any, rsa.RSAPrivateKey]:
        """Root, seal certificate and seal key, from one file so that they always belong together."""
        if self._loaded is None:
            if not self._bundle.exists():
                _publish(self._bundle, _new_material(clock.now()))
            data = self._bundle.read_bytes()
            at = data.index(b"-----BEGIN PRIVATE KEY-----")
            root, certificate = load_certs_from_pemder_data(data[:at])
            key = serialization.load_pem_private_key(data[at:], password=None)
            assert isinstance(key, rsa.RSAPrivateKey)
            self._loaded = root, certificate, key
        return self._loaded


class _KeptKeySigner(signers.Signer):
    """Holds the opened key: opening it checks its primes, which takes eight times as long as the whole rest."""

    def __init__(self, key: rsa.RSAPrivateKey, **rest: Any) -> None:
        self._key = key
        super().__init__(**rest)

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        """PKCS #1 v1.5, which gives the same signature for the same content."""
        assert digest_algorithm == "sha256"
        return bytes(self._key.key_size // 8) if dry_run else self._key.sign(data, PKCS1v15(), hashes.SHA256())


class _ClockedSigner(signers.PdfSigner):
    """Signing time from kaowu's clock, which travels in the demo."""

    def init_signing_session(self, pdf_out: Any, existing_fields_only: bool = False) -> PdfSigningSession:
        session: PdfSigningSession = super().init_signing_session(pdf_out, existing_fields_only)
        session.system_time = clock.now().replace(microsecond=0)
        return session


def _verdict(status: PdfSignatureStatus, *, is_only: bool) -> SealVerdict:
    """bottom_line finds changed bytes and strangers; only the coverage finds every kind of appended revision."""
    signer = str(status.signing_cert.subject.native.get("common_name", ""))
    covers_all = status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    if not (status.intact and status.valid):
        code = "seal_broken"
    elif not status.trusted:
        code = "seal_stranger"
    elif not (covers_all and is_only and status.bottom_line):
        code = "seal_appended"
    else:
        code = "seal_intact"
    return SealVerdict(code == "seal_intact", signer, status.signer_reported_dt, code)


def _appearance(picture: bytes) -> StaticStampStyle:
    try:
        with Image.open(BytesIO(picture), formats=["PNG"]) as image:
            shown = PdfImage(image.convert("RGBA"))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise FileRefused("picture_unreadable") from None
    middle = AxisAlignment.ALIGN_MID
    whole = SimpleBoxLayoutRule(middle, middle, Margins(0, 0, 0, 0), InnerScaling.STRETCH_TO_FIT)
    return StaticStampStyle(background=shown, background_layout=whole, background_opacity=1, border_width=0)


def _place(writer: IncrementalPdfFileWriter) -> tuple[int, int, int, int]:
    """40 mm square at the lower right of the last page, in points: where a certificate shows its issuer's seal.

    The certificate draws the same picture there, for viewers that show no signature fields; the two lie exactly
    upon each other, so that one seal is seen and can be clicked.
    """
    page = writer.find_page_for_modification(-1)[0].get_object()  # type: ignore[no-untyped-call]
    right, low = (float(page.get("/MediaBox", (0, 0, 595, 842))[place]) for place in (2, 1))
    return round(right - 83 * _MM), round(low + 38 * _MM), round(right - 43 * _MM), round(low + 78 * _MM)


def _new_material(now: datetime) -> bytes:
    """A root that signs one seal certificate and is then without a key: nobody can make a second seal under it."""
    start, end = now - _MARGIN, now + timedelta(days=365 * _YEARS)
    root_key, key = (rsa.generate_private_key(public_exponent=65537, key_size=3072) for _ in range(2))
    root_name = _name("考务系统根证书（本机自签）")
    root = _certificate(root_name, root_name, root_key.public_key(), root_key, start, end, is_root=True)
    leaf = _certificate(_name(SIGNER), root_name, key.public_key(), root_key, start, end, is_root=False)
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    secret = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain)
    return root.public_bytes(encoding) + leaf.public_bytes(encoding) + secret


def _name(common: str) -> cx509.Name:
    return cx509.Name(
        [cx509.NameAttribute(NameOID.ORGANIZATION_NAME, "kaowu"), cx509.NameAttribute(NameOID.COMMON_NAME, common)]
    )


def _certificate(
    subject: cx509.Name,
    issuer: cx509.Name,
    public: rsa.RSAPublicKey,
    signer: rsa.RSAPrivateKey,
    start: datetime,
    end: datetime,
    *,
    is_root: bool,
) -> cx509.Certificate:
    builder = (
        cx509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(cx509.random_serial_number())
        .not_valid_before(start.astimezone(UTC))
        .not_valid_after(end.astimezone(UTC))
        .add_extension(cx509.BasicConstraints(ca=is_root, path_length=0 if is_root else None), critical=True)
        .add_extension(_usage(is_root), critical=True)
        .add_extension(cx509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(cx509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    return builder.sign(signer, hashes.SHA256())


def _usage(is_root: bool) -> cx509.KeyUsage:
    return cx509.KeyUsage(
        digital_signature=not is_root,
        content_commitment=not is_root,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_root,
        crl_sign=is_root,
        encipher_only=False,
        decipher_only=False,
    )


def _publish(target: Path, secret: bytes) -> None:
    """Put the file there once: of several processes that start together one wins, the others use what it made."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, draft = tempfile.mkstemp(dir=target.parent, prefix=".draft-")  # owner only from the first byte
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, target)
    except FileExistsError:
        pass
    finally:
        Path(draft).unlink(missing_ok=True)
