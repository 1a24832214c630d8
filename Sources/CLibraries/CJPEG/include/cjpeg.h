#ifndef NEURONFS_CJPEG_H
#define NEURONFS_CJPEG_H
#endif
