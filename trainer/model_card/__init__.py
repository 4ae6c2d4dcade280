"""A manifest, settings and metrics -> the model card: MODEL_CARD.md for people, MODEL_CARD.json for programs.

schema.py    the content of MODEL_CARD.json, key by key
data.py      manifest -> what the model learnt from
limits.py    manifest and metrics -> sentences on what the data can't show
measured.py  metrics -> figures with their intervals
decided.py   decision and its figures -> how scores become labels, and the price
card.py      all parts -> a card, and its JSON
markdown.py  text and tables -> Markdown in which text of the data is never markup
page.py      a card -> MODEL_CARD.md; decision_page.py: its part on decisions

A card holds what was measured and set, nothing else. A part without content is left out, with its heading. Equal inputs
give equal bytes: a card has no time in it.
"""

from trainer.model_card.card import model_card, to_json, with_decision
from trainer.model_card.page import page
from trainer.model_card.schema import Card

__all__ = ["Card", "model_card", "page", "to_json", "with_decision"]
