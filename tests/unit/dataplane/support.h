/* What several tests of the datapath need: hex, a random number generator with a seed, packets. */
#ifndef TANDEM_TESTS_DATAPLANE_SUPPORT_H
#define TANDEM_TESTS_DATAPLANE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dataplane/crypto.h"
#include "dataplane/ip.h"
#include "dataplane/pkt.h"
#include "dataplane/sadb.h"
#include "lib/buf.h"
#include "lib/transform.h"

static inline size_t hex(const char *text, uint8_t *out)
{
    size_t n = 0;
    unsigned v;
    for (; text[0] && text[1]; text += 2, n++) {
        assert_int_equal(sscanf(text, "%2x", &v), 1);
        out[n] = (uint8_t)v;
    }
    return n;
}

/* xorshift: the same sequence in every run */
static inline uint32_t rnd(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return (uint32_t)(*s >> 16);
}

static inline void rnd_fill(uint64_t *s, uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)rnd(s);
}

static inline struct addr ip4(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(text, &a), 0);
    return a;
}

static inline struct selector sel(const char *local, unsigned llen, const char *remote,
                                  unsigned rlen, uint8_t proto)
{
    struct addr l = ip4(local), r = ip4(remote);
    struct prefix lp = prefix_make(&l, llen), rp = prefix_make(&r, rlen);
    return (struct selector){.local = prefix_range(&lp),
                             .remote = prefix_range(&rp),
                             .proto = proto,
                             .lport = {0, 65535},
                             .rport = {0, 65535}};
}

/* An IPv4 packet of `total` bytes; ports where the protocol has them. Returns total. */
static inline uint32_t make_ip4(uint8_t *p, const char *src, const char *dst, uint8_t proto,
                                uint16_t sport, uint16_t dport, uint16_t total)
{
    struct addr s = ip4(src), d = ip4(dst);
    memset(p, 0, total);
    ip4_build(p, &s, &d, proto, total, 0, false, 7);
    for (uint16_t i = IP4_HLEN; i < total; i++)
        p[i] = (uint8_t)(i * 7);
    if (total >= IP4_HLEN + 4) {
        struct wbuf w = wbuf_make(p + IP4_HLEN, 4);
        wbuf_u16(&w, sport);
        wbuf_u16(&w, dport);
    }
    return total;
}

static inline struct addr ip6(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(text, &a), 0);
    assert_int_equal(a.family, AF_INET6);
    return a;
}

/* An IPv6 packet of `total` bytes with ports. Returns total. */
static inline uint32_t make_ip6(uint8_t *p, const char *src, const char *dst, uint8_t proto,
                                uint16_t sport, uint16_t dport, uint16_t total)
{
    struct addr s = ip6(src), d = ip6(dst);
    struct wbuf w = wbuf_make(p, total);
    memset(p, 0, total);
    wbuf_u32(&w, 6u << 28);
    wbuf_u16(&w, total - IP6_HLEN);
    wbuf_u8(&w, proto);
    wbuf_u8(&w, 63);
    wbuf_bytes(&w, s.b, 16);
    wbuf_bytes(&w, d.b, 16);
    wbuf_u16(&w, sport);
    wbuf_u16(&w, dport);
    return total;
}

/* Takes the IPv6 header, extension headers included, off an ESP or AH packet, as a raw socket and
 * dgrams_header6() do together. */
static inline void strip_ip6(struct pkt *p)
{
    uint8_t *h = p->data;
    unsigned n = IP6_HLEN;
    for (p->proto = h[6]; p->proto != NH_AH && p->proto != NH_ESP; n += (h[n + 1] + 1u) * 8) {
        assert_true(n + 8 <= p->len);
        p->proto = h[n];
    }
    p->tos = (uint8_t)(h[0] << 4 | h[1] >> 4);
    p->ttl = h[7];
    p->remote.family = p->local.family = AF_INET6;
    memcpy(p->remote.b, h + 8, 16);
    memcpy(p->local.b, h + 24, 16);
    p->head = h;
    p->hlen = (uint8_t)n;
    p->data += n;
    p->len -= n;
}

struct combo {
    const char *name;
    uint16_t encr, key_len, integ, ikey_len;
    bool mb; /* intel-ipsec-mb can do it */
};

