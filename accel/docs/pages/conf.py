"""Sphinx's configuration; accel.docs.site calls it with warnings as errors."""

import accel.version

project = "accel"
author = "the authors of accel"
copyright = f"{author}; Apache-2.0"
release = accel.version.version()

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["tutorials/*/*", "extra"]
#: Pages that are whole by themselves (accel.docs.gallery); they lie beside the site's.
html_extra_path = ["extra"]
html_theme = "furo"
html_title = f"accel {release}"
html_copy_source = False
#: Summaries would be fetched, which a browser does not do from a folder of files.
html_show_search_summary = False
html_show_sphinx = False

#: Anchors for headings, so that pages can point into each other.
myst_heading_anchors = 3
#: Pages of the repository may begin with a small heading.
suppress_warnings = ["myst.header"]

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
python_use_unqualified_type_names = True
#: Every reference must lead somewhere, but for those out of this project.
nitpicky = True
nitpick_ignore_regex = [(r"py:.*", r"(?!accel\.).*")]
