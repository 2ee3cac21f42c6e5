import errno

import download
import numpy as np
import pytest
from common import InputError

CONTENT = bytes(np.random.default_rng(1).integers(0, 256, 3500, np.uint8))


def ranges(server):
    return [span for _, span in server.asked]


@pytest.mark.parametrize("folder", ["good", "plain"])
def test_fetch(server, tmp_path, folder):
    path = download.fetch(server.archive(CONTENT, folder), tmp_path)
    assert path.read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["set.bin"]


def test_a_true_copy_is_not_downloaded_again(server, tmp_path):
    archive = server.archive(CONTENT, "good")
    for _ in range(2):
        download.fetch(archive, tmp_path)
    assert len(server.asked) == 1


def test_a_false_copy_is_downloaded_again(server, tmp_path):
    (tmp_path / "set.bin").write_bytes(b"old")
    assert download.fetch(server.archive(CONTENT, "good"), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("folder, spans", [("good", ["bytes=1200-"]), ("plain", ["bytes=1200-"])])
@pytest.mark.parametrize("size", [len(CONTENT), None])
def test_half_a_file_is_continued(server, tmp_path, folder, spans, size):
    (tmp_path / "set.bin.part").write_bytes(CONTENT[:1200])
    archive = server.archive(CONTENT, folder, bytes=size)
    assert download.fetch(archive, tmp_path).read_bytes() == CONTENT
    assert ranges(server) == spans


@pytest.mark.parametrize("size, asked", [(len(CONTENT), 0), (None, 1)])
def test_a_part_that_is_complete_is_only_checked(server, tmp_path, size, asked):
    (tmp_path / "set.bin.part").write_bytes(CONTENT)
    assert download.fetch(server.archive(CONTENT, "good", bytes=size), tmp_path).read_bytes() == CONTENT
    assert len(server.asked) == asked


@pytest.mark.parametrize("size", [len(CONTENT), None])
@pytest.mark.parametrize("old", [b"x" * 1200, b"x" * len(CONTENT), b"x" * 9999])
def test_a_part_of_something_else_is_fetched_anew(server, tmp_path, old, size):
    (tmp_path / "set.bin.part").write_bytes(old)
    archive = server.archive(CONTENT, "good", bytes=size)
    assert download.fetch(archive, tmp_path).read_bytes() == CONTENT
    assert ranges(server)[-1] is None


@pytest.mark.parametrize("folder", ["drops", "silent"])
def test_a_broken_connection_is_continued(server, tmp_path, folder):
    assert download.fetch(server.archive(CONTENT, folder), tmp_path).read_bytes() == CONTENT
    assert ranges(server) == [None, "bytes=1000-", "bytes=2000-", "bytes=3000-"]


def test_a_server_that_never_gets_further_is_given_up_and_the_part_kept(server, tmp_path):
    with pytest.raises(InputError, match="ended after 1000 of 3500 bytes"):
        download.fetch(server.archive(CONTENT, "drops-plain"), tmp_path)
    assert (tmp_path / "set.bin.part").read_bytes() == CONTENT[:1000]
    assert len(server.asked) == 2


def test_the_next_address_continues(server, tmp_path):
    assert download.fetch(server.archive(CONTENT, "drops-plain", "good"), tmp_path).read_bytes() == CONTENT
    assert ranges(server)[-1] == "bytes=1000-"


@pytest.mark.parametrize(
    "folder, reason",
    [("wrong", "sha256"), ("page", "offers 25 bytes instead of 3500"), ("gone", "404"), ("endless", "bytes instead of")],
)
def test_a_bad_answer_is_refused_and_removed(server, tmp_path, folder, reason):
    with pytest.raises(InputError, match=f"set.bin could not be downloaded.*--from.*{folder}/set.bin .*{reason}"):
        download.fetch(server.archive(CONTENT, folder), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_bad_checksum_leads_to_the_next_address(server, tmp_path):
    assert download.fetch(server.archive(CONTENT, "wrong", "good"), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("folder", ["page", "shifted", "gone"])
def test_a_bad_answer_does_not_cost_what_is_there(server, tmp_path, folder):
    (tmp_path / "set.bin.part").write_bytes(CONTENT[:1200])
    with pytest.raises(InputError):
        download.fetch(server.archive(CONTENT, folder), tmp_path)
    assert (tmp_path / "set.bin.part").read_bytes() == CONTENT[:1200]


@pytest.mark.parametrize("kind", ["sha256", "md5"])
def test_each_checksum_is_checked(server, tmp_path, kind):
    archive = server.archive(CONTENT, "good", **({"sha256": None} | {kind: "0"}))
    with pytest.raises(InputError, match=kind):
        download.fetch(archive, tmp_path)


def test_without_size_and_checksum_everything_is_taken(server, tmp_path):
    archive = server.archive(CONTENT, "good", bytes=None, sha256=None)
    assert download.fetch(archive, tmp_path).read_bytes() == CONTENT


def test_obtain_downloads_beside_the_result(server, tmp_path):
    archives = [server.archive(CONTENT, "good"), server.archive(b"two", "good", name="two.bin")]
    found = download.obtain(archives, None, tmp_path / "set")
    assert found == {name: tmp_path / "downloads" / "set" / name for name in ("set.bin", "two.bin")}
    assert all(path.is_file() for path in found.values())


def test_obtain_leaves_no_empty_folders(server, tmp_path):
    with pytest.raises(InputError):
        download.obtain([server.archive(CONTENT, "gone")], None, tmp_path / "set")
    assert not list(tmp_path.iterdir())


def test_obtain_from_a_folder_or_the_only_file(server, tmp_path):
    archive = server.archive(CONTENT)
    (tmp_path / "set.bin").write_bytes(CONTENT)
    assert download.obtain([archive], tmp_path, tmp_path / "out") == {"set.bin": tmp_path / "set.bin"}
    (tmp_path / "renamed").write_bytes(CONTENT)
    assert download.obtain([archive], tmp_path / "renamed", tmp_path / "out") == {"set.bin": tmp_path / "renamed"}
    with pytest.raises(InputError, match="several files are needed"):
        download.obtain([archive, archive], tmp_path / "renamed", tmp_path / "out")


@pytest.mark.parametrize("content, reason", [(None, "is not there"), (b"x", "1 bytes instead of 3500")])
def test_obtain_refuses_what_is_missing_or_wrong_and_leaves_it(server, tmp_path, content, reason):
    if content is not None:
        (tmp_path / "set.bin").write_bytes(content)
    with pytest.raises(InputError, match=reason):
        download.obtain([server.archive(CONTENT)], tmp_path, tmp_path / "out")
    assert (tmp_path / "set.bin").exists() == (content is not None)


def test_a_full_disk_is_not_blamed_on_the_address(server, tmp_path, monkeypatch):
    def full_disk(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download, "open", full_disk, raising=False)
    with pytest.raises(InputError, match="set.bin.part cannot be written: No space left"):
        download.fetch(server.archive(CONTENT, "good", "good"), tmp_path)
    assert len(server.asked) == 1
