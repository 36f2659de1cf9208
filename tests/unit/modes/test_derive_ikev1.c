/*
 * From the ASA's configuration of IKEv1 to the intent.
 */
#include "derive_bench.h"

static const char base[] =
    "interface GigabitEthernet0/0\n nameif outside\n ip address 203.0.113.1 255.255.255.0\n"
    "access-list L extended permit ip 10.1.0.0 255.255.0.0 10.2.0.0 255.255.0.0\n"
    "crypto ipsec ikev1 transform-set AES esp-aes-256 esp-sha-hmac\n"
    "crypto ipsec ikev1 transform-set HOST esp-3des esp-none\n"
    "crypto ipsec ikev1 transform-set HOST mode transport\n"
    "crypto map M 1 match address L\ncrypto map M 1 set peer 203.0.113.9\n"
    "crypto map M 1 set ikev1 transform-set HOST AES\ncrypto map M interface outside\n"
    "crypto ikev1 enable outside\n"
    "crypto ikev1 policy 20\n encryption aes-192\n hash md5\n group 14\n lifetime none\n"
    "crypto ikev1 policy 10\n authentication rsa-sig\n"
    "tunnel-group 203.0.113.9 type ipsec-l2l\n"
    "tunnel-group 203.0.113.9 ipsec-attributes\n ikev1 pre-shared-key cisco\n"
    "tunnel-group BRANCH type ipsec-l2l\n"
    "tunnel-group BRANCH ipsec-attributes\n ikev1 pre-shared-key branch\n"
    " isakmp keepalive disable\n"
    "tunnel-group 203.0.113.10 type ipsec-l2l\n";

static void policies(void **state)
{
    struct box b = box_of(true, base);
    const struct intent *i = &b.c->intent;
    (void)state;
    assert_int_equal(i->n_isakmp, 2);
    assert_int_equal(i->isakmp[0].priority, 10);
    assert_int_equal(i->isakmp[0].auth, 3);
    assert_int_equal(i->isakmp[0].encr.id, ENCR_3DES);
    assert_int_equal(i->isakmp[0].hash, PRF_SHA1);
    assert_int_equal(i->isakmp[0].group, DH_1024);
    assert_int_equal(i->isakmp[0].lifetime, 86400);
    assert_int_equal(i->isakmp[1].auth, 1);
    assert_int_equal(i->isakmp[1].encr.id, ENCR_AES_CBC);
    assert_int_equal(i->isakmp[1].encr.keybits, 192);
    assert_int_equal(i->isakmp[1].hash, PRF_MD5);
    assert_int_equal(i->isakmp[1].group, DH_2048);
    assert_true(i->isakmp[1].lifetime > 86400);
    assert_true(i->ifs[0].ikev1 && !i->ifs[0].ikev2);
    drop(&b);
}

static void sets_in_the_order_of_the_entry(void **state)
{
    struct box b = box_of(true, base);
    const struct intent_map_entry *e = &b.c->intent.map[0].entry[0];
    (void)state;
    assert_int_equal(e->n_transform, 2);
    assert_string_equal(e->transform[0]->name, "HOST");
    assert_int_equal(e->transform[0]->mode, SADB_TRANSPORT);
    assert_int_equal(e->transform[0]->n_integ, 0);
    assert_string_equal(e->transform[1]->name, "AES");
    assert_int_equal(e->transform[1]->mode, SADB_TUNNEL);
    assert_int_equal(e->transform[1]->encr[0].keybits, 256);
    assert_int_equal(e->transform[1]->integ[0], INTEG_SHA1_96);
    assert_false(e->aggressive);
    drop(&b);
}

static void keys(void **state)
{
    struct box b = box_of(true, base);
    const struct intent *i = &b.c->intent;
    (void)state;
    assert_int_equal(i->n_key, 2); /* one group has none */
    is_addr(&i->key[0].remote.addr, "203.0.113.9");
    assert_int_equal(i->key[0].remote.len, 32);
    assert_memory_equal(i->key[0].cfg.psk, "cisco", 5);
    assert_int_equal(i->key[0].cfg.dpd_seconds, 10);
    assert_int_equal(i->key[0].cfg.local_id.type, 0);
    assert_string_equal(i->key[1].host, "BRANCH");
    assert_int_equal(i->key[1].cfg.dpd_seconds, 0);
    drop(&b);
}

static void what_is_said_for_all(void **state)
{
    static const char more[] = "hostname fw\ndomain-name example.com\ncrypto ikev1 am-disable\n"
                               "crypto isakmp identity hostname\ncrypto isakmp nat-traversal 33\n"
                               "crypto map M 1 set ikev1 phase1-mode aggressive\n";
    char text[sizeof base + sizeof more];
    snprintf(text, sizeof text, "%s%s", base, more);
    struct box b = box_of(true, text);
    const struct isakmp_peer_cfg *c = &b.c->intent.key[0].cfg;
    (void)state;
    assert_true(c->refuse_aggressive);
    assert_int_equal(c->nat_keepalive, 33);
    assert_int_equal(c->local_id.type, 2);
    assert_int_equal(c->local_id.len, strlen("fw.example.com"));
    assert_memory_equal(c->local_id.data, "fw.example.com", c->local_id.len);
    assert_true(b.c->intent.map[0].entry[0].aggressive);
    drop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies),
        cmocka_unit_test(sets_in_the_order_of_the_entry),
        cmocka_unit_test(keys),
        cmocka_unit_test(what_is_said_for_all),
    };
    return cmocka_run_group_tests_name("derive_ikev1", tests, NULL, NULL);
}
