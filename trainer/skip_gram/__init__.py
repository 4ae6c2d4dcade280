"""The texts of a records folder, labelled or not -> vectors of its words, learnt by skip-gram with negative sampling.

    records -> corpus.py: a file a million words, ids as text -> model.py: gensim, part by part -> vectors of ids

settings.py     what decides on the vectors
corpus.py       records -> parts on this disk, and the count of each id
model.py        gensim's model: its first vectors, and learning from a part
checkpoint.py   the state after an epoch -> a file, and back
learn.py        the epochs; where it goes on after a kill
show.py         which words are shown: neighbours, analogies
result.py       vectors of ids -> the file of words, and the JSON beside it
"""
