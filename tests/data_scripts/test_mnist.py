import errno
import gzip
import hashlib
import http.server
import struct
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import common
import download
import mnist
import numpy as np
import pytest

from mcuref.datasets import available, load

SCRIPT = Path(mnist.__file__)


def idx(array):
    """The idx file of a uint8 array, bytes."""
    return struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def archive_of(name, packed):
    """The Archive that packed (bytes) is a true copy of."""
    return download.Archive(name, (), len(packed), hashlib.sha256(packed).hexdigest())


class Made:
    """Four small files as on a mirror: `contents` by name, the `files` table with their checksums, and the arrays."""

    def __init__(self):
        self.contents, self.files, self.arrays = {}, {}, {}
        for (file_name, array_name), (archive, _, shape) in mnist.FILES.items():
            shape = ({"train.npz": 7, "test.npz": 3}[file_name], *shape[1:])
            array = (np.arange(np.prod(shape)) * 31 % (256 if array_name == "x" else 10)).astype(np.uint8)
            array = array.reshape(shape)
            self.arrays[file_name, array_name] = array
            self.put((file_name, array_name), archive.name, idx(array), shape)

    def put(self, key, name, content, shape):
        """Replace a file by content (decompressed), with checksums that are right for it."""
        packed = gzip.compress(content, mtime=0)
        md5 = hashlib.md5(content).hexdigest()
        self.contents[name] = packed
        self.files[key] = archive_of(name, packed), md5, shape

    def write(self, folder):
        """The packed files into folder, which is returned."""
        folder.mkdir(exist_ok=True)
        for name, content in self.contents.items():
            (folder / name).write_bytes(content)
        return folder


@pytest.fixture
def made():
    return Made()


@pytest.fixture
def out(tmp_path):
    return tmp_path / "result" / "mnist"


