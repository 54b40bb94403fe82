"""Files that appear whole or not at all."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to, which takes its place if nothing goes wrong."""
    part = part_of(path)
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def part_of(path: Path) -> Path:
    """A new name beside `path`, with its ending, for writers that go by it."""
    return path.with_name(f".{path.stem}.{secrets.token_hex(4)}.part{path.suffix}")
