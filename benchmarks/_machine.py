"""What a timing has to say of the machine it was taken on, and where results are kept."""

import json
import platform
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import sklearn
import skorch
import torch


def machine() -> dict[str, str]:
    """Processor, versions and threads."""
    return {
        "processor": _processor(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
        "torch": torch.__version__,
        "skorch": skorch.__version__,
        "threads": str(torch.get_num_threads()),
    }


def write_results(results: dict[str, Any], folder: Path) -> None:
    """Write ``results.json`` into a folder, which is made if it is not there, and say so."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "results.json"
    path.write_text(json.dumps(results, indent=1), encoding="utf-8")
    print(f"\nWritten to {path}")


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
