"""A transformer that cleans texts with regular expressions."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags

from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal._parameters import check_choice, reject
from sklearn_sifal._plain_arrays import as_objects
from sklearn_sifal._saved_states import SavedState
from sklearn_sifal.preprocessing._rules import DEFAULT_RULES, Rule
from sklearn_sifal.preprocessing._texts import as_texts

_DEFAULT_BY_NAME = {rule.name: rule for rule in DEFAULT_RULES}


class RegexPreprocessor(
    SavedState,
    TransformerMixin,
    BaseEstimator,
    # The output is the 1-D input of a vectorizer. Wrapped as the one column of a data frame,
    # a vectorizer would read the name of the column as its only text.
    auto_wrap_output_keys=None,
):
    r"""Clean texts with a list of named rules.

    The default rules fit short customer queries. They apply in this order:

    ===============  ====================================================================
    name             effect
    ===============  ====================================================================
    ``invisible``    soft hyphens, zero-width spaces, word joiners, byte-order marks
                     are removed
    ``quotes``       curly quotation marks and apostrophes become straight
    ``lowercase``    upper case becomes lower case (:meth:`str.lower`)
    ``punctuation``  a repeated punctuation mark becomes one: ``!!!`` becomes ``!``
    ``url``          ``https://a.com/b``, ``www.a.com`` become ``_url_``
    ``elongation``   a letter three or more times in a row becomes two: ``calll``
                     becomes ``call``
    ``money``        ``$5``, ``1,000.50 eur``, ``5 pounds`` become ``_money_``
    ``number``       ``5``, ``1,000.50`` become ``_number_``; ``covid19``, ``3d``,
                     ``10am`` stay
    ``email``        ``ann@mail.com`` becomes ``_email_``
    ``whitespace``   any white space becomes one space, none at either end
    ===============  ====================================================================

    :class:`~sklearn.feature_extraction.text.CountVectorizer` and
    :class:`~sklearn.feature_extraction.text.TfidfVectorizer` keep each of the tokens
    ``_url_``, ``_money_``, ``_number_`` and ``_email_`` in one piece.

    Parameters
    ----------
    rules : "default" or list, default="default"
        The rules, in the order in which they apply. Each item of a list is one of:

        - ``"default"``: all default rules;
        - the name of a default rule, such as ``"lowercase"``;
        - a pair ``(pattern, replacement)``, as for :func:`re.sub`;
        - a triple ``(name, pattern, replacement)``, whose name is used in errors; a
          pair is called by its position, such as ``rules[1]``;
        - an item of the ``rules_`` of another preprocessor.

        A pattern is a str or the result of :func:`re.compile`, a replacement is a str
        or a function from match to str. So ``["default", (r"\bacct\b", "account")]``
        extends the default rules, and ``[(r"\bacct\b", "account")]`` replaces them. An
        empty list leaves the texts as they are.

    missing : {"raise", "empty"}, default="raise"
        What a missing text (None, NaN, ``pandas.NA``, ``pandas.NaT``) does: raise an
        error that names its position, or become the empty text. Anything else that is
        not a str raises in either case.

    Attributes
    ----------
    rules_ : tuple of Rule
        The rules that `fit` compiled. A rule has the fields ``name``, ``pattern``
        (compiled; None for a function of the whole text), ``replacement`` and
        ``guard`` (None, or a test that skips texts without a match).

    See Also
    --------
    sklearn.feature_extraction.text.CountVectorizer : Count the words of the cleaned
        texts.
    sklearn.preprocessing.FunctionTransformer : Apply any function of the whole input.

    Notes
    -----
    The preprocessor is stateless: `transform` gives the same result before and after
    `fit`. Before `fit` it checks and compiles the rules on every call.

    Each default rule takes linear time on any text, and all of them together leave a
    cleaned text as it is. Neither is promised for rules of your own.

    The output of `transform` is a 1-D array whatever :meth:`set_output` asks for, as a
    vectorizer needs it.

    A function as replacement must be importable (no lambda) for the preprocessor to be
    pickled.

    Examples
    --------
    >>> from sklearn_sifal.preprocessing import RegexPreprocessor
    >>> texts = ["Why was I charged $1,000.50???", "Pleeease  calll ANN@mail.com"]
    >>> RegexPreprocessor().fit_transform(texts).tolist()
    ['why was i charged _money_?', 'pleease call _email_']

    Extend the default rules:

    >>> extended = RegexPreprocessor(rules=["default", (r"\bacct\b", "account")])
    >>> extended.fit_transform(["My ACCT is blocked!!"]).tolist()
    ['my account is blocked!']

    In front of a vectorizer:

    >>> from sklearn.feature_extraction.text import CountVectorizer
    >>> from sklearn.pipeline import make_pipeline
    >>> pipe = make_pipeline(RegexPreprocessor(), CountVectorizer()).fit(texts)
    >>> pipe.get_feature_names_out().tolist()
    ['_email_', '_money_', 'call', 'charged', 'pleease', 'was', 'why']
    """

    def __init__(
        self,
        rules: str | Sequence[Any] = "default",
        *,
        missing: str = "raise",
    ) -> None:
        self.rules = rules
        self.missing = missing

    def fit(self, X: Any, y: object = None) -> Self:
        """Check the texts, and check and compile the rules.

        Parameters
        ----------
        X : sequence of str of shape (n_samples,)
            The texts: list, tuple, 1-D array, or Series of pandas or polars.

        y : object, default=None
            Not used; present by convention.

        Returns
        -------
        self : RegexPreprocessor
            The fitted preprocessor.
        """
        rules = self._checked_rules()
        as_texts(X, self.missing)
        self.rules_ = rules
        return self

    def transform(self, X: Any) -> NDArray[np.object_]:
        """Clean the texts.

        Parameters
        ----------
        X : sequence of str of shape (n_samples,)
            The texts: list, tuple, 1-D array, Series of pandas or polars, or column of
            pyarrow. It is left unchanged.

        Returns
        -------
        X_clean : ndarray of shape (n_samples,), dtype=object
            The cleaned texts, as `str`. Empty if `X` is.
        """
        rules = self.rules_ if hasattr(self, "rules_") else self._checked_rules()
        texts = as_texts(X, self.missing)
        for rule in rules:
            texts = rule.apply(texts)
        return as_objects(texts)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the name of the one output column.

        Parameters
        ----------
        input_features : array-like of str, default=None
            The names of the input.

        Returns
        -------
        names : ndarray of shape (n_names,), dtype=object
            `input_features` if given, else ``['text']``.
        """
        names = np.asarray(["text"] if input_features is None else input_features, dtype=object)
        if names.ndim != 1:
            raise ValueError(
                f"input_features must be a 1-D array of names, got {input_features!r}."
            )
        return names.copy()

    def set_output(self, *, transform: str | None = None) -> Self:
        """Do nothing: the output is a 1-D array of texts in any case.

        Present so that ``set_output`` of a pipeline reaches the steps that follow.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            Ignored.

        Returns
        -------
        self : RegexPreprocessor
            The preprocessor, unchanged.
        """
        return self

    def _checked_rules(self) -> tuple[Rule, ...]:
        """Check the parameters and compile the rules."""
        is_default = isinstance(self.rules, str) and self.rules == "default"
        if not is_default and not isinstance(self.rules, list | tuple):
            reject(self, "rules", "'default' or a list of rules", self.rules)
        check_choice(self, "missing", ("raise", "empty"))
        return _compile_rules(self.rules)

    def _attributes_to_save(self) -> dict[str, Any]:
        """The compiled rules as plain values, which safer formats than pickle can hold."""
        attributes = super()._attributes_to_save()
        if "rules_" in attributes:
            attributes["rules_"] = [_as_item(rule) for rule in attributes["rules_"]]
        return attributes

    def _set_saved_attributes(self, attributes: dict[str, Any]) -> None:
        if "rules_" in attributes:
            attributes = {**attributes, "rules_": _compile_rules(attributes["rules_"])}
        super()._set_saved_attributes(attributes)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = self.missing == "empty"
        tags.transformer_tags.preserves_dtype = []
        tags.requires_fit = False
        return tags


