"""The metadata of an Iceberg table -> the files of its current snapshot.

The library `pyiceberg` reads the metadata, through the filesystem that reads the files as well. Without a catalog the
current metadata file is the one that `version-hint.text` names, or else the one of the highest number. Iceberg stores
whole locations; a table that was moved or copied is read where it is now.
"""

import re
from typing import Any, Final

from pipeline.files.local import Files
from pipeline.sources.formats import FORMATS
from pipeline.sources.lake_snapshot import LakeSnapshot, asked, library, refused
from pipeline.sources.tasks import Given

# v3.metadata.json, 00003-<uuid>.metadata.json; compressed also .gz.metadata.json or .metadata.json.gz.
_METADATA: Final = re.compile(r"v?(\d+)(?:-[^/]*?)?(?:\.gz)?\.metadata\.json(?:\.gz)?")
_HINT: Final = "version-hint.text"
# Schemes under which Iceberg's writers know a store -> Beam's.
_SCHEMES: Final = {"s3a": "s3", "s3n": "s3"}
_AZURE: Final = re.compile(r"(?:abfss?|wasbs?)://([^@/]+)@([^./]+)\.[^/]+(/.*)?")


def snapshot(root: str, files: Files) -> LakeSnapshot:
    """The current snapshot of a table.

    Raises:
      UserError: the library is missing; or the metadata can't be read, or asks for more than to read its data files.
    """
    library("Iceberg", root, module="pyiceberg", extra="iceberg")
    return asked("Iceberg", root, lambda: _snapshot(root, files))


def _snapshot(root: str, files: Files) -> LakeSnapshot:
    tables = library("Iceberg", root, module="pyiceberg.table", extra="iceberg")
    catalogs = library("Iceberg", root, module="pyiceberg.catalog.noop", extra="iceberg")
    serializers = library("Iceberg", root, module="pyiceberg.serializers", extra="iceberg")
    location = _current_metadata(root, files)
    metadata = serializers.FromInputFile.table_metadata(_file_io(files, {}).new_input(location))
    io = _file_io(files, {_here(metadata.location): root})
    table = tables.StaticTable(("table",), metadata, location, io, catalogs.NoopCatalog("none"))
    _check_names(root, metadata)
    found: dict[str, Given] = {}
    formats = set()
    for task in table.scan().plan_files():
        if task.delete_files:
            raise refused("Iceberg", root, "rows of its files are deleted by delete files")
        formats.add(task.file.file_format.name.lower())
        found[io.place_of(task.file.file_path)] = ()
    if len(formats) > 1 or not formats <= set(FORMATS):
        raise refused("Iceberg", root, f"its files are of the formats {', '.join(sorted(formats))}")
    current = table.current_snapshot()
    version = "none" if current is None else str(current.snapshot_id)
    return LakeSnapshot("Iceberg", root, version, next(iter(formats), "parquet"), found)


def _current_metadata(root: str, files: Files) -> str:
    """The path of the current metadata file."""
    folder = f"{root}/metadata" if root else "metadata"
    by_name = {file.path.rpartition("/")[2]: file.path for file in files.match(folder)}
    numbers = {name: int(found[1]) for name in by_name if (found := _METADATA.fullmatch(name))}
    if _HINT in by_name:
        with files.open(by_name[_HINT]) as file:
            hint = file.read().decode().strip()
        names = [name for name in numbers if name == hint or re.match(rf"v?0*{re.escape(hint)}[.-]", name)]
    else:
        names = [name for name, number in numbers.items() if number == max(numbers.values())]
    if len(names) != 1:
        raise refused("Iceberg", root, f"{len(names)} files of its metadata may be the current one")
    return by_name[names[0]]


def _check_names(root: str, metadata: Any) -> None:
    """Iceberg knows columns by number, and Parquet files by name: a column must have kept its name."""
    names: dict[int, str] = {}
    numbers: dict[str, int] = {}
    for schema in metadata.schemas:
        for number in schema.field_ids:
            name = schema.find_column_name(number)
            if names.setdefault(number, name) != name or numbers.setdefault(name, number) != number:
                raise refused("Iceberg", root, f"its column {name!r} had another name before, or was another column")


def _here(location: str) -> str:
    """A location as Iceberg's writers spell it -> a path as we do.

    >>> _here("file:///data/wh/t"), _here("s3a://b/t"), _here("abfss://box@account.dfs.core.windows.net/t")
    ('/data/wh/t', 's3://b/t', 'azfs://account/box/t')
    """
    azure = _AZURE.fullmatch(location)
    if azure:
        return f"azfs://{azure[2]}/{azure[1]}{azure[3] or ''}".rstrip("/")
    scheme, separator, rest = location.partition(":")
    if scheme == "file":
        return "/" + rest.lstrip("/").rstrip("/")
    return f"{_SCHEMES.get(scheme, scheme)}{separator}{rest}".rstrip("/")


def _file_io(files: Files, moved: dict[str, str]) -> Any:
    """pyiceberg's filesystem over ours; moved: where folders of its metadata are now."""
    interface = library("Iceberg", "", module="pyiceberg.io", extra="iceberg")

    class Input(interface.InputFile):  # type: ignore[name-defined]
        def __len__(self) -> int:
            return sum(file.size for file in files.match(self.location))

        def exists(self) -> bool:
            return bool(files.match(self.location))

        def open(self, seekable: bool = True) -> Any:
            del seekable
            return files.open(self.location)

    class ReadOnly(interface.FileIO):  # type: ignore[name-defined]
        def place_of(self, location: str) -> str:
            path = _here(location)
            for before, now in moved.items():
                if path == before or path.startswith(f"{before}/"):
                    place = f"{now}{path[len(before) :]}"
                    return place if now else place.lstrip("/")
            return path

        def new_input(self, location: str) -> Any:
            return Input(self.place_of(location))

        def new_output(self, location: str) -> Any:
            raise NotImplementedError(location)

        def delete(self, location: Any) -> None:
            raise NotImplementedError(location)

    return ReadOnly()
