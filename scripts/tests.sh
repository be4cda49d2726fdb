#!/bin/sh
# Every test, in three parts: first those that look at the whole machine or need none of it; then the stories, which wait more than they compute,
# beside the tests of everything that they are made of. The second of these two is shown when the first is through.
# Arguments go to one pytest instead: PYTEST="-x tests/unit" make test
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ $# -eq 0 ] || exec "$python" -m pytest "$@"

"$python" -m pytest -q tests/unit tests/wire tests/store

mkdir -p build
said=build/tests.log
others="--ignore=tests/unit --ignore=tests/wire --ignore=tests/store --ignore=tests/stories"
# shellcheck disable=SC2086
"$python" -m pytest -q tests $others >"$said" 2>&1 &
beside=$!
trap 'kill $beside 2>/dev/null || true' EXIT
stories=0
"$python" -m pytest -q tests/stories || stories=$?
rest=0
wait $beside || rest=$?
trap - EXIT
[ $stories -eq 0 ] || echo "Stories failed: see above." >&2
cat "$said"
exit $((stories || rest))
