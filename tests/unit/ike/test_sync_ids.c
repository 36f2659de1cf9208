/* RFC 6311: a box that goes on with what it knew some time ago agrees with the peer from where both
 * count. Node 0 is the pair of boxes. */
#include "crash.h"

static struct sim *tunnel(bool offered, usec_t ahead)
{
    struct sim *s = sim_new(3, DH_X25519);

    s->node[0].sync_ids = offered;
    for (int i = 0; i < 2; i++) {
        s->node[i].dpd_seconds = 10;
        s->node[i].dpd_retry = 2;
        s->node[i].dpd_periodic = true;
    }
    begin(s);
    sim_for(s, 1);
    s->ahead = ahead;
    return s;
}

/* The standby hears of nothing that happens in these seconds; then it has to go on. */
static void goes_on_after(struct sim *s, double seconds)
{
    struct sim_node *n = &s->node[0];

    pair_up(s, 0);
    struct ike *standby = n->standby;
    n->standby = NULL;
    sim_for(s, seconds);
    ike_free(n->ike);
    n->standby = standby;
    switch_over(s, 0);
}

static unsigned sent(struct sim *s, int i)
{
    return s->node[i].n_sent;
}

static void offered_and_agreed(void **state)
{
    (void)state;
    for (int who = 0; who < 3; who++) {
        struct sim *s = sim_new(1, DH_X25519);
        s->node[0].sync_ids = who == 1; /* the initiator, or the responder alone */
        s->node[1].sync_ids = who == 2;
        begin(s);
        for (int i = 0; i < 2; i++)
            assert_int_equal(sa_of(s, i)->s.sync_ids, who == 1);
        rekey_ike(s, 1); /* and its heir inherits */
        sim_for(s, 5);
        assert_int_equal(sa_of(s, 0)->s.sync_ids, who == 1);
        sim_free(s);
    }
}

/* Liveness was asked by both sides, and the standby does not know. */
static void an_old_record_serves(void **state)
{
    (void)state;
    for (int offered = 0; offered < 2; offered++) {
        struct sim *s = tunnel(offered, 77 * SEC);
        goes_on_after(s, 100);
        s->after = NULL;
        assert_true(sa_of(s, 0)->s.next_recv_mid < sa_of(s, 1)->s.next_send_mid);
        sim_for(s, 100);
        if (offered) {
            no_black_hole(s);
            assert_int_equal(s->node[0].sa_down + s->node[1].sa_down, 0);
            settled(s, 1);
            rekey_child(s, 0);
            sim_for(s, 5);
            rekey_child(s, 1);
            sim_for(s, 5);
            rekey_ike(s, 0);
            sim_for(s, 5);
            settled(s, 1);
            assert_int_equal(s->node[0].failed + s->node[1].failed, 0);
        } else {
            assert_true(s->node[1].sa_down > 0); /* it is not by chance */
        }
        sim_free(s);
    }
}

/* The peer has asked for a successor of its child when it hears that its number means nothing. */
static void what_was_asked_is_asked_again(void **state)
{
    struct sim *s = tunnel(true, 0);
    (void)state;

    pair_up(s, 0);
    struct ike *standby = s->node[0].standby;
    s->node[0].standby = NULL;
    sim_for(s, 35);
    s->node[0].dead = true;
    rekey_child(s, 1);
    sim_for(s, 1);
    assert_true(sa_of(s, 1)->req.open);
    ike_free(s->node[0].ike);
    s->node[0].standby = standby;
    s->node[0].dead = false;
    switch_over(s, 0);
    uint32_t before = spi(s);
    sim_for(s, 60);
    settled(s, 1);
    assert_int_not_equal(spi(s), before);
    assert_int_equal(s->node[1].sa_down, 0);
    sim_free(s);
}

