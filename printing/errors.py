"""What can go wrong on the way to paper."""

from app.core.errors import DomainError


class PrintError(DomainError):
    """The document could not be made; nothing was printed."""

    code = "print_error"
    status = 500
    default_message = "打印文件没有生成。请重试；仍不成功请联系信息科。"


class FontsMissing(PrintError):
    """The paper fonts have not been made yet."""

    code = "fonts_missing"
    default_message = "打印字体尚未准备好。请信息科执行：python -m printing.fonts --instance instance"
