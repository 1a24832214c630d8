#ifndef NEURONFS_CPOSIX_H
#define NEURONFS_CPOSIX_H
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* pthread_setname_np needs _GNU_SOURCE, which a Swift importer does not set. */
void posix_name_current_thread(const char *name);

/* open is a C variadic, and flock an overloaded name. Each call retries on EINTR, and returns a descriptor or 0, or
   -errno. */
int posix_open_cloexec(const char *path, int flags, unsigned mode);
int posix_flock_exclusive(int fd, int wait);

/* openat, with O_CLOEXEC. posix_open_beneath is openat2 of Linux 5.6: it follows no symbolic link anywhere in `path`
   and stays below `directory`. It returns -ENOSYS or -EPERM when the kernel or a container lacks it. Each call returns
   a descriptor or -errno. */
int posix_openat_cloexec(int directory, const char *path, int flags, unsigned mode);
int posix_open_beneath(int directory, const char *path, int flags, unsigned mode);

/* openat2 for reading, which follows symbolic links as long as they stay below `directory`: -EXDEV where one leads out.
   No link of /proc is followed. A descriptor or -errno. */
int posix_open_inside(int directory, const char *path, int flags);

/* Reading without waiting for a device. posix_open_cached is posix_open_beneath for reading, with RESOLVE_CACHED of Linux 5.12
   (-EAGAIN where memory lacks a name on the way, -EINVAL on older kernels) and O_NOATIME, because a changed time of access
   may wait for the journal (-EPERM where the file is another user's). posix_read_cached is pread with RWF_NOWAIT (EAGAIN
   where memory lacks the bytes, EOPNOTSUPP where the file system cannot); it returns the count, or -1 with errno. */
int posix_open_cached(int directory, const char *path);
ssize_t posix_read_cached(int fd, void *buffer, size_t count, off_t offset);

/* O_PATH of fcntl.h, which glibc shows to GNU sources only. */
int posix_path_flag(void);

/* The user with whose rights the calling thread opens files (setfsuid). */
unsigned posix_file_user(void);
void posix_set_file_user(unsigned user);

/* Gives a root process the groups, the group and the user of another account. posix_become changes the whole process
   for good. posix_take_file_rights changes file access only, for the calling thread and each thread that it starts
   (setfsuid, setfsgid). `name` is the user's name in the password database. It is NULL when the user has none, who then
   has `group` alone. 0 or -errno. */
int posix_become(unsigned user, unsigned group, const char *name);
int posix_take_file_rights(unsigned user, unsigned group, const char *name);

/* memfd_create needs _GNU_SOURCE, and fcntl is variadic. Both return a descriptor that closes on exec, or -errno. */
int posix_memory_file(const char *name);
int posix_duplicate_cloexec(int fd);

/* pipe2, and the setsid flag and the chdir action of posix_spawn need _GNU_SOURCE. posix_pipe returns 0 or -errno; both
   ends close on exec. posix_spawn_daemon starts `path` in a session of its own, in directory "/", with no signal
   blocked. Standard input and output are /dev/null, and `errors` is standard error. `ready` becomes descriptor
   `ready_number`, and `settings` becomes `settings_number`. Returns the pid or -errno. */
int posix_pipe(int ends[2]);
int posix_spawn_daemon(const char *path, char *const argv[], char *const environment[], int errors, int ready,
                       int ready_number, int settings, int settings_number);

/* Overwrites the text between "://" and "@" in the arguments of this process, so that ps does not show it. */
void posix_hide_arguments(void);

/* Limits malloc to `count` arenas (the importer's module of glibc lacks mallopt). Must be called before the first
   thread starts. */
void posix_limit_arenas(int count);

/* Gives all whole pages of malloc that hold nothing back to the system (the importer's module of glibc lacks
   malloc_trim). */
void posix_trim_heap(void);

/* ioctl without an argument; ioctl is variadic. 0 or -errno. */
int posix_control(int fd, unsigned long command);

/* ioctl with a command that returns two numbers: 0 or -errno. */
int posix_control_reading(int fd, unsigned long command, uint64_t answer[2]);

/* Ignores `signals`. */
void posix_ignore_signals(const int *signals, int count);

/* The lowest and highest signal that a program may use for its own purposes (SIGRTMIN and SIGRTMAX are calls). */
int posix_first_realtime_signal(void);
int posix_last_realtime_signal(void);

/* Waits at most `seconds` for one of `signals`, which are blocked. Returns the signal, or 0 when none came. `value` is
   the number that sigqueue sent with the signal, else 0 (siginfo_t hides it behind macros). */
int posix_wait_for_signal(const int *signals, int count, double seconds, int *value);

/* sigqueue, whose value is a union: 0 or -errno. */
int posix_send_signal(int pid, int signal, int value);

/* Installs a handler for each of `signals`. The handler writes a trace to `descriptor` before the signal ends the
   process; `program` is the name in the trace. A build with a sanitizer installs none. The handlers replace those that
   Swift's runtime has when its swift-backtrace is installed. Swift's handlers delay the end of the mount, for which its
   readers wait, by a minute. */
void posix_trace_crashes(const int *signals, int count, int descriptor, const char *program);

/* Gives the calling thread a stack for its signal handlers, so that an overflow of its own stack can be reported. NULL
   when the thread has one already, such as a sanitizer's, or there is no memory. Pass the result to
   posix_remove_signal_stack, in the same thread. */
void *posix_add_signal_stack(void);
void posix_remove_signal_stack(void *memory);

/* The width of the terminal in columns; 0 when fd is not a terminal (ioctl is variadic). */
int posix_terminal_columns(int fd);
#endif
