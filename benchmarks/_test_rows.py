"""What each fit says of each test row, a file a fit, and what is true, a file a test part."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks._datasets import Part
from sklearn_sifal._whole_files import replacing

if TYPE_CHECKING:
    from benchmarks._cells import Cell


class Said(NamedTuple):
    """What a fit says of the test rows, and what is true.

    `rows` are their numbers in the file they come from, `groups` the same number where rows
    are equal.
    """

    predicted: NDArray[np.int64]
    losses: NDArray[np.float64]
    labels: NDArray[np.int64]
    rows: NDArray[np.int64]
    groups: NDArray[np.int64]


class TestRows:
    """A folder of such files."""

    __test__ = False  # it is no test of pytest's

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, fit: "Cell", part_number: int, part: Part, predicted: Any, losses: Any) -> None:
        """Write what a fit says, and the truth unless it is there."""
        truth = self._truth_path(fit.dataset, part_number)
        if not truth.exists():
            _write(
                truth,
                labels=_compact(part.test_labels),
                rows=_compact(part.test_rows),
                groups=_compact(part.test_groups),
            )
        _write(self._path(fit), predicted=_compact(predicted), losses=losses.astype(np.float32))

    def has(self, fit: "Cell") -> bool:
        return self._path(fit).exists()

    def load(self, fit: "Cell", part_number: int) -> Said:
        said = _read(self._path(fit))
        truth = _read(self._truth_path(fit.dataset, part_number))
        return Said(
            said["predicted"].astype(np.int64),
            said["losses"].astype(np.float64),
            *(truth[name].astype(np.int64) for name in ("labels", "rows", "groups")),
        )

    def _path(self, fit: "Cell") -> Path:
        name = f"{fit.strategy}-{fit.noise:g}-{fit.budget:g}-{fit.lr:g}-{fit.seed}.npz"
        return self._folder / fit.dataset / name

    def _truth_path(self, dataset: str, part_number: int) -> Path:
        return self._folder / dataset / f"truth-{part_number}.npz"


def _compact(numbers: Any) -> Any:
    """As the smallest unsigned type that holds them."""
    return numbers.astype(np.min_scalar_type(int(numbers.max())))


def _write(path: Path, **arrays: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        np.savez_compressed(file, **arrays)


def _read(path: Path) -> Mapping[str, Any]:
    with np.load(path) as arrays:
        return dict(arrays)
