"""Nothing below the estimators receives the estimator, under whatever name or type."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import CellType, FrameType, FunctionType, MethodType
from typing import Any
from weakref import ReferenceType, ref

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone

import sklearn_sifal
from sklearn_sifal import LossSampledClassifier, LossSampledRegressor
from sklearn_sifal.strategies import ReducibleLoss

ROOT = Path(sklearn_sifal.__file__).parent
# The estimators themselves, and what they are made of: checks of their own parameters, their
# own state.
ABOVE = {
    ROOT / "_classifier.py",
    ROOT / "_estimator.py",
    ROOT / "_fields.py",
    ROOT / "_parameters.py",
    ROOT / "_regressor.py",
    ROOT / "_saved_states.py",
}

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 5)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)


def reaches(value: Any, estimator: Any, depth: int = 3) -> bool:
    """Whether one can get from a value to the estimator: by itself, a method, a closure."""
    if value is estimator:
        return True
    if depth == 0:
        return False
    parts: list[Any] = []
    if isinstance(value, MethodType):
        parts = [value.__self__]
    elif isinstance(value, FunctionType):
        parts = [cell.cell_contents for cell in value.__closure__ or () if cell != CellType()]
        parts += [*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()]
    elif isinstance(value, partial):
        parts = [value.func, *value.args, *value.keywords.values()]
    elif isinstance(value, dict):
        parts = list(value.values())
    elif isinstance(value, list | tuple | set | frozenset):
        parts = list(value)[:8]
    elif isinstance(value, ReferenceType):
        parts = [value()]
    elif type(value).__module__.startswith("sklearn_sifal.") and hasattr(value, "__dict__"):
        parts = list(vars(value).values())
    return any(reaches(part, estimator, depth - 1) for part in parts)


@contextmanager
def watched(estimator: Any) -> Iterator[set[str]]:
    """Collect the functions below the estimators that are called with a way to `estimator`."""
    found: set[str] = set()
    called = 0

    def look(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal called
        path = Path(frame.f_code.co_filename)
        if event != "call" or ROOT not in path.parents or path in ABOVE:
            return
        called += 1
        code = frame.f_code
        for name in frame.f_locals:  # at the call: the arguments, and what a closure has
            if reaches(frame.f_locals[name], estimator):
                found.add(f"{path.relative_to(ROOT)}: {code.co_qualname}({name})")

    sys.setprofile(look)
    try:
        yield found
    finally:
        sys.setprofile(None)
    assert called > 50


def fit(model: Any) -> None:
    model.fit(X, Y, np.ones(120), irreducible_losses=np.zeros(120), trusted=Y > 0)


def go_on(model: Any) -> None:
    model.fit(X, Y)
    model.set_params(warm_start=True).fit(X, Y)


def validate(model: Any) -> None:
    model.set_params(early_stopping=True).fit(X, Y)
    model.fit(X, Y, X_val=X[:30], y_val=Y[:30])


def stream(model: Any) -> None:
    known = {"classes": [0, 1]} if isinstance(model, LossSampledClassifier) else {}
    model.partial_fit(sp.csr_array(X), Y, **known, sample_ids=np.arange(120))
    model.partial_fit(X, Y, sample_ids=np.arange(60, 180))


def ask(model: Any) -> None:
    model.set_params(record="history").fit(X, Y)
    model.predict(X)
    model.score(X, Y)
    model.instance_losses(X, Y)
    list(model.staged_instance_losses(X, Y))
    assert model.loss_table_ is not None
    assert model.loss_history_ is not None
    assert model.initial_weights_


@pytest.mark.parametrize("use", [fit, go_on, validate, stream, ask])
@pytest.mark.parametrize("make", [LossSampledClassifier, LossSampledRegressor])
def test_no_function_below_receives_the_estimator(make: type, use: Callable[[Any], None]) -> None:
    model = make(ReducibleLoss(), hidden_layer_sizes=(4,), budget=1, random_state=0, verbose=1)
    use(clone(model))  # what is imported on the way is not looked at
    with watched(model) as found:
        use(model)
    assert found == set()


def test_the_watch_sees_ways_to_an_estimator() -> None:
    model = LossSampledClassifier()
    assert reaches(model, model)
    assert reaches(model.fit, model)
    assert reaches([lambda: model], model)
    assert reaches({"a": partial(print, model)}, model)
    assert reaches(lambda it=model: it, model)
    assert reaches({ref(model)}, model)
    assert not reaches([LossSampledClassifier(), type(model), vars(model).copy()], model)


def test_the_watch_sees_all_arguments() -> None:
    model, scope = LossSampledClassifier(), {}
    exec(compile("def take(*given, **named): pass", ROOT / "_targets.py", "exec"), scope)
    with watched(model) as found:
        for _ in range(51):
            scope["take"](1, [model], parameters=model)
    assert found == {"_targets.py: take(given)", "_targets.py: take(named)"}
