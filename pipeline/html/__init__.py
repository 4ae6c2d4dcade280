"""What the pipeline's report.html and the trainer's training.html have in common: each is one file that needs no other.

elements.py   cells and tables; whatever comes from the data is escaped there
plots.py      plots as data, which draw.js draws with BokehJS
document.py   sections in one page, with style.css, BokehJS and draw.js in it

Python makes no plot: importing Bokeh costs 0.8 s, its script in the page is a file that is copied.
"""

from pipeline.html.document import Section, document

__all__ = ["Section", "document"]
