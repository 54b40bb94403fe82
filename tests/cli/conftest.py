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


@pytest.fixture
def wrong_rows(tmp_path: Path) -> tuple[Path, set[int]]:
    """240 rows of which 12 have the label of another topic, and the numbers of these."""
    rows = make_queries(240, seed=1)
    names = list(TOPICS)
    wrong = set(range(5, 240, 20))
    lines = ["id,text,intent"]
    for i, (text, intent) in enumerate(rows):
        label = names[(names.index(intent) + 1) % 3] if i in wrong else intent
        lines.append(f"{i + 1000},{text},{label}")
    path = tmp_path / "log.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path, {i + 1 for i in wrong}
