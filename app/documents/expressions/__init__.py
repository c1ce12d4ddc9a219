"""The small language of definitions: conditions, computed values and default sources.

It is a subset of Python expressions, walked over a whitelist of nodes and never evaluated by Python itself.
A name is a field of the same document (`bleeding_ml`), a dotted name is a fact of the case (`patient.sex`,
`case.asa`) or a column of a table (`counts.before`); `chart.sbp@in_room` is the chart value nearest to an
event, `labs.latest("Hb")` the newest result and `labs.preop("Hb")` the newest from before the patient came into
the room. A missing value is None: comparing with it is False, calculating with it gives None, so a half-filled form
never raises.
"""

from app.documents.expressions.evaluate import Environment
from app.documents.expressions.functions import is_filled
from app.documents.expressions.names import ExpressionError
from app.documents.expressions.parse import Expression, parse

__all__ = ["Environment", "Expression", "ExpressionError", "is_filled", "parse"]
