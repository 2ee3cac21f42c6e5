import io
import tarfile

import archives
import numpy as np
import pytest
from common import InputError

CONTENT = bytes(np.random.default_rng(1).integers(0, 256, 3500, np.uint8))


@pytest.mark.parametrize("kind", ["tar_of", "zip_of"])
def test_members(request, tmp_path, kind):
    files = {"a/one.txt": b"1" * 5000, "a/two.txt": b"", "three": b"3"}
    (tmp_path / "any name").write_bytes(request.getfixturevalue(kind)(files))
    assert {name: read() for name, read in archives.members(tmp_path / "any name")} == files
    assert [name for name, _ in archives.members(tmp_path / "any name")] == list(files)
    content = (tmp_path / "any name").read_bytes()
    assert {name: read() for name, read in archives.members("inner", content)} == files
    assert archives.contents(tmp_path / "any name", ["two.txt", "three"]) == {"two.txt": b"", "three": b"3"}


def test_members_of_a_plain_tar_leave_out_links_and_devices(tmp_path):
    with tarfile.open(tmp_path / "set.tar", "w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE, tarfile.REGTYPE):
            info = tarfile.TarInfo(f"kind {kind}")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info, io.BytesIO())
    assert [name for name, _ in archives.members(tmp_path / "set.tar")] == [f"kind {tarfile.REGTYPE}"]


@pytest.mark.parametrize("kind", ["tar_of", "zip_of"])
@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/evil", "..\\evil"])
def test_a_name_that_leads_outside_is_refused(request, tmp_path, kind, name):
    (tmp_path / "set").write_bytes(request.getfixturevalue(kind)({"good": b"1", name: b"2"}))
    with pytest.raises(InputError, match="leads outside"):
        archives.contents(tmp_path / "set", ["good"])
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize("kind", ["tar_of", "zip_of"])
def test_an_absurdly_large_member_is_not_read(request, tmp_path, kind, monkeypatch):
    monkeypatch.setattr(archives, "MEMBER_LIMIT", 100)
    (tmp_path / "set").write_bytes(request.getfixturevalue(kind)({"fits": bytes(100), "bomb": bytes(101)}))
    assert len(archives.contents(tmp_path / "set", ["fits"])["fits"]) == 100
    with pytest.raises(InputError, match="'bomb' of 101 bytes"):
        archives.contents(tmp_path / "set", ["bomb"])


@pytest.mark.parametrize("kind", ["tar_of", "zip_of"])
@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.6, 0.99])
def test_a_truncated_archive(request, tmp_path, kind, share):
    whole = request.getfixturevalue(kind)({"one": CONTENT * 10, "two": CONTENT[::-1] * 20})
    (tmp_path / "set").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError, match="set is not a complete archive"):
        for _, read in archives.members(tmp_path / "set"):
            read()


def test_a_flipped_byte_in_a_zip(zip_of, tmp_path):
    content = bytearray(zip_of({"one": CONTENT}))
    content[1000] ^= 255
    (tmp_path / "set").write_bytes(content)
    with pytest.raises(InputError, match="not a complete archive"):
        archives.contents(tmp_path / "set", ["one"])


def test_a_missing_member(tar_of, tmp_path):
    (tmp_path / "set").write_bytes(tar_of({"one": b"1"}))
    with pytest.raises(InputError, match="has no member two"):
        archives.contents(tmp_path / "set", ["one", "two"])


def test_an_archive_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        list(archives.members(tmp_path / "none"))
