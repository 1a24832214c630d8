"""A proxy that can hold requests back until it is told to let them go."""

import re
import threading

from fault_proxy import FaultProxy


class Gate(FaultProxy):
    """Passes everything through, except that requests whose path matches wait from `hold` to `release`."""

    def __init__(self, url):
        super().__init__(url)
        self._open = threading.Event()
        self._open.set()
        self._held = re.compile("$^")
        # Paths of the requests that have waited, in the order in which they came.
        self.held = []

    def hold(self, pattern):
        self._held = re.compile(pattern)
        self._open.clear()

    def release(self):
        self._open.set()

    def stop(self):
        self.release()
        super().stop()

    def _answer(self, connection, reader, upstream, method, path, headers):
        if self._held.search(path):
            self.held.append(path)
            # Stopping a test must not hang on a request that is held.
            while not self._open.wait(0.05) and not self._stopping.is_set():
                pass
        return super()._answer(connection, reader, upstream, method, path, headers)
