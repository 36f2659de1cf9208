/* ESP encode and decode: every algorithm combination on every pairing of the backends. */
#include <stdio.h>
#include "support.h"
#include "dataplane/esp.h"
#include "dataplane/ipsec.h"
#include <netinet/in.h>

/* One end: its own crypto and SAD. */
struct end {
    struct crypto *crypto;
    struct sad sad;
    struct ipsec_batch batch;
    struct pktvec *v;
    struct sa *sa;
};

static struct end *end_new(enum crypto_want want)
{
    struct crypto *c = crypto_new(want);
    if (!c)
        return NULL;
    struct end *e = calloc(1, sizeof *e);
    assert_non_null(e);
    e->crypto = e->batch.crypto = c;
    e->v = pktvec_new();
    assert_non_null(e->v);
    return e;
}

static void end_free(struct end *e)
{
    sad_flush(&e->sad, 0);
    assert_int_equal(e->sad.n, 0);
    crypto_free(e->crypto);
    pktvec_free(e->v);
    free(e);
}

static void install(struct end *e, const struct sadb_sa *m)
{
    assert_int_equal(sad_add(&e->sad, e->crypto, m, NULL, &e->sa), 0);
}

/* n packets of `len` and more bytes, into e's vector. */
static void load(struct end *e, struct pkt **p, size_t n, uint16_t len)
{
    for (size_t i = 0; i < n; i++) {
        p[i] = &e->v->p[i];
        pkt_reset(p[i]);
        p[i]->len = make_ip4(p[i]->data, "10.10.10.1", "192.168.10.1", IPPROTO_UDP, 5, 6,
                             (uint16_t)(len + i));
        p[i]->sa = e->sa;
    }
}

/* What leaves one end arrives at the other. */
static void carry(struct end *to, struct pkt **p, struct pkt **q, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        q[i] = &to->v->p[i];
        pkt_reset(q[i]);
        memcpy(q[i]->data, p[i]->data, p[i]->len);
        q[i]->len = p[i]->len;
        q[i]->sa = to->sa;
    }
}

static void roundtrip(struct end *a, struct end *b, const struct combo *c, uint32_t flags,
                      uint16_t len, size_t n)
{
    struct pkt *p[PKT_BATCH], *q[PKT_BATCH];
    struct sadb_sa out = make_sa(c, SADB_OUT, true, 5000), in = make_sa(c, SADB_IN, false, 5000);
    out.flags = in.flags = flags;
    if (flags & SADB_F_ESN) /* around the turn of the low half */
        out.seq_first = in.seq_first = (UINT64_C(3) << 32) - 4;
    install(a, &out);
    install(b, &in);
    load(a, p, n, len);
    ipsec_seal(&a->batch, p, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(p[i]->cause, PKT_OK);
        assert_true(p[i]->len <= len + i + ipsec_overhead(a->sa));
        assert_int_equal(p[i]->payload, len + i);
    }
    carry(b, p, q, n);
    ipsec_open(&b->batch, q, n);
    for (size_t i = 0; i < n; i++) {
        uint8_t want[2048];
        if (q[i]->cause != PKT_OK)
            fail_msg("%s, packet %zu: %s", c->name, i, dpstats_cause_name(q[i]->cause));
        assert_int_equal(q[i]->len, len + i);
        make_ip4(want, "10.10.10.1", "192.168.10.1", IPPROTO_UDP, 5, 6, (uint16_t)(len + i));
        assert_memory_equal(q[i]->data, want, len + i);
        assert_int_equal(q[i]->flow.rport, 5);
    }
    sad_flush(&a->sad, 0);
    sad_flush(&b->sad, 0);
}

static void test_roundtrips(void **state)
{
    (void)state;
    struct end *e[2] = {end_new(CRYPTO_OSSL), end_new(CRYPTO_MB)};
    for (int from = 0; from < 2; from++)
        for (int to = 0; to < 2; to++) {
            struct end *a = e[from],
                       *b = from == to ? end_new(from ? CRYPTO_MB : CRYPTO_OSSL) : e[to];
            if (a && b)
                for (size_t i = 0; i < N_COMBOS; i++) {
                    roundtrip(a, b, &combos[i], 0, 28, 64); /* every padding length */
                    roundtrip(a, b, &combos[i], 0, 1400, 3);
                    roundtrip(a, b, &combos[i], SADB_F_ESN, 100, 20);
                }
            if (from == to && b)
                end_free(b);
        }
    end_free(e[0]);
    if (e[1])
        end_free(e[1]);
}

/* A pair of ends with one SA from a to b. */
static void pair(const struct combo *c, struct end **a, struct end **b)
{
    struct sadb_sa out = make_sa(c, SADB_OUT, true, 5000), in = make_sa(c, SADB_IN, false, 5000);
    *a = end_new(CRYPTO_AUTO);
    *b = end_new(CRYPTO_OSSL);
    install(*a, &out);
    install(*b, &in);
}

