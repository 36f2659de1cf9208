/* The walk through a peer list (semantics.md §1.1): where it begins, goes on and ends, and what a
 * route has to say about a peer. */
#include "bench.h"

static void walks_from_the_first_to_the_last(void **state)
{
    struct bench *b = bench_seed(state);
    control_debug(b->c, IKE_DBG_PLATFORM, 1);
    acquire(b, policy_of(b));
    assert_string_equal(talking_to(b), "203.0.113.1");
    acquire(b, policy_of(b)); /* more traffic meanwhile changes nothing */
    pass(b, 120);
    assert_string_equal(talking_to(b), "203.0.113.1");
    pass(b, 10); /* 2+4+8+16+32+64 s */
    assert_string_equal(talking_to(b), "198.51.100.1");
    assert_string_equal(b->notice,
                        "[IKE COMMON DEBUG]Failed to initiate ikev2 SA with peer 203.0.113.1, "
                        "initiating to next peer 198.51.100.1 configured in the multiple peer list "
                        "of the crypto map.");
    assert_int_equal(TOLD(b, SADB_ACQUIRE_FAILED), 0);
    acquire(b, policy_of(b)); /* traffic does not send the walk back */
    pass(b, 2);
    assert_string_equal(talking_to(b), "198.51.100.1");
    pass(b, 130);
    assert_string_equal(talking_to(b), ""); /* after the last one: only traffic starts again */
    assert_int_equal(TOLD(b, SADB_ACQUIRE_FAILED), 1);
    pass(b, 200);
    assert_string_equal(talking_to(b), "");
    acquire(b, policy_of(b));
    assert_string_equal(talking_to(b), "203.0.113.1");
}

static void without_means_it_fails_at_once(void **state)
{
    struct bench *b = bench_seed(state);
    struct wish w = seed_wish();
    w.psk = NULL;
    wish_apply(b, &w);
    acquire(b, policy_of(b));
    assert_int_equal(TOLD(b, SADB_ACQUIRE_FAILED), 1);
    w = seed_wish();
    w.ikev2 = false;
    wish_apply(b, &w);
    acquire(b, policy_of(b));
    assert_int_equal(TOLD(b, SADB_ACQUIRE_FAILED), 2);
    w.ikev2 = true;
    wish_apply(b, &w);
    bench_find(b, "eth0")->carrier = false;
    acquire(b, policy_of(b));
    assert_int_equal(TOLD(b, SADB_ACQUIRE_FAILED), 3);
    assert_string_equal(talking_to(b), "");
    acquire(b, 999); /* a policy that is gone */
    assert_int_equal(TOLD(b, SADB_ACQUIRE_FAILED), 3);
}

/* --- where it begins
 * ----------------------------------------------------------------------------------- */

static const char *first_tried(struct bench *b)
{
    b->c->ids.by_policy[0]->walking = false; /* what is under way ends and goes nowhere */
    keyex_clear(b->c, NULL, 0);
    pass(b, 1);
    acquire(b, policy_of(b));
    return talking_to(b);
}

static struct bench *bench_ios(void **state, bool follow)
{
    struct bench *b = bench_seed(state);
    struct wish w = seed_wish();
    w.follow = follow;
    control_set_ports(b->c, "GigabitEthernet0/0 eth0\nGigabitEthernet0/1 eth1\n", false);
    wish_apply(b, &w);
    return b;
}

/* The ASA: from the first, whatever was before. */
static void asa_begins_with_the_first(void **state)
{
    struct bench *b = bench_seed(state);
    struct tunnel t;
    sa_up(b, &t, "198.51.100.1");
    sa_down(b, &t, IKE_R_PEER_DELETE);
    assert_string_equal(first_tried(b), "203.0.113.1");
    sa_up(b, &t, "203.0.113.1");
    sa_down(b, &t, IKE_R_DPD);
    assert_string_equal(first_tried(b), "203.0.113.1");
}

static void ios_goes_on_with_the_one_in_use(void **state)
{
    struct bench *b = bench_ios(state, true);
    struct tunnel t;
    assert_string_equal(first_tried(b), "203.0.113.1");
    sa_up(b, &t, "198.51.100.1");
    sa_down(b, &t, IKE_R_PEER_DELETE);
    assert_string_equal(first_tried(b), "198.51.100.1");
    pass(b, 130); /* it is silent: once around the list */
    assert_string_equal(talking_to(b), "203.0.113.1");
    assert_int_equal(TOLD(b, SADB_ACQUIRE_FAILED), 0);
    pass(b, 130);
    assert_string_equal(talking_to(b), "");
    assert_int_equal(TOLD(b, SADB_ACQUIRE_FAILED), 1);
}

static void ios_leaves_a_dead_peer(void **state)
{
    struct bench *b = bench_ios(state, true);
    struct tunnel t;
    sa_up(b, &t, "203.0.113.1");
    sa_down(b, &t, IKE_R_DPD);
    assert_string_equal(first_tried(b), "198.51.100.1");
    sa_up(b, &t, "198.51.100.1");
    sa_down(b, &t, IKE_R_RETRANSMIT);
    assert_string_equal(first_tried(b), "203.0.113.1"); /* behind the last is the first */
}

