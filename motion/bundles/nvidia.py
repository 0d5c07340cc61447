"""The NVIDIA card of this machine, as its driver tells of it: no package of CUDA is needed."""

from __future__ import annotations

import ctypes
import sys
from typing import Any, Final

_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR
_LIBRARY: Final = {"win32": "nvcuda.dll"}


def driver() -> Any | None:
    """The driver's library, ready for use, or None where there is no card."""
    try:
        library: Any = ctypes.CDLL(_LIBRARY.get(sys.platform, "libcuda.so.1"))
        return library if library.cuInit(0) == 0 else None
    except (OSError, AttributeError):
        return None


def capability(index: int = 0) -> str | None:
    """What a card can do, as TensorRT names it, such as sm89; None where there is no card."""
    library = driver()
    if library is None:
        return None
    device = ctypes.c_int()
    if library.cuDeviceGet(ctypes.byref(device), index):
        return None
    numbers = [ctypes.c_int(), ctypes.c_int()]
    for number, attribute in zip(numbers, (_MAJOR, _MINOR), strict=True):
        if library.cuDeviceGetAttribute(ctypes.byref(number), attribute, device):
            return None
    return f"sm{numbers[0].value}{numbers[1].value}"
