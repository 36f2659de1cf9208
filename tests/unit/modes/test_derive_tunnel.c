/*
 * From IOS configuration text to the intent: tunnel interfaces.
 */
#include "control/ike/wire.h"
#include "derive_bench.h"

#define SETS                                                                                       \
    "crypto ipsec transform-set T esp-aes 256 esp-sha256-hmac\n mode transport\n"                  \
    "crypto ipsec profile P\n set transform-set T\n"                                               \
    "interface GigabitEthernet0/0\n ip address 192.0.2.1 255.255.255.0\n"

static struct box load(const char *text)
{
    return box_of(false, text);
}

static const struct intent_if *named(const struct box *b, const char *name)
{
    const struct intent *i = &b->c->intent;
    for (uint32_t k = 0; k < i->n_if; k++)
        if (strcmp(i->ifs[k].name, name) == 0)
            return &i->ifs[k];
    fail_msg("no %s", name);
    return NULL;
}

static void test_gre(void **state)
{
    struct box b = load(SETS "interface Tunnel5\n ip address 10.0.0.1 255.255.255.252\n"
                             " tunnel source GigabitEthernet0/0\n tunnel destination 192.0.2.9\n"
                             " tunnel key 77\n tunnel protection ipsec profile P\n");
    const struct intent_if *f = named(&b, "Tunnel5");
    const struct selector *s = &f->map->entry[0].acl->ace[0].sel;
    (void)state;
    assert_int_equal(f->tunnel.mode, TUNNEL_GRE);
    is_addr(&f->tunnel.source, "192.0.2.1");
    is_addr(&f->tunnel.destination, "192.0.2.9");
    assert_true(f->tunnel.has_key);
    assert_int_equal(f->tunnel.key, 77);
    assert_string_equal(f->map->name, "Tunnel5-head-0");
    assert_int_equal(f->map->n, 1);
    assert_int_equal(f->map->entry[0].n_peer, 1);
    is_addr(&f->map->entry[0].peer[0], "192.0.2.9");
    assert_int_equal(f->map->entry[0].n_transform, 1);
    assert_int_equal(f->map->entry[0].transform[0]->mode, SADB_TRANSPORT);
    assert_int_equal(s->proto, 47);
    is_addr(&s->local.lo, "192.0.2.1");
    is_addr(&s->remote.hi, "192.0.2.9");
    assert_string_equal(f->redundancy, "");
    drop(&b);
}

static void test_esp_by_itself(void **state)
{
    struct box b = load(SETS "interface Loopback0\n ip address 10.9.9.9 255.255.255.255\n"
                             "interface Tunnel5\n ip unnumbered Loopback0\n"
                             " tunnel source 192.0.2.1\n tunnel mode ipsec ipv4\n"
                             " tunnel destination 192.0.2.9\n tunnel protection ipsec profile P\n");
    const struct intent_if *f = named(&b, "Tunnel5");
    const struct selector *s = &f->map->entry[0].acl->ace[0].sel;
    (void)state;
    assert_int_equal(f->tunnel.mode, TUNNEL_IPSEC);
    assert_true(f->unnumbered);
    assert_int_equal(s->proto, 0);
    is_addr(&s->local.lo, "0.0.0.0");
    is_addr(&s->remote.hi, "255.255.255.255");
    drop(&b);
}

/* Seed 002: the source is a virtual address, and the profile names its group. */
static void test_stateful(void **state)
{
    struct box b = load(
        "crypto ipsec transform-set T esp-aes 256 esp-sha256-hmac\n"
        "crypto ipsec profile peer-profile\n set transform-set T\n redundancy HA-out stateful\n"
        "interface Tunnel1\n ip unnumbered Loopback0\n tunnel source 209.165.201.3\n"
        " tunnel destination 10.0.0.5\n tunnel protection ipsec profile peer-profile\n"
        "interface GigabitEthernet0/0\n ip address 209.165.201.1 255.255.255.224\n"
        " standby 1 ip 209.165.201.3\n standby 1 name HA-out\n");
    const struct intent_if *f = named(&b, "Tunnel1");
    (void)state;
    assert_int_equal(f->tunnel.mode, TUNNEL_GRE);
    assert_string_equal(f->redundancy, "HA-out");
    assert_true(f->stateful);
    is_addr(&f->vip, "209.165.201.3");
    drop(&b);
}

/* What is not complete carries nothing: never in clear. */
static void test_incomplete(void **state)
{
    static const char *const with[] = {
        " tunnel destination 192.0.2.9\n tunnel protection ipsec profile P\n",
        " tunnel source 192.0.2.1\n tunnel protection ipsec profile P\n",
        " tunnel source 192.0.2.1\n tunnel destination 192.0.2.9\n",
        " tunnel source 192.0.2.1\n tunnel destination 192.0.2.9\n"
        " tunnel protection ipsec profile NONE\n",
        " tunnel source Loopback77\n tunnel destination 192.0.2.9\n"
        " tunnel protection ipsec profile P\n",
        " tunnel mode ipip\n tunnel source 192.0.2.1\n tunnel destination 192.0.2.9\n"
        " tunnel protection ipsec profile P\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof with / sizeof *with; i++) {
        char text[1024];
        snprintf(text, sizeof text, SETS "interface Tunnel5\n%s", with[i]);
        struct box b = load(text);
        const struct intent_if *f = named(&b, "Tunnel5");
        assert_int_equal(f->tunnel.mode, TUNNEL_OFF);
        assert_null(f->map);
        drop(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gre),
        cmocka_unit_test(test_esp_by_itself),
        cmocka_unit_test(test_stateful),
        cmocka_unit_test(test_incomplete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
