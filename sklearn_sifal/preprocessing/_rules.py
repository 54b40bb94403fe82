"""The default cleaning rules, in the order in which they apply.

Two properties hold for every change made here, and the tests insist on both:

- Each rule takes linear time on any text. A run of characters is entered at one
  place only (a lookbehind forbids to start inside it), and it is consumed by
  possessive quantifiers, which never give back what they took.
- The rules together are idempotent: a cleaned text stays as it is. The order
  matters for that; the comment beside a rule says what it relies on.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple


class Rule(NamedTuple):
    """One step of the cleaning.

    Parameters
    ----------
    name : str
        What errors call the rule.

    pattern : re.Pattern or None
        What is replaced. None for a rule that is a function of the whole text.

    replacement : str or callable
        As for :func:`re.sub`; with ``pattern=None`` a function from text to text.

    guard : callable or None, default=None
        A cheap test of a text, false only where `pattern` cannot match. Most
        customer queries hold no digit and no ``@``, so that most of the time
        would go into substitutions in vain.
    """

    name: str
    pattern: re.Pattern[str] | None
    replacement: str | Callable[[Any], str]
    guard: Callable[[str], object] | None = None

    def apply(self, texts: list[str]) -> list[str]:
        """Clean each text on its own."""
        if self.pattern is None:
            assert callable(self.replacement)
            return [self.replacement(text) for text in texts]
        substitute, replacement, guard = self.pattern.sub, self.replacement, self.guard
        if guard is None:
            return [substitute(replacement, text) for text in texts]
        return [substitute(replacement, text) if guard(text) else text for text in texts]


_IS_WORD = re.compile(r"\w").match


@dataclass(frozen=True)
class Token:
    """A replacement that stays a word of its own.

    Parameters
    ----------
    text : str
        What replaces a match, with a space wherever it would touch a word character.
    """

    text: str

    def __call__(self, match: re.Match[str]) -> str:
        whole, start, end = match.string, match.start(), match.end()
        before = " " if start > 0 and _IS_WORD(whole, start - 1) else ""
        after = " " if _IS_WORD(whole, end) else ""
        return f"{before}{self.text}{after}"


# Underscores are word characters, so that CountVectorizer keeps each token whole and apart
# from the plain word: customers write "money" and "number" all the time.
URL_TOKEN = Token("_url_")
EMAIL_TOKEN = Token("_email_")
MONEY_TOKEN = Token("_money_")
NUMBER_TOKEN = Token("_number_")

_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]+")

_STRAIGHT = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201b\u2032\u02bc\uff07", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u2033\uff02", '"')
)

# Every ASCII mark but "/" (part of "://") and "_" (part of the tokens).
_REPEATED_MARK = re.compile(r"([!-.:-@\[-^`{-~])\1+")

# What may end a sentence around an address is no part of the address.
_CLOSING = r""".,;:!?'")\]}>"""
_URL = re.compile(
    rf"(?<!\w)(?:\w*+://|(?i:www)\.)(?:[{_CLOSING}]*+[^\s{_CLOSING}]++)++",
)

_LOCAL = r"[\w.%+-]"
# No digit at the end: it would hide from "number" that a comma and digits belong to it.
_DOMAIN = r"@[\w-]++(?:\.[\w-]++)++(?<!\d)"
# The second half takes in chains such as "a@b.c.@d.e": with its first address replaced,
# such a chain would look like one more address.
_EMAIL = re.compile(rf"(?<!{_LOCAL}){_LOCAL}++{_DOMAIN}(?:{_LOCAL}*+{_DOMAIN})*+")

_ELONGATED = re.compile(r"([^\W\d_])\1\1+")
_ANY_THREE_EQUAL = re.compile(r"(.)\1\1")  # half the time of the pattern above

_DIGIT = re.compile(r"\d")
_SYMBOL = "[$£€¥₹]"
_CODE = "(?:usd|eur|gbp|jpy|chf|cad|aud|nzd|inr|cny|hkd|sgd|sek|nok|dkk|pln)"
_UNIT = f"(?:{_CODE}|dollars?|euros?|pounds?|quid|bucks?|yen|rupees?|cents?|pence)"
# Groups of digits joined by points stand or fall together, so that "10.30am" and "v1.2" stay.
# After a comma a group that touches a letter is left out: "1,5x" is "1" and ",5x".
_GROUPS = r"\d++(?:\.\d++)*+"
_MAGNITUDE = r"(?:k|mn?|bn?|\s*+(?:thousand|million|billion))"
_AMOUNT = rf"{_GROUPS}(?:,{_GROUPS}(?={_MAGNITUDE}?{_UNIT}?(?!\w)))*+{_MAGNITUDE}?"
_MONEY = re.compile(
    # Symbol first, or code first: "$5", "usd 5", "usd $5", "$5 usd".
    rf"(?i:(?:(?<!\w){_CODE}\s*+{_SYMBOL}?+|{_SYMBOL})\s*+{_AMOUNT}(?:\s*+{_UNIT})?(?!\w)"
    # Number first: "5$", "5 usd", "5 dollars". An amount is entered at its first digit only.
    rf"|(?<!\w)(?<!\d[.,]){_AMOUNT}\s*+(?:{_SYMBOL}|{_UNIT}(?!\w)))"
)
_NUMBER = re.compile(rf"(?<!\w)(?<!\d[.,]){_GROUPS}(?!\w)(?:,{_GROUPS}(?!\w))*+")


def _has_non_ascii(text: str) -> bool:
    return not text.isascii()


def _straighten(text: str) -> str:
    return text if text.isascii() else text.translate(_STRAIGHT)


def _may_have_url(text: str) -> bool:
    return "://" in text or "www." in text.lower()


def _has_at_sign(text: str) -> bool:
    return "@" in text


def _single_spaces(text: str) -> str:
    return " ".join(text.split())


DEFAULT_RULES = (
    # Characters that nobody sees first: they would hide what follows from every other rule.
    Rule("invisible", _INVISIBLE, "", _has_non_ascii),
    Rule("quotes", None, _straighten),
    Rule("lowercase", None, str.lower),
    # Before the addresses: "http:://x" would become one in the second round only.
    # Looked for first: a replacement with \1 costs even in vain.
    Rule("punctuation", _REPEATED_MARK, r"\1", _REPEATED_MARK.search),
    # Before "elongation", which turns "www" into "ww".
    Rule("url", _URL, URL_TOKEN, _may_have_url),
    # Before "money", or "5dolllars" would become an amount in the second round only.
    Rule("elongation", _ELONGATED, r"\1\1", _ANY_THREE_EQUAL.search),
    Rule("money", _MONEY, MONEY_TOKEN, _DIGIT.search),
    Rule("number", _NUMBER, NUMBER_TOKEN, _DIGIT.search),
    # After the numbers: in "5$@x.com" and "a@5,5.com" their tokens complete an address.
    Rule("email", _EMAIL, EMAIL_TOKEN, _has_at_sign),
    Rule("whitespace", None, _single_spaces),
)
