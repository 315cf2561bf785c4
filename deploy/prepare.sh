# Sourced by deploy/try.sh and tests/run.sh: finds or installs what they need and makes .venv in the checkout.
# Tried on Debian 12, as root or with sudo.

say() { printf '%s\n' "==> $*"; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -- "$@"
    else
        say "cannot run '$*': this needs root, and there is no sudo"
        return 1
    fi
}

# Prints the first Python from 3.11 on that can make a virtual environment; nothing if there is none.
find_python() {
    for python in python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
        if command -v "$python" >/dev/null &&
            "$python" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null
        then
            command -v "$python"
            return
        fi
    done
}

# install_missing [PROGRAM:PACKAGE...]: installs the Debian packages whose programs are missing, besides those that
# everything needs; without any missing, apt is not called. WITHOUT_LAB=yes leaves out what a real Asterisk's root is made
# with.
install_missing() {
    packages=
    PATH="$PATH:/usr/sbin:/sbin"
    [ -n "$(find_python)" ] || packages="$packages python3 python3-venv"
    command -v mosquitto >/dev/null || packages="$packages mosquitto"
    command -v mosquitto_pub >/dev/null || packages="$packages mosquitto-clients"
    [ -n "${WITHOUT_LAB:-}" ] || command -v debootstrap >/dev/null ||
        packages="$packages debootstrap debian-archive-keyring"
    for extra in "$@"; do
        command -v "${extra%%:*}" >/dev/null || packages="$packages ${extra#*:}"
    done
    [ -n "$packages" ] || return 0
    say "installing Debian packages:$packages"
    if ! command -v apt-get >/dev/null; then
        say "no apt-get here: please install the like of$packages by hand"
        return 1
    fi
    as_root apt-get update -qq
    # shellcheck disable=SC2086  # a list of words on purpose
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $packages >/dev/null
}

# make_venv ARGUMENTS...: makes .venv where it is missing or of no use, and installs into it with pip.
make_venv() {
    if ! .venv/bin/python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null; then
        say "making .venv with $(find_python)"
        rm -rf .venv
        "$(find_python)" -m venv .venv
    fi
    say "installing into .venv: $*"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
        --constraint deploy/constraints.txt "$@"
}