/* Every ESP combination that can be configured. */
static const struct combo combos[] = {
    {"aes128-sha1", ENCR_AES_CBC, 16, INTEG_SHA1_96, 20, true},
    {"aes192-sha1", ENCR_AES_CBC, 24, INTEG_SHA1_96, 20, true},
    {"aes256-sha1", ENCR_AES_CBC, 32, INTEG_SHA1_96, 20, true},
    {"aes128-sha256", ENCR_AES_CBC, 16, INTEG_SHA256_128, 32, true},
    {"aes192-sha256", ENCR_AES_CBC, 24, INTEG_SHA256_128, 32, true},
    {"aes256-sha256", ENCR_AES_CBC, 32, INTEG_SHA256_128, 32, true},
    {"aes128-sha384", ENCR_AES_CBC, 16, INTEG_SHA384_192, 48, true},
    {"aes256-sha384", ENCR_AES_CBC, 32, INTEG_SHA384_192, 48, true},
    {"aes128-sha512", ENCR_AES_CBC, 16, INTEG_SHA512_256, 64, true},
    {"aes256-sha512", ENCR_AES_CBC, 32, INTEG_SHA512_256, 64, true},
    {"aes256-none", ENCR_AES_CBC, 32, INTEG_NONE, 0, true},
    {"aes128-md5", ENCR_AES_CBC, 16, INTEG_MD5_96, 16, false},
    {"des-md5", ENCR_DES, 8, INTEG_MD5_96, 16, false},
    {"des-sha1", ENCR_DES, 8, INTEG_SHA1_96, 20, false},
    {"3des-sha1", ENCR_3DES, 24, INTEG_SHA1_96, 20, false},
    {"3des-sha512", ENCR_3DES, 24, INTEG_SHA512_256, 64, false},
    {"null-sha1", ENCR_NULL, 0, INTEG_SHA1_96, 20, true},
    {"null-sha256", ENCR_NULL, 0, INTEG_SHA256_128, 32, true},
    {"null-sha384", ENCR_NULL, 0, INTEG_SHA384_192, 48, true},
    {"null-sha512", ENCR_NULL, 0, INTEG_SHA512_256, 64, true},
    {"gcm128", ENCR_AES_GCM16, 20, INTEG_NONE, 0, true},
    {"gcm192", ENCR_AES_GCM16, 28, INTEG_NONE, 0, true},
    {"gcm256", ENCR_AES_GCM16, 36, INTEG_NONE, 0, true},
    {"gmac128", ENCR_AES_GMAC, 20, INTEG_NONE, 0, true},
    {"gmac192", ENCR_AES_GMAC, 28, INTEG_NONE, 0, true},
    {"gmac256", ENCR_AES_GMAC, 36, INTEG_NONE, 0, true},
};
#define N_COMBOS (sizeof combos / sizeof combos[0])

/* An SA between 192.0.2.1 (A, left) and 192.0.2.2 (B). left: seen from A. */
static inline struct sadb_sa make_sa(const struct combo *c, uint8_t dir, bool left, uint32_t spi)
{
    struct sadb_sa m;
    memset(&m, 0, sizeof m);
    m.sa = spi * 2 + dir;
    m.ifid = 1;
    m.policy = 10;
    m.slot = SADB_NO_SLOT;
    m.spi = spi;
    m.proto = SADB_ESP;
    m.dir = dir;
    m.mode = SADB_TUNNEL;
    m.encr.id = c->encr;
    m.encr.key_len = c->key_len;
    m.integ.id = c->integ;
    m.integ.key_len = c->ikey_len;
    for (unsigned i = 0; i < SADB_KEY_MAX; i++) {
        m.encr.key[i] = (uint8_t)(i * 13 + 1);
        m.integ.key[i] = (uint8_t)(i * 17 + 5);
    }
    m.local = ip4(left ? "192.0.2.1" : "192.0.2.2");
    m.remote = ip4(left ? "192.0.2.2" : "192.0.2.1");
    m.replay_window = 64;
    m.n_ts = 1;
    m.ts[0] = left ? sel("10.10.10.0", 24, "192.168.10.0", 24, 0)
                   : sel("192.168.10.0", 24, "10.10.10.0", 24, 0);
    return m;
}

#endif
