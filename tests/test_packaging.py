"""What the package says about itself: dependencies, versions, files."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import sklearn_sifal

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return table["project"]


def split(requirement: str) -> tuple[str, str]:
    """Normalised name and version part of a requirement: 'a_b[c]>=1' -> ('a-b', '>=1')."""
    found = re.fullmatch(r"([\w.-]+)(?:\[[\w,-]+\])?\s*([^;]*).*", requirement)
    assert found, requirement
    return found[1].lower().replace("_", "-"), found[2].strip()


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(split(line) for line in lines if line and not line.startswith("#"))


def test_core_dependencies_are_these_without_upper_pins(project: dict[str, Any]) -> None:
    core = dict(split(requirement) for requirement in project["dependencies"])
    assert set(core) == {
        "scikit-learn",
        "joblib",
        "torch",
        "skorch",
        "numpy",
        "scipy",
        "threadpoolctl",
        "tqdm",
    }
    for name, version in core.items():
        assert re.fullmatch(r">=[\d.]+", version), f"{name}: a lower bound and no other"
    assert project["requires-python"] == ">=3.11"


def test_extras(project: dict[str, Any]) -> None:
    extras = project["optional-dependencies"]
    assert set(extras) == {"plot", "datasets", "persist", "test", "docs", "dev", "all"}
    assert {name for name, _ in map(split, extras["persist"])} == {"safetensors", "skops"}
    assert extras["all"] == ["sklearn_sifal[plot,datasets,persist]"]


def test_constraints_pin_every_direct_dependency(project: dict[str, Any]) -> None:
    direct = {split(requirement)[0] for requirement in project["dependencies"]}
    for requirements in project["optional-dependencies"].values():
        direct |= {split(requirement)[0] for requirement in requirements}
    pinned = pins()
    assert direct - {"sklearn-sifal"} <= set(pinned)
    # A local suffix such as +cpu names one build of a version, which others may not have.
    assert [v for v in pinned.values() if not re.fullmatch(r"==[\w.]+", v)] == []


def test_one_version(project: dict[str, Any]) -> None:
    assert sklearn_sifal.__version__ == project["version"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.*)$", citation, re.M)[1] == project["version"]


def test_the_package_is_marked_as_typed() -> None:
    assert (Path(sklearn_sifal.__file__).parent / "py.typed").is_file()


def test_files_that_are_no_modules_are_in_the_package_and_packed() -> None:
    folder = Path(sklearn_sifal.__file__).parent
    read = [
        "datasets/_intent_grammar.txt",
        "datasets/_descriptions/mnist.txt",
        "comparison/_page.css",
    ]
    assert [name for name in read if not (folder / name).is_file()] == []
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]
    # The whole folder, whatever the endings.
    wheel, sdist = (settings["build"]["targets"][target] for target in ("wheel", "sdist"))
    assert wheel == {"packages": ["sklearn_sifal"]}
    assert set(sdist) == {"include"}
    assert "sklearn_sifal" in sdist["include"]


def test_changelog_fragments_have_names_that_towncrier_takes() -> None:
    fragments = [path.name for path in (ROOT / "changelog.d").iterdir()]
    named = re.compile(r"README\.md|\.\w+|\d+\.(feature|change|fix|removal)(\.\d+)?\.md")
    assert [name for name in fragments if not named.fullmatch(name)] == []


def test_nothing_says_where_packages_come_from() -> None:
    # That is up to pip's settings: an address in a file breaks mirrors and offline installs.
    # In pieces, so that this file has none of them either.
    pieces = [("pypi", ".org"), ("python", "hosted.org"), ("download.", "pytorch.org")]
    hosts = ["".join(piece) for piece in pieces]
    suffixes = {".py", ".md", ".rst", ".toml", ".yml", ".txt", ".cff", ""}
    folders = (".ci", ".github", "benchmarks", "changelog.d", "docs", "examples", "sklearn_sifal")
    paths = [*ROOT.glob("*"), *(path for folder in folders for path in (ROOT / folder).rglob("*"))]
    texts = {
        path.relative_to(ROOT): path.read_text(encoding="utf-8", errors="replace")
        for path in paths
        if path.is_file() and path.suffix in suffixes and "_build" not in path.parts
    }
    assert len(texts) > 50
    assert [str(path) for path, text in texts.items() if any(host in text for host in hosts)] == []
