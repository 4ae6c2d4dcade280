"""A PostgreSQL server of the test's own, with a folder in /tmp, a free port and a user with a password."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

USER, PASSWORD, DATABASE = "tester", "pass:w@rd", "shop"

# Debian keeps the programs of each version here, and not in the PATH.
_FOLDERS: Final = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
# PostgreSQL does not run as root.
_NOBODY: Final = 65534


class Server(NamedTuple):
    """A server that runs: its address without a password, and its port."""

    url: str
    port: int

    def execute(self, *statements: str) -> None:
        """Runs statements, each in a transaction of its own."""
        import adbc_driver_postgresql.dbapi as driver

        with driver.connect(self.url, autocommit=True) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def insert(self, table: str, rows: Any) -> None:
        """Appends an Arrow table to a table, or makes one."""
        import adbc_driver_postgresql.dbapi as driver

        with driver.connect(self.url) as connection, connection.cursor() as cursor:
            cursor.adbc_ingest(table, rows, mode="create_append")
            connection.commit()


def program(name: str) -> str | None:
    """The path of a program of PostgreSQL's; None: it is not installed."""
    return shutil.which(name, path=os.pathsep.join([*map(str, _FOLDERS), os.environ.get("PATH", "")]))


@contextmanager
def postgresql() -> Iterator[Server]:
    """Within it, a server runs, and PGPASSWORD holds its user's password."""
    folder = Path(tempfile.mkdtemp(prefix="textrecords-pg-"))
    user = _NOBODY if os.getuid() == 0 else None
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "PGPASSWORD": PASSWORD}
    port = _free_port()

    def call(name: str, *arguments: str) -> None:
        path = program(name)
        assert path is not None
        log = folder / f"{name}.log"
        with log.open("ab") as output:  # a pipe would stay open as long as the server runs
            done = subprocess.run(
                [path, *arguments], user=user, group=user, cwd=folder, env=environment, stdout=output, stderr=output
            )
        assert done.returncode == 0, log.read_text()

    try:
        (folder / "password").write_text(PASSWORD)
        if user is not None:
            for path in (folder, folder / "password"):
                os.chown(path, user, user)
        data = str(folder / "data")
        call("initdb", "-D", data, "-U", USER, "-A", "scram-sha-256", "--pwfile", str(folder / "password"), "-N")
        options = f"-h 127.0.0.1 -p {port} -k {folder} -F"
        call("pg_ctl", "-D", data, "-o", options, "-l", str(folder / "server.log"), "-w", "start")
        try:
            call("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", USER, DATABASE)
            yield Server(f"postgresql://{USER}@127.0.0.1:{port}/{DATABASE}", port)
        finally:
            call("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
