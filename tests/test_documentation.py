"""The code in README and docs runs as it stands there."""

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parent.parent
_PAGES = [_ROOT / "README.md", *sorted((_ROOT / "docs").glob("*.md"))]
_PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")  # without the part after "#"


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_code_blocks_run(page, request, monkeypatch):
    blocks = _PYTHON_BLOCK.findall(page.read_text(encoding="utf-8"))
    if any("fetch_" in block for block in blocks):
        folder = request.getfixturevalue("data_home")
        if (
            any("fetch_mnist()" in block for block in blocks)
            and not (folder / "mnist.npz").exists()
        ):
            pytest.skip("mnist.npz not found")
        monkeypatch.setenv("SIFAL_DATA", str(folder))
    namespace = {}
    for number, code in enumerate(blocks):
        exec(compile(code, f"{page.name}, block {number}", "exec"), namespace)


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_local_links_lead_somewhere(page):
    targets = _LINK.findall(page.read_text(encoding="utf-8"))
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing
