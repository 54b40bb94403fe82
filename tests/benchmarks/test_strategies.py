"""The strategies' table: what it runs, resumes, chooses and concludes."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal.comparison import paired_difference

# The benchmarks are no part of the installed package.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
cells = importlib.import_module("benchmarks._cells")
datasets = importlib.import_module("benchmarks._datasets")
judging = importlib.import_module("benchmarks._judging")
planning = importlib.import_module("benchmarks._plan")
rows_module = importlib.import_module("benchmarks._test_rows")
strategies = importlib.import_module("benchmarks.strategies")
tables = importlib.import_module("benchmarks._tables")

GROUP = planning.Group("digits", 0.0, "base", 2.0)
PLACE = judging.Place("digits", 0.0, 2.0)
N_TRIED = 5 * 3  # fits that choose a rate: rates times validation splits
N_TEST = 100
NAMES = ("base", "random", "importance")


@pytest.fixture
def kept(tmp_path):
    return rows_module.TestRows(tmp_path / "rows")


def record(cell, score=0.5, status="ok", **fields):
    """What `run_cell` would have returned."""
    costs = dict.fromkeys(("visits", "scored", "steps", "rounds", "seconds"), 1.0)
    costs |= dict.fromkeys(("seconds_select", "seconds_score", "seconds_train"), 0.1)
    scores = {"accuracy": score, "rate_score": score, "n_train": 1257, "n_scored": 540, **costs}
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


def part_of(n_rows):
    """A test part whose labels are all 1."""
    numbers = np.arange(n_rows)
    return datasets.Part(None, None, None, None, None, np.ones(n_rows, int), numbers, numbers)


def keep_rows(kept, cell, n_right):
    """What a fit says if it is right on the first rows and wrong on the others."""
    right = np.arange(N_TEST) < n_right
    kept.keep(cell, 0, part_of(N_TEST), right.astype(int), np.where(right, 0.1, 2.0))


def records_of(kept, dataset="digits", noise=0.0, budget=2.0, **n_right):
    """Records of strategies, and numbers of right rows in each training, at a rate of 0.02."""
    found = {}
    for name, counts in n_right.items():
        group = planning.Group(dataset, noise, name, budget)
        for seed, count in enumerate(counts):
            for cell in group.rate_cells(seed):
                found[cell] = record(cell, 0.9 if cell.lr == 0.02 else 0.1)
            test = group.test_cell(found, seed)
            found[test] = record(test, count / N_TEST)
            keep_rows(kept, test, count)
    return found


def test_five_rates_in_order():
    for data_set in datasets.DATA_SETS.values():
        assert len(data_set.rates) == 5
        assert list(data_set.rates) == sorted(data_set.rates)


def test_every_registered_strategy_can_be_in_the_table():
    assert set(cells.STRATEGIES) <= set(cells.strategy_labels())
    assert cells.strategy_labels()[:6] == cells.STRATEGIES_OF_TABLE
    for label in cells.strategy_labels():
        assert "(" in cells.settings_of(label)


# ---------------------------------------------------------------------- data sets


def test_equal_rows_are_held_out_together():
    # Ten distinct rows, the first of them five times.
    groups = np.array([0, 0, *range(10), 0, 0])
    labels = groups % 2
    train, held_out = datasets._hold_out(groups, labels, 0)
    assert not np.isin(groups[train], groups[held_out]).any()
    assert len(np.unique(groups[held_out])) == len(held_out) == 2  # a fifth of the ten
    assert set(groups[train]) | set(groups[held_out]) == set(range(10))


def test_validation_rows_are_rows_of_the_training_part():
    part, whole = datasets.load_part("digits", "validation"), datasets.load_part("digits", "test")
    np.testing.assert_array_equal(part.X_train, whole.X_train[part.train])
    np.testing.assert_array_equal(part.X_scored, whole.X_train[part.held_out])
    assert len(part.train) + len(part.held_out) == len(whole.train) == len(part.labels)


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    """A file as letter.csv, of 60 rows of which every fifth repeats the one before."""
    (tmp_path / "zoo").mkdir()
    values = [row - (row % 5 == 4) for row in range(60)]
    lines = [f"{v % 7 + v / 100},{v % 3},{'ab'[v % 2]}" for v in values]
    (tmp_path / "zoo" / "letter.csv").write_text("\n".join(["x,z,label", *lines]) + "\n")
    monkeypatch.setenv("SIFAL_DATA", str(tmp_path))
    datasets.load_part.cache_clear()
    yield
    datasets.load_part.cache_clear()


@pytest.mark.usefixtures("zoo")
def test_folds_test_each_row_once_and_keep_equal_rows_together():
    parts = [datasets.load_part("letter", "test", seed) for seed in range(5)]
    assert sorted(np.concatenate([part.test_rows for part in parts])) == list(range(60))
    groups = [set(part.test_groups) for part in parts]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 48  # 12 of 60 are repeats
    for part in parts:
        assert len(part.train) + len(part.test_rows) == 60
        # Standardised by the training rows alone.
        np.testing.assert_allclose(np.asarray(part.X_train).mean(axis=0), 0, atol=1e-6)


def test_labels_of_a_test_file_that_are_rare_or_unknown_are_left_out(tmp_path, monkeypatch):
    train = ["text,label", *["fly me,a"] * 6, *["ground me,b"] * 5, *["hold,c"] * 4]
    test = ["text,label", "fly now,a", "what,d", "ground it,b", "hold it,c", "fly now,a"]
    for name, lines in (("train", train), ("test", test)):
        (tmp_path / f"atis_{name}.csv").write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("SIFAL_DATA", str(tmp_path))
    source = datasets.DATA_SETS["atis"].source(0)
    assert source.labels.tolist() == [0] * 6 + [1] * 5
    assert source.test_labels.tolist() == [0, 1, 0]
    assert source.test_rows.tolist() == [0, 2, 4]
    assert source.test_groups[0] == source.test_groups[2] != source.test_groups[1]


# -------------------------------------------------------------------------- cells


def test_losses():
    probabilities = np.array([[1.0, 0.0], [0.5, 0.5], [0.5, 0.5]])
    # A probability of zero, and a label that was not among those trained on.
    found = cells.losses_of(probabilities, np.array([3, 5]), np.array([5, 3, 4]))
    np.testing.assert_allclose(found, -np.log([1e-7, 0.5, 1e-7]))


def test_a_cell_is_measured_and_its_test_rows_are_kept(kept):
    cell = cells.Cell("digits", 0.2, "importance", 2.0, 0.02, 1, "test")
    found = cells.run_cell(cell, kept)
    assert found["status"] == "ok"
    assert found["visits"] == 2 * found["n_train"]
    assert found["scored"] == found["n_train"]  # once, after the warm-up
    assert found["accuracy"] > 0.7
    assert found["wrong_auroc"] > 0.6  # wrong labels have large losses and are visited more
    assert json.loads(json.dumps(found)) == found
    said = kept.load(cell, 0)
    assert np.mean(said.predicted == said.labels) == found["accuracy"]
    assert said.losses.mean() == pytest.approx(found["nll"])
    assert said.rows.tolist() == said.groups.tolist() == list(range(540))


def test_a_fit_that_chooses_a_rate_keeps_no_rows(kept):
    cell = GROUP.rate_cells(0)[0]
    assert cells.run_cell(cell, kept)["status"] == "ok"
    assert not kept.has(cell)


def test_errors_are_written_down(monkeypatch, kept):
    def fail(*_):
        raise cells.NonFiniteLossError("the loss of row 3 is inf", 3)

    cell = cells.Cell("digits", 0.0, "base", 1.5, 0.02, 0, "test")
    monkeypatch.setattr(LossSampledClassifier, "fit", fail)
    assert cells.run_cell(cell, kept)["status"] == "diverged"
    monkeypatch.setattr(LossSampledClassifier, "fit", None)
    failed = cells.run_cell(cell, kept)
    assert failed["status"] == "failed"
    assert failed["error"].startswith("TypeError")


def test_a_line_cut_off_is_skipped_and_the_next_one_is_whole(tmp_path, kept):
    path = tmp_path / "results.jsonl"
    first, second = GROUP.rate_cells(0)[:2]
    cells.append_record(path, record(first))
    with path.open("a") as file:
        file.write('{"protocol": 1, "data')
    cells.append_record(path, record(second))
    assert list(cells.load_records(path, kept)[0]) == [first, second]


def test_results_out_of_date_or_without_rows_are_left_out(tmp_path, kept):
    path = tmp_path / "results.jsonl"
    one, two, three = GROUP.rate_cells(0)[:3]
    test = cells.Cell(*GROUP, 0.02, 0, "test")
    cells.append_record(path, record(one, protocol=cells.PROTOCOL - 1))
    cells.append_record(path, {**record(two), "settings": "Base(warmup_epochs=7)"})
    cells.append_record(path, record(three))
    cells.append_record(path, record(test))
    assert cells.load_records(path, kept) == ({three: record(three)}, 3)
    keep_rows(kept, test, 50)
    assert set(cells.load_records(path, kept)[0]) == {three, test}


# --------------------------------------------------------------------------- plan


def test_best_rate():
    scores = {0.003: 0.5, 0.01: 0.9, 0.02: 0.8, 0.04: 0.9, 0.08: 0.8}
    found = {c: record(c, scores[c.lr]) for c in GROUP.rate_cells(0)}
    assert planning.best_rate(found, GROUP, 0) in (0.01, 0.04)  # as near to the middle one
    assert planning.best_rate(found, GROUP, 1) is None  # another seed chooses anew
    last = GROUP.rate_cells(0)[-1]  # the last split of 0.08
    found[last] = record(last, 1.2)  # the mean of three splits: 0.933
    assert planning.best_rate(found, GROUP, 0) == 0.08
    assert planning.is_edge(GROUP, 0.08)
    found[last] = record(last, status="diverged")
    assert planning.best_rate(found, GROUP, 0) in (0.01, 0.04)
    found[last] = record(last, status="failed")
    assert planning.best_rate(found, GROUP, 0) is None
    del found[last]
    assert planning.best_rate(found, GROUP, 0) is None


def test_a_rate_is_chosen_on_splits_of_their_own():
    assert [c.split for c in GROUP.rate_cells(4)] == list(range(3)) * 5
    assert all((c.phase, c.seed) == ("validation", 4) for c in GROUP.rate_cells(4))
    first, second = (datasets.load_part("digits", "validation", 4, split) for split in (0, 1))
    assert len(first.held_out) == len(second.held_out)
    assert len(np.intersect1d(first.held_out, second.held_out)) < len(first.held_out) / 2


def test_plan_takes_data_set_and_seed_one_after_the_other():
    tasks = planning.plan(["base", "random"], ["digits", "trec"], [0.0], [2.0, 4.0], range(2))
    first = [(g.strategy, g.budget, seed) for g, seed in tasks[:5]]
    assert first == [
        ("base", 2.0, 0),
        ("random", 2.0, 0),
        ("base", 4.0, 0),
        ("random", 4.0, 0),
        ("base", 2.0, 1),
    ]
    assert [group.dataset for group, _ in tasks] == ["digits"] * 8 + ["trec"] * 8


def test_queue_runs_each_fit_once_and_tests_the_best_rate():
    tasks = [(GROUP, 0), (GROUP, 1)]
    queue = planning.Queue(list(tasks), {})
    first = [queue.next_cell() for _ in range(2 * N_TRIED)]
    # No test before the rates were tried.
    assert [c.phase for c in first] == ["validation"] * 2 * N_TRIED
    assert queue.next_cell() is None
    for cell in first:
        queue.add(record(cell, cell.lr if cell.seed else -cell.lr))
    last = [queue.next_cell() for _ in range(3)]
    assert [(c.lr, c.seed, c.phase) for c in last[:2]] == [(0.003, 0, "test"), (0.08, 1, "test")]
    assert last[2] is None
    for cell in last[:2]:
        queue.add(record(cell))
    assert planning.count_cells(tasks, queue.records) == (2 * N_TRIED + 2, 2 * N_TRIED + 2)


# ----------------------------------------------------------------------- verdicts

LEVEL = [80, 81, 82]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([95, 96, 97], "better"),
        ([83, 84, 85], "not told apart"),  # three rows
        (LEVEL, "identical"),
        ([60, 61, 62], "worse"),
        ([80, 81, 20], "unstable"),
    ],
)
def test_verdicts_are_those_of_a_comparison(counts, expected, kept):
    found = records_of(kept, base=LEVEL, random=[81, 80, 82], importance=counts)
    judged = judging.judge(found, kept, PLACE, NAMES)
    said = judged.record("importance")
    assert said["against_base"] == expected
    assert said["difference"] == pytest.approx(np.mean(counts) - np.mean(LEVEL))
    assert said["accuracy"] == pytest.approx(np.mean(counts) / N_TEST)
    assert judged.record("base")["against_base"] == "the yardstick"
    assert judged.rates["importance"] == [0.02] * 3


def test_a_difference_is_that_of_paired_difference(kept):
    ours, theirs = [90, 92, 91], LEVEL
    found = records_of(kept, base=theirs, random=theirs, importance=ours)
    said = judging.judge(found, kept, PLACE, NAMES).record("importance")
    right = [np.arange(N_TEST) < count for count in (*ours, *theirs)]
    expected = paired_difference(
        np.concatenate(right[:3]),
        np.concatenate(right[3:]),
        fits=np.repeat(range(3), N_TEST),
        rows=np.tile(np.arange(N_TEST), 3),
    )
    assert said["difference_low"] == pytest.approx(100 * expected.low)
    assert said["difference_p_value"] == pytest.approx(expected.p_value)


def test_nothing_is_said_before_base_and_random_are_there(kept):
    found = records_of(kept, base=LEVEL, importance=LEVEL)
    assert judging.judge(found, kept, PLACE, NAMES) is None
    found |= records_of(kept, random=LEVEL[:2])
    assert judging.judge(found, kept, PLACE, NAMES).seeds == (0, 1)


def test_a_strategy_with_a_missing_fit_is_not_judged(kept):
    found = records_of(kept, base=LEVEL, random=LEVEL, importance=LEVEL[:2])
    judged = judging.judge(found, kept, PLACE, NAMES)
    assert judged.record("importance") is None
    assert judged.record("random") is not None


def test_what_diverged_has_failed(kept):
    found = records_of(kept, base=LEVEL, random=LEVEL, importance=LEVEL)
    group = GROUP._replace(strategy="importance")
    test = group.test_cell(found, 2)
    found[test] = record(test, status="diverged")
    judged = judging.judge(found, kept, PLACE, NAMES)
    assert judged.record("importance")["against_base"] == "failed"
    # The same if it is so at every rate.
    del found[test]
    found |= {cell: record(cell, status="diverged") for cell in group.rate_cells(2)}
    again = judging.judge(found, kept, PLACE, NAMES)
    assert again.record("importance")["n_failed"] == 1
    assert len(again.rates["importance"]) == 2
    assert "| broke down in 1 of 3 |" in tables.report(found, kept)


# -------------------------------------------------------------------------- report


def test_report(kept):
    found = records_of(kept, base=LEVEL, random=[81, 80, 82], importance=[95, 96, 97])
    found |= records_of(kept, budget=4.0, base=LEVEL, random=LEVEL)
    found |= records_of(kept, noise=0.2, base=LEVEL, random=LEVEL, importance=[80, 81, 20])
    cell = planning.Group("digits", 0.0, "percentage", 2.0).rate_cells(0)[0]
    found[cell] = record(cell, status="failed", error="ValueError: no luck")
    text = tables.report(found, kept)
    assert "| `importance` | 1 / 0 / 0 | 0 / 0 / 0 (1) |" in text
    assert "| `random` | 0 / 2 / 0 | 0 / 1 / 0 |" in text
    assert "| `percentage` |  |  |" in text
    assert "- **`importance`**: with right labels better on Digits; " in text
    assert "with 20 % wrong labels unstable on Digits." in text
    assert "96.00, +15.00 (" in text
    assert "| base | 81.00 | 81.00 |  | 0.02 / 0.02 |  |" in text
    assert "| random | 81.00, +0.00 (-5.32 to +5.32) not told apart | 81.00, identical |" in text
    assert "unstable, worst 20.00" in text
    assert "| percentage |  |  |  |  |  |" in text  # what was not run
    assert "- percentage on digits, 1 of its fits: ValueError: no luck" in text


def test_ranks_are_over_data_sets_of_rows_of_their_own(kept):
    found = {}
    for dataset in ("digits", "mnist", "mnist-thinned"):
        counts = {"base": LEVEL, "random": [79, 80, 81], "importance": [90, 91, 92]}
        found |= records_of(kept, dataset, **counts)
    text = tables.report(found, kept)
    assert "**Right labels, budget 2.** 2 data sets are too few" in text
    assert "| importance | 1.00 | 2 / 0 / 0 | +10.00 |" in text
    assert "| random | 3.00 | 0 / 0 / 2 | -1.00 |" in text
    # One data set is no test over data sets.
    assert "Over all data sets" not in tables.report(records_of(kept, **counts), kept)


def test_run_resume_and_forget(tmp_path, capsys, monkeypatch):
    fitted = []

    def run(cell, kept):
        fitted.append(cell)
        if cell.phase == "test":
            keep_rows(kept, cell, 80)
        return record(cell)

    monkeypatch.setattr(strategies, "run_cell", run)
    part = ["--datasets", "digits", "--strategies", "base", "--seeds", "2", "--noise", "0"]
    out = ["--out", str(tmp_path / "results.jsonl")]
    strategies.main([*part, *out, "--budgets", "2"])
    once = 2 * 2 * (N_TRIED + 1)  # base and random, two seeds
    assert len(fitted) == once
    strategies.main([*part, *out, "--budgets", "2", "4"])
    assert len(fitted) == 2 * once
    strategies.main([*part, *out, "--budgets", "8", "--time-limit", "0"])
    strategies.main([*out, "--report"])
    assert len(fitted) == 2 * once
    strategies.main([*part, *out, "--budgets", "4", "--forget"])
    assert len(fitted) == 3 * once
    assert "| strategy | budget 2 | budget 4 |" in capsys.readouterr().out
    assert (tmp_path / "report.md").exists()


def test_absent_data_are_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("SIFAL_DATA", str(tmp_path))
    datasets.load_part.cache_clear()
    asked = ["mnist", "banking77", "letter", "trec", "digits"]
    assert strategies.loadable(asked) == ["digits"]
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in lines] == [f"Skipped {name}" for name in asked[:4]]


@pytest.mark.parametrize(
    "arguments", [["--strategies", "nope"], ["--noise", "1.5"], ["--jobs", "0"]]
)
def test_bad_arguments(arguments, capsys):
    with pytest.raises(SystemExit):
        strategies.main(arguments)
    assert "error" in capsys.readouterr().err
