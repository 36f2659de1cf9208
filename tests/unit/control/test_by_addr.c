/* Peers, keys and entries found by address are those that a walk through all finds. */
#include "control/crypto/by_addr.h"
#include "tests/unit/control/bench.h"

#define PEERS  300
#define LOOKUP 2000

/* One of few addresses, so that many are alike; the generator is the same in each run. */
static struct addr some_addr(uint32_t *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    struct addr a = {.family = AF_INET,
                     .b = {10, 0, (uint8_t)(*seed >> 29), (uint8_t)(*seed >> 24 & 31)}};
    return a;
}

static struct prefix some_prefix(uint32_t *seed)
{
    static const uint8_t len[] = {32, 32, 32, 32, 24, 16, 31, 0};
    struct prefix p = {.addr = some_addr(seed)};
    p.len = len[*seed >> 16 & 7];
    if (!p.len)
        memset(&p, 0, sizeof(p)); /* by name: any address */
    return p.len ? prefix_make(&p.addr, p.len) : p;
}

static void peers_and_keys(void **state)
{
    struct intent i = {.n_peer = PEERS, .n_key = PEERS};
    uint32_t seed = 1;
    (void)state;
    i.peer = arena_array(&i.arena, struct intent_peer, PEERS);
    i.key = arena_array(&i.arena, struct intent_key, PEERS);
    for (uint32_t k = 0; k < PEERS; k++) {
        i.peer[k].remote = some_prefix(&seed);
        if (k % 5 == 0)
            i.peer[k].local = some_addr(&seed);
        i.key[k].remote = some_prefix(&seed);
        if (k % 7 == 0)
            i.key[k].local = some_addr(&seed);
    }
    struct intent plain = i;
    by_addr_index(&i);
    assert_non_null(i.peers);
    unsigned found = 0;
    for (unsigned n = 0; n < LOOKUP; n++) {
        struct ike_path p = {.local = some_addr(&seed), .remote = some_addr(&seed)};
        assert_ptr_equal(control_peer(&i, &p, NULL), control_peer(&plain, &p, NULL));
        assert_ptr_equal(control_key(&i, &p, NULL), control_key(&plain, &p, NULL));
        found += control_peer(&i, &p, NULL) != NULL;
    }
    assert_true(found > 0);
    intent_free(&i);
}

/* Numbers come in the order of the list, those of any address among them, and nobody else's. */
static void in_order(void **state)
{
    struct arena a = {0};
    struct by_addr *x = by_addr_new(&a, 6);
    struct addr one = adr("192.0.2.1"), two = adr("192.0.2.2"), none = adr("192.0.2.3");
    const uint32_t want[] = {1, 2, 4};
    (void)state;
    by_addr_note(x, &two, 0);
    by_addr_note(x, &one, 1);
    by_addr_note(x, NULL, 2);
    by_addr_note(x, &two, 3);
    by_addr_note(x, &one, 4);
    by_addr_sort(x);
    struct by_addr_walk w = by_addr_walk(x, 5, &one);
    for (size_t n = 0; n < 3; n++) {
        assert_true(by_addr_next(&w));
        assert_int_equal(w.at, want[n]);
    }
    assert_false(by_addr_next(&w));
    w = by_addr_walk(x, 5, &none);
    assert_true(by_addr_next(&w));
    assert_int_equal(w.at, 2);
    assert_false(by_addr_next(&w));
    w = by_addr_walk(NULL, 2, &one); /* without an index: all */
    for (uint32_t n = 0; n < 2; n++) {
        assert_true(by_addr_next(&w));
        assert_int_equal(w.at, n);
    }
    assert_false(by_addr_next(&w));
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(in_order),
                                       cmocka_unit_test(peers_and_keys)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
