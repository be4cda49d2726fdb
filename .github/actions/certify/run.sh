#!/bin/bash
# What the action runs: its inputs are the environment. Values are never parts of a command line that a shell reads.
set -euo pipefail
gwlb=${GWLB:-"$GITHUB_ACTION_PATH/../../../.venv/bin/gwlb"}
sudo=${SUDO-sudo}
report="${GITHUB_WORKSPACE:-$PWD}/gwlb-certify"
echo "report=$report" >>"${GITHUB_OUTPUT:-/dev/null}"
arguments=(--out "$report" --name "$LAB")
if [ -n "$IMPORT" ]; then
  $sudo "$gwlb" status --name "$LAB" --json >/dev/null 2>&1 || {
    $sudo sh -c 'nohup "$0" serve --name "$1" >"$2" 2>&1 &' "$gwlb" "$LAB" "${RUNNER_TEMP:-/tmp}/gwlb-serve.log"
    for _ in $(seq 300); do
      $sudo "$gwlb" status --name "$LAB" --json >/dev/null 2>&1 && break
      sleep 0.2
    done
  }
  $sudo "$gwlb" image import "$IMPORT" --as certify-candidate --name "$LAB"
  arguments+=(certify-candidate)
elif [ -n "$TARGET" ]; then
  arguments+=(--target "$TARGET")
else
  arguments+=("${IMAGE:?give image, import or target}")
fi
[ -z "$NETNS" ] || arguments+=(--netns "$NETNS")
for node in $NODES; do arguments+=(--node "$node"); done
[ -z "$PROFILE" ] || arguments+=(--profile "$PROFILE")
[ -z "$ONLY" ] || arguments+=(--only "$ONLY")
[ -z "$SEED" ] || arguments+=(--seed "$SEED")
[ "$SHORT" != true ] || arguments+=(--short)
[ "$ACCEPT_TERMS" != true ] || arguments+=(--accept-terms)
status=0
$sudo "$gwlb" certify "${arguments[@]}" | tee "${GITHUB_STEP_SUMMARY:-/dev/null}" || status=$?
[ ! -d "$report" ] || $sudo chmod -R a+rX "$report"
exit "$status"
