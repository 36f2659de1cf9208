/*
 * From IOS configuration text to what stateful failover wants: the scheme, the association, and
 * digests that differ exactly where the two boxes' configurations do.
 */
#include "derive_bench.h"

#define RED "redundancy inter-device\n scheme standby HA-out\n security ipsec sso-secure\n"
#define IPC                                                                                        \
    "ipc zone default\n association 1\n  no shutdown\n  protocol sctp\n   local-port 5000\n"       \
    "    local-ip 10.0.0.1\n   remote-port 5001\n    remote-ip 10.0.0.2\n"

static void test_association(void **state)
{
    struct box b = box_of(false, RED IPC);
    const struct sso_cfg *c = &b.c->intent.sso;
    (void)state;
    assert_true(c->inter_device && c->association);
    assert_string_equal(c->group, "HA-out");
    assert_string_equal(c->security, "sso-secure");
    assert_int_equal(c->number, 1);
    assert_int_equal(c->n_local, 1);
    assert_int_equal(c->n_remote, 1);
    is_addr(&c->local[0], "10.0.0.1");
    is_addr(&c->remote[0], "10.0.0.2");
    assert_int_equal(c->local_port, 5000);
    assert_int_equal(c->remote_port, 5001);
    /* what was not typed */
    assert_int_equal(c->rto_min, 300);
    assert_int_equal(c->rto_max, 600);
    assert_int_equal(c->path_retransmit, 4);
    assert_int_equal(c->assoc_retransmit, 4);
    assert_int_equal(c->init_timeout, 0);
    assert_int_equal(c->keepalive, 0);
    assert_int_equal(c->hold, SSO_HOLD);
    drop(&b);
}

static void test_times_and_second_addresses(void **state)
{
    struct box b = box_of(false, "ipc zone default\n association 7\n  protocol sctp\n"
                                 "   local-port 5000\n    local-ip 10.0.0.1 10.0.1.1\n"
                                 "    retransmit-timeout 400 10000\n    path-retransmit 10\n"
                                 "    assoc-retransmit 9\n"
                                 "    init-timeout 2000\n    keepalive 5000\n"
                                 "   remote-port 5000\n    remote-ip 10.0.0.2 10.0.1.2\n"
                                 "ipc holdq threshold upper 100\n");
    const struct sso_cfg *c = &b.c->intent.sso;
    (void)state;
    assert_true(c->association && !c->inter_device);
    assert_int_equal(c->number, 7);
    assert_int_equal(c->n_local, 2);
    assert_int_equal(c->n_remote, 2);
    is_addr(&c->local[1], "10.0.1.1");
    is_addr(&c->remote[1], "10.0.1.2");
    assert_int_equal(c->rto_min, 400);
    assert_int_equal(c->rto_max, 10000);
    assert_int_equal(c->path_retransmit, 10);
    assert_int_equal(c->assoc_retransmit, 9);
    assert_int_equal(c->init_timeout, 2000);
    assert_int_equal(c->keepalive, 5000);
    assert_int_equal(c->hold, 100);
    assert_int_equal(c->n_section, 0); /* without a scheme nobody compares */
    drop(&b);
}

/* What is not complete, or shut down, is no association. */
static void test_incomplete(void **state)
{
    static const char *const texts[] = {
        "redundancy inter-device\n",
        "ipc zone default\n association 1\n",
        "ipc zone default\n association 1\n  protocol sctp\n   local-port 5000\n"
        "    local-ip 10.0.0.1\n",
        "ipc zone default\n association 1\n  protocol sctp\n   local-port 5000\n"
        "   remote-port 5000\n    remote-ip 10.0.0.2\n",
        "ipc zone default\n association 1\n  shutdown\n  protocol sctp\n   local-port 5000\n"
        "    local-ip 10.0.0.1\n   remote-port 5000\n    remote-ip 10.0.0.2\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct box b = box_of(false, texts[i]);
        assert_false(b.c->intent.sso.association);
        drop(&b);
    }
}

/* --- digests ---------------------------------------------------------------------------------- */

/* A configuration with something of everything. */
#define POLICY   "crypto isakmp policy 10\n encr aes\n group 14\n authentication pre-share\n"
#define POLICY20 "crypto isakmp policy 20\n encr 3des\n"
#define KEY1     "crypto isakmp key one address 10.0.0.5\n"
#define KEY2     "crypto isakmp key two address 10.0.0.6\n"
#define RING                                                                                       \
    "crypto keyring R\n  pre-shared-key address 10.0.0.7 key three\n"                              \
    "  pre-shared-key address 10.0.0.8 key four\n"
#define PROFILE                                                                                    \
    "crypto isakmp profile P\n   keyring R\n   match identity address 10.0.0.7 255.255.255.255\n"
#define RING2                                                                                      \
    "crypto ikev2 keyring K\n peer A\n  address 10.0.0.9\n  pre-shared-key five\n"                 \
    " peer B\n  address 10.0.0.10\n  pre-shared-key six\n"
