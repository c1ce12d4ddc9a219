"""Every action the program writes into the audit trail has a word for the one who reads it."""

import ast
import re
from collections.abc import Iterator

from blueprints.admin.words import action_word
from tests.architecture.test_vendor import ROOT

_ACTION = re.compile(r"[a-z_]+\.[a-z_]+")
_WRITERS = frozenset({"record", "_told", "_course_changed"})


def written() -> Iterator[str]:
    """Actions that stand as literals in calls that write the trail."""
    for folder in ("app", "blueprints", "integrations"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and _name(node.func) in _WRITERS:
                    for value in node.args:
                        if isinstance(value, ast.Constant) and _ACTION.fullmatch(str(value.value)):
                            yield str(value.value)


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def test_every_action_has_a_word() -> None:
    actions = set(written())
    assert len(actions) > 80
    assert {action for action in actions if re.search("[a-z_]{4,}", action_word(action))} == set()
