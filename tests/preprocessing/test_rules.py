"""The default rules: hand-worked examples, idempotence, linear time."""

import csv
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_sifal.preprocessing._regex import RegexPreprocessor
from sklearn_sifal.preprocessing._rules import DEFAULT_RULES

EXAMPLES = {
    "invisible": [
        ("pass\u00adword", "password"),
        ("\ufeffmy\u200b card\u2060", "my card"),
        # Joiners carry meaning in some scripts.
        ("می\u200cخواهم", "می\u200cخواهم"),
    ],
    "quotes": [
        ("hasn’t", "hasn't"),
        ("‘top up’", "'top up'"),
        ("“top up”", '"top up"'),
        ("plain 'top' \"up\"", "plain 'top' \"up\""),
    ],
    "lowercase": [("My ATM Card", "my atm card"), ("ÄÖ ΑΣ", "äö ας"), ("", "")],
    "punctuation": [
        ("why???", "why?"),
        ("wait...", "wait."),
        ("no!!! -- really,, ((ok))", "no! - really, (ok)"),
        ("what?!?!", "what?!?!"),
        ("http://a.com", "http://a.com"),
        ("__", "__"),
        ("aa 11  bb", "aa 11  bb"),
    ],
    "url": [
        ("see https://a.com/b?c=1#d now", "see _url_ now"),
        ("see http://a.com.", "see _url_."),
        ("(www.a.com)", "(_url_)"),
        ("HTTPS://A.COM WWW.a.com", "_url_ _url_"),
        ("ftp://a.b app://open", "_url_ _url_"),
        ("a.com and 1/2", "a.com and 1/2"),
        ("http:// www. www", "http:// www. www"),
        ("thewww.a.com", "thewww.a.com"),
    ],
    "elongation": [
        ("calll", "call"),
        ("pleeeease", "pleease"),
        ("sooo noooo", "soo noo"),
        ("book committee", "book committee"),
        ("1000 ___ ...", "1000 ___ ..."),
        ("ééé", "éé"),
        ("AAaa", "AAaa"),
    ],
    "money": [
        ("$5", "_money_"),
        ("$ 5 and 5 $", "_money_ and _money_"),
        ("£1,000.50.", "_money_."),
        ("500£?", "_money_?"),
        ("€10,000 or 10.000,50€", "_money_ or _money_"),
        ("¥100 ₹100", "_money_ _money_"),
        ("usd 5, 5 USD, 5eur, gbp5", "_money_, _money_, _money_, _money_"),
        ("$5 usd or usd $5", "_money_ or _money_"),
        ("5 dollars 1 euro 20 pounds 50 pence", "_money_ _money_ _money_ _money_"),
        ("$5k $1.5 million 2m eur", "_money_ _money_ _money_"),
        ("costs$5", "costs _money_"),
        ("US$5", "US _money_"),
        ("$1,5x", "_money_,5x"),
        ("5 cards in 2 weeks", "5 cards in 2 weeks"),
        ("$5x 5usdx x5usd", "$5x 5usdx x5usd"),
        ("the dollar, in usd, $", "the dollar, in usd, $"),
        ("pounds 5", "pounds 5"),
    ],
    "number": [
        ("2 weeks", "_number_ weeks"),
        ("1,000 1,000.50 3.14", "_number_ _number_ _number_"),
        ("in 2018, 5%", "in _number_, _number_%"),
        ("12/05/2020 10:30", "_number_/_number_/_number_ _number_:_number_"),
        ("-5 +44", "-_number_ +_number_"),
        ("1 000", "_number_ _number_"),
        ("٣ １", "_number_ _number_"),
        ("covid19 3d 2nd 10am 5x 10.30am v1.2", "covid19 3d 2nd 10am 5x 10.30am v1.2"),
        ("1,5x", "_number_,5x"),
        ("1,2,", "_number_,"),
    ],
    "email": [
        ("ann@mail.com", "_email_"),
        ("to Ann.B+x%1@my-mail.co.uk.", "to _email_."),
        ("<ann@mail.com>, (bob@mail.com)", "<_email_>, (_email_)"),
        ("me@home @ann a@b", "me@home @ann a@b"),
        ("a@b.c.@d.e", "_email_"),
        ("a@b.c5", "a@b.c5"),
    ],
    "whitespace": [
        ("  a \t b\n\nc\u00a0d\u2003 ", "a b c d"),
        (" \n", ""),
    ],
}


@pytest.mark.parametrize(
    "name, text, expected",
    [(name, *example) for name, examples in EXAMPLES.items() for example in examples],
)
def test_rule_alone(name, text, expected):
    assert RegexPreprocessor(rules=[name]).transform([text]).tolist() == [expected]


