/* Whose configuration a peer has: by address, by what it calls itself, by the map's profile. */
#include "bench.h"
#include "control/ike/wire.h"

static struct ike_identity named(uint8_t type, const char *name)
{
    struct ike_identity id = {.type = type, .len = (uint8_t)strlen(name)};
    memcpy(id.data, name, id.len);
    return id;
}

static struct ike_identity at(const char *a)
{
    struct addr addr = adr(a);
    struct ike_identity id = {.type = ID_IPV4, .len = 4};
    memcpy(id.data, addr.b, 4);
    return id;
}

static struct ike_path from(const char *remote)
{
    return (struct ike_path){.local = adr("192.0.2.1"), .remote = adr(remote)};
}

/* The index of the peer that is found; -1: none. */
static int found(const struct intent *i, const char *remote, const struct ike_identity *id)
{
    struct ike_path p = from(remote);
    const struct intent_peer *k = control_peer(i, &p, id);
    return k ? (int)(k - i->peer) : -1;
}

static void by_address(void **state)
{
    struct intent_peer v[] = {{.remote = pfx("203.0.113.0", 24)},
                              {.remote = pfx("203.0.113.7", 32)},
                              {.remote = pfx("203.0.113.7", 32)},
                              {.remote = pfx("198.51.100.0", 24)}};
    struct intent i = {.peer = v, .n_peer = 4};
    (void)state;
    assert_int_equal(found(&i, "203.0.113.8", NULL), 0);
    assert_int_equal(found(&i, "203.0.113.7", NULL), 1); /* the longest, then the first */
    assert_int_equal(found(&i, "198.51.100.9", NULL), 3);
    assert_int_equal(found(&i, "192.0.2.99", NULL), -1);
}

static void by_identity(void **state)
{
    struct intent_peer v[] = {{.by_id = true, .id = {.type = ID_FQDN, .name = "r1.example.com"}},
                              {.by_id = true,
                               .id = {.type = ID_FQDN, .domain = true, .name = "example.com"}},
                              {.by_id = true,
                               .id = {.type = ID_RFC822, .domain = true, .name = "example.com"}},
                              {.by_id = true, .id = {.type = ID_KEY, .name = "Key"}},
                              {.by_id = true, .id = {.type = ID_IPV4, .net = pfx("10.0.0.0", 8)}},
                              {.remote = pfx("203.0.113.7", 32)}};
    struct intent i = {.peer = v, .n_peer = 6};
    static const struct {
        const char *name;
        int want;
        uint8_t type;
    } t[] = {{"r1.example.com", 0, ID_FQDN},
             {"R1.EXAMPLE.com", 0, ID_FQDN},
             {"r2.example.com", 1, ID_FQDN},
             {"example.com", -1, ID_FQDN},
             {"badexample.com", -1, ID_FQDN},
             {"bob@example.com", 2, ID_RFC822},
             {"bob.example.com", -1, ID_RFC822},
             {"Key", 3, ID_KEY},
             {"key", -1, ID_KEY},
             {"Key2", -1, ID_KEY}};
    (void)state;
    for (size_t k = 0; k < sizeof t / sizeof *t; k++) {
        struct ike_identity id = named(t[k].type, t[k].name);
        assert_int_equal(found(&i, "192.0.2.99", &id), t[k].want);
    }
    struct ike_identity ten = at("10.1.2.3"), eleven = at("11.1.2.3");
    assert_int_equal(found(&i, "192.0.2.99", &ten), 4);
    assert_int_equal(found(&i, "192.0.2.99", &eleven), -1);
    assert_int_equal(found(&i, "192.0.2.99", NULL), -1); /* nobody is known before it says so */
    assert_int_equal(found(&i, "203.0.113.7", &ten), 5); /* the longest match of the address */
}

/* Two profiles with keys for the same address: the map's entry says which one. */
static void by_profile(void **state)
{
    struct intent_peer v[] = {{.remote = pfx("203.0.113.0", 24), .profile = "A"},
                              {.remote = pfx("203.0.113.0", 24), .profile = "B"},
                              {.profile = "C"}};
    struct intent_map_entry e[] = {{.n_peer = 1, .profile = "B"}, {.n_peer = 1, .profile = "C"}};
    struct intent_map map = {.n = 2, .entry = e};
    struct intent_if ifs[] = {{.addr = pfx("10.0.0.1", 24), .map = &map},
                              {.addr = pfx("192.0.2.1", 24), .map = &map}};
    struct intent i = {.peer = v, .n_peer = 3, .ifs = ifs, .n_if = 2};
    (void)state;
    e[0].peer[0] = adr("203.0.113.7");
    e[1].peer[0] = adr("203.0.113.8");
    assert_int_equal(found(&i, "203.0.113.7", NULL), 1);
    assert_int_equal(found(&i, "203.0.113.8", NULL), 2);
    assert_int_equal(found(&i, "203.0.113.9", NULL), 0);
}

