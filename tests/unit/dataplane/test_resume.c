/* SAs that go on in a new datapath (SADB_F_RESUME), behind what the one before left in memory. */
#include <stdio.h>
#include "world.h"

static const struct combo gcm = {"gcm256", ENCR_AES_GCM16, 36, INTEG_NONE, 0, true};

#define SLOT_OUT 1
#define SLOT_IN  2
#define RUNS     400
#define BURST    16

/* A new datapath over the memory of the one before, as after a kill -9. */
static void killed(struct world *w)
{
    struct log log = {.who = "test", .level = LOGL_ERROR, .fd = -1};
    dp_free(w->dp);
    w->dp = dp_new(clock_manual(&w->time), &log, crypto_new(CRYPTO_AUTO), &world_io, w);
    assert_non_null(w->dp);
    dp_set_stats(w->dp, w->stats);
}

static struct sadb_sa sender(uint32_t flags)
{
    struct sadb_sa m = make_sa(&gcm, SADB_OUT, true, 5000);
    m.slot = SLOT_OUT;
    m.flags = flags;
    return m;
}

static struct sadb_sa receiver(uint32_t flags)
{
    struct sadb_sa m = make_sa(&gcm, SADB_IN, false, 5000);
    m.slot = SLOT_IN;
    m.flags = flags;
    return m;
}

static struct world *sending_world(void)
{
    struct world *w = world_new();
    struct sadb_spd_entry e = usual();
    assert_int_equal(set_policy(w, 1, &e, 1, 0), 0);
    assert_int_equal(add(w, sender(0)), 0);
    return w;
}

static void sender_again(struct world *w, uint64_t first, uint32_t flags)
{
    struct sadb_spd_entry e = usual();
    struct sadb_sa m = sender(SADB_F_RESUME | flags);
    m.seq_first = first;
    killed(w);
    assert_int_equal(set_policy(w, 1, &e, 1, 0), 0);
    assert_int_equal(add(w, m), 0);
}

static uint32_t number(const struct kept *k)
{
    return (uint32_t)k->data[4] << 24 | (uint32_t)k->data[5] << 16 | (uint32_t)k->data[6] << 8 |
           k->data[7];
}

/* The engine may be wrong about the first number; the memory knows better. */
static void starts_behind_the_lease(void **state)
{
    (void)state;
    struct world *w = sending_world();
    from_host(w, "10.10.10.1", "192.168.10.1", 10, 100);
    uint64_t lease = dp_read(&w->stats->slot[SLOT_OUT].lease);
    assert_true(lease >= 10);
    world_clear(w);
    sender_again(w, 0, 0);
    from_host(w, "10.10.10.1", "192.168.10.1", 1, 100);
    assert_int_equal(number(&w->wire[0]), lease + 1);
    world_clear(w);
    sender_again(w, 1000000, 0);
    from_host(w, "10.10.10.1", "192.168.10.1", 1, 100);
    assert_int_equal(number(&w->wire[0]), 1000000);
    world_free(w);
}

static void counters_and_volume_go_on(void **state)
{
    (void)state;
    struct world *w = sending_world();
    struct sadb_spd_entry e = usual();
    struct sadb_sa m = sender(SADB_F_RESUME);
    const struct dp_counters *c = &w->stats->slot[SLOT_OUT];
    struct sadb_expire x;
    from_host(w, "10.10.10.1", "192.168.10.1", 10, 100);
    uint64_t bytes = dp_read(&c->bytes);
    assert_int_equal(dp_read(&c->packets), 10);
    killed(w);
    m.hard_bytes = bytes + 150 + 7000;
    m.bytes_before = 7000; /* and what another box had */
    assert_int_equal(set_policy(w, 1, &e, 1, 0), 0);
    assert_int_equal(add(w, m), 0);
    assert_int_equal(dp_read(&c->packets), 10);
    assert_int_equal(dp_read(&c->bytes), bytes);
    world_clear(w);
    from_host(w, "10.10.10.1", "192.168.10.1", 5, 100);
    assert_int_equal(w->n_wire, 2); /* the second passes the limit, the third does not go */
    assert_int_equal(drops(c, DP_HARD_LIFETIME), 3);
    assert_true(world_heard(w, SADB_EXPIRE, &x, sizeof x) && x.hard);
    world_free(w);
}

