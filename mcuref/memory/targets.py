"""Named microcontrollers with their memory banks, sizes as people write them, and the byte budget of a plan.

A plan is one arena, and one arena needs contiguous memory: what a part offers is not the sum of its banks but the
largest run of adjacent ones. `Target.sram` and `Target.flash` are that run; `sram_total` and `flash_total` the sum.
"""

import numbers
import re
from dataclasses import dataclass
from fractions import Fraction

from mcuref.errors import InputError
from mcuref.names import hint, near

KINDS = ("sram", "flash")
FPUS = ("none", "single", "double")
MAX_BYTES = 2**40  # far above any microcontroller: a larger number is a slip of the hand
DEFAULT_STACK = 2048  # bytes, until a measured figure replaces it

# Cores that firmware was measured on (mcuref/export/cores.py), by the names in data sheets
CORE_NAMES = {
    "Cortex-M0": "m0", "Cortex-M0+": "m0",  # both ARMv6-M: the same instructions, the same binary
    "Cortex-M3": "m3", "Cortex-M4F": "m4f", "Cortex-M7": "m7", "Cortex-M33": "m33",
    "Cortex-M55": "m55",
    "RV32IMAC": "rv32imac", "RV32IMAFC": "rv32imafc",
    "RV32IMC": "rv32imac",  # nothing is atomic in mcuref's C: of these instructions none is used
}  # fmt: skip

_FACTORS = {"": 1, "b": 1, "k": 1024, "kb": 1024, "kib": 1024, "m": 1024**2, "mb": 1024**2, "mib": 1024**2}
# ASCII only, or IGNORECASE would take the Kelvin sign for a k; the lengths keep int() and Fraction() cheap
_SIZE = re.compile(r"([+-]?[0-9_]{1,30}(?:\.[0-9]{1,30})?)[ \t]*([a-z]{0,3})", re.ASCII | re.IGNORECASE)
_GROUPED = re.compile(r"[+-]?[0-9]+(?:_[0-9]+)*(?:\.[0-9]+)?")
_EXAMPLES = '262144, "256KiB" or "1.5M"'


# ---------------------------------------------------------------------------------------------------------------------
# sizes


def parse_size(text: str | int, name: str, minimum: int = 0) -> int:
    """Bytes from a number or from text such as ``"256KiB"``.

    k, KB, kB and KiB all mean 1024 bytes, as in data sheets and linker scripts; M, MB and MiB mean 1024 of those; no
    unit or B means bytes. Upper or lower case, a space before the unit, underscores between digits and a decimal
    point are accepted, the last as long as the result is a whole number of bytes.

    Parameters
    ----------
    text : the size as a person wrote it, or a number of bytes.
    name : what the size is of ("sram"), for the error's sentence.
    minimum : smallest size allowed, bytes.

    Returns
    -------
    The size in bytes, minimum..2**40.

    Raises
    ------
    InputError : not a size, not a whole number of bytes, or out of range.

    Examples
    --------
    >>> parse_size("256KiB", "sram")
    262144
    """
    if not isinstance(text, str):
        return _checked_bytes(text, name, minimum)
    match = _SIZE.fullmatch(text.strip())
    factor = _FACTORS.get(match[2].lower()) if match else None
    if match is None or factor is None or not _GROUPED.fullmatch(match[1]):
        raise InputError(f"{name} is {_shown(text)}, which is not a size: write bytes or a unit, as in {_EXAMPLES}")
    size = Fraction(match[1].replace("_", "")) * factor
    if size.denominator != 1:
        raise InputError(f"{name} is {_shown(text)}, which is not a whole number of bytes: write it as in {_EXAMPLES}")
    return _checked_bytes(int(size), name, minimum)


def format_size(n: int, short: bool = False) -> str:
    """Write n bytes as ``"262,144 B (256.0 KiB)"``, or for a table as ``"256 KiB"`` (one decimal, rounded).

    MiB is used for whole MiB only: 2016 KiB stays 2016 KiB, so that no rounding makes it look like 2 MiB.
    """
    if abs(n) < 1024:
        return f"{n:,} B"
    unit, factor = ("MiB", 1024**2) if n % 1024**2 == 0 else ("KiB", 1024)
    scaled = f"{n / factor:.1f}"
    return f"{scaled.removesuffix('.0')} {unit}" if short else f"{n:,} B ({scaled} {unit})"


