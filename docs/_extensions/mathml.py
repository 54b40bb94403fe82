"""Formulas as MathML, which browsers draw themselves: no script from the network."""

from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator


def visit_inline(translator: HTML5Translator, node: nodes.math) -> None:
    """Write a formula into its line."""
    translator.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def visit_block(translator: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula on a line of its own."""
    translator.body.append(
        f'<div class="math-block">{tex2mathml(node.astext(), as_block=True)}</div>'
    )
    raise nodes.SkipNode


def depart(translator: HTML5Translator, node: nodes.Element) -> None:
    """Nothing is left to write."""


def setup(app: Sphinx) -> dict[str, Any]:
    """Make MathML the renderer of formulas."""
    app.add_html_math_renderer("mathml", (visit_inline, depart), (visit_block, depart))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
