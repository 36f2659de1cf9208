/*
 * From IOS configuration text to the intent: IKE, IPsec, crypto maps.
 */
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

static void policy_is(const struct isakmp_policy *p, uint32_t priority, uint16_t encr,
                      uint16_t bits, uint16_t hash, uint16_t group, uint16_t auth)
{
    assert_int_equal(p->priority, priority);
    assert_int_equal(p->encr.id, encr);
    assert_int_equal(p->encr.keybits, bits);
    assert_int_equal(p->hash, hash);
    assert_int_equal(p->group, group);
    assert_int_equal(p->auth, auth);
}

static void test_policies(void **state)
{
    struct box b = load("crypto isakmp policy 20\n"
                        "crypto isakmp policy 10\n encr aes 256\n hash sha256\n"
                        " authentication pre-share\n group 14\n lifetime 3600\n"
                        "crypto isakmp policy 30\n encryption aes 128\n hash md5\n group 24\n"
                        " authentication rsa-encr\n");
    const struct intent *i = &b.c->intent;
    (void)state;
    assert_int_equal(i->n_isakmp, 3);
    policy_is(&i->isakmp[0], 10, ENCR_AES_CBC, 256, PRF_SHA256, DH_2048, 1);
    assert_int_equal(i->isakmp[0].lifetime, 3600);
    /* what was not typed */
    policy_is(&i->isakmp[1], 20, ENCR_DES, 0, PRF_SHA1, DH_768, 3);
    assert_int_equal(i->isakmp[1].lifetime, 86400);
    policy_is(&i->isakmp[2], 30, ENCR_AES_CBC, 128, PRF_MD5, DH_2048_256, 4);
    drop(&b);
}

/* The eight of `show crypto isakmp default policy`. */
static void test_default_policies(void **state)
{
    struct box b = load("hostname R1\n");
    const struct intent *i = &b.c->intent;
    (void)state;
    assert_int_equal(i->n_isakmp, 8);
    policy_is(&i->isakmp[0], 65507, ENCR_AES_CBC, 128, PRF_SHA1, DH_1536, 3);
    policy_is(&i->isakmp[1], 65508, ENCR_AES_CBC, 128, PRF_SHA1, DH_1536, 1);
    policy_is(&i->isakmp[2], 65509, ENCR_AES_CBC, 128, PRF_MD5, DH_1536, 3);
    policy_is(&i->isakmp[7], 65514, ENCR_3DES, 0, PRF_MD5, DH_1024, 1);
    drop(&b);
    b = load("no crypto isakmp default policy\n");
    assert_int_equal(b.c->intent.n_isakmp, 0);
    drop(&b);
}

