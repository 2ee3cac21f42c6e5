import errno
import io
import tarfile

import common
import numpy as np
import pytest
from common import InputError

CONTENT = bytes(np.random.default_rng(1).integers(0, 256, 3500, np.uint8))


def ranges(server):
    return [span for _, span in server.asked]


def test_announce_says_size_licence_and_what_cannot_be_checked(capsys):
    archives = [
        common.Archive("big.tar.gz", (), 4996278331, md5="0"),
        common.Archive("small.mat", (), 502, sha256="0"),
        common.Archive("other.zip", (), None),
    ]
    common.announce("A set.", archives, "free", "Somebody")
    assert capsys.readouterr().out.splitlines() == [
        "A set.",
        "  big.tar.gz: 5.0 GB",
        "  small.mat: 502 bytes",
        "  other.zip: size unknown; no checksum is published, so it cannot be checked",
        "Download: 5.0 GB and files of unknown size",
        "Licence: free",
        "Cite: Somebody",
    ]


def test_announce_without_any_known_size(capsys):
    common.announce("A set.", [common.Archive("other.zip", (), None, md5="0")], "free", "Somebody")
    assert "Download: size unknown" in capsys.readouterr().out


@pytest.mark.parametrize("folder", ["good", "plain"])
def test_fetch(server, tmp_path, folder):
    path = common.fetch(server.archive(CONTENT, folder), tmp_path)
    assert path.read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["set.bin"]


def test_a_true_copy_is_not_downloaded_again(server, tmp_path):
    archive = server.archive(CONTENT, "good")
    for _ in range(2):
        common.fetch(archive, tmp_path)
    assert len(server.asked) == 1


