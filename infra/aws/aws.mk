# AWS: build, check, try out, deploy. SAM CLI lives in an environment of its own, because it is large.

AWS_VENV := .venv-aws
AWS_BIN := $(AWS_VENV)/bin
export SAM_CLI_TELEMETRY := 0
export LAMBDA_PY

PY ?= 3.13
ARCH ?= arm64
BUILD ?= .aws-sam/build
SAMCONFIG ?= $(CURDIR)/samconfig.toml
# SAM would look for its file beside the built template.
SAM_DEPLOY = $(AWS_BIN)/sam deploy --template-file $(BUILD)/template.yaml --config-file $(SAMCONFIG)

# The emulator runs the bundle on this machine, so it is built for it: its Python, its processor.
# LAMBDA_PY=3.13 runs it on that Python instead of the one of the tests.
HERE_PY = $(or $(LAMBDA_PY),$(shell $(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])'))
HERE_ARCH := $(subst aarch64,arm64,$(shell uname -m))
EMULATED = .aws-sam/emulated-$(HERE_PY)
RUNTIME = .aws-sam/runtime-$(HERE_PY)

.PHONY: build build-emulated validate test-aws lambda-local bench-cold deploy rollback destroy

build: $(AWS_VENV)/.ready  ## the bundle for Lambda (PY=3.13 ARCH=arm64 BUILD=.aws-sam/build), without containers
	PY=$(PY) ARCH=$(ARCH) $(AWS_BIN)/sam build --build-dir $(BUILD) \
	  --parameter-overrides RuntimeVersion=python$(PY) Architecture=$(ARCH)
	$(AWS_BIN)/python -m infra.aws.fingerprint $(BUILD) $(PY) $(ARCH)
	@du -sk $(BUILD)/*/ | awk '{ printf "%8.1f MB  %s\n", $$1 / 1024, $$2 }'

validate: $(AWS_VENV)/.ready  ## template.yaml as CloudFormation gets it, linted, and held to our own rules
	@mkdir -p .aws-sam
	$(AWS_BIN)/python -m tests.infra.expanded > .aws-sam/expanded.json
	$(AWS_BIN)/cfn-lint .aws-sam/expanded.json
	$(AWS_BIN)/sam validate --region eu-central-1

test-aws: build-emulated  ## the template, and the built bundle under the Lambda runtime emulator (LAMBDA_PY=3.13)
	infra/aws/find-python 3.13 >/dev/null && $(MAKE) build || echo "the artifact for Lambda itself is not checked"
	$(BIN)/python -m pytest tests/infra tests/aws

build-emulated: $(VENV)/.dev $(AWS_VENV)/.ready
	$(if $(LAMBDA_PY),,PYTHON_FOR_BYTECODE=$(CURDIR)/$(BIN)/python) $(MAKE) build PY=$(HERE_PY) ARCH=$(HERE_ARCH) BUILD=$(EMULATED)
	test -e $(RUNTIME)/awslambdaric || $(AWS_BIN)/python -m pip install -q --no-deps --require-hashes --only-binary=:all: \
	  --python-version $(HERE_PY) --target $(RUNTIME) -r requirements/runtime.txt

lambda-local: build-emulated  ## one event to one built function (FUNCTION=… EVENT=…), without containers
	@$(BIN)/python -m tests.aws $(FUNCTION) $(EVENT)

bench-cold: build-emulated  ## cold start of the call path against a floor, and its parts
	$(BIN)/python -m tests.load.cold_start

deploy: build validate  ## to AWS: asks everything the first time and with ASK=1 (samconfig.toml keeps the answers)
	$(if $(ASK),,$(AWS_BIN)/python -m infra.aws.answers asked ||) $(SAM_DEPLOY) --guided --no-execute-changeset
	$(AWS_BIN)/python -m infra.aws.check_answers $(BUILD)
	$(AWS_BIN)/python -m infra.aws.check_connections
	$(AWS_BIN)/python -m infra.aws.fingerprint $(BUILD)
	$(SAM_DEPLOY)
	$(AWS_BIN)/python -m infra.aws.after_deploy

rollback: $(AWS_VENV)/.ready  ## the version before the present one, for all functions (FORWARD=1: the newest again)
	$(AWS_BIN)/python -m infra.aws.roll_back $(if $(FORWARD),forward)

destroy: $(AWS_VENV)/.ready  ## delete the stack; releases, secrets and a snapshot of the database stay
	$(AWS_BIN)/python -m infra.aws.before_destroy
	$(AWS_BIN)/sam delete $$($(AWS_BIN)/python -m infra.aws.answers)

# The lock is complete: without --no-deps pip takes a package with extras for another one, and asks for its hash.
$(AWS_VENV)/.ready: requirements/aws.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; set PYTHON=…"; exit 1; }
	$(PYTHON) -m venv $(AWS_VENV)
	$(AWS_BIN)/python -m pip install -q --no-deps --require-hashes -r requirements/aws.txt
	$(AWS_BIN)/python -m pip check
	touch $@
