/* Preloaded into the program under test (preload.py). PRELOAD_CLOCK names a file with the seconds by which the wall
   clock is wrong; PRELOAD_THREADS one with the number of threads that a process may have besides its first. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static long number_in(const char *variable, long fallback)
{
    const char *path = getenv(variable);
    FILE *file = path ? fopen(path, "re") : NULL;
    if (!file) return fallback;
    if (fscanf(file, "%ld", &fallback) != 1) fallback = 0;
    fclose(file);
    return fallback;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int code = real(clock, time);
    if (code == 0 && clock == CLOCK_REALTIME) time->tv_sec += number_in("PRELOAD_CLOCK", 0);
    return code;
}

static atomic_long alive;

struct start {
    void *(*body)(void *);
    void *argument;
};

static void has_ended(void *unused)
{
    (void)unused;
    atomic_fetch_sub(&alive, 1);
}

static void *run(void *context)
{
    struct start start = *(struct start *)context;
    void *result;
    free(context);
    /* Also when it is cancelled. */
    pthread_cleanup_push(has_ended, NULL);
    result = start.body(start.argument);
    pthread_cleanup_pop(1);
    return result;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument)
{
    static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (!real)
        real = (int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))dlsym(RTLD_NEXT, "pthread_create");
    if (atomic_load(&alive) >= number_in("PRELOAD_THREADS", 1000000)) return EAGAIN;
    struct start *start = malloc(sizeof *start);
    *start = (struct start){body, argument};
    atomic_fetch_add(&alive, 1);
    int code = real(thread, attributes, run, start);
    if (code != 0) {
        atomic_fetch_sub(&alive, 1);
        free(start);
    }
    return code;
}
