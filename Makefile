# feedstream needs Go and make, nothing else.

FUNCTIONS := $(notdir $(wildcard functions/*))
FUZZTIME  ?= 20s
# The sources say nothing of their commit where they are no checkout: make COMMIT=... there.
COMMIT    ?= $(shell git describe --always --dirty --abbrev=12 --exclude='*' 2>/dev/null)
BUILD      = -trimpath -buildvcs=false -ldflags='-s -w -X feedstream/shared/build.commit=$(COMMIT)'
# Another Go makes other bytes: the zips are built with the one that go.mod names, fetched if need be. TOOLCHAIN=local
# takes the Go that is there.
TOOLCHAIN := $(shell sed -n 's/^toolchain //p' go.mod)

COMPOSE    = $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose) -p feedstream -f local/compose/docker-compose.yml

SHELL := bash
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := help

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

.PHONY: run
run: functions command ## build, then run the whole stack on this machine; Ctrl-C ends it
	./bin/feedstream up --anonymous-http --rate 50

.PHONY: build
build: functions command zips ## build the command and the functions for this machine into bin/, zips for the cloud into bin/zip/

.PHONY: zips
zips: ## build what `s deploy` uploads into bin/zip/: linux/amd64, the same bytes from the same commit
	@mkdir -p bin/zip bin/cloud
	@for f in $(FUNCTIONS); do \
		echo "  bin/zip/$$f.zip"; \
		GOTOOLCHAIN=$(TOOLCHAIN) GOOS=linux GOARCH=amd64 GOAMD64=v1 CGO_ENABLED=0 go build $(BUILD) -o bin/cloud/$$f ./functions/$$f && \
		go run ./local/archive bin/zip/$$f.zip bin/cloud/$$f || exit 1; \
	done

.PHONY: command
command: ## build the command alone into bin/
	@echo "  bin/feedstream"
	@CGO_ENABLED=0 go build $(BUILD) -o bin/feedstream ./local

.PHONY: functions
functions: ## build the functions alone for this machine into bin/functions/
	@echo "building; the first build compiles every dependency and takes a few minutes"
	@for f in $(FUNCTIONS); do \
		echo "  bin/functions/$$f/$$f"; \
		CGO_ENABLED=0 go build $(BUILD) -o bin/functions/$$f/$$f ./functions/$$f || exit 1; \
	done

# s prints the environment of the functions in clear: what it prints goes through here. Numbers of bytes, not characters.
# The values that the environment has are hidden wherever they stand. What is deployed may hold others: so the rest of a
# line is hidden behind the name of a secret, and the deeper lines below it where the value is a block.
SECRETS := [A-Z0-9_]*(PASSWORD|PASSWD|SECRET|TOKEN|ACCESS_KEY|PRIVATE_KEY|API_KEY)[A-Z0-9_]*|MONGODB_URI|OTEL_EXPORTER_OTLP_HEADERS
HIDE := LC_ALL=C awk 'BEGIN { split("KAFKA_SASL_PASSWORD MONGODB_URI OTEL_EXPORTER_OTLP_HEADERS", names, " ") } \
	{ for (i in names) { secret = ENVIRON[names[i]]; if (secret != "") { rest = $$0; $$0 = ""; \
	while ((at = index(rest, secret)) > 0) { $$0 = $$0 substr(rest, 1, at - 1) "***"; rest = substr(rest, at + length(secret)) } \
	$$0 = $$0 rest } } \
	text = $$0; gsub(/\033\[[0-9;]*m/, "", text); deep = match(text, /[^ +-]/); \
	if (block && (deep > block || !deep)) { if (deep) $$0 = "***" } else { block = 0; \
	if (match(text, /$(SECRETS)/)) { rest = substr(text, RSTART + RLENGTH); \
	if (rest ~ /^["\047 ]*[:=]? *([>|][-+0-9]*)?[ {[]*$$/) block = deep; \
	else if (rest !~ /^["\047 ]*[:=]?[*, ]*$$/) $$0 = substr(text, 1, RSTART + RLENGTH - 1) " ***" } } \
	print; fflush() }'

WANT_S := command -v s >/dev/null || { echo 's, the deploy tool, is not installed: npm install -g @serverless-devs/s@3.1.10' >&2; exit 1; }

.PHONY: plan
plan: ## what `s deploy` would change, without the secrets in it (after: set -a; . ./deploy.env; set +a)
	@$(WANT_S)
	@s plan 2>&1 | $(HIDE)

.PHONY: deploy
deploy: ## `s deploy`, without the secrets in what it prints (after: set -a; . ./deploy.env; set +a)
	@$(WANT_S)
	@s deploy -y 2>&1 | $(HIDE)

.PHONY: test
test: lint ## vet, staticcheck and all tests
	go test -shuffle=on ./...

.PHONY: race
race: ## all tests under the race detector (needs a C compiler)
	go test -race -shuffle=on -timeout 20m ./...

.PHONY: real
real: ## wire formats and rows judged by real Kafka, HBase and Phoenix (needs a JDK 17 and Maven)
	go vet -tags real ./local/real
	go test -tags real -count=1 -timeout 30m -v ./local/real | grep --line-buffered -vE '^(=== |[0-9/]+ [0-9:]+ WARN)'; exit $${PIPESTATUS[0]}

.PHONY: clients
clients: functions command ## other people's clients, call by call, against the embedded servers (Python, npm, JDK 17, Maven, kcat)
	go vet -tags clients ./local/clients
	cd local/clients/golang && go vet ./...
	go test -tags clients -count=1 -timeout 10m -v -run '^TestClients$$' ./local/clients

.PHONY: manifest
manifest: ## s.yaml and tricky manifests as the deploy tool's own parser and schema read them, and the order of a deploy (npm)
	go vet -tags npm ./local/platform/manifest ./local/doctor
	go test -tags npm -count=1 -v -run '^(TestVendor|TestTrickyManifests|TestDeploy|TestEnvironmentFile)$$' ./local/platform/manifest ./local/doctor

.PHONY: ros
ros: ## template.yml as the vendor's own classes of each resource read it, and faults planted in it (npm)
	go vet -tags npm ./local/doctor
	go test -tags npm -count=1 -v -run '^TestROS$$' ./local/doctor

.PHONY: test-console
test-console: ## the console's pages in a browser, on a running stack (needs chromium); screenshots into bin/console/
	go vet -tags console ./local/console/...
	go test -tags console -count=1 -timeout 10m -v -run '^TestConsole$$' ./local/console/browser

.PHONY: compose
compose: ## the stack on Kafka, MongoDB, HBase and Phoenix in containers
	$(COMPOSE) up -d --build

.PHONY: compose-nopull
compose-nopull: functions command ## the same without pulling an image (Debian 12, root, debootstrap, Maven)
	@CGO_ENABLED=0 go build $(BUILD) -o bin/mongodb ./local/compose/mongodb
	go run ./local/compose/stage
	$(COMPOSE) -f local/compose/docker-compose.nopull.yml up -d --build

.PHONY: real-compose
real-compose: ## run the containers without pulls, with faults, and judge their rows by SQL
	go vet -tags real,compose ./local/real
	COMPOSE='$(COMPOSE) -f local/compose/docker-compose.nopull.yml' go test -tags real,compose -run '^TestCompose$$' -count=1 -timeout 30m -v ./local/real | grep --line-buffered -vE '^(=== |[0-9/]+ [0-9:]+ WARN)'; exit $${PIPESTATUS[0]}

.PHONY: compose-down
compose-down: ## stop the containers; their data stays, `make compose-clean` removes it
	$(COMPOSE) down --remove-orphans

.PHONY: compose-clean
compose-clean: ## stop the containers and remove their data
	$(COMPOSE) down --remove-orphans --volumes

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (20s) each
	@go test ./... -list 'Fuzz.*' | awk '/^Fuzz/ {names[n++]=$$1} /^ok/ {for (i=0;i<n;i++) print $$2, names[i]; n=0}' | \
	while read -r package target; do \
		go test "$$package" -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) || exit 1; \
	done

SEED     ?= $(shell date +%s)
DURATION ?= 2m

.PHONY: chaos
chaos: ## the stack at load under random faults for DURATION (2m), drawn from SEED (a fresh one, printed), then the audit
	go test ./local/chaos -count=1 -timeout 60m -run '^TestChaos$$' -v -chaos.seed $(SEED) -chaos.duration $(DURATION)

.PHONY: chaos-real
chaos-real: ## the same on real Kafka, HBase and Phoenix, whose servers are killed, frozen, cut off, moved, split and out of disk, then SQL (needs a JDK 17 and Maven)
	go vet -tags real,chaos ./local/real
	go test -tags real,chaos -count=1 -timeout 60m -run '^TestChaos$$' -v ./local/real -chaos.seed $(SEED) -chaos.duration $(DURATION)

RECORDS ?= 1000000

.PHONY: bench
bench: ## the whole stack: records/s, CPU by process, memory, latency, and what the machine gives; tables and JSON in bin/bench/
	go test ./local/bench -ldflags='-X feedstream/shared/build.commit=$(COMMIT)' -count=1 -timeout 30m -run '^TestBench$$' -v -bench.records $(RECORDS) -bench.rate 10000 -bench.steady 20s \
		-bench.out $(CURDIR)/bin/bench

.PHONY: growth
growth: ## how CPU and memory grow with batch, concurrency, distinct rows, reference, value size and partitions: tables and a plot in bin/bench/
	go test -tags bench ./local/bench -count=1 -timeout 60m -run '^TestGrowth$$' -v -bench.records $(RECORDS) -bench.out $(CURDIR)/bin/bench

.PHONY: bench-real
bench-real: ## the same against real Kafka and HBase (needs a JDK 17 and Maven); tables and JSON in bin/bench-real/
	go test -tags real,bench -ldflags='-X feedstream/shared/build.commit=$(COMMIT)' -count=1 -timeout 60m -run '^TestBench$$' -v ./local/real \
		-bench.records $(RECORDS) -bench.out $(CURDIR)/bin/bench-real

.PHONY: bench-audit
bench-audit: ## time and peak memory of an audit of RECORDS records, in a process of its own
	go test -run '^$$' -bench '^BenchmarkRun$$' -benchtime $(RECORDS)x -timeout 60m ./local/audit

.PHONY: bench-packages
bench-packages: ## the benchmarks beside the code, with allocations; compare two runs with `go tool benchstat`
	go test -run '^$$' -bench . -benchmem ./...

.PHONY: lint
lint: ## gofmt, go vet, staticcheck
	@unformatted=$$(gofmt -l functions shared local); \
	if [ -n "$$unformatted" ]; then echo "not gofmt'ed: $$unformatted"; exit 1; fi
	go vet ./...
	go tool staticcheck ./...

.PHONY: clean
clean: ## remove bin/ and the data directory .feedstream/
	rm -rf bin .feedstream