static void test_keys(void **state)
{
    struct box b = load("hostname R1\nip domain name example.com\n"
                        "crypto isakmp key cisco123 address 19.26.116.141\n"
                        "crypto isakmp key any address 0.0.0.0 0.0.0.0 no-xauth\n"
                        "crypto isakmp key 0 0 address 10.1.2.3 255.255.255.0\n"
                        "crypto isakmp key six address ipv6 2001:db8::/32\n"
                        "crypto isakmp key named hostname r2.example.com\n"
                        "crypto isakmp key 6 ABCDEF address 10.9.9.9\n"
                        "crypto isakmp keepalive 10 3 periodic\n"
                        "crypto isakmp identity hostname\n"
                        "crypto isakmp nat keepalive 20\n"
                        "crypto isakmp fragmentation\n"
                        "crypto isakmp aggressive-mode disable\n"
                        "crypto isakmp invalid-spi-recovery\n");
    const struct intent *i = &b.c->intent;
    const struct intent_key *k = i->key;
    (void)state;
    assert_int_equal(i->n_key, 5); /* a key of type 6 is nobody's here */
    is_prefix(&k[0].remote, "19.26.116.141/32");
    assert_int_equal(k[0].cfg.psk_len, 8);
    assert_memory_equal(k[0].cfg.psk, "cisco123", 8);
    is_prefix(&k[1].remote, "0.0.0.0/0");
    is_prefix(&k[2].remote, "10.1.2.0/24");
    assert_memory_equal(k[2].cfg.psk, "0", 2);
    is_prefix(&k[3].remote, "2001:db8::/32");
    assert_string_equal(k[4].host, "r2.example.com");
    assert_false(addr_is_set(&k[4].remote.addr));
    for (unsigned n = 0; n < 5; n++) {
        assert_int_equal(k[n].cfg.dpd_seconds, 10);
        assert_int_equal(k[n].cfg.dpd_retry, 3);
        assert_true(k[n].cfg.dpd_periodic && k[n].cfg.fragmentation);
        assert_true(k[n].cfg.refuse_aggressive);
        assert_false(k[n].cfg.aggressive);
        assert_int_equal(k[n].cfg.nat_keepalive, 20);
        assert_int_equal(k[n].cfg.local_id.type, 2);
        assert_int_equal(k[n].cfg.local_id.len, 14);
        assert_memory_equal(k[n].cfg.local_id.data, "R1.example.com", 14);
    }
    assert_true(i->invalid_spi_recovery);
    drop(&b);
    b = load("crypto isakmp key x address 10.0.0.1\n");
    assert_int_equal(b.c->intent.key[0].cfg.dpd_seconds, 0);
    assert_int_equal(b.c->intent.key[0].cfg.local_id.type, 0);
    assert_false(b.c->intent.invalid_spi_recovery);
    drop(&b);
}

/* Which key is whose, and what a profile says about those it matches. */
static void test_profiles(void **state)
{
    struct box b = load("hostname R1\ncrypto isakmp key all address 0.0.0.0 0.0.0.0\n"
                        "crypto isakmp key some address 10.3.0.0 255.255.0.0\n"
                        "crypto isakmp keepalive 60\n"
                        "interface GigabitEthernet0/1\n ip address 192.0.2.1 255.255.255.0\n"
                        "crypto keyring A\n pre-shared-key address 10.1.0.0 255.255.0.0 key one\n"
                        " pre-shared-key hostname r9 key two\n"
                        "crypto keyring B\n local-address GigabitEthernet0/1\n"
                        " pre-shared-key address 10.2.0.1 key three\n"
                        " pre-shared-key address 10.2.0.2 key 6 ABC\n"
                        "crypto isakmp profile P\n keyring A\n self-identity user-fqdn a@b\n"
                        " match identity address 10.1.1.0 255.255.255.0\n keepalive 20 retry 5\n"
                        " initiate mode aggressive\n"
                        "crypto isakmp profile Q\n match identity address 10.3.1.1\n"
                        " self-identity fqdn\n local-address 198.51.100.7\n"
                        "crypto isakmp peer address 10.4.0.1\n"
                        " set aggressive-mode password four\n"
                        " set aggressive-mode client-endpoint ipv4-address 192.0.2.9\n"
                        "crypto isakmp peer hostname r8\n"
                        " set aggressive-mode client-endpoint fqdn r1\n");
    const struct intent *i = &b.c->intent;
    const struct intent_key *k = i->key;
    (void)state;
    assert_int_equal(i->n_key, 7);
    assert_null(k[0].profile);
    assert_string_equal(k[1].profile, "Q");
    assert_string_equal(k[2].profile, "P");
    assert_null(k[4].profile);
    is_prefix(&k[0].remote, "10.4.0.1/32"); /* `crypto isakmp peer` with a key */
    assert_true(k[0].cfg.aggressive);
    assert_int_equal(k[0].cfg.local_id.type, 1);
    assert_memory_equal(k[0].cfg.local_id.data, "\xc0\x00\x02\x09", 4);
    is_prefix(&k[1].remote, "10.3.1.1/32"); /* Q: the key is the longest match of those for all */
    assert_memory_equal(k[1].cfg.psk, "some", 4);
    assert_memory_equal(k[1].cfg.local_id.data, "R1", 2);
    is_addr(&k[1].local, "198.51.100.7");
    assert_int_equal(k[1].cfg.dpd_seconds, 60);
    is_prefix(&k[2].remote, "10.1.1.0/24"); /* A, for those that P matches */
    assert_memory_equal(k[2].cfg.psk, "one", 3);
    assert_int_equal(k[2].cfg.local_id.type, 3);
    assert_int_equal(k[2].cfg.dpd_seconds, 20);
    assert_int_equal(k[2].cfg.dpd_retry, 5);
    assert_true(k[2].cfg.aggressive);
    assert_string_equal(k[3].host, "r9");
    is_prefix(&k[4].remote, "10.2.0.1/32"); /* B, which no profile has */
    is_addr(&k[4].local, "192.0.2.1");
    assert_false(k[4].cfg.aggressive);
    assert_memory_equal(k[5].cfg.psk, "all", 3);
    drop(&b);
}

