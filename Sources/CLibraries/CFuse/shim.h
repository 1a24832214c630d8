#ifndef NEURONFS_CFUSE_SHIM_H
#define NEURONFS_CFUSE_SHIM_H

/* Must precede every libfuse include. 312 is 3.12, the first version with the opaque fuse_loop_config (max_threads). */
#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* fuse_session_loop_mt and (from 3.17) fuse_session_new are function-like
   macros or versioned inlines, which Swift cannot import. */
static inline struct fuse_session *
shim_session_new(int argc, char **argv, const struct fuse_lowlevel_ops *ops, void *userdata)
{
    struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
    struct fuse_session *se = fuse_session_new(&args, ops, sizeof(*ops), userdata);
    fuse_opt_free_args(&args);
    return se;
}

static inline int
shim_session_loop_mt(struct fuse_session *se, int clone_fd,
                     unsigned max_threads, unsigned max_idle_threads)
{
    struct fuse_loop_config *cfg = fuse_loop_cfg_create();
    if (!cfg) return -ENOMEM;
    fuse_loop_cfg_set_clone_fd(cfg, (unsigned)clone_fd);
    fuse_loop_cfg_set_max_threads(cfg, max_threads);
    fuse_loop_cfg_set_idle_threads(cfg, max_idle_threads);
    int rc = fuse_session_loop_mt(se, cfg);
    fuse_loop_cfg_destroy(cfg);
    return rc;
}
#endif
