#!/bin/sh
# Sets everything up and shows the gateway at work: a real Asterisk, a real broker, agents and callers, and each session
# event as it comes. Ctrl-C ends it; so does --seconds N. Other arguments: --asterisk 16 or 22, --seed N.
set -eu
cd "$(dirname "$0")/.."
. deploy/prepare.sh

say "1/3 programs: Mosquitto, debootstrap, Python with venv"
install_missing
say "2/3 the gateway, in .venv"
make_venv .
say "3/3 the show: Asterisk in a Debian root of its own (made on first use, about a minute), broker, gateway, callers"
if [ "$(id -u)" -eq 0 ]; then
    exec .venv/bin/python -m tests.lab demo "$@"
fi
say "sudo: Asterisk runs in a chroot, which only root may make"
exec sudo -- .venv/bin/python -m tests.lab demo "$@"
