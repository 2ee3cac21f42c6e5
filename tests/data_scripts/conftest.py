"""What the tests of the data scripts share; no test needs more of a network than a server in this process."""

import hashlib
import http.server
import io
import sys
import tarfile
import threading
import wave
import zipfile
from pathlib import Path

import numpy as np
import pytest

# The scripts are run by path, so their folder is put where Python would put it.
sys.path.insert(0, str(Path(__file__).parents[2] / "data_scripts"))

import download  # noqa: E402


class Server:
    """What a local server gives, `contents` by name, and what was asked of it: `asked`, pairs of path and Range.

    The folder in an address says how it behaves: good (with ranges), plain (without), drops (breaks off after
    `enough` bytes, with ranges), drops-plain, silent (as drops, without a length), wrong (other bytes), page (a short
    page instead), endless, shifted (other bytes than the range asked for).
    """

    def __init__(self):
        self.contents, self.asked, self.enough, self.address = {}, [], 1000, ""

    def url(self, folder, name):
        return f"{self.address}{folder}/{name}"

    def archive(self, content, *folders, name="set.bin", **changes):
        """The Archive of content (bytes), which is served, with an address in each of the folders."""
        self.contents[name] = content
        right = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        return download.Archive(name, tuple(self.url(folder, name) for folder in folders), **(right | changes))


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        given = self.server.given
        asked = self.headers.get("Range")
        given.asked.append((self.path, asked))
        _, folder, name = self.path.split("/")
        if name not in given.contents or folder == "gone":
            self.send_error(404)
            return
        content = given.contents[name]
        start = 0 if asked is None or folder in ("plain", "drops-plain", "page") else int(asked[len("bytes=") : -1])
        if start >= len(content):
            self.send_error(416)
            return
        self._answer(folder, content, start)

    def _answer(self, folder, content, start):
        enough = self.server.given.enough
        body = {
            "drops": content[start : start + enough],
            "drops-plain": content[:enough],
            "silent": content[start : start + enough],
            "wrong": bytes(255 - byte for byte in content[start:]),
            "page": b"<html>log in first</html>",
            "endless": content[start:] * 3,
        }.get(folder, content[start:])
        self.send_response(206 if start else 200)
        if start:
            shown = start + 1 if folder == "shifted" else start
            self.send_header("Content-Range", f"bytes {shown}-{len(content) - 1}/{len(content)}")
        if folder not in ("silent", "endless"):
            self.send_header("Content-Length", str(len(body) if folder == "page" else len(content) - start))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.given = Server()
    listening.given.address = f"http://127.0.0.1:{listening.server_port}/"
    threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True).start()
    yield listening.given
    listening.shutdown()
    listening.server_close()


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(download, "PAUSE", 0)


@pytest.fixture
def refused(capsys):
    """Check the end of a command: status 2, and one sentence with these fragments on stderr."""

    def check(status, *fragments):
        assert status == 2
        written = capsys.readouterr().err
        assert "Traceback" not in written
        sentence = written.strip().splitlines()[-1]
        for fragment in fragments:
            assert fragment in sentence

    return check


@pytest.fixture
def tar_of():
    """The bytes of a .tar.gz with these members, {name: bytes}."""

    def make(members):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for name, content in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        return packed.getvalue()

    return make


@pytest.fixture
def zip_of():
    """The bytes of a .zip with these members, {name: bytes}."""

    def make(members):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return packed.getvalue()

    return make


def wav(samples, channels=1, width=2, rate=16000):
    """The .wav file (bytes) of integer samples."""
    packed = io.BytesIO()
    with wave.open(packed, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(np.asarray(samples, {1: "u1", 2: "<i2", 4: "<i4"}[width]).tobytes())
    return packed.getvalue()
