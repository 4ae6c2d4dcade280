"""N-grams beside the LSTM: which ones a text has, what each weighs, and how both sides are joined; no records."""
