#ifndef NEURONFS_CJPEG_H
#define NEURONFS_CJPEG_H

#include <stddef.h>
#include <stdint.h>

/* libjpeg reports an error by calling a function that must not return. It must
   leave by longjmp, which may not cross a Swift frame. So the two calls that
   can fail are in C. `message` has room for CJPEG_MESSAGE_SIZE bytes, and holds
   libjpeg's message when the result is not 0. */
enum { CJPEG_MESSAGE_SIZE = 256 };

/* Decodes the luma of one JPEG of exactly width x height into `pixels` (width *
   height bytes, row-major). Chroma is not reconstructed. A libjpeg warning
   (premature end, corrupt data) counts as an error. When `pixels` is NULL, the
   file is read to its end at an eighth of its size, and no pixel is kept: the
   entropy coding alone shows the damage. Returns 0 or -1. */
int cjpeg_decode_luma(const uint8_t *bytes, size_t count, uint32_t width, uint32_t height,
                      uint8_t *pixels, char *message);

enum cjpeg_layout {
    CJPEG_GRAY, /* one byte a pixel in, one component out */
    CJPEG_LUMA  /* one byte a pixel in, YCbCr 4:2:0 with constant chroma out */
};

/* Encodes a baseline JPEG. Only CJPEG_LUMA uses `cb` and `cr`. On success the
   caller must free *out with cjpeg_free. Returns 0 or -1. */
int cjpeg_encode(const uint8_t *pixels, uint32_t width, uint32_t height, enum cjpeg_layout layout,
                 int quality, uint8_t cb, uint8_t cr, uint8_t **out, size_t *out_count, char *message);

void cjpeg_free(uint8_t *bytes);

#endif
