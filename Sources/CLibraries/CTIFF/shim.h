#ifndef NEURONFS_CTIFF_SHIM_H
#define NEURONFS_CTIFF_SHIM_H
#include <tiffio.h>

/* TIFFGetField is variadic: one wrapper per tag type. */
static inline int shim_tiff_get_u16(TIFF *t, uint32_t tag, uint16_t *v) { return TIFFGetFieldDefaulted(t, tag, v); }
static inline int shim_tiff_get_u32(TIFF *t, uint32_t tag, uint32_t *v) { return TIFFGetFieldDefaulted(t, tag, v); }
static inline int shim_tiff_get_float(TIFF *t, uint32_t tag, float *v) { return TIFFGetFieldDefaulted(t, tag, v); }
static inline int shim_tiff_get_string(TIFF *t, uint32_t tag, char **v) { return TIFFGetField(t, tag, v); }
#endif
