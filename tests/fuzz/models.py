"""Models that are none: TOML files damaged in every way, and names on the command line, to estimate.

Files that are cut off, have flipped bits, bytes of no text, wrong keys, types and numbers, deep nesting, geometry that does
not fit, names that steer a terminal; pipes, folders and links in their place; factors behind @; names of no model. A few
cases are right.
"""

import os
import sys

from harness import attack

from mcuref import layers

KINDS = (*layers.KINDS, "input", "add", "softplus", "", "\x1b[31m")
ARGUMENTS = (
    "outputs", "filters", "kernel", "stride", "padding", "shape", "body", "projection", "kind", "dilation", "a\x9bb",
)  # fmt: skip
NUMBERS = (
    "0",
    "-1",
    "1",
    "2",
    "3",
    "7",
    "8",
    "100",
    "65536",
    "65537",
    "2147483647",
    "2147483648",
    "1_000_000",
    "9" * 30,
    "9" * 5000,
    "0x" + "f" * 5000,
    "1e308",
    "1e400",
    "nan",
    "-inf",
    "0.5",
    "true",
)
VALUES = (
    *NUMBERS,
    '"same"',
    '"valid"',
    '"classes"',
    '""',
    '"\\u001b[31m"',
    '"\\u0000"',
    "[]",
    "[3, 3]",
    "[1, 2, 3]",
    "{}",
    "[[[]]]",
    "1979-05-27",
    "12:30:00",
    '[1, "a"]',
    '"' + "x" * 300 + '"',
    "'''a\nb'''",
)
KEYS = ("what", "input", "classes", "loss", "layers", "name", '"\\u001b[2J"', "'a b'", '"ä"', '"\\n"', "a.b.c", "layers.x")
MODELS = (
    "mlp-64-32-10",
    "cnn-8",
    "resnet-8",
    "ds-cnn",
    "autoencoder",
    "mlp-784-128-64-10",
    "mlp-9-9",
    "autoencoder-640-8-640",
)
WORDS = (
    "mlp", "autoencoder", "cnn", "resnet", "-", "@", ".", "0", "1", "10", "64", "65536", "65537", "999999999", "1e5", "é",
    " ", "\x1b[31m", "\n", "/", "..", ".toml", "~", "*", "-8", "--", "\uff10", "\ud800", "\u0663",
)  # fmt: skip
FACTORS = (
    "0.5", "2", "99.9999", "0.0001", "100", "0", "-1", "1e3", "nan", "", "0.00001", "@2", " 1", "\uff11", "0.5\x1b[0m", "00",
    "1.",
)  # fmt: skip
FILES = (
    "mine.toml",
    "a b.toml",
    "[red].toml",
    "ä.toml",
    "m@0.5.toml",
    "$(x).toml",
    "-.toml",
    ".toml",
    "\x1b[31m.toml",
    "a\nb.toml",
)
COMMANDS = (
    ("--target", "none"), ("--target", "none"), (), ("--target", "stm32h743", "--method", "topk"),
    ("--sram", "64k", "--trainable", "1"), ("--data", "digits", "--target", "none"),
    ("--target", "none", "--momentum", "0.9", "--batch", "4"), ("--sram", "900", "--flash", "2k"),
)  # fmt: skip


def case(numbers, folder):
    """(arguments, bytes that they read) of one case."""
    if numbers.random() < 0.25:
        return ["estimate", f"--model={wrong_name(numbers)}", *numbers.choice(COMMANDS)], 0
    name = numbers.choice(FILES)
    path = folder / name
    content = described(numbers)
    for _ in range(numbers.choice((0, 0, 1, 1, 2))):
        content = numbers.choice(TEXT_FAULTS)(numbers, content)
    content = content.encode("utf-8", "surrogatepass")
    for _ in range(numbers.choice((0, 0, 0, 1))):
        content = numbers.choice(BYTE_FAULTS)(numbers, content)
    path.write_bytes(content)
    if numbers.random() < 0.05:
        instead(numbers, path)
    factor = f"@{numbers.choice(FACTORS)}" if numbers.random() < 0.2 else ""
    return ["estimate", f"--model={name}{factor}", *numbers.choice(COMMANDS)], len(content)


def wrong_name(numbers):
    """A name of no model, or of one with a factor."""
    if numbers.random() < 0.4:
        return numbers.choice(MODELS) + "@" + numbers.choice(FACTORS)
    parts = [numbers.choice((*WORDS, *MODELS)) for _ in range(numbers.randrange(6))]
    return numbers.choice(("", "-")).join(parts).replace("\x00", "")


