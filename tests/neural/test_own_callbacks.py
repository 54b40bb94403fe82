"""Callbacks of the estimators: what they were given is shared, what they collect is not."""

import json
import threading
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from sklearn.base import clone
from skorch.callbacks import Callback, Checkpoint, EarlyStopping, EpochTimer, LRScheduler

from sklearn_sifal import LossSampledClassifier, LossSampledRegressor
from sklearn_sifal.comparison import compare_strategies
from sklearn_sifal.neural._own_callbacks import own_callbacks
from sklearn_sifal.strategies import Importance, ReducibleLoss

N = 80
X = np.random.default_rng(0).normal(size=(N, 5)).astype(np.float32)
Y = np.arange(N) % 3


class Told(Callback):
    """Appends to a list that it is given, and counts for itself."""

    def __init__(self, losses: list[float]) -> None:
        self.losses = losses
        self.rounds: list[int] = []
        self.lock = threading.Lock()

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        with self.lock:
            self.losses.append(net.history[-1, "train_loss"])
            self.rounds.append(len(net.history))


class Stop(Exception):
    """As optuna.TrialPruned."""


class Trial:
    def __init__(self) -> None:
        self.reported: list[float] = []
        self.lock = threading.Lock()

    def report(self, value: float) -> bool:
        self.reported.append(value)
        return len(self.reported) > 2


class Pruner(Callback):
    """Keeps its arguments under other names, as optuna_integration's does."""

    def __init__(self, trial: Trial, monitor: str) -> None:
        self._trial, self._monitor = trial, monitor

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        if self._trial.report(net.history[-1, self._monitor]):
            raise Stop


def small(kind: Any = LossSampledClassifier, **parameters: Any) -> Any:
    defaults = {"sampling_strategy": "base", "hidden_layer_sizes": 4, "budget": 4, "lr": 0.01}
    defaults["batch_size"] = 16
    return kind(**{**defaults, "random_state": 0, **parameters})


@pytest.mark.parametrize("kind", [LossSampledClassifier, LossSampledRegressor])
@pytest.mark.parametrize("named", [False, True])
def test_a_list_that_was_given_is_appended_to(kind: Any, named: bool) -> None:
    losses: list[float] = []
    told = Told(losses)
    y = Y if kind is LossSampledClassifier else Y.astype(float)
    model = small(kind, callbacks=[("told", told) if named else told]).fit(X, y)
    assert losses == model.net_.history[:, "train_loss"]
    assert told.rounds == []
    assert model.net_.callbacks_[0][1].rounds == [1, 2, 3, 4]
    model.fit(X, y)
    assert len(losses) == 8
    assert model.net_.callbacks_[0][1].rounds == [1, 2, 3, 4]
    model.set_params(warm_start=True).fit(X, y)
    assert len(losses) == 12
    model.partial_fit(X, y)
    assert len(losses) == 13


def test_a_trial_is_told_and_prunes() -> None:
    trial = Trial()
    model = small(callbacks=[Pruner(trial, "train_loss")])
    with pytest.raises(Stop):
        model.fit(X, Y)
    assert len(trial.reported) == 3
    assert not hasattr(model, "net_")


def test_an_open_file_is_written_to(tmp_path: Any) -> None:
    class Writer(Callback):
        def __init__(self, file: Any) -> None:
            self.file = file

        def __getstate__(self) -> dict[str, Any]:  # so that it can be pickled
            return {name: value for name, value in vars(self).items() if name != "file"}

        def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
            self.file.write(f"{len(net.history)}\n")

    with open(tmp_path / "log.txt", "w", encoding="utf-8") as file:
        small(callbacks=[Writer(file)]).fit(X, Y)
    assert (tmp_path / "log.txt").read_text().split() == ["1", "2", "3", "4"]


