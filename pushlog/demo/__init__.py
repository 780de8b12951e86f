"""A made-up log for a first look, tests and benchmarks."""

from pushlog.demo.messages import (
    HEAVY_TARGET,
    SHARED_CUSTOMER_ID,
    TEN_TIMES,
    UNKNOWN,
    Batch,
    batches,
    ensure_demo_apps,
    load,
)

__all__ = [
    "HEAVY_TARGET",
    "SHARED_CUSTOMER_ID",
    "TEN_TIMES",
    "UNKNOWN",
    "Batch",
    "batches",
    "ensure_demo_apps",
    "load",
]
