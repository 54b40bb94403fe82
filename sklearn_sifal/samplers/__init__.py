"""Drawing rows for a training loop, and gathering them into batches."""

__all__: list[str] = []
