#ifndef NEURONFS_CZLIB_SHIM_H
#define NEURONFS_CZLIB_SHIM_H
#include <zlib.h>
#endif
