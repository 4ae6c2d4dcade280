"""Small files through TensorFlow's file systems (local, gs:// and what else it knows): read whole, written whole."""

from pathlib import Path

import tensorflow as tf

from pipeline.errors import UserError
from pipeline.files.staging import rename_durably


def join(folder: str, *names: str) -> str:
    """A path below a folder.

    >>> join("gs://bucket/run/", "history.csv"), join("out", "tensorboard", "train")
    ('gs://bucket/run/history.csv', 'out/tensorboard/train')
    """
    return "/".join([folder.rstrip("/") or "/", *names])


def read(path: str) -> bytes:
    """The bytes of a file.

    Raises:
      tf.errors.NotFoundError: there is none.
    """
    with tf.io.gfile.GFile(path, "rb") as file:
        content: bytes = file.read()
    return content


def write(path: str, content: bytes) -> None:
    """Writes a file as a whole: after a kill at any moment, or a power cut, `path` is the old file or the new one."""
    tf.io.gfile.makedirs(path.rpartition("/")[0] or ".")
    unfinished = f"{path}.unfinished"
    if "://" in path:  # an object store shows a file when it is complete
        with tf.io.gfile.GFile(unfinished, "wb") as file:
            file.write(content)
        tf.io.gfile.rename(unfinished, path, overwrite=True)
        return
    Path(unfinished).write_bytes(content)
    rename_durably(Path(unfinished), Path(path))


def check_reachable(path: str, *, setting: str) -> None:
    """Whether TensorFlow has a file system for a path: it has none for s3:// and hdfs://.

    Raises:
      UserError: it has none; `setting` is where the path came from.
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
    """Deletes a file or a folder with all it holds; one that is not there is passed over."""
    if tf.io.gfile.isdir(path):
        tf.io.gfile.rmtree(path)
    elif tf.io.gfile.exists(path):
        tf.io.gfile.remove(path)
