/* IKE fragmentation (RFC 7383): messages cut and joined, in disorder, doubled, forged, and from
 * peers that cut anew; with everything else of IKEv2 going on over it. */
#include "sim.h"

static struct ike_crypto *crypto;
static int set_up(void **state)
{
    (void)state;
    crypto = ike_crypto_new();
    return crypto ? 0 : -1;
}
static int tear_down(void **state)
{
    (void)state;
    ike_crypto_unref(crypto);
    return 0;
}

static unsigned longest, pieces;

/* Counts what is cut; nothing after the first exchange may be longer than the limit. */
static bool measure(struct sim *s, struct sim_packet *k)
{
    (void)s;
    if (k->data[18] == X_SA_INIT)
        return true;
    longest = k->len > longest ? (unsigned)k->len : longest;
    pieces += k->data[16] == PL_SKF;
    return true;
}

static struct sim *cut_to(size_t limit, uint16_t encr)
{
    struct sim *s = sim_new(40, DH_X25519);
    for (int i = 0; i < 2; i++) {
        s->node[i].policy[0].encr[0] = (struct ike_alg){encr, 256};
        s->node[i].entry[0].cfg.pfs_group = DH_2048;
        ike_set_fragment_size(s->node[i].ike, limit);
    }
    s->tap = measure;
    longest = pieces = 0;
    return s;
}

static void rekey(struct sim *s)
{
    ike_expired(s->node[0].ike, s->node[0].child[s->node[0].n_child - 1].sa_in, false);
    sim_for(s, 30);
}

static void every_exchange(void **state)
{
    static const uint16_t encr[] = {ENCR_AES_CBC, ENCR_AES_GCM16};
    (void)state;
    for (int e = 0; e < 2; e++)
        for (size_t limit = 120; limit < 350; limit += 23) {
            struct sim *s = cut_to(limit, encr[e]);
            sim_initiate(s, 0, 1, 0);
            sim_for(s, 1);
            assert_tunnel(s, 1);
            assert_true(sim_sas(s, 0).last->peer_fragments && sim_sas(s, 1).last->peer_fragments);
            rekey(s);
            assert_tunnel(s, 1);
            assert_int_equal(s->node[0].n_child, 2);
            assert_true(pieces >= 3);
            assert_true(longest <= limit);
            sim_free(s);
        }
}

/* By default small messages stay whole, and a peer that does not know fragments gets none. */
static void only_when_needed(void **state)
{
    struct sim *s = cut_to(1220, ENCR_AES_CBC);
    (void)state;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    assert_int_equal(pieces, 0);
    ike_set_fragment_size(s->node[0].ike, 200);
    s->node[0].ike->head->s.peer_fragments = false;
    rekey(s);
    assert_tunnel(s, 1);
    assert_int_equal(pieces, 0);
    ike_set_fragment_size(s->node[0].ike, 0);
    s->node[0].ike->head->s.peer_fragments = true;
    rekey(s);
    assert_int_equal(pieces, 0);
    sim_free(s);
}

static void disorder(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 150; seed++) {
        struct sim *s = cut_to(130 + seed, seed & 1 ? ENCR_AES_CBC : ENCR_AES_GCM16);
        s->seed = seed;
        s->delay_max = 3 * SEC;
        s->dup = 30;
        s->loss = (unsigned)(seed % 3) * 5;
        s->node[0].slow_jobs = s->node[1].slow_jobs = seed & 1;
        sim_initiate(s, 0, 1, 0);
        sim_for(s, 100);
        if (sim_up_count(&s->node[0]) && sim_up_count(&s->node[1]))
            rekey(s);
        s->loss = s->dup = 0;
        sim_for(s, 200);
        assert_true(sim_all_twins(s, 0, 1) && sim_all_twins(s, 1, 0));
        assert_true(pieces > 0);
        sim_free(s);
    }
}

/* --- by hand: node 0 speaks to node 1 --------------------------------------------------------- */

static struct ike_header header(struct sim *s)
{
    const struct ike_sa_state *sa = sim_sas(s, 0).last;
    return (struct ike_header){.spi_i = sa->spi_i,
                               .spi_r = sa->spi_r,
                               .version = 0x20,
                               .exchange = X_INFORMATIONAL,
                               .flags = IKE_F_INITIATOR,
                               .mid = sim_sas(s, 1).last->next_recv_mid};
}

