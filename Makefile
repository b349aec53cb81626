# Thin names over Bazel; each installs what it needs first. See CONTRIBUTING.md.
#
#   make run      build the gateway and run it with the quickstart configuration
#   make test     the tests; ends with the count of passed and failed cases
#   make test-full   all that is to be proven before a release, slow tests too
#   make bench    measure the gateway beside nginx
#   make overload see who is served when it is too much
#   make demo-resilience   kill, slow and heal providers, and see what callers see
#   make demo-ledger   a day with kills; compare the ledger with an invoice
#   make kube-test   what deploy/ has for Kubernetes, at a real API server
#   make mutations   plant mistakes, and see that the simulator finds them
#   make crash-test   kill a gateway 500 times, and count what its ledger has
#   make soak     call a gateway for hours, and see whether anything grows
#   make packages   the clients, as their languages' registries take them
#   make stubs    generate the clients' code in every language
#   make python-package   build clients/python/dist: wheels, an sdist, and the
#                 prompt router's package
#   make release  images, packages and the chart, with their checksums, into dist/
#   make lint     what the compiler cannot see
#   make asan     unit and integration tests under AddressSanitizer
#   make tsan     those without gRPC C++ under ThreadSanitizer
#   make deps     only install

CONFIG ?= deploy/config/quickstart.yaml
# More flags for Bazel, such as BAZELFLAGS=--jobs=1.
BAZELFLAGS ?=
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/llm-gateway

export PATH := $(shell tools/deps.sh --bin):$(PATH)

BUILDFLAGS := --disk_cache=$(CACHE)/bazel $(BAZELFLAGS)

# A test that takes longer than 90 seconds is tagged `slow`.
TEST_FILTERS := --test_tag_filters=-slow --build_tag_filters=-slow

# Wanted, yet no reason to stop: the tests that need it fail, and say so.
WANT_GRPCURL := tools/deps.sh grpcurl || echo "going on without grpcurl" >&2
WANT_INTEROP := tools/deps.sh interop || echo "going on without interop" >&2
WANT_SDKS := tools/deps.sh sdks || echo "going on without sdks" >&2
WANT_CONTRACT := tools/deps.sh contract || echo "going on without contract" >&2
WANT_COLLECTOR := tools/deps.sh collector || echo "going on without collector" >&2
WANT_PYTHON := tools/deps.sh python || echo "going on without python" >&2
WANT_PACKAGES := tools/deps.sh packages || echo "going on without packages" >&2
WANT_STUBS := tools/deps.sh stubs || echo "going on without stubs" >&2

.PHONY: asan bench crash-test demo-ledger demo-resilience deps kube-test lint \
  mutations overload packages python-package release run soak stubs test test-full tsan

run:
	@tools/deps.sh build
	@$(WANT_GRPCURL)
	@bazel build $(BUILDFLAGS) //service:gateway
	@exec bazel-bin/service/gateway --config=$(CONFIG) --first_calls $(ARGS)

test:
	@tools/deps.sh build test
	@$(WANT_GRPCURL)
	@$(WANT_INTEROP)
	@$(WANT_SDKS)
	@$(WANT_CONTRACT)
	@$(WANT_STUBS)
	@$(WANT_PYTHON)
	@$(WANT_PACKAGES)
	@tools/testing/run_tests.sh $(BUILDFLAGS) $(TEST_FILTERS) $(TESTS)

# Its first run builds the API server, which takes minutes.
kube-test:
	@tools/deps.sh build kube
	@tools/testing/run_tests.sh $(BUILDFLAGS) //tests/kube:manifests_test \
	  //tests/kube:server_test

# Each part says by itself what failed; the next ones run all the same.
test-full:
	@$(WANT_COLLECTOR)
	@failed=""; \
	for part in lint "test TEST_FILTERS=" mutations asan tsan; do \
	  echo "== make $$part"; \
	  $(MAKE) --no-print-directory $$part || failed="$$failed $${part%% *}"; \
	done; \
	if [ -n "$$failed" ]; then echo "failed:$$failed" >&2; exit 1; fi

asan tsan:
	@tools/deps.sh build test
	@$(WANT_GRPCURL)
	@$(WANT_INTEROP)
	@tools/testing/run_tests.sh $(BUILDFLAGS) --config=$@ $(TESTS)