static const struct combo *combo(const char *name)
{
    for (size_t i = 0; i < N_COMBOS; i++)
        if (strcmp(combos[i].name, name) == 0)
            return &combos[i];
    fail_msg("no %s", name);
    return NULL;
}

static uint8_t open_one(struct end *b, const uint8_t *data, size_t len)
{
    struct pkt *q = &b->v->p[0];
    pkt_reset(q);
    memcpy(q->data, data, len);
    q->len = (uint32_t)len;
    q->sa = b->sa;
    ipsec_open(&b->batch, &q, 1);
    return q->cause;
}

/* Every single changed bit is found; nothing that was refused moves the window. */
static void test_tampering(void **state)
{
    (void)state;
    static const char *const names[] = {"aes256-sha256", "gcm128", "null-sha1", "gmac256",
                                        "3des-sha1"};
    for (size_t k = 0; k < 5; k++) {
        struct end *a, *b;
        struct pkt *p[1];
        uint8_t bytes[256];
        pair(combo(names[k]), &a, &b);
        load(a, p, 1, 60);
        ipsec_seal(&a->batch, p, 1);
        uint32_t len = p[0]->len;
        for (uint32_t i = 4; i < len; i++) { /* the SPI chose the SA already */
            memcpy(bytes, p[0]->data, len);
            bytes[i] ^= (uint8_t)(1u << (i % 8));
            assert_int_equal(open_one(b, bytes, len), DP_BAD_ICV);
        }
        assert_int_equal(b->sa->replay.top, 0);
        assert_int_equal(open_one(b, p[0]->data, len), PKT_OK);
        assert_int_equal(open_one(b, p[0]->data, len), DP_REPLAY);
        end_free(a);
        end_free(b);
    }
}

static void test_truncation(void **state)
{
    (void)state;
    for (size_t k = 0; k < N_COMBOS; k++) {
        struct end *a, *b;
        struct pkt *p[1];
        pair(&combos[k], &a, &b);
        load(a, p, 1, 60);
        ipsec_seal(&a->batch, p, 1);
        for (uint32_t len = ESP_HLEN; len < p[0]->len; len++) {
            uint8_t cause = open_one(b, p[0]->data, len);
            if (b->sa->icv_len)
                assert_true(cause == DP_BAD_LENGTH || cause == DP_BAD_ICV);
            else /* without integrity it may be noticed only by what comes out */
                assert_true(cause != PKT_OK);
        }
        end_free(a);
        end_free(b);
    }
}

static void test_replay_within_a_vector(void **state)
{
    (void)state;
    struct end *a, *b;
    struct pkt *p[PKT_BATCH], *q[PKT_BATCH];
    pair(combo("gcm256"), &a, &b);
    load(a, p, 2, 60);
    ipsec_seal(&a->batch, p, 2);
    p[2] = p[0];
    p[3] = p[1];
    carry(b, p, q, 4);
    ipsec_open(&b->batch, q, 4);
    assert_int_equal(q[0]->cause, PKT_OK);
    assert_int_equal(q[1]->cause, PKT_OK);
    assert_int_equal(q[2]->cause, DP_REPLAY);
    assert_int_equal(q[3]->cause, DP_REPLAY);
    end_free(a);
    end_free(b);
}

/* Builds an ESP packet by hand: NULL encryption, a true ICV, and whatever stands inside. */
static size_t by_hand(struct end *a, uint8_t *out, uint32_t seq, const uint8_t *text, size_t len)
{
    struct crypto_op op = {.key = a->sa->key, .text = out + ESP_HLEN, .text_len = len};
    struct wbuf w = wbuf_make(out, 8);
    wbuf_u32(&w, a->sa->spi);
    wbuf_u32(&w, seq);
    memcpy(out + ESP_HLEN, text, len);
    op.auth = out;
    op.auth_len = ESP_HLEN + len;
    op.icv = out + ESP_HLEN + len;
    assert_int_equal(crypto_run(a->crypto, &op, 1), 0);
    return ESP_HLEN + len + a->sa->icv_len;
}

