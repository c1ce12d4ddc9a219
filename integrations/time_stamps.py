"""Trusted time stamps (RFC 3161) from the authority that the hospital uses, over HTTP inside the hospital."""

import base64
import hashlib
import urllib.error
import urllib.request
from pathlib import Path
from typing import Self

from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from app.documents.ports import NoTimeStamp, TimeStamp

_TIMEOUT_S = 10.0
_MAX_BYTES = 1 << 20
_NOT_OURS = "返回的时间戳没有通过验证"


class TimeStampAuthority:
    """One authority: its address, and the root certificates by which its answers are verified."""

    def __init__(self, url: str, roots: list[x509.Certificate]) -> None:
        self._url, self._roots = url, roots

    @classmethod
    def of(cls, url: str, roots_file: str) -> Self:
        """As the settings say; `roots_file` holds one or more PEM certificates."""
        return cls(url, x509.load_pem_x509_certificates(Path(roots_file).read_bytes()))

    def __call__(self, content: bytes) -> TimeStamp:
        """Ask for a time stamp over the SHA-256 of the content; raises `NoTimeStamp`."""
        request = TimestampRequestBuilder().data(content).hash_algorithm(HashAlgorithm.SHA256).build()
        raw = self._ask(request.as_bytes())
        return self._checked(raw, content, request.nonce)

    def verify(self, token: str, content: bytes) -> TimeStamp:
        """What a kept token says of the content; raises `NoTimeStamp` when it is not of this content."""
        return self._checked(base64.b64decode(token), content, None)

    def _ask(self, query: bytes) -> bytes:
        headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
        request = urllib.request.Request(self._url, data=query, headers=headers)  # noqa: S310 - http(s) by settings
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                return bytes(answer.read(_MAX_BYTES))
        except (urllib.error.URLError, OSError) as error:
            raise NoTimeStamp(f"时间戳机构没有应答（{type(error).__name__}）") from error

    def _checked(self, raw: bytes, content: bytes, nonce: int | None) -> TimeStamp:
        try:
            response = decode_timestamp_response(raw)
            builder = VerifierBuilder(roots=list(self._roots), nonce=nonce)
            builder.build().verify(response, hashlib.sha256(content).digest())
        except (ValueError, VerificationError) as error:
            raise NoTimeStamp(f"{_NOT_OURS}（{error}）") from error
        return TimeStamp(base64.b64encode(raw).decode("ascii"), response.tst_info.gen_time, _authority(response))


def _authority(response: TimeStampResponse) -> str:
    signer = next(iter(response.signed_data.signer_infos))
    for raw in response.signed_data.certificates:
        certificate = x509.load_der_x509_certificate(raw)
        if certificate.serial_number == signer.serial_number and certificate.issuer == signer.issuer:
            return certificate.subject.rfc4514_string()[:255]
    return signer.issuer.rfc4514_string()[:255]