bench:
	@tools/deps.sh build bench
	@bazel build $(BUILDFLAGS) //service:gateway //tests/bench/load \
	  //tests/bench/allocations //tests/testing/mock_upstream
	@PYTHONDONTWRITEBYTECODE=1 python3 -m tests.bench.bench $(ARGS)

overload:
	@tools/deps.sh build bench
	@bazel build $(BUILDFLAGS) //service:gateway //tests/bench/overload:arrivals \
	  //tests/testing/mock_upstream
	@PYTHONDONTWRITEBYTECODE=1 python3 -m tests.bench.overload $(ARGS)

demo-resilience:
	@tools/deps.sh build
	@bazel build $(BUILDFLAGS) //service:gateway
	@PYTHONDONTWRITEBYTECODE=1 python3 -m tools.demo.resilience $(ARGS)

demo-ledger:
	@tools/deps.sh build test
	@bazel build $(BUILDFLAGS) //service:gateway //clients/cli:gatewayctl \
	  //clients/python:stubs //tests/testing/mock_upstream
	@PYTHONDONTWRITEBYTECODE=1 python3 -m tests.demo.ledger_day $(ARGS)

mutations:
	@tools/deps.sh build
	@BAZEL_FLAGS="$(BUILDFLAGS)" PYTHONDONTWRITEBYTECODE=1 \
	  python3 -m tests.simulation.mutations $(ARGS)

crash-test:
	@tools/deps.sh build test
	@bazel test $(BUILDFLAGS) //tests/integration:ledger_crash_test \
	  --test_env=LEDGER_CRASH_RUNS=$(or $(RUNS),500) --test_timeout=3600 \
	  --test_output=errors

soak:
	@tools/deps.sh build test
	@bazel build $(BUILDFLAGS) //service:gateway //clients/python:stubs \
	  //tests/testing/mock_upstream
	@PYTHONDONTWRITEBYTECODE=1 python3 -m tests.soak.soak \
	  --hours=$(or $(HOURS),1) $(ARGS)

python-package:
	@tools/deps.sh build python
	@bazel build $(BUILDFLAGS) //clients/python:distributions \
	  //clients/python:prompt_router_package
	@mkdir -p clients/python/dist
	@cp -f bazel-bin/clients/python/distributions/* \
	  bazel-bin/clients/python/prompt_router_package/* clients/python/dist/
	@ls clients/python/dist/*

# Of what is committed: the same commit makes the same files.
release:
	@tools/deps.sh build packages python stubs
	@bazel build $(BUILDFLAGS) //service:gateway //clients/cli:gatewayctl \
	  //clients/cpp:package //clients/go:package //clients/java:package \
	  //clients/node:package //clients/python:distributions \
	  //clients/python:prompt_router_package //tools/failbench
	@rm -rf dist
	@PYTHONDONTWRITEBYTECODE=1 python3 -m tools.packaging.release --out=dist $(ARGS)

packages:
	@tools/deps.sh build stubs
	@bazel build $(BUILDFLAGS) //clients/cpp:package //clients/go:package \
	  //clients/java:package //clients/node:package

stubs:
	@tools/deps.sh build python stubs
	@bazel build $(BUILDFLAGS) //clients/...
	@echo "made of proto/llmgateway/v1, each with a program in docs/clients.md:"
	@printf '  %-8s %s\n' \
	  C++ 'bazel-bin/proto/llmgateway/v1: deps = ["//clients/cpp"]' \
	  Go 'bazel-bin/clients/go/stubs: go mod edit -replace llmgateway.dev/client=FOLDER' \
	  Java 'bazel-bin/clients/java/stubs/llmgateway-stubs.jar: on the class path' \
	  Node 'bazel-bin/clients/node/stubs: npm install --install-links FOLDER' \
	  Python 'bazel-bin/clients/python/stubs: in PYTHONPATH' \
	  grpcurl 'bazel-bin/clients/llmgateway.protoset: -protoset FILE'
	@echo "make packages has the same with a client around it, as registries take it"

lint:
	@tools/deps.sh build lint contract
	@BUILDFLAGS="$(BUILDFLAGS)" tools/lint/run.sh

deps:
	@tools/deps.sh build grpcurl interop sdks test stubs python contract lint bench collector
