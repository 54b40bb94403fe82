"""The experiment that datasetq publishes for its heap sampler, with our heap.

Run it from the project's root, with ``mnist.npz``, ``fashion_mnist.npz`` and
``kuzushiji_mnist.npz`` in ``SIFAL_DATA`` (arrays ``x_train`` of shape (60000, 28, 28),
``y_train``, ``x_test``, ``y_test``); a data set that is not there is left out::

    python -m benchmarks.datasetq                       # everything
    python -m benchmarks.datasetq --datasets mnist --seeds 2 --epochs 3
    python -m benchmarks.datasetq --quick               # 2,000 rows, 2 epochs, one seed, a minute
    python -m benchmarks.datasetq --device cuda

The net is that of PyTorch's basic MNIST example, trained for 14 epochs in batches of 64 by
Adadelta with a rate of 1.0 that shrinks by 0.7 an epoch. Each run is a line of
``build/datasetq/results.jsonl``, and what is there is not run again.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn import functional as F

from sklearn_sifal.datasets._data_home import data_folder
from sklearn_sifal.samplers import LossSampler
from sklearn_sifal.strategies import HeapQueue
from sklearn_sifal.strategies._everything import Base

BATCH_SIZE = 64
MEAN, SCALE = 0.1307, 0.3081  # of MNIST's pixels, used for all three
QUICK_ROWS = 2000
_CHUNK = 1000


@dataclass(frozen=True)
class DataSet:
    """A data set, and what is published for it: accuracy in per cent, mean of five seeds."""

    file: str
    max_visits: int
    published_base: float
    published_heap: float


DATA_SETS = {
    "mnist": DataSet("mnist.npz", 25, 99.17, 99.31),
    "fashion": DataSet("fashion_mnist.npz", 10, 92.80, 93.31),
    "kmnist": DataSet("kuzushiji_mnist.npz", 50, 95.06, 95.75),
}
STRATEGIES: dict[str, Callable[[int], Any]] = {
    "base": lambda max_visits: Base(),
    "heap": lambda max_visits: HeapQueue(max_visits=max_visits),
    "heap 50": lambda max_visits: HeapQueue(50, max_visits=max_visits),
}


class Images(NamedTuple):
    """Normalised images of one channel, and labels."""

    x: torch.Tensor
    y: torch.Tensor
    x_test: torch.Tensor
    y_test: torch.Tensor


@dataclass(frozen=True)
class Run:
    """What one training is."""

    dataset: str
    strategy: str
    seed: int
    epochs: int
    rows: int
    device: str


class Net(torch.nn.Module):
    """Two convolutions, pooling, two dense layers, with dropout before each dense one."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = torch.nn.Conv2d(1, 32, 3)
        self.conv2 = torch.nn.Conv2d(32, 64, 3)
        self.drop1 = torch.nn.Dropout(0.25)
        self.dense1 = torch.nn.Linear(64 * 12 * 12, 128)
        self.drop2 = torch.nn.Dropout(0.5)
        self.dense2 = torch.nn.Linear(128, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.conv2(F.relu(self.conv1(x))))
        x = self.drop1(F.max_pool2d(x, 2)).flatten(1)
        return self.dense2(self.drop2(F.relu(self.dense1(x))))


def load(name: str, n_rows: int | None, device: str) -> Images | None:
    """The images, the first `n_rows` of each part; None if there is no file."""
    file = data_folder() / DATA_SETS[name].file
    if not file.exists():
        print(f"{name}: skipped, there is no {file.name} in the folder named by SIFAL_DATA")
        return None
    with np.load(file) as data:
        x, y = data["x_train"][:n_rows], data["y_train"][:n_rows]
        x_test, y_test = data["x_test"][:n_rows], data["y_test"][:n_rows]
    return Images(
        as_images(x, device),
        as_labels(y, device),
        as_images(x_test, device),
        as_labels(y_test, device),
    )


def as_images(pixels: Any, device: str) -> torch.Tensor:
    values = torch.from_numpy(np.ascontiguousarray(pixels)).to(device, torch.float32)
    return ((values / 255 - MEAN) / SCALE).unsqueeze(1)


def as_labels(labels: Any, device: str) -> torch.Tensor:
    return torch.from_numpy(np.asarray(labels)).to(device, torch.int64)


