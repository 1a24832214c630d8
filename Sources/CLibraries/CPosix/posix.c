#define _GNU_SOURCE
#include "cposix.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

void posix_name_current_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

int posix_open_cloexec(const char *path, int flags, unsigned mode)
{
    int fd;
    do fd = open(path, flags | O_CLOEXEC, mode); while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

int posix_flock_exclusive(int fd, int wait)
{
    int rc;
    do rc = flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB)); while (rc < 0 && errno == EINTR);
    return rc < 0 ? -errno : 0;
}

int posix_terminal_columns(int fd)
{
    struct winsize size;
    if (!isatty(fd) || ioctl(fd, TIOCGWINSZ, &size) != 0) return 0;
    return size.ws_col;
}
