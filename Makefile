# Everything is done from here: 'make run' shows Sluice, 'make test' proves it. Both install what is missing.

SWIFT ?= swift
PREFIX ?= /usr/local
DESTDIR ?=
SOURCES := Package.swift Sources Tests

# Debian packages: to build, and to test as browsers and orchestrators would.
BUILD_PACKAGES := libevent-dev libnghttp2-dev libssl-dev pkg-config
TEST_PACKAGES := $(BUILD_PACKAGES) chromium chromium-driver curl nghttp2-client openssl procps python3-venv

VENV := .venv
PYTEST := $(VENV)/bin/python -m pytest

.PHONY: help run build test unit-test process-test lint fuzz sanitize bench install clean

help:
	@echo 'make run       build, then gateway, demo orchestrator and chat page on http://localhost:8004/'
	@echo 'make build     the release binary, .build/release/sluice'
	@echo 'make test      every test; make unit-test or process-test for a part, make lint for the format'
	@echo 'make sanitize  the unit tests under the address and the thread sanitizer'
	@echo 'make fuzz      the fuzz drivers, FUZZ_SECONDS=60 each'
	@echo 'make bench     the benchmarks, beside nginx, Nchan and HAProxy where installed; BENCH="--scenario chat"'
	@echo 'make install   binary, unit file and sample configuration below PREFIX=/usr/local and /etc'

run: build
	.build/release/sluice demo

build: build-packages
	$(SWIFT) build -c release --static-swift-stdlib --product sluice

test: lint unit-test process-test

unit-test: build-packages
	$(SWIFT) build --build-tests
	@bash -o pipefail -c '$(SWIFT) test --skip-build --disable-xctest 2>&1 | tee .build/unit-test.log' || \
	  { echo 'what failed:'; grep -a '✘' .build/unit-test.log; exit 1; }

process-test: test-packages $(VENV)/installed
	$(SWIFT) build --product sluice
	$(SWIFT) build --product bench
	$(PYTEST) Tests/ProcessTests

lint:
	$(SWIFT) format lint --strict --recursive $(SOURCES)

# Each sanitizer needs a build of its own. Leaks are looked for; a race or a bad access fails the test.
sanitize: build-packages
	$(SWIFT) test --sanitize=address --scratch-path .build-address --disable-xctest
	$(SWIFT) test --sanitize=thread --scratch-path .build-thread --disable-xctest

FUZZ_SECONDS ?= 60
FUZZERS := request-head:RequestHead sse:SSE proxy-header:ProxyHeader token:Token coalescing:Coalescing http2:HTTP2
fuzz: build-packages
	for fuzzer in $(FUZZERS); do \
	  name=$${fuzzer%:*} corpus=Tests/Fuzz/Corpus/$${fuzzer#*:} found=.build-fuzz/found-$${fuzzer%:*}; \
	  SLUICE_FUZZ=1 $(SWIFT) build -c release --sanitize=fuzzer --scratch-path .build-fuzz --product fuzz-$$name || exit; \
	  mkdir -p $$found; \
	  SWIFT_BACKTRACE=enable=no .build-fuzz/release/fuzz-$$name -max_total_time=$(FUZZ_SECONDS) $$found $$corpus || exit; \
	done

bench: build
	$(SWIFT) build -c release --static-swift-stdlib --product bench
	.build/release/bench --gateway .build/release/sluice --json bench-results.json $(BENCH)

install: build
	install -s -D -m 755 .build/release/sluice $(DESTDIR)$(PREFIX)/bin/sluice
	install -D -m 644 systemd/sluice.service $(DESTDIR)/etc/systemd/system/sluice.service
	test -e $(DESTDIR)/etc/sluice/sluice.yaml || \
	  install -D -m 640 config/sluice.yaml $(DESTDIR)/etc/sluice/sluice.yaml

clean:
	rm -rf .build .build-* $(VENV)

# Installs the named Debian packages that are missing, as root or through sudo; nothing is asked where none is.
define install-missing
	@missing=$$(for p in $(1); do dpkg -s $$p >/dev/null 2>&1 || echo $$p; done); \
	if [ -n "$$missing" ]; then \
	  echo "installing:" $$missing; \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  $$sudo apt-get update -qq && \
	  $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi
endef

.PHONY: build-packages test-packages
build-packages:
	$(call install-missing,$(BUILD_PACKAGES))

test-packages:
	$(call install-missing,$(TEST_PACKAGES))

$(VENV)/installed: Tests/ProcessTests/requirements.txt | test-packages
	test -d $(VENV) || python3 -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	# React, for the hook's tests: no registry that Debian's tools reach has it under its own name.
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade \
	  --target $(VENV)/react dash==4.4.1
	touch $@