def test_every_rule_has_examples():
    assert list(EXAMPLES) == [rule.name for rule in DEFAULT_RULES]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("Please CALLL me!!!  I was charged $1,000.50", "please call me! i was charged _money_"),
        ("See HTTPS://a.com/B??  or mail ANN.5@a.com.", "see _url_? or mail _email_."),
        ("I’ve waited 2 weeks… for 1£", "i've waited _number_ weeks… for _money_"),
        ("http:://x.com", "_url_"),
        ("wwww.x.com", "ww.x.com"),
        ("5dolllars", "_money_"),
        ("5$@x.com", "_email_"),
        ("5@x.com", "_email_"),
        ("call me @5.30", "call me @_number_"),
        ("1\u200b0 pounds", "_money_"),
        ("$$$5", "_money_"),
        ("", ""),
    ],
)
def test_all_rules_together(text, expected):
    assert RegexPreprocessor().transform([text]).tolist() == [expected]


# Pieces that rules share, so that one rule's result can be another rule's match.
PIECES = [
    *"$£5 .,@:/wusdolarkmxAé_'-%!?)(ΣİS\n",
    *("usd", "eur", "dolllars", "million", "www.", "://", "http://", "@x.y", "5.5", "1,000"),
    *("...", "\u200b", "’", "\u00a0", "_url_", "_money_", "aaa"),
]
texts_from_pieces = st.lists(st.sampled_from(PIECES), max_size=15).map("".join)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.text() | texts_from_pieces, max_size=5))
def test_cleaning_is_idempotent(texts):
    preprocessor = RegexPreprocessor()
    cleaned = preprocessor.transform(texts)
    assert preprocessor.transform(cleaned).tolist() == cleaned.tolist()


def test_cleaning_is_idempotent_on_many_seeded_texts():
    generator = random.Random(0)
    texts = ["".join(generator.choices(PIECES, k=generator.randint(1, 14))) for _ in range(20_000)]
    preprocessor = RegexPreprocessor()
    cleaned = preprocessor.transform(texts)
    assert preprocessor.transform(cleaned).tolist() == cleaned.tolist()


def test_no_character_alone_breaks_idempotence():
    every_character = [chr(code) * 3 for code in range(0x30000)]
    cleaned = RegexPreprocessor().transform(every_character)
    assert RegexPreprocessor().transform(cleaned).tolist() == cleaned.tolist()


@settings(max_examples=300, deadline=None)
@given(st.text() | texts_from_pieces)
def test_cleaned_text_is_clean(text):
    (cleaned,) = RegexPreprocessor().transform([text])
    assert not any("A" <= character <= "Z" for character in cleaned)
    assert cleaned == " ".join(cleaned.split())


@settings(max_examples=500, deadline=None)
@given(st.text() | texts_from_pieces)
def test_guards_change_nothing(text):
    """A guard may save a substitution only where the pattern has no match."""
    for rule in DEFAULT_RULES:
        assert rule.apply([text]) == rule._replace(guard=None).apply([text]), rule.name


def test_texts_are_cleaned_one_by_one(data_home):
    texts = _queries(data_home)[:2_000]
    preprocessor = RegexPreprocessor()
    one_by_one = [preprocessor.transform([text])[0] for text in texts]
    assert preprocessor.transform(texts).tolist() == one_by_one


def test_real_queries_are_cleaned_and_kept(data_home):
    texts = _queries(data_home)
    cleaned = RegexPreprocessor().transform(texts)
    assert len(cleaned) == len(texts) == 10_003
    assert all(cleaned)
    assert not any(
        sign + digit in text for text in cleaned for sign in "$£€" for digit in "0123456789"
    )
    assert sum("_money_" in text for text in cleaned) == 134


def _queries(data_home):
    with open(data_home / "banking77_train.csv", encoding="utf-8", newline="") as file:
        return [row["text"] for row in csv.DictReader(file)]


HOSTILE = [
    *"a1$@.,!- \n'_:/é",
    *("//", "://", "http://", "www.", "www", "a@a@", "a@a.", "a.a.a.", "a@a.a.@", "a@a.1@", "+-%"),
    *("1,1,", "1.", "1,1x", "$1", "1$", "1 ", "$ ", "usd", "usd ", "1 usdx ", "1 million ", "1k "),
    *("aab", "aaa", "\u200b", "İ", "Σ", "://.,'", "١"),
]


@pytest.mark.parametrize("length", [100_000, 200_000])
@pytest.mark.parametrize("start, end", [("", ""), ("http://1,", "x"), ("usd a@", " usd")])
def test_time_is_linear_on_hostile_texts(start, end, length):
    """A quadratic rule needs minutes for one of these texts, a linear one 0.1 s."""
    preprocessor = RegexPreprocessor()
    for unit in HOSTILE:
        text = start + unit * (length // len(unit)) + end
        for rule in DEFAULT_RULES:
            _within_seconds(2, rule._replace(guard=None).apply, [text], what=(rule.name, unit))
        _within_seconds(4, preprocessor.transform, [text], what=("all", unit))


def test_time_is_linear_on_mixed_hostile_texts():
    generator = random.Random(0)
    for _ in range(30):
        units = generator.sample(HOSTILE, 3)
        text = "".join(generator.choices(units, k=50_000))
        for rule in DEFAULT_RULES:
            _within_seconds(2, rule._replace(guard=None).apply, [text], what=(rule.name, units))


def _within_seconds(limit, function, argument, what):
    start = time.perf_counter()
    function(argument)
    assert time.perf_counter() - start < limit, what