def test_classes_and_objects_without_class_attributes() -> None:
    class Answers:
        def initialize(self) -> None: ...

        def set_params(self, **parameters: Any) -> None: ...

        def __getattr__(self, name: str) -> Any:
            if not name.startswith("on_"):
                raise AttributeError(name)
            return lambda *args, **kwargs: None

    mock = Mock(spec=Callback)
    given = [EpochTimer, ("stop", EarlyStopping), ("mock", mock), Answers()]
    model = small(callbacks=given, early_stopping=True).fit(X, Y)
    assert mock.on_epoch_end.call_count == len(model.history_)
    assert [name for name, _ in model.net_.callbacks_] == ["EpochTimer", "stop", "mock", "Answers"]


def test_any_arguments_stay() -> None:
    given = LRScheduler("StepLR", step_size=3, gamma=0.5)
    (own,) = own_callbacks([given])
    assert own is not given
    assert own.kwargs == given.kwargs == {"step_size": 3, "gamma": 0.5}
    assert own_callbacks(None) is None


def test_out_of_fold_models_are_nobodys_business() -> None:
    losses: list[float] = []
    model = small(sampling_strategy=ReducibleLoss(), callbacks=[Told(losses)]).fit(X, Y)
    assert len(losses) == len(model.history_)


def test_comparisons_share_too() -> None:
    losses: list[float] = []
    told = Told(losses)
    compare_strategies(
        small(callbacks=[told]), ["importance"], X, Y, X, Y, n_seeds=2, n_jobs=1, budget=2
    )
    assert len(losses) >= 3 * 2
    assert told.rounds == []


def test_cloning_is_scikit_learns() -> None:
    with pytest.raises(TypeError, match="cannot pickle"):
        clone(small(callbacks=[Told([])]))


class TestCheckpoint:
    @pytest.mark.parametrize("monitor", ["valid_loss_best", "valid_acc_best", "train_loss_best"])
    def test_early_stopping(self, monitor: str, tmp_path: Any) -> None:
        files = Checkpoint(monitor=monitor, dirname=tmp_path)
        model = small(callbacks=[files], early_stopping=True, budget=9, lr=0.3).fit(X, Y)
        name = monitor.removesuffix("_best")
        sign = 1 if name == "valid_acc" else -1
        figures = [sign * record[name] for record in model.history_]
        expected = [i == 0 or f > max(figures[:i]) for i, f in enumerate(figures)]
        assert model.net_.history[:, monitor] == expected
        assert not all(expected)  # else the test would say little
        saved = json.loads((tmp_path / "history.json").read_text(), parse_constant=pytest.fail)
        assert len(saved) == 1 + max(np.flatnonzero(expected))

    def test_rounds_without_a_check_bring_nothing_new(self, tmp_path: Any) -> None:
        strategy = Importance(20, warmup_epochs=0, refresh="epoch")
        model = small(
            LossSampledRegressor,
            sampling_strategy=strategy,
            callbacks=[Checkpoint(monitor="valid_r2_best", dirname=tmp_path)],
        ).fit(X, Y.astype(float), X_val=X, y_val=Y.astype(float))
        new = [i for i, record in enumerate(model.history_) if "valid_r2" in record]
        assert 0 < len(new) < len(model.history_)
        best = model.net_.history[:, "valid_r2_best"]
        assert best[new[0]]
        assert not any(is_best for i, is_best in enumerate(best) if i not in new)

    def test_without_validation(self, tmp_path: Any) -> None:
        model = small(callbacks=[Checkpoint(dirname=tmp_path)])
        with pytest.raises(Exception, match="Make sure you have validation data"):
            model.fit(X, Y)

    def test_partial_fit_goes_on_with_the_best(self) -> None:
        model = small(callbacks=[], lr=1.0)
        for _ in range(6):
            model.partial_fit(X, Y, classes=[0, 1, 2])
        losses = model.net_.history[:, "train_loss"]
        expected = [i == 0 or loss < min(losses[:i]) for i, loss in enumerate(losses)]
        assert model.net_.history[:, "train_loss_best"] == expected
