#!/bin/sh
# Passes the tests: installs what is missing, then style, types, and pytest, which takes the arguments given here.
# The tests that need a real Asterisk need root and Debian; elsewhere they are skipped and say so.
set -eu
cd "$(dirname "$0")/.."
. deploy/prepare.sh

install_missing
make_venv --editable '.[test,lint]'
say "ruff"
.venv/bin/ruff check .
.venv/bin/ruff format --check .
say "mypy"
.venv/bin/mypy
say "pytest"
exec .venv/bin/python -m pytest "$@"
