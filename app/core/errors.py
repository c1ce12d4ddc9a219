"""The error tree. Each error carries a Chinese `message` for people and a `code` for logs."""


class DomainError(Exception):
    """Something the user can understand and act on; the edge maps it to a page, a fragment or an ack."""

    code = "domain_error"
    status = 400
    default_message = "操作没有完成。请检查后再试。"

    def __init__(self, message: str = "", *, code: str = "", details: dict[str, object] | None = None) -> None:
        self.message = message or self.default_message
        if code:
            self.code = code
        self.details = details or {}
        super().__init__(self.message)


class InvalidInput(DomainError):
    """A value is missing, malformed or impossible. `fields` maps a field name to what to do about it."""

    code = "invalid_input"
    status = 422
    default_message = "有内容需要更正。"

    def __init__(self, message: str = "", *, fields: dict[str, str] | None = None, code: str = "") -> None:
        self.fields = fields or {}
        super().__init__(message or "；".join(self.fields.values()), code=code)


class NotFound(DomainError):
    """The thing asked for does not exist, or this user may not know that it exists."""

    code = "not_found"
    status = 404
    default_message = "没有找到。可能已被删除，或链接不完整。"


class NotAllowed(DomainError):
    """The user is known but has no right to this."""

    code = "not_allowed"
    status = 403
    default_message = "您没有进行这项操作的权限。如需使用，请联系科室管理员。"


class Conflict(DomainError):
    """Somebody else changed the same thing, or the state does not permit the action."""

    code = "conflict"
    status = 409
    default_message = "内容已被他人修改，请刷新后再试。"


class Locked(Conflict):
    """The record is archived or locked; it may be read but not written."""

    code = "locked"
    default_message = "记录已锁定，不能修改。如需更正，请申请重新打开。"


class SettingsError(Exception):
    """A setting is wrong; the process must not start. The message says which and what is expected."""