/* Profiles that match names: the key is asked for by what the peer calls itself. */
static void test_profiles_by_name(void **state)
{
    struct box b = load("crypto isakmp key all address 0.0.0.0 0.0.0.0\n"
                        "crypto isakmp key six address ipv6 2001:db8::/32\n"
                        "crypto keyring A\n pre-shared-key address 10.0.0.0 255.0.0.0 key one\n"
                        " pre-shared-key address 10.9.0.1 key two\n"
                        "crypto isakmp profile P\n keyring A\n"
                        " match identity address 10.1.0.0 255.255.0.0\n"
                        " match identity host r2.example.com\n"
                        " match identity host domain example.org\n match identity group vpn\n"
                        "crypto isakmp profile Q\n match identity user bob@example.com\n"
                        " match identity user domain example.net\n");
    const struct intent *i = &b.c->intent;
    const struct intent_key *k = i->key;
    (void)state;
    assert_int_equal(i->n_key, 2 + 3 + 2);
    is_prefix(&k[0].remote, "0.0.0.0/0"); /* Q has no keyring */
    is_prefix(&k[1].remote, "2001:db8::/32");
    assert_string_equal(k[1].profile, "Q");
    assert_int_equal(k[1].n_id, 2);
    assert_int_equal(k[1].id[0].type, 3);
    assert_false(k[1].id[0].domain);
    assert_string_equal(k[1].id[0].name, "bob@example.com");
    assert_true(k[1].id[1].domain);
    is_prefix(&k[2].remote, "10.1.0.0/16"); /* what the profile matches of what the key is for */
    assert_int_equal(k[2].n_id, 0);
    is_prefix(&k[3].remote, "10.0.0.0/8");
    assert_memory_equal(k[3].cfg.psk, "one", 3);
    assert_string_equal(k[3].profile, "P");
    assert_int_equal(k[3].n_id, 3);
    assert_int_equal(k[3].id[0].type, 2);
    assert_true(k[3].id[1].type == 2 && k[3].id[1].domain);
    assert_int_equal(k[3].id[2].type, 11);
    assert_string_equal(k[3].id[2].name, "vpn");
    is_prefix(&k[4].remote, "10.9.0.1/32");
    assert_int_equal(k[4].n_id, 3);
    assert_null(k[5].profile);
    assert_int_equal(k[5].n_id, 0);
    drop(&b);
}

/* `set identity`, and entries whose keys do not come from IKE. */
static void test_who(void **state)
{
    struct box b = load("crypto identity I\n fqdn r2.example.com\n dn ou=vpn\n fqdn r3\n"
                        "crypto ipsec transform-set A esp-aes esp-sha-hmac\n"
                        "crypto map M 10 ipsec-isakmp\n set identity I\n set transform-set A\n"
                        "crypto map M 20 ipsec-isakmp\n set identity NONE\n"
                        "crypto map M 30 ipsec-manual\n set transform-set A\n"
                        "crypto map M 40 gdoi\n set transform-set A\n");
    const struct intent_map_entry *e = b.c->intent.map[0].entry;
    (void)state;
    assert_int_equal(b.c->intent.map[0].n, 4);
    assert_true(e[0].has_who);
    assert_int_equal(e[0].n_who, 2);
    assert_int_equal(e[0].who[1].type, 2);
    assert_string_equal(e[0].who[1].name, "r3");
    assert_int_equal(e[0].n_transform, 1);
    assert_true(e[1].has_who && e[1].n_who == 0); /* nobody */
    assert_false(e[2].has_who);
    assert_int_equal(e[2].n_transform + e[2].n_proposal, 0);
    assert_int_equal(e[3].n_transform + e[3].n_proposal, 0);
    drop(&b);
}

