/* ESP that nobody has an SA for: said in an IKE SA, said in clear, heard either way. */
#include "rekey.h"

static struct ike_path path_of(struct sim *s, int node)
{
    return sim_path(s, node, !node);
}

/* The host of a node has lost its child without a word. */
static void lose(struct sim *s, int node)
{
    struct ike_sa *sa = sa_of(s, node);
    for (size_t i = 0; i < s->node[node].n_child; i++)
        s->node[node].child[i].up = false;
    sa->s.n_children = 0;
    ike_sa_arm_life(sa);
}

static void protected(void **state)
{
    struct sim *s = up(DH_X25519);
    (void)state;

    uint32_t lost = spi(s);
    struct ike_path p = path_of(s, 1);
    lose(s, 1);
    ike_invalid_spi(s->node[1].ike, &p, lost);
    assert_int_equal(s->n_packet, 1);
    ike_invalid_spi(s->node[1].ike, &p, lost); /* one on its way is enough */
    assert_int_equal(s->n_packet, 1);
    sim_for(s, 5);
    assert_int_equal(s->node[0].last_child_down, IKE_R_PEER_DELETE);
    settled(s, 1);
    assert_int_not_equal(spi(s), lost);
    sim_free(s);
}

/* An SPI that was never ours, or of a child that is being replaced, ends nothing. */
static void protected_but_wrong(void **state)
{
    struct sim *s = up(DH_X25519);
    (void)state;

    uint32_t was = spi(s);
    struct ike_path p = path_of(s, 1);
    ike_invalid_spi(s->node[1].ike, &p, was + 1);
    sim_for(s, 5);
    settled(s, 1);
    assert_int_equal(spi(s), was);
    sa_of(s, 0)->s.child[0].leaving = IKE_LEAVING;
    ike_invalid_spi(s->node[1].ike, &p, was);
    sim_for(s, 0.5);
    assert_int_equal(sa_of(s, 0)->s.n_children, 1);
    sim_free(s);
}

/* A peer that has restarted knows nothing: its clear words make us look, and find out. */
static void in_clear(void **state)
{
    struct sim *s = up(DH_X25519);
    struct ike_path p = path_of(s, 1);
    (void)state;

    uint32_t lost = spi(s);
    ike_free(s->node[1].ike);
    s->node[1].child[0].up = false;
    while (s->node[1].n_record)
        sim_forget(&s->node[1], &s->node[1].record[0]);
    sim_node_start(s, 1);
    sa_of(s, 0)->s.dpd_retry = 2;
    ike_invalid_spi(s->node[1].ike, &p, lost);
    ike_invalid_spi(s->node[1].ike, &p, lost); /* limited: one a second */
    assert_int_equal(s->n_packet, 1);
    assert_int_equal(s->packet[0].data[18], X_INFORMATIONAL);
    assert_int_equal(s->packet[0].data[19], IKE_F_INITIATOR);
    sim_for(s, 1);
    assert_true(sa_of(s, 0)->req.open && sa_of(s, 0)->req.probe);
    sim_for(s, 30);
    assert_int_equal(s->node[0].sa_down, 1);
    assert_nothing(s);
    ike_invalid_spi(s->node[1].ike, &p, lost);
    assert_int_equal(s->n_packet, 1);
    sim_free(s);
}

/* The check for a hint is as quick as any request: a pair's other box takes over within a second or
 * two. Without a hint it goes on in its own time. */
static void in_clear_in_a_hurry(void **state)
{
    struct sim *s = up(DH_X25519);
    const struct ike_schedule quick = {.n = 3, .wait = {50000, 100000, 200000}};
    struct ike_path p = path_of(s, 1);
    (void)state;

    uint32_t lost = spi(s);
    ike_free(s->node[1].ike);
    s->node[1].child[0].up = false;
    while (s->node[1].n_record)
        sim_forget(&s->node[1], &s->node[1].record[0]);
    sim_node_start(s, 1);
    sa_of(s, 0)->s.dpd_retry = 10;
    ike_set_schedule(s->node[0].ike, &quick);
    ike_invalid_spi(s->node[1].ike, &p, lost);
    sim_for(s, 1);
    assert_int_equal(s->node[0].sa_down, 1);
    assert_nothing(s);
    sim_free(s);
}

static void hint(struct sim *s, uint32_t number, uint64_t spi_i)
{
    uint8_t buf[64], data[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16),
                                (uint8_t)(number >> 8), (uint8_t)number};
    struct ike_writer w = ike_writer_make(buf, sizeof buf);
    struct ike_header h = {.spi_i = spi_i,
                           .version = 0x20,
                           .exchange = X_INFORMATIONAL,
                           .flags = IKE_F_INITIATOR};
    struct ike_path p = path_of(s, 0);
    size_t n;

    ike_w_header(&w, &h);
    ike_w_notify(&w, N_INVALID_SPI, data, sizeof data);
    assert_int_equal(ike_w_finish(&w, &n), 0);
    ike_input(s->node[0].ike, &p, buf, n);
}

/* Forged hints: at most one check in ten seconds, which the true peer answers. */
static void forged(void **state)
{
    struct sim *s = up(DH_X25519);
    (void)state;

    uint32_t was = spi(s);
    uint64_t tx = ike_stats(s->node[0].ike)->tx;
    hint(s, was + 1, 5); /* not what we send on */
    assert_int_equal(ike_stats(s->node[0].ike)->tx, tx);
    assert_int_equal(ike_stats(s->node[0].ike)->dropped[IKE_DROP_UNKNOWN_SA], 1);
    for (int i = 0; i < 90; i++) {
        hint(s, was, i & 1 ? 5 : 0); /* §1.5: zero SPIs are fine here */
        sim_for(s, 0.1);
    }
    assert_int_equal(ike_stats(s->node[0].ike)->tx, tx + 1);
    sim_for(s, 2);
    hint(s, was, 5);
    sim_for(s, 1);
    assert_int_equal(ike_stats(s->node[0].ike)->tx, tx + 2);
    settled(s, 1);
    assert_int_equal(spi(s), was);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(protected), cmocka_unit_test(protected_but_wrong),
        cmocka_unit_test(in_clear),  cmocka_unit_test(in_clear_in_a_hurry),
        cmocka_unit_test(forged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
