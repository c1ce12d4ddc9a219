"""What is wrong with a message, where it is, and what the hospital's IT department can do about it."""

from app.core.errors import DomainError


class MessageError(DomainError):
    """A message (or one group of it) cannot be used. `where` is a segment and field such as PID-3."""

    code = "hl7_message"
    status = 422
    default_message = "消息不能使用。"

    def __init__(self, problem: str, *, where: str = "", advice: str = "", code: str = "") -> None:
        self.problem = problem
        self.where = where
        self.advice = advice
        place = f"{where}：" if where else ""
        super().__init__(f"{place}{problem}{advice}", code=code)
