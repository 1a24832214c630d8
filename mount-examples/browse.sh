#!/usr/bin/env bash
# Finds cells with the usual commands for files. Usage: browse.sh MOUNTPOINT
set -euo pipefail
cd "$1"
echo "species:          $(ls -d mouse human | xargs)"
echo "cells:            $(ls mouse human | grep -c '^[0-9]')"
echo "trainable mice:   $(ls trainable/mouse | wc -l)"
echo "in layer 5:       $(ls by-layer/5 | xargs)"
echo "spiny:            $(ls by-dendrite-type/spiny | wc -l)"
cell=$(ls trainable/mouse | head -n 1)
echo "first trainable:  $cell -> $(readlink "trainable/mouse/$cell")"
echo "planes:           $(ls "mouse/$cell/stack" | wc -l), labels: $(ls "mouse/$cell/labels" | wc -l)"
echo "skeleton nodes:   $(grep -vc '^#' "mouse/$cell/skeleton.swc")"
