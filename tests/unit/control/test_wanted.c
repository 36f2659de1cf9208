/*
 * What the datapath should hold, alone: a table, a journal, counters, and a datapath whose words
 * are the test's. No configuration and no IKE.
 */
#include "side.h"

/* --- telling ------------------------------------------------------------------------------------
 */

static void nothing_is_told_before_the_dump_is_answered(void **state)
{
    struct side *s = begin(state);
    struct sadb_sa again = sa(2, SADB_IN);
    connect_datapath(s);
    add(s, 3, SADB_OUT);
    add(s, 2, SADB_IN);
    assert_int_not_equal(wanted_add(s->b->c, &again), 0);
    turn(s);
    assert_int_equal(s->n, 0);
    assert_int_equal(state_of(s, 2), WANTED_NEW);
    answer(s, 0);
    assert_int_equal(heard(s, SADB_ADD), 2);
    assert_int_equal(added(s, 0).sa, 2); /* oldest first */
    assert_int_equal(added(s, 0).seq, 2);
    assert_int_equal(added(s, 1).sa, 3);
    assert_int_equal(added(s, 1).flags & SADB_F_RESUME, 0);
    assert_int_equal(state_of(s, 2), WANTED_SENT);
    add(s, 4, SADB_IN); /* from here on at once */
    turn(s);
    assert_int_equal(added(s, 2).sa, 4);
    assert_true(wanted_inbound(s->b->c, 0x1004));
    assert_false(wanted_inbound(s->b->c, 0x1003)); /* outbound */
    wanted_confirmed(s->b->c, 4);
    assert_int_equal(state_of(s, 4), WANTED_SETTLED);
    wanted_confirmed(s->b->c, 99); /* somebody else's number */
    end(s);
}

static void count_record(void *ctx, uint64_t key, const uint8_t *p, size_t n)
{
    (void)key;
    (void)p;
    (void)n;
    ++*(unsigned *)ctx;
}

static unsigned records(const struct side *s)
{
    unsigned n = 0;
    journal_each(s->b->c->journal, JOURNAL_SA, count_record, &n);
    return n;
}

static void what_is_gone_is_forgotten_everywhere(void **state)
{
    struct side *s = begin(state);
    give_journal(s);
    connect_datapath(s);
    answer(s, 0);
    add(s, 1, SADB_IN);
    assert_int_equal(records(s), 1);
    wanted_delete(s->b->c, 1);
    wanted_delete(s->b->c, 1);
    assert_int_equal(records(s), 0);
    turn(s);
    assert_null(wanted_find(s->b->c, 1));
    assert_int_equal(heard(s, SADB_DELETE), 1);
    add(s, 1, SADB_IN); /* the number is free again */
    end(s);
}

static void a_move_and_a_path_are_updates(void **state)
{
    struct side *s = begin(state);
    struct ike_path to = {.remote = adr("198.51.100.9"), .rport = 4501};
    struct path_policy p = {.flags = SADB_DF_SET, .mtu = 1400, .age = 600};
    struct sadb_update u;
    connect_datapath(s);
    answer(s, 0);
    add(s, 1, SADB_OUT);
    wanted_move(s->b->c, 1, &to);
    wanted_move(s->b->c, 2, &to); /* is not there */
    wanted_path(s->b->c, wanted_find(s->b->c, 1), &p);
    wanted_path(s->b->c, wanted_find(s->b->c, 1), &p); /* it is so already */
    turn(s);
    assert_int_equal(heard(s, SADB_UPDATE), 2);
    memcpy(&u, s->heard[1].data, sizeof(u));
    assert_true(u.sa == 1 && !u.path && u.remote_port == 4501 && addr_eq(&u.remote, &to.remote));
    memcpy(&u, s->heard[2].data, sizeof(u));
    assert_true(u.sa == 1 && u.path && u.flags == SADB_DF_SET && u.mtu == 1400);
    assert_int_equal(u.pmtu_age, 600);
    assert_false(addr_is_set(&u.remote));
    const struct wanted_sa *w = wanted_find(s->b->c, 1); /* and what a successor will be told */
    assert_true(addr_eq(&w->m.remote, &to.remote) && w->m.mtu == 1400);
    end(s);
}

/* --- another datapath, another engine
 * -------------------------------------------------------------
 */

static void a_dump_is_held_against_what_is_wanted(void **state)
{
    struct side *s = begin(state);
    give_counters(s);
    connect_datapath(s);
    answer(s, 0);
    for (uint32_t id = 1; id <= 4; id++)
        add(s, id, SADB_IN);
    connect_datapath(s);
    struct sadb_sa same = sa(1, SADB_IN), other = sa(2, SADB_IN), foreign = sa(9, SADB_IN);
    struct sadb_sa path = sa(3, SADB_IN);
    other.spi++;
    path.mtu = 1300;
    wanted_seen(s->b->c, &same);
    wanted_seen(s->b->c, &other);
    wanted_seen(s->b->c, &foreign);
    wanted_seen(s->b->c, &path);
    turn(s);
    assert_int_equal(heard(s, SADB_DELETE), 2); /* of another spi, and of nobody */
    assert_int_equal(heard(s, SADB_UPDATE), 1);
    answer(s, 0);
    /* 1 and 3 are there; 2 and 4 may have been used by whoever had them: their numbers are lost */
    assert_int_equal(state_of(s, 1), WANTED_SETTLED);
    assert_int_equal(state_of(s, 3), WANTED_SETTLED);
    assert_int_equal(heard(s, SADB_ADD), 0);
    end(s);
}

