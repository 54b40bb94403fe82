"""Made-up customer queries with their intents."""

from typing import Any, Literal, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._parameters import check_integer_value, check_real_value
from sklearn_sifal.datasets._draws import (
    Draw,
    RandomStateLike,
    cumulative_shares,
    permutation,
    pick,
    seed_sequence,
    uniform_draw,
)
from sklearn_sifal.datasets._intent_grammar import intent_grammar
from sklearn_sifal.datasets._phrasebook import phrasebook
from sklearn_sifal.datasets._typos import add_elongation, add_typos

# A few of each class, so that a stratified split works on a small data set too.
_LEAST_PER_INTENT = 5

# Three kinds of typist: cumulative share, and typos relative to the mean of all.
# Most make few and some make many: 0.5 * 0.3 + 0.35 * 1.4 + 0.15 * 2.4 = 1.
_TYPISTS = ((0.5, 0.3), (0.85, 1.4), (1.0, 2.4))
MOST_TYPOS = 0.4  # the largest rate at which the worst typist still has a probability


Texts = NDArray[np.object_]
Names = NDArray[np.str_]


@overload
def make_intents(
    n_samples: int = ...,
    n_intents: int = ...,
    *,
    label_noise: float = ...,
    rare_wording: float = ...,
    typo_rate: float = ...,
    elongation_rate: float = ...,
    imbalance: float = ...,
    zipf: float | None = ...,
    return_true_labels: Literal[False] = ...,
    random_state: RandomStateLike = ...,
) -> tuple[Texts, Names]: ...
@overload
def make_intents(
    n_samples: int = ...,
    n_intents: int = ...,
    *,
    label_noise: float = ...,
    rare_wording: float = ...,
    typo_rate: float = ...,
    elongation_rate: float = ...,
    imbalance: float = ...,
    zipf: float | None = ...,
    return_true_labels: Literal[True],
    random_state: RandomStateLike = ...,
) -> tuple[Texts, Names, Names]: ...
def make_intents(
    n_samples: int = 15000,
    n_intents: int = 32,
    *,
    label_noise: float = 0.0,
    rare_wording: float = 0.15,
    typo_rate: float = 0.1,
    elongation_rate: float = 0.08,
    imbalance: float = 8.0,
    zipf: float | None = None,
    return_true_labels: bool = False,
    random_state: RandomStateLike = None,
) -> Any:
    """Make up customer queries with their intents.

    The texts are synthetic: no customer wrote them. A grammar puts together
    short English queries to a bank, a shop and a phone company, with synonyms,
    amounts, dates, order numbers, addresses, typos and drawn-out words, such as
    "Can you plesae calll me back" for ``user_request_callback``. They are made
    to try out and compare methods on known ground truth. Figures measured on
    them do not transfer to real queries.

    Most queries are easy. What is hard is a tail of rare wording and typos: at
    the defaults a linear model on counts of words and word pairs, trained on
    70 %, gets about 93 % of the rest right (about 88 % with ``n_samples=5000``)
    and nearly all with ``rare_wording=0, typo_rate=0, elongation_rate=0``. The
    wordings of two intents never coincide.

    Parameters
    ----------
    n_samples : int, default=15000
        Number of queries, at least 1.
    n_intents : int, default=32
        Number of intents, 2 to 40. The same number always gives the same
        intents. If there are fewer queries than intents, some are absent.
    label_noise : float, default=0.0
        Share of labels that are wrong, in [0, 1]. ``round(label_noise *
        n_samples)`` rows get the label of another intent, all rows and all
        other intents being equally likely. Texts and true labels stay as they
        are without noise.
    rare_wording : float, default=0.15
        Share in [0, 1] of the choices of words that fall on rare ones, and of
        queries that come to the point by way of another matter ("I don't want
        to close my account. How do I change my pin?").
    typo_rate : float, default=0.1
        Mean share of words with a typo, in [0, 0.4], among words of at least
        three letters. Some writers make more typos than others. Numbers, links
        and addresses are spared.
    elongation_rate : float, default=0.08
        Share of queries, in [0, 1], in which one word may be drawn out
        ("pleaseee"). Words without a fitting letter stay as they are.
    imbalance : float, default=8.0
        Size of the largest intent relative to the smallest, at least 1; about,
        as each intent has at least ``min(5, n_samples // n_intents)`` queries.
        The sizes in between fall geometrically. Which intent is how frequent
        depends on `random_state`.
    zipf : float, default=None
        Repetition, at least 0. Real query logs repeat themselves: with a
        number, each intent's queries are drawn with replacement from as many
        as it has rows, the r-th with probability proportional to
        ``r ** -zipf``, those in usual wording first. Sizes of intents stay. None
        and 0 draw each query afresh; short ones still coincide now and then.
    return_true_labels : bool, default=False
        Whether to return also the labels before noise.
    random_state : int, RandomState instance or None, default=None
        Determines the data. The same int gives the same data on every
        platform. None makes new data on each call. NumPy's global state is
        neither used nor changed.

    Returns
    -------
    X : ndarray of shape (n_samples,), dtype object
        The queries, as str, in random order.
    y : ndarray of shape (n_samples,), dtype str
        The names of their intents, with label noise.
    y_true : ndarray of shape (n_samples,), dtype str
        The names before label noise. Only if `return_true_labels` is True.

    Raises
    ------
    ValueError
        If a parameter has a wrong type or is out of its range. The error is a
        TypeError as well.

    See Also
    --------
    fetch_banking77 : Real customer queries.

    Notes
    -----
    Each concern draws from its own stream of random numbers. With a given seed
    ``make_intents(typo_rate=0, elongation_rate=0)`` therefore gives, row by row,
    the texts before typos; and noise changes labels only.

    With `zipf`, a random split has the same text on both sides, and test
    accuracy says little about texts not seen before.

    Examples
    --------
    >>> from sklearn_sifal.datasets import make_intents
    >>> X, y = make_intents(n_samples=1000, random_state=0)
    >>> X.shape, len(set(y))
    ((1000,), 32)
    >>> print(y[2], "|", X[2])
    card_swallowed | Help, the ATM kept my debit card.
    >>> print(y[10], "|", X[10])
    transfer_not_received | help, i am waitiiiing for a bank transfer
    """
    intents = intent_grammar()["intent"]
    check_integer_value("make_intents", "n_samples", n_samples, 1)
    check_integer_value("make_intents", "n_intents", n_intents, 2, len(intents))
    check_real_value("make_intents", "label_noise", label_noise, 0, 1)
    check_real_value("make_intents", "rare_wording", rare_wording, 0, 1)
    check_real_value("make_intents", "typo_rate", typo_rate, 0, MOST_TYPOS)
    check_real_value("make_intents", "elongation_rate", elongation_rate, 0, 1)
    check_real_value("make_intents", "imbalance", imbalance, 1)
    check_real_value("make_intents", "zipf", zipf, 0, none=True)
    query_seed, noise_seed = seed_sequence(random_state, "make_intents").spawn(2)
    # Python's own numbers: the data must not depend on the width of a NumPy scalar.
    queries = draw_queries(
        int(n_samples),
        int(n_intents),
        rare_wording=float(rare_wording),
        typo_rate=float(typo_rate),
        elongation_rate=float(elongation_rate),
        imbalance=float(imbalance),
        zipf=None if zipf is None else float(zipf),
        seed=query_seed,
    )
    names = np.array(list(intents))
    X = np.array(queries.written, dtype=object)
    y = names[disturb_labels(queries.codes, int(n_intents), float(label_noise), noise_seed)]
    return (X, y, names[queries.codes]) if return_true_labels else (X, y)


