"""The proxy of the fault tests does every wrong it is asked for: a fault that is none would prove nothing.

The same checks as `python fault_proxy.py --self-test`.
"""

import pytest

import fault_proxy_selftest


@pytest.fixture(scope="module")
def selftest():
    with fault_proxy_selftest.running() as test:
        yield test


@pytest.mark.parametrize("check", fault_proxy_selftest.CHECKS)
def test_fault_proxy(selftest, check):
    selftest.proxy.clear()
    getattr(selftest, check)()
    assert not selftest.proxy.errors


def test_every_fault_is_checked():
    assert not fault_proxy_selftest.UNCHECKED
