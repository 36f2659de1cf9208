/*
 * GRE as a peer may send it: any bytes behind an authentic SA.
 *
 * Input: a byte of flags, then the packet. Bit 0: the tunnel has a key; bit 1: the outer header is
 * made right, so that GRE's own is reached. What is taken out lies within the packet and is whole;
 * put in again it comes out the same.
 */
#include "dataplane/gre.h"
#include "dataplane/ip.h"
#include "tests/fuzz/fuzz.h"
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MOST 4096

static struct gre end(bool left, bool keyed)
{
    struct addr a = {.family = AF_INET, .b = {192, 0, 2, 1}}, b = a;
    b.b[3] = 2;
    return (struct gre){.local = left ? a : b,
                        .remote = left ? b : a,
                        .has_key = keyed,
                        .key = keyed ? 7 : 0};
}

static void again(const struct pkt *p, bool keyed)
{
    static uint8_t buf[PKT_HEAD + MOST];
    struct gre a = end(true, keyed), b = end(false, keyed);
    struct pkt q;
    memset(&q, 0, sizeof q);
    q.buf = buf;
    q.data = buf + PKT_HEAD;
    q.len = p->len;
    memcpy(q.data, p->data, p->len);
    if (!gre_wrap(&a, &q) || !gre_unwrap(&b, &q) || q.len != p->len ||
        memcmp(q.data, p->data, p->len) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 1 || len - 1 > MOST)
        return 0;
    uint8_t flags = data[0];
    uint8_t *whole = malloc(len); /* of just that size, so that a byte too far is seen */
    if (!whole)
        return 0;
    memcpy(whole, data + 1, len - 1);
    struct pkt p;
    memset(&p, 0, sizeof p);
    p.data = p.buf = whole;
    p.len = (uint32_t)(len - 1);
    struct gre g = end(false, flags & 1);
    if ((flags & 2) && p.len >= IP4_HLEN)
        ip4_build(whole, &g.remote, &g.local, IPPROTO_GRE, (uint16_t)p.len, 0, false, 1);
    if (gre_unwrap(&g, &p)) {
        struct ip_info in;
        if (p.data < whole || p.data + p.len > whole + len - 1 ||
            ip_parse(p.data, p.len, true, &in) || in.total != p.len)
            abort();
        again(&p, flags & 1);
    }
    free(whole);
    return 0;
}
