"""Memory of an NVIDIA card, through its driver alone: buffers that grow, copies, and one stream to order them."""

from __future__ import annotations

import ctypes
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from motion.bundles import nvidia
from motion.errors import Busy, MissingPart

_NO_MEMORY: Final = 2  # CUDA_ERROR_OUT_OF_MEMORY


class Stream:
    """A card's primary context and a stream in it. Raises MissingPart where there is no card."""

    def __init__(self, index: int = 0) -> None:
        library = nvidia.driver()
        if library is None:
            raise MissingPart("there is no NVIDIA card here, or its driver does not load")
        self._cuda: Any = library
        device, context, stream = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_void_p()
        self._call("cuDeviceGet", ctypes.byref(device), index)
        self._call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        self._context, self._device = context, device
        self.bind()
        self._call("cuStreamCreate", ctypes.byref(stream), 0)
        self._stream = stream

    @property
    def handle(self) -> int:
        """As other libraries take it."""
        return int(self._stream.value or 0)

    def bind(self) -> None:
        """Makes the context this thread's."""
        self._call("cuCtxSetCurrent", self._context)

    def allocate(self, size: int) -> int:
        """The address of so many bytes. Raises Busy where there are none."""
        address = ctypes.c_uint64()
        self._call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(size))
        return int(address.value)

    def free(self, address: int) -> None:
        """Gives memory back."""
        self._call("cuMemFree_v2", ctypes.c_uint64(address))

    def upload(self, address: int, array: NDArray[Any]) -> None:
        """Copies an array to the card, in the stream's order."""
        place, size = ctypes.c_void_p(array.ctypes.data), ctypes.c_size_t(array.nbytes)
        self._call("cuMemcpyHtoDAsync_v2", ctypes.c_uint64(address), place, size, self._stream)

    def download(self, array: NDArray[Any], address: int) -> None:
        """Copies from the card into an array, in the stream's order; it is there after `wait`."""
        place, size = ctypes.c_void_p(array.ctypes.data), ctypes.c_size_t(array.nbytes)
        self._call("cuMemcpyDtoHAsync_v2", place, ctypes.c_uint64(address), size, self._stream)

    def wait(self) -> None:
        """Returns when all that was ordered is done."""
        self._call("cuStreamSynchronize", self._stream)

    def close(self) -> None:
        """Gives the stream and the context back."""
        self._call("cuStreamDestroy_v2", self._stream)
        self._call("cuDevicePrimaryCtxRelease_v2", self._device)

    def _call(self, name: str, *arguments: Any) -> None:
        code = int(getattr(self._cuda, name)(*arguments))
        if code == _NO_MEMORY:
            raise Busy("the card has no memory for this just now; ask again in a moment")
        if code:
            raise MissingPart(f"the card's driver refuses {name} with error {code}; look at nvidia-smi")


class Buffer:
    """Memory on a card that grows as it is needed."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._size = 0
        self.address = 0

    def reserve(self, size: int) -> int:
        """The address of `size` bytes or more."""
        if size > self._size:
            self.close()
            self.address, self._size = self._stream.allocate(size), size
        return self.address

    def close(self) -> None:
        """Gives the memory back."""
        if self.address:
            self._stream.free(self.address)
        self.address = self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def contiguous(array: NDArray[Any], dtype: str) -> NDArray[Any]:
    """The array as a graph takes it: the same shape, of this dtype, in C order."""
    return np.ascontiguousarray(array, dtype=dtype)
