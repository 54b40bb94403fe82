"""Files for the command."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

TOPICS = {
    "card": ("my card", "the bank card", "this debit card", "a new card"),
    "refund": ("my refund", "the money back", "a repayment", "the refund money"),
    "login": ("my login", "the app password", "the account access", "signing in"),
}
COMPLAINTS = ("is lost", "does not work", "has not come", "is late again", "seems to be blocked")


def make_queries(n: int, seed: int = 0) -> list[tuple[str, str]]:
    """Texts and labels, the labels in turn."""
    rng = random.Random(seed)
    names = list(TOPICS)
    return [
        (f"{rng.choice(TOPICS[name])} {rng.choice(COMPLAINTS)} number {i}", name)
        for i in range(n)
        for name in [names[i % len(names)]]
    ]


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    """90 rows of text,intent."""
    path = tmp_path / "queries.csv"
    lines = ["text,intent", *(f"{text},{intent}" for text, intent in make_queries(90))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Write a file."""

    def write(name: str, content: str | bytes, encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write