def test_a_false_copy_is_downloaded_again(server, tmp_path):
    (tmp_path / "set.bin").write_bytes(b"old")
    assert common.fetch(server.archive(CONTENT, "good"), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("folder, spans", [("good", ["bytes=1200-"]), ("plain", ["bytes=1200-"])])
@pytest.mark.parametrize("size", [len(CONTENT), None])
def test_half_a_file_is_continued(server, tmp_path, folder, spans, size):
    (tmp_path / "set.bin.part").write_bytes(CONTENT[:1200])
    archive = server.archive(CONTENT, folder, bytes=size)
    assert common.fetch(archive, tmp_path).read_bytes() == CONTENT
    assert ranges(server) == spans


@pytest.mark.parametrize("size, asked", [(len(CONTENT), 0), (None, 1)])
def test_a_part_that_is_complete_is_only_checked(server, tmp_path, size, asked):
    (tmp_path / "set.bin.part").write_bytes(CONTENT)
    assert common.fetch(server.archive(CONTENT, "good", bytes=size), tmp_path).read_bytes() == CONTENT
    assert len(server.asked) == asked


@pytest.mark.parametrize("size", [len(CONTENT), None])
@pytest.mark.parametrize("old", [b"x" * 1200, b"x" * len(CONTENT), b"x" * 9999])
def test_a_part_of_something_else_is_fetched_anew(server, tmp_path, old, size):
    (tmp_path / "set.bin.part").write_bytes(old)
    archive = server.archive(CONTENT, "good", bytes=size)
    assert common.fetch(archive, tmp_path).read_bytes() == CONTENT
    assert ranges(server)[-1] is None


@pytest.mark.parametrize("folder", ["drops", "silent"])
def test_a_broken_connection_is_continued(server, tmp_path, folder):
    assert common.fetch(server.archive(CONTENT, folder), tmp_path).read_bytes() == CONTENT
    assert ranges(server) == [None, "bytes=1000-", "bytes=2000-", "bytes=3000-"]


def test_a_server_that_never_gets_further_is_given_up_and_the_part_kept(server, tmp_path):
    with pytest.raises(InputError, match="ended after 1000 of 3500 bytes"):
        common.fetch(server.archive(CONTENT, "drops-plain"), tmp_path)
    assert (tmp_path / "set.bin.part").read_bytes() == CONTENT[:1000]
    assert len(server.asked) == 2


def test_the_next_address_continues(server, tmp_path):
    assert common.fetch(server.archive(CONTENT, "drops-plain", "good"), tmp_path).read_bytes() == CONTENT
    assert ranges(server)[-1] == "bytes=1000-"


@pytest.mark.parametrize(
    "folder, reason",
    [
        ("wrong", "sha256"),
        ("page", "offers 25 bytes instead of 3500"),
        ("gone", "404"),
        ("endless", "bytes instead of"),
    ],
)
def test_a_bad_answer_is_refused_and_removed(server, tmp_path, folder, reason):
    with pytest.raises(InputError, match=f"set.bin could not be downloaded.*--from.*{folder}/set.bin .*{reason}"):
        common.fetch(server.archive(CONTENT, folder), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_bad_checksum_leads_to_the_next_address(server, tmp_path):
    assert common.fetch(server.archive(CONTENT, "wrong", "good"), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("folder", ["page", "shifted", "gone"])
def test_a_bad_answer_does_not_cost_what_is_there(server, tmp_path, folder):
    (tmp_path / "set.bin.part").write_bytes(CONTENT[:1200])
    with pytest.raises(InputError):
        common.fetch(server.archive(CONTENT, folder), tmp_path)
    assert (tmp_path / "set.bin.part").read_bytes() == CONTENT[:1200]


@pytest.mark.parametrize("kind", ["sha256", "md5"])
def test_each_checksum_is_checked(server, tmp_path, kind):
    archive = server.archive(CONTENT, "good", **({"sha256": None} | {kind: "0"}))
    with pytest.raises(InputError, match=kind):
        common.fetch(archive, tmp_path)


def test_without_size_and_checksum_everything_is_taken(server, tmp_path):
    archive = server.archive(CONTENT, "good", bytes=None, sha256=None)
    assert common.fetch(archive, tmp_path).read_bytes() == CONTENT


def test_obtain_downloads_beside_the_result(server, tmp_path):
    archives = [server.archive(CONTENT, "good"), server.archive(b"two", "good", name="two.bin")]
    found = common.obtain(archives, None, tmp_path / "set")
    assert found == {name: tmp_path / "downloads" / "set" / name for name in ("set.bin", "two.bin")}
    assert all(path.is_file() for path in found.values())


def test_obtain_leaves_no_empty_folders(server, tmp_path):
    with pytest.raises(InputError):
        common.obtain([server.archive(CONTENT, "gone")], None, tmp_path / "set")
    assert not list(tmp_path.iterdir())


def test_obtain_from_a_folder_or_the_only_file(server, tmp_path):
    archive = server.archive(CONTENT)
    (tmp_path / "set.bin").write_bytes(CONTENT)
    assert common.obtain([archive], tmp_path, tmp_path / "out") == {"set.bin": tmp_path / "set.bin"}
    (tmp_path / "renamed").write_bytes(CONTENT)
    assert common.obtain([archive], tmp_path / "renamed", tmp_path / "out") == {"set.bin": tmp_path / "renamed"}
    with pytest.raises(InputError, match="several files are needed"):
        common.obtain([archive, archive], tmp_path / "renamed", tmp_path / "out")


@pytest.mark.parametrize("content, reason", [(None, "is not there"), (b"x", "1 bytes instead of 3500")])
def test_obtain_refuses_what_is_missing_or_wrong_and_leaves_it(server, tmp_path, content, reason):
    if content is not None:
        (tmp_path / "set.bin").write_bytes(content)
    with pytest.raises(InputError, match=reason):
        common.obtain([server.archive(CONTENT)], tmp_path, tmp_path / "out")
    assert (tmp_path / "set.bin").exists() == (content is not None)


def test_a_full_disk_is_not_blamed_on_the_address(server, tmp_path, monkeypatch):
    def full_disk(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(common, "open", full_disk, raising=False)
    with pytest.raises(InputError, match="set.bin.part cannot be written: No space left"):
        common.fetch(server.archive(CONTENT, "good", "good"), tmp_path)
    assert len(server.asked) == 1


@pytest.mark.parametrize("kind", ["tar_of", "zip_of"])
def test_members(request, tmp_path, kind):
    files = {"a/one.txt": b"1" * 5000, "a/two.txt": b"", "three": b"3"}
    (tmp_path / "any name").write_bytes(request.getfixturevalue(kind)(files))
    assert {name: read() for name, read in common.members(tmp_path / "any name")} == files
    assert [name for name, _ in common.members(tmp_path / "any name")] == list(files)
    content = (tmp_path / "any name").read_bytes()
    assert {name: read() for name, read in common.members("inner", content)} == files
    assert common.contents(tmp_path / "any name", ["two.txt", "three"]) == {"two.txt": b"", "three": b"3"}


def test_members_of_a_plain_tar_leave_out_links_and_devices(tmp_path):
    with tarfile.open(tmp_path / "set.tar", "w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE, tarfile.REGTYPE):
            info = tarfile.TarInfo(f"kind {kind}")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info, io.BytesIO())
    assert [name for name, _ in common.members(tmp_path / "set.tar")] == [f"kind {tarfile.REGTYPE}"]


@pytest.mark.parametrize("kind", ["tar_of", "zip_of"])
@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/evil", "..\\evil"])
def test_a_name_that_leads_outside_is_refused(request, tmp_path, kind, name):
    (tmp_path / "set").write_bytes(request.getfixturevalue(kind)({"good": b"1", name: b"2"}))
    with pytest.raises(InputError, match="leads outside"):
        common.contents(tmp_path / "set", ["good"])
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize("kind", ["tar_of", "zip_of"])
def test_an_absurdly_large_member_is_not_read(request, tmp_path, kind, monkeypatch):
    monkeypatch.setattr(common, "MEMBER_LIMIT", 100)
    (tmp_path / "set").write_bytes(request.getfixturevalue(kind)({"fits": bytes(100), "bomb": bytes(101)}))
    assert len(common.contents(tmp_path / "set", ["fits"])["fits"]) == 100
    with pytest.raises(InputError, match="'bomb' of 101 bytes"):
        common.contents(tmp_path / "set", ["bomb"])


@pytest.mark.parametrize("kind", ["tar_of", "zip_of"])
@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.6, 0.99])
def test_a_truncated_archive(request, tmp_path, kind, share):
    whole = request.getfixturevalue(kind)({"one": CONTENT * 10, "two": CONTENT[::-1] * 20})
    (tmp_path / "set").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError, match="set is not a complete archive"):
        for _, read in common.members(tmp_path / "set"):
            read()


def test_a_flipped_byte_in_a_zip(zip_of, tmp_path):
    content = bytearray(zip_of({"one": CONTENT}))
    content[1000] ^= 255
    (tmp_path / "set").write_bytes(content)
    with pytest.raises(InputError, match="not a complete archive"):
        common.contents(tmp_path / "set", ["one"])


def test_a_missing_member(tar_of, tmp_path):
    (tmp_path / "set").write_bytes(tar_of({"one": b"1"}))
    with pytest.raises(InputError, match="has no member two"):
        common.contents(tmp_path / "set", ["one", "two"])


def test_an_archive_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        list(common.members(tmp_path / "none"))


def test_a_missing_package_is_named():
    with pytest.raises(InputError, match=r"lacks the module no_such_package; pip install \"mcuref\[data\]\""):
        common.optional("no_such_package")


@pytest.mark.parametrize("mode, size", [("RGB", (64, 64)), ("L", (96, 64)), ("CMYK", (64, 160)), ("RGB", (20, 10))])
def test_square_image_has_the_mean_of_the_centre(mode, size):
    pillow = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    content = io.BytesIO()
    pillow.new(mode, size, 100).save(content, "jpeg")
    array = common.square_image(content.getvalue(), "test", 32)
    assert array.shape == (32, 32, 3) and array.dtype == np.uint8
    assert np.ptp(array, axis=(0, 1)).max() <= 1


@pytest.mark.parametrize("size", [(128, 64), (64, 129)])
def test_square_image_averages_whole_boxes_of_the_centre(size):
    pillow = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    pixels = np.random.default_rng(2).integers(0, 256, (size[1], size[0], 3), np.uint8)
    content = io.BytesIO()
    pillow.fromarray(pixels).save(content, "png")  # lossless, so that the average can be compared
    top, left = (size[1] - 64) // 2, (size[0] - 64) // 2
    centre = pixels[top : top + 64, left : left + 64].reshape(32, 2, 32, 2, 3)
    array = common.square_image(content.getvalue(), "test", 32)
    assert np.abs(array - centre.mean(axis=(1, 3))).max() <= 1  # Pillow rounds after each of the two directions


@pytest.mark.parametrize("change", [lambda c: b"", lambda c: c[:300], lambda c: b"x" * 500, lambda c: c[: len(c) // 2]])
def test_square_image_refuses_a_damaged_one(change):
    pillow = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    content = io.BytesIO()
    pillow.effect_noise((64, 64), 50).save(content, "jpeg")
    with pytest.raises(InputError, match="rose.jpg is not an image that can be read"):
        common.square_image(change(content.getvalue()), "rose.jpg", 32)
