#ifndef NEURONFS_LABEL_CONTROL_H
#define NEURONFS_LABEL_CONTROL_H

#include <stddef.h>
#include <stdint.h>

/* The label engine's algorithm in C, for a comparison with Swift. Grid and semantics are those of
   Sources/Core/Morphology: voxel centres at (i + origin) * spacing um, a radius floor of half a voxel diagonal, soma
   edges as tubes. */

typedef struct {
    int width, height, depth;
    double sx, sy, sz, ox, oy, oz;
} control_grid;

typedef struct control_skeleton control_skeleton;
typedef struct control_index control_index;

/* NULL when the text is not an SWC file. The text must end with a zero byte. */
control_skeleton *control_parse(const char *text);
size_t control_nodes(const control_skeleton *skeleton);
void control_free_skeleton(control_skeleton *skeleton);

control_index *control_build(const control_skeleton *skeleton, const control_grid *grid);
size_t control_runs(const control_index *index);
void control_free_index(control_index *index);

void control_paint(const control_index *index, int plane, size_t lower, size_t upper, uint8_t *out);
void control_window(const control_index *index, int plane, int x0, int x1, int y0, int y1, uint8_t *out, size_t stride);

#endif
