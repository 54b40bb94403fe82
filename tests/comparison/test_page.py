"""The page: whole, self-contained, safe, and sortable; what it says is what was found."""

import os
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline

from sklearn_sifal import LossSampledClassifier, LossSampledRegressor
from sklearn_sifal.comparison import compare_strategies
from sklearn_sifal.comparison._page_parts import number, safe, significant

VOID = {"meta", "link", "br", "wbr", "img", "input"}


class Reader(HTMLParser):
    """Checks that tags are closed in order, and collects what the tests look at."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.references, self.tags = [], [], [], []
        self.text = {}
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)
        self._collect(tag, attributes)

    def handle_startendtag(self, tag, attributes):
        self._collect(tag, attributes)

    def _collect(self, tag, attributes):
        of = dict(attributes)
        self.tags.append((tag, of))
        if "id" in of:
            self.ids.append(of["id"])
        self.references += [of[k] for k in ("href", "src", "xlink:href") if k in of]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.text[self.open[-1]] = self.text.get(self.open[-1], "") + data


def read(comparison, folder, **kwargs):
    path = Path(folder) / "page.html"
    comparison.to_html(path, **kwargs)
    text = path.read_text(encoding="utf-8")
    return Reader(text), text


@pytest.fixture(scope="module")
def page(compared, tmp_path_factory):
    return read(compared, tmp_path_factory.mktemp("page"), title="Intents")


def test_self_contained(page):
    reader, text = page
    inside = [r for r in reader.references if not r.startswith(("#", "data:"))]
    assert inside == []
    assert "@import" not in text
    assert re.findall(r"url\((?!#)", text) == []
    assert re.findall(r"https?://(?!www\.w3\.org)", text) == []


def test_identifiers_are_unique_and_there(page):
    reader, text = page
    assert len(set(reader.ids)) == len(reader.ids)
    targets = [r[1:] for r in reader.references if r.startswith("#")]
    targets += re.findall(r"url\(#([^)]+)\)", text)
    assert set(targets) <= set(reader.ids)


def test_says_what_was_found(page, compared):
    reader, text = page
    assert reader.text["h1"] == "Intents"
    assert compared._verdict().headline in reader.text["p"]
    for record in compared.summary():
        assert f'<td data-value="{100 * record["accuracy"]!r}">' in text
    sections = [of["id"] for tag, of in reader.tags if tag == "section"]
    assert sections == [
        "verdict", "table", "savings", "curves", "classes", "deciles", "weights", "hardest", "how",
    ]  # fmt: skip
    assert sections[0] == "verdict"
    assert text.index('id="verdict"') < text.index("<table")


def test_hardest_texts_are_shown(page, compared, texts):
    reader, _ = page
    hardest = compared._recordings["p30"].hardest
    for row in hardest.rows[:3]:
        assert texts[0][row] in reader.text["blockquote"]


def test_tables_can_be_sorted_and_boxes_reached_by_keyboard(page):
    reader, text = page
    assert any("sortable" in of.get("class", "") for tag, of in reader.tags if tag == "table")
    boxes = [of for tag, of in reader.tags if of.get("class", "").startswith("box")]
    assert boxes
    assert all(of.get("tabindex") == "0" and of.get("aria-label") for of in boxes)
    assert "aria-sort" in text


def test_pictures_have_the_pages_colours(page):
    _, text = page
    assert "var(--base)" in text
    drawn = text[text.index("<main>") :]
    assert "#0072b2" not in drawn
    assert "#d0d0d0" not in drawn
    assert "DejaVu" not in text
    # One style sheet: matplotlib's would hold for the whole page.
    assert text.count("<style") == 1


EVIL = "</script><script>alert(1)</script>&\"'$x$ ‮\x00"


@pytest.fixture(scope="module")
def evil(tmp_path_factory):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(120, 2)), columns=[EVIL, "<img src=x onerror=alert(1)>"])
    y = np.where(X[EVIL] > 0, EVIL, "</style>")
    model = LossSampledClassifier(hidden_layer_sizes=(4,))
    comparison = compare_strategies(
        model, {EVIL: "percentile"}, X[:80], y[:80], X[80:], y[80:], n_seeds=2, budget=2
    )
    return read(comparison, tmp_path_factory.mktemp("evil"), title=EVIL)


def test_everything_of_the_users_is_escaped(evil):
    reader, text = evil
    assert [tag for tag, _ in reader.tags].count("script") == 1
    assert not [of for tag, of in reader.tags if tag == "img"]
    assert not [of for _, of in reader.tags if any(name.startswith("on") for name in of)]
    assert "‮" not in text
    assert "\x00" not in text
    assert "alert(1)" in reader.text["h1"]


def test_texts_are_escaped(tmp_path):
    texts = [f"<b>{word}</b> & more" for word in ("good", "bad") for _ in range(20)]
    y = np.repeat([1, 0], 20)
    model = make_pipeline(CountVectorizer(), LossSampledClassifier(hidden_layer_sizes=(2,)))
    comparison = compare_strategies(model, [], texts, y, texts, y, n_seeds=1)
    reader, _ = read(comparison, tmp_path)
    assert re.match("<b>(good|bad)</b> & more", reader.text["blockquote"])


def test_images(tmp_path, small):
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(60, 12)).astype(np.float32)
    y = np.arange(60) % 2
    comparison = compare_strategies(small(), [], X, y, X, y, n_seeds=1)
    reader, _ = read(comparison, tmp_path, image_shape=(3, 4))
    images = [of for tag, of in reader.tags if tag == "img"]
    assert len(images) == 24
    assert all(of["src"].startswith("data:image/png;base64,") for of in images)
    with pytest.raises(ValueError, match="image_shape"):
        comparison.to_html(tmp_path / "other.html", image_shape=(5, 5))
    assert not (tmp_path / "other.html").exists()


def test_contents_given_for_features(tmp_path, small):
    X = np.random.default_rng(0).normal(size=(40, 3))
    y = np.arange(40) % 2
    comparison = compare_strategies(small(), [], X, y, X, y, n_seeds=1)
    words = [f"this is row number {i}." for i in range(40)]
    reader, _ = read(comparison, tmp_path, contents=words)
    row = comparison._recordings["base"].hardest.rows[0]
    assert words[row] in reader.text["blockquote"]
    with pytest.raises(ValueError, match=r"each of the 40 rows of X_train\. Got 3"):
        comparison.to_html(tmp_path / "page.html", contents=words[:3])


def test_regression_one_seed_one_round(tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 3))
    model = LossSampledRegressor(hidden_layer_sizes=(2,))
    comparison = compare_strategies(
        model, ["percentile"], X, X[:, 0], X, X[:, 0], n_seeds=1, budget=1
    )
    reader, text = read(comparison, tmp_path)
    assert 'id="classes"' not in text
    assert "One seed: nothing can be said" in text
    assert "On the way" not in text
    assert "nan" not in reader.text["td"].lower()


def test_many_classes_and_strategies_stay_small(tmp_path):
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(150, 20))
    y = np.repeat(np.arange(150), 4)
    X = (centres[y] + rng.normal(size=(600, 20))).astype(np.float32)
    names = [f"label number {i} with a long name" for i in range(150)]
    labels = np.array(names)[y]
    strategies = {f"s{i}": {"sampling_strategy": "percentile"} for i in range(10)}
    model = LossSampledClassifier(hidden_layer_sizes=(8,))
    comparison = compare_strategies(
        model, strategies, X, labels, X, labels, budget=[1, 2], n_seeds=2
    )
    _, text = read(comparison, tmp_path)
    assert len(text.encode()) < 2_000_000
    assert all(name in text for name in names)


def test_a_page_is_written_whole_or_not_at_all(compared, tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    path.write_text("before")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        compared.to_html(path)
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]
    assert path.read_text() == "before"
    with pytest.raises(IsADirectoryError, match="is a folder"):
        compared.to_html(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="nodes and rights of POSIX")
def test_a_link_is_followed_and_a_pipe_refused(compared, tmp_path):
    (tmp_path / "real.html").write_text("before")
    (tmp_path / "real.html").chmod(0o640)
    (tmp_path / "link.html").symlink_to("real.html")
    compared.to_html(os.fsencode(tmp_path / "link.html"))
    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "real.html").read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert (tmp_path / "real.html").stat().st_mode & 0o777 == 0o640
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no regular file"):
        compared.to_html(tmp_path / "pipe")
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.skipif(sys.platform == "win32", reason="rights of POSIX")
def test_a_new_page_has_the_mode_that_open_would_give_it(compared, tmp_path):
    before = os.umask(0o027)
    try:
        compared.to_html(tmp_path / "page.html")
    finally:
        os.umask(before)
    assert (tmp_path / "page.html").stat().st_mode & 0o777 == 0o640


def test_half_a_surrogate_pair_is_written_as_a_replacement(pipeline, texts, tmp_path):
    words, y, test, y_test = texts
    labels = np.array(["card \ud83d", "pin"])
    words = [f"{text} \ud83d" for text in words]
    code = (np.unique(y, return_inverse=True)[1] % 2, np.unique(y_test, return_inverse=True)[1] % 2)
    comparison = compare_strategies(
        pipeline(),
        {"p \ud83d": {"sampling_strategy": "percentile"}},
        words,
        labels[code[0]],
        test,
        labels[code[1]],
        budget=1,
        n_seeds=1,
        random_state=0,
    )
    _, text = read(comparison, tmp_path, title="half \ud83d")
    assert "half \ufffd" in text
    assert "card \ufffd" in text


def test_the_same_comparison_gives_the_same_page(compared, tmp_path):
    _, first = read(compared, tmp_path)
    _, second = read(compared, tmp_path)
    assert first == second


def test_matplotlibs_settings_and_figures_are_left_alone(compared, tmp_path):
    with mpl.rc_context({"lines.linewidth": 7, "svg.fonttype": "path", "text.usetex": False}):
        before = dict(mpl.rcParams)
        _, drawn = read(compared, tmp_path)
        assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == []
    _, plain = read(compared, tmp_path)
    assert drawn == plain


def test_without_matplotlib(compared, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="plot"):
        compared.to_html(tmp_path / "page.html")
    assert list(tmp_path.iterdir()) == []


def test_plot(compared):
    display = compared.plot(metric="nll")
    assert [line.get_label() for line in display.lines_[0]] == list(compared.strategies)
    assert display.ax_.get_ylabel().startswith("negative log-likelihood")
    plt.close(display.figure_)


@pytest.mark.parametrize(
    "value, digits, signed, shown",
    [
        (1234.567, 1, False, "1,234.6"),
        (-0.004, 2, True, "0.00"),
        (0.5, 2, True, "+0.50"),
        (-0.5, 2, True, "−0.50"),
        (float("nan"), 2, True, "–"),
    ],
)
def test_numbers(value, digits, signed, shown):
    assert number(value, digits, signed=signed) == shown


@pytest.mark.parametrize(
    "value, shown",
    [(0, "0"), (12345, "12,345"), (0.012345, "0.0123"), (1.5e-7, "1.50e−07"), (3.14159, "3.14")],
)
def test_significant_digits(value, shown):
    assert significant(value) == shown


def test_safe():
    assert safe("<a>\x00‮") == "&lt;a&gt;��"
