"""The strategies' table: what it runs, resumes, chooses and concludes."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from sklearn_sifal import LossSampledClassifier

# The benchmarks are no part of the installed package.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
cells = importlib.import_module("benchmarks._cells")
datasets = importlib.import_module("benchmarks._datasets")
planning = importlib.import_module("benchmarks._plan")
strategies = importlib.import_module("benchmarks.strategies")
tables = importlib.import_module("benchmarks._tables")

GROUP = planning.Group("digits", 0.0, "base", 2.0)
PLACE = ("digits", 0.0)
N_TRIED = 5 * 3  # fits that choose a rate: rates times validation splits


def record(cell, score=0.5, status="ok", **fields):
    """What `run_cell` would have returned."""
    sizes = {"n_train": 1257, "n_scored": 540}
    scores = {"accuracy": score, "rate_score": score, **sizes}
    measured = scores if status == "ok" else {"error": "no"}
    settings = cells.settings_of(cell.strategy)
    return {
        "protocol": cells.PROTOCOL,
        **vars(cell),
        "settings": settings,
        "status": status,
        **measured,
        **fields,
    }


def records_of(*groups_and_scores, noise=0.0, budget=2.0):
    """Records of strategies with (name, best rate, accuracies there, at the shared rate)."""
    found = {}
    for name, rate, at_best, at_shared in groups_and_scores:
        group = planning.Group("digits", noise, name, budget)
        for cell in group.rate_cells():
            found[cell] = record(cell, 0.9 if cell.lr == rate else 0.1)
        for lr, scores in ((group.shared_rate, at_shared), (rate, at_best)):
            for cell, score in zip(group.test_cells(lr, range(9)), scores, strict=False):
                found[cell] = record(cell, score)
    return found


def test_shared_rates_are_among_the_five():
    for data_set in datasets.DATA_SETS.values():
        assert datasets.SHARED_RATE[data_set.kind] in data_set.rates
        assert len(data_set.rates) == 5


def test_every_registered_strategy_is_in_the_table():
    assert set(cells.STRATEGIES) <= set(cells.strategy_labels())
    assert cells.strategy_labels()[:3] == ("base", "guarded_importance", "random")
    for label in cells.strategy_labels():
        assert "(" in cells.settings_of(label)


def test_repeats_of_a_query_are_held_out_together():
    # Ten distinct inputs, the first of them drawn five times.
    rows = np.array([0, 0, *range(10), 0, 0])
    labels = rows % 2
    train, held_out = datasets._hold_out(rows, labels, 0)
    assert not np.isin(rows[train], rows[held_out]).any()
    assert len(np.unique(rows[held_out])) == len(held_out) == 2  # a fifth of the ten
    assert set(rows[train]) | set(rows[held_out]) == set(range(10))


def test_validation_rows_are_rows_of_the_training_part():
    part, whole = datasets.load_part("digits", "validation"), datasets.load_part("digits", "test")
    np.testing.assert_array_equal(part.X_train, whole.X_train[part.train])
    np.testing.assert_array_equal(part.X_scored, whole.X_train[part.held_out])
    assert len(part.train) + len(part.held_out) == len(whole.train) == len(part.labels)


def test_a_probability_of_zero_does_not_make_the_likelihood_infinite():
    probabilities = np.array([[1.0, 0.0], [0.5, 0.5]])
    expected = -(np.log(1e-7) + np.log(0.5)) / 2
    nll = cells.negative_log_likelihood(probabilities, np.array([1, 0]))
    assert nll == pytest.approx(expected)


def test_a_cell_is_measured():
    found = cells.run_cell(cells.Cell("digits", 0.2, "importance", 2.0, 0.02, 1, "test"))
    assert found["status"] == "ok"
    assert found["visits"] == 2 * found["n_train"]
    assert found["scored"] == found["n_train"]  # once, after the warm-up
    assert found["accuracy"] > 0.7
    assert found["wrong_auroc"] > 0.6  # wrong labels have large losses and are visited more
    assert json.loads(json.dumps(found)) == found


def test_errors_are_written_down(monkeypatch):
    def fail(*_):
        raise cells.NonFiniteLossError("the loss of row 3 is inf", 3)

    cell = cells.Cell("digits", 0.0, "base", 1.5, 0.02, 0, "test")
    monkeypatch.setattr(LossSampledClassifier, "fit", fail)
    assert cells.run_cell(cell)["status"] == "diverged"
    monkeypatch.setattr(LossSampledClassifier, "fit", None)
    failed = cells.run_cell(cell)
    assert failed["status"] == "failed"
    assert failed["error"].startswith("TypeError")


def test_a_line_cut_off_is_skipped_and_the_next_one_is_whole(tmp_path):
    path = tmp_path / "results.jsonl"
    first, second = GROUP.test_cells(0.003, range(2))
    cells.append_record(path, record(first))
    with path.open("a") as file:
        file.write('{"protocol": 1, "data')
    cells.append_record(path, record(second))
    assert list(cells.load_records(path)[0]) == [first, second]


def test_results_out_of_date_are_left_out(tmp_path):
    path = tmp_path / "results.jsonl"
    one, two, three = GROUP.test_cells(0.003, range(3))
    cells.append_record(path, record(one, protocol=cells.PROTOCOL - 1))
    cells.append_record(path, {**record(two), "settings": "Base(warmup_epochs=7)"})
    cells.append_record(path, record(three))
    assert cells.load_records(path) == ({three: record(three)}, 2)


def test_best_rate():
    scores = {0.003: 0.5, 0.01: 0.9, 0.02: 0.9, 0.04: 0.7, 0.08: 0.8}  # 0.003 is shared
    found = {c: record(c, scores[c.lr]) for c in GROUP.rate_cells()}
    assert planning.best_rate(found, GROUP) == 0.01  # of equal ones the nearest to 0.003
    last = GROUP.rate_cells()[-1]  # the last split of 0.08
    found[last] = record(last, 1.2)  # the mean of three splits: 0.933
    assert planning.best_rate(found, GROUP) == 0.08
    assert planning.is_edge(GROUP, 0.08)
    found[last] = record(last, status="diverged")
    assert planning.best_rate(found, GROUP) == 0.01
    found[last] = record(last, status="failed")
    assert planning.best_rate(found, GROUP) is None
    del found[last]
    assert planning.best_rate(found, GROUP) is None


def test_a_rate_is_chosen_on_splits_of_their_own():
    assert [c.seed for c in GROUP.rate_cells()] == list(range(3)) * 5
    assert all(c.phase == "validation" for c in GROUP.rate_cells())
    first, second = (datasets.load_part("digits", "validation", split) for split in (0, 1))
    assert len(first.held_out) == len(second.held_out)
    assert len(np.intersect1d(first.held_out, second.held_out)) < len(first.held_out) / 2


def test_diverged_at_all_rates():
    found = {c: record(c) for c in GROUP.rate_cells()}
    assert not tables.Table(found).diverged_at_all_rates(GROUP)
    found |= {c: record(c, status="diverged") for c in GROUP.rate_cells() if c.seed == 2}
    assert tables.Table(found).diverged_at_all_rates(GROUP)


def test_plan_starts_with_the_most_informative():
    groups = planning.plan(["base", "random"], ["digits"], [0.0], [1.5, 2.0, 8.0])
    order = [("base", 2.0), ("random", 2.0), ("base", 1.5), ("base", 8.0)]
    assert [(g.strategy, g.budget) for g in groups][:4] == order
    assert len(groups) == 6


def test_queue_runs_each_fit_once_and_tests_the_best_rate():
    queue = planning.Queue([GROUP], range(2), {})
    first = [queue.next_cell() for _ in range(N_TRIED + 2)]
    # All rates and, as these need no rates, the tests at the shared one.
    assert [c.phase for c in first] == ["validation"] * N_TRIED + ["test"] * 2
    assert queue.next_cell() is None
    for cell in first:
        queue.add(record(cell, cell.lr))  # the larger the better
    last = [queue.next_cell() for _ in range(3)]
    assert [(c.lr, c.seed) for c in last[:2]] == [(0.08, 0), (0.08, 1)]
    assert last[2] is None


def test_queue_does_not_repeat_the_shared_rate():
    queue = planning.Queue([GROUP], range(2), {})
    ran = []
    while (cell := queue.next_cell()) is not None:
        queue.add(record(cell, -cell.lr))  # the smaller the better
        ran.append(cell)
    assert len(ran) == N_TRIED + 2
    assert planning.count_cells([GROUP], range(2), queue.records) == (len(ran), len(ran))


def test_paired_difference():
    # Gains 1, 2, 3: mean 2, standard error 1 / sqrt(3), t(0.975, 2 degrees) = 4.3027.
    found = tables.paired_difference({0: 2, 1: 4, 2: 6, 3: 9}, {0: 1, 1: 2, 2: 3})
    assert found == pytest.approx((2.0, 4.302653 / np.sqrt(3), 3))
    assert found.sign == 0
    assert tables.paired_difference({0: 2}, {0: 1}) is None


BASE = ("base", 0.02, [0.80, 0.81, 0.82], [0.70, 0.71, 0.72])
WIDE = [0.70, 0.81, 0.92]
LOW, SAME, HIGH = [0.60, 0.61, 0.62], [0.802, 0.809, 0.82], [0.90, 0.91, 0.92]


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ((HIGH, HIGH), "better than base"),
        ((SAME, SAME), "as base; random does as well; a larger learning rate does as well"),
        ((BASE[2], LOW), "identical to base; random does as well"),
        ((WIDE, LOW), "unclear against base; random does as well"),
        ((SAME, LOW), "as base; random does as well"),
        ((LOW, LOW), "worse than base; random does better"),
    ],
)
def test_verdicts(scores, expected):
    found = records_of(BASE, ("random", *BASE[1:]), ("importance", 0.02, *scores))
    table = tables.Table(found)
    assert tables.verdict("importance", tables.signs(table, PLACE, "importance")) == expected
    assert tables.verdict("base", tables.signs(table, PLACE, "base")) == "the yardstick"


@pytest.mark.parametrize(
    ("clean", "expected"),
    [(SAME, "harmful under label noise"), ([0.1, 0.11, 0.12], "worse than base")],
)
def test_harm_is_laid_to_noise_only_where_it_is_less_without(clean, expected):
    found = records_of(BASE, ("percentage", 0.02, clean, clean))
    found |= records_of(BASE, ("percentage", 0.02, LOW, LOW), noise=0.2)
    table = tables.Table(found)
    signs = [tables.signs(table, ("digits", noise), "percentage") for noise in (0.2, 0.0)]
    assert tables.verdict("percentage", *signs) == expected


def test_report_leaves_blank_what_was_not_run():
    found = records_of(BASE, ("random", 0.08, HIGH, SAME), ("importance", 0.02, [], [0.7]))
    cell = planning.Group(*PLACE, "percentage", 2.0).rate_cells()[0]
    found[cell] = record(cell, status="failed", error="ValueError: no luck")
    text = tables.report(found)
    assert r"| random | 91.00 (**+10.00 ± 0.00**) \* |" in text
    assert "| importance |  |" in text  # at its best rate, where no fit was made
    assert "| importance | 70.00, 1 of 3 seeds |" in text
    assert "- percentage on digits, 1 of its fits: ValueError: no luck" in text


def test_a_test_that_diverged_is_no_number():
    found = records_of(BASE, ("random", 0.02, SAME, SAME))
    cell = planning.Group(*PLACE, "random", 2.0).test_cells(0.02, range(3))[2]
    found[cell] = record(cell, status="diverged")
    assert "| random | diverged (1 of 3) |" in tables.report(found)
    signs = tables.signs(tables.Table(found), PLACE, "random")
    assert tables.verdict("random", signs) == "training diverged"


def test_run_resume_and_forget(tmp_path, capsys, monkeypatch):
    fitted = []

    def run(cell):
        fitted.append(cell)
        return record(cell)

    monkeypatch.setattr(strategies, "run_cell", run)
    part = ["--datasets", "digits", "--strategies", "base", "--seeds", "2", "--noise", "0"]
    out = ["--out", str(tmp_path / "results.jsonl")]
    strategies.main([*part, *out, "--budgets", "2"])
    once = N_TRIED + 2  # all rates are equal, so the shared one is the best
    assert len(fitted) == once
    strategies.main([*part, *out, "--budgets", "2", "4"])
    assert len(fitted) == 2 * once
    strategies.main([*part, *out, "--budgets", "8", "--time-limit", "0"])
    strategies.main([*out, "--report"])
    assert len(fitted) == 2 * once
    strategies.main([*part, *out, "--budgets", "4", "--forget"])
    assert len(fitted) == 3 * once
    assert "| strategy | 2 | 4 |" in capsys.readouterr().out
    assert (tmp_path / "report.md").exists()


def test_absent_data_are_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("SIFAL_DATA", str(tmp_path))
    assert strategies.loadable(["mnist", "banking77", "digits"]) == ["digits"]
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in lines] == ["Skipped mnist", "Skipped banking77"]


@pytest.mark.parametrize(
    "arguments", [["--strategies", "nope"], ["--noise", "1.5"], ["--jobs", "0"]]
)
def test_bad_arguments(arguments, capsys):
    with pytest.raises(SystemExit):
        strategies.main(arguments)
    assert "error" in capsys.readouterr().err
