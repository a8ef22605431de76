# How each function and layer is built (`sam build`, BuildMethod: makefile): its own files, with bytecode.
#
# PY and ARCH are Lambda's; nothing is installed for this machine. Bytecode is half of a cold start. Its hashes are
# unchecked, because the times of files do not survive the zip, and a checked hash would read every source again.

PY ?= 3.13
ARCH ?= arm64
HERE := $(dir $(lastword $(MAKEFILE_LIST)))
MACHINE := $(if $(filter arm64,$(ARCH)),aarch64,$(ARCH))
AWS_PYTHON := $(HERE)../../.venv-aws/bin/python
CERTIFICATES ?= $(HERE)certificates
COMPILE = PYTHONHASHSEED=0 "$$($(HERE)find-python $(PY))" -m compileall -q -j 1 --invalidation-mode unchecked-hash -s $(ARTIFACTS_DIR)

# $(call install,<requirements>): wheels for Lambda into a layer. Numbering plans are kept, maps and time zones not.
define install
	$(AWS_PYTHON) -m pip install -q --disable-pip-version-check --no-compile --no-deps --require-hashes --only-binary=:all: \
	  --python-version $(PY) --implementation cp --platform manylinux2014_$(MACHINE) \
	  --platform manylinux_2_28_$(MACHINE) --target $(ARTIFACTS_DIR)/python -r $(1)
	rm -rf $(addprefix $(ARTIFACTS_DIR)/python/,bin phonenumbers/geodata phonenumbers/carrierdata phonenumbers/tzdata)
	$(COMPILE) -p /opt $(ARTIFACTS_DIR)/python
endef

# $(call function,<package>): one function's own package.
define function
	mkdir -p $(ARTIFACTS_DIR)
	cp -r $(1) $(ARTIFACTS_DIR)/
	find $(ARTIFACTS_DIR) -name __pycache__ -prune -exec rm -r {} +
	$(COMPILE) -p /var/task $(ARTIFACTS_DIR)
endef
