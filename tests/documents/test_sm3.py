"""SM3 against the two vectors of GB/T 32905-2016 appendix A, and against the crypto library where it knows it."""

import hashlib
import os

import pytest

from app.documents.sm3 import sm3_hex


@pytest.mark.parametrize(
    ("content", "digest"),
    [
        (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
    ],
)
def test_the_vectors_of_the_standard(content: bytes, digest: str) -> None:
    assert sm3_hex(content) == digest


@pytest.mark.skipif("sm3" not in hashlib.algorithms_available, reason="the crypto library has no SM3 to compare with")
@pytest.mark.parametrize("length", [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000])
def test_every_padding_agrees_with_the_library(length: int) -> None:
    content = os.urandom(length)
    assert sm3_hex(content) == hashlib.new("sm3", content).hexdigest()
