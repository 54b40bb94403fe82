"""The pages of the API reference, written from what the packages export.

One page for each public package, with its objects in groups, and one for each object. A new
name in a package's ``__all__`` gets its page without an entry here; `GROUPS` only brings
the names of a package into an order that is better to read than the alphabet.
"""

import inspect
import re
import sys
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from numpydoc.docscrape import ClassDoc
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer

PACKAGES = {
    "sklearn_sifal": "Estimators",
    "sklearn_sifal.strategies": "Strategies",
    "sklearn_sifal.samplers": "Samplers for your own loop",
    "sklearn_sifal.preprocessing": "Cleaning texts",
    "sklearn_sifal.inspection": "Inspection",
    "sklearn_sifal.plotting": "Plotting",
    "sklearn_sifal.comparison": "Comparison",
    "sklearn_sifal.datasets": "Data sets",
    "sklearn_sifal.neural": "Neural parts",
    "sklearn_sifal.cli": "Command line",
}

# Title of a group -> its names. What is not named goes into groups by its kind.
GROUPS: dict[str, dict[str, tuple[str, ...]]] = {
    "sklearn_sifal": {
        "Estimators": ("LossSampledClassifier", "LossSampledRegressor", "LossSampledNet"),
        "Transformers": ("RegexPreprocessor",),
        "Records, errors and warnings": (
            "LossTable", "InvalidParameterError", "NonFiniteLossError",
            "InconsistentVersionWarning",
        ),
    },
    "sklearn_sifal.strategies": {
        "The yardsticks": ("Base", "Random"),
        "By importance": (
            "GuardedImportance", "Importance", "Prioritized", "GradientNormSampling",
        ),
        "SIFAL's rules": ("Percentage", "Percentile", "BottomPercentage", "BottomPercentile"),
        "Dynamic pruning": ("InfoBatch", "OrderDP", "SeTa", "RePB", "Kakurenbo",
                            "InstanceEarlyStopping"),
        "Choosing within a batch": (
            "SelectiveBackprop", "OrderedSGD", "EvolvedSampling", "ReducibleLoss",
        ),
        "Queues and curricula": ("HeapQueue", "OnlineBatchSelection", "SelfPaced"),
        "Around another strategy, and of your own": (
            "Robust", "FunctionStrategy", "SamplingStrategy",
        ),
        "What strategies see and return": ("Setup", "DrawContext", "Selection", "STRATEGIES"),
    },
    "sklearn_sifal.inspection": {
        "Losses and instances": (
            "loss_deciles", "LossDeciles", "ranked_instances", "InstanceTable", "data_map",
            "DataMap",
        ),
        "Visits": (
            "visits_by_label", "visits_by_decile", "VisitsByGroup", "visit_history",
            "VisitHistory",
        ),
        "Selections": (
            "selection_losses", "SelectionLosses", "selection_overlap", "SelectionOverlap",
            "selection_labels", "SelectionLabels",
        ),
        "Groups of people or things": ("group_report", "GroupReport"),
        "Weights": (
            "weight_statistics", "WeightStatistics", "weight_histogram", "WeightHistogram",
            "weight_trajectory", "kl_divergence",
        ),
    },
}  # fmt: skip

_CLASS_PAGE = """\
{name}
{line}

.. currentmodule:: {package}

.. autoclass:: {name}
{members}
{gallery}
"""
_PAGE = """\
{name}
{line}

.. currentmodule:: {package}

.. auto{kind}:: {name}

{gallery}
"""

_DATA_PAGE = """\
{name}
{line}

.. py:data:: {package}.{name}

   {comment}

{gallery}
"""


def names_of(package: str) -> list[str]:
    """Public names of a package; none where it is missing."""
    if find_spec(package) is None:
        return []
    return [name for name in import_module(package).__all__ if not name.startswith("__")]


@cache
def public_objects() -> dict[str, str]:
    """Short name -> full name of all public objects, by the first package that has each."""
    found: dict[str, str] = {}
    for package in PACKAGES:
        for name in names_of(package):
            found.setdefault(name, f"{package}.{name}")
    return found


def kind_of(value: Any) -> str:
    """What autodoc calls it."""
    if inspect.isclass(value):
        return "exception" if issubclass(value, BaseException) else "class"
    return "function" if inspect.isroutine(value) else "data"


def groups_of(package: str) -> dict[str, list[str]]:
    """Titles and names, each object once over all packages."""
    names = [n for n in names_of(package) if public_objects()[n] == f"{package}.{n}"]
    if not names:
        return {}
    groups = {title: list(members) for title, members in GROUPS.get(package, {}).items()}
    listed = {name for members in groups.values() for name in members}
    module = import_module(package)
    for name in (n for n in names if n not in listed):
        value = getattr(module, name)
        kind = "Records" if hasattr(value, "__dataclass_fields__") else {
            "function": "Functions", "data": "Constants",
        }.get(kind_of(value), "Classes")  # fmt: skip
        groups.setdefault(kind, []).append(name)
    return groups


