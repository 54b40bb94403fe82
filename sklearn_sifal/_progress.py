"""A progress bar where one can be drawn, else plain lines."""

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Never, Self

if TYPE_CHECKING:
    from tqdm.auto import tqdm


class ProgressBar:
    """Shows the share of the work that is done on standard error.

    In a terminal or a notebook this is a bar with the time left, elsewhere one line per tenth
    of the work.

    Parameters
    ----------
    title : str
        Put before the bar.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self._bar: tqdm[Never] | None = None
        self._tenths_shown = 0

    def __enter__(self) -> Self:
        if _draws():
            from tqdm.auto import tqdm

            self._bar = tqdm(
                total=100,
                desc=self.title,
                bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}",
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def update_to(self, fraction: float, text: str = "") -> None:
        """Show that `fraction`, in [0, 1], is done."""
        if self._bar is not None:
            self._bar.set_postfix_str(text, refresh=False)
            self._bar.update(100 * fraction - self._bar.n)
        elif int(10 * fraction) > self._tenths_shown:
            self._tenths_shown = int(10 * fraction)
            if sys.stderr is not None:  # closed by whoever started the process
                sys.stderr.write(f"{self.title}: {100 * fraction:3.0f}% {text}\n")
                sys.stderr.flush()


def _draws() -> bool:
    """Whether a bar can be drawn anew in one place; in a log every state would be a line."""
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())