#define SETS   "crypto ipsec transform-set A esp-aes\ncrypto ipsec transform-set B esp-3des\n"
#define IPSECP "crypto ipsec profile sso-secure\n set transform-set A\n"
#define ACL    "ip access-list extended X\n permit ip host 1.1.1.1 host 2.2.2.2\n"
#define ACL2   " permit ip host 1.1.1.1 host 2.2.2.3\n"
#define OTHER  "ip access-list extended Y\n permit ip host 3.3.3.3 any\n"
#define DYN    "crypto dynamic-map D 10\n set transform-set A\n match address Z\n"
#define ACLZ   "ip access-list extended Z\n permit ip host 7.7.7.7 any\n"
#define MAP                                                                                        \
    "crypto map M 10 ipsec-isakmp\n set peer 10.0.0.5\n set transform-set A\n match address X\n"
#define MAPDYN "crypto map M 20 ipsec-isakmp dynamic D\n"
#define PLAIN  "crypto map N 10 ipsec-isakmp\n set peer 10.0.0.6\n match address Y\n"
#define IFS                                                                                        \
    "interface GigabitEthernet0/0\n ip address 10.0.0.1 255.255.255.0\n standby 1 ip 10.0.0.3\n"   \
    " standby 1 name HA-out\n crypto map M redundancy HA-out stateful\n"                           \
    "interface GigabitEthernet0/1\n crypto map N\n"
#define POOL "ip local pool L 10.9.0.1 10.9.0.9\n"
#define ALL                                                                                        \
    POLICY POLICY20 KEY1 KEY2 RING PROFILE RING2 SETS IPSECP DYN MAP MAPDYN PLAIN IFS POOL ACL     \
        ACL2 OTHER ACLZ

/* The sections that differ between ALL and this, in one line. */
static void differ(const char *text, const char *want)
{
    struct box a = box_of(false, RED IPC ALL);
    struct str all = {0}, got = {0};
    str_printf(&all, RED IPC "%s", text);
    struct box b = box_of(false, str_text(&all));
    const struct sso_cfg *c = &a.c->intent.sso;
    assert_true(c->n_section > 10);
    assert_int_equal(c->n_section, b.c->intent.sso.n_section);
    for (unsigned i = 0; i < c->n_section; i++) {
        const struct sso_section *x = &c->section[i], *y = &b.c->intent.sso.section[i];
        assert_string_equal(x->name, y->name);
        if (memcmp(x->digest, y->digest, SSO_DIGEST) != 0)
            str_printf(&got, "%s%s", got.len ? ", " : "", x->name);
    }
    assert_string_equal(str_text(&got), want);
    str_free(&all);
    str_free(&got);
    drop(&a);
    drop(&b);
}

static void test_equal(void **state)
{
    (void)state;
    differ(ALL, "");
    /* another order of what has none, texts for people, an interface of another name, and what is
     * not stateful */
    differ(POLICY20 POLICY KEY2 KEY1
           "crypto keyring R\n  pre-shared-key address 10.0.0.8 key four\n"
           "  pre-shared-key address 10.0.0.7 key three\n  description here\n" PROFILE
           "crypto ikev2 keyring K\n peer B\n  address 10.0.0.10\n  pre-shared-key six\n"
           " peer A\n  address 10.0.0.9\n  pre-shared-key five\n  description there\n"
           "crypto ipsec transform-set B esp-3des\ncrypto ipsec transform-set A esp-aes\n" IPSECP
               DYN MAPDYN MAP " description the map\n"
           "interface GigabitEthernet0/2\n ip address 10.0.0.2 255.255.255.0\n"
           " standby 1 ip 10.0.0.3\n standby 1 name HA-out\n"
           " crypto map M redundancy HA-out stateful\n" POOL
           "ip access-list extended X\n remark first\n permit ip host 1.1.1.1 host 2.2.2.2\n" ACL2
               ACLZ,
           "");
}

#define FRONT POLICY POLICY20 KEY1 KEY2 RING PROFILE RING2 SETS IPSECP DYN
#define REST  MAPDYN PLAIN IFS POOL

static void test_one_section(void **state)
{
    (void)state;
    differ(POLICY KEY1 KEY2 RING PROFILE RING2 SETS IPSECP DYN MAP REST ACL ACL2 OTHER ACLZ,
           "isakmp policy");
    differ(ALL "crypto isakmp key seven address 10.0.0.5\n", "isakmp key");
    differ(ALL "crypto keyring R\n  pre-shared-key address 10.0.0.7 key eight\n", "keyring");
    differ(ALL "crypto isakmp profile P\n   match identity host a\n", "isakmp profile");
    /* two peers that change keys */
    differ(ALL "crypto ikev2 keyring K\n peer A\n  pre-shared-key six\n"
               " peer B\n  pre-shared-key five\n",
           "ikev2 keyring");
    differ(ALL "crypto ipsec transform-set B esp-aes 256\n", "transform-set");
    differ(ALL "crypto ipsec profile sso-secure\n set pfs group14\n", "ipsec profile");
    differ(ALL "ip local pool M 10.9.1.1 10.9.1.9\n", "ip local pool");
    differ(ALL "crypto isakmp keepalive 10\n", "crypto settings");
    differ(ALL "crypto ikev2 proposal Q\n encryption aes-cbc-128\n", "ikev2 proposal");
    differ(ALL "crypto ikev2 policy Q\n proposal Q\n", "ikev2 policy");
    differ(ALL "crypto ikev2 profile Q\n lifetime 600\n", "ikev2 profile");
    differ(ALL "crypto isakmp peer address 10.0.0.5\n set aggressive-mode password nine\n",
           "isakmp peer");
    differ(ALL "crypto isakmp client configuration group G\n pool L\n",
           "client configuration group");
}