static void test_what_is_inside(void **state)
{
    (void)state;
    struct end *a, *b;
    uint8_t text[256], esp[512];
    uint32_t seq = 0;
    pair(combo("null-sha256"), &a, &b);
    make_ip4(text, "10.10.10.1", "192.168.10.1", IPPROTO_UDP, 5, 6, 40);
    static const struct {
        uint8_t at40[4];
        uint8_t want;
    } rows[] = {
        {{1, 2, 2, 4}, PKT_OK},           {{0, 2, 2, 4}, DP_BAD_PADDING},
        {{1, 1, 2, 4}, DP_BAD_PADDING},   {{1, 2, 44, 4}, DP_BAD_PADDING},
        {{1, 2, 255, 4}, DP_BAD_PADDING}, {{1, 2, 2, 41}, DP_BAD_INNER},
        {{1, 2, 2, 6}, DP_BAD_INNER},     {{1, 2, 2, 59}, PKT_OK},
        {{9, 9, 0, 4}, PKT_OK}, /* two bytes of TFC padding */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memcpy(text + 40, rows[i].at40, 4);
        size_t n = by_hand(a, esp, ++seq, text, 44);
        assert_int_equal(open_one(b, esp, n), rows[i].want);
        if (rows[i].want == PKT_OK)
            assert_int_equal(b->v->p[0].len, rows[i].at40[3] == 4 ? 40 : 0);
    }
    /* an inner packet that says it is longer than what came */
    memcpy(text + 40, rows[0].at40, 4);
    text[3] = 60;
    size_t n = by_hand(a, esp, ++seq, text, 44);
    assert_int_equal(open_one(b, esp, n), DP_BAD_INNER);
    /* not a multiple of four; and shorter than a trailer's block */
    n = by_hand(a, esp, ++seq, text, 43);
    assert_int_equal(open_one(b, esp, n), DP_BAD_LENGTH);
    n = by_hand(a, esp, ++seq, text, 0);
    assert_int_equal(open_one(b, esp, n), DP_BAD_LENGTH);
    end_free(a);
    end_free(b);
}

/* RFC 4303 §3.3.3: no number twice; and the lease runs ahead of what is used. */
static void test_numbers_end(void **state)
{
    (void)state;
    struct end *a = end_new(CRYPTO_AUTO);
    struct sadb_sa m = make_sa(combo("gcm128"), SADB_OUT, true, 5000);
    struct pkt *p[PKT_BATCH];
    m.seq_first = UINT32_MAX - 1;
    install(a, &m);
    load(a, p, 4, 60);
    ipsec_seal(&a->batch, p, 4);
    assert_int_equal(p[0]->cause, PKT_OK);
    assert_int_equal(p[1]->cause, PKT_OK);
    assert_int_equal(p[1]->seq, UINT32_MAX);
    assert_int_equal(p[2]->cause, DP_SEQ_OVERFLOW);
    assert_int_equal(p[3]->cause, DP_SEQ_OVERFLOW);
    assert_int_equal(dp_read(&a->sa->ctr->lease), UINT32_MAX);
    sad_flush(&a->sad, 0);
    m.seq_first = 501;
    install(a, &m);
    for (int i = 0; i < 200; i++) {
        load(a, p, PKT_BATCH, 60);
        ipsec_seal(&a->batch, p, PKT_BATCH);
        assert_true(dp_read(&a->sa->ctr->lease) >= a->sa->seq);
        assert_true(dp_read(&a->sa->ctr->lease) <= a->sa->seq + SAD_LEASE);
    }
    assert_int_equal(a->sa->seq, 500 + 200 * PKT_BATCH);
    end_free(a);
}

/* CBC: never the same IV, also for the same packet. GCM: the number itself. */
static void test_ivs(void **state)
{
    (void)state;
    struct end *a, *b;
    struct pkt *p[PKT_BATCH];
    pair(combo("aes128-sha1"), &a, &b);
    load(a, p, PKT_BATCH, 60);
    ipsec_seal(&a->batch, p, PKT_BATCH);
    for (size_t i = 0; i < PKT_BATCH; i++)
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(p[i]->data + ESP_HLEN, p[k]->data + ESP_HLEN, 16);
    end_free(a);
    end_free(b);
    pair(combo("gcm128"), &a, &b);
    load(a, p, 3, 60);
    ipsec_seal(&a->batch, p, 3);
    static const uint8_t third[] = {0, 0, 0, 0, 0, 0, 0, 3};
    assert_memory_equal(p[2]->data + ESP_HLEN, third, 8);
    end_free(a);
    end_free(b);
}

static void test_largest(void **state)
{
    (void)state;
    struct end *a, *b;
    struct pkt *p[2], *q[2];
    pair(combo("aes256-sha512"), &a, &b);
    load(a, p, 2, 65300);
    p[1]->len = 65500;
    ipsec_seal(&a->batch, p, 2);
    assert_int_equal(p[0]->cause, PKT_OK);
    assert_int_equal(p[1]->cause, DP_TOO_BIG);
    carry(b, p, q, 1);
    ipsec_open(&b->batch, q, 1);
    assert_int_equal(q[0]->cause, PKT_OK);
    assert_int_equal(q[0]->len, 65300);
    end_free(a);
    end_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roundtrips),
        cmocka_unit_test(test_tampering),
        cmocka_unit_test(test_truncation),
        cmocka_unit_test(test_replay_within_a_vector),
        cmocka_unit_test(test_what_is_inside),
        cmocka_unit_test(test_numbers_end),
        cmocka_unit_test(test_ivs),
        cmocka_unit_test(test_largest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