def _compile_rules(rules: str | Sequence[Any]) -> tuple[Rule, ...]:
    """Turn the parameter `rules` into compiled rules."""
    items = [rules] if isinstance(rules, str) else rules
    compiled: list[Rule] = []
    for position, item in enumerate(items):
        if isinstance(item, str):
            compiled.extend(_named_rules(item))
        else:
            compiled.append(_own_rule(item, f"rules[{position}]"))
    return tuple(compiled)


def _as_item(rule: Rule) -> str | tuple[str, str | re.Pattern[str], Any]:
    """Return the item of the parameter `rules` that stands for `rule`."""
    if rule in DEFAULT_RULES:
        return rule.name
    assert rule.pattern is not None
    source = rule.pattern.pattern
    plain = re.compile(source) == rule.pattern  # no flags beside those in the source
    return rule.name, source if plain else rule.pattern, rule.replacement


def _named_rules(name: str) -> tuple[Rule, ...]:
    """Return the default rule called `name`, or all of them for "default"."""
    if name == "default":
        return DEFAULT_RULES
    if name not in _DEFAULT_BY_NAME:
        known = ", ".join(repr(known) for known in ("default", *_DEFAULT_BY_NAME))
        raise InvalidParameterError(
            f"rules holds the unknown name {name!r}; the known names are {known}. "
            "A rule of your own is a pair inside the list: rules=[(pattern, replacement)]."
        )
    return (_DEFAULT_BY_NAME[name],)


