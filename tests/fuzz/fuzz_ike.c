/*
 * IKEv2 datagrams as anybody can send them, into engines in every state.
 *
 * The first bytes choose how far an exchange has come: nothing yet, our first message out, the
 * responder half open, our IKE_AUTH out, established, leaving. The rest is one or more datagrams
 * for either side; a byte says whether SPIs and message ID are patched to fit, so that the
 * fuzzer need not guess 64-bit numbers, or whether the bytes are changes to a real message that
 * is on its way. Whatever comes, engines must stand and forged messages
 * change nothing once keys exist.
 */
#include "control/ike/codec.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/ike_pair.h"

struct state {
    enum ike_state state;
    unsigned children;
    uint64_t spi_i, spi_r;
    bool any;
};

static bool note(void *ctx, const struct ike_sa_state *sa)
{
    struct state *s = ctx;
    if (sa->state < IKE_ESTABLISHED)
        return true;
    *s = (struct state){sa->state, sa->n_children, sa->spi_i, sa->spi_r, true};
    return false;
}

static void patch(const struct pair *p, unsigned how, uint8_t *msg, size_t len)
{
    if (len < IKE_HEADER_LEN)
        return;
    if (how & 1) { /* a length that fits */
        msg[24] = 0;
        msg[25] = 0;
        msg[26] = (uint8_t)(len >> 8);
        msg[27] = (uint8_t)len;
    }
    if (how & 2)
        memcpy(msg, p->last, 8);
    if (how & 4)
        memcpy(msg + 8, p->last + 8, 8);
    if (how & 8)
        msg[17] = 0x20;
    if (how & 16) {
        msg[20] = msg[21] = msg[22] = 0;
        msg[23] &= 3;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 2 || len > 8192)
        return 0;
    struct pair *p = pair_get();
    pair_advance(p, data[0] % PAIR_STAGES);
    struct state before[2] = {{0}}, after[2] = {{0}};
    for (int i = 0; i < 2; i++)
        ike_each(p->side[i].ike, note, &before[i]);
    bool genuine = false;
    data++;
    len--;
    while (len >= 4) {
        size_t n = (size_t)(data[0] << 8 | data[1]);
        unsigned how = data[2], to = data[3] & 1;
        data += 4;
        len -= 4;
        if (n > len)
            n = len;
        bool real = (how & 64) && p->n > 0;
        size_t size = real ? p->queue[0].len : n;
        uint8_t *msg = malloc(size ? size : 1);
        memcpy(msg, real ? p->queue[0].msg : data, size);
        if (real) {
            pair_edit(msg, size, data, n);
            to = (unsigned)p->queue[0].to;
            genuine |= memcmp(msg, p->queue[0].msg, size) == 0; /* nothing was changed */
        } else {
            patch(p, how, msg, size);
        }
        pair_inject(p, to, how & 32 ? 4500 : 500, msg, size);
        free(msg);
        data += n;
        len -= n;
    }
    for (int i = 0; i < 2; i++)
        ike_each(p->side[i].ike, note, &after[i]);
    /* An established SA, or one that is going, is not moved by anything that has no key. */
    for (int i = 0; i < 2; i++)
        if (before[i].any && !genuine &&
            (before[i].state != after[i].state || before[i].children != after[i].children ||
             before[i].spi_i != after[i].spi_i || before[i].spi_r != after[i].spi_r))
            abort();
    pair_finish(p);
    return 0;
}
