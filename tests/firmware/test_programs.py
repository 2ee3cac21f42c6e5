"""Random programs on this computer: C computes the bits of mcuref. One firmware is built and gets each as data."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcuref.export.cores import CORES
from mcuref.export.material import Material
from mcuref.firmware.answer import STEPS, TRACE, read_answer
from mcuref.firmware.conformance import build_conformance, encode_case, run_firmware
from mcuref.firmware.difference import trace_difference
from mcuref.firmware.toolchain import missing
from mcuref.testing.networks import LOSSES, programs, samples

HOST = CORES["host"]
RANDOM = settings(
    max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def firmware(tmp_path_factory):
    if missing(HOST):
        pytest.skip(missing(HOST))
    return build_conformance(HOST, tmp_path_factory.mktemp("conformance"))


@RANDOM
@given(st.data())
def test_random_programs_compute_the_same_bits(firmware, data):
    program = data.draw(programs(losses=LOSSES))
    material = Material(program, *data.draw(samples(program)), inferences=2)
    folder = firmware.parent

    def dump(sample, row):
        return run_firmware(HOST, firmware, folder, sample=sample, row=row)[1]

    (folder / "cases.bin").write_bytes(encode_case(material))
    answers = (read_answer(run_firmware(HOST, firmware, folder, mode)[0], [material], mode)[0] for mode in (TRACE, STEPS))
    difference = trace_difference(material, *answers, dump)
    assert difference is None, difference.sentence()
