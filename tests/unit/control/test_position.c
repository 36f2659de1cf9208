/*
 * What stateful failover says to the datapath: roles, positions, ceilings of new SAs; and what it
 * reads of the counters.
 */
#include "side.h"

struct told {
    unsigned leases, roles, barriers;
    uint32_t sa, ifid;
    uint64_t last;
    enum sadb_role role;
};

static void on_lease(void *ctx, uint32_t sa, uint64_t last)
{
    struct told *t = (struct told *)ctx;
    t->leases++;
    t->sa = sa;
    t->last = last;
}

static void on_role(void *ctx, uint32_t ifid, enum sadb_role role)
{
    struct told *t = (struct told *)ctx;
    t->roles++;
    t->ifid = ifid;
    t->role = role;
}

static void on_barrier(void *ctx)
{
    ((struct told *)ctx)->barriers++;
}

static const struct position_ops ops = {.lease = on_lease, .role = on_role, .barrier = on_barrier};

/* The i-th thing of this type that the datapath heard. */
static const struct frame *nth(const struct side *s, uint16_t type, size_t i)
{
    for (size_t k = 0; k < s->n; k++)
        if (s->heard[k].type == type && i-- == 0)
            return &s->heard[k];
    fail_msg("so many were not heard");
    abort();
}

static struct sadb_role_set role_heard(const struct side *s, size_t i)
{
    struct sadb_role_set m;
    const struct frame *f = nth(s, SADB_ROLE, i);
    assert_int_equal(f->len, sizeof(m));
    memcpy(&m, f->data, sizeof(m));
    return m;
}

static struct sadb_position position_heard(const struct side *s, size_t frame, size_t i)
{
    struct sadb_ref r;
    struct sadb_position p;
    const struct frame *f = nth(s, SADB_POSITION, frame);
    memcpy(&r, f->data, sizeof(r));
    assert_true(i < r.count);
    assert_int_equal(f->len, sizeof(r) + r.count * sizeof(p));
    memcpy(&p, f->data + sizeof(r) + i * sizeof(p), sizeof(p));
    return p;
}

static void datapath_acks(struct side *s, uint32_t seq, int err)
{
    struct sadb_ack a = {.seq = seq, .err = err};
    assert_int_equal(ipc_send(s->end, SADB_ACK, &a, sizeof(a)), 0);
    turn(s);
}

static void set(struct side *s, uint32_t sa, uint64_t next, uint64_t ceiling, uint32_t block)
{
    const struct position p = {.next = next, .ceiling = ceiling, .block = block};
    assert_int_equal(position_set(s->b->c, sa, &p), 0);
}

static struct side *ready(void **state)
{
    struct side *s = begin(state);
    give_counters(s);
    connect_datapath(s);
    answer(s, 0);
    return s;
}

/* --- roles ----------------------------------------------------------------------------------
 */

static void a_role_is_told_until_it_is_taken(void **state)
{
    struct side *s = ready(state);
    struct told t = {0};
    position_watch(s->b->c, &ops, &t);
    position_role(s->b->c, 3, SADB_ROLE_HOLD);
    position_role(s->b->c, 3, SADB_ROLE_PASSIVE);
    position_role(s->b->c, 0, SADB_ROLE_PASSIVE);
    position_role(s->b->c, PORTS_MAX + 1, SADB_ROLE_PASSIVE);
    turn(s);
    assert_int_equal(heard(s, SADB_ROLE), 2);
    assert_int_equal(role_heard(s, 1).ifid, 3);
    assert_int_equal(role_heard(s, 1).role, SADB_ROLE_PASSIVE);
    datapath_acks(s, role_heard(s, 0).seq, 0); /* no longer the wanted one */
    assert_int_equal(t.roles, 0);
    datapath_acks(s, role_heard(s, 1).seq, 0);
    assert_int_equal(t.roles, 1);
    assert_int_equal(t.ifid, 3);
    assert_int_equal(t.role, SADB_ROLE_PASSIVE);
    assert_int_equal(position_role_of(s->b->c, 3), SADB_ROLE_PASSIVE);
    assert_int_equal(position_role_of(s->b->c, 4), SADB_ROLE_ACTIVE);
    end(s);
}

