"""What random texts are made of."""

from hypothesis import strategies as st

from pipeline.config.settings import KERAS_FILTERS

# Capital letters of Unicode 14 (Python 3.11 and later), whose small letters the ICU within TensorFlow does not know
# yet; it leaves them as they are. All other characters have the same lower case in both.
YOUNGER_THAN_ICU = {0x2C2F, 0xA7C0, 0xA7D0, 0xA7D6, 0xA7D8, *range(0x10570, 0x10596)} - {0x1057B, 0x1058B, 0x10593}

# What goes wrong if anything does: separators, case that depends on neighbours, combining marks, regular expressions,
# escapes.
AWKWARD = (
    " \t\n\v\f\r\x1c\x1f\x85\xa0\u1680\u2003\u2028\u2029\u202f\u3000\u200b\u200d\ufeff\ufffd"
    "ΣσςΑαİIıißẞſKÅǅǈ'\u0301\u0307\u0345.,-]^[\\&<>|nrtAaBb0９日本\U00010400\U0001e921\U0001f600\U000e0001\U0010ffff"
)
CHARACTERS = st.sampled_from(AWKWARD) | st.characters(
    exclude_categories=["Cs"], exclude_characters="\0" + "".join(map(chr, YOUNGER_THAN_ICU))
)
TEXTS = st.text(CHARACTERS, max_size=40)
FILTERS = st.just(KERAS_FILTERS) | st.just("") | st.text(CHARACTERS, max_size=6)
