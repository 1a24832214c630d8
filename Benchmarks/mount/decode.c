/* The control of the decoding rows of run.py: the luma of JPEG tiles, the least work that any reader of them has.
 *
 *   decode THREADS FILE...
 *
 * reads the files into memory, then decodes each once on THREADS threads; prints milliseconds and bytes of pixels. */
#include <stdio.h>
#include <jpeglib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

struct file {
    unsigned char *bytes;
    size_t size;
};

static struct file *files;
static int count;
static atomic_int next;
static atomic_long pixels;

static void decode(struct file file)
{
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    info.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&info);
    jpeg_mem_src(&info, file.bytes, file.size);
    jpeg_read_header(&info, TRUE);
    info.out_color_space = JCS_GRAYSCALE;
    jpeg_start_decompress(&info);
    size_t width = info.output_width;
    unsigned char *plane = malloc(width * info.output_height);
    while (info.output_scanline < info.output_height) {
        JSAMPROW row = plane + width * info.output_scanline;
        jpeg_read_scanlines(&info, &row, 1);
    }
    jpeg_finish_decompress(&info);
    pixels += width * info.output_height;
    jpeg_destroy_decompress(&info);
    free(plane);
}

static void *work(void *unused)
{
    for (int i; (i = next++) < count;) decode(files[i]);
    return unused;
}

int main(int argc, char **argv)
{
    int threads = argc > 2 ? atoi(argv[1]) : 0;
    if (threads < 1 || threads > 64) {
        fprintf(stderr, "usage: decode THREADS FILE...\n");
        return 2;
    }
    count = argc - 2;
    files = calloc(count, sizeof *files);
    for (int i = 0; i < count; i++) {
        FILE *file = fopen(argv[i + 2], "rb");
        if (!file) {
            perror(argv[i + 2]);
            return 1;
        }
        fseek(file, 0, SEEK_END);
        files[i].size = ftell(file);
        rewind(file);
        files[i].bytes = malloc(files[i].size);
        if (fread(files[i].bytes, 1, files[i].size, file) != files[i].size) return 1;
        fclose(file);
    }
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    pthread_t ids[64];
    for (int i = 0; i < threads; i++) pthread_create(&ids[i], NULL, work, NULL);
    for (int i = 0; i < threads; i++) pthread_join(ids[i], NULL);
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%.3f %ld\n", 1e3 * (end.tv_sec - start.tv_sec) + 1e-6 * (end.tv_nsec - start.tv_nsec), (long)pixels);
    return 0;
}
