"""The layers of the package: who may import whom, and what an import brings with it.

Read from the sources (`ast`), so that an import inside a function counts as well.
"""

import ast
import re
import subprocess
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest

import sklearn_sifal

ROOT = Path(sklearn_sifal.__file__).parent
NAME = "sklearn_sifal"

# From the bottom up. A module imports from its own part and from parts in lower layers;
# parts of one layer do not know each other. A new part is entered here, with its reason.
LAYERS: tuple[tuple[str, ...], ...] = (
    # The package's own errors, which every other part may raise.
    ("_exceptions",),
    # What every class that can be saved is made of.
    ("_saved_states",),
    # What a visit adds to.
    ("_dynamics",),
    # Small modules of numpy and the standard library, each with one job.
    (
        "_descriptions",
        "_parameters",
        "_seeding",
        "_loss_table",
        "_plain_arrays",
        "_processes",
        "_row_weights",
        "_progress",
        "_target_scale",
        "_text_table",
        "_whole_files",
    ),
    # What a label and an identifier is, of what `_plain_arrays` makes of any container; and a
    # loss table as its user sees it.
    ("_labels", "_published_table"),
    # Inputs that scikit-learn would let pass, or read otherwise.
    ("_inputs",),
    # These go by the checks of `_parameters`. `_devices` and `_regression_loss` have torch.
    ("_devices", "_fields", "_training_data", "_weights_files", "_regression_loss"),
    # What a training is told: its parameters, and what its targets are.
    ("_settings", "_targets"),
    # Numpy only: work without torch and without each other.
    ("preprocessing", "strategies", "datasets", "inspection", "_out_of_fold"),
    # Torch, without skorch; then loops of users', and pictures of what `inspection` computes.
    ("batches",),
    ("samplers", "plotting"),
    # Torch and skorch.
    ("neural",),
    # What the estimators share; then the estimators.
    ("_estimator",),
    ("_classifier", "_regressor"),
    # What uses estimators.
    ("comparison",),
    ("cli",),
    # `python -m sklearn_sifal` is the command.
    ("__main__",),
)
LAYER_OF = {part: number for number, layer in enumerate(LAYERS) for part in layer}

ESTIMATOR_PARTS = {
    "_estimator",
    "_classifier",
    "_regressor",
    "batches",
    "neural",
    "samplers",
    "preprocessing",
}
WITHOUT_TORCH = {
    "strategies",
    "_dynamics",
    "_loss_table",
    "preprocessing",
    "datasets",
    "inspection",
    "plotting",
}


class Import(NamedTuple):
    """One import statement's target."""

    module: str
    line: int
    at_import_time: bool


