"""How objects show themselves in a notebook: HTML that needs no script, no style sheet and no other host."""

from floorplan.notebook.layouts import Beside, beside, layout_html
from floorplan.notebook.shows import SHOWS, html_of

__all__ = ["SHOWS", "Beside", "beside", "html_of", "layout_html"]
