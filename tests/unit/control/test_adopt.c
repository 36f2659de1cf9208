/*
 * Taking over, alone: what stands in the journal of an engine before, good and bad, and what of it
 * a successor takes, gives to whom, and forgets. The datapath holds nothing.
 */
#include "bench.h"
#include "control/journal.h"

#include <fcntl.h>
#include <sys/mman.h>

/* Records as adopt.c writes them. */
struct line_record {
    uint32_t policy, slot, ifid, seq;
    struct selector sel;
    uint32_t claimed;
};

struct count_record {
    uint32_t last_policy, last_sa, last_shared;
    uint64_t ended_drops[DP_CAUSES];
};

struct sa_record {
    uint32_t settled;
    uint64_t limit;
    struct sadb_sa m;
};

static int memory(void)
{
    int fd = memfd_create("journal", MFD_CLOEXEC);
    assert_int_equal(ftruncate(fd, JOURNAL_SIZE), 0);
    return fd;
}

static void put(int fd, enum journal_kind kind, uint64_t key, const void *p, size_t n)
{
    struct journal *j = journal_open(dup(fd));
    assert_non_null(j);
    assert_int_equal(journal_put(j, kind, key, p, n), 0);
    journal_close(j);
}

static void count_one(void *ctx, uint64_t key, const uint8_t *p, size_t n)
{
    (void)key;
    (void)p;
    (void)n;
    ++*(unsigned *)ctx;
}

static unsigned records(const struct bench *b, enum journal_kind kind)
{
    unsigned n = 0;
    journal_each(b->c->journal, kind, count_one, &n);
    return n;
}

static void put_numbers(int fd, uint32_t last_policy, uint32_t last_sa)
{
    struct count_record r;
    memset(&r, 0, sizeof(r));
    r.last_policy = last_policy;
    r.last_sa = last_sa;
    r.last_shared = WANTED_SHARED + 6;
    r.ended_drops[DP_REPLAY] = 5;
    put(fd, JOURNAL_NUMBERS, 0, &r, sizeof(r));
}

static struct selector seed_line(void)
{
    return sel("10.10.10.0", 24, "192.168.10.0", 24);
}

static struct line_record line(uint32_t policy, uint32_t slot)
{
    struct line_record r;
    memset(&r, 0, sizeof(r));
    r.policy = policy;
    r.slot = slot;
    r.ifid = 1;
    r.seq = 1;
    r.sel = seed_line();
    return r;
}

static void put_line(int fd, const struct line_record *r)
{
    put(fd, JOURNAL_IDENTITY, r->policy, r, sizeof(*r));
}

static void put_sa(int fd, uint32_t id, uint32_t slot)
{
    struct sa_record r;
    memset(&r, 0, sizeof(r));
    r.m.sa = id;
    r.m.slot = slot;
    r.m.ifid = 1;
    r.m.policy = 5;
    r.m.spi = 0x1000 + id;
    r.m.dir = SADB_IN;
    put(fd, JOURNAL_SA, id, &r, offsetof(struct sa_record, m.ts));
}

static bool taken(const struct bench *b, uint32_t slot)
{
    return b->c->ids.slots[slot / 64] >> slot % 64 & 1;
}

/* Policies of the last SADB_SPD_SET. */
static uint32_t policy_told(const struct bench *b)
{
    struct sadb_spd_entry e;
    for (size_t i = b->n_told; i-- > 0;) {
        if (b->told[i].type != SADB_SPD_SET)
            continue;
        memcpy(&e, b->told[i].data + sizeof(struct sadb_spd_set), sizeof(e));
        return e.policy;
    }
    return 0;
}

/* --- numbers
 * --------------------------------------------------------------------------------------
 */

