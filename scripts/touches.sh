#!/bin/sh
# What `make demo` is going to touch, printed before it does. Changes nothing.
set -eu
cd "$(dirname "$0")/.."
packages=$("${PYTHON:-python3}" src/opengwlb/cli/doctor.py --packages || true)
cat <<TEXT
This is going to touch:
  Debian packages   $(if [ -n "$packages" ]; then echo "install: "$packages; else echo "none, all are there"; fi)
  this directory    .venv (Python packages), build (compiled eBPF programs, Node.js if the system has none that is new enough),
                    web/node_modules and src/opengwlb/console/static (the console's pages)
  the kernel        network namespaces gwlb-*, veth pairs inside them, eBPF programs attached to those,
                    one bpf file system under /run/opengwlb/gwlb, control groups of the instances
  files             /run/opengwlb/gwlb and /var/lib/opengwlb/gwlb
  the network       127.0.0.1:4566 listens; no packet leaves this machine
It does not touch your network devices, routes, firewall or Docker. \`make down\` takes all of it away again, except packages,
.venv and build.

TEXT
