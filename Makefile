# Everything is built by Go with a C++ compiler; nothing else is needed.

GO ?= go

# What `make cluster` and `make kwok` build.
CLUSTER = $(CURDIR)/bin/cluster
KWOK = $(CURDIR)/bin/kwok

.PHONY: build demo test cluster kwok cluster-test kwok-test cluster-soak race race-threads bench bench-peers figures fuzz soak

# The static binary: command line, stage runner, model server and, in an empty image, every built-in component. Names of
# hosts and users are looked up by Go itself, which wants no shared library of the system (netgo, osusergo). What the linker says is
# shown, but for three warnings that are known; what silences them in GNU ld 2.40 (--no-warnings) also hides undefined symbols.
# Google's storage library leaves out what its gRPC client needs, since buckets go by HTTP: 18 MB and 3 ms of start-up (disable_grpc_modules).
TAGS = netgo,osusergo,disable_grpc_modules
# Without the symbols that debuggers read, which are a quarter of the binary; traces of panics have names and lines all the same. For a
# debugger: make LDFLAGS=
LDFLAGS = -s -w
# Tests are built the same way, so that each package is compiled once.
export GOFLAGS := -trimpath -tags=$(TAGS) '-ldflags=$(LDFLAGS)' $(GOFLAGS)
build:
	@command -v $(GO) >/dev/null || { echo "Go is needed: https://go.dev/dl"; exit 1; }
	@command -v c++ >/dev/null || { echo "A C++ compiler is needed: apt-get install g++"; exit 1; }
	@mkdir -p bin
	@echo "$(GO) build -trimpath -tags $(TAGS) -ldflags '$(LDFLAGS)' -o bin/mlp ./runtime/cmd/mlp"
	@$(GO) build -o bin/mlp ./runtime/cmd/mlp 2>bin/build.log; status=$$?; \
	  awk -f .ci/link-warnings.awk bin/build.log >&2; rm -f bin/build.log; exit $$status

# Applies the example of card fraud: in containers where an engine answers, else as processes.
demo: build
	bin/mlp -C examples/fraud apply --auto-approve

# All tests. Those that need a container engine say so when they are left out; MLP_REQUIRE_DOCKER=1 makes that a failure. go vet has looked at
# all packages and their tests, so go test need not do it again, which takes minutes. The longest packages come first, so that none is left
# to run alone on one core in the end; and one package more is tested at a time than there are cores, since many tests wait: for a disk, an engine,
# a time.
LONG = ./runtime/cli ./runtime/workspace ./stdlib/table
AT_ONCE = $(shell echo $$(($$(nproc) + 1)))
test: build
	$(GO) vet ./...
	@docker version >/dev/null 2>&1 || echo "No container engine answers: the tests that need one are LEFT OUT."
	@[ -n "$$MLP_REQUIRE_CLUSTER" ] || echo "The tests of the executor kubernetes on a real cluster are LEFT OUT: make cluster-test."
	@docker image inspect mlp-example-python:1 >/dev/null 2>&1 || [ "$$(id -u)" = 0 -a -n "$$(command -v debootstrap)" ] || \
	  echo "No image mlp-example-python:1, nor root and debootstrap to make it: the tests that need it are LEFT OUT."
	@/usr/bin/python3 -c 'import xgboost' 2>/dev/null || echo "No python3-xgboost: the comparisons with it are LEFT OUT."
	@/usr/bin/python3 -c 'import grpc, grpc_tools' 2>/dev/null || echo "No python3-grpcio and python3-grpc-tools: the test with Python's client of gRPC is LEFT OUT."
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || echo "No PostgreSQL: the tests that start a server of it are LEFT OUT."
	@command -v docker-registry >/dev/null || echo "No docker-registry: the tests against a container registry are LEFT OUT."
	@command -v promtool >/dev/null || echo "No promtool: the tests of rules for Prometheus are LEFT OUT."
	@/usr/bin/python3 -c "import aiosmtpd" 2>/dev/null || echo "No python3-aiosmtpd: the tests that start a mail server are LEFT OUT."
	@command -v versitygw >/dev/null || [ -x "$$($(GO) env GOPATH)/bin/versitygw" ] || echo "No versitygw: the tests against a server of S3 are LEFT OUT."
	@command -v fake-gcs-server >/dev/null || [ -x "$$($(GO) env GOPATH)/bin/fake-gcs-server" ] || echo "No fake-gcs-server: the tests against a server of Google Cloud Storage are LEFT OUT."
	@for p in jq curl gh; do command -v $$p >/dev/null || echo "No $$p: tests that run the workflows of examples/ci are LEFT OUT."; done
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || echo "No Chromium: the tests that open pages in it are LEFT OUT."
	@[ -d ../shared/data ] || echo "No ../shared/data: the tests on data that is not in the tree are LEFT OUT."
	MLP_BIN=$(CURDIR)/bin/mlp $(GO) test -vet=off -p $(AT_ONCE) -timeout 35m $(LONG) ./...

