#!/bin/sh
# Put a distribution's kernel for virtual machines into the directory $1 (boot/vmlinuz-*, lib/modules/*), without installing it:
# what the tests' guest boots. apt is asked only when it is not there yet.
set -eu
place=$1
[ -z "$(ls "$place"/boot/vmlinuz-* 2>/dev/null)" ] || exit 0
command -v apt-get >/dev/null || { echo "gwlb: there is no apt here: put a kernel into $place by hand" >&2; exit 1; }
apt-get update -qq
meta=linux-image-cloud-amd64
apt-cache show "$meta" >/dev/null 2>&1 || meta=linux-image-virtual
image=$(apt-cache depends "$meta" | awk '/Depends: linux-image-[0-9]/ {print $2; exit}')
modules=$(apt-cache depends "$image" | awk '/Depends: linux-modules-[0-9]/ {print $2; exit}')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get download -qq $image $modules 2>/dev/null)
for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/tree"; done
[ ! -d "$work/tree/usr/lib/modules" ] || { mkdir -p "$work/tree/lib" && mv "$work/tree/usr/lib/modules" "$work/tree/lib/"; }
mkdir -p "$place.new.$$"
cp -a "$work/tree/lib" "$work/tree/boot" "$place.new.$$/"
rm -rf "$place"
mv "$place.new.$$" "$place"
