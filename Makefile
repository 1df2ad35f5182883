# Everything runs in .venv, built from the lock; the Python that builds it is PYTHON.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 3
OUT ?= scene

.DEFAULT_GOAL := help
.PHONY: measure-sizes simulate-council bench-council bench-council-consenters bench-council-reviews scene-response bench-index bench-response bench-edge-rings bench-edge-deposits bench-edge-methods bench-edge-scene bench-lake bench-registration bench-queries bench-payments bench-exchange help setup lock lint types imports format test test-unit test-fabric test-attached test-containers test-faults test-hfc demo bench-client bench-shim bench-batch bench-demo bench-devnet bench-search bench-edge clean

help: ## list every target
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-22s %s\n", $$1, $$2}'

setup: $(VENV)/.ready ## build .venv from requirements.lock

$(VENV)/.ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

lock: ## resolve requirements.lock again from pyproject.toml (wants uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --prerelease if-necessary-or-explicit \
	  --no-header --no-annotate --no-emit-package gridledger --extra dev -o requirements.lock pyproject.toml
	sed -n 's/^\([A-Za-z0-9_.-]*==[^ ;\\]*\).*/\1/p' requirements.lock | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --prerelease if-necessary-or-explicit --no-header --no-annotate --no-emit-package gridledger --extra chaincode -c - \
	  -o chaincode/requirements.lock pyproject.toml

lint: setup ## ruff: lint and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: setup ## ruff: fix and format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: setup ## mypy --strict
	$(BIN)/mypy

imports: setup ## import-linter: imports point down
	$(BIN)/lint-imports

test-unit: setup ## tests that touch no socket
	$(BIN)/pytest -n $(JOBS) --dist loadgroup tests/unit

test: lint types imports ## lint, types, import layers and all tests that need no Fabric binaries; failures are tried again alone
	$(BIN)/python -m tests.whole_run -n $(JOBS) --dist loadgroup -rs tests

test-fabric: setup ## conformance, faults and operation on real Fabric; records in tests/conformance/FABRIC.md what passes
	GRIDLEDGER_REQUIRE=fabric $(BIN)/pytest -n 2 --dist loadgroup -rs --world fabric --record-fabric tests/conformance
	GRIDLEDGER_REQUIRE=fabric $(BIN)/pytest -rs --world fabric tests/faults tests/operating tests/integration/ca/test_revoked_on_network.py

test-attached: setup ## conformance suite, scenes and demonstration on a network of others: ATTACHED=DIR of network attach
	GRIDLEDGER_NETWORK=$(abspath $(ATTACHED)) $(BIN)/pytest -n 0 -rs --timeout 900 --world attached -m world tests/conformance tests/integration

test-hfc: setup ## query, invoke and events of fabric-sdk-py on real Fabric; HFC_PYTHON names an interpreter that has it
	GRIDLEDGER_REQUIRE=fabric,hfc HFC_PYTHON=$(HFC_PYTHON) $(BIN)/pytest -n 0 -rs --world fabric tests/hfc

test-containers: setup ## HDFS and Fabric in containers, where a Docker engine has the images or can build them
	$(BIN)/pytest -n 0 -rs tests/containers

test-faults: setup ## all random faults of the embedded network and the lake, a tenth of which make test tries
	$(BIN)/pytest -rs --faults-share 1 tests/faults

bench-client: setup ## our client against the official Node client on real Fabric; BENCH=--record writes docs/BENCHMARKS.md
	$(BIN)/python -m tests.bench.client_bench $(BENCH)

bench-shim: setup ## our shim against the Node shim on real Fabric, and what the contract layer adds
	$(BIN)/python -m tests.bench.shim_bench $(BENCH)

bench-batch: setup ## 8 reads and 8 writes on real Fabric, batched against one by one
	$(BIN)/python -m tests.bench.batch_bench $(BENCH)

bench-demo: setup ## the demonstration from nothing to its end, each step
	$(BIN)/python -m tests.bench.demo_bench $(BENCH)

bench-search: setup ## search with permission filter, 100 to 100,000 fields
	$(BIN)/python -m tests.bench.exchange_search_bench $(BENCH)

bench-devnet: setup ## the embedded network: throughput, evaluate, start
	$(BIN)/python -m tests.bench.devnet_bench $(BENCH)

