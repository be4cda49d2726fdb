#!/bin/sh
# Install what judges the API into build/conformance, each by its own ordinary client: a venv and moto's sdist by pip, the JavaScript
# SDK by npm, the AWS CLI version 2 by apt. Does nothing for what is there already.
set -eu
cd "$(dirname "$0")/.."
into=build/conformance
mkdir -p "$into/sdist" "$into/javascript"

missing=""
command -v node >/dev/null && command -v npm >/dev/null || missing="nodejs npm"
[ -x /usr/bin/aws ] || missing="$missing awscli"
if [ -n "$missing" ]; then
    command -v apt-get >/dev/null || { echo "conformance: install these by hand, there is no apt here: $missing" >&2; exit 1; }
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
fi

if [ ! -e "$into/.installed" ] || [ pyproject.toml -nt "$into/.installed" ]; then
    "${PYTHON:-python3}" -m venv "$into/venv"
    "$into/venv/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
    "$into/venv/bin/python" -m pip install --quiet --disable-pip-version-check --group conformance
    moto=$("$into/venv/bin/python" -c 'from importlib.metadata import version; print(version("moto"))')
    rm -f "$into"/sdist/*
    "$into/venv/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: \
        --dest "$into/sdist" "moto==$moto"
    touch "$into/.installed"
fi

if ! cmp -s tests/conformance/javascript/package.json "$into/javascript/package.json"; then
    cp tests/conformance/javascript/package.json "$into/javascript/"
    (cd "$into/javascript" && npm install --silent --no-audit --no-fund) || { rm "$into/javascript/package.json"; exit 1; }
fi
