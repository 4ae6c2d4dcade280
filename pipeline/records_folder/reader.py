"""A published records folder -> its manifest; vocabulary_tsv.py reads its words."""

import glob
import json

from pydantic import ValidationError

from pipeline.contract import FORMAT_VERSION, MANIFEST_FILE, SPLITS
from pipeline.errors import UserError
from pipeline.files.local import Files
from pipeline.records_folder.manifest import Manifest

REMEDY = "run the pipeline again"


def parse_manifest(content: bytes, *, path: str) -> Manifest:
    """The content of manifest.json -> the manifest; `path`, where it was read, is for messages.

    Raises:
      UserError: the content is not a manifest, or one of another format version.
    """
    try:
        values = json.loads(content)
    except ValueError as error:
        raise UserError(f"{path} is not JSON ({error}); {REMEDY}") from error
    version = values.get("format_version") if isinstance(values, dict) else None
    if version != FORMAT_VERSION:
        raise UserError(f"{path}: format_version is {version!r}, expected {FORMAT_VERSION}; {REMEDY}")
    try:
        manifest = Manifest.model_validate_json(content, by_alias=True, by_name=False)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise UserError(f"{path}: {key}: {first['msg']}; {REMEDY}") from error
    missing = [split for split in SPLITS if split not in manifest.splits]
    if missing:
        raise UserError(f"{path}: splits.{missing[0]} is missing; {REMEDY}")
    return manifest


def no_manifest(folder: str) -> UserError:
    """The error for a folder without a manifest."""
    return UserError(
        f"{folder} is not a complete records folder: it has no {MANIFEST_FILE}; "
        "give the output.path of a run of `python -m pipeline run` that has ended"
    )


def read_manifest(folder: str, files: Files) -> tuple[bytes, Manifest]:
    """The manifest of a folder, as bytes and parsed.

    Raises:
      UserError: the folder is not a complete records folder, or of another format version.
    """
    path = f"{folder.rstrip('/')}/{MANIFEST_FILE}"
    try:
        # First of all, does the file exist? Each filesystem raises another error for one that does not.
        if not files.match(glob.escape(path)):
            raise no_manifest(folder)
        with files.open(path) as file:
            content = file.read()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise no_manifest(folder) from error
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror or error}") from error
    return content, parse_manifest(content, path=path)
