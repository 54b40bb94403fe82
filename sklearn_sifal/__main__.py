"""``python -m sklearn_sifal`` is the command ``sifal``."""

import sys

from sklearn_sifal.cli._main import main

if __name__ == "__main__":
    sys.exit(main())
