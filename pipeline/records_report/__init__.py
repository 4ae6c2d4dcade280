"""A manifest and its vocabulary -> report.html, what a person looks at first: one file that needs nothing else.

length_and_coverage.py   whether top_words and max_length are well chosen: lengths and coverage
labels.py    how the labels are spread, and which words speak for each
texts.py     what the texts are like: repeated, odd, rejected; their most frequent words
samples.py   some texts on their way to ids
page.py      all of it in one page
"""

from pipeline.records_report.page import render

__all__ = ["render"]
