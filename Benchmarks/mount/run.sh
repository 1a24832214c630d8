#!/bin/sh
# Builds the C controls and runs a benchmark of the mount: run.sh [crops.py | ranged.py | run.py | compare.py | tile_side.py |
# packbits.py | memory.py]
# [options]. It needs gcc, libfuse3-dev, libjpeg-dev and a built neuronfs (make build, or $NEURONFS_BINARY). It must run
# as root, to give both mounts the same read-ahead. $PYTHON is a Python with the packages of Tests/requirements.txt.
# $NEURONFS_REAL_DATA is the folder of the real files.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${CONTROL_DIR:-$here/.build}
mkdir -p "$build"
# shellcheck disable=SC2046  # the flags of pkg-config are words
gcc -O2 -Wall -Wextra -Werror "$here/zeros.c" $(pkg-config --cflags --libs fuse3) -o "$build/zeros"
gcc -O2 -Wall -Wextra -Werror "$here/decode.c" -ljpeg -lpthread -o "$build/decode"
python=${PYTHON:-$here/../../.venv/bin/python}
script=${1:-run.py}
[ $# -eq 0 ] || shift
CONTROL_DIR="$build" exec "$python" "$here/$script" "$@"
