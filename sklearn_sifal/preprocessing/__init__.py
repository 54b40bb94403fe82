"""Preparing raw texts for a vectorizer."""

from sklearn_sifal.preprocessing._regex import RegexPreprocessor

__all__ = ["RegexPreprocessor"]
