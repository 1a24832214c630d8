#define _GNU_SOURCE
#include "cposix.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/openat2.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

void posix_name_current_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

int posix_open_cloexec(const char *path, int flags, unsigned mode)
{
    int fd;
    do fd = open(path, flags | O_CLOEXEC, mode); while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

int posix_openat_cloexec(int directory, const char *path, int flags, unsigned mode)
{
    int fd;
    do fd = openat(directory, path, flags | O_CLOEXEC, mode); while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

int posix_open_beneath(int directory, const char *path, int flags, unsigned mode)
{
    /* openat2 refuses a mode without O_CREAT, which open ignores. */
    struct open_how how = {
        .flags = (unsigned)(flags | O_CLOEXEC),
        .mode = flags & O_CREAT ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    };
    long fd;
    /* EAGAIN: a directory on the way was renamed during the call. */
    do fd = syscall(SYS_openat2, directory, path, &how, sizeof how); while (fd < 0 && (errno == EINTR || errno == EAGAIN));
    return fd < 0 ? -errno : (int)fd;
}

int posix_open_inside(int directory, const char *path, int flags)
{
    /* openat2 takes few flags together with O_PATH. */
    struct open_how how = {
        .flags = (unsigned)(flags | O_CLOEXEC | (flags & O_PATH ? 0 : O_NOCTTY)),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    long fd;
    int tries = 0;
    /* EAGAIN: a directory was renamed during the call. A user who renames without end shall not keep the thread. */
    do fd = syscall(SYS_openat2, directory, path, &how, sizeof how);
    while (fd < 0 && (errno == EINTR || (errno == EAGAIN && ++tries < 100)));
    return fd < 0 ? -errno : (int)fd;
}

int posix_open_cached(int directory, const char *path)
{
    struct open_how how = {
        .flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_NOATIME,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_CACHED,
    };
    long fd = syscall(SYS_openat2, directory, path, &how, sizeof how);
    return fd < 0 ? -errno : (int)fd;
}

ssize_t posix_read_cached(int fd, void *buffer, size_t count, off_t offset)
{
    struct iovec part = {.iov_base = buffer, .iov_len = count};
    return preadv2(fd, &part, 1, offset, RWF_NOWAIT);
}

int posix_path_flag(void) { return O_PATH; }

unsigned posix_file_user(void) { return (unsigned)setfsuid((uid_t)-1); }

void posix_set_file_user(unsigned user) { setfsuid(user); }

static int take_groups(gid_t group, const char *name)
{
    return (name ? initgroups(name, group) : setgroups(1, &group)) < 0 ? -errno : 0;
}

int posix_become(unsigned user, unsigned group, const char *name)
{
    int code = take_groups(group, name);
    if (code != 0) return code;
    return setgid(group) < 0 || setuid(user) < 0 ? -errno : 0;
}

int posix_take_file_rights(unsigned user, unsigned group, const char *name)
{
    int code = take_groups(group, name);
    if (code != 0) return code;
    setfsgid(group);
    setfsuid(user);
    /* setfsgid and setfsuid do not report failure. */
    return (unsigned)setfsgid((gid_t)-1) == group && posix_file_user() == user ? 0 : -EPERM;
}

int posix_flock_exclusive(int fd, int wait)
{
    int rc;
    do rc = flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB)); while (rc < 0 && errno == EINTR);
    return rc < 0 ? -errno : 0;
}

int posix_memory_file(const char *name)
{
    int fd = memfd_create(name, MFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int posix_duplicate_cloexec(int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return copy < 0 ? -errno : copy;
}

int posix_terminal_columns(int fd)
{
    struct winsize size;
    if (!isatty(fd) || ioctl(fd, TIOCGWINSZ, &size) != 0) return 0;
    return size.ws_col;
}

int posix_control(int fd, unsigned long command) { return ioctl(fd, command) < 0 ? -errno : 0; }

int posix_control_reading(int fd, unsigned long command, uint64_t answer[2])
{
    return ioctl(fd, command, answer) < 0 ? -errno : 0;
}

int posix_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0; }

void posix_ignore_signals(const int *signals, int count)
{
    for (int index = 0; index < count; index++) signal(signals[index], SIG_IGN);
}

int posix_first_realtime_signal(void) { return SIGRTMIN; }
int posix_last_realtime_signal(void) { return SIGRTMAX; }

int posix_wait_for_signal(const int *signals, int count, double seconds, int *value)
{
    sigset_t set;
    sigemptyset(&set);
    for (int index = 0; index < count; index++) sigaddset(&set, signals[index]);
    struct timespec limit = {.tv_sec = (time_t)seconds};
    limit.tv_nsec = (long)((seconds - (double)limit.tv_sec) * 1e9);
    siginfo_t info;
    int number = sigtimedwait(&set, &info, &limit);
    if (number < 0) return 0;
    *value = info.si_code == SI_QUEUE ? info.si_value.sival_int : 0;
    return number;
}

int posix_send_signal(int pid, int signal, int value)
{
    return sigqueue(pid, signal, (union sigval){.sival_int = value}) != 0 ? -errno : 0;
}

/* glibc passes the arguments of main to constructors: the memory that /proc/PID/cmdline shows. */
static char **own_arguments;
__attribute__((constructor)) static void keep_arguments(int count, char **arguments)
{
    (void)count;
    own_arguments = arguments;
}

void posix_hide_arguments(void)
{
    for (char **argument = own_arguments; argument && *argument; argument++) {
        for (char *mark = strstr(*argument, "://"); mark; mark = strstr(mark + 3, "://")) {
            char *end = mark + 3 + strcspn(mark + 3, "/?#,"), *at = end;
            while (at > mark + 3 && at[-1] != '@') at--;
            if (at > mark + 3) memset(mark + 3, 'x', at - 1 - (mark + 3));
        }
    }
}

/* A copy with a number above all numbers that the child uses. */
static int duplicate_high(int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, 16); }

int posix_spawn_daemon(const char *path, char *const argv[], char *const environment[], int errors, int ready,
                       int ready_number, int settings, int settings_number)
{
    int ready_copy = duplicate_high(ready), settings_copy = duplicate_high(settings);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    pid_t pid = 0;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ready_copy, ready_number);
    posix_spawn_file_actions_adddup2(&actions, settings_copy, settings_number);
    posix_spawn_file_actions_addchdir_np(&actions, "/");
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
    int code = posix_spawn(&pid, path, &actions, &attributes, argv, environment);
    if (ready_copy >= 0) close(ready_copy);
    if (settings_copy >= 0) close(settings_copy);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return code != 0 ? -code : pid;
}

void posix_limit_arenas(int count) { mallopt(M_ARENA_MAX, count); }

void posix_trim_heap(void) { malloc_trim(0); }
