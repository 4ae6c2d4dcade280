"""A training, its model and the model's answers to held-out texts -> training.html, one file that needs no other.

verdict.py      sentences on what looks wrong with the training
curves.py       loss, accuracy, AUC and learning rate over the steps
confusion.py    confusion matrix; precision and recall of each label
decision.py     thresholds and costs of labels, and their price
calibration.py  are probabilities right? A probability of 0.8 should be right in 8 of 10 cases
several_labels.py, ordinal.py, weights.py, slices.py
                what only such labels, rows and settings have
mistakes.py     the most confident wrong answers, as words
decoded_ids.py  ids of a record -> its words
given_vectors.py
                what the file of embedding.from has of the vocabulary
neighbours.py   the nearest words before and after training
page.py         all sections in one page
write.py        gathers the content of the page and writes it to training.path
"""

from trainer.training_report.write import write_page

__all__ = ["write_page"]
