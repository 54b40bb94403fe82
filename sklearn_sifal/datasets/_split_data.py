"""What is returned of a data set in a fixed split."""

from importlib.resources import files
from typing import Any

from numpy.typing import NDArray
from sklearn.utils import Bunch


def split_data(
    name: str,
    arrays: tuple[NDArray[Any], ...],
    target_names: list[str],
    return_X_y: bool,
    **more: Any,
) -> Any:
    """X_train, X_test, y_train and y_test alone, or with all that is known of them.

    Parameters
    ----------
    name : str
        Of the description, a file in the folder ``_descriptions``.
    arrays : tuple of ndarray
        The four arrays.
    target_names : list of str
        Names of the classes.
    return_X_y : bool
        Whether the arrays are all that is wanted.
    **more
        Further attributes.
    """
    if return_X_y:
        return arrays
    description = files("sklearn_sifal.datasets").joinpath("_descriptions", f"{name}.txt")
    parts = dict(zip(("X_train", "X_test", "y_train", "y_test"), arrays, strict=True))
    return Bunch(
        **parts, target_names=target_names, **more, DESCR=description.read_text(encoding="utf-8")
    )
