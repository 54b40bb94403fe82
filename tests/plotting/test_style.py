"""Colours, names and numbers as they are drawn."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from sklearn_sifal.plotting import InstanceGalleryDisplay, SelectionLossDisplay, strategy_styles
from sklearn_sifal.plotting._style import (
    BLACK,
    PALETTE,
    marker_step,
    printable,
    shown,
    shown_count,
    shown_share,
    styles_of,
    text_color,
    visible,
)


def test_base_is_black_and_random_grey_wherever_they_stand():
    styles = strategy_styles(["heap", "random", "percentage", "base"])
    assert styles["base"]["color"] == "#000000"
    assert styles["random"]["color"] == "#7F7F7F"
    assert styles["heap"]["color"] == PALETTE[0]
    assert styles["percentage"]["color"] == PALETTE[1]
    assert list(styles) == ["heap", "random", "percentage", "base"]


def test_styles_do_not_depend_on_base_and_random():
    alone = strategy_styles(["a", "b"])
    among = strategy_styles(["base", "a", "random", "b"])
    assert alone["b"] == among["b"]
    assert strategy_styles(["a", "a", "b"]) == alone


def test_more_names_than_colors_have_other_line_styles():
    styles = strategy_styles([f"s{k}" for k in range(16)])
    looks = {(s["color"], s["linestyle"]) for s in styles.values()}
    assert len(looks) == 16
    assert [styles[f"s{k}"]["linestyle"] for k in (0, 6, 7, 14)] == ["-", "-", "--", "-."]


def test_neighbours_differ_in_marker_too():
    styles = list(strategy_styles([f"s{k}" for k in range(9)]).values())
    assert len({style["marker"] for style in styles}) == 9


@pytest.mark.parametrize(
    "value, text",
    [
        ("short", "short"),
        ("a" * 30, "a" * 23 + "…"),
        ("word " * 10, "word word word word wor…"),
        ("two\nlines\t", "two lines"),
        ("$5 or $6", r"\$5 or \$6"),
        ("_url_", " _url_"),  # matplotlib leaves names that begin with _ out of legends
        (3, "3"),
        (3.0, "3"),
        (2.5, "2.5"),
        (np.str_("x"), "x"),
        (True, "True"),
        (b"bytes", "bytes"),
        ("bell\x07", "bell"),
    ],
)
def test_names_as_they_are_shown(value, text):
    assert shown(value) == text


def test_control_characters_are_not_printed():
    assert printable("a\x00b") == "a b"


@pytest.mark.parametrize(
    "share, text",
    [
        (0, "0 %"),
        (0.0004, "< 0.1 %"),
        (0.001, "0.1 %"),
        (0.0456, "4.6 %"),
        (0.5, "50 %"),
        (0.9996, "> 99.9 %"),
        (1, "100 %"),
    ],
)
def test_shares_do_not_round_something_to_nothing(share, text):
    assert shown_share(share) == text


def test_counts_have_thousands_apart():
    assert shown_count(1234567) == "1,234,567"


@pytest.mark.parametrize("n_points, step", [(0, 1), (1, 1), (20, 1), (21, 2), (1000, 50)])
def test_long_lines_have_about_twenty_markers(n_points, step):
    assert marker_step(n_points) == step


def test_text_is_readable_on_its_background():
    assert text_color(np.array([1, 1, 1, 1])) == "black"
    assert text_color(np.array([0, 0, 0, 1])) == "white"
    assert text_color(np.array([0.5, 0.5, 0.5, 1])) == "black"  # luminance 0.21
    assert text_color(np.array([0.2, 0.1, 0.4, 1])) == "white"


def test_what_is_black_is_white_on_dark_axes():
    for facecolor, expected in (("white", BLACK), ("#101010", "#FFFFFF")):
        figure = Figure(facecolor=facecolor)
        axes = figure.subplots()
        axes.set_facecolor("none")  # the figure is seen through
        assert visible(BLACK, axes) == expected
        assert visible("#0072B2", axes) == "#0072B2"
        assert styles_of(["base"], None, axes)["base"]["color"] == expected
        axes.set_facecolor("white")
        assert visible(BLACK, axes) == BLACK
        axes.set_axis_off()
        assert visible(BLACK, axes) == expected


def test_a_gallery_can_be_read_on_a_dark_figure(texts):
    with plt.style.context("dark_background"):
        display = InstanceGalleryDisplay.from_estimator(texts.model, texts.X, texts.y)
        losses = SelectionLossDisplay.from_estimator(texts.model)
    assert {text.get_color() for text in display.texts_} == {"#FFFFFF"}
    assert losses.lines_["everything"].get_color() == "#FFFFFF"
