#!/bin/sh
# Sets everything up and shows the gateway at work: a simulated call center, a real broker, and what a subscriber sees,
# live. Ctrl-C ends it; so does --seconds N. --help shows the other arguments.
# With --asterisk 16 or 22 it is a real Asterisk of that version, in a Debian root of its own; this needs root.
set -eu
cd "$(dirname "$0")/.."
. deploy/prepare.sh

asterisk=
for argument in "$@"; do
    case "$argument" in --asterisk | --asterisk=*) asterisk=yes ;; esac
done

if [ -z "$asterisk" ]; then
    say "1/3 programs: Mosquitto, Python with venv"
    WITHOUT_LAB=yes
    install_missing
    say "2/3 the gateway, in .venv"
    make_venv .
    say "3/3 the show: a simulated Asterisk with agents and callers, a broker, the gateway"
    # Not "cti-gateway": its first line has this folder's path, which may be too long or have blanks in it.
    exec .venv/bin/python -m gateway demo "$@"
fi

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
