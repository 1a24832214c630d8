#!/usr/bin/env bash
# Finds cells with the usual commands for files. Usage: browse.sh MOUNTPOINT
set -euo pipefail
cd "$1"
echo "species:          $(ls -d mouse human | xargs)"
echo "cells:            $(ls mouse human | grep -c '^[0-9]')"
echo "trainable mice:   $(ls trainable/mouse | wc -l)"
echo "in layer 5:       $(ls by-layer/5 | xargs)"
echo "spiny:            $(ls by-dendrite-type/spiny | wc -l)"
echo "their skeletons:  $(find trainable/mouse -maxdepth 2 -name skeleton.swc | wc -l)"
cell=$(ls by-layer/5 | head -n 1)
echo "a link:           by-layer/5/$cell -> $(readlink "by-layer/5/$cell")"
# find, cp -r, rsync and tar enter trainable/ and splits/. They follow links only with -L, and tar with -h.
echo "skeletons there:  $(find -L by-layer/5 -maxdepth 2 -name skeleton.swc | wc -l)"
cell=$(ls trainable/mouse | head -n 1)
echo "first trainable:  $cell"
echo "planes:           $(ls "mouse/$cell/stack" | wc -l), labels: $(ls "mouse/$cell/labels" | wc -l)"
echo "skeleton nodes:   $(grep -vc '^#' "mouse/$cell/skeleton.swc")"
