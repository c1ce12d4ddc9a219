"""A definition as paper before anybody uses it."""

from app.documents.definition import Kind
from app.documents.facts import CaseFacts
from app.documents.queries.sheets import hospital_name
from app.documents.rules.completeness import fill
from app.documents.sheet import Sheet, head_of, open_lines, parts_of


def blank_sheet(kind: Kind) -> Sheet:
    """An empty form: every section that does not depend on a value, all lines for the hand."""
    facts = CaseFacts(0)
    filled = fill(kind, {}, facts)
    return Sheet(
        title=kind.title, hospital=hospital_name(), head=head_of(facts), parts=parts_of(filled),
        signatures=open_lines(filled, []), basis=kind.basis,
    )  # fmt: skip
