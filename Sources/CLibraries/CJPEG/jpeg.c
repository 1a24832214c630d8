#include "cjpeg.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

/* A progressive file keeps all its coefficients in memory, and thousands of
   scans of few bytes may take minutes. So both are limited. Encoders write at
   most a dozen scans. */
enum { MAXIMUM_SCANS = 100 };
static const long memory_for_coefficients = 512L << 20;

struct failure {
    struct jpeg_error_mgr manager; /* first, because libjpeg passes a pointer to it */
    jmp_buf return_point;
    char *message;
};

static void leave(j_common_ptr info)
{
    struct failure *failure = (struct failure *)info->err;
    char text[JMSG_LENGTH_MAX];
    failure->manager.format_message(info, text);
    snprintf(failure->message, CJPEG_MESSAGE_SIZE, "%s", text);
    longjmp(failure->return_point, 1);
}

/* Level -1 is a warning: libjpeg can only guess the data. */
static void refuse_warnings(j_common_ptr info, int level)
{
    if (level < 0) leave(info);
}

static void bound_scans(j_common_ptr info)
{
    if (info->is_decompressor && ((j_decompress_ptr)info)->input_scan_number > MAXIMUM_SCANS) {
        struct failure *failure = (struct failure *)info->err;
        snprintf(failure->message, CJPEG_MESSAGE_SIZE, "more than %d scans", (int)MAXIMUM_SCANS);
        longjmp(failure->return_point, 1);
    }
}

static struct jpeg_error_mgr *prepare(struct failure *failure, char *message)
{
    struct jpeg_error_mgr *manager = jpeg_std_error(&failure->manager);
    manager->error_exit = leave;
    manager->emit_message = refuse_warnings;
    failure->message = message;
    message[0] = 0;
    return manager;
}

int cjpeg_decode_luma(const uint8_t *bytes, size_t count, uint32_t width, uint32_t height,
                      uint8_t *pixels, char *message)
{
    enum { ROWS = 8 };
    struct jpeg_decompress_struct info;
    struct jpeg_progress_mgr progress = {.progress_monitor = bound_scans};
    struct failure failure;
    JSAMPARRAY dropped = NULL;

    memset(&info, 0, sizeof info);
    info.err = prepare(&failure, message);
    if (setjmp(failure.return_point)) {
        jpeg_destroy_decompress(&info);
        return -1;
    }
    jpeg_create_decompress(&info);
    info.progress = &progress;
    info.mem->max_memory_to_use = memory_for_coefficients;
    jpeg_mem_src(&info, bytes, count);
    jpeg_read_header(&info, TRUE);
    if (info.image_width != width || info.image_height != height) {
        snprintf(message, CJPEG_MESSAGE_SIZE, "%u x %u pixels, not %u x %u", (unsigned)info.image_width,
                 (unsigned)info.image_height, (unsigned)width, (unsigned)height);
        jpeg_destroy_decompress(&info);
        return -1;
    }
    info.out_color_space = JCS_GRAYSCALE;
    info.dct_method = JDCT_ISLOW;
    if (!pixels) info.scale_denom = 8;
    jpeg_start_decompress(&info);
    if (!pixels) dropped = info.mem->alloc_sarray((j_common_ptr)&info, JPOOL_IMAGE, info.output_width, ROWS);
    while (info.output_scanline < info.output_height) {
        JSAMPROW rows[ROWS];
        JDIMENSION wanted = info.output_height - info.output_scanline;
        if (wanted > ROWS) wanted = ROWS;
        for (JDIMENSION row = 0; pixels && row < wanted; row++)
            rows[row] = pixels + (size_t)(info.output_scanline + row) * width;
        jpeg_read_scanlines(&info, pixels ? rows : dropped, wanted);
    }
    jpeg_finish_decompress(&info);
    jpeg_destroy_decompress(&info);
    return 0;
}

/* libjpeg's own memory destination loses its buffer on an error. */
struct growing_buffer {
    struct jpeg_destination_mgr manager; /* first, as above */
    uint8_t *bytes;
    size_t capacity;
    size_t count;
};

static void grow(j_compress_ptr info, size_t capacity)
{
    struct growing_buffer *buffer = (struct growing_buffer *)info->dest;
    uint8_t *bytes = realloc(buffer->bytes, capacity);
    if (!bytes) ERREXIT1(info, JERR_OUT_OF_MEMORY, 0);
    buffer->manager.next_output_byte = bytes + buffer->capacity;
    buffer->manager.free_in_buffer = capacity - buffer->capacity;
    buffer->bytes = bytes;
    buffer->capacity = capacity;
}

static void buffer_start(j_compress_ptr info) { grow(info, 1 << 16); }

static boolean buffer_full(j_compress_ptr info)
{
    grow(info, 2 * ((struct growing_buffer *)info->dest)->capacity);
    return TRUE;
}

static void buffer_end(j_compress_ptr info)
{
    struct growing_buffer *buffer = (struct growing_buffer *)info->dest;
    buffer->count = buffer->capacity - buffer->manager.free_in_buffer;
}

static void write_rows(j_compress_ptr info, const uint8_t *pixels, enum cjpeg_layout layout, uint8_t cb, uint8_t cr)
{
    size_t width = info->image_width;
    JSAMPARRAY expanded = NULL;
    if (layout == CJPEG_LUMA) {
        expanded = info->mem->alloc_sarray((j_common_ptr)info, JPOOL_IMAGE, (JDIMENSION)(3 * width), 1);
        for (size_t x = 0; x < width; x++) expanded[0][3 * x + 1] = cb, expanded[0][3 * x + 2] = cr;
    }
    while (info->next_scanline < info->image_height) {
        const uint8_t *row = pixels + info->next_scanline * width;
        if (expanded) {
            for (size_t x = 0; x < width; x++) expanded[0][3 * x] = row[x];
            jpeg_write_scanlines(info, expanded, 1);
        } else {
            JSAMPROW one = (JSAMPROW)row; /* libjpeg only reads it */
            jpeg_write_scanlines(info, &one, 1);
        }
    }
}

int cjpeg_encode(const uint8_t *pixels, uint32_t width, uint32_t height, enum cjpeg_layout layout,
                 int quality, uint8_t cb, uint8_t cr, uint8_t **out, size_t *out_count, char *message)
{
    struct jpeg_compress_struct info;
    struct failure failure;
    struct growing_buffer buffer;

    memset(&info, 0, sizeof info);
    memset(&buffer, 0, sizeof buffer);
    buffer.manager.init_destination = buffer_start;
    buffer.manager.empty_output_buffer = buffer_full;
    buffer.manager.term_destination = buffer_end;
    info.err = prepare(&failure, message);
    if (setjmp(failure.return_point)) {
        jpeg_destroy_compress(&info);
        free(buffer.bytes);
        return -1;
    }
    jpeg_create_compress(&info);
    info.dest = &buffer.manager;
    info.image_width = width;
    info.image_height = height;
    info.input_components = layout == CJPEG_GRAY ? 1 : 3;
    info.in_color_space = layout == CJPEG_GRAY ? JCS_GRAYSCALE : JCS_YCbCr;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, quality, TRUE);
    info.dct_method = JDCT_ISLOW;
    jpeg_start_compress(&info, TRUE);
    write_rows(&info, pixels, layout, cb, cr);
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    *out = buffer.bytes;
    *out_count = buffer.count;
    return 0;
}

void cjpeg_free(uint8_t *bytes) { free(bytes); }
