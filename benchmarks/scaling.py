"""How time and memory of a fit grow: rows from 10^4 to 10^7, features to 10^6.

Run it from the project's root, on one thread, with BANKING77 in ``SIFAL_DATA`` (it is
downloaded where it is not there)::

    python -m benchmarks.scaling                 # all, about an hour, 3 GB of disk
    python -m benchmarks.scaling rows features   # some of rows, features, dense
    python -m benchmarks.scaling --quick         # few rows, seconds: it runs

Sparse rows have about 30 non-zeros, their columns by a Zipf law as in text or all equally
likely; a net with 128 hidden units learns 77 classes. Every size has a process of its own, in
which fits of it alternate with fits of BANKING77 (for a dense table: of 10,000 rows of it):
the ratio is that of the seconds per non-zero, a median. ``base`` is one epoch; ``default`` is
the default strategy with ``budget=2``, scoring and choosing included, up to 10^6 rows. Memory
is what the process has more of during a fit than before, X and y not counted: resident, with
the pages of mapped files, and anonymous, without. The largest X is a map of files, made by
``datasets.save_csr`` below the output folder and deleted at the end. Written to
``build/scaling/``: ``results.json`` and ``scaling.png``.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from benchmarks._machine import machine
from benchmarks._scaling_cell import STRATEGIES, Cell

ROOT = Path(__file__).resolve().parent.parent
# Rows from which X is a map of a file.
MAPPED_FROM = 3_000_000
# Rows from which only `base` is run: an epoch takes minutes.
BASE_ONLY_FROM = 3_000_000


def cells(sweep: str, quick: bool, turns: int, folder: Path) -> list[Cell]:
    """The sizes of a sweep, from small to large."""

    def cell(kind: str, n_rows: int, n_features: int) -> Cell:
        # Long fits are their own average.
        repeats = 1 if quick or n_rows > 1_000_000 else turns
        mapped = quick or n_rows >= MAPPED_FROM
        strategies = ("base",) if n_rows >= BASE_ONLY_FROM else ("base", "default")
        return Cell(kind, n_rows, n_features, mapped, repeats, quick, str(folder), strategies)

    if sweep == "dense":
        return [cell("dense", n, 100) for n in ((500,) if quick else (10**4, 10**5, 10**6))]
    if quick:
        return [cell("zipf", 1000, 2000) if sweep == "rows" else cell("uniform", 1000, 4000)]
    if sweep == "features":
        widths = (20_000, 200_000, 1_000_000)
        return [cell(kind, 10**5, width) for kind in ("zipf", "uniform") for width in widths]
    sizes = [(kind, 10**k) for k in (4, 5, 6) for kind in ("zipf", "uniform")]
    return [cell(kind, n, 200_000) for kind, n in [*sizes, ("zipf", 10**7)]]


SWEEPS = ("rows", "features", "dense")


def measure(cell: Cell) -> dict[str, Any]:
    """Run a cell in a process of its own."""
    command = [sys.executable, "-m", "benchmarks._scaling_cell", json.dumps(asdict(cell))]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    shown = {k: v for k, v in asdict(cell).items() if k not in ("folder", "quick", "strategies")}
    return {**shown, **found}


def print_table(sweep: str, lines: Sequence[dict[str, Any]]) -> None:
    print(f"\n## {sweep}\n")
    print(
        "| columns | rows | features | values | X | strategy | s | s per million values "
        "| x reference | anonymous | resident |"
    )
    print("|---|---:|---:|---:|---:|---|---:|---:|---:|---:|---:|")
    for line in lines:
        size = f"{line['data_bytes'] / 1e6:.0f} MB" + (", mapped" if line["mapped"] else "")
        for name in (n for n in STRATEGIES if n in line):
            found = line[name]
            figures = [
                line["kind"],
                f"{line['n_rows']:,}",
                f"{line['n_features']:,}",
                f"{line['n_values']:,}",
                size,
                name,
                f"{found['seconds']:.2f}",
                f"{found['per_million']:.3f}",
                f"{found['ratio']:.2f}",
                f"{found['anonymous'] / 1e6:.0f} MB",
                f"{found['peak'] / 1e6:.0f} MB",
            ]
            print("| " + " | ".join(figures) + " |")


def plot(results: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """Ratios of the seconds per value, and memory, against rows and features."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, len(results), figsize=(5 * len(results), 7), squeeze=False)
    for (sweep, lines), (above, below) in zip(results.items(), axes.T, strict=True):
        size = "n_features" if sweep == "features" else "n_rows"
        for kind in dict.fromkeys(line["kind"] for line in lines):
            for name, style in (("base", "solid"), ("default", "dashed")):
                some = [line for line in lines if line["kind"] == kind and name in line]
                x = [line[size] for line in some]
                label = f"{kind}, {name}"
                ratios = [line[name]["ratio"] for line in some]
                above.plot(x, ratios, marker="o", markersize=4, linestyle=style, label=label)
                memory = [line[name]["anonymous"] / 1e6 for line in some]
                below.plot(x, memory, marker="o", markersize=4, linestyle=style, label=label)
        above.axhline(1.3, color="grey", linewidth=0.8, linestyle="dotted")
        above.set(xscale="log", ylim=(0, None), title=sweep, ylabel="s per value, x reference")
        below.set(xscale="log", yscale="log", xlabel=size, ylabel="anonymous memory of a fit, MB")
        above.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scaling", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("sweeps", nargs="*", metavar="sweep", help="rows, features, dense")
    parser.add_argument("--turns", type=int, default=3, help="fits of each size up to 10^6 rows")
    parser.add_argument("--most-rows", type=int, default=None, help="leave out larger sizes")
    parser.add_argument("--quick", action="store_true", help="few rows, to see that it runs")
    parser.add_argument("--out", type=Path, default=Path("build/scaling"))
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.sweeps) - set(SWEEPS):
        parser.error(f"unknown sweep {sorted(unknown)[0]!r}; known: {', '.join(SWEEPS)}")
    torch.set_num_threads(1)
    out = chosen.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    results: dict[str, list[dict[str, Any]]] = {}
    about = machine()
    print(" ".join(f"{k}={v}" for k, v in about.items()))
    path = out / "results.json"
    for sweep in chosen.sweeps or SWEEPS:
        results[sweep] = []
        for cell in cells(sweep, chosen.quick, chosen.turns, out):
            if chosen.most_rows is not None and cell.n_rows > chosen.most_rows:
                continue
            print(f"  {sweep}: {cell.kind}, {cell.n_rows} x {cell.n_features}", flush=True)
            results[sweep].append(measure(cell))
            everything = {"machine": about, "quick": chosen.quick, **results}
            path.write_text(json.dumps(everything, indent=1), encoding="utf-8")
        print_table(sweep, results[sweep])
    plot(results, out / "scaling.png")
    print(f"\nWritten to {path}")


if __name__ == "__main__":
    main()