def _checked_bytes(value, name, minimum):
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise InputError(f"{name} is {_shown(value)}, which is not a number of bytes: write it as in {_EXAMPLES}")
    if not minimum <= value <= MAX_BYTES:
        bound = f"at least {minimum:,}" if value < minimum else f"at most {MAX_BYTES:,}"
        raise InputError(f"{name} is {_shown(value)} bytes, but it must be {bound} bytes")
    return int(value)


def _shown(value):
    """Text of a rejected value that is safe to print: one line, not long, and no error from a monstrous integer."""
    if isinstance(value, numbers.Integral) and abs(value) > 2**64:
        return "beyond 2**64" if value > 0 else "below -2**64"
    try:
        text = ascii(value)
    except Exception:  # a foreign object's own __repr__ may raise anything
        text = f"a {type(value).__name__}"
    return (text if len(text) <= 40 else text[:37] + "...").replace("\n", " ")


# ---------------------------------------------------------------------------------------------------------------------
# budget


@dataclass(frozen=True)
class Budget:
    """Bytes that a plan may use.

    Parameters
    ----------
    sram, flash : bytes of contiguous memory; None = unlimited.
    stack : bytes of the SRAM kept back for the stack.
    name : the target it came from, for messages; may be empty.
    core : the core whose code and stack are counted in, "m4f" say; empty: none is known, and only the plan is counted.
    """

    sram: int | None
    flash: int | None
    stack: int = DEFAULT_STACK
    name: str = ""
    core: str = ""

    def __post_init__(self) -> None:
        for field, minimum in (("sram", 1), ("flash", 1), ("stack", 0)):
            value = getattr(self, field)
            if value is not None or field == "stack":
                # plain int, so that a NumPy integer does not reach the JSON report
                object.__setattr__(self, field, _checked_bytes(value, field, minimum))
        if not isinstance(self.name, str):
            raise InputError(f"a budget's name is {_shown(self.name)}, but it must be text")
        if self.sram is not None and self.stack >= self.sram:
            raise InputError(
                f"stack is {self.stack:,} bytes, which leaves nothing of the {self.sram:,} bytes of sram: it must be smaller"
            )

    @property
    def arena(self) -> int | None:
        """Bytes of SRAM left for the arena, sram - stack; None = unlimited."""
        return None if self.sram is None else self.sram - self.stack


def assumed_core(name: str, core: str) -> str:
    """Return the core whose code and stack a budget without a target's name counts in, as "Cortex-M4F"; or ""."""
    return "" if name else next((sheet for sheet, key in CORE_NAMES.items() if key == core), "")


def budget_words(name: str, core: str) -> str:
    """Return what a report calls a budget: the target that it is of, or as given, and whose code is counted in."""
    assumed = assumed_core(name, core)
    return name or "as given" + (f", code as on a {assumed}" if assumed else "")


# ---------------------------------------------------------------------------------------------------------------------
# targets


@dataclass(frozen=True)
class Bank:
    """One block of memory as the data sheet lists it: kind "sram" or "flash", address and size in bytes."""

    name: str
    kind: str
    address: int
    size: int

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"bank {self.name!r} is of kind {_shown(self.kind)}, but it must be sram or flash")
        _checked_bytes(self.address, f"the address of bank {self.name!r}", 0)
        _checked_bytes(self.size, f"the size of bank {self.name!r}", 1)

    @property
    def end(self) -> int:
        """Address of the first byte after the bank."""
        return self.address + self.size


@dataclass(frozen=True)
class Target:
    """A microcontroller.

    Parameters
    ----------
    name : short lower-case key, "nrf52840".
    part : the orderable part whose figures these are, and the board where flash is outside the chip.
    vendor, core : "Nordic Semiconductor", "Cortex-M4F".
    fpu : widest floating-point format in hardware: "none", "single" or "double".
    clock_hz : highest core clock, Hz.
    banks : memory banks; backup RAM and EEPROM are left out.
    datasheet : title, and document number where known; or what it is from otherwise.
    """

    name: str
    part: str
    vendor: str
    core: str
    fpu: str
    clock_hz: int
    banks: tuple[Bank, ...]
    datasheet: str

    @property
    def sram(self) -> int:
        """Bytes of the largest run of adjacent SRAM banks: what one arena can have."""
        return _largest_run(self.banks, "sram")

    @property
    def flash(self) -> int:
        """Bytes of the largest run of adjacent flash banks."""
        return _largest_run(self.banks, "flash")

    @property
    def sram_total(self) -> int:
        """Bytes of all SRAM banks together."""
        return sum(bank.size for bank in self.banks if bank.kind == "sram")

    @property
    def flash_total(self) -> int:
        """Bytes of all flash banks together."""
        return sum(bank.size for bank in self.banks if bank.kind == "flash")

    def budget(self, stack: int = DEFAULT_STACK) -> Budget:
        """Return the part's budget with `stack` bytes kept back for the stack."""
        return Budget(self.sram, self.flash, stack, self.name, CORE_NAMES.get(self.core, ""))