def members_of(cls: type) -> tuple[list[str], list[str]]:
    """Public methods and properties that our modules define, inherited ones included."""
    methods, properties = [], []
    for name in dir(cls):
        owner = next((base for base in cls.__mro__ if name in vars(base)), None)
        is_ours = owner is not None and owner.__module__.startswith("sklearn_sifal")
        # Metadata routing writes the request methods, and scikit-learn's pages describe `score`,
        # of which ours only reads y as `fit` does.
        if name.startswith("_") or not is_ours or re.fullmatch(r"set_\w+_request|score", name):
            continue
        member = inspect.getattr_static(cls, name)
        if inspect.isfunction(member) or isinstance(member, classmethod | staticmethod):
            methods.append(name)
        elif isinstance(member, property):
            properties.append(name)
    return methods, properties


def class_members(cls: type) -> str:
    """Lists of a class's members, then the members."""
    methods, properties = members_of(cls)
    described = {entry.name for entry in ClassDoc(cls)["Attributes"]}  # these are listed already
    listed = {"Properties": [n for n in properties if n not in described], "Methods": methods}
    lines: list[str] = []
    for title, names in listed.items():
        if names:
            lines += [f".. rubric:: {title}", "", ".. autosummary::", "   :nosignatures:", ""]
            lines += [f"   ~{cls.__name__}.{name}" for name in names] + [""]
    lines += [f".. autoproperty:: {cls.__name__}.{name}" for name in properties]
    lines += [f".. automethod:: {cls.__name__}.{name}" for name in methods]
    return "\n".join(f"   {line}".rstrip() for line in ["", *lines])


def comment_of(package: str, name: str) -> str:
    """The comment above a constant, from the module that defines it."""
    for module in [m for m in sys.modules if m.startswith(f"{package}.")]:
        lines = ModuleAnalyzer.for_module(module).find_attr_docs().get(("", name))
        if lines:
            return " ".join(lines).strip()
    raise ValueError(f"{package}.{name} needs a comment that begins with '#:'.")


def object_page(package: str, name: str) -> str:
    """The page of one object."""
    value = getattr(import_module(package), name)
    kind = kind_of(value)
    fields = {"name": name, "line": "=" * len(name), "package": package}
    fields["gallery"] = f".. minigallery:: {package}.{name}\n   :add-heading: In the gallery"
    if kind == "class":
        return _CLASS_PAGE.format(members=class_members(value), **fields)
    if kind == "data":
        return _DATA_PAGE.format(comment=comment_of(package, name), **fields)
    return _PAGE.format(kind=kind, **fields)


def package_page(package: str) -> str:
    """The page of a package: what it is for, and tables of its objects."""
    title = PACKAGES[package]
    lines = [title, "=" * len(title), "", f"``{package}``", "", f".. automodule:: {package}"]
    lines += ["   :no-members:", "", f".. currentmodule:: {package}", ""]
    groups = groups_of(package)
    for group, names in groups.items():
        lines += [group, "-" * len(group), "", ".. autosummary::", "   :nosignatures:", ""]
        lines += [f"   {name}" for name in names] + [""]
    lines += [".. toctree::", "   :hidden:", ""]
    lines += [f"   {package}.{name}" for names in groups.values() for name in names]
    return "\n".join([*lines, ""])


def index_page(packages: list[str]) -> str:
    """The page of all packages."""
    lines = ["API reference", "=============", ""]
    lines += ["Everything that is public, by package. What is not listed here may change.", ""]
    for package in packages:
        doc = (import_module(package).__doc__ or "").splitlines()[0]
        lines += [f":doc:`{PACKAGES[package]} <{package}>`, ``{package}``", f"    {doc}", ""]
    lines += [".. toctree::", "   :hidden:", "", *(f"   {package}" for package in packages)]
    return "\n".join([*lines, ""])


def all_pages() -> dict[str, str]:
    """File name -> text of all pages."""
    packages = [package for package in PACKAGES if groups_of(package)]
    pages = {"index.rst": index_page(packages)}
    for package in packages:
        pages[f"{package}.rst"] = package_page(package)
        for names in groups_of(package).values():
            pages |= {f"{package}.{name}.rst": object_page(package, name) for name in names}
    return pages


def write_pages(app: Sphinx, config: Any) -> None:
    """Write what has changed, and remove the pages of what is gone."""
    folder = Path(app.srcdir) / "api"
    folder.mkdir(exist_ok=True)
    pages = all_pages()
    for path in folder.glob("*.rst"):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def hide_private_fields(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str | None, returns: Any
) -> tuple[str | None, Any]:
    """Leave the private fields of a record out of its signature."""
    shown = re.sub(r"(?<=[(,]) ?_\w+(=[^,()]*)?,?", "", signature or "")
    return re.sub(r",\)$", ")", shown) or None, returns


def setup(app: Sphinx) -> dict[str, Any]:
    """Write the pages before Sphinx looks for files."""
    app.connect("config-inited", write_pages)
    app.connect("autodoc-process-signature", hide_private_fields)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
