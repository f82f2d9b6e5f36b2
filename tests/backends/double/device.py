"""The device: its memory pool, streams and events, and CUDA's runtime."""

from __future__ import annotations

import time
from typing import Any

from tests.backends.double.waits import wait


class CUDARuntimeError(RuntimeError):
    pass


class Pool:
    """The memory pool: about how many bytes live."""

    live = 0

    def used_bytes(self) -> int:
        return self.live

    total_bytes = used_bytes

    def free_all_blocks(self) -> None:
        pass


class Device:
    compute_capability, mem_info = "90", (1 << 33, 1 << 34)

    def __init__(self, device: int = 0):
        if device != 0:
            raise CUDARuntimeError("cudaErrorInvalidDevice: invalid device ordinal")
        self.id = device

    def use(self) -> Device:
        return self

    def synchronize(self) -> None:
        wait("Device.synchronize")

    def __enter__(self) -> Device:
        return self

    def __exit__(self, *error: Any) -> None:
        pass

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device)

    __hash__ = object.__hash__


class Stream:
    null: Stream

    def __init__(self, null: bool = False, non_blocking: bool = False, ptds: bool = False):
        self.ptr = 0

    def synchronize(self) -> None:
        wait("Stream.synchronize")

    def record(self, event: Event | None = None) -> Event:
        event = event or Event()
        event.record()
        return event

    use, __enter__, __exit__ = Device.use, Device.__enter__, Device.__exit__


class Event:
    done = True

    def __init__(self, block: bool = False, disable_timing: bool = False, interprocess: bool = False):
        self.time = 0.0

    def record(self, stream: Stream | None = None) -> None:
        self.time = time.perf_counter()

    def synchronize(self) -> None:
        wait("Event.synchronize")


Stream.null = Stream()
pool = Pool()
RUNTIME = {
    "CUDARuntimeError": CUDARuntimeError,
    "getDeviceCount": lambda: 1,
    "getDevice": lambda: 0,
    "setDevice": lambda device: None,
    "deviceSynchronize": lambda: wait("deviceSynchronize"),
    "streamSynchronize": lambda stream: wait("streamSynchronize"),
    "runtimeGetVersion": lambda: 12090,
    "driverGetVersion": lambda: 12090,
    "getDeviceProperties": lambda device: {"name": b"double", "totalGlobalMem": 1 << 34, "major": 9, "minor": 0},
    "memGetInfo": lambda: Device.mem_info,
}
