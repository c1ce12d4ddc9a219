"""Column types and small value types that several rooms share."""

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator

UNREADABLE = "（无法解密）"


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in Python; refuses a naive value instead of guessing its zone. SQLite stores it as UTC text."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime: the zone is unknown")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class FieldCipher:
    """Encrypts single columns (identity numbers, telephone numbers). The key comes from `instance/`."""

    def __init__(self) -> None:
        self._fernet: Fernet | None = None

    def use_key(self, secret: str) -> None:
        """Derive the column key from a secret of at least 32 characters."""
        digest = hashlib.sha256(b"mafei column encryption\0" + secret.encode()).digest()
        self._fernet = Fernet(base64.urlsafe_b64encode(digest))

    def encrypt(self, text: str) -> str:
        """Token for the database."""
        return self._require().encrypt(text.encode()).decode("ascii")

    def decrypt(self, token: str) -> str:
        """Text of a token; a token of another key gives a mark instead of an error, so that a page still opens."""
        try:
            return self._require().decrypt(token.encode("ascii")).decode()
        except InvalidToken:
            return UNREADABLE

    def _require(self) -> Fernet:
        if self._fernet is None:
            raise RuntimeError("the column key is not set: the application was not composed")
        return self._fernet


field_cipher = FieldCipher()


class EncryptedText(TypeDecorator[str]):
    """Text that is stored encrypted (等保三级 8.1.4.8). Not searchable: keep a separate hash when needed."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return field_cipher.encrypt(value) if value else value

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        return field_cipher.decrypt(value) if value else value
