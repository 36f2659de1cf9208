/* The crypto table against a model that asks, address by address, what IOS would do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/crypto/table.h"
#include <stdlib.h>
#include <string.h>

static struct prefix pfx(uint32_t a, unsigned len)
{
    struct addr x = addr_from_v4(a);
    return prefix_make(&x, len);
}

static struct table_in in(const char *a, unsigned len, uint32_t ifid)
{
    struct addr x;
    assert_int_equal(addr_parse(a, &x), 0);
    return (struct table_in){.dst = prefix_make(&x, len), .ifid = ifid};
}

/* The model: longest RIB prefix, then the first of its ways whose interface protects the address.
 * 0: main. */
static uint32_t model(const struct table_in *rib, size_t n_rib, const struct table_in *prot,
                      size_t n_prot, const struct addr *x)
{
    const struct table_in *best = NULL;
    for (size_t i = 0; i < n_rib; i++)
        if (prefix_contains(&rib[i].dst, x) && (!best || rib[i].dst.len > best->dst.len))
            best = &rib[i];
    for (size_t k = 0; best && k < n_rib; k++)
        for (size_t i = 0; prefix_cmp(&rib[k].dst, &best->dst) == 0 && rib[k].ifid && i < n_prot;
             i++)
            if (prot[i].ifid == rib[k].ifid && prefix_contains(&prot[i].dst, x))
                return rib[k].ifid;
    return 0;
}

/* What the kernel does with the table: longest match; throw and no match both mean main. */
static uint32_t lookup(const struct table_entry *t, size_t n, const struct addr *x)
{
    const struct table_entry *best = NULL;
    for (size_t i = 0; i < n; i++)
        if (prefix_contains(&t[i].dst, x) && (!best || t[i].dst.len > best->dst.len))
            best = &t[i];
    return best ? best->ifid : 0;
}

static size_t check(const struct table_in *rib, size_t n_rib, const struct table_in *prot,
                    size_t n_prot, uint32_t max, const struct addr *x, size_t n_x)
{
    struct table_entry *t;
    size_t n;
    assert_int_equal(table_compute(rib, n_rib, prot, n_prot, max, &t, &n), 0);
    for (size_t i = 1; i < n; i++)
        assert_true(prefix_cmp(&t[i - 1].dst, &t[i].dst) < 0);
    for (size_t i = 0; i < n_x; i++)
        assert_int_equal(lookup(t, n, &x[i]), model(rib, n_rib, prot, n_prot, &x[i]));
    free(t);
    return n;
}

