# One verb for contributors: `make check`. CI runs the same through scripts/test.

SWIFT ?= swift
RELEASE = -c release --static-swift-stdlib
BINARY = $(shell $(SWIFT) build $(RELEASE) --show-bin-path)/neuronfs
SOURCES = Sources Tests FuzzTesting Package.swift
PYTEST_ARGS ?=

.PHONY: check format lint layers build unit mount test-tsan test-asan sanitizer-alive fuzz soak bench

check: lint layers build unit mount

format:
	$(SWIFT) format -i -r -p --configuration .swift-format $(SOURCES)

lint:
	$(SWIFT) format lint -s -r -p --configuration .swift-format $(SOURCES)

# An import of a layer that Package.swift does not list builds silently without this check.
layers:
	$(SWIFT) build --explicit-target-dependency-import-check error

build:
	$(SWIFT) build $(RELEASE) --product neuronfs

unit:
	$(SWIFT) test --disable-xctest

mount: build
	NEURONFS_BINARY="$(BINARY)" .venv/bin/python -m pytest Tests/MountTests -q $(PYTEST_ARGS)
	NEURONFS_BINARY="$(BINARY)" .venv-allensdk/bin/python -m pytest Tests/MountTests/test_allensdk_client.py -q

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
