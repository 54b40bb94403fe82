"""make_intents: sizes, seeds, noise, repetition, difficulty."""

import hashlib
import re
from collections import Counter, defaultdict

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import train_test_split
from sklearn.svm import LinearSVC

from sklearn_sifal.datasets import make_intents
from sklearn_sifal.datasets._draws import seed_sequence
from sklearn_sifal.datasets._intent_grammar import intent_grammar
from sklearn_sifal.datasets._intents import draw_queries, intent_sizes


def normal_form(text):
    """`text` in lower case without punctuation."""
    return " ".join(re.sub(r"[^\w\s]", "", text.lower()).split())


def _sha256(*columns):
    text = "\n".join(str(value) for column in columns for value in column)
    return hashlib.sha256(text.encode()).hexdigest()


def _accuracy(X, y):
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.3, stratify=y, random_state=0
    )
    counts = CountVectorizer(ngram_range=(1, 2))
    model = LinearSVC(C=0.1, random_state=0).fit(counts.fit_transform(X_train), y_train)
    return model.score(counts.transform(X_test), y_test)


# The hashes hold the texts to the bit. A change of the grammar or of a draw
# changes them: then every figure measured on the old texts is out of date.
@pytest.mark.parametrize(
    "parameters, expected",
    [
        ({}, "801adc0286e8dfd68ab1875e896e6d261dbdcee52181d51aed26e07053f276c6"),
        (
            {"zipf": 1.0, "label_noise": 0.1},
            "414a44c1e76221897718b3a6e3b09223bdf8499cac7a7965845f51a0a378928d",
        ),
    ],
)
def test_pinned_content(parameters, expected):
    data = make_intents(2000, 40, random_state=7, return_true_labels=True, **parameters)
    assert _sha256(*data) == expected


@pytest.mark.parametrize(
    "parameters, expected",
    [
        ({}, "cd2127aeaf5dce1ab00cd7c8b98cfb211dd184dfe0fdc752c52ed8618cde9559"),
        (
            {"rare_wording": 1.0, "imbalance": 1.0},
            "b190968ed320168d288b994357bdacacec4fe59c697dd09bd1665eba068e3ed0",
        ),
        (
            {"rare_wording": 0.0, "typo_rate": 0.0, "elongation_rate": 0.0},
            "d56423c16aea2aca747c4257876fefc3aca969102763b7808727bde36d5a7360",
        ),
        (
            {"typo_rate": 0.4, "elongation_rate": 1.0, "label_noise": 0.5, "zipf": 1.5},
            "4f37a0e3c4db84c57e0bde79ec23201f5078b4e9576e02b20b5817f74b1c2185",
        ),
    ],
)
def test_pinned_content_of_many_seeds(parameters, expected):
    made = [
        make_intents(
            200, 2 + seed + seed // 2, random_state=seed, return_true_labels=True, **parameters
        )
        for seed in range(25)
    ]
    assert _sha256(*(column for data in made for column in data)) == expected


def test_pinned_content_from_a_random_state_instance():
    data = make_intents(200, random_state=np.random.RandomState(3))
    assert _sha256(*data) == "94ef2a149051896b364f7daa5166f7aef8044e1db7108fe5238d549f3930616e"


def test_random_states():
    same = [_sha256(*make_intents(50, random_state=np.int64(5))) for _ in range(2)]
    assert same[0] == same[1] == _sha256(*make_intents(50, random_state=5))
    assert same[0] != _sha256(*make_intents(50, random_state=6))
    assert _sha256(*make_intents(50)) != _sha256(*make_intents(50))
    moving = np.random.RandomState(0)
    assert _sha256(*make_intents(50, random_state=moving)) != _sha256(
        *make_intents(50, random_state=moving)
    )


@pytest.mark.parametrize("random_state", [None, 0])
def test_global_numpy_state_stays(random_state):
    before = np.random.get_state()[1].tolist()  # noqa: NPY002 - this is the state in question
    make_intents(50, label_noise=0.2, zipf=1.0, random_state=random_state)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_shapes_and_types():
    X, y, y_true = make_intents(300, 7, return_true_labels=True, random_state=0)
    assert X.shape == y.shape == y_true.shape == (300,)
    assert X.dtype == object
    assert all(type(text) is str and text.strip() for text in X)
    assert y.dtype.kind == y_true.dtype.kind == "U"
    assert set(y) == set(list(intent_grammar()["intent"])[:7])
    assert len(make_intents(10, random_state=0)) == 2


