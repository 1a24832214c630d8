#ifndef NEURONFS_CTIFF_SHIM_H
#define NEURONFS_CTIFF_SHIM_H
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <tiffio.h>

/* TIFFGetField is variadic, so each tag type has a wrapper. */
static inline int shim_tiff_get_u16(TIFF *t, uint32_t tag, uint16_t *v) { return TIFFGetFieldDefaulted(t, tag, v); }
static inline int shim_tiff_get_u32(TIFF *t, uint32_t tag, uint32_t *v) { return TIFFGetFieldDefaulted(t, tag, v); }
static inline int shim_tiff_get_float(TIFF *t, uint32_t tag, float *v) { return TIFFGetFieldDefaulted(t, tag, v); }
static inline int shim_tiff_get_string(TIFF *t, uint32_t tag, char **v) { return TIFFGetField(t, tag, v); }
static inline int shim_tiff_set_number(TIFF *t, uint32_t tag, uint32_t v) { return TIFFSetField(t, tag, v); }
static inline int shim_tiff_set_float(TIFF *t, uint32_t tag, double v) { return TIFFSetField(t, tag, v); }
static inline int shim_tiff_set_string(TIFF *t, uint32_t tag, const char *v) { return TIFFSetField(t, tag, v); }

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

/* A TIFF in memory that has tags and no pixels, and what libtiff said of it. */
typedef struct {
    const uint8_t *bytes;
    size_t size, position;
    int complaints;     /* errors and warnings so far */
    char message[200];  /* the first of them */
} shim_tiff_memory;

static inline const char *shim_tiff_message(const shim_tiff_memory *memory) { return memory->message; }

static inline tmsize_t shim_tiff_memory_read(thandle_t handle, void *to, tmsize_t count)
{
    shim_tiff_memory *memory = (shim_tiff_memory *)handle;
    size_t left = memory->position < memory->size ? memory->size - memory->position : 0;
    if (count < 0) return -1;
    if ((size_t)count > left) count = (tmsize_t)left;
    if (count > 0) memcpy(to, memory->bytes + memory->position, (size_t)count);
    memory->position += (size_t)count;
    return count;
}

static inline tmsize_t shim_tiff_memory_write(thandle_t handle, void *from, tmsize_t count)
{
    (void)handle; (void)from; (void)count;
    return -1;
}

static inline toff_t shim_tiff_memory_seek(thandle_t handle, toff_t offset, int whence)
{
    shim_tiff_memory *memory = (shim_tiff_memory *)handle;
    if (whence == SEEK_CUR) offset += memory->position;
    if (whence == SEEK_END) offset += memory->size;
    return memory->position = offset;
}

static inline int shim_tiff_memory_close(thandle_t handle) { (void)handle; return 0; }
static inline toff_t shim_tiff_memory_size(thandle_t handle) { return ((shim_tiff_memory *)handle)->size; }

/* Keeps the first message; 1 says that libtiff's own handler, which writes to stderr, is not to be called. */
static inline int shim_tiff_keep(TIFF *t, void *data, const char *module, const char *format, va_list arguments)
{
    shim_tiff_memory *memory = (shim_tiff_memory *)data;
    (void)t;
    if (memory->complaints++ == 0) {
        int used = snprintf(memory->message, sizeof memory->message, "%s: ", module ? module : "libtiff");
        if (used > 0 && (size_t)used < sizeof memory->message)
            vsnprintf(memory->message + used, sizeof memory->message - (size_t)used, format, arguments);
    }
    return 1;
}

/* Opens `bytes` as a TIFF; NULL, with a message, where libtiff refuses it. `bytes` are read during this call only, and
   `memory`, which must be zero, is used until TIFFClose. */
static inline TIFF *shim_tiff_open_memory(shim_tiff_memory *memory, const uint8_t *bytes, size_t size)
{
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    TIFF *t;
    if (!options) return NULL;
    TIFFOpenOptionsSetErrorHandlerExtR(options, shim_tiff_keep, memory);
    TIFFOpenOptionsSetWarningHandlerExtR(options, shim_tiff_keep, memory);
    memory->bytes = bytes;
    memory->size = size;
    t = TIFFClientOpenExt("memory", "rmc", (thandle_t)memory, shim_tiff_memory_read, shim_tiff_memory_write,
                          shim_tiff_memory_seek, shim_tiff_memory_close, shim_tiff_memory_size, NULL, NULL, options);
    memory->bytes = NULL;
    memory->size = 0;
    TIFFOpenOptionsFree(options);
    return t;
}
#endif
