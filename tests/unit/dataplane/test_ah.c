/*
 * AH, alone and around ESP, in both modes: packets that another implementation sealed (scapy, by
 * tests/interop/esp_scapy.py, with the keys below), and what becomes of changed ones.
 */
#include <stdio.h>
#include "support.h"
#include "dataplane/ah.h"
#include "dataplane/ipsec.h"
#include "dataplane/wire.h"
#include <netinet/in.h>

#define SPI    0x7a6d7a6d
#define AH_SPI 0x0a0b0c0d

struct vector {
    const char *name;
    bool v6, transport;
    uint16_t encr, key_len, integ, ikey_len; /* encr 0: AH alone, by integ */
    uint16_t ah, ah_len;                     /* around ESP */
    const char *sealed, *inner;
};

#define INNER "45000022000700003f119d100a0a0a01c0a80a0100050006000ed8c274756e6e656c"
#define INNER4                                                                                     \
    "48b800310063400011114292c0000201c00002029404000007070400000000000005000600114ef97472616e7370" \
    "6f7274"

static const struct vector vectors[] = {
    {"MD5, tunnel", false, false, 0, 0, INTEG_MD5_96, 16, 0, 0,
     "4500004e000100004033f678c0000201c0000202040400007a6d7a6d0000000166c5f0826291ccc750ecf5264500"
     "0022000700003f119d100a0a0a01c0a80a0100050006000ed8c274756e6e656c",
     INNER},
    {"SHA-1, transport, with options", false, true, 0, 0, INTEG_SHA1_96, 20, 0, 0,
     "48b800490063400011334258c0000201c0000202940400000707040000000000110400007a6d7a6d000000015624"
     "2d41a2f53942b24061670005000600114ef97472616e73706f7274",
     INNER4},
    {"SHA-256, transport, IPv6 with hop-by-hop options", true, true, 0, 0, INTEG_SHA256_128, 32, 0,
     0,
     "6b8000000041001120010db800000000000000000000000120010db80000000000000000000000023301050200003"
     "e"
     "037761790101000100110600007a6d7a6d0000000138488e755a618b78c32ec5f8efad8f60000000000005000600"
     "1177887472616e73706f7274",
     "6b8000000021001120010db800000000000000000000000120010db80000000000000000000000021101050200003"
     "e"
     "03776179010100010000050006001177887472616e73706f7274"},
    {"MD5 around AES-128 without integrity, tunnel", false, false, ENCR_AES_CBC, 16, INTEG_NONE, 0,
     INTEG_MD5_96, 16,
     "45000074000100004033f652c0000201c0000202320400000a0b0c0d00000001262800d7514f7a65150e391f7a6d7"
     "a"
     "6d000000010e184f86ec159c08b001eeb3b2d7bdf202b20c413ad057b8f353f0d0e419166e9f2797d16a9b747e846"
     "4"
     "ab41aca48b15678c9815f8e215513ff42855d3596ba3",
     INNER},
    {"SHA-1 around AES-256 with SHA-256, transport", false, true, ENCR_AES_CBC, 32,
     INTEG_SHA256_128, 32, INTEG_SHA1_96, 20,
     "48b800800063400011334221c0000201c0000202940400000707040000000000320400000a0b0c0d00000001241ff"
     "0"
     "61413b6cbf7f4e956e7a6d7a6d000000015c9900e78aa376dcd74c12e78fd9d06a12f84da002e627999ae7c8724e0"
     "8"
     "95e9ed98ea990d2f0593b79a78983631c8fa1110af34ac0da06fcbc528cf53990da2",
     INNER4},
    {"SHA-512 around AES-GCM-128, tunnel, IPv6", true, false, ENCR_AES_GCM16, 20, INTEG_NONE, 0,
     INTEG_SHA512_256, 64,
     "600000000074334020010db800000000000000000000000120010db8000000000000000000000002320a00000a0b0"
     "c"
     "0d00000001c16721940c2582f5c557a106b92cc118972434d6206ea4ca6ffb0652ab35d858000000007a6d7a6d000"
     "0"
     "00019e33513d337bb7f2815e00cd9562783ffdcd649273b8832cf77b1ebfab9ef19bdbc81e608c4122f28ffb9f878"
     "b"
     "5ab6ecf8432aa5248c6e4e11e570d8",
     INNER},
};
#define VECTORS (sizeof vectors / sizeof vectors[0])

/* One end: its own crypto and SAD. */
struct end {
    struct crypto *crypto;
    struct sad sad;
    struct ipsec_batch batch;
    struct pktvec *v;
    struct sa *sa;
};

static struct sadb_sa describe(const struct vector *v, uint8_t dir)
{
    struct combo c = {v->name, v->encr, v->key_len, v->integ, v->ikey_len, false};
    struct sadb_sa m = make_sa(&c, dir, dir == SADB_OUT, SPI);
    m.mode = v->transport ? SADB_TRANSPORT : SADB_TUNNEL;
    m.proto = v->encr ? SADB_ESP : SADB_AH;
    m.ah.id = v->ah;
    m.ah.key_len = v->ah_len;
    m.ah_spi = v->ah ? AH_SPI : 0;
    for (unsigned i = 0; i < SADB_KEY_MAX; i++)
        m.ah.key[i] = (uint8_t)(i * 19 + 7);
    if (v->v6) {
        m.local = ip6(dir == SADB_OUT ? "2001:db8::1" : "2001:db8::2");
        m.remote = ip6(dir == SADB_OUT ? "2001:db8::2" : "2001:db8::1");
    }
    m.n_ts = 0;
    return m;
}

static struct end *end_new(enum crypto_want want, const struct vector *v, uint8_t dir)
{
    struct sadb_sa m = describe(v, dir);
    struct end *e = calloc(1, sizeof *e);
    assert_non_null(e);
    e->crypto = e->batch.crypto = crypto_new(want);
    e->v = pktvec_new();
    assert_non_null(e->v);
    assert_int_equal(sad_add(&e->sad, e->crypto, &m, NULL, &e->sa), 0);
    return e;
}

static void end_free(struct end *e)
{
    sad_flush(&e->sad, 0);
    crypto_free(e->crypto);
    pktvec_free(e->v);
    free(e);
}

/* A whole outer packet arrives; DP_CAUSES + 1: it is no packet of ours at all. */
static uint8_t open_one(struct end *e, const uint8_t *data, size_t len)
{
    struct pkt *p = &e->v->p[0];
    pkt_reset(p);
    memcpy(p->data, data, len);
    p->len = (uint32_t)len;
    if (data[0] >> 4 == 6)
        strip_ip6(p);
    else if (wire_strip_ip4(p) || p->proto != e->sa->proto)
        return DP_CAUSES + 1;
    p->sa = e->sa;
    ipsec_open(&e->batch, &p, 1);
    return p->cause;
}

static void opens_to(struct end *e, const uint8_t *data, size_t len, const uint8_t *inner,
                     size_t inner_len)
{
    uint8_t cause = open_one(e, data, len);
    if (cause != PKT_OK)
        fail_msg("%s", dpstats_cause_name(cause));
    assert_int_equal(e->v->p[0].len, inner_len);
    assert_memory_equal(e->v->p[0].data, inner, inner_len);
}

static void theirs_open(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++)
        for (int want = CRYPTO_AUTO; want <= CRYPTO_OSSL; want++) {
            uint8_t sealed[256], inner[256];
            size_t n = hex(vectors[i].sealed, sealed), m = hex(vectors[i].inner, inner);
            if (want == CRYPTO_MB)
                continue; /* AUTO is that where it can be had */
            struct end *e = end_new((enum crypto_want)want, &vectors[i], SADB_IN);
            print_message("%s\n", vectors[i].name);
            opens_to(e, sealed, n, inner, m);
            assert_int_equal(open_one(e, sealed, n), DP_REPLAY);
            end_free(e);
        }
}

/* What a router may change on the way: RFC 4302 §3.3.3.1. Offsets into the outer packet. */
static bool may_change(const struct vector *v, size_t at)
{
    if (v->v6) /* class and flow label, hop limit; data of the option 3e */
        return at == 1 || at == 2 || at == 3 || at == 7 || (v->transport && at >= 48 && at < 51);
    /* DSCP, flags, TTL, checksum; record route, but for its length */
    return at == 1 || at == 6 || at == 7 || at == 8 || at == 10 || at == 11 ||
           (v->transport && at >= 24 && at < 31 && at != 25);
}

static void changed_ones_do_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        const struct vector *v = &vectors[i];
        uint8_t sealed[256];
        size_t n = hex(v->sealed, sealed);
        for (size_t at = 0; at < n; at++) {
            struct end *e = end_new(CRYPTO_OSSL, v, SADB_IN);
            uint8_t bit = at == 1 && v->v6 ? 0x40 : 0x10; /* no congestion mark, same version */
            sealed[at] ^= bit;
            /* what leads to the SA: the lengths and next header of IP, the SPI */
            size_t ah = v->v6 ? (v->transport ? 56 : 40) : (v->transport ? 32 : 20);
            bool path = v->v6 ? at == 6 || (v->transport && (at == 40 || at == 41)) : at == 0;
            if (!path && (at < ah + 4 || at >= ah + 8)) {
                uint8_t cause = open_one(e, sealed, n);
                if ((cause == PKT_OK) != may_change(v, at))
                    fail_msg("%s, byte %zu: %u", v->name, at, cause);
            }
            sealed[at] ^= bit;
            end_free(e);
        }
    }
}

