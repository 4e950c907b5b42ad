"""`make walkthrough`: the whole journey over HTTP, as the people would walk it. Exit 0 only if all of it worked."""

import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.walkthrough.alone import WalkAlone, car_maker
from tests.walkthrough.instance import instance
from tests.walkthrough.people import Surprise
from tests.walkthrough.walk import Walk


def main() -> int:
    """Walk, in both modes. Returns the exit code."""
    began, steps = time.monotonic(), 0
    for walking in (in_a_hub, alone):
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="walkthrough-")))
            walk = walking(stack, folder)
            try:
                walk.whole()
            except Surprise as surprise:
                print(f"\nFAILED after {walk.steps} steps: {surprise}", file=sys.stderr)
                return 1
            steps += walk.steps
    print(f"\nAll {steps} steps as expected, in {time.monotonic() - began:.1f} s.")
    return 0


def in_a_hub(stack: ExitStack, folder: Path) -> Walk:
    """Partners and staff meet."""
    print("Starting a private instance …", flush=True)
    return Walk(stack.enter_context(instance(LOG_LEVEL="DEBUG")), folder)


def alone(stack: ExitStack, folder: Path) -> WalkAlone:
    """An integrator runs it alone; the car maker is outside."""
    print("\nStarting a private instance, in solo mode …", flush=True)
    maker = stack.enter_context(car_maker())
    running = instance(
        without=("DATABASE_URL", "REDIS_URL"),  # those are for one portal
        DEMO="0",
        SANDBOX_FAULT_PORTS="0",
        PORTAL_MODE="solo",
        FLEET_ENVIRONMENTS="production",
        FLEET_PROXY=maker.proxy,
        LOG_LEVEL="DEBUG",
    )
    return WalkAlone(stack.enter_context(running), folder, maker)


if __name__ == "__main__":
    sys.exit(main())
