"""Where downloaded data sets are kept."""

import os
from pathlib import Path


def data_folder(data_home: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of the data sets. It need not exist.

    `data_home` where given, else the environment variable ``SIFAL_DATA``, else
    ``sklearn_sifal`` in scikit-learn's data home.
    """
    if data_home is not None:
        return Path(data_home).expanduser()
    if os.environ.get("SIFAL_DATA"):
        return Path(os.environ["SIFAL_DATA"]).expanduser()
    # Not sklearn.datasets.get_data_home(): that creates the folder, even for a
    # caller who only asks whether a file is there.
    sklearn_home = os.environ.get("SCIKIT_LEARN_DATA") or Path("~", "scikit_learn_data")
    return Path(sklearn_home).expanduser() / "sklearn_sifal"