/* A datapath that died with the request leaves nobody waiting: the next one is asked. */
static void a_new_datapath_hears_roles_first(void **state)
{
    struct side *s = ready(state);
    struct told t = {0};
    position_watch(s->b->c, &ops, &t);
    position_role(s->b->c, 2, SADB_ROLE_PASSIVE);
    position_role(s->b->c, 5, SADB_ROLE_ACTIVE);
    turn(s);
    s->n = 0;
    connect_channel(s);
    assert_int_equal(s->n, 3);
    assert_int_equal(role_heard(s, 0).ifid, 2);
    assert_int_equal(role_heard(s, 0).role, SADB_ROLE_PASSIVE);
    assert_int_equal(role_heard(s, 1).ifid, 5);
    assert_int_equal(s->heard[2].type, SADB_DUMP);
    datapath_acks(s, role_heard(s, 0).seq, 0);
    assert_int_equal(t.roles, 1);
    assert_int_equal(t.ifid, 2);
    end(s);
}

/* --- positions ------------------------------------------------------------------------------
 */

static void positions_leave_together_and_before_a_role(void **state)
{
    struct side *s = ready(state);
    for (uint32_t id = 1; id <= 3; id++)
        add(s, id, id == 3 ? SADB_IN : SADB_OUT);
    turn(s);
    s->n = 0;
    set(s, 1, 10, 100, 20);
    set(s, 2, 0, 50, 0);
    set(s, 1, 5, 200, 40); /* the last word counts, but for going back */
    set(s, 3, 77, 0, 0);
    position_role(s->b->c, 1, SADB_ROLE_ACTIVE);
    turn(s);
    assert_int_equal(s->n, 2);
    assert_int_equal(s->heard[0].type, SADB_POSITION);
    assert_int_equal(s->heard[1].type, SADB_ROLE);
    struct sadb_position one = position_heard(s, 0, 0), three = position_heard(s, 0, 2);
    assert_true(one.sa == 1 && one.next == 10 && one.ceiling == 200 && one.block == 40);
    assert_true(three.sa == 3 && three.next == 77);
    set(s, 2, 0, 60, 0); /* alone: as soon as the loop turns */
    settle(s->b);
    turn(s);
    assert_int_equal(position_heard(s, 1, 0).ceiling, 60);
    const struct position p = {0};
    assert_int_equal(position_set(s->b->c, 99, &p), -ENOENT);
    end(s);
}

static void many_positions_take_several_frames(void **state)
{
    struct side *s = ready(state);
    for (uint32_t id = 1; id <= SADB_POSITIONS + 5; id++) {
        struct sadb_sa m = sa(id, SADB_OUT);
        struct wanted_sa *w = NULL;
        s->b->c->wanted.known = false; /* it need not hear of each */
        assert_int_equal(wanted_add(s->b->c, &m), 0);
        w = wanted_find(s->b->c, id);
        assert_non_null(w);
        set(s, id, 0, id, 0);
    }
    s->b->c->wanted.known = true;
    struct sadb_ref r;
    wanted_delete(s->b->c, 1); /* one of those that wait */
    s->n = 0;
    position_flush(s->b->c);
    assert_int_equal(s->b->c->positions.n_due, 0);
    turn(s);
    assert_int_equal(heard(s, SADB_POSITION), 2);
    memcpy(&r, nth(s, SADB_POSITION, 0)->data, sizeof(r));
    assert_int_equal(r.count, SADB_POSITIONS);
    memcpy(&r, nth(s, SADB_POSITION, 1)->data, sizeof(r));
    assert_int_equal(r.count, 4);
    end(s);
}

