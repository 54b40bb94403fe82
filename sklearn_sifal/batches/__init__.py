"""Batches of rows by number: gathered from arrays, CSR matrices and memory maps, on any device.

Nothing here is public.
"""

__all__: list[str] = []
