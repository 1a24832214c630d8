/* Writes the trace of a crash in a signal handler. It uses only functions that signal-safety(7) allows, and
   backtrace(3). backtrace(3) allocates only at its first call, which is made before any crash. */
#define _GNU_SOURCE
#include "cposix.h"
#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static int crash_descriptor = STDERR_FILENO;
static char crash_program[64];

struct text {
    char bytes[512];
    size_t count;
};

static void add(struct text *text, const char *part)
{
    while (*part != 0 && text->count < sizeof text->bytes) text->bytes[text->count++] = *part++;
}

static void add_number(struct text *text, unsigned long value, unsigned base, unsigned width)
{
    char digits[24];
    unsigned count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0 || count < width);
    while (count > 0 && text->count < sizeof text->bytes) text->bytes[text->count++] = digits[--count];
}

/* The format of LineLogHandler. signal-safety(7) does not allow gmtime_r. The date is computed by the inverse of Howard
   Hinnant's "days from civil" (howardhinnant.github.io/date_algorithms.html). */
static void add_time(struct text *text)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    unsigned long second = (unsigned long)now.tv_sec % 86400;
    unsigned long day = (unsigned long)now.tv_sec / 86400 + 719468;
    unsigned long of_era = day % 146097;
    unsigned long year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned long of_year = of_era - (365 * year + year / 4 - year / 100);
    unsigned long shifted = (5 * of_year + 2) / 153;
    unsigned long month = shifted < 10 ? shifted + 3 : shifted - 9;
    add_number(text, year + day / 146097 * 400 + (month <= 2), 10, 4);
    add(text, "-");
    add_number(text, month, 10, 2);
    add(text, "-");
    add_number(text, of_year - (153 * shifted + 2) / 5 + 1, 10, 2);
    add(text, "T");
    add_number(text, second / 3600, 10, 2);
    add(text, ":");
    add_number(text, second / 60 % 60, 10, 2);
    add(text, ":");
    add_number(text, second % 60, 10, 2);
    add(text, ".");
    add_number(text, (unsigned long)now.tv_nsec / 1000000, 10, 3);
    add(text, "Z");
}

static void write_text(const struct text *text)
{
    size_t done = 0;
    while (done < text->count) {
        ssize_t count = write(crash_descriptor, text->bytes + done, text->count - done);
        if (count > 0) done += (size_t)count;
        else if (errno != EINTR) return;
    }
}

static void write_trace(int number, const siginfo_t *info)
{
    struct text text = {.count = 0};
    char thread[16] = "";
    prctl(PR_GET_NAME, thread);
    /* The message of a Swift trap comes before this one, sometimes without a line end. */
    add(&text, "\n");
    add_time(&text);
    add(&text, " critical crash ");
    add(&text, crash_program);
    add(&text, " ends by SIG");
    const char *name = sigabbrev_np(number);
    add(&text, name ? name : "?");
    if (info->si_code <= 0) {
        add(&text, " sender=");
        add_number(&text, (unsigned long)info->si_pid, 10, 1);
    } else {
        add(&text, " address=0x");
        add_number(&text, (unsigned long)info->si_addr, 16, 1);
    }
    add(&text, " thread=");
    add(&text, thread);
    add(&text, "; its calls, last first:\n");
    write_text(&text);
    void *calls[64];
    backtrace_symbols_fd(calls, backtrace(calls, 64), crash_descriptor);
}

static void on_crash(int number, siginfo_t *info, void *context)
{
    static atomic_int writer;
    (void)context;
    int no_thread = 0, self = gettid();
    if (atomic_compare_exchange_strong(&writer, &no_thread, self)) {
        write_trace(number, info);
    } else if (no_thread != self) {
        /* Another thread writes a trace and then ends the process. */
        for (;;) pause();
    }
    signal(number, SIG_DFL);
    raise(number);
}

void posix_trace_crashes(const int *signals, int count, int descriptor, const char *program)
{
    crash_descriptor = descriptor;
    strncpy(crash_program, program, sizeof crash_program - 1);
    void *first[1];
    backtrace(first, 1);
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    /* The handlers of a sanitizer report more. */
    (void)signals;
    count = 0;
#endif
    for (int index = 0; index < count; index++) {
        struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK};
        sigemptyset(&action.sa_mask);
        sigaction(signals[index], &action, NULL);
    }
}

static const size_t stack_size = 64 << 10;

void *posix_add_signal_stack(void)
{
    stack_t present;
    if (sigaltstack(NULL, &present) != 0 || !(present.ss_flags & SS_DISABLE)) return NULL;
    void *memory = mmap(NULL, stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) return NULL;
    stack_t stack = {.ss_sp = memory, .ss_size = stack_size};
    if (sigaltstack(&stack, NULL) == 0) return memory;
    munmap(memory, stack_size);
    return NULL;
}

void posix_remove_signal_stack(void *memory)
{
    if (memory == NULL) return;
    stack_t none = {.ss_flags = SS_DISABLE};
    sigaltstack(&none, NULL);
    munmap(memory, stack_size);
}
