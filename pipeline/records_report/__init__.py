"""A manifest and its vocabulary -> report.html, which a person looks at first: one file that needs no other.

length_and_coverage.py   are max_length and top_words well chosen?
labels.py                rows of each label, and its distinctive words
texts.py                 splits, qualities, duplicates, rejected rows, the most frequent words
samples.py               some texts on their way to ids
page.py                  all sections in one page
"""

from pipeline.records_report.page import render

__all__ = ["render"]