# Kubernetes as one program, for tests on a real cluster: from its own module, ten minutes of one core. It is built once: nothing of mlp is in it.
CLUSTER_SOURCE = runtime/executor/kubernetes/kubernetestest/testdata/cluster
cluster: $(CLUSTER)
$(CLUSTER): $(addprefix $(CLUSTER_SOURCE)/,main.go go.mod go.sum)
	@mkdir -p bin
	cd $(CLUSTER_SOURCE) && GOFLAGS= $(GO) build -trimpath -ldflags '-s -w' -o $(CLUSTER) .

# What plays nodes and pods where one machine cannot run as many (https://kwok.sigs.k8s.io): from its own module, at the versions of what the cluster is made of, a minute
# besides that.
KWOK_SOURCE = runtime/executor/kubernetes/kubernetestest/testdata/kwok
kwok: $(KWOK)
$(KWOK): $(addprefix $(KWOK_SOURCE)/,main.go go.mod go.sum)
	@mkdir -p bin
	cd $(KWOK_SOURCE) && GOFLAGS= $(GO) build -trimpath -ldflags '-s -w' -o $(KWOK) .

# The tests of the executor kubernetes, on a cluster of two nodes that they start on this machine; it needs root, and Debian's etcd-server,
# containerd, containernetworking-plugins, conntrack and busybox-static. They are no part of `make test`. CLUSTER_TESTS are those whose name has it:
# make cluster-test CLUSTER_TESTS='digests|program|ranks'
CLUSTER_TESTS ?= .
CLUSTER_ENV = MLP_REQUIRE_CLUSTER=1 MLP_CLUSTER=$(CLUSTER) MLP_REQUIRE_S3=1 MLP_BIN=$(CURDIR)/bin/mlp
cluster-test: build cluster
	$(CLUSTER_ENV) $(GO) test -count=1 -timeout 40m -v -run 'Cluster/($(CLUSTER_TESTS))' ./runtime/cli

# The executor on a control plane whose nodes are played: 300 stages of one pipeline, and 60 faults among 20 stages. cluster-soak is 50,000, and 1,000 among 200.
kwok-test: build cluster kwok
	$(CLUSTER_ENV) MLP_KWOK=$(KWOK) $(GO) test -count=1 -timeout 20m -v -run 'Played' ./runtime/cli
cluster-soak: build cluster kwok
	MLP_SOAK=1 $(CLUSTER_ENV) MLP_KWOK=$(KWOK) $(GO) test -count=1 -timeout 4h -v -run 'Played' ./runtime/cli

# The race detector, on the packages whose tests do without the SQL engine (it is C++, which the detector does not see); the
# engine of applies, the executors, the store and the language server are among them. Simulations and comparisons of figures
# are left out: they take ten times as long here, and what they share between threads other tests share too.
race:
	$(GO) test -race -vet=off -timeout 20m -skip 'Coverage|Columns|FalseAlarms|DriftIsSeen|XGBoost|Churn|Diamonds' \
	  $$($(GO) list -test -f '{{if eq .Name "main"}}{{.ImportPath}} {{.Deps}}{{end}}' ./... | grep -v 'duckdb\|/examples/' | sed -n 's/\.test .*//p')

# The race detector for CI, in a few minutes: of the packages above those that hand data from thread to thread. Left out are
# packages whose threads only share out a pure computation (lang/rule, compiler/resolve, stdlib), which takes ten times as long under the
# detector; the reading of 10,000 records (FewReads), which is one thread's; the model of the commit protocol (Protocol), which is too; buckets behind a
# bad network, which wait for minutes, and are held to the same laws without one; Python in a container, which the detector does not see; and
# images that the engine builds (DockerBuild), for which the test waits in one thread.
race-threads:
	$(GO) test -race -vet=off -p $(AT_ONCE) -timeout 20m -skip 'FewReads|Protocol|BadNetwork|LostAnswers|TrainsAndPredictsInPython|DockerBuild' ./lang/lsp ./lang/parallel ./lang/syntax ./compiler/check ./compiler/planner \
	  ./runtime/attempt ./runtime/cache ./runtime/component ./runtime/engine ./runtime/executor/docker ./runtime/executor/process ./runtime/fetch \
	  ./runtime/scratch/... ./runtime/serve ./runtime/state ./runtime/store/...

