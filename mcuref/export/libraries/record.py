"""What a library is, whatever build system takes it."""

import re
from dataclasses import dataclass

AUTHORS = "The mcuref authors"
HOMEPAGE = "https://arxiv.org/abs/2308.09201"  # of the method; where a person can read what it is about
LICENSE = "MIT"
KEYWORDS = ("machine learning", "neural network", "on-device training", "tinyml")
# What a build file can ask of a compiler to keep the bits; numerics.h asks gcc for the same, where a build system cannot
FLAGS = ("-ffp-contract=off", "-fno-strict-aliasing")


@dataclass(frozen=True)
class Record:
    """The metadata from which all build files are written.

    Attributes
    ----------
    name : str, of the library: that of its folder.
    model : str, of the model in C: its header is called as it is, with .h.
    version : str, of mcuref.
    title : str, the network and how it is trained, in words without characters that mean something to a build file.
    sources : tuple of str, C files below src/, sorted.
    slot : int, bytes of a slot that what was learned is saved in.
    """

    name: str
    model: str
    version: str
    title: str
    sources: tuple[str, ...]
    slot: int

    @property
    def sentence(self) -> str:
        """What the library is, one sentence."""
        return f"A neural network that runs, and goes on learning, on a microcontroller: {self.title}."

    @property
    def option(self) -> str:
        """Its option in Kconfig, without CONFIG_."""
        return f"MCUREF_{re.sub('[^A-Z0-9]', '_', self.name.upper())}"