static void used_up_stays_used_up(void **state)
{
    (void)state;
    struct world *w = sending_world();
    sender_again(w, UINT32_MAX - 1, 0);
    from_host(w, "10.10.10.1", "192.168.10.1", 1, 100);
    world_clear(w);
    sender_again(w, 0, 0);
    from_host(w, "10.10.10.1", "192.168.10.1", 1, 100);
    assert_int_equal(w->n_wire, 0); /* the lease had reached the last number there is */
    assert_int_equal(drops(&w->stats->slot[SLOT_OUT], DP_SEQ_OVERFLOW), 1);
    world_free(w);
}

/* Both ends are killed at random moments: no number comes twice, no packet is taken twice, and
 * whatever is sent after the kill is taken. */
static void random_kills(void **state)
{
    (void)state;
    static struct kept old[RUNS * BURST];
    struct world *a = sending_world(), *b = world_new();
    uint64_t seed = 20261121, highest = 0;
    size_t n_old = 0;
    assert_int_equal(add(b, receiver(0)), 0);
    for (int run = 0; run < RUNS; run++) {
        size_t n = 1 + rnd(&seed) % BURST;
        world_clear(a);
        world_clear(b);
        if (rnd(&seed) % 4 == 0)
            sender_again(a, 0, 0);
        if (rnd(&seed) % 4 == 0) {
            killed(b);
            assert_int_equal(add(b, receiver(SADB_F_RESUME)), 0);
        }
        world_clear(a);
        world_clear(b);
        from_host(a, "10.10.10.1", "192.168.10.1", n, 100);
        assert_int_equal(a->n_wire, n);
        for (size_t i = 0; i < n; i++) {
            assert_true(number(&a->wire[i]) > highest);
            highest = number(&a->wire[i]);
            old[n_old++] = a->wire[i];
        }
        arrive(b, a->wire, n);
        assert_int_equal(b->n_tun, n);
        for (size_t i = 0; i < 8; i++)
            arrive(b, &old[rnd(&seed) % n_old], 1);
        assert_int_equal(b->n_tun, n);
    }
    world_free(a);
    world_free(b);
}

/* Extended numbers go on in the upper half that the wire does not show. */
static void extended_numbers(void **state)
{
    (void)state;
    struct world *a = sending_world(), *b = world_new();
    struct sadb_sa in = receiver(SADB_F_ESN);
    in.seq_first = (UINT64_C(3) << 32) - 20;
    assert_int_equal(add(b, in), 0);
    sender_again(a, (UINT64_C(3) << 32) - 20, SADB_F_ESN);
    from_host(a, "10.10.10.1", "192.168.10.1", 40, 100);
    arrive(b, a->wire, 40);
    assert_int_equal(b->n_tun, 40);
    uint64_t lease = dp_read(&a->stats->slot[SLOT_OUT].lease);
    assert_true(lease > UINT64_C(3) << 32);
    killed(b);
    assert_int_equal(add(b, receiver(SADB_F_ESN | SADB_F_RESUME)), 0);
    assert_int_equal(dp_read(&b->stats->slot[SLOT_IN].seq), (UINT64_C(3) << 32) + 19);
    world_clear(b);
    arrive(b, a->wire, 40);
    assert_int_equal(b->n_tun, 0);
    world_clear(a);
    sender_again(a, 0, SADB_F_ESN);
    from_host(a, "10.10.10.1", "192.168.10.1", 4, 100);
    assert_int_equal(dp_read(&a->stats->slot[SLOT_OUT].seq), lease + 4);
    arrive(b, a->wire, 4);
    assert_int_equal(b->n_tun, 4);
    world_free(a);
    world_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_behind_the_lease), cmocka_unit_test(counters_and_volume_go_on),
        cmocka_unit_test(used_up_stays_used_up),   cmocka_unit_test(random_kills),
        cmocka_unit_test(extended_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