static void set_is(const struct ike_esp_proposal *p, const char *name, uint16_t ah, unsigned encr,
                   unsigned bits, uint16_t integ)
{
    assert_string_equal(p->name, name);
    assert_int_equal(p->ah, ah);
    assert_int_equal(p->n_encr, encr != 0);
    assert_int_equal(p->encr[0].id, encr);
    assert_int_equal(p->encr[0].keybits, bits);
    assert_int_equal(p->integ[0], integ);
}

static void test_transform_sets(void **state)
{
    struct box b = load("crypto ipsec transform-set A esp-aes 256 esp-sha256-hmac\n"
                        "crypto ipsec transform-set B esp-aes ah-md5-hmac\n mode transport\n"
                        "crypto ipsec transform-set C esp-seal esp-md5-hmac\n"
                        "crypto ipsec transform-set D ah-sha512-hmac\n"
                        "crypto ipsec transform-set E esp-gcm 192\n mode transport require\n"
                        "crypto ipsec transform-set F esp-md5-hmac esp-des\n"
                        "crypto ipsec transform-set G esp-gmac 256\n"
                        "crypto ipsec transform-set H esp-sha384-hmac esp-null comp-lzs\n"
                        "crypto ipsec transform-set A\n mode transport\n mode tunnel\n");
    const struct intent *i = &b.c->intent;
    const struct ike_esp_proposal *t = i->transform;
    (void)state;
    assert_int_equal(i->n_transform, 7); /* not C: there is no SEAL */
    set_is(&t[0], "A", INTEG_NONE, ENCR_AES_CBC, 256, INTEG_SHA256_128);
    assert_int_equal(t[0].mode, SADB_TUNNEL);
    set_is(&t[1], "B", INTEG_MD5_96, ENCR_AES_CBC, 128, INTEG_NONE);
    assert_int_equal(t[1].mode, SADB_TRANSPORT);
    set_is(&t[2], "D", INTEG_SHA512_256, 0, 0, INTEG_NONE);
    assert_int_equal(t[2].n_integ, 0);
    set_is(&t[3], "E", INTEG_NONE, ENCR_AES_GCM16, 192, INTEG_NONE);
    set_is(&t[4], "F", INTEG_NONE, ENCR_DES, 0, INTEG_MD5_96);
    set_is(&t[5], "G", INTEG_NONE, ENCR_AES_GMAC, 256, INTEG_NONE);
    set_is(&t[6], "H", INTEG_NONE, ENCR_NULL, 0, INTEG_SHA384_192);
    drop(&b);
}

static const char maps[] = "crypto ipsec transform-set A esp-aes esp-sha-hmac\n"
                           "crypto ipsec transform-set B esp-3des esp-md5-hmac\n"
                           "crypto dynamic-map D 10\n set transform-set A\n reverse-route\n"
                           " match address NONE\n"
                           "crypto dynamic-map D 5\n set transform-set B\n"
                           "crypto map M local-address Loopback0\n"
                           "crypto map M 65535 ipsec-isakmp dynamic D\n"
                           "crypto map M 20 ipsec-isakmp\n set pfs\n"
                           "crypto map M 10 ipsec-isakmp\n"
                           " set peer 192.0.2.1\n set peer r9.example.com dynamic\n"
                           " set peer 192.0.2.2 default\n"
                           " set transform-set B NONE A\n set pfs group24\n"
                           " set security-association lifetime seconds 900\n"
                           " set security-association lifetime kilobytes disable\n"
                           " set security-association replay window-size 128\n"
                           " set reverse-route distance 20\n set reverse-route tag 7\n"
                           " match address 110\n"
                           " reverse-route remote-peer 192.0.2.9\n"
                           "crypto map N 1 ipsec-isakmp\n reverse-route static\n"
                           " set security-association replay disable\n"
                           "interface Loopback0\n ip address 198.51.100.1 255.255.255.255\n"
                           "interface GigabitEthernet0/0\n crypto map M\n"
                           "interface GigabitEthernet0/1\n ip address 203.0.113.1 255.255.255.0\n"
                           " crypto map M redundancy HA stateful\n"
                           " standby 5 ip 203.0.113.5\n"
                           " standby 7 ip 203.0.113.7\n standby 7 name HA\n"
                           "interface GigabitEthernet0/2\n crypto map NONE\n"
                           "interface GigabitEthernet0/3\n crypto map M redundancy "
                           "a-name-of-25-characters..\n";

