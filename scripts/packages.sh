#!/bin/sh
# Install the Debian packages that the doctor misses. apt is asked only when something is missing.
set -eu
doctor="${PYTHON:-python3} $(dirname "$0")/../src/opengwlb/cli/doctor.py"

# shellcheck disable=SC2086
missing() { $doctor --packages "$@" || true; }

[ -n "$(missing "$@")" ] || exit 0
command -v apt-get >/dev/null || { echo "gwlb: install these by hand, there is no apt here:" $(missing "$@") >&2; exit 1; }
apt-get update -qq
packages=$(missing "$@") # once more: which clang is the newest is known only now
echo "Installing:" $packages
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages
