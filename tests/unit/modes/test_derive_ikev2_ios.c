/*
 * From IOS configuration text to the intent: IKEv2.
 */
#include "control/ike/wire.h"
#include "derive_bench.h"

static struct box load(const char *text)
{
    return box_of(false, text);
}

static void is_prefix(const struct prefix *p, const char *text)
{
    char got[PREFIX_STRLEN];
    assert_string_equal(prefix_print(p, got, sizeof got), text);
}

/* Nobody has configured anything: the proposal and the policy `default`. */
static void test_smart_defaults(void **state)
{
    struct box b = load("hostname R1\n");
    const struct intent *i = &b.c->intent;
    const struct ike_policy *p = i->policy;
    (void)state;
    assert_int_equal(i->n_policy, 1);
    assert_int_equal(p->n_encr, 1);
    assert_int_equal(p->encr[0].id, ENCR_AES_CBC);
    assert_int_equal(p->encr[0].keybits, 256);
    assert_int_equal(p->n_integ, 2);
    assert_int_equal(p->integ[0], INTEG_SHA512_256);
    assert_int_equal(p->prf[1], PRF_SHA384);
    assert_int_equal(p->n_group, 4);
    assert_int_equal(p->group[0], DH_ECP256);
    assert_int_equal(p->group[1], DH_2048);
    assert_int_equal(i->limits.sas, IKE_LIMIT_SAS);
    assert_int_equal(i->n_peer, 0);
    drop(&b);
}

static void test_policies(void **state)
{
    struct box b = load("crypto ikev2 proposal A\n encryption aes-cbc-256 aes-cbc-128\n"
                        " integrity sha256 sha1\n group 19 14\n"
                        "crypto ikev2 proposal B\n encryption aes-gcm-256\n prf sha512\n group 21\n"
                        "crypto ikev2 proposal HALF\n encryption aes-cbc-256\n group 14\n"
                        "crypto ikev2 policy P\n proposal B\n proposal HALF\n proposal NONE\n"
                        " proposal A\n"
                        "crypto ikev2 policy LATER\n proposal A\n"
                        "crypto ikev2 policy Q\n match address local 192.0.2.1\n proposal A\n"
                        "interface GigabitEthernet0/0\n ip address 192.0.2.1 255.255.255.0\n"
                        "interface GigabitEthernet0/1\n ip address 10.0.0.1 255.255.255.0\n");
    const struct intent *i = &b.c->intent;
    const struct ike_policy *p = i->policy;
    (void)state;
    assert_int_equal(i->n_policy, 2); /* what is not complete is not offered */
    assert_int_equal(p[0].encr[0].id, ENCR_AES_GCM16);
    assert_int_equal(p[0].n_integ, 0);
    assert_int_equal(p[0].prf[0], PRF_SHA512);
    assert_int_equal(p[0].group[0], DH_ECP521);
    assert_int_equal(p[0].priority, 1);
    assert_int_equal(p[1].priority, 2);
    assert_int_equal(p[1].n_encr, 2);
    assert_int_equal(p[1].encr[1].keybits, 128);
    assert_int_equal(p[1].n_prf, 2); /* as the hashes */
    assert_int_equal(p[1].prf[0], PRF_SHA256);
    assert_int_equal(p[1].prf[1], PRF_SHA1);
    assert_int_equal(i->ifs[0].n_policy, 1); /* its address has a policy of its own */
    assert_int_equal(i->ifs[0].policy[0].encr[0].id, ENCR_AES_CBC);
    assert_null(i->ifs[1].policy);
    drop(&b);
}

static const char keyring[] =
    "crypto ikev2 keyring K\n"
    " peer ONE\n  address 192.0.2.1\n  pre-shared-key both\n"
    " peer NET\n  address 198.51.100.0 255.255.255.0\n  identity fqdn r7.example.com\n"
    "  pre-shared-key local ours\n  pre-shared-key remote theirs\n"
    " peer SIX\n  address ipv6 2001:db8::/32\n  pre-shared-key six\n"
    " peer NAMED\n  identity email bob@example.org\n  pre-shared-key bob\n"
    " peer USELESS\n  address 192.0.2.77\n  pre-shared-key 6 ABCDE\n";

static void test_peers(void **state)
{
    char text[2048];
    snprintf(text, sizeof text,
             "%scrypto ikev2 dpd 30 3 periodic\ncrypto ikev2 nat keepalive 40\n"
             "crypto ikev2 profile P\n match identity remote fqdn domain example.com\n"
             " identity local key-id site1\n keyring local K\n lifetime 3600\n"
             " authentication local pre-share\n authentication remote pre-share\n",
             keyring);
    struct box b = load(text);
    const struct intent_peer *p = b.c->intent.peer;
    (void)state;
    assert_int_equal(b.c->intent.n_peer, 4);
    is_prefix(&p[0].remote, "192.0.2.1/32");
    assert_string_equal(p[0].profile, "P");
    assert_int_equal(p[0].id.type, ID_FQDN);
    assert_true(p[0].id.domain && !p[0].by_id);
    assert_string_equal(p[0].id.name, "example.com");
    assert_memory_equal(p[0].cfg.local_psk, "both", 4);
    assert_ptr_not_equal(p[0].cfg.remote_psk, NULL);
    assert_int_equal(p[0].cfg.lifetime, 3600);
    assert_int_equal(p[0].cfg.dpd_seconds, 30);
    assert_int_equal(p[0].cfg.dpd_retry, 3);
    assert_true(p[0].cfg.dpd_periodic && !p[0].cfg.dpd_on_demand);
    assert_int_equal(p[0].nat_keepalive, 40);
    assert_false(addr_is_set(&p[0].local));
    assert_int_equal(p[0].cfg.local_id.type, ID_KEY);
    assert_memory_equal(p[0].cfg.local_id.data, "site1", 5);
    is_prefix(&p[1].remote, "198.51.100.0/24");
    assert_memory_equal(p[1].cfg.local_psk, "ours", 4);
    assert_memory_equal(p[1].cfg.remote_psk, "theirs", 6);
    assert_true(p[2].by_id && !p[2].id.domain); /* the same block by its identity */
    assert_string_equal(p[2].id.name, "r7.example.com");
    assert_false(addr_is_set(&p[2].remote.addr));
    is_prefix(&p[3].remote, "2001:db8::/32"); /* bob is not of that domain */
    drop(&b);
}