def train(run: Run, images: Images) -> dict[str, Any]:
    """Train once; accuracy in per cent and NLL in nats on the test part."""
    torch.manual_seed(run.seed)
    net = Net().to(run.device)
    optimizer = torch.optim.Adadelta(net.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    strategy = STRATEGIES[run.strategy](DATA_SETS[run.dataset].max_visits)
    sampler = LossSampler(
        len(images.y), strategy, batch_size=BATCH_SIZE, max_epochs=run.epochs, random_state=run.seed
    )
    began = perf_counter()
    for _ in range(run.epochs):
        net.train()
        for numbers in sampler:
            rows = torch.tensor(numbers, device=run.device)
            losses = F.cross_entropy(net(images.x[rows]), images.y[rows], reduction="none")
            optimizer.zero_grad()
            losses.mean().backward()
            optimizer.step()
            sampler.update(rows, losses)
        schedule.step()
    seconds = perf_counter() - began
    visits = sampler.visit_counts
    return {
        **asdict(run),
        **evaluate(net, images),
        "seconds": seconds,
        "visits": int(visits.sum()),
        "evicted": int(sampler.loss_table["evicted"].sum()),
    }


def evaluate(net: Net, images: Images) -> dict[str, float]:
    net.eval()
    n_right, nll = 0, 0.0
    with torch.no_grad():
        for x, y in zip(images.x_test.split(_CHUNK), images.y_test.split(_CHUNK), strict=True):
            logits = net(x)
            n_right += int((logits.argmax(1) == y).sum())
            nll += float(F.cross_entropy(logits, y, reduction="sum"))
    n = len(images.y_test)
    return {"accuracy": 100 * n_right / n, "nll": nll / n}


def load_results(path: Path) -> dict[Run, dict[str, Any]]:
    """What is there already."""
    if not path.exists():
        return {}
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {Run(**{name: line[name] for name in Run.__annotations__}): line for line in lines}


def append_result(path: Path, result: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(result) + "\n")


def report(name: str, results: list[dict[str, Any]]) -> None:
    """A table of means over seeds, the published numbers beside ours."""
    data = DATA_SETS[name]
    published = {"base": data.published_base, "heap": data.published_heap}
    epochs, rows = results[0]["epochs"], results[0]["rows"]
    print(f"\n## {name}: {rows} rows, {epochs} epochs, max_visits={data.max_visits}\n")
    print("| strategy | seeds | accuracy % | published % | test NLL | visits / row | seconds |")
    print("|---|---|---|---|---|---|---|")
    for strategy in STRATEGIES:
        of_it = [r for r in results if r["strategy"] == strategy]
        if not of_it:
            continue
        accuracy, nll, visits, seconds = (
            np.array([r[key] for r in of_it]) for key in ("accuracy", "nll", "visits", "seconds")
        )
        spread = f" ± {accuracy.std(ddof=1):.2f}" if len(of_it) > 1 else ""
        said = f"{published[strategy]:.2f}" if strategy in published else ""
        print(
            f"| {strategy} | {len(of_it)} | {accuracy.mean():.2f}{spread} | {said} "
            f"| {nll.mean():.4f} | {visits.mean() / rows:.1f} | {seconds.mean():.1f} |"
        )
    print("\nPublished: 60,000 rows, 14 epochs, mean of five seeds.", flush=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="datasetq's experiment, with our heap.")
    parser.add_argument("--datasets", nargs="+", choices=list(DATA_SETS), default=list(DATA_SETS))
    parser.add_argument(
        "--strategies", nargs="+", choices=list(STRATEGIES), default=list(STRATEGIES)
    )
    parser.add_argument("--epochs", type=int, help="default 14, with --quick 2")
    parser.add_argument("--seeds", type=int, help="how many; default 5, with --quick 1")
    parser.add_argument("--quick", action="store_true", help=f"the first {QUICK_ROWS} rows")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("build/datasetq/results.jsonl"))
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    epochs = arguments.epochs or (2 if arguments.quick else 14)
    n_seeds = arguments.seeds or (1 if arguments.quick else 5)
    done = load_results(arguments.out)
    for name in arguments.datasets:
        images = load(name, QUICK_ROWS if arguments.quick else None, arguments.device)
        if images is None:
            continue
        runs = [
            Run(name, strategy, seed, epochs, len(images.y), arguments.device)
            for seed in range(n_seeds)
            for strategy in arguments.strategies
        ]
        for run in runs:
            if run not in done:
                done[run] = train(run, images)
                append_result(arguments.out, done[run])
                print(
                    f"{name}, {run.strategy}, seed {run.seed}: {done[run]['accuracy']:.2f} % "
                    f"in {done[run]['seconds']:.0f} s",
                    flush=True,
                )
        report(name, [done[run] for run in runs])


if __name__ == "__main__":
    main()
