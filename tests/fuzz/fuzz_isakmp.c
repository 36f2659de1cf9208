/*
 * IKEv1 datagrams as anybody can send them, into engines in every state, and records of SAs.
 *
 * The first byte chooses how far an exchange has come. The rest is one or more datagrams for either
 * side; a byte says whether cookies and length are patched to fit, or whether the bytes are changes
 * to a real message that is on its way, or a record of an SA instead. Engines must stand, and
 * forged messages change nothing once keys exist.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/isakmp_pair.h"

struct state {
    enum ike_state state;
    unsigned children;
    uint64_t cky_i, cky_r;
    bool any;
};

static bool note(void *ctx, const struct ike_sa_state *sa)
{
    struct state *s = ctx;
    if (sa->state != IKE_ESTABLISHED)
        return true;
    *s = (struct state){sa->state, sa->n_children, sa->spi_i, sa->spi_r, true};
    return false;
}

static void patch(const struct pair *p, unsigned how, uint8_t *msg, size_t len)
{
    if (len < ISK_HEADER_LEN)
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
        msg[17] = ISK_VERSION;
    if (how & 16)
        memset(msg + 20, 0, 4);
}

/* No hash covers the header of a message (RFC 2409 §5.5). That changes nothing but the commit bit,
 * which is ignored: everything else there has one right value. */
static bool same(const uint8_t *a, const uint8_t *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((a[i] ^ b[i]) & ~(i == 19 ? ISK_F_COMMIT : 0u))
            return false;
    return true;
}

static bool one_datagram(struct pair *p, unsigned how, unsigned to, const uint8_t *data, size_t n)
{
    bool real = (how & 64) && p->n > 0, genuine = false;
    size_t size = real ? p->queue[0].len : n;
    uint8_t *msg = malloc(size ? size : 1);

    memcpy(msg, real ? p->queue[0].msg : data, size);
    if (real) {
        pair_edit(msg, size, data, n);
        to = (unsigned)p->queue[0].to;
        genuine = same(msg, p->queue[0].msg, size);
    } else {
        patch(p, how, msg, size);
    }
    pair_inject(p, to, how & 32 ? 4500 : 500, msg, size);
    free(msg);
    return genuine;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct state before[2] = {{0}}, after[2] = {{0}};
    bool genuine = false;

    if (len < 2 || len > 8192)
        return 0;
    struct pair *p = pair_get();
    pair_advance(p, data[0] % PAIR_STAGES);
    for (int i = 0; i < 2; i++)
        isakmp_each(p->side[i].k, note, &before[i]);
    data++;
    len--;
    while (len >= 4) {
        size_t n = (size_t)(data[0] << 8 | data[1]);
        unsigned how = data[2], to = data[3] & 1;
        data += 4;
        len -= 4;
        if (n > len)
            n = len;
        genuine |= one_datagram(p, how, to, data, n);
        data += n;
        len -= n;
    }
    for (int i = 0; i < 2; i++)
        isakmp_each(p->side[i].k, note, &after[i]);
    /* An SA with keys is not moved by anything that has none. */
    for (int i = 0; i < 2; i++)
        if (before[i].any && !genuine &&
            (before[i].state != after[i].state || before[i].children != after[i].children ||
             before[i].cky_i != after[i].cky_i || before[i].cky_r != after[i].cky_r))
            abort();
    pair_finish(p);
    return 0;
}