static void cut_ones_do_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        const struct vector *v = &vectors[i];
        uint8_t sealed[256];
        size_t n = hex(v->sealed, sealed), ah = v->v6 ? (v->transport ? 56 : 40) : 20;
        struct end *e = end_new(CRYPTO_OSSL, v, SADB_IN);
        for (size_t len = ah; len < n; len++) {
            if (!v->v6) {
                sealed[2] = 0;
                sealed[3] = (uint8_t)len;
            }
            assert_int_not_equal(open_one(e, sealed, len), PKT_OK);
        }
        end_free(e);
    }
}

/* Ours: as long as said, from `room` exactly as long as fits, and open at the other end. */
static void ours_open(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        const struct vector *v = &vectors[i];
        struct end *out = end_new(CRYPTO_AUTO, v, SADB_OUT), *in = end_new(CRYPTO_OSSL, v, SADB_IN);
        uint32_t room = ipsec_room(out->sa, 900), outer = v->v6 ? IP6_HLEN : IP4_HLEN;
        for (uint32_t len = room - 40; len <= room + 1; len++) {
            struct pkt *p = &out->v->p[0];
            uint8_t want[1024];
            pkt_reset(p);
            if (v->v6 && v->transport)
                make_ip6(want, "2001:db8::1", "2001:db8::2", IPPROTO_UDP, 1, 2, (uint16_t)len);
            else
                make_ip4(want, v->transport ? "192.0.2.1" : "10.10.10.1",
                         v->transport ? "192.0.2.2" : "192.168.10.1", IPPROTO_UDP, 1, 2,
                         (uint16_t)len);
            memcpy(p->data, want, len);
            p->len = len;
            p->sa = out->sa;
            ipsec_seal(&out->batch, &p, 1);
            assert_int_equal(p->cause, PKT_OK);
            assert_int_equal(p->proto, NH_AH);
            if (v->v6) { /* the kernel's */
                p->data -= IP6_HLEN;
                p->len += IP6_HLEN;
                ip6_build(p->data, &out->sa->local, &out->sa->remote, p->proto,
                          (uint16_t)(p->len - IP6_HLEN), 0, p->ttl ? p->ttl : IP_OUTER_TTL);
            }
            assert_true(p->len <= len + ipsec_overhead(out->sa) + (v->transport ? 0 : outer));
            assert_true((p->len <= 900) == (len <= room));
            if (!v->v6 && v->transport) { /* of our choice */
                memcpy(want + 4, p->data + 4, 2);
                ip_retitle(want, IP4_HLEN, IPPROTO_UDP, len);
            }
            opens_to(in, p->data, p->len, want, len);
        }
        end_free(out);
        end_free(in);
    }
}

/* Authentic AH of a bundle around something else than its ESP. */
static void the_bundle_is_what_was_agreed(void **state)
{
    (void)state;
    const struct vector *v = &vectors[3];
    struct end *out = end_new(CRYPTO_OSSL, v, SADB_OUT), *in = end_new(CRYPTO_OSSL, v, SADB_IN);
    struct pkt *p = &out->v->p[0];
    struct crypto_key *key = out->sa->key;
    for (unsigned what = 0; what < 2; what++) {
        pkt_reset(p);
        p->len = make_ip4(p->data, "10.10.10.1", "192.168.10.1", IPPROTO_UDP, 1, 2, 60);
        p->sa = out->sa;
        if (what == 0) /* AH alone */
            out->sa->key = NULL;
        out->sa->spi = SPI + what;
        ipsec_seal(&out->batch, &p, 1);
        out->sa->key = key;
        assert_int_equal(p->cause, PKT_OK);
        assert_int_equal(open_one(in, p->data, p->len), DP_BAD_INNER);
    }
    end_free(out);
    end_free(in);
}

