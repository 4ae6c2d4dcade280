"""The characters that decide where a text is divided: white space, filters, tags. No TensorFlow, so that statistics of
texts and reports load none."""

from pipeline.config.settings import TextSettings

# What Python's str.split() splits at: Unicode's White_Space and the four information separators.
# TensorFlow's split without a separator knows only the ASCII ones (9-13 and 32).
UNICODE_WHITE_SPACE = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
# A tag of HTML, as `text.strip_html` replaces it by a space: a regular expression for RE2 and for Python's re.
TAG = r"</?[A-Za-z!][^<>]*>"


def separators(settings: TextSettings) -> set[str]:
    """The characters that become spaces.

    >>> sorted(separators(TextSettings(split="space", filters="!?")))
    ['!', '?']
    >>> sorted(separators(TextSettings(split="space", filters="!?", punctuation="!")))
    ['?']
    """
    return set(settings.filters) - set(settings.punctuation) | (
        set(UNICODE_WHITE_SPACE) if settings.split == "whitespace" else set()
    )
