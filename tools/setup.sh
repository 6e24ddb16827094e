#!/bin/sh
# Makes .venv and installs into it exactly what a lock file says, every file checked against its hash.
# Needs Python 3.11 or newer with venv, and a package index; PYTHON=... chooses the interpreter.
set -eu
lock=$1

usable() {
    command -v "$1" >/dev/null 2>&1 && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if usable "$name"; then
            echo "$name"
            return
        fi
    done
    echo "Tongdan needs Python 3.11 or newer; python3 here is: $(python3 --version 2>&1 || true)." >&2
    echo "Install one, or name it: make PYTHON=/path/to/python3.12" >&2
    exit 1
}

make_venv() {
    if "$1" -c 'import ensurepip, venv' 2>/dev/null; then
        "$1" -m venv --clear .venv
    elif "$1" -m pip --version >/dev/null 2>&1; then
        "$1" -m venv --clear --without-pip .venv
        "$1" -m pip --quiet --python .venv/bin/python install pip
    else
        echo "$1 has no venv. On Debian and Ubuntu: apt-get install python3-venv" >&2
        exit 1
    fi
}

if ! usable .venv/bin/python || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    python=$(find_python)
    echo "Making .venv with $("$python" --version) ..."
    make_venv "$python"
fi
echo "Installing what $lock names (once; a minute or two) ..."
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
.venv/bin/python -m pip install --quiet --no-deps --require-hashes --requirement "$lock"
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