/* The datapath answers what comes behind the positions; one that died with it does not. */
static void a_barrier_stands_behind_positions(void **state)
{
    struct side *s = ready(state);
    struct told t = {0};
    struct sadb_ref r;
    position_watch(s->b->c, &ops, &t);
    add(s, 1, SADB_OUT);
    wanted_confirmed(s->b->c, 1);
    turn(s);
    s->n = 0;
    set(s, 1, 0, 100, 20);
    position_barrier(s->b->c);
    turn(s);
    assert_int_equal(heard(s, SADB_POSITION), 2);
    assert_int_equal(position_heard(s, 0, 0).ceiling, 100);
    memcpy(&r, nth(s, SADB_POSITION, 1)->data, sizeof(r));
    assert_int_equal(r.count, 0);
    connect_datapath(s);
    datapath_acks(s, r.seq, 0);
    assert_int_equal(t.barriers, 0);
    answer(s, 0);
    assert_int_equal(s->heard[0].type, SADB_ADD);
    memcpy(&r, nth(s, SADB_POSITION, 0)->data, sizeof(r));
    assert_int_equal(r.count, 0);
    assert_int_equal(t.barriers, 0);
    datapath_acks(s, r.seq, 0);
    assert_int_equal(t.barriers, 1);
    datapath_acks(s, r.seq, 0);
    assert_int_equal(t.barriers, 1);
    end(s);
}

static void first_limit(void *ctx, uint64_t key, const uint8_t *p, size_t n)
{
    struct control *c = (struct control *)ctx;
    assert_true(wanted_load(c, p, n));
    assert_int_equal(position_limit_of(c, (uint32_t)key), 12345);
}

static void a_limit_outlives_the_engine(void **state)
{
    struct side *s = begin(state);
    void *second = NULL;
    give_journal(s);
    connect_datapath(s);
    answer(s, 0);
    add(s, 1, SADB_OUT);
    assert_int_equal(position_limit_of(s->b->c, 1), 0);
    position_limit(s->b->c, 1, 12345);
    position_limit(s->b->c, 2, 1); /* is not there */
    assert_int_equal(bench_up(&second), 0);
    struct journal *j = journal_open(dup(s->journal));
    journal_each(j, JOURNAL_SA, first_limit, ((struct bench *)second)->c);
    journal_close(j);
    bench_down(&second);
    end(s);
}

/* What was said while there was no datapath, or before its dump, is part of SADB_ADD. */
static void a_new_datapath_hears_positions_with_the_sa(void **state)
{
    struct side *s = ready(state);
    add(s, 1, SADB_OUT);
    add(s, 2, SADB_IN);
    wanted_confirmed(s->b->c, 1);
    wanted_confirmed(s->b->c, 2);
    set(s, 1, 5000, 6000, 100);
    set(s, 2, 300, 0, 0);
    atomic_store(&s->stats->slot[1].lease, 5500);
    atomic_store(&s->stats->slot[1].ceiling, 5600); /* it had not heard of the last one */
    atomic_store(&s->stats->slot[2].seq, 77);
    turn(s);
    connect_datapath(s);
    answer(s, 0);
    struct sadb_sa out = added(s, 0), in = added(s, 1);
    assert_true(out.flags & SADB_F_RESUME && out.flags & SADB_F_CEILING);
    assert_true(out.seq_first == 5501 && out.ceiling == 6000 && out.block == 100);
    assert_int_equal(in.seq_first, 300); /* the memory knows less */
    end(s);
}

