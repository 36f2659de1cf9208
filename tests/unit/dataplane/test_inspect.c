/* What arrives in clear from outside for a protected network (RFC 4301 §5.2). */
#include <stdio.h>
#include "world.h"

#define LEFT  "10.10.10.1"
#define RIGHT "192.168.10.1"

static struct pkt *fresh(struct world *w, size_t i)
{
    pkt_reset(&w->v->p[i]);
    return &w->v->p[i];
}

/* One packet from the inbound TUN of interface 1. True when it went back. */
static bool passes(struct world *w, const char *src, const char *dst, uint8_t proto, uint16_t sport,
                   uint16_t dport)
{
    struct pkt *p = fresh(w, 0);
    size_t before = w->n_back;
    p->len = make_ip4(p->data, src, dst, proto, sport, dport, 100);
    dp_inspect(w->dp, 1, &p, 1);
    assert_int_equal(w->n_wire + w->n_tun, 0); /* it goes nowhere else */
    return w->n_back == before + 1;
}

static struct sadb_spd_entry line(uint32_t policy, uint32_t seq, uint8_t action,
                                  struct selector sel)
{
    struct sadb_spd_entry e;
    memset(&e, 0, sizeof e);
    e.policy = policy;
    e.map_seq = seq;
    e.action = action;
    e.slot = action == SPD_PROTECT ? policy : SADB_NO_SLOT;
    e.sel = sel;
    return e;
}

static void the_mirror_is_dropped_and_counted(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sadb_spd_entry e = usual();
    struct sadb_event ev;
    assert_int_equal(set_policy(w, 1, &e, 1, 0), 0);
    world_clear(w);
    for (int i = 0; i < 3; i++)
        assert_false(passes(w, RIGHT, LEFT, IPPROTO_UDP, 5, 9));
    assert_int_equal(drops(&w->stats->slot[7], DP_CLEAR_INBOUND), 3);
    assert_int_equal(world_count(w, SADB_EVENT), 1); /* rate limited */
    assert_int_equal(world_count(w, SADB_ACQUIRE), 0);
    assert_true(world_heard(w, SADB_EVENT, &ev, sizeof ev));
    struct addr left = ip4(LEFT), right = ip4(RIGHT);
    assert_int_equal(ev.kind, EV_CLEAR_INBOUND);
    assert_true(addr_eq(&ev.path.local, &left) && addr_eq(&ev.path.remote, &right));
    /* an SA changes nothing: this packet did not come by it */
    struct sadb_sa m = make_sa(&(struct combo){"gcm256", ENCR_AES_GCM16, 36, INTEG_NONE, 0, true},
                               SADB_OUT, true, 5000);
    m.slot = 1;
    assert_int_equal(add(w, m), 0);
    assert_false(passes(w, RIGHT, LEFT, IPPROTO_UDP, 5, 9));
    assert_int_equal(dp_read(&w->stats->slot[7].packets), 0);
    world_free(w);
}

static void the_rest_goes_back_as_it_came(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sadb_spd_entry e = usual();
    assert_int_equal(set_policy(w, 1, &e, 1, 0), 0);
    assert_true(passes(w, "203.0.113.5", LEFT, IPPROTO_UDP, 5, 9));
    assert_true(passes(w, RIGHT, "10.10.11.1", IPPROTO_UDP, 5, 9));
    assert_int_equal(w->back[0].ifid, 1);
    assert_int_equal(w->back[0].len, 100);
    assert_int_equal(w->back[0].data[8], IP_OUTER_TTL + 1); /* the kernel took one on the way */
    assert_int_equal(ip_checksum(w->back[0].data, IP4_HLEN, 0), 0);
    /* what would be protected on its way out is the shadow TUN's matter, also here */
    assert_true(passes(w, LEFT, RIGHT, IPPROTO_UDP, 5, 9));
    assert_int_equal(drops(&w->stats->total, DP_CLEAR_INBOUND), 0);
    assert_int_equal(drops(&w->stats->slot[7], DP_CLEAR_INBOUND), 0);
    w->tun_cause = DP_TUN_ERROR;
    passes(w, "203.0.113.5", LEFT, IPPROTO_UDP, 5, 9);
    assert_int_equal(drops(&w->stats->total, DP_TUN_ERROR), 1);
    world_free(w);
}

/* Our port is the destination's, the peer's the source's. */
static void ports_and_protocol_are_the_mirror_too(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sadb_spd_entry e = usual();
    e.sel.proto = IPPROTO_TCP;
    e.sel.rport[0] = 80;
    e.sel.rport[1] = 90;
    assert_int_equal(set_policy(w, 1, &e, 1, 0), 0);
    assert_false(passes(w, RIGHT, LEFT, IPPROTO_TCP, 85, 5000));
    assert_true(passes(w, RIGHT, LEFT, IPPROTO_TCP, 5000, 85));
    assert_true(passes(w, RIGHT, LEFT, IPPROTO_TCP, 91, 5000));
    assert_true(passes(w, RIGHT, LEFT, IPPROTO_UDP, 85, 5000));
    /* a later fragment cannot show that it is none of them */
    struct pkt *p = fresh(w, 0);
    p->len = make_ip4(p->data, RIGHT, LEFT, IPPROTO_TCP, 5000, 5000, 100);
    p->data[7] = 10;
    p->data[10] = p->data[11] = 0;
    uint16_t sum = ip_checksum(p->data, IP4_HLEN, 0);
    p->data[10] = (uint8_t)(sum >> 8);
    p->data[11] = (uint8_t)sum;
    size_t before = w->n_back;
    dp_inspect(w->dp, 1, &p, 1);
    assert_int_equal(w->n_back, before);
    assert_int_equal(drops(&w->stats->slot[7], DP_CLEAR_INBOUND), 2);
    world_free(w);
}