static void sas_go_on_behind_what_was_used(void **state)
{
    struct side *s = begin(state);
    give_counters(s);
    connect_datapath(s);
    answer(s, 0);
    add(s, 1, SADB_OUT);
    add(s, 2, SADB_IN);
    wanted_confirmed(s->b->c, 1);
    wanted_confirmed(s->b->c, 2);
    atomic_store(&s->stats->slot[1].lease, 8192);
    atomic_store(&s->stats->slot[1].seq, 5000);
    atomic_store(&s->stats->slot[2].seq, 77);
    connect_datapath(s);
    answer(s, 0);
    assert_int_equal(heard(s, SADB_ADD), 2);
    assert_true(added(s, 0).flags & SADB_F_RESUME && added(s, 1).flags & SADB_F_RESUME);
    assert_int_equal(added(s, 0).seq_first, 8193);
    assert_int_equal(added(s, 1).seq_first, 78);
    end(s);
}

static void without_counters_nothing_that_was_used_returns(void **state)
{
    struct side *s = begin(state);
    connect_datapath(s);
    answer(s, 0);
    add(s, 1, SADB_OUT);
    wanted_confirmed(s->b->c, 1);
    connect_datapath(s);
    add(s, 2, SADB_OUT); /* no datapath has heard of it */
    answer(s, 0);
    assert_int_equal(heard(s, SADB_ADD), 1);
    assert_int_equal(added(s, 0).sa, 2);
    end(s);
}

static void a_datapath_that_cannot_tell_is_emptied(void **state)
{
    struct side *s = begin(state);
    struct sadb_sa same = sa(1, SADB_IN);
    give_counters(s);
    connect_datapath(s);
    answer(s, 0);
    add(s, 1, SADB_IN);
    wanted_confirmed(s->b->c, 1);
    connect_datapath(s);
    wanted_seen(s->b->c, &same);
    answer(s, -ENOMEM);
    assert_int_equal(s->heard[0].type, SADB_FLUSH);
    assert_int_equal(added(s, 0).sa, 1);
    end(s);
}

struct loads {
    struct control *c;
    unsigned good, bad;
};

static void load(void *ctx, uint64_t key, const uint8_t *p, size_t n)
{
    struct loads *r = (struct loads *)ctx;
    uint8_t copy[2048];
    (void)key;
    assert_true(n < sizeof(copy));
    memcpy(copy, p, n);
    r->bad += !wanted_load(r->c, p, n - 1);
    r->good += wanted_load(r->c, p, n);
    r->bad += !wanted_load(r->c, p, n); /* the number is taken */
    memset(copy + offsetof(struct sadb_sa, sa), 0, 4);
    r->bad += !wanted_load(r->c, copy, n);
    memset(copy + offsetof(struct sadb_sa, sa), 0xff, 4);
    r->bad += !wanted_load(r->c, copy, n);
    memset(copy + offsetof(struct sadb_sa, sa), 1, 4);
    memset(copy + offsetof(struct sadb_sa, slot), 0xff, 4);
    r->bad += !wanted_load(r->c, copy, n);
}

static void a_successor_reads_what_was_wanted(void **state)
{
    struct side *s = begin(state);
    void *second = NULL;
    give_journal(s);
    connect_datapath(s);
    answer(s, 0);
    add(s, 1, SADB_OUT);
    add(s, 2, SADB_IN);
    wanted_confirmed(s->b->c, 1);
    assert_int_equal(bench_up(&second), 0);
    struct loads r = {.c = ((struct bench *)second)->c};
    struct journal *j = journal_open(dup(s->journal));
    assert_int_equal(journal_found(j), JOURNAL_KEPT);
    journal_each(j, JOURNAL_SA, load, &r);
    assert_int_equal(r.good, 2);
    assert_int_equal(r.bad, 2 * 5);
    struct sadb_sa m = sa(1, SADB_OUT);
    const struct wanted_sa *one = wanted_find(r.c, 1), *two = wanted_find(r.c, 2);
    assert_memory_equal(&one->m, &m, sizeof(m));
    assert_int_equal(one->state, WANTED_SETTLED);
    assert_int_equal(two->state, WANTED_SENT); /* maybe a datapath has it, maybe not */
    journal_close(j);
    bench_down(&second);
    end(s);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, bench_up, bench_down)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_told_before_the_dump_is_answered),
        TEST(what_is_gone_is_forgotten_everywhere),
        TEST(a_move_and_a_path_are_updates),
        TEST(a_dump_is_held_against_what_is_wanted),
        TEST(sas_go_on_behind_what_was_used),
        TEST(without_counters_nothing_that_was_used_returns),
        TEST(a_datapath_that_cannot_tell_is_emptied),
        TEST(a_successor_reads_what_was_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
