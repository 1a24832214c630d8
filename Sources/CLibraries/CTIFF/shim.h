#ifndef NEURONFS_CTIFF_SHIM_H
#define NEURONFS_CTIFF_SHIM_H
#include <stdarg.h>
#include <tiffio.h>

/* TIFFGetField is variadic, so each tag type has a wrapper. */
static inline int shim_tiff_get_u16(TIFF *t, uint32_t tag, uint16_t *v) { return TIFFGetFieldDefaulted(t, tag, v); }
static inline int shim_tiff_get_u32(TIFF *t, uint32_t tag, uint32_t *v) { return TIFFGetFieldDefaulted(t, tag, v); }
static inline int shim_tiff_get_float(TIFF *t, uint32_t tag, float *v) { return TIFFGetFieldDefaulted(t, tag, v); }
static inline int shim_tiff_get_string(TIFF *t, uint32_t tag, char **v) { return TIFFGetField(t, tag, v); }

/* Handlers take a va_list, which Swift cannot express. This one counts the messages and does not format them. */
static inline int shim_tiff_count(TIFF *t, void *counter, const char *module, const char *format, va_list arguments)
{
    (void)t; (void)module; (void)format; (void)arguments;
    ++*(int *)counter;
    return 1;
}

/* Opens for reading without libtiff's own mapping (m) and without dividing large strips (c). *complaints counts errors
   and warnings, and must outlive the handle. */
static inline TIFF *shim_tiff_open_counting(const char *path, int *complaints)
{
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    TIFF *t;
    if (!options) return NULL;
    TIFFOpenOptionsSetErrorHandlerExtR(options, shim_tiff_count, complaints);
    TIFFOpenOptionsSetWarningHandlerExtR(options, shim_tiff_count, complaints);
    t = TIFFOpenExt(path, "rmc", options);
    TIFFOpenOptionsFree(options);
    return t;
}
#endif
