"""Changed int8 .tflite files that can still be read: every element of every layer must be what LiteRT's reference kernels
leave in that tensor, whatever scales, paddings, strides and operators became of the file. Those that LiteRT refuses are
counted: it also looks at what is read nowhere here, such as whether a name is text.

The cases are those of tflite_files.py. Each is compared in a forked process, for LiteRT may stop where it cannot go on.
"""

import argparse
import os
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[n]) for n in (2, 1, 0)]

from importers.comparing import Reference, assert_every_element_is_equal, layer_outputs, random_samples  # noqa: E402
from tflite_files import FILES, case  # noqa: E402

from mcuref import compile  # noqa: E402, A004
from mcuref.errors import McurefError  # noqa: E402
from mcuref.importers.tflite import read_tflite  # noqa: E402

SAMPLES = 4
LARGEST = 1 << 20  # values of all layers that are worth the time


def ending(content, path, seed):
    """How a case ended: "equal", "not read", ..., or what is wrong."""
    path.write_bytes(content)
    try:
        imported = read_tflite(path)
        compile(imported.network, trainable=0)
    except McurefError:
        return "not read"
    if imported.network.quantization is None:
        return "float32"
    if sum(imported.graph.tensors[i].size for i in imported.tensors) > LARGEST:
        return "large"
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            os.write(writing, compared(content, imported, seed).encode()[:1000])
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    return said or f"LiteRT or mcuref ended with status {status}"


def compared(content, imported, seed):
    """The same, of a file that was read."""
    try:
        Reference(content)
    except (RuntimeError, ValueError, UnicodeDecodeError):
        return "refused by LiteRT"
    try:
        assert_every_element_is_equal(content, imported, random_samples(imported, SAMPLES, seed))
    except UnicodeDecodeError:
        return "refused by LiteRT"
    except Exception as error:  # whatever it is: that is what is looked for
        return f"{type(error).__name__}: {error}"
    return "equal"


def main(argv=None):
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=20_000, help="default 20,000")
    parser.add_argument("--seed", type=int, default=0, help="of the first case, the others follow; default 0")
    asked = parser.parse_args(argv)
    tiny, endings, faults = read_tflite(FILES / "tiny_int8.tflite"), Counter(), 0
    layer_outputs(tiny.network, random_samples(tiny, 1))  # has the kernels compiled, for all that are forked
    with tempfile.TemporaryDirectory(prefix="mcuref-fuzz-") as folder:
        for seed in range(asked.seed, asked.seed + asked.tries):
            content, done = case(random.Random(seed))
            ended = ending(content, Path(folder) / "m.tflite", seed)
            known = ended in ("equal", "not read", "float32", "large", "refused by LiteRT")
            endings[ended if known else "fault"] += 1
            if not known:
                faults += 1
                print(f"--seed {seed} --tries 1: {done}: {ended}", flush=True)
    ends = ", ".join(f"{count:,} {how}" for how, count in sorted(endings.items()))
    print(f"{asked.tries:,} cases from seed {asked.seed}: {ends}; faults: {faults}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