static void test_maps(void **state)
{
    struct box b = load(maps);
    const struct intent *i = &b.c->intent;
    const struct intent_map_entry *e = i->map[0].entry;
    (void)state;
    assert_int_equal(i->n_map, 2);
    assert_ptr_equal(i->ifs[0].map, &i->map[0]);
    assert_ptr_equal(i->ifs[1].map, &i->map[0]);
    assert_null(i->ifs[2].map);
    assert_string_equal(i->ifs[0].redundancy, "");
    assert_string_equal(i->ifs[1].redundancy, "HA");
    assert_true(i->ifs[1].stateful);
    is_addr(&i->ifs[1].vip, "203.0.113.7");
    assert_false(addr_is_set(&i->ifs[3].vip)); /* no such group (yet) */
    struct addr end = intent_if_endpoint(&i->ifs[1], AF_INET);
    is_addr(&end, "203.0.113.7"); /* and not the map's local-address */
    end = intent_if_endpoint(&i->ifs[0], AF_INET);
    is_addr(&end, "198.51.100.1");
    assert_int_equal(intent_if_endpoint(&i->ifs[1], AF_INET6).family, 0);
    assert_string_equal(i->ifs[3].redundancy, "a-name-of-25-characters..");
    assert_false(i->ifs[0].stateful || i->ifs[3].stateful);
    assert_int_equal(i->map[0].n, 4);
    assert_string_equal(i->map[0].local->name, "Loopback0");
    assert_ptr_equal(intent_if_end(&i->ifs[0]), i->map[0].local);
    assert_ptr_equal(intent_if_end(&i->ifs[2]), &i->ifs[2]);
    assert_int_equal(e[0].seq, 10);
    assert_null(e[0].acl);
    assert_int_equal(e[0].n_peer, 2); /* names are not resolved */
    is_addr(&e[0].peer[0], "192.0.2.2");
    is_addr(&e[0].peer[1], "192.0.2.1");
    assert_int_equal(e[0].n_transform, 2);
    assert_string_equal(e[0].transform[0]->name, "B");
    assert_string_equal(e[0].transform[1]->name, "A");
    assert_int_equal(e[0].n_proposal, 0);
    assert_int_equal(e[0].pfs_group, DH_2048_256);
    assert_int_equal(e[0].life_seconds, 900);
    assert_int_equal(e[0].life_kbytes, 0);
    assert_int_equal(e[0].replay_window, 128);
    assert_true(e[0].rri.on && !e[0].rri.always);
    assert_int_equal(e[0].rri.distance, 20);
    assert_int_equal(e[0].rri.tag, 7);
    is_addr(&e[0].rri.gateway, "192.0.2.9");
    /* what was not typed */
    assert_int_equal(e[1].seq, 20);
    assert_int_equal(e[1].n_peer, 0);
    assert_int_equal(e[1].pfs_group, DH_768);
    assert_int_equal(e[1].life_seconds, 3600);
    assert_int_equal(e[1].life_kbytes, 4608000);
    assert_int_equal(e[1].replay_window, 8192);
    assert_false(e[1].rri.on || e[1].dynamic);
    /* the template's entries, in its order */
    assert_true(e[2].dynamic && e[3].dynamic);
    assert_int_equal(e[2].connection, CONN_ANSWER);
    assert_int_equal(e[2].seq, 65535);
    assert_int_equal(e[2].template, 5);
    assert_int_equal(e[3].template, 10);
    assert_true(e[2].any && !e[3].any && !e[1].any); /* D 10 has a list, if an unknown one */
    assert_string_equal(e[2].transform[0]->name, "B");
    assert_true(e[3].rri.on && !e[2].rri.on);
    assert_true(i->map[1].entry[0].rri.always);
    assert_int_equal(i->map[1].entry[0].replay_window, 0);
    drop(&b);
}

