/* The index of SAs by their numbers, beside a plain list. */
#include "control/ike/index.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define MANY 3000

struct thing {
    bool in;
    enum ike_index_kind kind;
    uint64_t number;
};

static uint64_t seed = 1;
static uint64_t next(void)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return seed >> 33;
}

static unsigned count(const struct ike_index *x, enum ike_index_kind kind, uint64_t number,
                      const void *what)
{
    const void *found;
    uint32_t at = 0;
    unsigned n = 0;
    while ((found = ike_index_next(x, kind, number, &at)) != NULL)
        n += found == what;
    return n;
}

/* Numbers that repeat, kinds that share numbers, all in any order. */
static void finds_what_is_there(void **state)
{
    static struct thing t[MANY];
    struct ike_index x = {0};
    uint32_t in = 0;
    (void)state;
    for (unsigned round = 0; round < 20 * MANY; round++) {
        struct thing *one = &t[next() % MANY];
        if (one->in) {
            ike_index_remove(&x, one->kind, one->number, one);
            one->in = false;
            in--;
        } else {
            one->kind = (enum ike_index_kind)(next() % 3);
            one->number = next() % 500 + (next() % 4 == 0 ? UINT64_C(1) << 50 : 0);
            assert_int_equal(ike_index_add(&x, one->kind, one->number, one), 0);
            one->in = true;
            in++;
        }
        assert_int_equal(x.n, in);
        const struct thing *other = &t[next() % MANY];
        assert_int_equal(count(&x, other->kind, other->number, other), other->in);
    }
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(count(&x, t[i].kind, t[i].number, &t[i]), t[i].in);
    for (unsigned i = 0; i < MANY; i++)
        if (t[i].in)
            ike_index_remove(&x, t[i].kind, t[i].number, &t[i]);
    assert_int_equal(x.n, 0);
    assert_null(x.slot);
}

static void one_that_stands_twice_goes_twice(void **state)
{
    struct ike_index x = {0};
    int sa = 0;
    (void)state;
    ike_index_remove(&x, IKE_BY_POLICY, 7, &sa); /* nothing is there */
    assert_int_equal(ike_index_add(&x, IKE_BY_POLICY, 7, &sa), 0);
    assert_int_equal(ike_index_add(&x, IKE_BY_POLICY, 7, &sa), 0);
    assert_int_equal(count(&x, IKE_BY_POLICY, 7, &sa), 2);
    ike_index_remove(&x, IKE_BY_HANDLE, 7, &sa); /* another kind */
    ike_index_remove(&x, IKE_BY_POLICY, 7, &sa);
    assert_int_equal(count(&x, IKE_BY_POLICY, 7, &sa), 1);
    ike_index_free(&x);
}

static void a_child_by_each_of_its_numbers(void **state)
{
    struct ike_child_state c[2] = {{.policy = 5, .sa_in = 1, .sa_out = 2},
                                   {.policy = 5, .sa_in = 3, .sa_out = 4}};
    struct ike_sa_state s = {.n_children = 2, .child = c};
    struct ike_index x = {0};
    int sa = 0;
    (void)state;
    assert_int_equal(ike_index_children(&x, &s, &sa), 0);
    for (uint32_t h = 1; h <= 4; h++)
        assert_int_equal(count(&x, IKE_BY_HANDLE, h, &sa), 1);
    assert_int_equal(count(&x, IKE_BY_POLICY, 5, &sa), 2);
    ike_index_no_child(&x, &c[1], &sa);
    assert_int_equal(count(&x, IKE_BY_HANDLE, 3, &sa), 0);
    assert_int_equal(count(&x, IKE_BY_POLICY, 5, &sa), 1);
    ike_index_no_children(&x, &s, &sa);
    assert_int_equal(x.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_is_there),
        cmocka_unit_test(one_that_stands_twice_goes_twice),
        cmocka_unit_test(a_child_by_each_of_its_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
