"""Small files on TensorFlow's file systems (local, gs:// and others): a path -> its bytes, bytes -> a complete file."""

from pathlib import Path

import tensorflow as tf

from pipeline.errors import UserError
from pipeline.files.staging import rename_durably


def join(folder: str, *names: str) -> str:
    """The path of a file in a folder.

    >>> join("gs://bucket/run/", "history.csv"), join("out", "tensorboard", "train")
    ('gs://bucket/run/history.csv', 'out/tensorboard/train')
    """
    return "/".join([folder.rstrip("/") or "/", *names])


def read(path: str) -> bytes:
    """The bytes of a file.

    Raises:
      tf.errors.NotFoundError: there is no such file.
    """
    with tf.io.gfile.GFile(path, "rb") as file:
        content: bytes = file.read()
    return content


def write(path: str, content: bytes) -> None:
    """Writes a file completely or not at all: after a kill or a power cut `path` is the old file or the new one."""
    tf.io.gfile.makedirs(path.rpartition("/")[0] or ".")
    unfinished = f"{path}.unfinished"
    if "://" in path:  # an object store shows a file only when it is complete
        with tf.io.gfile.GFile(unfinished, "wb") as file:
            file.write(content)
        tf.io.gfile.rename(unfinished, path, overwrite=True)
        return
    Path(unfinished).write_bytes(content)
    rename_durably(Path(unfinished), Path(path))


def check_reachable(path: str, *, setting: str) -> None:
    """Refuses a path that TensorFlow has no file system for, as s3:// and hdfs://.

    setting: the setting that `path` is the value of, for the error message.

    Raises:
      UserError: TensorFlow has no file system for it.
    """
    scheme = path.partition("://")[0] if "://" in path else ""
    if scheme not in tf.io.gfile.get_registered_schemes():
        copied = f"out/{path.rstrip('/').rpartition('/')[2]}"
        example = f": aws s3 sync {path} {copied}" if scheme == "s3" else ""
        raise UserError(
            f"{setting}: TensorFlow can't reach {path}; give a folder of this machine or on gs:// (and copy the "
            f"records there first{example})"
        )


def remove(path: str) -> None:
    """Deletes a file, or a folder with its content; a missing one is ignored."""
    if tf.io.gfile.isdir(path):
        tf.io.gfile.rmtree(path)
    elif tf.io.gfile.exists(path):
        tf.io.gfile.remove(path)
