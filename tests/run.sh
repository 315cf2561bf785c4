#!/bin/sh
# Passes the tests: installs what is missing, then style, types, known vulnerabilities of the dependencies, and pytest,
# which takes the arguments given here. All are run whatever the others say; the exit status is 0 only if all are content.
# The tests that need a real Asterisk need root and Debian; elsewhere they are skipped and say so.
set -eu
cd "$(dirname "$0")/.."
. deploy/prepare.sh

install_missing logrotate:logrotate strip:binutils chromium:chromium npm:npm
make_venv --editable '.[test,lint]'
status=0
say "ruff"
.venv/bin/ruff check . || status=$?
.venv/bin/ruff format --check . || status=$?
say "mypy"
.venv/bin/mypy || status=$?
say "audit"
.venv/bin/python -m tests.audit || status=$?
say "pytest"
# Three at a time: most of what the tests do is wait for an Asterisk. More would make it late, and exact times untrue.
.venv/bin/python -m pytest --numprocesses 3 --dist loadfile "$@" || status=$?
exit "$status"
