"""The code in README and docs runs as it stands there; the built pages leave nothing out."""

import importlib.util
import inspect
import re
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from numpydoc.docscrape import NumpyDocString

import sklearn_sifal

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


# ---------------------------------------------------------------- what the build puts where

_TOCTREE = re.compile(r"^```\{toctree\}\n(.*?)^```", re.DOTALL | re.MULTILINE)
_GENERATED = {"api/index", "auto_examples/index"}


def extension(name: str) -> ModuleType:
    """One of the extensions of Sphinx in ``docs``."""
    path = _ROOT / "docs" / "_extensions" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(name, module)
    spec.loader.exec_module(module)
    return module


def entries_of(page: Path) -> list[str]:
    """What the toctrees of a page list."""
    lines = [
        line for tree in _TOCTREE.findall(page.read_text("utf-8")) for line in tree.split("\n")
    ]
    lines = [line.strip() for line in lines if line.strip() and not line.startswith(":")]
    return [re.sub(r".*<(.*)>", r"\1", line) for line in lines]


def test_every_page_is_in_a_toctree():
    reached, waiting = set(), ["index"]
    while waiting:
        name = waiting.pop()
        page = _ROOT / "docs" / f"{name}.md"
        if name not in reached and page.exists():
            reached.add(name)
            waiting += entries_of(page)
    assert reached == {page.stem for page in (_ROOT / "docs").glob("*.md")}
    assert set(entries_of(_ROOT / "docs" / "index.md")) >= _GENERATED


def test_every_public_object_is_in_the_reference():
    api_pages = extension("api_pages")
    root = Path(sklearn_sifal.__file__).parent
    folders = [path.parent.relative_to(root.parent) for path in root.glob("*/__init__.py")]
    packages = {"sklearn_sifal", *(".".join(folder.parts) for folder in folders)}
    packages = {name for name in packages if import_module(name).__all__}
    assert packages <= set(api_pages.PACKAGES), (
        "enter new packages in docs/_extensions/api_pages.py"
    )
    pages = api_pages.all_pages()
    described = {
        id(getattr(import_module(package), name))
        for package in packages
        for name in api_pages.names_of(package)
        if f"{package}.{name}.rst" in pages
    }
    missing = [
        f"{package}.{name}"
        for package in packages
        for name in api_pages.names_of(package)
        if id(getattr(import_module(package), name)) not in described
    ]
    assert missing == []
    for package in packages:
        for title, names in api_pages.GROUPS.get(package, {}).items():
            assert set(names) <= set(api_pages.names_of(package)), title
    for page in set(pages) - {"index.rst"}:
        lists = [text for name, text in pages.items() if name != page]
        assert any(re.search(rf"^   {re.escape(page[:-4])}$", text, re.M) for text in lists), page


def test_a_class_shows_what_it_inherits_from_us_and_no_more():
    page = extension("api_pages").all_pages()["sklearn_sifal.LossSampledClassifier.rst"]
    shown = re.findall(r"auto(?:method|property):: LossSampledClassifier\.(\w+)", page)
    assert {"fit", "predict_proba", "save_weights", "loss_table_"} <= set(shown)
    assert not {"get_params", "set_score_request", "set_fit_request", "__init__"} & set(shown)


def test_every_paper_is_in_the_references():
    pages = [_ROOT / "docs" / name for name in ("references.md", "strategies.md")]
    listed = " ".join(" ".join(page.read_text("utf-8").lower().split()) for page in pages)
    missing = []
    for full_name in extension("api_pages").public_objects().values():
        package, _, name = full_name.rpartition(".")
        value = getattr(import_module(package), name)
        if not (inspect.isclass(value) or inspect.isroutine(value)):
            continue
        cited = " ".join(NumpyDocString(inspect.getdoc(value) or "")["References"])
        titles = re.findall(r'"([^"]+?)[,.]?"', " ".join(cited.split()))
        missing += [f"{full_name}: {title}" for title in titles if title.lower() not in listed]
    assert missing == []


@pytest.mark.parametrize(
    "text, expected",
    [
        ("[a](../examples/plot_01_x.py)", "[a](auto_examples/plot_01_x.rst)"),
        ("[a](../examples)", "[a](auto_examples/index.rst)"),
        ("[the `b`](../CONTRIBUTING.md#tests)", "[the `b`](contributing.md#tests)"),
        ("[a](strategies.md#references)", "[a](strategies.md#references)"),
        ("[a](#here), [b](https://example.org/x.md)", "[a](#here), [b](https://example.org/x.md)"),
        ("[a](../benchmarks/step.py) measures", "a measures"),
        ("![a](images/round.svg)", "![a](images/round.svg)"),
        ("```\n[a](../benchmarks)\n```\n[a](../benchmarks)", "```\n[a](../benchmarks)\n```\na"),
    ],
)
def test_links_lead_to_pages_of_the_build(text, expected):
    assert extension("repository_links").rewrite_links(text, _ROOT / "docs") == expected


def test_links_of_an_included_file_are_relative_to_it():
    rewrite_links = extension("repository_links").rewrite_links
    text = "[a](docs/strategies.md), [b](changelog.d/README.md), [c](LICENSE)"
    assert rewrite_links(text, _ROOT) == "[a](strategies.md), [b](contributing.md#changelog), c"