/* An engine that has said nothing yet leaves the ceiling as its predecessor did. */
static void the_memory_knows_the_ceiling(void **state)
{
    struct side *s = ready(state);
    struct sa_numbers n;
    add(s, 1, SADB_OUT);
    wanted_confirmed(s->b->c, 1);
    atomic_store(&s->stats->slot[1].seq, 100);
    atomic_store(&s->stats->slot[1].lease, 150);
    atomic_store(&s->stats->slot[1].ceiling, 200);
    assert_true(position_of(s->b->c, 1, &n));
    assert_true(n.last == 100 && n.ceiling == 200);
    connect_datapath(s);
    answer(s, 0);
    assert_true(added(s, 0).flags & SADB_F_CEILING);
    assert_int_equal(added(s, 0).ceiling, 200);
    assert_int_equal(added(s, 0).seq_first, 151);
    set(s, 1, 300, SADB_NO_CEILING, 0);
    assert_true(position_of(s->b->c, 1, &n));
    assert_true(n.last == 299 && n.ceiling == SADB_NO_CEILING);
    assert_false(position_of(s->b->c, 9, &n));
    end(s);
}

static void new_sas_of_a_leased_interface_wait(void **state)
{
    struct side *s = ready(state);
    position_leased(s->b->c, 1, true);
    add(s, 1, SADB_OUT);
    add(s, 2, SADB_IN);
    position_leased(s->b->c, 1, false);
    add(s, 3, SADB_OUT);
    turn(s);
    assert_true(added(s, 0).flags & SADB_F_CEILING);
    assert_int_equal(added(s, 0).ceiling, 0);
    assert_int_equal(added(s, 1).flags & SADB_F_CEILING, 0);
    assert_int_equal(added(s, 2).flags & SADB_F_CEILING, 0);
    end(s);
}

/* --- what the datapath tells ----------------------------------------------------------------
 */

static void a_lease_is_handed_on(void **state)
{
    struct side *s = ready(state);
    struct told t = {0};
    struct sadb_lease l;
    memset(&l, 0, sizeof(l));
    position_watch(s->b->c, &ops, &t);
    add(s, 1, SADB_OUT);
    l.sa = 1;
    l.last = 4711;
    assert_int_equal(ipc_send(s->end, SADB_LEASE, &l, sizeof(l)), 0);
    l.sa = 2; /* has just gone */
    assert_int_equal(ipc_send(s->end, SADB_LEASE, &l, sizeof(l)), 0);
    assert_int_equal(ipc_send(s->end, SADB_LEASE, &l, sizeof(l) - 1), 0);
    turn(s);
    assert_int_equal(t.leases, 1);
    assert_true(t.sa == 1 && t.last == 4711);
    end(s);
}

struct moved {
    unsigned n;
    uint32_t sa;
    uint64_t value;
    bool refuses;
};

static bool on_moved(void *ctx, const struct wanted_sa *w, uint64_t value)
{
    struct moved *v = (struct moved *)ctx;
    v->n++;
    v->sa = w->m.sa;
    v->value = value;
    return !v->refuses;
}

static void what_moved_is_told_once(void **state)
{
    struct side *s = ready(state);
    struct moved v = {0};
    add(s, 1, SADB_OUT);
    add(s, 2, SADB_IN);
    add(s, 3, SADB_IN); /* no datapath has confirmed it: the slot is another's */
    wanted_confirmed(s->b->c, 1);
    wanted_confirmed(s->b->c, 2);
    for (int i = 1; i <= 3; i++)
        atomic_store(&s->stats->slot[i].seq, 1000 * (uint64_t)i);
    position_each(s->b->c, 1500, on_moved, &v);
    assert_true(v.n == 1 && v.sa == 2 && v.value == 2000);
    v.refuses = true; /* it comes again */
    position_each(s->b->c, 1, on_moved, &v);
    v.refuses = false;
    position_each(s->b->c, 1, on_moved, &v);
    assert_true(v.n == 3 && v.sa == 1 && v.value == 1000);
    position_each(s->b->c, 1, on_moved, &v);
    assert_int_equal(v.n, 3);
    atomic_store(&s->stats->slot[2].seq, 2001);
    position_each(s->b->c, 2, on_moved, &v);
    assert_int_equal(v.n, 3);
    position_each(s->b->c, 1, on_moved, &v);
    assert_true(v.n == 4 && v.sa == 2 && v.value == 2001);
    end(s);
}