def described(numbers):
    """A TOML file, mostly a right one, by lines."""
    side, layers = numbers.choice((4, 8, 12)), []
    for _ in range(numbers.randrange(4)):
        layers.append(
            numbers.choice(
                (
                    '{kind = "conv", filters = 4, kernel = 3, padding = "same"}',
                    '{kind = "maxpool", kernel = 2}',
                    '{kind = "relu"}',
                    '{kind = "depthwise", kernel = 3, padding = "same"}',
                    '{kind = "residual", body = [{kind = "relu"}]}',
                    '{kind = "avgpool", kernel = [2, 1]}',
                    '{kind = "conv", filters = 3, kernel = [1, 2], stride = 2}',
                )
            )
        )
    last = numbers.choice(('{kind = "dense", outputs = "classes"}', '{kind = "dense", outputs = 10}'))
    layers += ['{kind = "flatten"}', last]
    head = [f"input = [{side}, {side}, 1]", "classes = 10", 'what = "mine"']
    return "\n".join([*head, "layers = [", *(f"    {one}," for one in layers), "]", ""])


def replace_value(numbers, text):
    """Another value somewhere."""
    places = [at for at in range(len(text)) if text[at] == "="]
    if not places:
        return text
    at = numbers.choice(places)
    end = min((end for end in (text.find(mark, at) for mark in ",}\n") if end >= 0), default=len(text))
    return f"{text[: at + 1]} {numbers.choice(VALUES)}{text[end:]}"


def add_key(numbers, text):
    """A further key at the beginning or end."""
    line = f"{numbers.choice(KEYS)} = {numbers.choice(VALUES)}\n"
    return line + text if numbers.random() < 0.5 else text + line


def odd_layer(numbers, text):
    """A layer of any kind with any arguments."""
    pairs = [f'"{name}" = {numbers.choice(VALUES)}' for name in {numbers.choice(ARGUMENTS) for _ in range(3)}]
    kind = numbers.choice(KINDS).replace("\x1b", "\\u001b")
    layer = "{" + ", ".join([f'kind = "{kind}"', *(p for p in pairs if '"kind"' not in p)]) + "}"
    return text.replace("layers = [\n", f"layers = [\n    {layer},\n", 1)


def drop_line(numbers, text):
    lines = text.splitlines(keepends=True)
    del lines[numbers.randrange(len(lines)) if lines else slice(0)]
    return "".join(lines)


def nest(numbers, text):
    """Residual blocks, lists or tables in one another."""
    depth, how = numbers.choice((2, 6, 7, 8, 9, 30, 300, 3000, 60_000)), numbers.randrange(5)
    if how == 0:
        block = '{kind = "relu"}'
        for _ in range(min(depth, 300)):
            block = f'{{kind = "residual", body = [{block}]}}'
        return text.replace("layers = [\n", f"layers = [{block},\n", 1)
    deep = "x = " + "[" * depth, "x = " + "{a=" * depth, "[x" + ".a" * depth + "]\n", "x" + ".a" * depth + " = 1\n"
    return text + deep[how - 1]


def many(numbers, text):
    """As many layers, entries or keys as a file can hold."""
    count, how = numbers.choice((900, 1001, 40_000)), numbers.randrange(4)
    if how == 0:
        return text.replace("layers = [\n", "layers = [\n" + '{kind = "relu"}, ' * count, 1)
    long = "x = [" + "1," * count + "]", "[[layers]]\n" * count, "".join(f"x{i} = {{}}\n" for i in range(count))
    return text + long[how - 1]


def put_in(numbers, text):
    """Characters that no TOML has, or not there."""
    at = numbers.randrange(len(text) + 1)
    odd = ["\x00", "\x1b[31m", "\ufeff", '"""', "'", "#", "\u2028", "\r", "\\", "\x7f", "\u202e", "=", "[[", "\ud800"]
    return text[:at] + numbers.choice([*odd, "é" * 500]) + text[at:]


def cut(numbers, content):
    return content[: numbers.randrange(len(content) + 1)]


def flip(numbers, content):
    content = bytearray(content)
    for _ in range(numbers.choice((1, 2, 5)) if content else 0):
        content[numbers.randrange(len(content))] ^= 1 << numbers.randrange(8)
    return bytes(content)


def recode(numbers, content):
    """Another encoding, a byte order mark, other ends of lines, or no text at all."""
    text = content.decode("utf-8", "replace")
    codes = (
        text.encode("utf-16"),
        text.encode("utf-32"),
        b"\xef\xbb\xbf" + content,
        content.replace(b"\n", b"\r\n"),
        content.replace(b"\n", b"\r"),
        numbers.randbytes(2000),
        b"",
        bytes(1 << 20),
        b"#" * ((1 << 20) + 1),
    )
    return numbers.choice(codes)


def instead(numbers, path):
    """Something else in the place of the file."""
    path.unlink()
    what = numbers.randrange(4)
    if what == 0:
        os.mkfifo(path)
    elif what == 1:
        path.mkdir()
    elif what == 2:
        path.symlink_to(numbers.choice(("/dev/zero", "/dev/null", "nowhere", path.name, "/dev/tty", "\x1b[31m")))


TEXT_FAULTS = (replace_value, replace_value, replace_value, add_key, odd_layer, odd_layer, drop_line, nest, many, put_in)
BYTE_FAULTS = (cut, flip, flip, recode)


def main(argv=None):
    """The command."""
    return attack(__doc__, case, 3000, argv=argv)


if __name__ == "__main__":
    sys.exit(main())
