import os
import pathlib
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import harness


def pytest_addoption(parser):
    parser.addoption("--write-reliability-table", action="store_true",
                     help="write the table of docs/RELIABILITY.md from what test_faults.py sees")


def pytest_configure(config):
    # A shell starts what it puts in the background with SIGINT ignored, and every process that tests start would inherit it.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line(
        "markers", "unsanitized(reason): left out on a binary with a sanitizer, which `reason` rules out")


# Two workers share the files in this order (`make mount`): what takes longest is not to be left for the end.
LONGEST_FIRST = ("test_labels_on_mount.py", "test_faults.py", "test_soak.py", "test_readers.py", "test_examples.py")


def pytest_collection_modifyitems(config, items):
    items.sort(key=lambda item: item.path.name not in LONGEST_FIRST)
    for item in items:
        marker = item.get_closest_marker("unsanitized")
        if marker and harness.SANITIZED:
            item.add_marker(pytest.mark.skip(reason=f"{harness.SANITIZED} sanitizer: {marker.kwargs['reason']}"))
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        skip = pytest.mark.skip(reason="no /dev/fuse here")
        for item in items:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def origin():
    """The stand-in origin with its built-in world."""
    with harness.Origin() as origin:
        yield origin


@pytest.fixture(scope="session")
def origin_url(origin):
    return origin.url


@pytest.fixture(scope="session")
def demo(origin):
    """A mount of the stand-in origin that tests may share: nothing here depends on what is cached."""
    with harness.Mount(origin.url) as mount:
        yield mount


@pytest.fixture(scope="session")
def real_origin():
    """The stand-in origin over the real table and the real skeletons."""
    data = harness.real_data()
    if data is None:
        pytest.skip("no real data beside the checkout")
    with harness.Origin(data=data) as origin:
        yield origin


@pytest.fixture(scope="session")
def real(real_origin):
    with harness.Mount(real_origin.url) as mount:
        yield mount


@pytest.fixture
def trainable(demo):
    """Folder of a demo cell with images and skeleton."""
    folder = demo / "trainable" / "mouse"
    return folder / sorted(os.listdir(folder))[0]


def pytest_sessionfinish(session, exitstatus):
    """A mount that this run leaves behind fails it: find it here rather than on a colleague's machine."""
    left = [str(path) for path in harness.Mount.made if harness.is_mounted(path)]
    if left:
        session.exitstatus = 1
        print(f"\nmounts left behind: {left}")
