/* The control of run.py: the least work of a libfuse 3 low-level daemon with the mount options of neuronfs.
 *
 *   zeros MOUNTPOINT MANIFEST [THREADS]
 *
 * serves the tree of MANIFEST until it is unmounted. A line is one name, fields divided by tabs, parents before children:
 *
 *   d  PATH                  a directory
 *   l  PATH  TARGET          a symbolic link
 *   f  PATH  SIZE  BACKING   a file of SIZE bytes: those of the file BACKING (may be empty or shorter), then zeros
 *   p  PATH  SIZE  BACKING   a file of SIZE bytes, read from BACKING by pread at each request
 *
 * Of an f, bytes come from a buffer that is never written again or from a mapping of BACKING, so a reply costs only the
 * copy into the kernel. */
#define FUSE_USE_VERSION 312
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_READ = 1 << 20, MAX_BACKGROUND = 64 };

struct node {
    char *name;
    char kind;
    size_t size;
    char *target;
    const char *backing;
    size_t backing_size;
    int descriptor;
    struct node **children;
    size_t count, room;
    fuse_ino_t inode;
    nlink_t links;
};

static struct node **nodes;
static size_t node_count, node_room;
static char zeros[MAX_READ];
static const double timeout = 3600;

static void die(const char *what)
{
    fprintf(stderr, "zeros: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(struct node *const *)a)->name, (*(struct node *const *)b)->name);
}

static struct node *child(struct node *parent, const char *name)
{
    struct node key = {.name = (char *)name}, *pointer = &key;
    struct node **found = bsearch(&pointer, parent->children, parent->count, sizeof *found, by_name);
    return found ? *found : NULL;
}

static struct node *add(struct node *parent, const char *name, char kind)
{
    struct node *node = calloc(1, sizeof *node);
    if (!node || !(node->name = strdup(name))) die("memory");
    node->kind = kind;
    node->descriptor = -1;
    node->links = kind == 'd' ? 2 : 1;
    if (node_count == node_room && !(nodes = realloc(nodes, (node_room = node_room * 2 + 64) * sizeof *nodes)))
        die("memory");
    nodes[node_count++] = node;
    node->inode = node_count;
    if (parent) {
        if (parent->count == parent->room
            && !(parent->children = realloc(parent->children, (parent->room = parent->room * 2 + 8) * sizeof node)))
            die("memory");
        parent->children[parent->count++] = node;
        if (kind == 'd') parent->links++;
    }
    return node;
}

/* While the manifest is read, the children are not sorted yet. A new name usually belongs to the last directory. */
static struct node *find(const char *path, size_t length)
{
    struct node *node = nodes[0];
    while (length) {
        const char *end = memchr(path, '/', length);
        size_t part = end ? (size_t)(end - path) : length;
        struct node *next = NULL;
        for (size_t i = node->count; i-- > 0 && !next;)
            if (!strncmp(node->children[i]->name, path, part) && !node->children[i]->name[part])
                next = node->children[i];
        if (!next) return NULL;
        node = next;
        path += part + (end != NULL);
        length -= part + (end != NULL);
    }
    return node;
}

static void read_manifest(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file) die(path);
    add(NULL, "", 'd');
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    while ((length = getline(&line, &room, file)) > 0) {
        if (line[length - 1] == '\n') line[length - 1] = 0;
        char *rest = line, *kind = strsep(&rest, "\t"), *name = strsep(&rest, "\t");
        char *third = strsep(&rest, "\t"), *fourth = strsep(&rest, "\t");
        if (!name) { errno = EINVAL; die(path); }
        char *slash = strrchr(name, '/');
        struct node *parent = find(name, slash ? (size_t)(slash - name) : 0);
        if (!parent) { errno = ENOENT; die(name); }
        struct node *node = add(parent, slash ? slash + 1 : name, *kind);
        if (*kind == 'l') {
            node->target = strdup(third ? third : "");
            node->size = strlen(node->target);
        } else if (*kind == 'p' && third && fourth) {
            node->size = strtoull(third, NULL, 10);
            if ((node->descriptor = open(fourth, O_RDONLY | O_CLOEXEC)) < 0) die(fourth);
        } else if (*kind == 'f') {
            node->size = third ? strtoull(third, NULL, 10) : 0;
            if (fourth && *fourth) {
                int fd = open(fourth, O_RDONLY | O_CLOEXEC);
                struct stat status;
                if (fd < 0 || fstat(fd, &status)) die(fourth);
                node->backing_size = status.st_size;
                if (node->backing_size) {
                    void *map = mmap(NULL, node->backing_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
                    if (map == MAP_FAILED) die(fourth);
                    node->backing = map;
                }
                close(fd);
            }
        }
    }
    free(line);
    fclose(file);
    for (size_t i = 0; i < node_count; i++)
        if (nodes[i]->count) qsort(nodes[i]->children, nodes[i]->count, sizeof *nodes[i]->children, by_name);
}

static struct node *node_of(fuse_ino_t inode) { return inode && inode <= node_count ? nodes[inode - 1] : NULL; }

static struct stat status_of(const struct node *node)
{
    struct stat status = {0};
    status.st_ino = node->inode;
    status.st_mode = node->kind == 'd' ? S_IFDIR | 0555 : node->kind == 'l' ? S_IFLNK | 0777 : S_IFREG | 0444;
    status.st_nlink = node->links;
    status.st_size = node->size;
    status.st_blocks = (node->size + 511) / 512;
    status.st_uid = getuid();
    status.st_gid = getgid();
    return status;
}

static struct fuse_entry_param entry_of(const struct node *node)
{
    struct fuse_entry_param entry = {0};
    entry.ino = node->inode;
    entry.attr = status_of(node);
    entry.attr_timeout = entry.entry_timeout = timeout;
    return entry;
}

static void op_init(void *userdata, struct fuse_conn_info *connection)
{
    (void)userdata;
    connection->max_read = MAX_READ;
    connection->max_readahead = MAX_READ;
    connection->max_background = MAX_BACKGROUND;
    connection->congestion_threshold = MAX_BACKGROUND * 3 / 4;
    connection->want |= connection->capable
        & (FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_ASYNC_READ
           | FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_EXPLICIT_INVAL_DATA);
    connection->want &= ~FUSE_CAP_AUTO_INVAL_DATA;
}

static void op_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    struct node *directory = node_of(parent), *found = directory ? child(directory, name) : NULL;
    struct fuse_entry_param entry = {.entry_timeout = timeout};
    if (found) entry = entry_of(found);
    fuse_reply_entry(request, &entry);
}