/* Keys of IKEv1: the longest match, or only those of the profile that the map's entry names. */
static void keys(void **state)
{
    struct intent_key v[] = {{.remote = pfx("203.0.113.0", 24)},
                             {.remote = pfx("203.0.113.0", 24), .profile = "A"},
                             {.remote = pfx("203.0.113.7", 32), .profile = "B"},
                             {.remote = pfx("203.0.113.7", 32), .local = adr("192.0.2.9")}};
    struct intent_map_entry e[] = {{.n_peer = 1, .isakmp_profile = "A"},
                                   {.n_peer = 1, .isakmp_profile = "NONE"}};
    struct intent_map map = {.n = 2, .entry = e};
    struct intent_if ifs[] = {{.addr = pfx("192.0.2.1", 24), .map = &map}};
    struct intent i = {.key = v, .n_key = 4, .ifs = ifs, .n_if = 1};
    struct ike_path p = from("203.0.113.7");
    (void)state;
    e[0].peer[0] = e[1].peer[0] = adr("203.0.113.99");
    assert_ptr_equal(control_key(&i, &p, NULL), &v[2]);
    e[0].peer[0] = adr("203.0.113.7");
    assert_ptr_equal(control_key(&i, &p, NULL), &v[1]);
    e[0].peer[0] = adr("203.0.113.99");
    e[1].peer[0] = adr("203.0.113.7");
    assert_null(control_key(&i, &p, NULL));
    p.remote = adr("203.0.113.8");
    assert_ptr_equal(control_key(&i, &p, NULL), &v[0]);
}

/* A profile that matches names: its key serves until the peer says who it is. */
static void keys_by_name(void **state)
{
    const struct intent_id id[] = {{.type = ID_FQDN, .domain = true, .name = "example.com"},
                                   {.type = ID_RFC822, .name = "bob@example.org"}};
    struct intent_key v[] = {
        {.remote = pfx("203.0.113.0", 24), .profile = "A", .id = id, .n_id = 2},
        {.remote = pfx("203.0.113.0", 24)}};
    struct intent i = {.key = v, .n_key = 2};
    struct ike_path p = from("203.0.113.7");
    struct ike_identity r1 = named(ID_FQDN, "R1.example.com"), r2 = named(ID_FQDN, "r2.org"),
                        bob = named(ID_RFC822, "bob@example.org"), ten = at("203.0.113.7");
    (void)state;
    assert_ptr_equal(control_key(&i, &p, NULL), &v[0]);
    assert_ptr_equal(control_key(&i, &p, &r1), &v[0]);
    assert_ptr_equal(control_key(&i, &p, &bob), &v[0]);
    assert_ptr_equal(control_key(&i, &p, &r2), &v[1]);
    assert_ptr_equal(control_key(&i, &p, &ten), &v[1]);
    i.n_key = 1;
    assert_null(control_key(&i, &p, &r2));
}

static void entries_by_identity(void **state)
{
    const struct intent_id id[] = {{.type = ID_FQDN, .name = "r2.example.com"}};
    struct intent_map_entry e = {.has_who = true, .who = id, .n_who = 1};
    struct ike_identity r2 = named(ID_FQDN, "r2.example.com"), r3 = named(ID_FQDN, "r3"), no = {0};
    (void)state;
    assert_true(control_entry_means(&e, &r2));
    assert_false(control_entry_means(&e, &r3));
    assert_false(control_entry_means(&e, &no));
    e.n_who = 0;
    assert_false(control_entry_means(&e, &r2));
    e.has_who = false;
    assert_true(control_entry_means(&e, &r3));
}

/* A profile for one of our addresses. */
static void by_local(void **state)
{
    struct intent_peer v[] = {{.remote = pfx("203.0.113.7", 32), .local = adr("192.0.2.9")},
                              {.remote = pfx("203.0.113.0", 24)}};
    struct intent i = {.peer = v, .n_peer = 2};
    (void)state;
    assert_int_equal(found(&i, "203.0.113.7", NULL), 1);
    v[0].local = adr("192.0.2.1");
    assert_int_equal(found(&i, "203.0.113.7", NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_address),
        cmocka_unit_test(by_identity),
        cmocka_unit_test(by_profile),
        cmocka_unit_test(by_local),
        cmocka_unit_test(keys),
        cmocka_unit_test(keys_by_name),
        cmocka_unit_test(entries_by_identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
