#!/bin/sh
# check_shell.sh: ShellCheck has nothing to say of any script.
cd "$(dirname -- "$0")/.." || exit 1
command -v shellcheck >/dev/null 2>&1 || { echo "skipped: there is no shellcheck"; exit 77; }
scripts=$(find scripts tests .ci examples bench -name '*.sh' 2>/dev/null)
# shellcheck disable=SC2086 # names without blanks
shellcheck -x -P SCRIPTDIR $scripts .ci/run && echo "shellcheck: clean"