/* Who may come, by what it calls itself, and what of that a block allows. */
static void test_matches(void **state)
{
    char text[2048];
    snprintf(text, sizeof text,
             "%scrypto ikev2 profile ANY\n match identity remote any\n keyring local K\n"
             " authentication local pre-share\n authentication remote pre-share\n"
             "crypto ikev2 profile ADDR\n match identity remote address 10.0.0.0 255.0.0.0 \n"
             " match identity remote address ipv6 2001:db8::/32\n"
             " authentication local pre-share key a\n authentication remote pre-share key b\n"
             " dpd 20 2 on-demand\n match address local 192.0.2.7\n nat keepalive 7\n"
             "crypto ikev2 profile CERT\n match identity remote any\n keyring local K\n"
             " authentication local rsa-sig\n authentication remote pre-share\n"
             "crypto ikev2 profile NOBODY\n keyring local K\n"
             " authentication local pre-share\n authentication remote pre-share\n",
             keyring);
    struct box b = load(text);
    const struct intent_peer *p = b.c->intent.peer;
    (void)state;
    assert_int_equal(b.c->intent.n_peer, 7);
    assert_int_equal(p[0].id.type, 0);
    assert_string_equal(p[4].id.name, "bob@example.org");
    assert_true(p[4].by_id && p[4].id.type == ID_RFC822);
    assert_int_equal(p[4].cfg.lifetime, 86400);
    assert_int_equal(p[4].cfg.dpd_seconds, 0);
    assert_string_equal(p[5].profile, "ADDR"); /* keys of the profile: any address */
    assert_false(addr_is_set(&p[5].remote.addr) || p[5].by_id);
    assert_int_equal(p[5].id.type, ID_IPV4);
    is_prefix(&p[5].id.net, "10.0.0.0/8");
    assert_memory_equal(p[5].cfg.local_psk, "a", 1);
    assert_memory_equal(p[5].cfg.remote_psk, "b", 1);
    assert_int_equal(p[5].cfg.dpd_seconds, 20);
    assert_true(p[5].cfg.dpd_on_demand && !p[5].cfg.dpd_periodic);
    assert_int_equal(p[5].nat_keepalive, 7);
    is_addr(&p[5].local, "192.0.2.7");
    assert_int_equal(p[6].id.type, ID_IPV6);
    drop(&b);
}

/* An entry with a profile speaks IKEv2 with its transform sets, and not IKEv1. */
static void test_entries(void **state)
{
    struct box b = load("crypto ipsec transform-set A esp-aes 256 esp-sha256-hmac\n"
                        "crypto ipsec transform-set AH ah-sha-hmac esp-aes\n"
                        "crypto ipsec profile IP\n set transform-set AH A\n set ikev2-profile P\n"
                        "crypto map M 1 ipsec-isakmp\n set transform-set AH A\n"
                        " set ikev2-profile P\n"
                        "crypto map M 2 ipsec-isakmp profile IP\n"
                        "crypto map M 3 ipsec-isakmp\n set transform-set AH A\n");
    const struct intent_map_entry *e = b.c->intent.map[0].entry;
    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        assert_string_equal(e[k].profile, "P");
        assert_int_equal(e[k].n_transform, 0);
        assert_int_equal(e[k].n_proposal, 1); /* AH is not negotiated with IKEv2 */
        assert_string_equal(e[k].proposal[0]->name, "A");
    }
    assert_null(e[2].profile);
    assert_int_equal(e[2].n_transform, 2);
    assert_int_equal(e[2].n_proposal, 0);
    drop(&b);
}

static void test_limits(void **state)
{
    struct box b = load("crypto ikev2 cookie-challenge 0\ncrypto ikev2 limit max-sa 100\n"
                        "crypto ikev2 limit max-in-negotation-sa 20\n");
    const struct ike_limits *l = &b.c->intent.limits;
    (void)state;
    assert_int_equal(l->cookie_at, 0);
    assert_int_equal(l->sas, 100);
    assert_int_equal(l->half_open, 20);
    assert_int_equal(l->fragment, 0);
    drop(&b);
    b = load("crypto ikev2 fragmentation mtu 1400\n");
    assert_int_equal(b.c->intent.limits.fragment, 1400 - 28); /* IP and UDP */
    drop(&b);
    b = load("crypto call admission limit ike sa 77\n"
             "crypto call admission limit ike in-negotiation-sa 12\n");
    assert_int_equal(b.c->intent.limits.sas, 77);
    assert_int_equal(b.c->intent.limits.half_open, 12);
    drop(&b);
    b = load("crypto ikev2 limit max-in-negotation-sa 20\n");
    assert_int_equal(b.c->intent.limits.cookie_at, 10);
    drop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_smart_defaults), cmocka_unit_test(test_policies),
        cmocka_unit_test(test_peers),          cmocka_unit_test(test_matches),
        cmocka_unit_test(test_entries),        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