static void deny_lines_and_order_count(void **state)
{
    (void)state;
    struct world *w = world_new();
    const struct selector half = sel("10.10.10.0", 24, "192.168.10.128", 25, 0);
    const struct selector all = sel("10.10.10.0", 24, "192.168.10.0", 24, 0);
    const struct selector one = sel("10.10.10.0", 24, "192.168.10.200", 32, 0);
    struct sadb_spd_entry e[] = {line(0, 10, SPD_SKIP, half), line(11, 10, SPD_PROTECT, all),
                                 line(12, 20, SPD_PROTECT, one)};
    assert_int_equal(set_policy(w, 1, e, 3, 0), 0);
    assert_false(passes(w, "192.168.10.5", LEFT, IPPROTO_UDP, 1, 1));
    assert_true(passes(w, "192.168.10.199", LEFT, IPPROTO_UDP, 1, 1));  /* denied */
    assert_false(passes(w, "192.168.10.200", LEFT, IPPROTO_UDP, 1, 1)); /* wanted further down */
    assert_int_equal(drops(&w->stats->slot[11], DP_CLEAR_INBOUND), 1);
    assert_int_equal(drops(&w->stats->slot[12], DP_CLEAR_INBOUND), 1);
    world_free(w);
}

/* With any-any both directions fit every packet: which TUN it comes from decides. */
static void any_any(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sadb_spd_entry e = line(10, 10, SPD_PROTECT, sel("0.0.0.0", 0, "0.0.0.0", 0, 0));
    assert_int_equal(set_policy(w, 1, &e, 1, 0), 0);
    world_clear(w);
    assert_false(passes(w, RIGHT, LEFT, IPPROTO_UDP, 1, 1));
    assert_int_equal(drops(&w->stats->slot[10], DP_CLEAR_INBOUND), 1);
    from_host(w, LEFT, RIGHT, 2, 100);
    assert_int_equal(world_count(w, SADB_ACQUIRE), 1); /* it waits for its SA */
    assert_int_equal(drops(&w->stats->slot[10], DP_CLEAR_INBOUND), 1);
    assert_int_equal(w->n_back, 0);
    world_free(w);
}

static void a_vector_is_sorted_out_in_order(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sadb_spd_entry e = usual();
    struct pkt *p[PKT_BATCH];
    assert_int_equal(set_policy(w, 1, &e, 1, 0), 0);
    for (size_t i = 0; i < PKT_BATCH; i++) {
        p[i] = fresh(w, i);
        p[i]->len = make_ip4(p[i]->data, i % 3 ? RIGHT : "203.0.113.5", LEFT, IPPROTO_UDP,
                             (uint16_t)i, 9, 60);
    }
    dp_inspect(w->dp, 1, p, PKT_BATCH);
    assert_int_equal(w->n_back, 22);
    for (size_t i = 0; i < w->n_back; i++)
        assert_int_equal(w->back[i].data[21], 3 * i);
    assert_int_equal(drops(&w->stats->slot[7], DP_CLEAR_INBOUND), PKT_BATCH - 22);
    world_free(w);
}

/* No policy yet, none any more, and what is no packet at all: nothing passes unlooked. */
static void shut_without_a_policy(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sadb_spd_entry e = usual();
    assert_false(passes(w, "203.0.113.5", LEFT, IPPROTO_UDP, 1, 1));
    assert_int_equal(drops(&w->stats->total, DP_NO_SA), 1);
    assert_int_equal(set_policy(w, 1, &e, 1, 0), 0);
    assert_true(passes(w, "203.0.113.5", LEFT, IPPROTO_UDP, 1, 1));
    struct pkt *p = fresh(w, 0);
    p->len = 100;
    memset(p->data, 0, 100);
    dp_inspect(w->dp, 1, &p, 1);
    assert_int_equal(drops(&w->stats->total, DP_BAD_INNER), 1);
    assert_int_equal(ref(w, SADB_SPD_FLUSH, (struct sadb_ref){.ifid = 1}), 0);
    assert_false(passes(w, "203.0.113.5", LEFT, IPPROTO_UDP, 1, 1));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mirror_is_dropped_and_counted),
        cmocka_unit_test(the_rest_goes_back_as_it_came),
        cmocka_unit_test(ports_and_protocol_are_the_mirror_too),
        cmocka_unit_test(deny_lines_and_order_count),
        cmocka_unit_test(any_any),
        cmocka_unit_test(a_vector_is_sorted_out_in_order),
        cmocka_unit_test(shut_without_a_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
