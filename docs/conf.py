"""Settings of Sphinx: ``make docs`` builds the pages into ``docs/_build/html``.

Nothing here needs the network. Links into the documentation of other projects are made
only where the environment variable ``SIFAL_INTERSPHINX`` is set.
"""

import os
import sys
from pathlib import Path

# Before numpy is imported: the examples run in these processes, each on one thread.
for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"
os.environ["MPLBACKEND"] = "Agg"

_HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(_HERE / "_extensions"), str(_HERE.parent)]

import sklearn_sifal  # noqa: E402

project = "sklearn_sifal"
author = "The sklearn_sifal developers"
copyright = author
version = release = sklearn_sifal.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "api_pages",
    "changelog",
    "execution_times",
    "literal_links",
    "mathml",
    "repository_links",
]

exclude_patterns = ["_build", "_extensions", "sg_execution_times.rst"]
suppress_warnings = ["config.cache"]  # the settings of the gallery hold a function

# A reference that leads nowhere is an error (``-n -W``), but for those into other projects.
nitpick_ignore_regex = [
    ("py:.*", r"(builtins|re|str|numpy|scipy|sklearn|skorch|torch|matplotlib|pandas)\b.*"),
]
intersphinx_mapping = {}
if os.environ.get("SIFAL_INTERSPHINX"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3/", None),
        "numpy": ("https://numpy.org/doc/stable/", None),
        "scipy": ("https://docs.scipy.org/doc/scipy/", None),
        "sklearn": ("https://scikit-learn.org/stable/", None),
        "skorch": ("https://skorch.readthedocs.io/en/stable/", None),
        "torch": ("https://docs.pytorch.org/docs/stable/", None),
        "matplotlib": ("https://matplotlib.org/stable/", None),
        "pandas": ("https://pandas.pydata.org/docs/", None),
    }

# Docstrings: single backticks are code, as in scikit-learn; types stand in the text.
default_role = "literal"
autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"
python_maximum_signature_line_length = 88
numpydoc_show_class_members = False  # `api_pages` lists them
numpydoc_class_members_toctree = False

# The anchors of headings are those that GitHub makes.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "ignore_pattern": r"(^|/)(?!plot_)\w+\.py$",  # the experiment is a program, not a page
    "within_subsection_order": "FileNameSortKey",
    "doc_module": ("sklearn_sifal",),
    "reference_url": {"sklearn_sifal": None},
    "backreferences_dir": "api/backreferences",
    "only_warn_on_example_error": False,
    "download_all_examples": False,
    "show_signature": False,
    "remove_config_comments": True,
    "parallel": True,  # as many at once as ``sphinx -j`` says
}

html_theme = "pydata_sphinx_theme"
html_title = f"sklearn_sifal {release}"
html_short_title = "sklearn_sifal"
html_favicon = html_logo = "_static/logo.svg"
html_static_path = ["_static"]
html_css_files = ["style.css"]
html_show_sourcelink = False
html_copy_source = False
html_sidebars = {"index": [], "changelog": [], "references": [], "search": []}
html_context = {"default_mode": "auto"}
html_theme_options = {
    "logo": {"text": "sklearn_sifal", "alt_text": ""},
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "show_nav_level": 1,
    "secondary_sidebar_items": {
        "**": ["page-toc"],
        "index": [],
        "evaluations": [],  # room for their wide tables
        "experiment": [],
    },
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
copybutton_exclude = ".linenos, .gp, .go"
copybutton_prompt_text = ">>> |... "
copybutton_prompt_is_regexp = True