static void test_maps_and_lists(void **state)
{
    (void)state;
    differ(ALL "crypto map M 10 ipsec-isakmp\n set pfs group14\n", "crypto map");
    differ(ALL "crypto map M redundancy replay-interval inbound 10 outbound 10000\n", "crypto map");
    differ(ALL "crypto dynamic-map D 10\n set pfs group14\n", "crypto map");
    differ(ALL "ip access-list extended X\n permit ip host 1.1.1.1 host 2.2.2.9\n", "access-list");
    differ(ALL "ip access-list extended Z\n permit ip host 1.1.1.1 host 2.2.2.9\n", "access-list");
    /* their order says which line comes first */
    differ(FRONT MAP REST "ip access-list extended X\n" ACL2
                          " permit ip host 1.1.1.1 host 2.2.2.2\n" OTHER ACLZ,
           "access-list");
    /* what no stateful map uses */
    differ(ALL "crypto map N 10 ipsec-isakmp\n set pfs group14\n"
               "ip access-list extended Y\n permit ip any any\n",
           "");
    differ(ALL "interface GigabitEthernet0/0\n crypto map M redundancy HA-out\n",
           "crypto map, access-list");
    differ(ALL "interface GigabitEthernet0/0\n crypto map M redundancy HA-in stateful\n",
           "crypto map");
}

/* A tunnel interface that a stateful profile protects is like a map; its address is the box's. */
#define TUNNEL                                                                                     \
    "crypto ipsec profile T\n set transform-set A\n redundancy HA-out stateful\n"                  \
    "interface Tunnel1\n ip address %s 255.255.255.0\n tunnel source 10.0.0.3\n"                   \
    " tunnel destination 10.7.0.%u\n tunnel protection ipsec profile T\n"

static void tunnel_digest(const char *own, unsigned destination, uint8_t out[SSO_DIGEST])
{
    struct str text = {0};
    str_printf(&text, RED IPC ALL TUNNEL, own, destination);
    struct box b = box_of(false, str_text(&text));
    const struct intent *i = &b.c->intent;
    const struct sso_section *s = NULL;
    for (unsigned k = 0; k < i->sso.n_section; k++)
        if (strcmp(i->sso.section[k].name, "crypto map") == 0)
            s = &i->sso.section[k];
    assert_non_null(s);
    memcpy(out, s->digest, SSO_DIGEST);
    for (uint32_t k = 0; k < i->n_if; k++)
        if (strcmp(i->ifs[k].name, "Tunnel1") == 0) {
            assert_true(i->ifs[k].stateful && i->ifs[k].map);
            assert_int_equal(i->ifs[k].map->replay_in, 1000);
            assert_int_equal(i->ifs[k].map->replay_out, 100000);
        }
    str_free(&text);
    drop(&b);
}

static void test_tunnels(void **state)
{
    uint8_t a[SSO_DIGEST], b[SSO_DIGEST], c[SSO_DIGEST];
    (void)state;
    tunnel_digest("10.8.0.1", 5, a);
    tunnel_digest("10.8.0.2", 5, b);
    tunnel_digest("10.8.0.1", 6, c);
    assert_memory_equal(a, b, SSO_DIGEST);
    assert_memory_not_equal(a, c, SSO_DIGEST);
}

/* How often sequence numbers are told. */
static void test_intervals(void **state)
{
    struct box b = box_of(false, MAP PLAIN "crypto map M redundancy replay-interval inbound 500 "
                                           "outbound 20000\n");
    const struct intent *i = &b.c->intent;
    (void)state;
    assert_int_equal(i->n_map, 2);
    assert_string_equal(i->map[0].name, "M");
    assert_int_equal(i->map[0].replay_in, 500);
    assert_int_equal(i->map[0].replay_out, 20000);
    assert_int_equal(i->map[1].replay_in, 1000);
    assert_int_equal(i->map[1].replay_out, 100000);
    drop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_association), cmocka_unit_test(test_times_and_second_addresses),
        cmocka_unit_test(test_incomplete),  cmocka_unit_test(test_equal),
        cmocka_unit_test(test_one_section), cmocka_unit_test(test_maps_and_lists),
        cmocka_unit_test(test_tunnels),     cmocka_unit_test(test_intervals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
