# One verb for contributors: `make check`. CI runs the same through scripts/test.

SWIFT ?= swift
RELEASE = -c release --static-swift-stdlib
BINARY = $(shell $(SWIFT) build $(RELEASE) --show-bin-path)/neuronfs
SOURCES = Sources Tests FuzzTesting Package.swift
PYTEST_ARGS ?=

PYTHON = NEURONFS_BINARY="$(BINARY)" .venv/bin/python

.PHONY: check format lint layers build unit mount reliability-table manual crash-test soak test-tsan test-asan \
	sanitizer-alive fuzz

check: lint layers build unit mount

format:
	$(SWIFT) format -i -r -p --configuration .swift-format $(SOURCES)

lint:
	$(SWIFT) format lint -s -r -p --configuration .swift-format $(SOURCES)

# SwiftPM builds an import that Package.swift does not list for the target, when another dependency brings it.
layers:
	scripts/layers

build:
	$(SWIFT) build $(RELEASE) --product neuronfs

unit:
	$(SWIFT) test --disable-xctest

mount: build
	$(PYTHON) -m pytest Tests/MountTests -q -n 3 --dist loadfile $(PYTEST_ARGS)
	NEURONFS_BINARY="$(BINARY)" .venv-allensdk/bin/python -m pytest Tests/MountTests/test_allensdk_client.py -q
	NEURONFS_BINARY="$(BINARY)" .venv-zarr2/bin/python -m pytest Tests/MountTests/test_zarr2.py -q

# Writes the table of docs/RELIABILITY.md from what every fault is seen to do.
reliability-table: build
	$(PYTHON) -m pytest Tests/MountTests/test_faults.py -q --write-reliability-table

# Writes the settings of docs/neuronfs.1 from their declarations.
manual:
	NEURONFS_WRITE_MANUAL=1 $(SWIFT) test --disable-xctest --filter theManualHasTheHelpOfEverySetting

# kill -9 under load, CRASHES times; `make check` does twelve.
CRASHES ?= 50
crash-test: build
	NEURONFS_CRASHES=$(CRASHES) $(PYTHON) -m pytest Tests/MountTests/test_crash.py -q -s

# Readers on a mount whose origin fails in two of a hundred replies; `make check` does 20 seconds.
SOAK_SECONDS ?= 900
soak: build
	$(PYTHON) Tests/MountTests/soak.py --seconds $(SOAK_SECONDS)

# All unit tests and all mount tests under ThreadSanitizer, or under AddressSanitizer with leak detection. CI runs part of
# the first: scripts/sanitized-test thread ci.
test-tsan:
	scripts/sanitized-test thread

test-asan:
	scripts/sanitized-test address

# Each sanitizer, and the fuzzer, finds a fault that is planted for it: none is silently switched off.
sanitizer-alive:
	scripts/sanitized-test thread alive
	scripts/sanitized-test address alive
	FuzzTesting/run --alive

# Every fuzzer for SECONDS, two at a time; `make fuzz FUZZERS="swc json"` runs some of them.
SECONDS ?= 30
FUZZERS ?=
fuzz:
	FuzzTesting/run $(SECONDS) $(FUZZERS)
