/*
 * RFC 6479 replay window. See replay.h.
 *
 * Number s lives in bit s % 64 of word (s / 64) & mask. The ring has at least one word more than
 * the window needs, because the newest word is filled only in part.
 */
#include "dataplane/replay.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_WORDS 32u /* most of a gateway's SAs carry little */

/* All up to `top`; the rest of its word is still to come. */
static void all_seen(struct replay *r)
{
    memset(r->bits, 0xff, ((size_t)r->mask + 1) * 8);
    if (r->top % 64 != 63)
        r->bits[(r->top / 64) & r->mask] = (UINT64_C(2) << (r->top % 64)) - 1;
}

int replay_init(struct replay *r, uint32_t window, uint64_t top)
{
    *r = (struct replay){.window = window > REPLAY_MAX ? REPLAY_MAX : window, .top = top};
    if (!r->window)
        return 0;
    uint32_t words = 2; /* a power of two, with a word to spare */
    while ((words - 1) * 64 < r->window)
        words *= 2;
    r->full = words;
    if (!top && words > FIRST_WORDS)
        words = FIRST_WORDS;
    r->bits = calloc(words, sizeof *r->bits);
    if (!r->bits)
        return -ENOMEM;
    r->mask = words - 1;
    if (top)
        all_seen(r);
    return 0;
}

/* The ring has not been round yet, so every word stays where it is. */
static void grow(struct replay *r)
{
    uint64_t *bits = calloc(r->full, sizeof *bits);
    if (!bits) { /* less is remembered, and what is older is refused */
        r->full = r->mask + 1;
        r->window = r->mask * 64;
        return;
    }
    memcpy(bits, r->bits, (r->mask + 1) * sizeof *bits);
    free(r->bits);
    r->bits = bits;
    r->mask = r->full - 1;
}

void replay_free(struct replay *r)
{
    free(r->bits);
    r->bits = NULL;
}

uint64_t replay_extend(const struct replay *r, uint32_t low, bool esn)
{
    if (!esn)
        return low;
    uint64_t high = r->top >> 32;
    uint32_t top_low = (uint32_t)r->top;
    uint32_t w = r->window ? r->window : REPLAY_MAX;
    uint32_t bottom = top_low - w + 1; /* wraps when the window spans two subspaces */
    if (top_low >= w - 1)              /* appendix A2.1, case A */
        return (low >= bottom ? high : high + 1) << 32 | low;
    /* case B: the window's tail is in the subspace before, if there is one */
    if (low >= bottom)
        return high ? (high - 1) << 32 | low : low;
    return high << 32 | low;
}

static bool seen(const struct replay *r, uint64_t seq)
{
    return r->bits[(seq / 64) & r->mask] >> (seq % 64) & 1;
}

bool replay_fresh(const struct replay *r, uint64_t seq)
{
    if (r->window == 0)
        return true;
    if (seq == 0)
        return false;
    if (seq > r->top)
        return true;
    return r->top - seq < r->window && !seen(r, seq);
}

bool replay_accept(struct replay *r, uint64_t seq)
{
    if (!replay_fresh(r, seq))
        return false;
    if (r->window == 0) {
        r->top = seq > r->top ? seq : r->top;
        return true;
    }
    if (seq > r->top) {
        if (seq / 64 > r->mask && r->mask + 1 < r->full)
            grow(r);
        uint64_t words = seq / 64 - r->top / 64;
        if (words > r->mask + 1)
            words = r->mask + 1;
        for (uint64_t i = 0; i < words; i++)
            r->bits[(seq / 64 - i) & r->mask] = 0;
        r->top = seq;
    }
    r->bits[(seq / 64) & r->mask] |= UINT64_C(1) << (seq % 64);
    return true;
}

void replay_raise(struct replay *r, uint64_t top)
{
    if (top <= r->top)
        return;
    r->top = top;
    if (r->window == 0)
        return;
    if (r->mask + 1 < r->full)
        grow(r);
    all_seen(r);
}

static uint64_t reverse(uint64_t v)
{
    v = (v >> 1 & 0x5555555555555555u) | (v & 0x5555555555555555u) << 1;
    v = (v >> 2 & 0x3333333333333333u) | (v & 0x3333333333333333u) << 2;
    v = (v >> 4 & 0x0f0f0f0f0f0f0f0fu) | (v & 0x0f0f0f0f0f0f0f0fu) << 4;
    return __builtin_bswap64(v);
}

void replay_export(const struct replay *r, uint64_t out[16])
{
    for (unsigned k = 0; k < 16; k++) {
        uint64_t back = (uint64_t)k * 64;
        out[k] = 0;
        if (r->window == 0 || back > r->top || back + 63 > (uint64_t)r->mask * 64)
            continue;
        uint64_t s = r->top - back; /* this word: s - 63 … s */
        unsigned bit = s % 64;
        uint64_t v = r->bits[(s / 64) & r->mask] << (63 - bit);
        if (bit < 63 && s >= 64)
            v |= r->bits[(s / 64 - 1) & r->mask] >> (bit + 1);
        out[k] = reverse(v);
    }
}
