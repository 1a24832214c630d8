#include "cchecksum.h"
#include <string.h>

/* One instruction takes eight bytes and three cycles, and another can begin in each cycle. So three stretches of equal
   length are summed side by side. The sum over two stretches a, b is the sum over a, continued over as many zeros as b has
   bytes, xor the sum over b from 0. Continuing over zeros is linear: four look-ups, one for each byte of a sum. */
#define STRETCH 1360

#if defined(__x86_64__)
#include <nmmintrin.h>
#define INSTRUCTIONS __attribute__((target("sse4.2")))
#define STEP8(crc, word) ((uint32_t)_mm_crc32_u64(crc, word))
#define STEP1(crc, byte) _mm_crc32_u8(crc, byte)
static int has_instructions(void) { return __builtin_cpu_supports("sse4.2") != 0; }

#elif defined(__aarch64__) && defined(__linux__)
#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>
#define INSTRUCTIONS __attribute__((target("crc")))
#define STEP8(crc, word) __crc32cd(crc, word)
#define STEP1(crc, byte) __crc32cb(crc, byte)
static int has_instructions(void) { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }

#else
#define INSTRUCTIONS
#define STEP8(crc, word) ((void)(word), crc)
#define STEP1(crc, byte) ((void)(byte), crc)
static int has_instructions(void) { return 0; }
#endif

/* What each byte of a sum becomes over STRETCH zeros. */
static uint32_t over_zeros[4][256];

INSTRUCTIONS static void prepare(void) {
    for (uint32_t place = 0; place < 4; place++) {
        for (uint32_t byte = 0; byte < 256; byte++) {
            uint32_t crc = byte << (8 * place);
            for (int step = 0; step < STRETCH / 8; step++) crc = STEP8(crc, 0);
            over_zeros[place][byte] = crc;
        }
    }
}

int checksum_prepare_crc32c(void) {
    if (!has_instructions()) return 0;
    prepare();
    return 1;
}

static uint32_t shifted(uint32_t crc) {
    return over_zeros[0][crc & 0xff] ^ over_zeros[1][(crc >> 8) & 0xff] ^ over_zeros[2][(crc >> 16) & 0xff]
        ^ over_zeros[3][crc >> 24];
}

static inline uint64_t word_at(const unsigned char *bytes) {
    uint64_t word;
    memcpy(&word, bytes, 8);
    return word;
}

INSTRUCTIONS uint32_t checksum_crc32c(uint32_t crc, const void *bytes, size_t count) {
    const unsigned char *at = bytes;
    for (; count >= 3 * STRETCH; at += 3 * STRETCH, count -= 3 * STRETCH) {
        uint32_t second = 0, third = 0;
        for (int place = 0; place < STRETCH; place += 8) {
            crc = STEP8(crc, word_at(at + place));
            second = STEP8(second, word_at(at + STRETCH + place));
            third = STEP8(third, word_at(at + 2 * STRETCH + place));
        }
        crc = shifted(shifted(crc) ^ second) ^ third;
    }
    for (; count >= 8; at += 8, count -= 8) crc = STEP8(crc, word_at(at));
    for (; count > 0; at++, count--) crc = STEP1(crc, *at);
    return crc;
}
