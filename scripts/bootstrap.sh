#!/bin/sh
# Make .venv from nothing but a Python >= 3.11, with the versions that uv.lock names. Run by `make`; safe to run again at any time:
# an interrupted run leaves no stamp, and the next one goes on from what is there.
set -eu

uv_version=0.13.9
venv=.venv
stamp=$venv/.synced

say() { printf '%s\n' "$*" >&2; }

# A command of that name is not yet an interpreter: a version manager's shim is on PATH whether or not it has a version to run.
is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
can_make_venv() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

find_python() {
  without_venv=
  for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python3.14 /usr/bin/python3; do
    command -v "$candidate" >/dev/null 2>&1 || continue
    is_new_enough "$candidate" || continue
    if can_make_venv "$candidate"; then
      command -v "$candidate"
      return 0
    fi
    without_venv=$candidate
  done
  if [ -n "$without_venv" ]; then
    say "error: $without_venv is there, but cannot make an environment: its modules 'venv' and 'ensurepip' are missing."
    say "On Debian and Ubuntu they are a package of their own:  apt-get install python3-venv"
  else
    say "error: no Python >= 3.11 found (tried \$PYTHON, python3, python3.13, python3.12, python3.11, python3.14)."
    say "Install one, on Debian and Ubuntu:  apt-get install python3 python3-venv"
    say "or name one:  make setup PYTHON=/path/to/python3.12"
  fi
  return 1
}

# Where the system has a certificate store, use it: behind a proxy that re-signs TLS the bundle inside pip knows too little.
certificates=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
if [ -z "${PIP_CERT:-}" ] && [ -f "$certificates" ]; then
  PIP_CERT=$certificates
  export PIP_CERT
fi
export UV_SYSTEM_CERTS=true
# The environment's own interpreter, never one that uv would fetch; and an environment of another project that happens to be
# active must not be the one that is changed.
export UV_PYTHON_DOWNLOADS=never
export UV_PROJECT_ENVIRONMENT=$venv
unset VIRTUAL_ENV CONDA_PREFIX 2>/dev/null || true

if [ ! -x $venv/bin/python ] || ! is_new_enough $venv/bin/python; then
  python=$(find_python)
  say "Making $venv with $python ($("$python" -c 'import platform; print(platform.python_version())'))"
  rm -rf $venv
  "$python" -m venv $venv
fi

if [ "$($venv/bin/uv --version 2>/dev/null | cut -d' ' -f2)" != "$uv_version" ]; then
  say "Installing uv $uv_version"
  $venv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$uv_version"
fi

say "Installing what uv.lock names"
$venv/bin/uv sync --frozen --quiet --python $venv/bin/python
touch $stamp
