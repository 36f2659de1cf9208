/* Aggressive mode, and messages in pieces. */
#include "tests/unit/isakmp/sim.h"

static struct sim *aggressive(uint64_t seed)
{
    struct sim *s = sim_new(seed, DH_2048);
    s->node[0].peer.aggressive = true;
    return s;
}

/* --- aggressive mode -----------------------------------------------------------------------------
 */

static void three_messages(void **state)
{
    (void)state;
    for (int slow = 0; slow < 2; slow++) {
        struct sim *s = aggressive(1);
        s->node[0].slow_jobs = s->node[1].slow_jobs = slow;
        assert_int_equal(sim_initiate(s, 0, 1, 0), 0);
        sim_for(s, 5);
        assert_tunnel(s, 1);
        assert_true(sim_sas(s, 0).last->aggressive && sim_sas(s, 1).last->aggressive);
        assert_int_equal(sim_sas(s, 0).last->phase1, ISAKMP_QM_IDLE);
        assert_int_equal(sim_sas(s, 1).last->remote_id.type, ISID_IPV4);
        assert_int_equal(s->node[0].n_sent, 2 + 2);
        assert_int_equal(s->node[1].n_sent, 1 + 1);
        assert_int_equal(sim_sas(s, 0).n, 1);
        sim_free(s);
    }
}

/* One group only can be offered: what follows the first policy with another group is left out. */
static void one_group(void **state)
{
    struct sim *s = aggressive(2);
    (void)state;
    s->node[0].n_policy = 3;
    s->node[0].policy[1] = sim_policy(2, ENCR_AES_CBC, 128, PRF_SHA1, DH_1536);
    s->node[0].policy[2] = sim_policy(3, ENCR_AES_CBC, 128, PRF_SHA1, DH_2048);
    s->node[1].n_policy = 2;
    s->node[1].policy[0] = sim_policy(1, ENCR_AES_CBC, 128, PRF_SHA1, DH_1536);
    s->node[1].policy[1] = sim_policy(2, ENCR_AES_CBC, 128, PRF_SHA1, DH_2048);
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    assert_int_equal(sim_sas(s, 0).last->policy_priority, 3);
    assert_int_equal(sim_sas(s, 1).last->policy_priority, 2);
    sim_free(s);
}

/* By a name that the other side knows: the reason why people use it. */
static void by_name(void **state)
{
    struct sim *s = aggressive(3);
    (void)state;
    s->node[0].peer.local_id = (struct ike_identity){.type = ISID_FQDN, .len = 6, .data = "branch"};
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    assert_int_equal(sim_sas(s, 1).last->remote_id.type, ISID_FQDN);
    assert_memory_equal(sim_sas(s, 1).last->remote_id.data, "branch", 6);
    assert_int_equal(s->node[1].last_named.type, ISID_FQDN); /* the key was asked for by it */
    sim_free(s);
}

static void refused(void **state)
{
    struct sim *s = aggressive(4);
    (void)state;
    s->node[1].peer.refuse_aggressive = true;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 70);
    assert_nothing(s);
    assert_true(isakmp_stats(s->node[1].k)->dropped[ISK_DROP_AGGRESSIVE] >= 1);
    assert_int_equal(s->node[0].failed, 1);
    sim_free(s);
}

/* `crypto isakmp aggressive-mode disable` on our side: main mode instead. */
static void not_ours(void **state)
{
    struct sim *s = aggressive(5);
    (void)state;
    s->node[0].peer.refuse_aggressive = true;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    assert_false(sim_sas(s, 0).last->aggressive);
    sim_free(s);
}

static void wrong_key(void **state)
{
    struct sim *s = aggressive(6);
    (void)state;
    s->node[1].psk = "other";
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 100);
    assert_nothing(s);
    assert_int_equal(s->node[0].last_failure, IKE_R_AUTH_FAILED);
    sim_free(s);
}

static void with_nat(void **state)
{
    struct sim *s = aggressive(7);
    (void)state;
    s->node[0].behind_nat = true;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    assert_true(s->node[0].child[0].udp && s->node[1].child[0].udp);
    assert_int_equal(sim_sas(s, 1).last->path.rport, 4500 + NAT_SHIFT);
    assert_true(sim_sas(s, 1).last->nat_remote && !sim_sas(s, 1).last->nat_local);
    sim_free(s);
}

static unsigned lose_at, lose_n, passed;
static bool lose_some(struct sim *s, struct sim_packet *p)
{
    (void)s;
    (void)p;
    unsigned at = passed++;
    return at < lose_at || at >= lose_at + lose_n;
}