def by_size() -> list[Target]:
    """Return all targets, the smallest first; those without an FPU last, because the arithmetic is float32."""
    return sorted(TARGETS.values(), key=lambda t: (t.fpu == "none", t.sram, t.flash, t.name))


def find_target(name: str, also: tuple[str, ...] = ()) -> Target:
    """Return the target of that name, upper or lower case; InputError with near misses if there is none.

    also : words that the caller takes in the place of a target, to be among the near misses.
    """
    key = name.strip().lower() if isinstance(name, str) else ""
    if key in TARGETS:
        return TARGETS[key]
    listed = hint(near(key, (*TARGETS, *also)), "`mcuref targets` lists them")
    raise InputError(f"there is no target {_shown(name)}{listed}")


def _largest_run(banks, kind):
    """Bytes of the longest chain of banks of one kind in which each begins where the one before ends; 0 if none."""
    best = run = 0
    end = None
    for bank in sorted((bank for bank in banks if bank.kind == kind), key=lambda bank: bank.address):
        run = run + bank.size if bank.address == end else bank.size
        end = bank.end
        best = max(best, run)
    return best


# ---------------------------------------------------------------------------------------------------------------------
# the table


def _sram(name, address, kib):
    return Bank(name, "sram", address, kib * 1024)


def _flash(address, kib, name="flash"):
    return Bank(name, "flash", address, kib * 1024)


def _target(name, part, vendor, core, fpu, mhz, datasheet, *banks):
    return Target(name, part, vendor, core, fpu, mhz * 1_000_000, banks, datasheet)


_ST, _NORDIC, _NXP, _PI = "STMicroelectronics", "Nordic Semiconductor", "NXP", "Raspberry Pi"
_ESP, _WCH = "Espressif", "WCH"
_LINKED = "public linker scripts and board files, compared with no data sheet"

