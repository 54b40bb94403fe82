"""Slips of the keyboard."""

from itertools import cycle

import numpy as np
import pytest

from sklearn_sifal.datasets._draws import uniform_draw
from sklearn_sifal.datasets._typos import add_elongation, add_typos, elongate, misspell


def _fixed(*numbers):
    return cycle(numbers).__next__


@pytest.fixture
def draw():
    return uniform_draw(np.random.SeedSequence(0))


@pytest.mark.parametrize(
    "numbers, expected",
    [
        # for a word without a shared spelling: place, kind, and the neighbour hit
        ((0.0, 0.0), "bolcked"),
        ((0.99, 0.0), "blocked"),  # no letter after the last to swap with
        ((0.0, 0.3), "bocked"),
        ((0.0, 0.6), "bllocked"),
        ((0.0, 0.9, 0.0), "bkocked"),
    ],
)
def test_kinds_of_slips(numbers, expected):
    assert misspell("blocked", _fixed(*numbers)) == expected


def test_shared_spellings_keep_the_capital():
    assert misspell("Please", _fixed(0.0)) == "Pls"
    assert misspell("you", _fixed(0.0)) == "u"


def test_stock_example_is_reachable():
    # not the shared spelling, at the fourth letter, a swap
    assert misspell("please", _fixed(0.5, 0.45, 0.0)) == "plesae"
    assert elongate("call", _fixed(0.9, 0.9, 0.0)) == "calll"


def test_first_letter_stays(draw):
    assert {misspell("declined", draw)[0] for _ in range(200)} == {"d"}


def test_numbers_links_and_addresses_are_spared(draw):
    text = "£45.99 jo@example.com https://www.example.com/help 07912 order-1"
    for _ in range(50):
        assert add_typos(text, 1.0, draw) == text
        assert add_elongation(text, draw) == text


def test_rate_zero_changes_nothing_and_rate_one_all(draw):
    text = "declined at the station yesterday, why?"
    assert add_typos(text, 0.0, draw) == text
    assert add_typos(text, 1.0, draw) != text


def test_punctuation_stays(draw):
    for _ in range(50):
        assert add_typos("blocked!!", 1.0, draw).endswith("!!")
        assert add_elongation("please?", draw).endswith("?")


def test_a_space_can_be_missed():
    # the first draw is for whether, the second for a missed space
    assert add_typos("call me", 0.5, _fixed(0.0, 0.0, 0.9)) == "callme"


def test_elongation_only_repeats_a_letter(draw):
    for _ in range(50):
        longer = elongate("please", draw)
        assert 7 <= len(longer) <= 10
        assert "".join(dict.fromkeys(longer)) == "pleas"
    assert elongate("tt", draw) == "tt"