@pytest.fixture
def mirror(made, monkeypatch):
    """Address of a local server that gives made.contents under /good/, 404 elsewhere, and lists what was asked for."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            _, folder, name = self.path.split("/")
            content = made.contents.get(name) if folder in ("good", "short", "broken", "endless") else None
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            if folder == "broken":
                self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            bodies = {"short": content[:-1], "endless": content * 3, "broken": b"5\r\nab"}  # ends within a chunk
            self.wfile.write(bodies.get(folder, content))

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", asked
    server.shutdown()
    server.server_close()


def run(made, out, *arguments, mirrors=()):
    """Exit status of the command on made files."""
    files = {
        key: (replace(archive, urls=tuple(mirror + archive.name for mirror in mirrors)), md5, shape)
        for key, (archive, md5, shape) in made.files.items()
    }
    return common.run(lambda: mnist.main(["--out", str(out), *map(str, arguments)], files))


def assert_written(made, out):
    assert sorted(path.name for path in out.iterdir()) == ["test.npz", "train.npz"]
    for name in ("train.npz", "test.npz"):
        with np.load(out / name) as arrays:
            assert sorted(arrays) == ["class_names", "x", "y"]
            assert arrays["x"].dtype == arrays["y"].dtype == np.uint8
            assert arrays["x"].tolist() == made.arrays[name, "x"][..., None].tolist()
            assert arrays["y"].tolist() == made.arrays[name, "y"].tolist()
            assert arrays["class_names"].tolist() == list("0123456789")


def assert_refused(capsys, status, out, *fragments, kept=()):
    """Exit 2, one sentence with the fragments on stderr, no trace of the folder that was to be made.

    kept are the names of the downloads that stay for the next run.
    """
    assert status == 2
    sentence = capsys.readouterr().err.strip().splitlines()[-1]
    for fragment in fragments:
        assert fragment in sentence
    assert "Traceback" not in sentence
    assert not out.exists()
    assert [path.name for path in out.parent.rglob("*") if path.is_file()] == list(kept)
    assert kept or not out.parent.exists()


def test_download(made, out, mirror, capsys):
    address, asked = mirror
    assert run(made, out, mirrors=[address + "good/"]) == 0
    assert_written(made, out)
    assert len(asked) == 4
    printed = capsys.readouterr().out
    assert printed.index("Download:") < printed.index("Licence") < printed.index("wrote")


def test_a_second_run_downloads_nothing(made, out, mirror):
    address, asked = mirror
    for _ in range(2):
        assert run(made, out, mirrors=[address + "good/"]) == 0
    assert len(asked) == 4
    assert sorted(path.name for path in (out.parent / "downloads" / "mnist").iterdir()) == sorted(made.contents)


def test_size_and_licence_come_before_the_first_byte(made, out, capsys, monkeypatch):
    def obtain(*_):
        assert "11.6 MB" in (text := capsys.readouterr().out) and "Licence" in text
        raise common.InputError("stop here")

    monkeypatch.setattr(mnist, "obtain", obtain)
    status = common.run(lambda: mnist.main(["--out", str(out)]))
    assert_refused(capsys, status, out, "stop here")


@pytest.mark.parametrize("bad", ["gone/", "short/", "broken/", "endless/"])
def test_the_next_mirror_is_tried(made, out, mirror, bad):
    address, asked = mirror
    assert run(made, out, mirrors=[address + bad, address + "good/"]) == 0
    assert_written(made, out)
    assert len(asked) >= 8


def test_a_mirror_that_does_not_answer(made, out, mirror):
    assert run(made, out, mirrors=["http://127.0.0.1:9/", mirror[0] + "good/"]) == 0
    assert_written(made, out)


def test_no_mirror_left(made, out, mirror, capsys):
    address, _ = mirror
    status = run(made, out, mirrors=["http://127.0.0.1:9/", address + "gone/", address + "short/"])
    assert_refused(
        capsys,
        status,
        out,
        "train-images-idx3-ubyte.gz could not be downloaded",
        "refused",
        "404",
        "--from",
        kept=["train-images-idx3-ubyte.gz.part"],
    )


def test_a_wrong_checksum_from_the_only_mirror(made, out, mirror, capsys):
    content = bytearray(made.contents["t10k-labels-idx1-ubyte.gz"])
    content[-1] ^= 1
    made.contents["t10k-labels-idx1-ubyte.gz"] = bytes(content)
    status = run(made, out, mirrors=[mirror[0] + "good/"])
    good = ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz"]
    assert status == 2 and not out.exists()
    assert sorted(path.name for path in out.parent.rglob("*.*")) == sorted(good)
    sentence = capsys.readouterr().err
    assert "t10k-labels-idx1-ubyte.gz" in sentence and "sha256" in sentence


def test_an_endless_answer_is_cut_off(made, mirror, tmp_path):
    address, _ = mirror
    name = "train-images-idx3-ubyte.gz"
    made.contents[name] = bytes(download.CHUNK)
    download._transfer(address + "endless/" + name, tmp_path / "part", 10, lambda *_: None)
    assert (tmp_path / "part").stat().st_size <= download.CHUNK


def test_from_packed_files(made, out, tmp_path):
    assert run(made, out, "--from", made.write(tmp_path / "have")) == 0
    assert_written(made, out)
    assert len(list((tmp_path / "have").iterdir())) == 4  # what the user has stays


def test_from_decompressed_files(made, out, tmp_path):
    have = made.write(tmp_path / "have")
    for path in list(have.iterdir()):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    assert run(made, out, "--from", have) == 0
    assert_written(made, out)


def test_from_a_folder_that_lacks_a_file(made, out, tmp_path, capsys):
    have = made.write(tmp_path / "have")
    (have / "t10k-images-idx3-ubyte.gz").unlink()
    status = run(made, out, "--from", have)
    assert_refused(capsys, status, out, "neither t10k-images-idx3-ubyte.gz nor t10k-images-idx3-ubyte")


def test_from_a_folder_that_does_not_exist(made, out, tmp_path, capsys):
    assert_refused(capsys, run(made, out, "--from", tmp_path / "none"), out, str(tmp_path / "none"), "neither")


@pytest.mark.parametrize(
    "change, reason", [(lambda c: c[:-5], "bytes instead of"), (lambda c: c[:20] + bytes([c[20] ^ 1]) + c[21:], "sha256")]
)
def test_from_a_damaged_file(made, out, tmp_path, capsys, change, reason):
    have = made.write(tmp_path / "have")
    path = have / "train-images-idx3-ubyte.gz"
    path.write_bytes(change(path.read_bytes()))
    assert_refused(capsys, run(made, out, "--from", have), out, str(path), reason)


def test_from_a_file_without_read_permission(made, out, tmp_path, capsys, monkeypatch):
    def forbidden(*_):  # chmod would not stop the administrator, who may be running this
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(download, "open", forbidden, raising=False)
    status = run(made, out, "--from", made.write(tmp_path / "have"))
    assert_refused(capsys, status, out, "train-images-idx3-ubyte.gz cannot be read: Permission denied")


def test_from_a_decompressed_file_with_another_md5(made, out, tmp_path, capsys):
    have = made.write(tmp_path / "have")
    packed = have / "train-labels-idx1-ubyte.gz"
    packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()) + b"x")
    packed.unlink()
    assert_refused(capsys, run(made, out, "--from", have), out, "train-labels-idx1-ubyte", "md5")


def test_a_truncated_gzip_stream_whose_checksum_is_right(made, out, tmp_path, capsys):
    key, name = ("test.npz", "y"), "t10k-labels-idx1-ubyte.gz"
    packed = made.contents[name][:-9]
    made.contents[name] = packed
    made.files[key] = archive_of(name, packed), "", (3,)
    assert_refused(capsys, run(made, out, "--from", made.write(tmp_path / "have")), out, name, "complete gzip")


@pytest.mark.parametrize(
    "content, fragments",
    [
        (b"", ["starts with"]),
        (b"\0\0\x08", ["starts with 000008"]),
        (b"\0\0\x0d\x01\0\0\0\3abc", ["starts with 00000d01", "00000801"]),
        (b"\0\0\x08\x01\0\0\0\4abcd", ["(4,)", "(3,)"]),
        (b"\0\0\x08\x01\0\0\0\3ab", ["holds 2 values", "3 are needed"]),
        (b"\0\0\x08\x01\0\0\0\3abcd", ["holds 4 values", "3 are needed"]),
    ],
)
def test_wrong_idx_content_whose_checksums_are_right(made, out, tmp_path, capsys, content, fragments):
    made.put(("test.npz", "y"), "t10k-labels-idx1-ubyte.gz", content, (3,))
    status = run(made, out, "--from", made.write(tmp_path / "have"))
    assert_refused(capsys, status, out, "t10k-labels-idx1-ubyte.gz", *fragments)


def full_disk(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_full_disk_while_converting(made, out, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(np, "savez_compressed", full_disk)
    status = run(made, out, "--from", made.write(tmp_path / "have"))
    assert_refused(capsys, status, out, "train.npz cannot be written: No space left")


def test_nothing_is_replaced_before_everything_is_complete(made, out, tmp_path, capsys, monkeypatch):
    have = made.write(tmp_path / "have")
    assert run(made, out, "--from", have) == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    saved = []

    def disk_gets_full(path, **arrays):
        saved.append(path)
        return full_disk() if len(saved) == 2 else path.write_bytes(b"new")

    monkeypatch.setattr(np, "savez_compressed", disk_gets_full)
    assert run(made, out, "--from", have) == 2
    assert "test.npz cannot be written" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert out not in [path.parent for path in saved]


def test_full_disk_while_downloading_is_not_blamed_on_the_mirror(made, out, mirror, capsys, monkeypatch):
    address, asked = mirror
    monkeypatch.setattr(download, "open", full_disk, raising=False)
    status = run(made, out, mirrors=[address + "good/"] * 2)
    assert_refused(capsys, status, out, "cannot be written: No space left")
    assert len(asked) == 1


def test_no_write_permission_is_found_before_downloading(made, tmp_path, mirror, capsys):
    (tmp_path / "file").touch()
    address, asked = mirror
    assert run(made, tmp_path / "file" / "mnist", mirrors=[address + "good/"]) == 2
    assert "cannot be written: Not a directory" in capsys.readouterr().err
    assert not asked


def test_a_failure_leaves_the_old_result_alone(made, out, tmp_path, monkeypatch):
    have = made.write(tmp_path / "have")
    assert run(made, out, "--from", have) == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    (have / "t10k-labels-idx1-ubyte.gz").write_bytes(b"")
    assert run(made, out, "--from", have) == 2
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_again_replaces_with_the_same_bytes(made, out, tmp_path):
    have = made.write(tmp_path / "have")
    assert run(made, out, "--from", have) == 0
    before = {path.name: (path.read_bytes(), path.stat().st_ino) for path in out.iterdir()}
    assert run(made, out, "--from", have) == 0
    for name, (content, number) in before.items():
        assert (out / name).read_bytes() == content
        assert (out / name).stat().st_ino != number  # renamed into place, not written over


def test_a_folder_in_the_way_of_a_file(made, out, tmp_path, capsys):
    (out / "test.npz").mkdir(parents=True)
    assert run(made, out, "--from", made.write(tmp_path / "have")) == 2
    assert "test.npz cannot be written: a folder" in capsys.readouterr().err
    assert [path.name for path in out.iterdir()] == ["test.npz"]


def test_ctrl_c_leaves_nothing(made, out, capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(mnist, "obtain", interrupted)
    assert run(made, out) == 130
    assert "stopped" in capsys.readouterr().err
    assert not out.parent.exists()


def test_the_default_place_is_where_the_loader_looks(made, tmp_path, monkeypatch):
    monkeypatch.setenv("MCUREF_DATA", str(tmp_path / "data"))
    assert common.run(lambda: mnist.main(["--from", str(made.write(tmp_path / "have"))], made.files)) == 0
    assert_written(made, tmp_path / "data" / "mnist")
    assert load("mnist").x_train.tolist() == made.arrays["train.npz", "x"][..., None].tolist()


def test_as_a_command_outside_the_checkout(tmp_path):
    (tmp_path / "have").mkdir()
    command = [sys.executable, SCRIPT, "--from", tmp_path / "have", "--out", tmp_path / "out"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 2
    assert "11.6 MB" in result.stdout
    assert result.stderr.startswith(str(tmp_path / "have")) and result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_the_real_data_gives_the_real_data(tmp_path):
    real = {info.name: info for info in available()}["mnist"]
    if not real.present:
        pytest.skip(f"data set mnist is absent; to bring it: {real.command}")
    data = load("mnist")
    sides = {"train.npz": (data.x_train, data.y_train), "test.npz": (data.x_test, data.y_test)}
    for (file_name, array_name), (archive, _, _) in mnist.FILES.items():
        x, y = sides[file_name]
        array = x[..., 0] if array_name == "x" else y.astype(np.uint8)
        (tmp_path / archive.name).with_suffix("").write_bytes(idx(array))
    result = mnist.convert(tmp_path, mnist.FILES)  # checks the published md5 of all four files
    for file_name, (x, y) in sides.items():
        assert np.array_equal(result[file_name]["x"], x) and np.array_equal(result[file_name]["y"], y)
