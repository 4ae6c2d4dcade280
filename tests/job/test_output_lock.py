"""pipeline.files.output_lock on a store without conditions; tests/systems/test_object_stores.py has gs:// and s3://."""

import pytest

from pipeline.errors import UserError
from pipeline.files import output_lock
from pipeline.files.output_lock import check_still_held, check_unlocked, hold_output
from pipeline.files.owner import this_process
from tests.job.test_beam_files import Store

LOCK = "store://b/out/.lock"
OTHER = this_process("the other")


@pytest.fixture
def objects(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    objects: dict[str, bytes] = {}
    monkeypatch.setattr(Store, "objects", objects)
    return objects


def test_output_lock_on_a_store_is_there_while_it_is_held(objects: dict[str, bytes]) -> None:
    with hold_output("store://b/out/", command="pipeline run") as mine:
        assert objects == {LOCK: mine.to_json()}
        check_still_held("store://b/out", mine.token)
        for refused in (
            lambda: check_unlocked("store://b/out"),
            lambda: hold_output("store://b/out", command="second").__enter__(),
        ):
            with pytest.raises(UserError, match=r"^output\.path: store://b/out is in use by `pipeline run` on "):
                refused()
    assert objects == {}
    check_unlocked("store://b/out")


def test_output_lock_on_a_store_belongs_to_the_last_that_wrote(
    objects: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = output_lock._AnyObject.write

    def then_another(place: output_lock._AnyObject, content: bytes, *, over: object) -> None:
        del over
        write(place, content, over=None)
        write(place, OTHER.to_json(), over=None)  # it had looked before, and there was no lock

    monkeypatch.setattr(output_lock._AnyObject, "write", then_another)
    with pytest.raises(UserError, match="is in use by `the other`"), hold_output("store://b/out", command="mine"):
        pass
    assert objects == {LOCK: OTHER.to_json()}


def test_output_lock_that_another_run_wrote_over_is_seen_before_publishing(objects: dict[str, bytes]) -> None:
    with hold_output("store://b/out", command="mine") as mine:
        objects[LOCK] = OTHER.to_json()
        with pytest.raises(UserError, match="is in use by `the other`"):
            check_still_held("store://b/out", mine.token)
    assert objects == {LOCK: OTHER.to_json()}


def test_output_lock_on_a_store_that_does_not_say_whose_it_is(objects: dict[str, bytes]) -> None:
    objects[LOCK] = b"{}"
    for refused in (
        lambda: check_unlocked("store://b/out"),
        lambda: check_still_held("store://b/out", "x"),
        lambda: hold_output("store://b/out", command="second").__enter__(),
    ):
        with pytest.raises(UserError, match=r"/\.lock says that a process writes there, but not which"):
            refused()
    assert objects == {LOCK: b"{}"}


def test_output_lock_on_a_store_that_refuses_to_write(
    objects: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("403 Forbidden")  # each client has exceptions of its own

    monkeypatch.setattr(output_lock._AnyObject, "write", refuse)
    with (
        pytest.raises(UserError, match=r"^output\.path: can't write store://b/out/\.lock: 403 Forbidden$"),
        hold_output("store://b/out", command="mine"),
    ):
        pass
    assert objects == {}


def test_output_lock_on_gs_that_is_released_between_two_requests() -> None:
    class NotFoundError(Exception):
        code = 404

    class Blob:
        generation = 7

        def download_as_bytes(self) -> bytes:
            raise NotFoundError

    class Bucket:
        def get_blob(self, _name: str) -> Blob:
            return Blob()

    place = output_lock._GoogleObject.__new__(output_lock._GoogleObject)
    vars(place).update(_bucket=Bucket(), _name="out/.lock")
    assert place.read() is None