static void every_loss(void **state)
{
    (void)state;
    for (lose_n = 1; lose_n < 4; lose_n += 2)
        for (lose_at = 0; lose_at < 6; lose_at++) {
            struct sim *s = aggressive(8);
            s->tap = lose_some;
            passed = 0;
            sim_initiate(s, 0, 1, 0);
            sim_for(s, 55);
            assert_tunnel(s, 1);
            assert_int_equal(s->node[0].failed, 0);
            sim_free(s);
        }
}

/* --- pieces
 * ------------------------------------------------------------------------------------------ */

static size_t longest;
static unsigned pieces;
static bool measure(struct sim *s, struct sim_packet *p)
{
    (void)s;
    if (p->len > longest)
        longest = p->len;
    pieces += isk_is_fragment(p->data, p->len);
    return true;
}

/* A first message of quick mode that is longer than the limit. */
static struct sim *many_proposals(uint64_t seed)
{
    struct sim *s = sim_new(seed, DH_4096);
    static const uint16_t hash[] = {INTEG_MD5_96, INTEG_SHA1_96, INTEG_SHA384_192, INTEG_SHA512_256,
                                    INTEG_SHA256_128};
    for (int k = 0; k < 2; k++) {
        struct ike_esp_proposal *p = &s->node[k].esp[0];
        p->n_encr = 3;
        p->n_integ = 5;
        for (uint16_t i = 0; i < 3; i++)
            p->encr[i] = (struct ike_alg){ENCR_AES_CBC, (uint16_t)(256 - 64 * i)};
        memcpy(p->integ, hash, sizeof hash);
        s->node[k].peer.fragmentation = true;
        s->node[k].entry[0].cfg.pfs_group = DH_4096;
    }
    s->tap = measure;
    longest = pieces = 0;
    return s;
}

static void cut_and_joined(void **state)
{
    struct sim *s = many_proposals(1);
    (void)state;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 5);
    assert_tunnel(s, 1);
    assert_true(longest <= ISK_FRAGMENT_SIZE);
    assert_true(pieces >= 8);
    assert_true(sim_sas(s, 0).last->peer_fragments);
    sim_free(s);
}

static void only_when_both_want(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct sim *s = many_proposals(2);
        s->node[k].peer.fragmentation = false;
        sim_initiate(s, 0, 1, 0);
        sim_for(s, 5);
        assert_tunnel(s, 1);
        assert_int_equal(pieces, 0);
        assert_true(longest > ISK_FRAGMENT_SIZE);
        sim_free(s);
    }
}

static void pieces_in_any_order(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct sim *s = many_proposals(seed);
        s->delay_max = 300000;
        s->dup = 30;
        s->loss = 5;
        sim_initiate(s, 0, 1, 0);
        sim_for(s, 59);
        if (s->node[0].failed == 0)
            assert_tunnel(s, 1);
        sim_free(s);
    }
}

/* Pieces that lie, and of messages that nobody sent: counted, bounded, forgotten. */
static void forged_pieces(void **state)
{
    struct sim *s = many_proposals(3);
    (void)state;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 5);
    struct isk_sa *sa = s->node[1].k->head;
    struct ike_path p = sim_path(s, 1, 0);
    for (unsigned i = 0; i < 2000; i++) {
        uint8_t msg[600] = {0};
        size_t len = 36 + sim_random(s) % 560;
        struct wbuf w = wbuf_make(msg, sizeof msg);
        wbuf_u64(&w, sa->s.spi_i);
        wbuf_u64(&w, sa->s.spi_r);
        wbuf_u32(&w, 132u << 24 | 0x10u << 16 | 2u << 8);
        wbuf_u32(&w, 0);
        wbuf_u32(&w, (uint32_t)len);
        wbuf_u16(&w, 0);
        wbuf_u16(&w, i % 7 ? (uint16_t)(len - 28) : (uint16_t)sim_random(s));
        wbuf_u16(&w, (uint16_t)(1 + i / 40));
        wbuf_u8(&w, (uint8_t)(sim_random(s) % 40));
        wbuf_u8(&w, sim_random(s) % 20 == 0);
        isakmp_input(s->node[1].k, &p, msg, len);
    }
    assert_tunnel(s, 1);
    assert_int_equal(sim_sas(s, 1).established, 1);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_messages),
        cmocka_unit_test(one_group),
        cmocka_unit_test(by_name),
        cmocka_unit_test(refused),
        cmocka_unit_test(not_ours),
        cmocka_unit_test(wrong_key),
        cmocka_unit_test(with_nat),
        cmocka_unit_test(every_loss),
        cmocka_unit_test(cut_and_joined),
        cmocka_unit_test(only_when_both_want),
        cmocka_unit_test(pieces_in_any_order),
        cmocka_unit_test(forged_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
