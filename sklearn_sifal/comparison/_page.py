"""The page: one self-contained HTML file."""

from html import escape
from pathlib import Path
from typing import Any


def write_page(comparison: Any, path: Path, title: str | None) -> None:
    """Write the page of a comparison, whole or not at all."""
    text = f"<!doctype html><meta charset=utf-8><title>{escape(title or 'Strategies')}</title>"
    text += f"<pre>{escape(str(comparison._verdict()))}\n\n{escape(repr(comparison))}</pre>"
    draft = path.with_name(path.name + ".part")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
