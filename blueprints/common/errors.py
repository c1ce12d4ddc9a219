"""One place that maps errors to a page, a fragment or JSON, with the same Chinese words everywhere."""

import logging
import uuid

from flask import Flask, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_limiter.errors import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from app.core import unit_of_work
from app.core.errors import Conflict, DomainError, InvalidInput
from blueprints.common.fragments import toast

_log = logging.getLogger("mafei.errors")
_WORDS = {
    400: ("请求不完整", "请返回上一页重新操作。"),
    401: ("需要登录", "请先登录。"),
    403: ("没有权限", "您没有进行这项操作的权限。如需使用，请联系科室管理员。"),
    404: ("没有找到", "页面不存在，可能已被移动，或链接不完整。"),
    405: ("操作方式不对", "请从页面上的按钮进行操作。"),
    413: ("内容过大", "上传的内容超过上限，请压缩后再试。"),
    429: ("操作过于频繁", "请稍候一分钟再试。"),
    500: ("系统出错了", "刚才的操作没有保存，已有的记录不受影响。请再试一次；如仍出错，请把编号告诉信息科。"),
    503: ("系统忙", "数据库暂时繁忙，刚才的操作没有保存，请再试一次。"),
}


def init_app(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(DomainError, _domain)
    app.register_error_handler(StaleDataError, _stale)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(RateLimitExceeded, _limited)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(OperationalError, _busy)
    app.register_error_handler(IntegrityError, _unexpected)
    app.register_error_handler(Exception, _unexpected)


def _domain(error: DomainError) -> ResponseReturnValue:
    unit_of_work.rollback()
    _log.info("refused", extra={"code": error.code, "endpoint": request.endpoint})
    fields = error.fields if isinstance(error, InvalidInput) else {}
    return _answer(error.status, error.message, code=error.code, fields=fields)


def _stale(_error: StaleDataError) -> ResponseReturnValue:
    return _domain(Conflict("内容刚刚被他人修改，您的改动没有保存。请刷新后再试。"))


def _csrf(_error: CSRFError) -> ResponseReturnValue:
    unit_of_work.rollback()
    return _answer(400, "页面停留太久，安全校验已过期。请刷新页面后重新操作，刚才的内容没有保存。", code="csrf")


def _limited(_error: RateLimitExceeded) -> ResponseReturnValue:
    return _answer(429, _WORDS[429][1], code="too_many_requests")


def _http(error: HTTPException) -> ResponseReturnValue:
    unit_of_work.rollback()
    original = getattr(error, "original_exception", None)
    if isinstance(original, StaleDataError):  # raised by the commit at the edge
        return _stale(original)
    if original is not None:
        return _unexpected(original)
    status = error.code or 500
    return _answer(status, _WORDS.get(status, _WORDS[400])[1], code=f"http_{status}")


def _busy(error: OperationalError) -> ResponseReturnValue:
    if "locked" not in str(error) and "busy" not in str(error):
        return _unexpected(error)
    unit_of_work.rollback()
    _log.warning("database busy", extra={"endpoint": request.endpoint})
    return _answer(503, _WORDS[503][1], code="busy")


def _unexpected(error: Exception) -> ResponseReturnValue:
    unit_of_work.rollback()
    number = uuid.uuid4().hex[:8]
    _log.error("unexpected error", extra={"error_no": number, "endpoint": request.endpoint}, exc_info=error)
    g.failsafe = True  # context processors must not raise again
    return _answer(500, f"{_WORDS[500][1]}（编号 {number}）", code="unexpected")


def _answer(status: int, message: str, *, code: str, fields: dict[str, str] | None = None) -> ResponseReturnValue:
    if request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json":
        return {"error": code, "message": message, "fields": fields or {}}, status
    if "HX-Request" in request.headers:
        body = render_template("components/_error.html", message=message, fields=fields or {})
        return toast(body, message, kind="danger", status=status)
    title = _WORDS.get(status, _WORDS[400])[0]
    return render_template("error.html", title=title, message=message, status=status), status
