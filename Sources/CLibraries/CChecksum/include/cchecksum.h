#ifndef NEURONFS_CCHECKSUM_H
#define NEURONFS_CCHECKSUM_H
#include <stddef.h>
#include <stdint.h>

/* Whether this processor has instructions for CRC-32C: SSE4.2, or the CRC32 extension of ARMv8. Prepares
   checksum_crc32c, so it must return before any thread calls that. */
int checksum_prepare_crc32c(void);

/* Continues `crc`, which is inverted as RFC 3720 appendix B.4 begins and ends it, over `count` bytes. Only where
   checksum_prepare_crc32c has returned 1. */
uint32_t checksum_crc32c(uint32_t crc, const void *bytes, size_t count);
#endif
