"""The paper fonts, as the tests of printing use them."""

from tests.printing.conftest import fonts

__all__ = ["fonts"]
