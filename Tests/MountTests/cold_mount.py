"""A mount that has read nothing yet, and what it asks its origin for."""

import os
import re

import tile_log
from expected import plane_name, planes
from fault_proxy import FaultProxy
from harness import Mount, wait_until


class Cold:
    """A mount of an origin behind a proxy that writes down what is asked for."""

    def __init__(self, url, *options, proxy=FaultProxy):
        self.proxy = proxy(url)
        self.options = options

    def __enter__(self):
        self.proxy.start()
        try:
            self.mount = Mount(self.proxy.url, options=self.options)
            self.mount.__enter__()
        except BaseException:
            self.proxy.stop()
            raise
        return self

    def __exit__(self, *_):
        self.mount.clean()
        self.proxy.stop()

    def folder(self, cell, species="mouse"):
        return self.mount / species / str(cell)

    def asked(self, plane):
        return tile_log.asked(self.proxy, plane["image_id"])

    def metric(self, name):
        text = (self.mount / ".neuronfs" / "metrics").read_text()
        return sum(float(value) for value in re.findall(rf"^neuronfs_{name}(?:{{[^}}]*}})? (\S+)$", text, re.M))

    def settle(self):
        """Until nothing is fetched any more: what was prefetched has arrived at the proxy.

        For five looks in a row: between two requests of one window its daemon may look into its catalogue.
        """
        looks = 0

        def is_quiet():
            nonlocal looks
            looks = looks + 1 if self.metric("fetch_flights") == 0 and self.metric("http_in_flight") == 0 else 0
            return looks == 5

        wait_until(is_quiet, 60, "end of fetching")


def header_of(path, shape):
    return os.stat(path).st_size - shape[0] * shape[1]


def plane_of(cold, cell, index, species="mouse"):
    folder = cold.folder(cell, species)
    return folder / "stack" / plane_name(index), planes(folder)[index]