static void seed_000(void **state)
{
    /* both interfaces bear the map; the default leaves by 1, then by 2 */
    struct table_in rib[] = {in("203.0.113.0", 24, 1), in("198.51.100.0", 24, 2),
                             in("192.168.10.0", 24, 3), in("0.0.0.0", 0, 1)};
    struct table_in prot[] = {in("10.10.10.0", 24, 1), in("10.10.10.0", 24, 2)};
    struct table_entry *t;
    size_t n;
    (void)state;
    assert_int_equal(table_compute(rib, 4, prot, 2, 3, &t, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(t[0].ifid, 1);
    assert_int_equal(t[0].dst.len, 24);
    free(t);
    rib[3].ifid = 2;
    assert_int_equal(table_compute(rib, 4, prot, 2, 3, &t, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(t[0].ifid, 2);
    free(t);
    rib[3].ifid = 3; /* no map there: nothing of ours */
    assert_int_equal(table_compute(rib, 4, prot, 2, 3, &t, &n), 0);
    assert_int_equal(n, 0);
    free(t);
}

static void any_to_any(void **state)
{
    /* D is everything: connected networks elsewhere need a throw */
    struct table_in rib[] = {in("0.0.0.0", 0, 1), in("10.0.0.0", 8, 2), in("10.1.0.0", 16, 1)};
    struct table_in prot[] = {in("0.0.0.0", 0, 1)};
    struct table_entry *t;
    size_t n;
    (void)state;
    assert_int_equal(table_compute(rib, 3, prot, 1, 2, &t, &n), 0);
    assert_int_equal(n, 3);
    assert_int_equal(t[0].ifid, 1);
    assert_int_equal(t[1].ifid, 0);
    assert_int_equal(t[2].ifid, 1);
    free(t);
    assert_int_equal(table_compute(rib, 3, NULL, 0, 2, &t, &n), 0);
    assert_int_equal(n, 0);
    assert_null(t);
}

/* Prefixes from a small space, so that they nest and collide a lot. */
static struct table_in random_in(uint32_t max, bool zero_too)
{
    unsigned len = (unsigned)(rand() % 13);
    uint32_t a = 0x0a000000u | ((uint32_t)rand() & 0xff) << 4;
    uint32_t ifid = zero_too ? (uint32_t)rand() % (max + 1) : 1 + (uint32_t)rand() % max;
    return (struct table_in){.dst = pfx(a, len ? 20 + len : 0), .ifid = ifid};
}

static void against_the_model(void **state)
{
    enum { RIB = 40, PROT = 40, MAX = 4 };
    struct addr all[0x1000 / 4 + 1];
    (void)state;
    srand(7);
    for (uint32_t i = 0; i < 0x1000 / 4; i++)
        all[i] = addr_from_v4(0x0a000000u + i * 4);
    all[0x1000 / 4] = addr_from_v4(0xc0000201u);
    for (int round = 0; round < 300; round++) {
        struct table_in rib[RIB], prot[PROT];
        size_t n_rib = 0, n_prot = 1 + (size_t)rand() % PROT;
        for (size_t tries = 1 + (size_t)rand() % RIB; tries--;) {
            struct table_in r = random_in(MAX, true);
            rib[n_rib++] = r; /* some prefixes have several ways */
        }
        for (size_t i = 0; i < n_prot; i++)
            prot[i] = random_in(MAX, false);
        check(rib, n_rib, prot, n_prot, MAX, all, sizeof(all) / sizeof(*all));
    }
}

static void ten_thousand(void **state)
{
    enum { N = 10000 };
    struct table_in *prot = (struct table_in *)calloc(N, sizeof(*prot));
    struct table_in rib[] = {in("0.0.0.0", 0, 1), in("192.0.2.0", 24, 2)};
    struct table_entry *t;
    size_t n;
    (void)state;
    assert_non_null(prot);
    for (uint32_t i = 0; i < N; i++)
        prot[i] = (struct table_in){.dst = pfx(0x0a000000u + (i << 9), 24), .ifid = 1};
    assert_int_equal(table_compute(rib, 2, prot, N, 2, &t, &n), 0);
    assert_int_equal(n, N);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(t[i].ifid, 1);
    free(t);
    free(prot);
}

static void ranges(void **state)
{
    struct table_in *v = NULL;
    size_t n = 0, cap = 0;
    struct addr_range r = {.lo = addr_from_v4(0x0a000001u), .hi = addr_from_v4(0x0a00000au)};
    (void)state;
    assert_true(table_add_range(&v, &n, &cap, &r, 3)); /* .1 .2/31 .4/30 .8/31 .10 */
    assert_int_equal(n, 5);
    for (uint32_t a = 0x0a000000u; a <= 0x0a00000cu; a++) {
        struct addr x = addr_from_v4(a);
        unsigned hits = 0;
        for (size_t i = 0; i < n; i++)
            hits += prefix_contains(&v[i].dst, &x);
        assert_int_equal(hits, a >= 0x0a000001u && a <= 0x0a00000au);
    }
    n = 0;
    r = (struct addr_range){.lo = addr_from_v4(0), .hi = addr_from_v4(UINT32_MAX)};
    assert_true(table_add_range(&v, &n, &cap, &r, 3));
    assert_int_equal(n, 1);
    assert_int_equal(v[0].dst.len, 0);
    n = 0;
    r = (struct addr_range){.lo = addr_from_v4(1), .hi = addr_from_v4(UINT32_MAX - 1)};
    assert_true(table_add_range(&v, &n, &cap, &r, 3));
    assert_int_equal(n, 62);
    n = 0;
    r = (struct addr_range){.lo = addr_from_v4(5), .hi = addr_from_v4(4)};
    assert_true(table_add_range(&v, &n, &cap, &r, 3));
    assert_int_equal(n, 0);
    free(v);
}

static struct table_in in6(const char *dst, unsigned len, uint32_t ifid)
{
    struct table_in t = {.dst = {.len = (uint8_t)len}, .ifid = ifid};
    assert_int_equal(addr_parse(dst, &t.dst.addr), 0);
    return t;
}

/* Both families in one table, neither looking at the other; what belongs to a link is passed on. */
static void two_families(void **state)
{
    struct table_in rib[] = {in("0.0.0.0", 0, 1), in6("::", 0, 1), in6("fe80::", 10, 0),
                             in6("ff00::", 8, 0), in6("2001:db8:1::", 48, 2)};
    struct table_in prot[] = {in6("::", 0, 1)};
    struct table_entry *t;
    size_t n;
    (void)state;
    assert_int_equal(table_compute(rib, 5, prot, 1, 2, &t, &n), 0);
    assert_int_equal(n, 4);
    assert_true(t[0].dst.len == 0 && t[0].dst.addr.family == AF_INET6 && t[0].ifid == 1);
    for (size_t i = 1; i < n; i++)
        assert_int_equal(t[i].ifid, 0); /* the other interface's network, fe80::/10, ff00::/8 */
    free(t);
    prot[0] = in6("2001:db8:2::", 48, 1);
    assert_int_equal(table_compute(rib, 5, prot, 1, 2, &t, &n), 0);
    assert_int_equal(n, 1); /* nothing else is said where no entry surrounds it */
    assert_int_equal(t[0].dst.len, 48);
    free(t);
}

static void ranges6(void **state)
{
    struct table_in *v = NULL;
    size_t n = 0, cap = 0;
    struct addr_range r = {.lo = {.family = AF_INET6}, .hi = {.family = AF_INET6}};
    (void)state;
    memset(r.hi.b, 0xff, 16);
    assert_true(table_add_range(&v, &n, &cap, &r, 3));
    assert_true(n == 1 && v[0].dst.len == 0);
    n = 0;
    r.lo.b[15] = 1;
    r.hi.b[15] = 0xfe;
    assert_true(table_add_range(&v, &n, &cap, &r, 3));
    assert_int_equal(n, 254); /* the most there can be */
    for (size_t i = 1; i < n; i++)
        assert_true(addr_cmp(&v[i - 1].dst.addr, &v[i].dst.addr) < 0);
    free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seed_000),     cmocka_unit_test(any_to_any),
        cmocka_unit_test(ranges),       cmocka_unit_test(against_the_model),
        cmocka_unit_test(ten_thousand), cmocka_unit_test(two_families),
        cmocka_unit_test(ranges6),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
