import common
import download

from mcuref.errors import InputError


def test_announce_says_size_licence_and_what_cannot_be_checked(capsys):
    archives = [
        download.Archive("big.tar.gz", (), 4996278331, md5="0"),
        download.Archive("small.mat", (), 502, sha256="0"),
        download.Archive("other.zip", (), None),
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
    common.announce("A set.", [download.Archive("other.zip", (), None, md5="0")], "free", "Somebody")
    assert "Download: size unknown" in capsys.readouterr().out


def test_what_an_archive_calls_its_members_reaches_the_terminal_as_text(capsys):
    def main():
        raise InputError("archive a.zip has a member '\x1b]0;owned\x07\u202e'")

    assert common.run(main) == 2
    assert capsys.readouterr().err == "archive a.zip has a member '\\x1b]0;owned\\x07\\u202e'\n"