static void piece(struct sim *s, const struct ike_header *h, uint16_t num, uint16_t total,
                  const char *text, bool forged)
{
    const struct ike_sa_state *sa = sim_sas(s, 0).last;
    struct ike_sk_key k = {sa->suite.encr, sa->suite.encr_bits, sa->suite.integ, sa->keys.sk_ei,
                           sa->keys.sk_ai};
    struct ike_path p = sim_path(s, 1, 0);
    struct ike_fragment f = {num, total};
    uint8_t buf[512], iv[16] = {3};
    size_t len;

    assert_int_equal(ike_seal_fragment(crypto, &k, h, PL_NOTIFY, &f, (const uint8_t *)text,
                                       strlen(text), iv, buf, sizeof buf, &len),
                     0);
    buf[len - 1] ^= forged;
    ike_input(s->node[1].ike, &p, buf, len);
}

static unsigned answers;
static bool count_answers(struct sim *s, struct sim_packet *k)
{
    (void)s;
    answers += k->to == 0;
    return false;
}

static struct sim *speaking(void)
{
    struct sim *s = cut_to(1220, ENCR_AES_CBC);
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    s->tap = count_answers;
    answers = 0;
    return s;
}

/* A status notify of 8+4 bytes in three pieces; what it says is nothing. */
static void all(struct sim *s, const struct ike_header *h, const unsigned *order, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct ike_parts *before = s->node[1].ike->head->parts[0];
        assert_true(i == 0 || before != NULL);
        /* The text must hold no NUL, so the "payload" has odd numbers and will be refused as
         * malformed: it has arrived whole, which is what counts here. */
        piece(s, h, (uint16_t)order[i], 3, "aaaa", false);
    }
    sim_for(s, 1);
}

static void joined_once(void **state)
{
    struct sim *s = speaking();
    const uint64_t *dropped = ike_stats(s->node[1].ike)->dropped;
    struct ike_header h = header(s);
    (void)state;

    all(s, &h, (const unsigned[]){3, 1, 1, 3, 2}, 5);
    assert_int_equal(answers, 1); /* INVALID_SYNTAX */
    assert_null(s->node[1].ike->head->parts[0]);
    /* repeated: only the first piece brings the answer again (§2.6.1) */
    piece(s, &h, 2, 3, "aaaa", false);
    piece(s, &h, 3, 3, "aaaa", false);
    sim_for(s, 1);
    assert_int_equal(answers, 1);
    piece(s, &h, 1, 3, "aaaa", false);
    sim_for(s, 1);
    assert_int_equal(answers, 2);
    /* forged ones are not kept, and neither are impossible numbers */
    h = header(s);
    piece(s, &h, 1, 3, "aaaa", true);
    assert_null(s->node[1].ike->head->parts[0]);
    assert_int_equal(dropped[IKE_DROP_INTEGRITY], 1);
    uint64_t bad = dropped[IKE_DROP_PAYLOADS];
    piece(s, &h, 0, 3, "aaaa", false);
    piece(s, &h, 4, 3, "aaaa", false);
    piece(s, &h, 1, IKE_FRAGMENTS_MAX + 1, "aaaa", false);
    assert_int_equal(dropped[IKE_DROP_PAYLOADS], bad + 3);
    assert_null(s->node[1].ike->head->parts[0]);
    /* the peer cuts anew, smaller: the old pieces go; larger ones that come late do not count */
    piece(s, &h, 1, 2, "aaaaaa", false);
    piece(s, &h, 1, 3, "aaaa", false);
    assert_int_equal(s->node[1].ike->head->parts[0]->total, 3);
    piece(s, &h, 2, 2, "aaaaaa", false);
    assert_int_equal(s->node[1].ike->head->parts[0]->have, 1);
    all(s, &h, (const unsigned[]){3, 2}, 2);
    assert_int_equal(answers, 3);
    /* never agreed on: not taken */
    s->node[1].ike->head->s.peer_fragments = false;
    h = header(s);
    piece(s, &h, 1, 3, "aaaa", false);
    assert_null(s->node[1].ike->head->parts[0]);
    sim_free(s); /* and what is half here goes with the SA */
}

static void half_here(void **state)
{
    struct sim *s = speaking();
    struct ike_header h = header(s);
    (void)state;
    piece(s, &h, 2, 3, "aaaa", false);
    assert_non_null(s->node[1].ike->head->parts[0]);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_exchange), cmocka_unit_test(only_when_needed),
        cmocka_unit_test(disorder),       cmocka_unit_test(joined_once),
        cmocka_unit_test(half_here),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