static void a_line_gets_its_numbers_again_once(void **state)
{
    struct bench *b = (struct bench *)*state;
    struct line_record r = line(5, 40), other = line(6, 41);
    struct selector stranger = sel("10.10.10.0", 24, "192.168.11.0", 24);
    uint32_t policy = 0, slot = 0;
    int fd = memory();
    other.seq = 2;
    put_numbers(fd, 9, 30);
    put_line(fd, &r);
    put_line(fd, &other);
    adopt_journal(b->c, fd);
    assert_true(b->c->ids.last_policy == 9 && b->c->ids.last_sa == 30);
    assert_int_equal(b->c->ids.last_shared, WANTED_SHARED + 6);
    assert_true(taken(b, 40) && taken(b, 41));
    assert_false(adopt_numbers(b->c, 1, 1, &stranger, &policy, &slot));
    assert_false(adopt_numbers(b->c, 2, 1, &r.sel, &policy, &slot));
    assert_true(adopt_numbers(b->c, 1, 2, &r.sel, &policy, &slot));
    assert_true(policy == 6 && slot == 41);
    assert_true(adopt_numbers(b->c, 1, 1, &r.sel, &policy, &slot));
    assert_true(policy == 5 && slot == 40);
    assert_false(adopt_numbers(b->c, 1, 1, &r.sel, &policy, &slot));
    uint64_t drops[DP_CAUSES];
    query_drops(b->c, drops);
    assert_int_equal(drops[DP_REPLAY], 5); /* counting goes on, too */
}

static void the_configuration_takes_what_is_its_own(void **state)
{
    struct bench *b = (struct bench *)*state;
    struct line_record mine = line(5, 40), gone = line(6, 41);
    int fd = memory();
    gone.seq = 77; /* of an entry that is not configured any more */
    put_numbers(fd, 9, 30);
    put_line(fd, &mine);
    put_line(fd, &gone);
    adopt_journal(b->c, fd);
    bench_seed(state);
    assert_int_equal(policy_told(b), 5);
    assert_true(taken(b, 40));
    assert_false(taken(b, 41));
    assert_int_equal(records(b, JOURNAL_IDENTITY), 1);
    assert_int_equal(b->c->ids.last_policy, 9); /* none was given out anew */
    assert_int_equal(TOLD(b, SADB_SPD_FLUSH), 0);
}

static void lines_that_are_new_are_written_down(void **state)
{
    struct bench *b = (struct bench *)*state;
    struct wish w = seed_wish();
    adopt_journal(b->c, memory());
    bench_seed(state);
    assert_int_equal(records(b, JOURNAL_IDENTITY), 1);
    assert_int_equal(records(b, JOURNAL_NUMBERS), 1);
    w.lines = 3;
    wish_apply(b, &w);
    assert_int_equal(records(b, JOURNAL_IDENTITY), 3);
    w.map = false;
    wish_apply(b, &w);
    assert_int_equal(records(b, JOURNAL_IDENTITY), 0);
}

/* --- what is no good
 * ------------------------------------------------------------------------------
 */

static void records_without_meaning_are_forgotten(void **state)
{
    struct bench *b = (struct bench *)*state;
    struct line_record good = line(5, 40), late = line(10, 42), port = line(4, 43),
                       slot = line(3, 40), place = line(2, DPSTATS_SLOTS), other = line(1, 44);
    int fd = memory();
    put_numbers(fd, 9, 30);
    port.ifid = TANDEM_IFIDS + 1;
    put_line(fd, &good);
    put_line(fd, &late); /* a number that was never given out */
    put_line(fd, &port);
    put_line(fd, &slot); /* one of the two has it */
    put_line(fd, &place);
    put(fd, JOURNAL_IDENTITY, 7, &other, sizeof(other)); /* under another's number */
    put(fd, JOURNAL_IDENTITY, 8, &good, sizeof(good) - 1);
    put_sa(fd, 11, 50);
    put_sa(fd, 12, 50);
    put(fd, JOURNAL_SA, 13, &good, sizeof(good));
    adopt_journal(b->c, fd);
    assert_int_equal(b->c->adopt.n, 1);
    assert_int_equal(records(b, JOURNAL_IDENTITY), 1);
    assert_int_equal(records(b, JOURNAL_SA), 1);
    assert_true(taken(b, 40) && taken(b, 50));
    assert_false(taken(b, 42) || taken(b, 43) || taken(b, 44));
}

static void a_journal_is_read_once_and_before_the_configuration(void **state)
{
    struct bench *b = (struct bench *)*state;
    struct line_record r = line(5, 40);
    int first = memory(), second = memory();
    put_numbers(second, 9, 30);
    put_line(second, &r);
    adopt_journal(b->c, first);
    adopt_journal(b->c, second);
    assert_int_equal(b->c->adopt.n, 0);
    assert_int_equal(b->c->ids.last_policy, 0);
    assert_int_equal(fcntl(second, F_GETFD), -1); /* it took the descriptor all the same */
    bench_seed(state);
    assert_int_equal(policy_told(b), 1);
}

