/* Roles of interfaces and positions of SAs (SADB_ROLE, SADB_POSITION, SADB_LEASE). */
#include <stdio.h>
#include "world.h"

static const struct combo gcm = {"gcm256", ENCR_AES_GCM16, 36, INTEG_NONE, 0, true};

#define SLOT_OUT 1
#define SLOT_IN  2

static int role(struct world *w, uint32_t ifid, uint8_t r)
{
    struct sadb_role_set m;
    memset(&m, 0, sizeof m);
    m.seq = ++w->seq;
    m.ifid = ifid;
    m.role = r;
    return request(w, SADB_ROLE, &m, sizeof m);
}

static int positions(struct world *w, const struct sadb_position *p, uint32_t n)
{
    uint8_t frame[sizeof(struct sadb_ref) + 4 * sizeof *p];
    struct sadb_ref r = {.seq = ++w->seq, .count = n};
    memcpy(frame, &r, sizeof r);
    memcpy(frame + sizeof r, p, n * sizeof *p);
    return request(w, SADB_POSITION, frame, sizeof r + n * sizeof *p);
}

static int position(struct world *w, uint32_t sa, uint64_t next, uint64_t ceiling, uint32_t block)
{
    struct sadb_position p;
    memset(&p, 0, sizeof p);
    p.sa = sa;
    p.next = next;
    p.ceiling = ceiling;
    p.block = block;
    return positions(w, &p, 1);
}

static struct sadb_sa sender(uint32_t spi)
{
    struct sadb_sa m = make_sa(&gcm, SADB_OUT, true, spi);
    m.slot = SLOT_OUT;
    return m;
}

static struct sadb_sa receiver(void)
{
    struct sadb_sa m = make_sa(&gcm, SADB_IN, false, 5000);
    m.slot = SLOT_IN;
    return m;
}

#define OUT (5000u * 2 + SADB_OUT)
#define IN  (5000u * 2 + SADB_IN)

static struct world *with_policy(void)
{
    struct world *w = world_new();
    struct sadb_spd_entry e = usual();
    assert_int_equal(set_policy(w, 1, &e, 1, 0), 0);
    return w;
}

static struct world *sending(uint64_t ceiling, uint32_t block)
{
    struct world *w = with_policy();
    struct sadb_sa m = sender(5000);
    m.flags = SADB_F_CEILING;
    m.ceiling = ceiling;
    m.block = block;
    assert_int_equal(add(w, m), 0);
    world_clear(w);
    return w;
}

static void emit(struct world *w, size_t n)
{
    from_host(w, "10.10.10.1", "192.168.10.1", n, 100);
}

static uint32_t number(const struct kept *k)
{
    return (uint32_t)k->data[4] << 24 | (uint32_t)k->data[5] << 16 | (uint32_t)k->data[6] << 8 |
           k->data[7];
}

