/* The replay window against a naive set that remembers everything. */
#include <stdio.h>
#include "support.h"
#include "dataplane/replay.h"

#define RANGE 60000

static bool naive[RANGE];

static bool naive_accept(uint64_t *top, uint32_t window, uint64_t seq)
{
    if (seq == 0 || (seq <= *top && (*top - seq >= window || naive[seq])))
        return false;
    naive[seq] = true;
    if (seq > *top)
        *top = seq;
    return true;
}

static void compare(uint32_t window, uint64_t seed)
{
    struct replay r;
    uint64_t top = 0;
    memset(naive, 0, sizeof naive);
    assert_int_equal(replay_init(&r, window, 0), 0);
    unsigned i;
    for (i = 0; i < 20000; i++) {
        uint64_t step = rnd(&seed) % 8, seq;
        uint64_t back = rnd(&seed) % 8;
        if (step < 5) /* near the top, on both sides */
            seq = top + 4 > back ? top + 4 - back : 0;
        else if (step < 7) /* anywhere in and around the window */
            seq = top > window + 100 ? top - rnd(&seed) % (window + 100) : rnd(&seed) % (top + 1);
        else /* a jump, sometimes beyond the whole ring */
            seq = top + rnd(&seed) % (i % 50 == 0 ? 600 : 40);
        if (seq >= RANGE)
            break;
        bool fresh = replay_fresh(&r, seq);
        bool want = naive_accept(&top, window, seq);
        assert_int_equal(fresh, want);
        assert_int_equal(replay_accept(&r, seq), want);
        assert_int_equal(r.top, top);
    }
    assert_true(i > 1000);
    replay_free(&r);
}

static void test_against_set(void **state)
{
    (void)state;
    static const uint32_t windows[] = {1, 32, 63, 64, 65, 128, 1000, 1024, 4096, 8192};
    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++)
        for (uint64_t seed = 1; seed <= 8; seed++)
            compare(windows[i], seed * 6479);
}

static void test_edges(void **state)
{
    (void)state;
    struct replay r;
    assert_int_equal(replay_init(&r, 64, 0), 0);
    assert_false(replay_accept(&r, 0));
    assert_true(replay_accept(&r, UINT32_MAX));
    assert_false(replay_accept(&r, UINT32_MAX));
    assert_true(replay_accept(&r, (uint64_t)UINT32_MAX - 63));
    assert_false(replay_accept(&r, (uint64_t)UINT32_MAX - 64));
    replay_free(&r);
    assert_int_equal(replay_init(&r, 100000, 0), 0); /* taken up to the maximum */
    assert_int_equal(r.window, REPLAY_MAX);
    replay_free(&r);
    assert_int_equal(replay_init(&r, 64, 1000), 0); /* all up to 1000 was seen */
    assert_false(replay_fresh(&r, 1000));
    assert_false(replay_fresh(&r, 950));
    assert_true(replay_accept(&r, 1001));
    assert_true(replay_accept(&r, 1064));
    assert_true(replay_accept(&r, 1063));
    replay_free(&r);
}

static void test_switched_off(void **state)
{
    (void)state;
    struct replay r;
    uint64_t out[16];
    assert_int_equal(replay_init(&r, 0, 0), 0);
    assert_null(r.bits); /* no memory for what is not remembered */
    for (int i = 0; i < 3; i++) {
        assert_true(replay_accept(&r, 70000));
        assert_true(replay_accept(&r, 5));
    }
    assert_int_equal(r.top, 70000);
    replay_export(&r, out);
    for (int k = 0; k < 16; k++)
        assert_int_equal(out[k], 0);
    replay_free(&r);
}

/* RFC 4303 appendix A2.2 */
static void test_extended_numbers(void **state)
{
    (void)state;
    struct replay r;
    assert_int_equal(replay_init(&r, 64, 0), 0);
    assert_int_equal(replay_extend(&r, 5, true), 5);
    assert_int_equal(replay_extend(&r, 0xfffffff0u, false), 0xfffffff0u);
    uint64_t top = UINT64_C(7) << 32 | 1000;
    assert_true(replay_accept(&r, top));
    assert_int_equal(replay_extend(&r, 1001, true), top + 1);
    assert_int_equal(replay_extend(&r, 990, true), top - 10);
    /* below the window: it must be the next subspace */
    assert_int_equal(replay_extend(&r, 900, true), UINT64_C(8) << 32 | 900);
    top = UINT64_C(8) << 32 | 10; /* the window's tail is in the subspace before */
    assert_true(replay_accept(&r, top));
    assert_int_equal(replay_extend(&r, 0xfffffff0u, true), UINT64_C(7) << 32 | 0xfffffff0u);
    assert_int_equal(replay_extend(&r, 11, true), top + 1);
    replay_free(&r);
}

static void test_export(void **state)
{
    (void)state;
    struct replay r;
    uint64_t seed = 99, out[16];
    memset(naive, 0, sizeof naive);
    assert_int_equal(replay_init(&r, 2048, 0), 0);
    uint64_t top = 0;
    for (int i = 0; i < 4000; i++) {
        uint64_t seq = top + 1 + rnd(&seed) % 3;
        naive_accept(&top, 2048, seq);
        assert_true(replay_accept(&r, seq));
        if (i % 97)
            continue;
        replay_export(&r, out);
        for (uint64_t k = 0; k < 1024; k++) {
            bool want = k < top && naive[top - k];
            assert_int_equal(out[k / 64] >> (k % 64) & 1, want);
        }
    }
    replay_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_set),  cmocka_unit_test(test_edges),
        cmocka_unit_test(test_switched_off), cmocka_unit_test(test_extended_numbers),
        cmocka_unit_test(test_export),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