bench-registration: setup ## identifiers of devices and fields registered a second, in batches
	$(BIN)/python -m tests.bench.registration_bench $(BENCH)

bench-queries: setup ## whole queries, one by one and 40 at once, and repeated under agreements
	$(BIN)/python -m tests.bench.exchange_query_bench $(BENCH)

bench-payments: setup ## 200 payments of one payer in flight, with enough and with too little money
	$(BIN)/python -m tests.bench.exchange_payments_bench $(BENCH)

bench-response: setup ## demand response: records accepted, received and anchored a second
	$(BIN)/python -m tests.bench.response_bench $(BENCH)

scene-response: setup ## a year of 17 real houses under a programme's rule, with faults; report and picture in OUT
	$(BIN)/python -m tests.bench.response_scene --out $(OUT)

bench-lake: setup ## the lake on HDFS beside restic and borg
	$(BIN)/python -m tests.bench.lake_bench $(BENCH)

bench-council-reviews: setup ## review rounds of four super nodes on real Fabric: to the decision, to all deletion receipts
	$(BIN)/python -m tests.bench.council_review_bench $(BENCH)

bench-council: setup ## all benchmarks of the council, one after the other
	set -e; for each in $(notdir $(basename $(wildcard tests/bench/council_*_bench.py))); do $(BIN)/python -m tests.bench.$$each $(BENCH); done

simulate-council: setup ## PBFT among 4 to 40 nodes beside super nodes elected among them; raw data and plot in OUT
	$(BIN)/python -m tests.bench.council_simulation $(if $(OUT),--out $(OUT))

.PHONY: bench-scale simulate-scale scale-document bill
bench-scale: setup ## what each further device, field, deposit, run, query and envelope costs on real Fabric
	$(BIN)/python -m tests.bench.scale_bench $(BENCH)

simulate-scale: setup ## channels of 10^4 to 10^8 devices, in regions, batched or not; raw data and plot in OUT
	$(BIN)/python -m tests.bench.scale_simulation $(if $(OUT),--out $(OUT))

scale-document: setup ## simulate again and write all figures of docs/scale.md
	$(BIN)/python -m tests.bench.scale_simulation --out docs/figures
	$(BIN)/python -m tests.bench.scale_document

bill: setup ## machines, disks and network for 10^6 and 10^8 devices, by docs/scale/load.yaml and prices.yaml
	$(BIN)/python -m tests.bench.scale_bill

bench-edge: bench-edge-rings bench-edge-deposits bench-edge-methods bench-edge-scene ## all figures of the edge, one after the other

bench-edge-rings: setup ## ring signatures beside turtlecoin-crypto, and the scan for a device's envelopes
	$(BIN)/python -m tests.bench.edge_bench $(BENCH)

bench-edge-deposits: setup ## deposits of envelopes with rings of 11 against plain puts, on real Fabric
	$(BIN)/python -m tests.bench.edge_deposits_bench $(BENCH)

bench-edge-methods: setup ## five ways to store a record: delay and throughput, with HDFS; table, raw data, plot
	$(BIN)/python -m tests.bench.edge_methods_bench $(BENCH)

bench-edge-scene: setup ## a day of 17 houses through three storage nodes, and what adversaries guess of who sent what
	$(BIN)/python -m tests.bench.edge_scene_bench $(BENCH)

measure-sizes: setup ## bytes that a transaction and a block take on the disks of Fabric's peers and orderers
	$(BIN)/python -m tests.bench.sizes_bench

bench-index: setup ## mean shift beside scikit-learn and on Spark; queries on HDFS beside full scans of Parquet
	$(BIN)/python -m tests.bench.index_bench $(BENCH)

bench-council-consenters: setup ## the consenters alone: a full change, the leader killed, ten minutes of load
	$(BIN)/python -m tests.bench.council_consenters_bench $(BENCH)

bench-exchange: setup ## all benchmarks of the exchange, one after the other
	set -e; for each in registration_bench $(notdir $(basename $(wildcard tests/bench/exchange_*_bench.py))); do $(BIN)/python -m tests.bench.$$each $(BENCH); done

demo: setup ## a paid, proven look-up of a real PV plant's data on the embedded network
	$(BIN)/gridledger demo

clean: ## remove .venv and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