/* The numbers from `first` on left, n of them, and no other. */
static void left_with(const struct world *w, uint32_t first, size_t n)
{
    assert_int_equal(w->n_wire, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(number(&w->wire[i]), first + i);
}

static const struct dp_counters *policy_slot(const struct world *w)
{
    return &w->stats->slot[7];
}

/* --- roles --------------------------------------------------------------------------------- */

static void passive_seals_nothing(void **state)
{
    (void)state;
    struct world *w = sending(SADB_NO_CEILING, 0);
    assert_int_equal(role(w, 1, SADB_ROLE_PASSIVE), 0);
    world_clear(w);
    emit(w, 8);
    from_host(w, "10.10.10.1", "192.168.77.1", 2, 100); /* nobody wants it protected */
    assert_int_equal(w->n_wire, 0);
    assert_int_equal(w->n_tun, 2);
    assert_int_equal(w->n_said, 0);
    assert_int_equal(drops(policy_slot(w), DP_PASSIVE), 8);
    assert_int_equal(role(w, 1, SADB_ROLE_ACTIVE), 0);
    emit(w, 2);
    left_with(w, 1, 2);
    world_free(w);
}

static void passive_asks_for_nothing(void **state)
{
    (void)state;
    struct world *w = with_policy();
    emit(w, 3); /* these wait for an SA */
    assert_int_equal(role(w, 1, SADB_ROLE_PASSIVE), 0);
    world_clear(w);
    emit(w, 3);
    w->time.mono_us += 5 * USEC_PER_SEC;
    dp_tick(w->dp);
    assert_int_equal(w->n_said, 0);
    assert_int_equal(role(w, 1, SADB_ROLE_ACTIVE), 0);
    dp_tick(w->dp);
    assert_int_equal(world_count(w, SADB_ACQUIRE), 1);
    world_free(w);
}

/* The window has not seen what came while the interface was another box's. */
static void passive_opens_nothing(void **state)
{
    (void)state;
    struct world *a = sending(SADB_NO_CEILING, 0), *b = world_new();
    assert_int_equal(add(b, receiver()), 0);
    emit(a, 8);
    assert_int_equal(role(b, 1, SADB_ROLE_PASSIVE), 0);
    world_clear(b);
    arrive(b, a->wire, 8);
    assert_int_equal(b->n_tun, 0);
    assert_int_equal(b->n_said, 0);
    assert_int_equal(drops(&b->stats->slot[SLOT_IN], DP_PASSIVE), 8);
    assert_int_equal(dp_read(&b->stats->slot[SLOT_IN].seq), 0);
    assert_int_equal(role(b, 2, SADB_ROLE_PASSIVE), 0); /* another interface */
    assert_int_equal(role(b, 1, SADB_ROLE_ACTIVE), 0);
    arrive(b, a->wire, 8);
    assert_int_equal(b->n_tun, 8);
    world_free(a);
    world_free(b);
}

static void passive_says_nothing_of_lifetimes_and_mappings(void **state)
{
    (void)state;
    struct world *w = with_policy();
    struct sadb_sa m = sender(5000);
    m.soft_bytes = 50;
    m.flags = SADB_F_UDP | SADB_F_KEEPALIVE;
    m.local_port = m.remote_port = 4500;
    assert_int_equal(add(w, m), 0);
    assert_int_equal(role(w, 1, SADB_ROLE_PASSIVE), 0);
    world_clear(w);
    emit(w, 3);
    w->time.mono_us += 60 * USEC_PER_SEC;
    dp_tick(w->dp);
    assert_int_equal(w->n_said, 0);
    assert_int_equal(w->n_ike, 0);
    assert_int_equal(role(w, 1, SADB_ROLE_ACTIVE), 0);
    dp_tick(w->dp);
    assert_int_equal(w->n_ike, 1); /* at once: the mapping is old */
    emit(w, 1);
    assert_int_equal(world_count(w, SADB_EXPIRE), 1);
    world_free(w);
}

/* What waited for its SA when the hold began goes on when it ends. */
static void hold_keeps_what_waits(void **state)
{
    (void)state;
    struct world *w = with_policy();
    emit(w, 5);
    assert_int_equal(role(w, 1, SADB_ROLE_HOLD), 0);
    assert_int_equal(w->dp->n_hold, 1);
    assert_int_equal(add(w, sender(5000)), 0);
    assert_int_equal(w->n_wire, 0);
    assert_int_equal(role(w, 1, SADB_ROLE_ACTIVE), 0);
    assert_int_equal(w->dp->n_hold, 0);
    left_with(w, 1, 5);
    world_free(w);
}

/* The numbers that the window has seen say in which order they came. */
static void hold_keeps_what_comes_in(void **state)
{
    (void)state;
    struct world *a = sending(SADB_NO_CEILING, 0), *b = world_new();
    struct sadb_sa other = receiver();
    other.sa = other.spi = 6000;
    other.ifid = 2;
    other.slot = 3;
    assert_int_equal(add(b, receiver()), 0);
    assert_int_equal(add(b, other), 0);
    assert_int_equal(role(b, 1, SADB_ROLE_HOLD), 0);
    world_clear(b);
    for (unsigned i = 0; i < 3; i++) { /* more than one vector */
        emit(a, 50);
        arrive(b, a->wire, 50);
        world_clear(a);
    }
    assert_int_equal(b->n_tun, 0);
    assert_int_equal(dp_read(&b->stats->slot[SLOT_IN].seq), 0);
    struct sadb_sa m = sender(6000);
    m.sa = 7000;
    m.slot = 4;
    assert_int_equal(add(a, m), 0);
    emit(a, 4);
    arrive(b, a->wire, 4); /* others go on */
    assert_int_equal(b->n_tun, 4);
    world_clear(b);
    assert_int_equal(role(b, 1, SADB_ROLE_ACTIVE), 0);
    assert_int_equal(b->n_tun, 150);
    assert_int_equal(dp_read(&b->stats->slot[SLOT_IN].seq), 150);
    assert_int_equal(drops(&b->stats->slot[SLOT_IN], DP_REPLAY), 0);
    assert_int_equal(b->dp->hold.bytes, 0);
    world_free(a);
    world_free(b);
}

static void hold_that_comes_to_nothing(void **state)
{
    (void)state;
    struct world *a = sending(SADB_NO_CEILING, 0), *b = world_new();
    assert_int_equal(add(b, receiver()), 0);
    assert_int_equal(role(b, 1, SADB_ROLE_HOLD), 0);
    assert_int_equal(role(b, 2, SADB_ROLE_HOLD), 0);
    emit(a, 8);
    arrive(b, a->wire, 8);
    assert_int_equal(role(b, 2, SADB_ROLE_PASSIVE), 0); /* they wait for another one */
    assert_int_equal(drops(&b->stats->slot[SLOT_IN], DP_PASSIVE), 0);
    assert_true(b->dp->hold.bytes > 0);
    world_clear(b);
    assert_int_equal(role(b, 1, SADB_ROLE_PASSIVE), 0);
    assert_int_equal(b->n_tun, 0);
    assert_int_equal(drops(&b->stats->slot[SLOT_IN], DP_PASSIVE), 8);
    assert_int_equal(b->dp->hold.bytes, 0);
    assert_int_equal(role(b, 1, SADB_ROLE_HOLD), 0);
    arrive(b, a->wire, 8); /* freed with the datapath */
    world_free(a);
    world_free(b);
}

/* The bound is one of bytes, and what finds no room is counted. */
static void hold_is_bounded(void **state)
{
    (void)state;
    struct world *a = sending(SADB_NO_CEILING, 0), *b = world_new();
    assert_int_equal(add(b, receiver()), 0);
    assert_int_equal(role(b, 1, SADB_ROLE_HOLD), 0);
    from_host(a, "10.10.10.1", "192.168.10.1", 50, 1400);
    for (unsigned i = 0; i < 200; i++)
        arrive(b, a->wire, 50); /* 14 MB */
    assert_true(b->dp->hold.bytes <= HOLD_BYTES);
    assert_true(b->dp->hold.bytes > HOLD_BYTES - 2000);
    assert_true(drops(&b->stats->slot[SLOT_IN], DP_QUEUE_FULL) > 1000);
    world_free(a);
    world_free(b);
}

static void hold_ends_by_itself(void **state)
{
    (void)state;
    struct world *w = sending(SADB_NO_CEILING, 0);
    assert_int_equal(role(w, 1, SADB_ROLE_HOLD), 0);
    assert_int_equal(role(w, 2, SADB_ROLE_HOLD), 0);
    assert_int_equal(w->dp->n_hold, 2);
    dp_tick(w->dp);
    assert_int_equal(w->dp->n_hold, 2);
    w->time.mono_us += SADB_HOLD_MOST;
    dp_tick(w->dp);
    assert_int_equal(w->dp->n_hold, 0);
    assert_int_equal(dp_role(w->dp, 1), SADB_ROLE_PASSIVE);
    emit(w, 1);
    assert_int_equal(w->n_wire, 0);
    world_free(w);
}

static void words_that_make_no_sense(void **state)
{
    (void)state;
    struct world *w = sending(100, 10);
    struct sadb_position p[3] = {{.sa = OUT, .ceiling = 200, .next = 50},
                                 {.sa = 999},
                                 {.sa = OUT, .ceiling = 300}};
    assert_int_equal(role(w, 0, SADB_ROLE_PASSIVE), -EINVAL);
    assert_int_equal(role(w, TANDEM_IFIDS + 1, SADB_ROLE_PASSIVE), -EINVAL);
    assert_int_equal(role(w, 1, SADB_ROLES), -EINVAL);
    assert_int_equal(role(w, TANDEM_IFIDS, SADB_ROLE_PASSIVE), 0);
    assert_int_equal(positions(w, p, 3), -ENOENT); /* and the others count */
    assert_int_equal(sad_find(&w->dp->sad, OUT)->ceiling, 300);
    assert_int_equal(sad_find(&w->dp->sad, OUT)->seq, 49);
    struct sadb_ref r = {.seq = 7, .count = 1};
    assert_int_equal(request(w, SADB_POSITION, &r, sizeof r), -EINVAL);
    r.count = UINT32_MAX;
    assert_int_equal(request(w, SADB_POSITION, &r, sizeof r), -EINVAL);
    r.count = 0;
    assert_int_equal(request(w, SADB_POSITION, &r, sizeof r), 0);
    world_free(w);
}

/* --- outbound numbers ---------------------------------------------------------------------- */

/* What finds no number below the ceiling waits for the next one. */
static void a_run_is_cut_at_the_ceiling(void **state)
{
    (void)state;
    struct world *w = sending(10, 8);
    struct sadb_lease l;
    emit(w, 6);
    assert_true(world_heard(w, SADB_LEASE, &l, sizeof l));
    assert_int_equal(l.sa, OUT);
    assert_int_equal(l.last, 6);
    emit(w, 10);
    left_with(w, 1, 10);
    assert_int_equal(world_count(w, SADB_LEASE), 1); /* once */
    const struct sa *sa = sad_find(&w->dp->sad, OUT);
    assert_int_equal(sa->bytes, 1000); /* volume is of what left */
    assert_int_equal(drops(&w->stats->slot[SLOT_OUT], DP_LEASE), 0);
    w->time.mono_us += 2 * USEC_PER_SEC;
    dp_tick(w->dp); /* there is an SA: nobody is asked for one */
    assert_int_equal(world_count(w, SADB_ACQUIRE), 0);
    assert_int_equal(position(w, OUT, 0, 13, 8), 0);
    left_with(w, 1, 13);
    assert_int_equal(world_count(w, SADB_LEASE), 1); /* again: another ceiling */
    assert_int_equal(position(w, OUT, 0, 100, 8), 0);
    left_with(w, 1, 16);
    world_free(w);
}

static void what_waits_is_bounded(void **state)
{
    (void)state;
    struct world *w = sending(4, 4);
    for (int i = 0; i < 4; i++)
        emit(w, 32);
    left_with(w, 1, 4);
    assert_int_equal(drops(policy_slot(w), DP_LEASE), 128 - 4 - QUEUE_PACKETS);
    assert_int_equal(position(w, OUT, 0, SADB_NO_CEILING, 0), 0);
    left_with(w, 1, 4 + QUEUE_PACKETS);
    world_free(w);
}

/* The engine is told by a channel that may be full, and there may be another engine. */
static void a_lease_is_asked_for_until_somebody_hears(void **state)
{
    (void)state;
    struct world *w = sending(100, 20);
    emit(w, 60);
    assert_int_equal(world_count(w, SADB_LEASE), 0);
    w->engine_error = -ENOBUFS;
    emit(w, 32);
    w->engine_error = 0;
    emit(w, 1);
    assert_int_equal(world_count(w, SADB_LEASE), 1);
    emit(w, 1);
    assert_int_equal(world_count(w, SADB_LEASE), 1);
    dp_engine_new(w->dp);
    emit(w, 1);
    assert_int_equal(world_count(w, SADB_LEASE), 2);
    world_free(w);
}

/* A new SA that the standby does not have yet leaves the traffic to the one before. */
static void the_older_sa_goes_on_below_a_new_ones_ceiling(void **state)
{
    (void)state;
    struct world *w = sending(SADB_NO_CEILING, 0);
    struct sadb_sa m = sender(6000);
    m.slot = 3;
    m.flags = SADB_F_CEILING;
    assert_int_equal(add(w, m), 0);
    emit(w, 2);
    left_with(w, 1, 2);
    assert_int_equal(w->wire[1].data[2] << 8 | w->wire[1].data[3], 5000);
    assert_int_equal(position(w, m.sa, 0, 10, 0), 0);
    world_clear(w);
    emit(w, 2);
    left_with(w, 1, 2);
    assert_int_equal(w->wire[1].data[2] << 8 | w->wire[1].data[3], 6000);
    world_free(w);
}

static void numbers_never_go_back(void **state)
{
    (void)state;
    struct world *w = sending(SADB_NO_CEILING, 0);
    emit(w, 20);
    assert_int_equal(position(w, OUT, 5, SADB_NO_CEILING, 0), 0);
    world_clear(w);
    emit(w, 1);
    left_with(w, 21, 1);
    assert_int_equal(position(w, OUT, 1000, SADB_NO_CEILING, 0), 0);
    assert_int_equal(dp_read(&w->stats->slot[SLOT_OUT].seq), 999);
    world_clear(w);
    emit(w, 1);
    left_with(w, 1000, 1);
    /* further than there are numbers: used up, as by use */
    assert_int_equal(position(w, OUT, UINT64_MAX, SADB_NO_CEILING, 0), 0);
    world_clear(w);
    emit(w, 1);
    assert_int_equal(w->n_wire, 0);
    assert_int_equal(drops(&w->stats->slot[SLOT_OUT], DP_SEQ_OVERFLOW), 1);
    struct sadb_expire e;
    assert_true(world_heard(w, SADB_EXPIRE, &e, sizeof e) && e.hard);
    world_free(w);
}

static void a_ceiling_that_was_passed_stops(void **state)
{
    (void)state;
    struct world *w = sending(SADB_NO_CEILING, 0);
    emit(w, 20);
    assert_int_equal(position(w, OUT, 0, 10, 4), 0);
    world_clear(w);
    emit(w, 3);
    assert_int_equal(w->n_wire, 0);
    assert_int_equal(world_count(w, SADB_LEASE), 1);
    assert_int_equal(position(w, OUT, 0, 30, 4), 0);
    left_with(w, 21, 3);
    world_free(w);
}

/* --- inbound numbers ----------------------------------------------------------------------- */

static void numbers_below_the_position_are_refused(void **state)
{
    (void)state;
    struct world *a = sending(SADB_NO_CEILING, 0), *b = world_new();
    assert_int_equal(add(b, receiver()), 0);
    emit(a, 40);
    arrive(b, a->wire, 4);
    assert_int_equal(position(b, IN, 21, 0, 0), 0);
    assert_int_equal(dp_read(&b->stats->slot[SLOT_IN].seq), 20);
    world_clear(b);
    arrive(b, a->wire, 40);
    assert_int_equal(b->n_tun, 20);
    assert_int_equal(drops(&b->stats->slot[SLOT_IN], DP_REPLAY), 20);
    assert_int_equal(position(b, IN, 3, 0, 0), 0); /* never back */
    assert_int_equal(dp_read(&b->stats->slot[SLOT_IN].seq), 40);
    world_free(a);
    world_free(b);
}

/* The half of a number that is not on the wire comes with the position. */
static void extended_numbers_have_64_bits(void **state)
{
    (void)state;
    uint64_t high = UINT64_C(5) << 32;
    struct world *a = with_policy(), *b = world_new();
    struct sadb_sa out = sender(5000), in = receiver();
    out.flags = SADB_F_ESN | SADB_F_CEILING;
    in.flags = SADB_F_ESN;
    assert_int_equal(add(a, out), 0);
    assert_int_equal(add(b, in), 0);
    assert_int_equal(position(a, OUT, high - 10, high + 20, 0), 0);
    assert_int_equal(position(b, IN, high - 10, 0, 0), 0);
    emit(a, 40);
    assert_int_equal(a->n_wire, 31);
    arrive(b, a->wire, 31);
    assert_int_equal(b->n_tun, 31);
    assert_int_equal(dp_read(&b->stats->slot[SLOT_IN].seq), high + 20);
    world_free(a);
    world_free(b);
}

/* --- volume -------------------------------------------------------------------------------- */

static int counted_before(struct world *w, uint64_t bytes)
{
    struct sadb_position p;
    memset(&p, 0, sizeof p);
    p.sa = OUT;
    p.ceiling = SADB_NO_CEILING;
    p.before = bytes;
    return positions(w, &p, 1);
}

/* What another box has counted is no packet of ours, and counts against the lifetimes. */
static void bytes_of_another_box_count(void **state)
{
    (void)state;
    struct world *w = with_policy();
    struct sadb_sa m = sender(5000);
    struct sadb_expire e;
    m.soft_bytes = 5000;
    m.hard_bytes = 10000;
    m.bytes_before = 1000;
    assert_int_equal(add(w, m), 0);
    const struct dp_counters *c = &w->stats->slot[SLOT_OUT];
    assert_int_equal(dp_read(&c->before), 1000);
    emit(w, 1);
    uint64_t one = dp_read(&c->bytes);
    assert_int_equal(counted_before(w, 5000 - 3 * one), 0);
    assert_int_equal(counted_before(w, 10), 0); /* never back */
    assert_int_equal(counted_before(w, 0), 0);
    assert_int_equal(dp_read(&c->before), 5000 - 3 * one);
    assert_int_equal(dp_read(&c->bytes), one);
    world_clear(w);
    emit(w, 1);
    assert_false(world_heard(w, SADB_EXPIRE, &e, sizeof e));
    emit(w, 1);
    assert_true(world_heard(w, SADB_EXPIRE, &e, sizeof e) && !e.hard);
    assert_int_equal(counted_before(w, 10000 - 3 * one), 0);
    world_clear(w);
    emit(w, 2);
    assert_int_equal(w->n_wire, 0);
    assert_int_equal(drops(c, DP_HARD_LIFETIME), 2);
    assert_int_equal(dp_read(&c->packets), 3);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passive_seals_nothing),
        cmocka_unit_test(passive_asks_for_nothing),
        cmocka_unit_test(passive_opens_nothing),
        cmocka_unit_test(passive_says_nothing_of_lifetimes_and_mappings),
        cmocka_unit_test(hold_keeps_what_waits),
        cmocka_unit_test(hold_keeps_what_comes_in),
        cmocka_unit_test(hold_that_comes_to_nothing),
        cmocka_unit_test(hold_is_bounded),
        cmocka_unit_test(hold_ends_by_itself),
        cmocka_unit_test(words_that_make_no_sense),
        cmocka_unit_test(a_run_is_cut_at_the_ceiling),
        cmocka_unit_test(what_waits_is_bounded),
        cmocka_unit_test(a_lease_is_asked_for_until_somebody_hears),
        cmocka_unit_test(the_older_sa_goes_on_below_a_new_ones_ceiling),
        cmocka_unit_test(numbers_never_go_back),
        cmocka_unit_test(a_ceiling_that_was_passed_stops),
        cmocka_unit_test(numbers_below_the_position_are_refused),
        cmocka_unit_test(extended_numbers_have_64_bits),
        cmocka_unit_test(bytes_of_another_box_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