/* Who had everything says nothing of message IDs. */
static void nobody_asks_without_reason(void **state)
{
    struct sim *s = tunnel(true, 0);
    (void)state;

    pair_up(s, 0);
    sim_for(s, 35);
    ike_free(s->node[0].ike);
    unsigned before = sent(s, 0);
    switch_over(s, 0);
    sim_for(s, 1);
    assert_int_equal(sent(s, 0), before);
    sim_for(s, 60);
    assert_int_equal(sa_of(s, 0)->sync.tries, 0);
    assert_int_equal(sa_of(s, 1)->sync_next, 0);
    settled(s, 1);
    sim_free(s);
}

static uint8_t kept[1024];
static size_t kept_len;

/* Keeps the last request about message IDs (of node 0, with ID 0 while others are far). */
static bool keep(struct sim *s, struct sim_packet *p)
{
    struct ike_header h;
    (void)s;
    if (p->to == 1 && ike_header_read(p->data, p->len, &h) == 0 && h.mid == 0 &&
        !(h.flags & IKE_F_RESPONSE) && h.exchange == X_INFORMATIONAL && p->len < sizeof kept) {
        memcpy(kept, p->data, p->len);
        kept_len = p->len;
    }
    return true;
}

/* Said again by somebody who heard it, it changes nothing; lost, it is said anew. */
static void replayed_and_lost(void **state)
{
    struct sim *s = tunnel(true, 0);
    struct ike_path p = sim_path(s, 1, 0);
    (void)state;

    kept_len = 0;
    s->tap = keep;
    goes_on_after(s, 100);
    s->loss = 40;
    sim_for(s, 60);
    s->loss = 0;
    sim_for(s, 60);
    settled(s, 1);
    assert_int_equal(s->node[1].sa_down, 0);
    assert_true(kept_len > 0);
    uint32_t send = sa_of(s, 1)->s.next_send_mid, recv = sa_of(s, 1)->s.next_recv_mid;
    uint64_t drops = ike_stats(s->node[1].ike)->dropped[IKE_DROP_MESSAGE_ID];
    unsigned before = sent(s, 1);
    ike_input(s->node[1].ike, &p, kept, kept_len);
    assert_int_equal(sa_of(s, 1)->s.next_send_mid, send);
    assert_int_equal(sa_of(s, 1)->s.next_recv_mid, recv);
    assert_int_equal(ike_stats(s->node[1].ike)->dropped[IKE_DROP_MESSAGE_ID], drops + 1);
    assert_int_equal(sent(s, 1), before);
    sim_free(s);
}

/* A peer with keys may say anything. */
static void nonsense(void **state)
{
    struct sim *s = tunnel(true, 0);
    static const size_t len[] = {0, 4, 11, 13, 12, 12};
    struct ike_path p = sim_path(s, 1, 0);
    struct ike_sa *liar = sa_of(s, 0), *sa = sa_of(s, 1);
    uint32_t send = sa->s.next_send_mid, recv = sa->s.next_recv_mid;
    (void)state;

    for (size_t i = 0; i < sizeof len / sizeof *len; i++) {
        uint8_t buf[64], data[16] = {0};
        struct ike_writer w = ike_writer_make(buf, sizeof buf);
        data[4] = i == 4 ? 0xff : 0; /* a number that nobody comes to; and one from the past */
        ike_w_notify(&w, N_MESSAGE_ID_SYNC, data, len[i]);
        ike_enter(liar->ike);
        assert_int_equal(ike_send_aside(liar, &liar->s.path, false, (uint32_t)i, &w), 0);
        ike_leave(liar->ike);
        assert_int_equal(ike_send_aside(liar, &p, true, (uint32_t)i, &w), 0); /* nobody asked */
        sim_for(s, 0.1);
        assert_int_equal(sa->s.next_send_mid, send);
        assert_int_equal(sa->s.next_recv_mid, recv);
    }
    settled(s, 1);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offered_and_agreed),
        cmocka_unit_test(an_old_record_serves),
        cmocka_unit_test(what_was_asked_is_asked_again),
        cmocka_unit_test(nobody_asks_without_reason),
        cmocka_unit_test(replayed_and_lost),
        cmocka_unit_test(nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