/* Whoever listens is ahead of what was used at every look, and not by much. */
static void volumes_are_charged_ahead(void **state)
{
    const uint64_t hard = UINT64_C(256) << 20, step = hard / 256;
    struct side *s = ready(state);
    struct moved v = {0};
    uint64_t used = 0;
    struct sadb_sa m = sa(1, SADB_OUT);
    m.hard_bytes = hard;
    assert_int_equal(wanted_add(s->b->c, &m), 0);
    add(s, 2, SADB_OUT); /* without a volume */
    wanted_confirmed(s->b->c, 1);
    wanted_confirmed(s->b->c, 2);
    atomic_store(&s->stats->slot[2].bytes, hard);
    position_bytes_each(s->b->c, on_moved, &v);
    assert_int_equal(v.n, 0); /* nothing was used */
    for (unsigned i = 0; i < 1000; i++) {
        used += step / 100;
        atomic_store(&s->stats->slot[1].bytes, used);
        position_bytes_each(s->b->c, on_moved, &v);
        assert_true(v.sa == 1 && v.value > used && v.value - used <= step);
    }
    assert_true(v.n > 15 && v.n < 25);  /* ten steps, two words for each */
    for (unsigned i = 0; i < 10; i++) { /* much faster than that */
        used += 5 * step;
        atomic_store(&s->stats->slot[1].bytes, used);
        position_bytes_each(s->b->c, on_moved, &v);
        assert_int_equal(v.value, used + 10 * step);
    }
    for (unsigned i = 0; i < 100; i++) /* and then nothing */
        position_bytes_each(s->b->c, on_moved, &v);
    assert_true(v.n < 37 && v.value - used <= 10 * step);
    end(s);
}

/* A volume of which a box before us has used a part. */
static void bytes_of_another_box_go_on(void **state)
{
    struct side *s = ready(state);
    struct moved v = {0};
    struct sadb_sa m = sa(1, SADB_IN), now;
    struct sadb_position p;
    m.hard_bytes = UINT64_C(256) << 20;
    assert_int_equal(wanted_add(s->b->c, &m), 0);
    wanted_confirmed(s->b->c, 1);
    struct wanted_sa *w = wanted_find(s->b->c, 1);
    assert_int_equal(position_bytes(s->b->c, 9, 1), -ENOENT);
    assert_int_equal(position_bytes(s->b->c, 1, 50000000), 0);
    assert_int_equal(position_bytes(s->b->c, 1, 40000000), 0); /* never back */
    turn(s);
    p = position_heard(s, heard(s, SADB_POSITION) - 1, 0);
    assert_true(p.sa == 1 && p.before == 50000000);
    atomic_store(&s->stats->slot[1].bytes, 1000);
    atomic_store(&s->stats->slot[1].seq, 77);
    position_snapshot(s->b->c, w, &now);
    assert_true(now.seq_first == 78 && now.bytes_before > 50001000);
    assert_true(now.bytes_before <= 50001000 + now.hard_bytes / 256);
    position_bytes_each(s->b->c, on_moved, &v);
    position_each(s->b->c, 1, on_moved, &v);
    assert_int_equal(v.n, 0); /* the record said it */
    end(s);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, bench_up, bench_down)
    const struct CMUnitTest tests[] = {
        TEST(a_role_is_told_until_it_is_taken),
        TEST(a_new_datapath_hears_roles_first),
        TEST(positions_leave_together_and_before_a_role),
        TEST(a_barrier_stands_behind_positions),
        TEST(a_limit_outlives_the_engine),
        TEST(many_positions_take_several_frames),
        TEST(a_new_datapath_hears_positions_with_the_sa),
        TEST(the_memory_knows_the_ceiling),
        TEST(new_sas_of_a_leased_interface_wait),
        TEST(a_lease_is_handed_on),
        TEST(what_moved_is_told_once),
        TEST(volumes_are_charged_ahead),
        TEST(bytes_of_another_box_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