/* `set peer A default`: the dead one is tried again first, once traffic asks. */
static void ios_default_comes_first(void **state)
{
    struct bench *b = bench_ios(state, false);
    struct tunnel t;
    sa_up(b, &t, "198.51.100.1");
    sa_down(b, &t, IKE_R_PEER_DELETE);
    assert_string_equal(first_tried(b), "203.0.113.1");
    sa_up(b, &t, "203.0.113.1");
    sa_down(b, &t, IKE_R_DPD);
    assert_string_equal(first_tried(b), "203.0.113.1");
}

/* A peer that is taken from the list is no place to begin. */
static void the_one_in_use_may_go(void **state)
{
    struct bench *b = bench_ios(state, true);
    struct wish w = seed_wish();
    struct tunnel t;
    sa_up(b, &t, "198.51.100.1");
    w.follow = true;
    w.peers = 1;
    wish_apply(b, &w);
    sa_down(b, &t, IKE_R_DPD);
    assert_string_equal(first_tried(b), "203.0.113.1");
}

/* An hour of traffic and then silence: only that brings the first peer back. */
static void idle_time_leads_back_to_the_first(void **state)
{
    struct bench *b = bench_ios(state, true);
    struct wish w = seed_wish();
    struct dpstats *stats = (struct dpstats *)calloc(1, sizeof(*stats));
    struct tunnel t;
    w.follow = true;
    w.idle = 60;
    wish_apply(b, &w);
    b->c->stats = stats;
    sa_up(b, &t, "198.51.100.1");
    for (int i = 0; i < 60; i++) {
        atomic_store(&stats->slot[i % 2 ? t.child.slot_in : t.child.slot_out].last_us,
                     (uint64_t)b->t.mono_us);
        pass(b, 59);
        assert_true(addr_is_set(&b->c->ids.by_policy[0]->current));
    }
    pass(b, 2);
    assert_false(addr_is_set(&b->c->ids.by_policy[0]->current));
    sa_down(b, &t, IKE_R_LOCAL_DELETE);
    b->c->stats = NULL;
    free(stats);
    assert_string_equal(first_tried(b), "203.0.113.1");
}

/* --- the schedule
 * -------------------------------------------------------------------------------------- */

static void the_schedule_is_the_intents(void **state)
{
    struct bench *b = bench_seed(state);
    b->c->intent.retransmit2 = (struct ike_schedule){.n = 2, .wait = {USEC_PER_SEC, USEC_PER_SEC}};
    keyex_configure(b->c);
    acquire(b, policy_of(b));
    pass(b, 1);
    assert_string_equal(talking_to(b), "203.0.113.1");
    pass(b, 1);
    assert_string_equal(talking_to(b), "198.51.100.1");
    pass(b, 2);
    assert_int_equal(TOLD(b, SADB_ACQUIRE_FAILED), 1);
}

/* --- routes
 * -------------------------------------------------------------------------------------------- */

static void line_713258(void *ctx, const char *line)
{
    if (strstr(line, "713258"))
        str_copy((char *)ctx, 512, line);
}

/* On the ASA a peer belongs to the interface that leads to it. */
static void a_route_takes_the_peer_along(void **state)
{
    struct bench *b = bench_seed(state);
    struct wish w = seed_wish();
    char line[512] = "";
    acquire(b, policy_of(b));
    assert_string_equal(talking_to(b), "203.0.113.1");
    w.moved = true;
    wish_apply(b, &w);
    assert_string_equal(talking_to(b), "198.51.100.1"); /* on it goes, as after any failure */
    syslog_each(control_syslog(b->c), line_713258, line);
    const char *text = strstr(line, "%ASA-3-713258: ");
    assert_non_null(text);
    assert_string_equal(text + 15,
                        "IP = 203.0.113.1, Attempting to establish a phase2 tunnel on INSIDE "
                        "interface but phase1 tunnel is on OUTSIDE interface. Tearing down old "
                        "phase1 tunnel due to a potential routing change.");
    assert_string_equal(first_tried(b), "198.51.100.1"); /* the other one is not tried from here */
    w.moved = false;
    wish_apply(b, &w);
    assert_string_equal(first_tried(b), "203.0.113.1");
}

/* On IOS the SA stays, and the address of the map's interface is used as before. */
static void ios_stays_with_the_map(void **state)
{
    struct bench *b = bench_ios(state, true);
    struct wish w = seed_wish();
    w.follow = true;
    acquire(b, policy_of(b));
    w.moved = true;
    wish_apply(b, &w);
    assert_string_equal(talking_to(b), "203.0.113.1");
    assert_string_equal(first_tried(b), "203.0.113.1");
}

#define T(f) cmocka_unit_test_setup_teardown(f, bench_up, bench_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(walks_from_the_first_to_the_last),
        T(without_means_it_fails_at_once),
        T(asa_begins_with_the_first),
        T(ios_goes_on_with_the_one_in_use),
        T(ios_leaves_a_dead_peer),
        T(ios_default_comes_first),
        T(the_one_in_use_may_go),
        T(idle_time_leads_back_to_the_first),
        T(the_schedule_is_the_intents),
        T(a_route_takes_the_peer_along),
        T(ios_stays_with_the_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