/* RFC 4302 §2.5.1: the high half of the number is covered and not sent. */
static void extended_numbers(void **state)
{
    (void)state;
    struct sadb_sa m[2] = {describe(&vectors[0], SADB_OUT), describe(&vectors[0], SADB_IN)};
    struct end *e[2] = {end_new(CRYPTO_OSSL, &vectors[0], SADB_OUT),
                        end_new(CRYPTO_OSSL, &vectors[0], SADB_IN)};
    for (int i = 0; i < 2; i++) {
        sad_flush(&e[i]->sad, 0);
        m[i].flags = SADB_F_ESN;
        m[i].seq_first = (UINT64_C(3) << 32) - 4;
        assert_int_equal(sad_add(&e[i]->sad, e[i]->crypto, &m[i], NULL, &e[i]->sa), 0);
    }
    for (unsigned n = 0; n < 10; n++) { /* over the turn of the low half */
        struct pkt *p = &e[0]->v->p[0];
        uint8_t want[100];
        pkt_reset(p);
        make_ip4(want, "10.10.10.1", "192.168.10.1", IPPROTO_UDP, 1, 2, 100);
        memcpy(p->data, want, p->len = 100);
        p->sa = e[0]->sa;
        ipsec_seal(&e[0]->batch, &p, 1);
        assert_int_equal(p->cause, PKT_OK);
        assert_int_equal(p->len, 20 + 24 + 100);
        opens_to(e[1], p->data, p->len, want, 100);
    }
    end_free(e[0]);
    end_free(e[1]);
}

static bool mute4(const char *options, const char *want)
{
    uint8_t h[60], o[40];
    size_t n = hex(options, o), m;
    make_ip4(h, "1.1.1.1", "2.2.2.2", NH_AH, 0, 0, IP4_HLEN);
    memcpy(h + IP4_HLEN, o, n);
    if (!ah_mute4(h, (unsigned)(IP4_HLEN + n)))
        return false;
    m = hex(want, o);
    assert_int_equal(n, m);
    assert_memory_equal(h + IP4_HLEN, o, n);
    return true;
}

static bool mute6(uint8_t first, const char *extensions, const char *want)
{
    uint8_t h[IP_HEAD_MOST], o[64];
    size_t n = hex(extensions, o);
    struct addr a = ip6("2001:db8::1");
    ip6_build(h, &a, &a, first, (uint16_t)n, 0xb8, 64);
    memcpy(h + IP6_HLEN, o, n);
    if (!ah_mute6(h, (unsigned)(IP6_HLEN + n)))
        return false;
    assert_int_equal(h[7], 0);
    assert_int_equal(hex(want, o), n);
    assert_memory_equal(h + IP6_HLEN, o, n);
    return true;
}

static void what_may_change_is_zeroed(void **state)
{
    (void)state;
    assert_true(mute4("", ""));
    assert_true(mute4("01010101", "01010101"));
    assert_true(mute4("9404000082040000", "9404000082040000")); /* alert, security: covered */
    assert_true(mute4("440401ff94040000", "0000000094040000")); /* timestamp: not */
    assert_true(mute4("0700ffff", "0700ffff") == false);        /* no length */
    assert_false(mute4("94050000", ""));                        /* longer than the header */
    assert_false(mute4("01010194", ""));                        /* its length is cut off */
    assert_true(mute4("00ffffff", "00ffffff"));                 /* behind the end */
    assert_false(mute4("8307040a0a0a0a00", ""));                /* source routes */
    assert_false(mute4("8907040a0a0a0a00", ""));

    assert_true(mute6(NH_AH, "", ""));
    assert_true(mute6(IPPROTO_HOPOPTS, "33003e040badcafe", "33003e0400000000"));
    assert_true(mute6(IPPROTO_DSTOPTS, "330001040badcafe", "330001040badcafe"));
    assert_true(mute6(IPPROTO_DSTOPTS, "3300000000003e00", "3300000000003e00"));
    assert_true(mute6(IPPROTO_HOPOPTS, "3c003e040badcafe33003e040badcafe",
                      "3c003e040000000033003e0400000000"));
    assert_true(mute6(IPPROTO_ROUTING, "3300040000000000", "3300040000000000"));
    assert_false(mute6(IPPROTO_ROUTING, "3300040100000000", "")); /* not there yet */
    assert_false(mute6(IPPROTO_HOPOPTS, "33003e050badcafe", ""));
    assert_false(mute6(IPPROTO_HOPOPTS, "330000000000003e", "")); /* its length is cut off */
    assert_false(mute6(IPPROTO_HOPOPTS, "33013e0400000000", ""));
    assert_false(mute6(IPPROTO_HOPOPTS, "33003e04", ""));
    assert_false(mute6(IPPROTO_FRAGMENT, "3300000000000000", "")); /* it was a piece */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(theirs_open),
        cmocka_unit_test(changed_ones_do_not),
        cmocka_unit_test(cut_ones_do_not),
        cmocka_unit_test(ours_open),
        cmocka_unit_test(the_bundle_is_what_was_agreed),
        cmocka_unit_test(extended_numbers),
        cmocka_unit_test(what_may_change_is_zeroed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