def module_name(path: Path) -> str:
    parts = [NAME, *path.relative_to(ROOT).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = {module_name(path): path for path in sorted(ROOT.rglob("*.py"))}
PACKAGES = [name for name, path in PATHS.items() if path.name == "__init__.py"]


def part_of(module: str) -> str:
    """The second name of a module: the part of the package that it belongs to."""
    return module.split(".")[1] if "." in module else ""


class _Collector(ast.NodeVisitor):
    def __init__(self) -> None:
        self.imports: list[Import] = []
        self.depth = 0  # of functions and of blocks for the type checker

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.depth += 1
        self.generic_visit(node)
        self.depth -= 1

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_If(self, node: ast.If) -> None:
        for_types_only = ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        self.depth += for_types_only
        for child in node.body:
            self.visit(child)
        self.depth -= for_types_only
        for child in node.orelse:
            self.visit(child)

    def visit_Import(self, node: ast.Import) -> None:
        self.imports += [Import(alias.name, node.lineno, self.depth == 0) for alias in node.names]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        # Ruff's TID252 sees to it that there are no relative imports.
        assert node.level == 0, f"relative import in line {node.lineno}"
        for alias in node.names:
            whole = f"{node.module}.{alias.name}"
            target = whole if whole in PATHS else str(node.module)
            self.imports.append(Import(target, node.lineno, self.depth == 0))


@cache
def imports_of(module: str) -> tuple[Import, ...]:
    collector = _Collector()
    collector.visit(ast.parse(PATHS[module].read_text(encoding="utf-8")))
    return tuple(collector.imports)


def inside(module: str) -> list[Import]:
    """Imports from this package."""
    return [i for i in imports_of(module) if i.module.split(".")[0] == NAME]


def names(modules: set[str], *libraries: str) -> list[str]:
    """Which of some libraries are among imported modules."""
    return sorted(m for m in modules if m.split(".")[0] in libraries)


@cache
def loaded_with(module: str) -> frozenset[str]:
    """Everything that importing a module loads, as far as the package's sources say."""
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in PATHS:
            parents = [name.rsplit(".", n)[0] for n in range(1, name.count(".") + 1)]
            waiting += parents + [i.module for i in imports_of(name) if i.at_import_time]
    return frozenset(seen)


def test_every_part_has_a_layer() -> None:
    parts = {part_of(module) for module in PATHS} - {""}
    assert parts <= set(LAYER_OF), "enter new parts of the package in LAYERS"


def test_no_grab_bag() -> None:
    banned = (
        "util",
        "utils",
        "_util",
        "_utils",
        "helpers",
        "_helpers",
        "common",
        "_common",
        "misc",
    )
    assert [m for m in PATHS if m.split(".")[-1] in banned] == []


@pytest.mark.parametrize("module", PATHS)
def test_imports_come_from_the_defining_module(module: str) -> None:
    wrong = [
        f"line {line}: imports {target}, name the module that defines it"
        for target, line, _ in inside(module)
        if target in PACKAGES
    ]
    if module in PACKAGES:
        wrong += [
            f"line {line}: the __init__ of a package imports {target}, which is not in it"
            for target, line, _ in inside(module)
            if not target.startswith(f"{module}.")
        ]
    assert wrong == []


@pytest.mark.parametrize("module", [m for m in PATHS if m != NAME])
def test_imports_go_down(module: str) -> None:
    part = part_of(module)
    wrong = [
        f"line {line}: {part} is not above {part_of(target)}"
        for target, line, _ in inside(module)
        if part_of(target) != part and LAYER_OF[part] <= LAYER_OF.get(part_of(target), 99)
    ]
    assert wrong == []


def test_the_map_for_contributors_has_every_part_above_what_it_imports() -> None:
    page = ROOT.parent / "CONTRIBUTING.md"
    if not page.exists():
        pytest.skip("no sources beside the package")
    rows = re.findall(r"^\| (`.*?`) \|", page.read_text("utf-8"), re.MULTILINE)
    parts = re.findall(r"`(\w+)(?:\.py|/)`", ", ".join(rows))
    assert sorted(parts) == sorted(LAYER_OF)
    place = {part: number for number, part in enumerate(parts)}
    wrong = [
        f"{module} imports {target}"
        for module in PATHS
        for target, _, _ in inside(module)
        if part_of(module) and place.get(part_of(target), len(parts)) < place[part_of(module)]
    ]
    assert wrong == []


def test_no_cycles() -> None:
    # Kahn's order: take away what imports nothing that is left, until nothing is left.
    left = {module: {i.module for i in inside(module)} - {module} for module in PATHS}
    left = {module: targets & set(PATHS) for module, targets in left.items()}
    while free := [module for module, targets in left.items() if not targets & set(left)]:
        for module in free:
            del left[module]
    assert not left, f"these modules import each other in a circle: {sorted(left)}"


@pytest.mark.parametrize(
    "module", [m for m in PATHS if part_of(m) in ("inspection", "plotting")] or [None]
)
def test_numbers_and_pictures_need_no_estimator(module: str | None) -> None:
    if module is None:
        pytest.skip("no inspection or plotting yet")
    assert [i for i in inside(module) if part_of(i.module) in ESTIMATOR_PARTS] == []


@pytest.mark.parametrize("module", PATHS)
def test_torch_and_skorch_stay_where_they_belong(module: str) -> None:
    imported = {i.module for i in imports_of(module)}
    if part_of(module) in WITHOUT_TORCH:
        assert names(imported, "torch", "skorch") == []
    if part_of(module) != "neural":
        assert names(imported, "skorch") == []


@pytest.mark.parametrize("module", PATHS)
def test_heavy_and_optional_libraries_are_imported_late(module: str) -> None:
    imported = {i.module for i in imports_of(module) if i.at_import_time}
    heavy = ("matplotlib", "tqdm", "pooch", "PIL", "safetensors", "skops", "pandas")
    assert names(imported, *heavy) == []


def run(code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def import_each(modules: list[str], banned: tuple[str, ...]) -> str:
    """Code that imports each module as if it were the first, in one process."""
    return f"""
import sys
from importlib import import_module

failed = []
for module in {modules!r}:
    for name in [n for n in sys.modules if n.split(".")[0] == {NAME!r}]:
        del sys.modules[name]
    try:
        import_module(module)
    except ImportError as error:
        failed.append(f"{{module}}: {{error}}")
    brought = {set(banned)!r} & set(sys.modules)
    assert not brought, f"{{module}} imports {{brought}}"
assert not failed, failed
"""


def test_every_module_imports_alone() -> None:
    with_torch = [m for m in PATHS if names(set(loaded_with(m)), "torch", "skorch")]
    without = [m for m in PATHS if m not in with_torch and not m.endswith("__main__")]
    assert {part_of(m) for m in with_torch} <= {
        "_devices",
        "_processes",
        "_regression_loss",
        "batches",
        "neural",
        "samplers",
    }
    run(import_each(without, ("torch", "skorch", "matplotlib")))
    if with_torch:
        run(import_each(with_torch, ("matplotlib",)))


@pytest.mark.parametrize(
    "estimator", ["LossSampledClassifier", "LossSampledRegressor", "RegexPreprocessor"]
)
def test_an_estimator_is_made_cloned_and_printed_without_torch(estimator: str) -> None:
    run(f"""
import sys
import sklearn_sifal
from sklearn.base import clone

estimator = clone(sklearn_sifal.{estimator}())
estimator.set_params(**estimator.get_params())
assert {estimator!r} in repr(estimator)
assert {estimator!r} in estimator._repr_html_()
brought = {{"torch", "skorch", "matplotlib"}} & set(sys.modules)
assert not brought, brought
""")


def test_importing_the_package_brings_nothing_heavy() -> None:
    run(
        "import sys, sklearn_sifal\n"
        "assert not {'torch', 'skorch', 'sklearn', 'numpy', 'scipy'} & set(sys.modules)"
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_public_names_are_complete(package: str) -> None:
    module = import_module(package)
    public = module.__all__
    assert len(set(public)) == len(public)
    for name in public:
        assert getattr(module, name) is not None
    tree = ast.parse(PATHS[package].read_text(encoding="utf-8"))
    imported = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == NAME
        for alias in node.names
    }
    assert {name for name in imported if not name.startswith("_")} <= set(public)


def test_late_names_of_the_package() -> None:
    assert set(sklearn_sifal._DEFINED_IN) | {"__version__"} == set(sklearn_sifal.__all__)
    listed = [*sklearn_sifal.__all__, *sklearn_sifal._SUBMODULES]
    assert dir(sklearn_sifal) == sorted(listed)
    for name in sklearn_sifal._SUBMODULES:
        assert getattr(sklearn_sifal, name).__name__ == f"sklearn_sifal.{name}"
    for name, module in sklearn_sifal._DEFINED_IN.items():
        assert module in PATHS
        assert module not in PACKAGES
        value = getattr(sklearn_sifal, name)
        assert value.__name__ == name
        assert value.__module__ == module
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = sklearn_sifal.Nothing


# What stands for a type that numpy, or a library without types, leaves open anyway.
PLAIN_ANY = {"NDArray[Any]", "np.dtype[Any]", "dict[str, Any]"}


@pytest.mark.parametrize(
    "module", [name for name in PATHS if part_of(name) in ("neural", "batches")]
)
def test_any_says_why(module: str) -> None:
    source = PATHS[module].read_text(encoding="utf-8")
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    plain = {
        id(part)
        for node in nodes
        if isinstance(node, ast.Subscript) and ast.unparse(node) in PLAIN_ANY
        for part in ast.walk(node)
    }
    uses = [
        node.lineno
        for node in nodes
        if isinstance(node, ast.Name) and node.id == "Any" and id(node) not in plain
    ]
    begins = [node.lineno for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    top = source.splitlines()[: min(begins, default=1)]
    reasons = [line for line in top if line.startswith("# Any: ")]
    wanted = 1 if uses else 0
    assert len(reasons) == wanted, f"Any in lines {uses}: say why in one line '# Any: ...'"