/* An entry with a profile has what the profile says, and its own lines before it. */
static void test_ipsec_profile(void **state)
{
    struct box b = load("crypto ipsec transform-set A esp-aes esp-sha-hmac\n"
                        "crypto ipsec transform-set B esp-aes esp-sha256-hmac\n"
                        "crypto ipsec profile P\n set transform-set A\n set pfs group14\n"
                        " set security-association lifetime seconds 900\n"
                        " responder-only\n"
                        "crypto map M 1 ipsec-isakmp profile P\n set peer 192.0.2.1\n"
                        " set isakmp-profile I\n"
                        "crypto map M 2 ipsec-isakmp profile P\n set transform-set B\n"
                        " set pfs group19\n");
    const struct intent_map_entry *e = b.c->intent.map[0].entry;
    (void)state;
    assert_int_equal(e[0].n_transform, 1);
    assert_string_equal(e[0].transform[0]->name, "A");
    assert_int_equal(e[0].pfs_group, DH_2048);
    assert_int_equal(e[0].life_seconds, 900);
    assert_int_equal(e[0].n_peer, 1);
    assert_int_equal(e[0].connection, CONN_ANSWER);
    assert_string_equal(e[0].isakmp_profile, "I");
    assert_int_equal(e[1].seq, 2);
    assert_int_equal(e[1].n_transform, 1);
    assert_string_equal(e[1].transform[0]->name, "B");
    assert_int_equal(e[1].pfs_group, DH_ECP256);
    assert_int_equal(e[1].life_seconds, 900);
    drop(&b);
}

static void test_globals(void **state)
{
    struct box b = load("crypto ipsec security-association lifetime seconds 7200\n"
                        "crypto ipsec security-association lifetime kilobytes 2560\n"
                        "crypto ipsec security-association replay window-size 1024\n"
                        "crypto ipsec df-bit set\n"
                        "no crypto isakmp enable\n"
                        "crypto map M 1 ipsec-isakmp\n"
                        "interface GigabitEthernet0/0\n crypto ipsec df-bit clear\n"
                        " crypto ipsec fragmentation after-encryption\n");
    const struct intent *i = &b.c->intent;
    (void)state;
    assert_int_equal(i->map[0].entry[0].life_seconds, 7200);
    assert_int_equal(i->map[0].entry[0].life_kbytes, 2560);
    assert_int_equal(i->map[0].entry[0].replay_window, 1024);
    assert_int_equal(i->ifs[0].path_flags, SADB_DF_CLEAR | SADB_F_FRAG_AFTER);
    assert_int_equal(i->ifs[1].path_flags, SADB_DF_SET);
    assert_true(!i->ifs[0].ikev1 && i->ifs[0].ikev2);
    drop(&b);
    b = load("crypto isakmp enable\n");
    assert_true(b.c->intent.ifs[0].ikev1 && b.c->intent.ifs[0].ikev2);
    drop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policies),
        cmocka_unit_test(test_default_policies),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_profiles),
        cmocka_unit_test(test_profiles_by_name),
        cmocka_unit_test(test_who),
        cmocka_unit_test(test_transform_sets),
        cmocka_unit_test(test_maps),
        cmocka_unit_test(test_globals),
        cmocka_unit_test(test_ipsec_profile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
