"""Text of the data -> text that can be shown: nothing in it steers a terminal or turns a page's writing round."""


def visible(text: str) -> str:
    """The text with every character that is not printed, bidi marks among them, as U+FFFD; white space stays a space.

    >>> visible("a\\tb\\u202ec")
    'a b\ufffdc'
    """
    return "".join(
        " " if character.isspace() else character if character.isprintable() else "\ufffd" for character in text
    )
