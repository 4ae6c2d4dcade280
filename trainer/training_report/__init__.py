"""A trained model, what it says of held-out texts and how it came about -> training.html, one file that needs nothing
else.

verdict.py      what is off with the training, as sentences
curves.py       loss, accuracy, AUC and learning rate over the steps
confusion.py    what is taken for what, and each label's precision and recall
calibration.py  whether probabilities can be taken at their word
mistakes.py     the most confident wrong answers, as words
neighbours.py   the nearest words before and after training
page.py         all of it in one page
write.py        gathers what the page is made of, and puts it into training.path
"""

from trainer.training_report.write import write_page

__all__ = ["write_page"]
