/*
 * From IOS configuration text to the intent: what `security ipsec` makes by itself (seed 002).
 */
#include "control/ike/wire.h"
#include "control/sso/protect.h"
#include "derive_bench.h"
#include <netinet/in.h>

#define SETS                                                                                       \
    "crypto ipsec transform-set trans2 ah-md5-hmac esp-aes\n"                                      \
    "crypto ipsec profile sso-secure\n set transform-set trans2\n"
#define RED "redundancy inter-device\n scheme standby HA-out\n security ipsec sso-secure\n"
#define IPC                                                                                        \
    "ipc zone default\n association 1\n  no shutdown\n  protocol sctp\n   local-port 5000\n"       \
    "    local-ip 10.0.0.1 10.0.1.1\n   remote-port 5000\n    remote-ip 10.0.0.2 10.0.1.2\n"
#define IFS                                                                                        \
    "interface Ethernet0/0\n ip address 10.0.0.1 255.255.255.0\n no shutdown\n"                    \
    "interface Ethernet0/1\n ip address 10.9.9.9 255.255.255.0\n"                                  \
    " ip address 10.0.1.1 255.255.255.0 secondary\n"

static const struct intent_if *path_of(const struct box *b, unsigned path)
{
    const struct intent *i = &b->c->intent;
    char name[INTENT_NAME];
    protect_name(path, name, sizeof name);
    for (uint32_t k = 0; k < i->n_if; k++)
        if (strcmp(i->ifs[k].name, name) == 0)
            return &i->ifs[k];
    return NULL;
}

static void is_path(const struct box *b, unsigned path, const char *owner, const char *local,
                    const char *remote)
{
    const struct intent_if *f = path_of(b, path);
    assert_non_null(f);
    assert_int_equal(f->kind, IF_PEER);
    assert_string_equal(f->of->name, owner);
    is_addr(&f->tunnel.source, local);
    is_addr(&f->tunnel.destination, remote);
    assert_string_equal(f->redundancy, "");
    assert_false(f->stateful);
    const struct intent_map_entry *e = &f->map->entry[0];
    const struct selector *s = &e->acl->ace[0].sel;
    assert_int_equal(f->map->n, 1);
    assert_int_equal(e->n_peer, 1);
    is_addr(&e->peer[0], remote);
    assert_int_equal(e->n_transform, 1);
    assert_int_equal(e->transform[0]->ah, INTEG_MD5_96);
    assert_int_equal(e->acl->n, 1);
    assert_int_equal(s->proto, IPPROTO_SCTP);
    is_addr(&s->local.lo, local);
    is_addr(&s->local.hi, local);
    is_addr(&s->remote.lo, remote);
    is_addr(&s->remote.hi, remote);
}

static bool has_route(const struct box *b, const char *dst, const char *ifname)
{
    const struct intent *i = &b->c->intent;
    struct addr a;
    addr_parse(dst, &a);
    for (uint32_t k = 0; k < i->n_route; k++)
        if (addr_eq(&i->route[k].dst.addr, &a) && i->route[k].dst.len == 32 &&
            strcmp(i->route[k].ifname, ifname) == 0 && !addr_is_set(&i->route[k].gateway))
            return true;
    return false;
}

/* Whatever order it is typed in; a map of the user's on the same interface stays as it is. */
static void test_both_paths(void **state)
{
    static const char *const texts[] = {SETS RED IPC IFS, IFS IPC RED SETS,
                                        SETS RED IPC IFS
                                        "crypto map M 10 ipsec-isakmp\n set peer 192.0.2.1\n"
                                        "interface Ethernet0/0\n crypto map M\n"};
    (void)state;
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        struct box b = box_of(false, texts[k]);
        const struct intent *i = &b.c->intent;
        is_path(&b, 0, "Ethernet0/0", "10.0.0.1", "10.0.0.2");
        is_path(&b, 1, "Ethernet0/1", "10.0.1.1", "10.0.1.2");
        assert_true(has_route(&b, "10.0.0.2", "Ethernet0/0"));
        assert_true(has_route(&b, "10.0.1.2", "Ethernet0/1"));
        assert_int_equal(i->n_map, k == 2 ? 3 : 2);
        const struct intent_map *own = path_of(&b, 0)->of->map;
        assert_string_equal(own ? own->name : "", k == 2 ? "M" : "");
        drop(&b);
    }
}

/* Nothing is made of what is not complete; that nothing is sent then is protect_look()'s. */
static void test_incomplete(void **state)
{
    static const char *const texts[] = {
        RED IPC IFS,                                     /* no such profile */
        "crypto ipsec profile sso-secure\n" RED IPC IFS, /* without a transform set */
        SETS RED IPC,                                    /* nobody has local-ip */
        SETS RED IFS,                                    /* no association */
        SETS "redundancy inter-device\n scheme standby HA-out\n" IPC IFS, /* in clear */
    };
    (void)state;
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        struct box b = box_of(false, texts[k]);
        assert_null(path_of(&b, 0));
        assert_null(path_of(&b, 1));
        assert_int_equal(b.c->intent.n_route, 0);
        drop(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_paths),
        cmocka_unit_test(test_incomplete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