def _own_rule(item: Any, place: str) -> Rule:
    """Return the rule that a user's pair or triple describes."""
    if isinstance(item, Rule):
        return item
    if not isinstance(item, (tuple, list)) or len(item) not in (2, 3):
        raise InvalidParameterError(
            f"{place} must be the name of a default rule, a pair (pattern, replacement) or a "
            f"triple (name, pattern, replacement), got {item!r}."
        )
    name = place
    if len(item) == 3:
        name = item[0]
        if not isinstance(name, str):
            raise InvalidParameterError(f"The name of {place} must be a str, got {name!r}.")
    pattern = _compile_pattern(name, item[-2])
    return Rule(name, pattern, _checked_replacement(name, pattern, item[-1]))


def _compile_pattern(name: str, pattern: Any) -> re.Pattern[str]:
    """Compile the pattern of the rule `name`."""
    if isinstance(pattern, re.Pattern) and isinstance(pattern.pattern, str):
        return pattern
    if not isinstance(pattern, str):
        raise InvalidParameterError(
            f"The pattern of rule {name!r} must be a str or a compiled pattern of str, "
            f"got {pattern!r}."
        )
    try:
        return re.compile(pattern)
    except re.error as error:
        raise InvalidParameterError(
            f"The pattern of rule {name!r} is no valid regular expression: {error}. "
            f"Got {pattern!r}."
        ) from error


def _checked_replacement(
    name: str, pattern: re.Pattern[str], replacement: Any
) -> str | Callable[[re.Match[str]], str]:
    """Return the replacement of the rule `name` if `pattern` can use it."""
    if callable(replacement):
        return replacement  # type: ignore[no-any-return]
    if not isinstance(replacement, str):
        raise InvalidParameterError(
            f"The replacement of rule {name!r} must be a str or a callable, got {replacement!r}."
        )
    try:
        pattern.sub(replacement, "")  # parses the replacement, match or no match
    except (re.error, IndexError) as error:  # IndexError: no group of that name
        raise InvalidParameterError(
            f"The replacement of rule {name!r} does not fit its pattern {pattern.pattern!r}: "
            f"{error}. Got {replacement!r}."
        ) from error
    return replacement
