#!/bin/sh
# Every test, in parts: those that look at the whole machine; then the stories, which wait more than they compute, beside the console's tests and those of
# everything that stories are made of, each with stories that nothing hurries, so that the three end at about the same time; last, alone, those that hold
# the machine to tens of milliseconds.
# Arguments go to one pytest instead: PYTEST="-x tests/unit" make test
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ $# -eq 0 ] || exec "$python" -m pytest "$@"

whole="tests/unit/test_doctor.py"
punctual="tests/stories/test_passive_detection.py tests/stories/test_passive_innocents.py"
patient="tests/stories/test_cloudwatch.py tests/stories/test_images.py tests/stories/test_parity.py tests/stories/test_parity_with_packets.py tests/stories/test_wheel.py"
calm="tests/stories/test_documents.py tests/stories/test_stream.py tests/stories/test_seeing.py tests/stories/test_plan_command.py tests/stories/test_flow_logs.py"
# shellcheck disable=SC2086
"$python" -m pytest -q $whole

mkdir -p build
# Nicer than the stories: these have deadlines, for packets and for people.
# shellcheck disable=SC2046,SC2086
nice -n 5 "$python" -m pytest -q --durations=15 $(find tests -mindepth 1 -maxdepth 1 -type d ! -name stories ! -name console ! -name '__*') \
    $patient $(printf -- '--ignore=%s ' $whole) >build/tests.log 2>&1 &
beside=$!
# shellcheck disable=SC2086
{ scripts/web.sh --test && nice -n 10 "$python" -m pytest -q --durations=15 tests/console $calm; } >build/tests-console.log 2>&1 &
console=$!
trap 'kill $beside $console 2>/dev/null || true' EXIT
failed=0
# shellcheck disable=SC2046,SC2086
"$python" -m pytest -q --durations=15 tests/stories $(printf -- '--ignore=%s ' $punctual $patient $calm) || failed=1
wait $console || failed=1
wait $beside || failed=1
trap - EXIT
cat build/tests-console.log build/tests.log
# shellcheck disable=SC2086
"$python" -m pytest -q $punctual || failed=1
[ $failed -eq 0 ] || echo "Something failed: each part above has a summary of its own." >&2
exit $failed
