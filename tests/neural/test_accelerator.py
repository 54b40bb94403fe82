"""Training on an accelerator, on one that is pretended: see `pretend_device.py`."""

import subprocess
import sys
from pathlib import Path


def test_on_a_device_that_is_not_the_cpu() -> None:
    path = Path(__file__).with_name("pretend_device.py")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n0", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=path.parents[2])
    assert done.returncode == 0, done.stdout