@pytest.mark.parametrize("n_intents", [2, 3, 32, 40])
def test_any_number_of_intents(n_intents):
    _, y = make_intents(n_intents * 5, n_intents, random_state=0)
    assert set(Counter(y).values()) == {5}


def test_few_samples():
    assert set(Counter(make_intents(32, random_state=0)[1]).values()) == {1}
    X, y = make_intents(1, random_state=0)
    assert len(X) == len(y) == 1


@pytest.mark.parametrize("imbalance, low, high", [(1.0, 1.0, 1.01), (8.0, 6.5, 8.5)])
def test_imbalance(imbalance, low, high):
    _, y = make_intents(15000, imbalance=imbalance, random_state=1)
    counts = Counter(y).values()
    assert low <= max(counts) / min(counts) <= high


@pytest.mark.parametrize("imbalance", [1.0, 8.0, 1e6])
@pytest.mark.parametrize("n_samples, n_intents", [(1, 2), (31, 32), (161, 32), (15000, 40)])
def test_sizes_add_up(n_samples, n_intents, imbalance):
    sizes = intent_sizes(n_samples, n_intents, imbalance)
    assert sum(sizes) == n_samples
    assert min(sizes) >= min(5, n_samples // n_intents)


def test_which_intent_is_large_depends_on_the_seed():
    largest = {Counter(make_intents(600, random_state=s)[1]).most_common(1)[0][0] for s in range(8)}
    assert len(largest) > 1


@pytest.mark.parametrize("zipf", [None, 1.0])
@pytest.mark.parametrize("n_intents", [2, 32])
def test_label_noise_is_exact_and_touches_labels_only(n_intents, zipf):
    def make(label_noise):
        return make_intents(
            1000,
            n_intents,
            label_noise=label_noise,
            zipf=zipf,
            return_true_labels=True,
            random_state=4,
        )

    X, y, y_true = make(0.0)
    assert np.array_equal(y, y_true)
    for label_noise in (0.001, 0.1, 1.0):
        X_noisy, y_noisy, y_same = make(label_noise)
        assert np.array_equal(X_noisy, X)
        assert np.array_equal(y_same, y_true)
        assert np.sum(y_noisy != y_true) == round(label_noise * 1000)


def test_noise_is_uniform_over_the_other_intents():
    _, y, y_true = make_intents(
        12000, 4, label_noise=0.5, imbalance=1.0, return_true_labels=True, random_state=0
    )
    wrong = Counter((a, b) for a, b in zip(y_true.tolist(), y.tolist(), strict=True) if a != b)
    assert len(wrong) == 12
    # 500 expected each, standard deviation about 21
    assert 420 < min(wrong.values()) <= max(wrong.values()) < 580


def test_zipf_repeats_texts_within_the_intents():
    kept = {"imbalance": 4.0, "random_state": 2}
    X, y = make_intents(4000, **kept)
    shares = [len(set(X)) / len(X)]
    for zipf in (0.5, 1.0, 1.5):
        X_log, y_log = make_intents(4000, zipf=zipf, **kept)
        assert np.array_equal(y_log, y)
        assert set(X_log) <= set(X)
        shares.append(len(set(X_log)) / len(X_log))
    assert shares[0] > 0.9
    assert shares[3] < 0.25
    assert shares == sorted(shares, reverse=True)
    assert np.array_equal(make_intents(4000, zipf=0, **kept)[0], X)


def test_texts_before_typos_are_to_be_had_row_by_row():
    queries = draw_queries(
        500,
        32,
        rare_wording=0.15,
        typo_rate=0.1,
        elongation_rate=0.08,
        imbalance=8.0,
        zipf=1.0,
        seed=seed_sequence(9, "make_intents").spawn(2)[0],
    )
    X, _ = make_intents(500, zipf=1.0, random_state=9)
    X_meant, _ = make_intents(500, zipf=1.0, typo_rate=0, elongation_rate=0, random_state=9)
    assert X.tolist() == queries.written
    assert X_meant.tolist() == queries.meant
    differ = np.mean(X_meant != X)
    assert 0.25 < differ < 0.65


@pytest.mark.parametrize("rare_wording", [0.15, 1.0])
@pytest.mark.parametrize("random_state", range(3))
def test_few_texts_share_a_normal_form_with_another_intent(random_state, rare_wording):
    X, y = make_intents(
        15000,
        40,
        rare_wording=rare_wording,
        typo_rate=0,
        elongation_rate=0,
        random_state=random_state,
    )
    forms = [normal_form(text) for text in X]
    intents = defaultdict(set)
    for form, intent in zip(forms, y.tolist(), strict=True):
        intents[form].add(intent)
    assert np.mean([len(intents[form]) > 1 for form in forms]) <= 0.02


def test_normal_form():
    assert normal_form("Hi,  I DIDN'T get it!!") == "hi i didnt get it"


@pytest.mark.parametrize("random_state", range(2))
@pytest.mark.parametrize("n_samples", [5000, 15000])
def test_a_linear_model_on_counts_is_neither_lost_nor_done(n_samples, random_state):
    assert 0.85 <= _accuracy(*make_intents(n_samples, random_state=random_state)) <= 0.95


def test_the_gap_comes_from_rare_wording_and_typos():
    def gap(**parameters):
        return 1 - _accuracy(*make_intents(5000, random_state=0, **parameters))

    no_typos = {"typo_rate": 0, "elongation_rate": 0}
    assert gap(rare_wording=0, **no_typos) < 0.01
    assert gap() > gap(**no_typos) > 0.03
    assert gap() > gap(rare_wording=0) > 0.01


@pytest.mark.parametrize(
    "name, value, error, message",
    [
        ("n_samples", 0, ValueError, r"an integer of at least 1\. Got 0 instead"),
        ("n_samples", 10.0, TypeError, r"Got 10\.0 instead"),
        ("n_samples", True, TypeError, "Got True instead"),
        ("n_intents", 1, ValueError, r"an integer in the range \[2, 40\]\. Got 1 instead"),
        ("n_intents", 41, ValueError, "Got 41 instead"),
        ("n_intents", "all", TypeError, "Got 'all' instead"),
        ("label_noise", -0.1, ValueError, r"a number in the range \[0, 1\]\. Got -0\.1 instead"),
        ("label_noise", 1.1, ValueError, r"Got 1\.1 instead"),
        ("label_noise", None, TypeError, "Got None instead"),
        ("rare_wording", 2, ValueError, "Got 2 instead"),
        ("typo_rate", 0.5, ValueError, r"\[0, 0\.4\]\. Got 0\.5 instead"),
        ("typo_rate", float("nan"), ValueError, "Got nan instead"),
        ("elongation_rate", -1, ValueError, "Got -1 instead"),
        ("imbalance", 0.5, ValueError, r"\[1, inf\)\. Got 0\.5 instead"),
        ("imbalance", float("inf"), ValueError, "Got inf instead"),
        ("zipf", -1.0, ValueError, r"\[0, inf\) or None\. Got -1\.0 instead"),
        ("zipf", "1", TypeError, r"or None\. Got '1' instead"),
        ("random_state", -1, ValueError, r"\[0, 4294967295\], a RandomState .* Got -1 instead"),
        ("random_state", 2**32, ValueError, "Got 4294967296 instead"),
        ("random_state", False, TypeError, "Got False instead"),
        ("random_state", "seed", TypeError, "RandomState instance or None. Got 'seed' instead"),
    ],
)
def test_invalid_parameters(name, value, error, message):
    pattern = rf"The '{name}' parameter of make_intents must be .*{message}"
    with pytest.raises(error, match=pattern):
        make_intents(**{name: value})


def test_numbers_of_numpy_are_the_same_numbers():
    rates = {"label_noise": 0.25, "typo_rate": 0.25, "imbalance": 8.0, "zipf": 1.0}
    plain = make_intents(100, 8, random_state=0, **rates)
    narrow = {name: np.float32(rate) for name, rate in rates.items()}
    of_numpy = make_intents(np.int8(100), np.uint8(8), random_state=np.int16(0), **narrow)
    assert _sha256(*plain) == _sha256(*of_numpy)


@pytest.mark.parametrize(
    "parameters",
    [
        {"rare_wording": 1, "typo_rate": 0.4, "elongation_rate": 1},
        {"rare_wording": 0, "label_noise": 1},
        {"imbalance": 1e9, "zipf": 50},
    ],
)
def test_ends_of_the_ranges(parameters):
    for n_intents in (2, 40):
        X, y = make_intents(300, n_intents, random_state=0, **parameters)
        assert len(X) == len(y) == 300


def test_grammar_reaches_the_stock_example():
    X, y = make_intents(40000, random_state=0)
    called = X[y == "user_request_callback"]
    assert any("plesae cal" in text or "calll me" in text for text in called)
