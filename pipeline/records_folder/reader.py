"""A published records folder -> its manifest; vocabulary_tsv.py reads its words."""

import glob

from pydantic import ValidationError

from pipeline.contract import FORMAT_VERSION, MANIFEST_FILE, PUBLISHING_PREFIX
from pipeline.errors import JsonError, UserError
from pipeline.files.local import Files
from pipeline.records_folder.consistency import contradictions
from pipeline.records_folder.manifest import MAX_MANIFEST_BYTES, Manifest, checksum_of
from pipeline.support.strict_json import first_mistake, parse_json, shown

REMEDY = "run the pipeline again"
# If the system refuses to open the manifest.
MANIFEST_REMEDY = "give a records folder whose files this user may read"


def remedy_of(error: OSError, *, otherwise: str) -> str:
    """What helps if a file or folder of a records folder can't be read: a right that is missing, or `otherwise`.

    >>> remedy_of(PermissionError(13, "Permission denied"), otherwise="copy it again")
    'make it readable for this user'
    >>> remedy_of(OSError(5, "Input/output error"), otherwise="copy it again")
    'copy it again'
    """
    return "make it readable for this user" if isinstance(error, PermissionError) else otherwise


def parse_manifest(content: bytes, *, path: str) -> Manifest:
    """The content of manifest.json -> the manifest; `path`, where it was read, is for messages.

    Raises:
      UserError: the content is not a manifest, one of another format version, or one that contradicts itself. It names
        the first key that is wrong.
    """
    if len(content) > MAX_MANIFEST_BYTES:
        raise UserError(f"{path} has more than {MAX_MANIFEST_BYTES >> 20} MB, which no run writes; {REMEDY}")
    try:
        values = parse_json(content)
    except JsonError as error:
        raise UserError(f"{path} is not JSON ({error}); {REMEDY}") from error
    if not isinstance(values, dict):
        raise UserError(f"{path} is {shown(values)}, not an object; {REMEDY}")
    version = values.get("format_version")
    if version != FORMAT_VERSION:
        raise UserError(f"{path}: format_version is {shown(version)}, expected {FORMAT_VERSION}; {REMEDY}")
    try:
        # From the bytes: of Python's values it would take no list for a pair.
        manifest = Manifest.model_validate_json(content, by_alias=True, by_name=False)
    except ValidationError as error:
        raise UserError(f"{path}: {first_mistake(error)}; {REMEDY}") from error
    if (contradiction := next(contradictions(manifest), None)) is not None:
        raise UserError(f"{path}: {contradiction}; {REMEDY}")
    if manifest.checksum is not None and manifest.checksum != checksum_of(values):
        raise UserError(f"{path}: checksum is not that of labels, config and splits; one of them was changed; {REMEDY}")
    return manifest


def no_manifest(folder: str, *, is_unfinished: bool = False) -> UserError:
    """The error for a folder without a manifest; `is_unfinished`: it holds a publication that has not ended."""
    if is_unfinished:
        return UserError(
            f"{folder} holds no complete records folder: a run publishes there just now, or was stopped while it did; "
            "if none runs, `python -m pipeline run` with this output.path first puts back what was there before"
        )
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
            unfinished = files.match(f"{glob.escape(folder.rstrip('/'))}/{PUBLISHING_PREFIX}*/*")
            raise no_manifest(folder, is_unfinished=bool(unfinished))
        with files.open(path) as file:
            content = file.read(MAX_MANIFEST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise no_manifest(folder) from error
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror or error}; {MANIFEST_REMEDY}") from error
    return content, parse_manifest(content, path=path)