/* --- SAs and policies
 * -----------------------------------------------------------------------------
 */

static void an_sa_without_a_child_goes(void **state)
{
    struct bench *b = (struct bench *)*state;
    int fd = memory();
    put_numbers(fd, 9, 30);
    put_sa(fd, 11, 50);
    adopt_journal(b->c, fd);
    assert_non_null(wanted_find(b->c, 11));
    assert_true(taken(b, 50));
    bench_seed(state);
    assert_null(wanted_find(b->c, 11));
    assert_int_equal(records(b, JOURNAL_SA), 0);
    assert_false(taken(b, 50));
    assert_int_equal(TOLD(b, SADB_ADD), 0);
}

static void policies_that_nobody_wants_go_once(void **state)
{
    struct bench *b = (struct bench *)*state;
    struct line_record mine = line(5, 40), inside = line(6, 41);
    struct sadb_ref r = {0};
    int fd = memory();
    inside.ifid = 2; /* had a map once */
    put_numbers(fd, 9, 30);
    put_line(fd, &mine);
    put_line(fd, &inside);
    adopt_journal(b->c, fd);
    bench_seed(state);
    assert_int_equal(TOLD(b, SADB_SPD_FLUSH), 1);
    for (size_t i = 0; i < b->n_told; i++)
        if (b->told[i].type == SADB_SPD_FLUSH)
            memcpy(&r, b->told[i].data, sizeof(r));
    assert_int_equal(r.ifid, 2);
    bench_datapath(b); /* the next one has none */
    settle(b);
    assert_int_equal(TOLD(b, SADB_SPD_FLUSH), 1);
    assert_int_equal(policy_told(b), 5);
}

/* `mtu` and then `no mtu`, with an engine that was killed in between. */
static void a_device_has_its_own_mtu_again(void **state)
{
    struct bench *b = (struct bench *)*state;
    int fd = memory();
    struct wish w = seed_wish();
    uint32_t was = 1480;
    bench_link(b, "eth0", true, 1500);
    bench_link(b, "eth1", true, 1500);
    control_set_ports(b->c, "GigabitEthernet0/0 eth0\nGigabitEthernet0/1 eth1\n", true);
    uint32_t index = bench_find(b, "eth0")->ifindex;
    bench_find(b, "eth0")->mtu = 1400; /* by the engine before */
    put(fd, JOURNAL_MTU, index, &was, sizeof(was));
    put(fd, JOURNAL_MTU, 4711, &was, sizeof(was)); /* a device that is gone */
    adopt_journal(b->c, fd);
    w.mtu = 1400;
    wish_apply(b, &w);
    assert_int_equal(bench_find(b, "eth0")->mtu, 1400);
    assert_int_equal(records(b, JOURNAL_MTU), 1);
    w.mtu = 0;
    wish_apply(b, &w);
    assert_int_equal(bench_find(b, "eth0")->mtu, 1480);
    assert_int_equal(records(b, JOURNAL_MTU), 0);
    w.mtu = 1300; /* and for the next one */
    wish_apply(b, &w);
    assert_int_equal(bench_find(b, "eth0")->mtu, 1300);
    assert_int_equal(records(b, JOURNAL_MTU), 1);
}

static void without_a_journal_all_policies_go(void **state)
{
    struct bench *b = bench_seed(state);
    assert_int_equal(TOLD(b, SADB_SPD_FLUSH), 1);
    size_t flush = 0, set = 0;
    for (size_t i = 0; i < b->n_told; i++) {
        if (b->told[i].type == SADB_SPD_FLUSH)
            flush = i;
        if (b->told[i].type == SADB_SPD_SET)
            set = i;
    }
    assert_true(flush < set); /* not those that are wanted */
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, bench_up, bench_down)
    const struct CMUnitTest tests[] = {
        TEST(a_line_gets_its_numbers_again_once),
        TEST(the_configuration_takes_what_is_its_own),
        TEST(lines_that_are_new_are_written_down),
        TEST(records_without_meaning_are_forgotten),
        TEST(a_journal_is_read_once_and_before_the_configuration),
        TEST(an_sa_without_a_child_goes),
        TEST(policies_that_nobody_wants_go_once),
        TEST(a_device_has_its_own_mtu_again),
        TEST(without_a_journal_all_policies_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
