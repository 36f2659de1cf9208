/* Counters, hits of access lists, ports; saving; debug levels. */
#include "bench.h"
#include <sys/mman.h>

/* The datapath's side of the counters. */
static struct dpstats *give_stats(struct bench *b)
{
    int fd = memfd_create("stats", 0);
    assert_true(fd >= 0 && ftruncate(fd, sizeof(struct dpstats)) == 0);
    void *p = mmap(NULL, sizeof(struct dpstats), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(p != MAP_FAILED);
    control_set_socket(b->c, SOCK_STATS, fd);
    return (struct dpstats *)p;
}

static void counters(void **state)
{
    struct bench *b = bench_seed(state);
    assert_null(query_counters(b->c, 0));
    assert_null(query_total(b->c));
    assert_int_equal(control_clear_ipsec_counters(b->c), 0);
    struct dpstats *s = give_stats(b);
    uint32_t slot = b->c->ids.by_policy[0]->slot;
    s->slot[slot].packets = 7;
    s->slot[slot].bytes = 700;
    s->slot[slot].drops[DP_NO_SA] = 2;
    s->slot[slot].seq = 9;
    s->total.drops[DP_UNKNOWN_SPI] = 3;
    assert_int_equal(query_counters(b->c, slot)->packets, 7);
    assert_int_equal(query_total(b->c)->drops[DP_UNKNOWN_SPI], 3);
    assert_null(query_counters(b->c, SADB_NO_SLOT));
    assert_int_equal(query_acl_hits(b->c, "CRYPTO-2", 1), 7);
    assert_int_equal(query_acl_hits(b->c, "CRYPTO-2", 2), 0);
    assert_int_equal(query_acl_hits(b->c, "OTHER", 1), 0);

    assert_int_equal(control_clear_ipsec_counters(b->c), 1);
    assert_int_equal(query_counters(b->c, slot)->packets, 0);
    s->slot[slot].packets = 10;
    const struct dp_counters *one = query_counters(b->c, slot);
    const struct dp_counters *two = query_counters(b->c, slot + 1);
    assert_int_equal(one->packets, 3); /* still there after the next was asked for */
    assert_int_equal(two->packets, 0);
    assert_int_equal(one->bytes, 0);
    assert_int_equal(one->drops[DP_NO_SA], 0);
    assert_int_equal(one->seq, 9); /* a number, not a count */

    struct wish w = seed_wish();
    w.lines = 0;
    wish_apply(b, &w); /* the slot is free, and taken again by another line */
    w.lines = 1;
    wish_apply(b, &w);
    assert_int_equal(b->c->ids.by_policy[0]->slot, slot);
    s->slot[slot].packets = 1; /* the datapath began at zero */
    assert_int_equal(query_counters(b->c, slot)->packets, 1);
    munmap(s, sizeof(*s));
}

static void stats_too_small(void **state)
{
    struct bench *b = bench_seed(state);
    int fd = memfd_create("stats", 0);
    assert_int_equal(ftruncate(fd, 4096), 0);
    control_set_socket(b->c, SOCK_STATS, fd);
    assert_null(query_total(b->c));
}

struct names {
    char text[256];
};

static bool add_name(void *ctx, const struct query_port *p)
{
    struct names *n = (struct names *)ctx;
    size_t len = strlen(n->text);
    snprintf(n->text + len, sizeof(n->text) - len, "%s=%s ", p->name, p->netdev);
    return true;
}

static void ports_in_order_of_names(void **state)
{
    struct bench *b = (struct bench *)*state;
    struct names n = {""};
    bench_link(b, "a", true, 1500);
    control_set_ports(b->c, "Gi0/10 x\nGi0/9 a\nGi0/1 y\nFa0/2 z\n", false);
    query_ports(b->c, add_name, &n);
    assert_string_equal(n.text, "Fa0/2= Gi0/1= Gi0/9=a Gi0/10= ");
}

static void on_saved(void *ctx, int err)
{
    *(int *)ctx = err;
}

static void saving(void **state)
{
    struct bench *b = bench_seed(state);
    int err = 1;
    assert_int_equal(control_save(b->c, "startup-config", "hostname X\n", 11, on_saved, &err), 0);
    assert_int_equal(err, 1); /* not before the launcher says so */
    settle(b);
    assert_int_equal(err, 0);
    assert_string_equal(b->saved, "hostname X\n");
    struct lr_save r;
    memcpy(&r, b->asked[b->n_asked - 1].data, sizeof(r));
    assert_string_equal(r.name, "startup-config");
    assert_int_equal(r.erase, 0);

    b->refuse = LR_SAVE;
    assert_int_equal(control_erase(b->c, "startup-config", on_saved, &err), 0);
    settle(b);
    assert_int_equal(err, -EPERM);
    memcpy(&r, b->asked[b->n_asked - 1].data, sizeof(r));
    assert_int_equal(r.erase, 1);
    assert_int_equal(control_save(b->c, "a-name-that-is-longer-than-thirty-two", "", 0, NULL, NULL),
                     -ENAMETOOLONG);
}

static void debug_levels(void **state)
{
    struct bench *b = (struct bench *)*state;
    assert_false(control_ike_host.debug_on(b->c, IKE_DBG_PROTOCOL, 1));
    control_debug(b->c, IKE_DBG_PROTOCOL, 127);
    assert_int_equal(control_debug_level(b->c, IKE_DBG_PROTOCOL), 127);
    assert_true(control_ike_host.debug_on(b->c, IKE_DBG_PROTOCOL, 127));
    assert_false(control_ike_host.debug_on(b->c, IKE_DBG_PROTOCOL, 128));
    assert_false(control_ike_host.debug_on(b->c, IKE_DBG_PLATFORM, 1));
    control_ike_host.debug(b->c, IKE_DBG_PROTOCOL, 4, "IKEv2-PROTO-4: words");
    assert_string_equal(b->notice, "IKEv2-PROTO-4: words");
}

/* Which classes each form of IOS turns on. */
static void debug_forms_of_ios(void **state)
{
    struct bench *b = (struct bench *)*state;
    static const struct {
        unsigned form, level;
        bool platform, protocol, packet, error;
    } row[] = {
        {CONTROL_DEBUG_DEFAULT, 4, false, true, true, true},
        {CONTROL_DEBUG_ERROR, 4, false, false, false, true},
        {CONTROL_DEBUG_INTERNAL, 5, true, true, false, false},
        {CONTROL_DEBUG_PACKET, 4, false, false, true, false},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        bool (*on)(void *, enum ike_debug, unsigned) = control_ike_host.debug_on;
        control_debug(b->c, row[i].form, 1);
        assert_int_equal(on(b->c, IKE_DBG_PLATFORM, row[i].level), row[i].platform);
        assert_int_equal(on(b->c, IKE_DBG_PROTOCOL, row[i].level), row[i].protocol);
        assert_int_equal(on(b->c, IKE_DBG_PACKET, row[i].level), row[i].packet);
        assert_int_equal(on(b->c, IKE_DBG_ERROR, row[i].level), row[i].error);
        control_debug(b->c, row[i].form, 0);
        assert_false(on(b->c, IKE_DBG_ERROR, 1) || on(b->c, IKE_DBG_PACKET, 1));
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, bench_up, bench_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(counters), T(stats_too_small), T(ports_in_order_of_names),
        T(saving),   T(debug_levels),    T(debug_forms_of_ios),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
