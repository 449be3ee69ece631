"""Waiting for something to become true, the only way in which these tests let time pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: Seconds a test waits for anything. Generous, because it is only ever used up by a failure.
DEADLINE = 25.0


def eventually(probe: Callable[[], T | None], what: str, within: float = DEADLINE) -> T:
    """Call `probe` until it returns something true and return that; fail, naming `what`, after `within` seconds."""
    deadline = time.monotonic() + within
    pause = 0.001
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not true within {within:g} s, the last value was {value!r}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