# Sizes in KiB. TCMs count as SRAM. A second core's private memory is left out. Where a bank can be reached at two
# addresses, the one that continues its neighbour is given. Aliases (bit-band, secure, non-cached) are left out.
_PARTS = (
    # Cortex-M0, M0+
    _target("nrf51822", "nRF51822-QFAA (micro:bit v1)", _NORDIC, "Cortex-M0", "none", 16,
            "nRF51822 Product Specification",
            _sram("RAM", 0x20000000, 16), _flash(0x00000000, 256)),
    _target("rp2040", "RP2040 (Raspberry Pi Pico: 2 MB external flash, XIP)", _PI, "Cortex-M0+", "none", 133,
            "RP2040 Datasheet",
            _sram("SRAM0-3", 0x20000000, 256), _sram("SRAM4", 0x20040000, 4), _sram("SRAM5", 0x20041000, 4),
            _flash(0x10000000, 2048, "XIP")),
    _target("stm32l073", "STM32L073RZ", _ST, "Cortex-M0+", "none", 32,
            "STM32L073x8/B/Z data sheet DS10685",
            _sram("SRAM", 0x20000000, 20), _flash(0x08000000, 192)),
    _target("mkl25z", "MKL25Z128VLK4 (FRDM-KL25Z)", _NXP, "Cortex-M0+", "none", 48,
            "KL25 Sub-Family Data Sheet KL25P80M48SF0",
            _sram("SRAM_L", 0x1FFFF000, 4), _sram("SRAM_U", 0x20000000, 12), _flash(0x00000000, 128)),
    # Cortex-M3
    _target("stm32f103", "STM32F103C8 (Blue Pill)", _ST, "Cortex-M3", "none", 72,
            "STM32F103x8/xB data sheet DS5319",
            _sram("SRAM", 0x20000000, 20), _flash(0x08000000, 64)),
    _target("stm32l152", "STM32L152RE", _ST, "Cortex-M3", "none", 32,
            "STM32L151xE/STM32L152xE data sheet",
            _sram("SRAM", 0x20000000, 80),
            _flash(0x08000000, 256, "bank 1"), _flash(0x08040000, 256, "bank 2")),
    _target("lpc1768", "LPC1768FBD100 (mbed LPC1768)", _NXP, "Cortex-M3", "none", 100,
            "LPC1769/68/67/66/65/64/63 Product data sheet",
            _sram("local SRAM", 0x10000000, 32), _sram("AHB SRAM0", 0x2007C000, 16), _sram("AHB SRAM1", 0x20080000, 16),
            _flash(0x00000000, 512)),
    # Cortex-M4F
    _target("nrf52832", "nRF52832-QFAA", _NORDIC, "Cortex-M4F", "single", 64,
            "nRF52832 Product Specification",
            _sram("RAM", 0x20000000, 64), _flash(0x00000000, 512)),
    _target("nrf52833", "nRF52833-QIAA", _NORDIC, "Cortex-M4F", "single", 64,
            "nRF52833 Product Specification",
            _sram("RAM", 0x20000000, 128), _flash(0x00000000, 512)),
    _target("nrf52840", "nRF52840-QIAA", _NORDIC, "Cortex-M4F", "single", 64,
            "nRF52840 Product Specification",
            _sram("RAM", 0x20000000, 256), _flash(0x00000000, 1024)),
    _target("stm32f401", "STM32F401RE", _ST, "Cortex-M4F", "single", 84,
            "STM32F401xD/xE data sheet DS10086",
            _sram("SRAM1", 0x20000000, 96), _flash(0x08000000, 512)),
    # the 64 KiB of CCM are reached by the core only, not by DMA
    _target("stm32f407", "STM32F407VG", _ST, "Cortex-M4F", "single", 168,
            "STM32F405xx/STM32F407xx data sheet DS8626",
            _sram("CCM", 0x10000000, 64), _sram("SRAM1", 0x20000000, 112), _sram("SRAM2", 0x2001C000, 16),
            _flash(0x08000000, 1024)),
    _target("stm32f411", "STM32F411RE", _ST, "Cortex-M4F", "single", 100,
            "STM32F411xC/xE data sheet DS10314",
            _sram("SRAM1", 0x20000000, 128), _flash(0x08000000, 512)),
    _target("stm32f446", "STM32F446RE", _ST, "Cortex-M4F", "single", 180,
            "STM32F446xC/E data sheet DS10693",
            _sram("SRAM1", 0x20000000, 112), _sram("SRAM2", 0x2001C000, 16), _flash(0x08000000, 512)),
    # the CCM's own address is 0x10000000; it also follows SRAM2
    _target("stm32g474", "STM32G474RE", _ST, "Cortex-M4F", "single", 170,
            "STM32G474xB/xC/xE data sheet DS12288",
            _sram("SRAM1", 0x20000000, 80), _sram("SRAM2", 0x20014000, 16), _sram("CCM", 0x20018000, 32),
            _flash(0x08000000, 512)),
    # unlike on the L4R5, SRAM2 does not continue SRAM1 here
    _target("stm32l476", "STM32L476RG", _ST, "Cortex-M4F", "single", 80,
            "STM32L476xx data sheet DS10198",
            _sram("SRAM2", 0x10000000, 32), _sram("SRAM1", 0x20000000, 96), _flash(0x08000000, 1024)),
    # SRAM2's own address is 0x10000000; it also lies between SRAM1 and SRAM3
    _target("stm32l4r5", "STM32L4R5ZI", _ST, "Cortex-M4F", "single", 120,
            "STM32L4R5xx data sheet DS12023",
            _sram("SRAM1", 0x20000000, 192), _sram("SRAM2", 0x20030000, 64), _sram("SRAM3", 0x20040000, 384),
            _flash(0x08000000, 2048)),
    _target("samd51", "ATSAMD51J20A", "Microchip", "Cortex-M4F", "single", 120,
            "SAM D5x/E5x Family Data Sheet DS60001507",
            _sram("SRAM", 0x20000000, 256), _flash(0x00000000, 1024)),
    _target("apollo3", "AMA3B1KK (Apollo3 Blue)", "Ambiq", "Cortex-M4F", "single", 96,
            "Apollo3 Blue Datasheet",
            _sram("TCM", 0x10000000, 64), _sram("SRAM", 0x10010000, 320), _flash(0x00000000, 1024)),
    # without the CNN accelerator's own memory
    _target("max78000", "MAX78000EXG+", "Analog Devices", "Cortex-M4F", "single", 100,
            "MAX78000 data sheet",
            _sram("SRAM", 0x20000000, 128), _flash(0x10000000, 512)),
    # Cortex-M7
    _target("stm32f746", "STM32F746NG", _ST, "Cortex-M7", "single", 216,
            "STM32F745xx/STM32F746xx data sheet DS10916",
            _sram("ITCM", 0x00000000, 16),
            _sram("DTCM", 0x20000000, 64), _sram("SRAM1", 0x20010000, 240), _sram("SRAM2", 0x2004C000, 16),
            _flash(0x08000000, 1024)),
    _target("stm32f767", "STM32F767ZI", _ST, "Cortex-M7", "double", 216,
            "STM32F765xx/STM32F767xx data sheet DS11532",
            _sram("ITCM", 0x00000000, 16),
            _sram("DTCM", 0x20000000, 128), _sram("SRAM1", 0x20020000, 368), _sram("SRAM2", 0x2007C000, 16),
            _flash(0x08000000, 2048)),
    _target("stm32h743", "STM32H743ZI", _ST, "Cortex-M7", "double", 480,
            "STM32H742xI/G STM32H743xI/G data sheet DS12110",
            _sram("ITCM", 0x00000000, 64), _sram("DTCM", 0x20000000, 128), _sram("AXI SRAM", 0x24000000, 512),
            _sram("SRAM1", 0x30000000, 128), _sram("SRAM2", 0x30020000, 128), _sram("SRAM3", 0x30040000, 32),
            _sram("SRAM4", 0x38000000, 64),
            _flash(0x08000000, 1024, "bank 1"), _flash(0x08100000, 1024, "bank 2")),
    # FlexRAM (ITCM, DTCM, OCRAM: 512 KiB in all) as divided after reset; firmware may divide it otherwise
    _target("imxrt1062", "MIMXRT1062DVL6A (MIMXRT1060-EVK: 8 MB external flash, XIP)", _NXP, "Cortex-M7", "double", 600,
            "i.MX RT1060 Crossover Processors Data Sheet IMXRT1060CEC",
            _sram("ITCM", 0x00000000, 128), _sram("DTCM", 0x20000000, 128),
            _sram("OCRAM2", 0x20200000, 512), _sram("OCRAM", 0x20280000, 256),
            _flash(0x60000000, 8192, "QSPI")),
    # Cortex-M33
    _target("nrf5340", "nRF5340-QKAA (application core)", _NORDIC, "Cortex-M33", "single", 128,
            "nRF5340 Product Specification",
            _sram("RAM", 0x20000000, 512), _flash(0x00000000, 1024)),
    _target("rp2350", "RP2350A (Raspberry Pi Pico 2: 4 MB external flash, XIP)", _PI, "Cortex-M33", "single", 150,
            "RP2350 Datasheet",
            _sram("SRAM0-7", 0x20000000, 512), _sram("SRAM8", 0x20080000, 4), _sram("SRAM9", 0x20081000, 4),
            _flash(0x10000000, 4096, "XIP")),
    _target("stm32l552", "STM32L552ZE", _ST, "Cortex-M33", "single", 110,
            "STM32L552xx data sheet DS12737",
            _sram("SRAM1", 0x20000000, 192), _sram("SRAM2", 0x20030000, 64), _flash(0x08000000, 512)),
    _target("stm32u575", "STM32U575ZI", _ST, "Cortex-M33", "single", 160,
            "STM32U575xx data sheet DS13737",
            _sram("SRAM1", 0x20000000, 192), _sram("SRAM2", 0x20030000, 64), _sram("SRAM3", 0x20040000, 512),
            _sram("SRAM4", 0x28000000, 16),
            _flash(0x08000000, 1024, "bank 1"), _flash(0x08100000, 1024, "bank 2")),
    _target("stm32u585", "STM32U585AI", _ST, "Cortex-M33", "single", 160,
            "STM32U585xx data sheet DS13086",
            _sram("SRAM1", 0x20000000, 192), _sram("SRAM2", 0x20030000, 64), _sram("SRAM3", 0x20040000, 512),
            _sram("SRAM4", 0x28000000, 16),
            _flash(0x08000000, 1024, "bank 1"), _flash(0x08100000, 1024, "bank 2")),
    # Cortex-M55, M85
    # of 512 KiB DTCM and 4 MiB MRAM the vendor's own port leaves 16 KiB and the boot loader's 64 KiB untouched
    _target("apollo510", "AP510NFA (Apollo510)", "Ambiq", "Cortex-M55", "double", 250,
            "Apollo510 SoC Datasheet",
            _sram("ITCM", 0x00000000, 256), _sram("DTCM", 0x20000000, 496), _sram("SSRAM", 0x20080000, 3072),
            _flash(0x00410000, 4032, "MRAM")),
    _target("ra8m1", "R7FA8M1AHECBD", "Renesas", "Cortex-M85", "double", 480,
            "RA8M1 Group Datasheet",
            _sram("ITCM", 0x00000000, 64), _sram("DTCM", 0x20000000, 64), _sram("SRAM", 0x22000000, 896),
            _flash(0x02000000, 2016)),
    # RISC-V; Xtensa
    # 400 KiB of SRAM on the chip, of which 16 KiB are the flash cache
    _target("esp32c3", "ESP32-C3FH4 (4 MB flash in the package, XIP)", _ESP, "RV32IMC", "none", 160,
            "ESP32-C3 Series Datasheet",
            _sram("SRAM1", 0x3FC80000, 384), _flash(0x3C000000, 4096, "XIP")),
    # 272 KiB of SRAM on the chip, of which 16 KiB are the flash cache
    _target("esp32c2", "ESP8684H4 (ESP32-C2; 4 MB flash in the package, XIP)", _ESP, "RV32IMC", "none", 120,
            _LINKED,
            _sram("SRAM1", 0x3FCA0000, 256), _flash(0x3C000000, 4096, "XIP")),
    # without the 16 KiB of the low-power core
    _target("esp32c6", "ESP32-C6FH4 (4 MB flash in the package, XIP)", _ESP, "RV32IMAC", "none", 160,
            _LINKED,
            _sram("HP SRAM", 0x40800000, 512), _flash(0x42000000, 4096, "XIP")),
    _target("gd32vf103", "GD32VF103CBT6 (Longan Nano)", "GigaDevice", "RV32IMAC", "none", 108,
            "GD32VF103 Datasheet",
            _sram("SRAM", 0x20000000, 32), _flash(0x08000000, 128)),
    _target("ch32v103", "CH32V103C8T6", _WCH, "RV32IMAC", "none", 72,
            _LINKED,
            _sram("SRAM", 0x20000000, 20), _flash(0x08000000, 64)),
    _target("ch32v203", "CH32V203C8T6", _WCH, "RV32IMAC", "none", 144,
            _LINKED,
            _sram("SRAM", 0x20000000, 20), _flash(0x08000000, 64)),
    # flash without wait states and SRAM as divided after reset; option bytes may divide them otherwise
    _target("ch32v307", "CH32V307VCT6", _WCH, "RV32IMAFC", "single", 144,
            _LINKED,
            _sram("SRAM", 0x20000000, 64), _flash(0x08000000, 256)),
    # the boot loader has the first 64 KiB of the flash
    _target("fe310", "FE310-G002 (HiFive1 Rev B: 4 MB external flash, XIP)", "SiFive", "RV32IMAC", "none", 320,
            _LINKED,
            _sram("DTIM", 0x80000000, 16), _flash(0x20010000, 4032, "XIP")),
    # 276 KiB in all: without the 16 KiB of flash cache, and without the RAM of the radio
    _target("bl602", "BL602 (PineCone BL602 EVB: 2 MB flash, XIP)", "Bouffalo Lab", "RV32IMAFC", "single", 192,
            _LINKED,
            _sram("TCM", 0x4200C000, 80), _sram("OCRAM", 0x42020000, 64), _flash(0x23000000, 2048, "XIP")),
    # the same chip as rp2350, started with its two RISC-V cores instead of the two Cortex-M33
    _target("rp2350riscv", "RP2350A, Hazard3 cores (Raspberry Pi Pico 2: 4 MB external flash, XIP)", _PI, "RV32IMAC", "none",
            150, "RP2350 Datasheet",
            _sram("SRAM0-7", 0x20000000, 512), _sram("SRAM8", 0x20080000, 4), _sram("SRAM9", 0x20081000, 4),
            _flash(0x10000000, 4096, "XIP")),
    # Xtensa: on this core nothing has been measured. SRAM0 (32 KiB) and SRAM2 (64 KiB) are, in part, the flash caches
    _target("esp32s3", "ESP32-S3-WROOM-1-N8 (8 MB flash in the module, XIP)", _ESP, "Xtensa LX7", "single", 240,
            _LINKED,
            _sram("SRAM1", 0x3FC88000, 416), _flash(0x3C000000, 8192, "XIP")),
)  # fmt: skip

TARGETS: dict[str, Target] = {target.name: target for target in _PARTS}
