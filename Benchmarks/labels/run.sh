#!/bin/sh
# Builds the C control and the benchmark, then runs the benchmark: run.sh [SWC file...]. Without files it takes the real
# skeletons of $NEURONFS_REAL_DATA or ../shared/allen, and a generated one. CFLAGS replaces the compiler flags of the
# control. ROUNDS replaces the number of rounds.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${BUILD_DIR:-$here/.build}
mkdir -p "$build/control"
gcc ${CFLAGS:--O3} -Wall -Wextra -c "$here/control.c" -I "$here/CControl" -o "$build/control/control.o"
rm -f "$build/control/liblabelcontrol.a"
ar rcs "$build/control/liblabelcontrol.a" "$build/control/control.o"
export NEURONFS_REAL_DATA="${NEURONFS_REAL_DATA:-$here/../../../shared/allen}"
cd "$here"
swift build -c release --scratch-path "$build" -Xlinker -L"$build/control" -Xlinker -lm >&2
exec "$build/release/LabelBenchmark" "$@"