class Queries(NamedTuple):
    """What was drawn before labels are disturbed, one entry a row.

    Attributes
    ----------
    meant : list of str
        The texts as their writers meant them.
    written : list of str
        The same with typos and drawn-out words.
    codes : ndarray of shape (n_samples,)
        The true intents, as positions in the grammar.
    """

    meant: list[str]
    written: list[str]
    codes: NDArray[np.intp]


def intent_sizes(n_samples: int, n_intents: int, imbalance: float) -> list[int]:
    """Return class sizes that fall geometrically from the largest to the smallest."""
    least = min(_LEAST_PER_INTENT, n_samples // n_intents)
    rest = n_samples - least * n_intents
    weights = [imbalance ** (-i / (n_intents - 1)) for i in range(n_intents)]
    # Rounding the running sums gives whole numbers that add up to the total.
    marks = [round(share * rest) for share in cumulative_shares(weights)]
    return [least + b - a for a, b in zip([0, *marks], marks, strict=False)]


def _draw_codes(
    n_samples: int, n_intents: int, imbalance: float, seed: np.random.SeedSequence
) -> NDArray[np.intp]:
    """Return the intent of each row: which intent is how large is drawn, too."""
    rng = np.random.Generator(np.random.PCG64(seed))
    by_size = permutation(n_intents, rng)
    codes = np.repeat(by_size, intent_sizes(n_samples, n_intents, imbalance))
    return codes[permutation(n_samples, rng)]


def _draw_typist(draw: Draw) -> int:
    u = draw()
    return next(kind for kind, (share, _) in enumerate(_TYPISTS) if u < share)


def _repeat_by_zipf(
    codes: NDArray[np.intp], effort: NDArray[np.int64], zipf: float, draw: Draw
) -> NDArray[np.intp]:
    """Return for each row the row whose text it repeats, drawn within its intent.

    `effort` is how far each text is from a plain one: rare wording, slips.
    Within an intent, the r-th query is drawn with probability proportional to
    r ** -zipf. Queries in usual wording by careful typists come first: they are
    the ones that come in again and again.
    """
    source = np.empty(len(codes), dtype=np.intp)
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        ranked = rows[np.argsort(effort[rows], kind="stable")]
        shares = cumulative_shares((r + 1.0) ** -zipf for r in range(len(rows)))
        for row in rows:
            source[row] = ranked[pick(shares, draw())]
    return source


def draw_queries(
    n_samples: int,
    n_intents: int,
    *,
    rare_wording: float,
    typo_rate: float,
    elongation_rate: float,
    imbalance: float,
    zipf: float | None,
    seed: np.random.SeedSequence,
) -> Queries:
    """Draw texts and their true intents.

    Each concern has its own stream of numbers, so that a parameter changes what
    it is about and nothing else.
    """
    seeds = seed.spawn(6)
    codes = _draw_codes(n_samples, n_intents, imbalance, seeds[0])
    wording, typist, typo, elongation, repetition = map(uniform_draw, seeds[1:])
    book = phrasebook()
    meant, written = [], []
    effort = np.empty(n_samples, dtype=np.int64)
    for i, code in enumerate(codes.tolist()):
        text, is_rare = book.query(code, n_intents, rare_wording, wording)
        kind = _draw_typist(typist)
        meant.append(text)
        effort[i] = kind + is_rare
        if typo_rate:
            text = add_typos(text, typo_rate * _TYPISTS[kind][1], typo)
        if elongation() < elongation_rate:
            text = add_elongation(text, elongation)
        written.append(text)
    if zipf:
        source = _repeat_by_zipf(codes, effort, zipf, repetition)
        meant = [meant[i] for i in source]
        written = [written[i] for i in source]
    return Queries(meant, written, codes)


def disturb_labels(
    codes: NDArray[np.intp], n_intents: int, label_noise: float, seed: np.random.SeedSequence
) -> NDArray[np.intp]:
    """Return `codes` with a share of them replaced by another intent's."""
    rng = np.random.Generator(np.random.PCG64(seed))
    rows = permutation(len(codes), rng)[: round(label_noise * len(codes))]
    step = 1 + (rng.random(len(rows)) * (n_intents - 1)).astype(np.intp)
    disturbed = codes.copy()
    disturbed[rows] = (codes[rows] + step) % n_intents
    return disturbed
