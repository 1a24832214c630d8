# One verb for contributors: `make check`. CI runs the same through scripts/test.

SWIFT ?= swift
RELEASE = -c release --static-swift-stdlib
BINARY = $(shell $(SWIFT) build $(RELEASE) --show-bin-path)/neuronfs
SOURCES = Sources Tests Package.swift
PYTEST_ARGS ?=

.PHONY: check format lint layers build unit mount test-tsan test-asan fuzz soak bench

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