# Speed, as ratios within one run where there is something to compare with, and in the end those figures that have a bound: a quiet machine
# is needed, and an hour. figures are those alone, in a quarter of that.
bench: build
	@MLP_BIN=$(CURDIR)/bin/mlp $(GO) test -timeout 1h -run '^$$' -bench . -benchtime 1x ./... | tee bin/bench.txt
	@awk -f .ci/figures.awk bin/bench.txt

FIGURES = TinyStages$$/.|Workers|FirstPlan|Plan$$/layered/^1000$$|BenchmarkStage$$|ClassesAgainstXGBoost|CSV|WindowsByHand|Serving/predict|BenchmarkLoad|BenchmarkBatch|Fraud|Binary
figures: build
	@MLP_BIN=$(CURDIR)/bin/mlp $(GO) test -timeout 1h -run '^$$' -bench '$(FIGURES)' -benchtime 1x ./runtime/cli ./runtime/executor/docker ./runtime/serve \
	  ./stdlib/deploy/batch ./stdlib/train/gradient_boosting ./stdlib/train/trees/histogram ./stdlib/table ./stdlib/feature/window | tee bin/bench.txt
	@awk -f .ci/figures.awk bin/bench.txt

# Test figures beside XGBoost's and scikit-learn's from Debian's packages (python3-xgboost, python3-sklearn), in one run: on the sets that
# scikit-learn brings, on generated ones, and on those of the folder PEERS_DATA that testdata/peers/peers.py knows; what a fit takes
# beside XGBoost's; what a search comes to beside Optuna's (python3-optuna); how long an edit waits for its figures; and answers a second beside
# those of FastAPI with scikit-learn (python3-fastapi, python3-uvicorn). Half an hour.
PEERS_DATA ?= $(wildcard $(CURDIR)/../shared/data)
bench-peers: build
	@MLP_BIN=$(CURDIR)/bin/mlp MLP_PEERS_DATA=$(PEERS_DATA) $(GO) test -timeout 2h -run '^$$' -bench '^Benchmark(Peers|Edit|Stage|Optuna|FastAPI)$$' -benchtime 1x ./runtime/cli \
	  ./runtime/serve ./stdlib/train/gradient_boosting ./stdlib/train/tune | tee bin/peers.txt
	@awk -v peers=1 -f .ci/figures.awk bin/peers.txt

# Each fuzz target for a while, two at a time. What a target prints is shown only if it fails; the input it found is then
# in testdata/fuzz of its package. Which code an input reaches is seen in the project's packages and in those that read its language for it;
# go test -fuzz would compile all packages anew for that, those of clusters and clouds too, which takes longer than the targets do.
FUZZTIME ?= 20s
REACHED = github.com/mlp-lang/mlp github.com/hashicorp/hcl/v2 github.com/zclconf/go-cty github.com/google/cel-go
fuzz: build
	@rm -rf bin/fuzz; mkdir -p bin/fuzz
	@$(GO) test -c -vet=off -o bin/fuzz/ $(REACHED:%=-gcflags=%/...=-d=libfuzzer) $$(grep -rl '^func Fuzz' --include='*_test.go' . | xargs -n 1 dirname | sort -u)
	@grep -ro '^func Fuzz[A-Za-z]*' --include='*_test.go' . | sed 's|/[^/]*_test.go:func | |' | sort | \
	  GO=$(GO) FUZZTIME=$(FUZZTIME) MLP_BIN=$(CURDIR)/bin/mlp xargs -P 2 -L 1 .ci/fuzz
	@rm -rf bin/fuzz

# What the tests simulate with few data sets, with thousands: of intervals the share that hold the truth, by figure and
# setting, and drift among 1 to 300 columns: half an hour of one core; power cuts by the ten thousands; 200 pull requests by 16 writers who are
# killed; releases of models by the ten thousands; a server that is killed fifty times, and one that swaps models under a million requests. Then each fuzz target for five minutes.
soak: build
	MLP_SOAK=1 MLP_BIN=$(CURDIR)/bin/mlp $(GO) test -count=1 -timeout 4h -v -run 'Coverage|Columns|FewPositives|EveryEdit|Prefixes|PowerCut|ManyPulls|StoreGarbage|LargeTables|Sequential|CanarySimulated|MutatedPlans|FiguresOfObjectives|UnderAKeptEngine|SameBytesOnThreads|KilledServers|SwapsUnderLoad|Story|SeasonsDoNotAlarm|AlarmOfParts' \
	  $$(grep -rl MLP_SOAK --include='*_test.go' . | xargs -n 1 dirname | sort -u)
	$(MAKE) fuzz FUZZTIME=5m