static void op_getattr(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *info)
{
    (void)info;
    struct node *node = node_of(inode);
    if (!node) { fuse_reply_err(request, ENOENT); return; }
    struct stat status = status_of(node);
    fuse_reply_attr(request, &status, timeout);
}

static void op_readlink(fuse_req_t request, fuse_ino_t inode)
{
    fuse_reply_readlink(request, node_of(inode)->target);
}

static void op_open(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *info)
{
    info->fh = (uint64_t)(uintptr_t)node_of(inode);
    info->keep_cache = 1;
    info->noflush = 1;
    fuse_reply_open(request, info);
}

static void op_opendir(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *info)
{
    info->fh = (uint64_t)(uintptr_t)node_of(inode);
    info->keep_cache = 1;
    info->cache_readdir = 1;
    fuse_reply_open(request, info);
}

static void op_read(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info *info)
{
    (void)inode;
    const struct node *node = (const struct node *)(uintptr_t)info->fh;
    size_t start = offset, end = start + size < node->size ? start + size : node->size;
    if (start >= end) { fuse_reply_buf(request, NULL, 0); return; }
    if (node->descriptor >= 0) {
        static _Thread_local char buffer[MAX_READ];
        ssize_t count = pread(node->descriptor, buffer, end - start, offset);
        if (count < 0) fuse_reply_err(request, errno);
        else fuse_reply_buf(request, buffer, count);
        return;
    }
    size_t own = start < node->backing_size ? (end < node->backing_size ? end : node->backing_size) - start : 0;
    if (!own) { fuse_reply_buf(request, zeros, end - start); return; }
    struct iovec parts[2] = {
        {.iov_base = (void *)(node->backing + start), .iov_len = own},
        {.iov_base = zeros, .iov_len = end - start - own},
    };
    fuse_reply_iov(request, parts, parts[1].iov_len ? 2 : 1);
}

static void list(fuse_req_t request, size_t size, off_t offset, struct fuse_file_info *info, int plus)
{
    const struct node *node = (const struct node *)(uintptr_t)info->fh;
    char buffer[size];
    size_t used = 0;
    for (size_t i = offset; i < node->count; i++) {
        struct fuse_entry_param entry = entry_of(node->children[i]);
        const char *name = node->children[i]->name;
        size_t need = plus ? fuse_add_direntry_plus(request, buffer + used, size - used, name, &entry, i + 1)
                           : fuse_add_direntry(request, buffer + used, size - used, name, &entry.attr, i + 1);
        if (need > size - used) break;
        used += need;
    }
    fuse_reply_buf(request, buffer, used);
}

static void op_readdir(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info *info)
{
    (void)inode;
    list(request, size, offset, info, 0);
}

static void op_readdirplus(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info *info)
{
    (void)inode;
    list(request, size, offset, info, 1);
}

static void op_release(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *info)
{
    (void)inode, (void)info;
    fuse_reply_err(request, 0);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: zeros MOUNTPOINT MANIFEST [THREADS]\n");
        return 2;
    }
    read_manifest(argv[2]);
    unsigned threads = argc > 3 ? atoi(argv[3]) : 8;
    static const struct fuse_lowlevel_ops operations = {
        .init = op_init, .lookup = op_lookup, .getattr = op_getattr, .readlink = op_readlink, .open = op_open,
        .read = op_read, .release = op_release, .opendir = op_opendir, .readdir = op_readdir,
        .readdirplus = op_readdirplus, .releasedir = op_release,
    };
    char options[160];
    snprintf(options, sizeof options, "ro,nosuid,nodev,default_permissions,fsname=zeros,subtype=zeros,max_read=%d", MAX_READ);
    char *arguments[] = {argv[0], "-o", options, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(3, arguments);
    struct fuse_session *session = fuse_session_new(&args, &operations, sizeof operations, NULL);
    if (!session || fuse_set_signal_handlers(session) || fuse_session_mount(session, argv[1])) return 1;
    struct fuse_loop_config *config = fuse_loop_cfg_create();
    fuse_loop_cfg_set_clone_fd(config, 1);
    fuse_loop_cfg_set_max_threads(config, threads);
    fuse_loop_cfg_set_idle_threads(config, threads);
    int code = fuse_session_loop_mt(session, config);
    fuse_loop_cfg_destroy(config);
    fuse_session_unmount(session);
    fuse_remove_signal_handlers(session);
    fuse_session_destroy(session);
    fuse_opt_free_args(&args);
    return code != 0;
}
