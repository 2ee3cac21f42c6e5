"""What a model may be called in C: its name becomes a symbol, the beginning of macros, and the names of two files."""

import re

from mcuref.errors import InputError
from mcuref.export.sources import used_words

NAME = "[a-z][a-z0-9_]{0,30}"
KEYWORDS = (  # of C and C++
    "alignas alignof and asm auto bool break case catch char class compl complex concept const consteval "
    "constexpr constinit continue decltype default delete do double dynamic_cast else enum explicit export extern "
    "false final float for friend goto if imaginary import inline int long module mutable namespace new noexcept "
    "not nullptr operator or override private protected public register reinterpret_cast requires restrict return "
    "short signed sizeof static static_assert static_cast struct switch template this thread_local throw true try "
    "typedef typeid typename union unsigned using virtual void volatile wchar_t while xor"
).split()
COUNTS = {
    "sample_count": "int32_t", "sample_bytes": "int32_t", "answer_values": "int32_t", "sample_slots": "int32_t",
    "trained_state": "uint32_t", "trained_outputs": "uint32_t",
}  # fmt: skip
SYMBOLS = (*COUNTS, *"main samples answers rates arena saved spans operands images operations flash".split())
HEADERS = (  # of C, and one that those of a C library include
    "assert complex ctype errno features fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg "
    "stdatomic stdbit stdbool stdckdint stddef stdint stdio stdlib stdnoreturn string tgmath threads time uchar wchar wctype"
).split()
# Functions of C that compilers know, those of mathematics with f and l behind them too; and what board/host.c calls
MATHEMATICS = (
    "acos acosh asin asinh atan atan2 atanh cabs cacos cacosh carg casin casinh catan catanh cbrt ccos ccosh ceil cexp "
    "cimag clog conj copysign cos cosh cpow cproj creal csin csinh csqrt ctan ctanh erf erfc exp exp2 expm1 fabs fdim "
    "floor fma fmax fmin fmod frexp hypot ilogb ldexp lgamma llrint llround log log10 log1p log2 logb lrint lround modf "
    "nan nearbyint nextafter nexttoward pow remainder remquo rint round scalbln scalbn sin sinh sqrt tan tanh tgamma trunc"
).split()
LIBRARY = (
    "abort abs calloc exit fclose feclearexcept fegetenv fegetexceptflag fegetround feholdexcept feraiseexcept fesetenv "
    "fesetexceptflag fesetround fetestexcept feupdateenv fopen fprintf fputc fputs fread free fscanf fwrite imaxabs "
    "isalnum isalpha isblank iscntrl isdigit isgraph isinf islower isnan isprint ispunct isspace isupper iswalnum "
    "iswalpha iswblank iswcntrl iswdigit iswgraph iswlower iswprint iswpunct iswspace iswupper iswxdigit isxdigit labs "
    "llabs malloc memchr memcmp memcpy memmove memset printf putc putchar puts realloc scanf setvbuf snprintf sprintf "
    "sscanf strcat strchr strcmp strcpy strcspn strftime strlen strncat strncmp strncpy strpbrk strrchr strspn strstr "
    "tolower toupper towlower towupper vfprintf vfscanf vprintf vscanf vsnprintf vsprintf vsscanf"
).split()


def check_name(name: str) -> None:
    """InputError unless a model can be called ``name`` in C."""
    if not re.fullmatch(NAME, name) or name in _taken() or re.match("mcuref|.*_t$", name):
        raise InputError(
            f"name {name!r} is no name for a model in C; it may have lower-case letters, digits and _, and not "
            "be taken by C, C++ or the project"
        )


def _taken():
    """All names that mean something else."""
    mathematics = (f"{name}{kind}" for name in MATHEMATICS for kind in ("", "f", "l"))
    return {*KEYWORDS, *SYMBOLS, *HEADERS, *mathematics, *LIBRARY} | used_words()
