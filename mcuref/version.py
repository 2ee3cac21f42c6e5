"""The version, as setup.cfg has it."""

__version__ = "0.1.0"
