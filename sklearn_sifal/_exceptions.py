"""The errors and the warning that the package has of its own."""


class InvalidParameterError(ValueError, TypeError):
    """A parameter has a value or a type that is not allowed."""


class NonFiniteLossError(FloatingPointError, ValueError):
    """A measured loss is infinite or not a number.

    Parameters
    ----------
    message : str
        What happened.
    row : int, default=None
        The row it happened for.

    Attributes
    ----------
    row : int or None
        The row, as numbered by the raiser.
    """

    def __init__(self, message: str, row: int | None = None) -> None:
        super().__init__(message)
        self.row = row


class InconsistentVersionWarning(UserWarning):
    """Something was saved by one version of sklearn_sifal and is loaded by another.

    It is loaded, but may not work, or give other results: attributes and their meaning
    change between versions. Use the version that it was saved with, or make it and save it
    anew, which for a model means to fit it again.

    Parameters
    ----------
    name : str
        What is loaded.
    saved_version : str or None
        The version that it was saved with; None if it does not say.
    current_version : str
        The version that loads it.

    Attributes
    ----------
    name, saved_version, current_version
        As given.

    Notes
    -----
    scikit-learn's warning of this name speaks of versions of scikit-learn, and has them as
    attributes. A pipeline may give rise to both, so that they have to be told apart.
    """

    def __init__(self, name: str, saved_version: str | None, current_version: str) -> None:
        super().__init__(name, saved_version, current_version)
        self.name = name
        self.saved_version = saved_version
        self.current_version = current_version

    def __str__(self) -> str:
        saved = "an unknown, earlier version" if self.saved_version is None else self.saved_version
        return (
            f"{self.name} was saved with sklearn_sifal {saved} and is loaded with "
            f"{self.current_version}. It may not work, or give other results. Load it with the "
            "version it was saved with, or make it and save it anew with this one."
        )
