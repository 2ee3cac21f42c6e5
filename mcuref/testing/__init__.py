"""Property tests for ports of the algorithms to your own firmware: oracles, inputs that break kernels, and checks.

    from mcuref.testing import check_topk
    check_topk(my_topk)        # a Python function, or a C function loaded with ctypes

Each `check_x` returns None, or raises CheckFailed with the smallest failing input as code to paste; `check_x_case`
tries one such input, which makes it a regression test. Nothing here needs Numba, and only `networks`, `programs`,
`int8_networks`, `int8_programs`, `rules_strategy`, `samples` and the trainer of `mcuref.testing.training_int8`, which test
mcuref itself, need the rest of it.
"""

try:
    import hypothesis  # noqa: F401  (asked for here so that its absence is told in a sentence)
except ModuleNotFoundError as missing:
    sentence = "mcuref.testing needs Hypothesis, which is not installed: pip install '.[test]' in the clone of mcuref"
    raise ImportError(sentence) from missing

from mcuref.testing import oracles, strategies
from mcuref.testing.checks.plan import assert_no_overlap, check_plan, check_plan_case, lower_bound
from mcuref.testing.checks.rule import check_rule, check_rule_case
from mcuref.testing.checks.sparse_update import check_sparse_update, check_sparse_update_case
from mcuref.testing.checks.topk import check_topk, check_topk_case
from mcuref.testing.failure import CheckFailed
from mcuref.testing.networks import int8_networks, int8_programs, networks, programs, rules_strategy, samples

__all__ = [
    "CheckFailed",
    "assert_no_overlap",
    "check_plan",
    "check_plan_case",
    "check_rule",
    "check_rule_case",
    "check_sparse_update",
    "check_sparse_update_case",
    "check_topk",
    "check_topk_case",
    "int8_networks",
    "int8_programs",
    "lower_bound",
    "networks",
    "oracles",
    "programs",
    "rules_strategy",
    "samples",
    "strategies",
]
