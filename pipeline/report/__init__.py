"""A manifest and its vocabulary -> report.html, what a person looks at first: one file that needs nothing else.

plots.py    lengths and coverage, drawn by Bokeh
tables.py   splits, labels, words, rejected rows, samples, as HTML that needs no script
page.py     all of it in one page
"""

from pipeline.report.page import render

__all__ = ["render"]
