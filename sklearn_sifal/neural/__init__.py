"""The torch side: module, row-sparse optimiser steps and the skorch net."""

__all__: list[str] = []
