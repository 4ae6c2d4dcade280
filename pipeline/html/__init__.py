"""HTML for report.html (pipeline) and training.html (trainer); each page is one file that needs no other.

elements.py   tables, figures, bars; text of the data is escaped
plots.py      plots as data, which draw.js draws with BokehJS
document.py   sections -> one page with style.css, BokehJS and draw.js in it

Python draws no plot: importing Bokeh takes 0.8 s, and copying its script into the page takes none.
"""

from pipeline.html.document import Section, document

__all__ = ["Section", "document"]
