"""The site: ``sphinx-build -W -b html docs docs/_build/html`` from a clone, with the extra ``docs`` installed.

It asks no other host for anything. Demos are run, claims are checked and code is cut from the source as it is built.
"""

import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the layers are small: more threads wait for each other

import minigan  # noqa: E402

project, author, copyright = "minigan", "the authors of minigan", "the authors of minigan"
version = release = minigan.__version__
extensions = ["myst_parser", "sphinx_gallery.gen_gallery", "mathml", "equations"]
exclude_patterns = ["_build", "gallery_header.rst", "gallery/*.py", "gallery/*.ipynb"]
nitpicky = True

myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 4
html_math_renderer = "mathml"
math_eqref_format = "({number})"

html_theme = "furo"
html_title = "minigan"
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_copy_source = html_show_copyright = False
pygments_style, pygments_dark_style = "friendly", "native"


# The demos, run in a copy: the pictures that they save belong there, not among the sources
DEMOS = HERE / "_build" / "demos"
shutil.rmtree(DEMOS, ignore_errors=True)
shutil.copytree(HERE.parent / "demos", DEMOS, ignore=shutil.ignore_patterns("*.png", "__pycache__"))
shutil.copy(HERE / "gallery_header.rst", DEMOS / "GALLERY_HEADER.rst")

sphinx_gallery_conf = {
    "examples_dirs": [str(DEMOS)],
    "gallery_dirs": ["gallery"],
    "filename_pattern": r"\.py$",  # run them all
    "within_subsection_order": "FileNameSortKey",
    "image_scrapers": ("matplotlib",),
    "download_all_examples": False,
    "write_computation_times": False,  # their table asks other hosts for its scripts
    "show_memory": False,
    "show_signature": False,
    "abort_on_example_error": True,
    "min_reported_time": 30,
    "nested_sections": False,
}

# Links within the site are resolved by every build, which -W makes an error if one leads nowhere. Those to other hosts
# are few, since papers are named by their arXiv numbers in the text, and cannot be asked where this is built.
linkcheck_ignore = [r"https?://.*"]
