/*
 * From configuration text to the intent.
 */
#include "derive_bench.h"

static struct box load(const char *text)
{
    return box_of(true, text);
}

static const char base[] = "interface GigabitEthernet0/0\n nameif outside\n"
                           " ip address 203.0.113.1 255.255.255.00\n"
                           "interface GigabitEthernet0/1\n nameif inside\n shutdown\n"
                           " ip address 10.0.0.1 255.255.255.128\n"
                           "mtu inside 1400\ncrypto ikev2 enable outside\n"
                           "route outside 0 0 203.0.113.2\n"
                           "route inside 10.9.0.0 255.255.0.0 10.0.0.2 7 track 3\n";

static void test_interfaces(void **state)
{
    struct box b = load(base);
    const struct intent *i = &b.c->intent;
    (void)state;
    assert_int_equal(i->n_if, FAKE_PORTS);
    assert_string_equal(i->ifs[0].name, "GigabitEthernet0/0");
    assert_string_equal(i->ifs[0].nameif, "outside");
    assert_int_equal(i->ifs[0].security, 0);
    assert_int_equal(i->ifs[1].security, 100);
    assert_int_equal(i->ifs[0].addr.len, 24);
    is_addr(&i->ifs[0].addr.addr, "203.0.113.1"); /* host bits stay */
    assert_true(i->ifs[0].ikev2);
    assert_false(i->ifs[1].ikev2);
    assert_true(i->ifs[1].shutdown);
    assert_false(i->ifs[0].shutdown);
    assert_int_equal(i->ifs[1].mtu, 1400);
    assert_int_equal(i->ifs[0].mtu, 1500);
    assert_null(i->ifs[0].map);
    assert_int_equal(i->n_route, 2);
    assert_string_equal(i->route[0].ifname, "GigabitEthernet0/0");
    assert_int_equal(i->route[0].dst.len, 0);
    assert_int_equal(i->route[0].distance, 1);
    assert_int_equal(i->route[1].distance, 7);
    assert_int_equal(i->route[1].track, 3);
    assert_int_equal(i->route[1].dst.len, 16);
    drop(&b);
}

static void test_rules(void **state)
{
    struct box b =
        load("object network A\n host 10.1.1.1\n"
             "object network R\n range 10.2.0.1 10.2.0.9\n"
             "object-group network G\n network-object object A\n"
             " network-object 192.0.2.0 255.255.255.0\n"
             "object-group network GG\n group-object G\n network-object host 10.3.3.3\n"
             "access-list L remark first\n"
             "access-list L extended permit tcp object-group GG neq 80 object R gt 1023\n"
             "access-list L extended deny icmp any4 any echo\n"
             "access-list L extended permit ip any host 1.2.3.4 inactive\n"
             "access-list L extended permit udp any lt 100 any range 5 6\n");
    const struct intent_acl *l = &b.c->intent.acl[0];
    const struct intent_ace *e = l->ace;
    (void)state;
    assert_int_equal(b.c->intent.n_acl, 1);
    /* three sources, each with two ranges of ports; then icmp and udp of both families; inactive is
     * left out */
    assert_int_equal(l->n, 3 * 2 + 1 + 2);
    assert_int_equal(e[0].line, 2);
    assert_true(e[0].permit);
    is_addr(&e[0].sel.local.lo, "10.1.1.1");
    is_addr(&e[0].sel.local.hi, "10.1.1.1");
    is_addr(&e[0].sel.remote.lo, "10.2.0.1");
    is_addr(&e[0].sel.remote.hi, "10.2.0.9");
    assert_int_equal(e[0].sel.proto, 6);
    assert_int_equal(e[0].sel.lport[0], 0);
    assert_int_equal(e[0].sel.lport[1], 79);
    assert_int_equal(e[1].sel.lport[0], 81);
    assert_int_equal(e[1].sel.lport[1], 65535);
    assert_int_equal(e[0].sel.rport[0], 1024);
    is_addr(&e[2].sel.local.hi, "192.0.2.255");
    is_addr(&e[4].sel.local.lo, "10.3.3.3");
    assert_false(e[6].permit);
    assert_int_equal(e[6].line, 3);
    assert_int_equal(e[6].sel.lport[0], 8 << 8);
    assert_int_equal(e[6].sel.lport[1], 8 << 8 | 0xff);
    assert_int_equal(e[7].line, 5);
    assert_int_equal(e[7].sel.lport[1], 99);
    assert_int_equal(e[7].sel.rport[0], 5);
    assert_int_equal(e[7].sel.rport[1], 6);
    drop(&b);
}

static const char vpn[] =
    "crypto ipsec ikev2 ipsec-proposal P1\n protocol esp encryption aes-256 aes-gcm\n"
    " protocol esp integrity sha-256 null\n"
    "crypto ipsec ikev2 ipsec-proposal P2\n protocol esp encryption 3des\n"
    "crypto map M 20 match address NONE\n"
    "crypto map M 10 match address A\n"
    "crypto map M 10 set pfs\n"
    "crypto map M 10 set peer 192.0.2.1 192.0.2.2\n"
    "crypto map M 10 set ikev2 ipsec-proposal P2 P1\n"
    "crypto map M 10 set security-association lifetime kilobytes unlimited\n"
    "crypto map M 20 set pfs group21\n"
    "crypto map M 20 set connection-type answer-only\n"
    "crypto map M 20 set security-association lifetime seconds 600\n"
    "crypto map M interface outside\n"
    "access-list A extended permit ip any any\n"
    "crypto ipsec security-association replay window-size 1024\n"
    "crypto ipsec security-association lifetime seconds 3600\n"
    "crypto ikev2 policy 20\n encryption aes-gcm-256 aes\n integrity null\n group 31 14\n"
    " prf sha512 sha\n lifetime seconds none\n"
    "crypto ikev2 policy 5\n"
    "tunnel-group 192.0.2.1 type ipsec-l2l\n"
    "tunnel-group 192.0.2.1 ipsec-attributes\n"
    " ikev2 remote-authentication pre-shared-key theirs\n"
    " ikev2 local-authentication pre-shared-key ours\n"
    " isakmp keepalive threshold 30 retry 5\n"
    "tunnel-group 192.0.2.2 type ipsec-l2l\n"
    "tunnel-group 192.0.2.2 ipsec-attributes\n isakmp keepalive disable\n"
    "tunnel-group CLIENTS type remote-access\n";

static struct box load_vpn(void)
{
    struct str s = {0};
    str_add(&s, base);
    str_add(&s, vpn);
    struct box b = load(s.s);
    str_free(&s);
    return b;
}

static void test_ipv6(void **state)
{
    struct box b =
        load("interface GigabitEthernet0/0\n nameif outside\n ipv6 address 2001:db8:f::2/64\n"
             " ipv6 address 2001:db8:f::3/64\n ipv6 address 2001:db8:f::3/112\n"
             "interface GigabitEthernet0/1\n nameif inside\n ipv6 enable\n"
             "ipv6 route outside ::/0 2001:db8:f::1\n"
             "ipv6 route inside 2001:db8:9::/48 fe80::9 7\n"
             "object network A\n subnet 2001:db8:a::/64\n"
             "object-group network G\n network-object 2001:db8:b::/64\n"
             " network-object host 10.1.1.1\n network-object object A\n"
             "access-list L extended permit ip object-group G 2001:db8:2::/48\n"
             "access-list L extended permit icmp6 any any 128\n"
             "access-list L extended permit tcp any6 host 2001:db8::1 eq 22\n"
             "access-list L extended permit ip any any\n"
             "crypto map M 1 set peer 2001:db8:f::9\n"
             "tunnel-group 2001:DB8:f::9 type ipsec-l2l\n");
    const struct intent *i = &b.c->intent;
    const struct intent_ace *e = i->acl[0].ace;
    char got[PREFIX_STRLEN];
    (void)state;
    assert_int_equal(i->ifs[0].n_addr6, 2);
    assert_string_equal(prefix_print(&i->ifs[0].addr6[0], got, sizeof got), "2001:db8:f::2/64");
    assert_string_equal(prefix_print(&i->ifs[0].addr6[1], got, sizeof got), "2001:db8:f::3/112");
    assert_true(i->ifs[0].ipv6 && i->ifs[1].ipv6 && i->ifs[1].n_addr6 == 0);
    assert_int_equal(i->n_route, 2);
    assert_int_equal(i->route[0].distance, 1);
    assert_int_equal(i->route[1].distance, 7);
    is_addr(&i->route[1].gateway, "fe80::9");
    /* an IPv4 member meets no IPv6 network; `any any` is a rule of each family */
    assert_int_equal(i->acl[0].n, 2 + 1 + 1 + 2);
    is_addr(&e[0].sel.local.lo, "2001:db8:b::");
    is_addr(&e[1].sel.local.hi, "2001:db8:a:0:ffff:ffff:ffff:ffff");
    is_addr(&e[1].sel.remote.hi, "2001:db8:2:ffff:ffff:ffff:ffff:ffff");
    assert_int_equal(e[2].sel.proto, 58);
    assert_int_equal(e[2].sel.lport[0], 128 << 8);
    is_addr(&e[2].sel.local.lo, "::");
    assert_int_equal(e[3].sel.rport[1], 22);
    is_addr(&e[4].sel.local.hi, "255.255.255.255");
    is_addr(&e[5].sel.local.hi, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    is_addr(&i->map[0].entry[0].peer[0], "2001:db8:f::9");
    is_addr(&i->peer[0].remote.addr, "2001:db8:f::9");
    drop(&b);
}

static void test_maps(void **state)
{
    struct box b = load_vpn();
    const struct intent *i = &b.c->intent;
    const struct intent_map_entry *e = i->map[0].entry;
    (void)state;
    assert_int_equal(i->n_map, 1);
    assert_ptr_equal(i->ifs[0].map, &i->map[0]);
    assert_null(i->ifs[1].map);
    assert_int_equal(i->map[0].n, 2);
    assert_int_equal(e[0].seq, 10);         /* by number, not by order of typing */
    assert_ptr_equal(e[0].acl, &i->acl[0]); /* the list came after the map */
    assert_int_equal(e[0].n_peer, 2);
    is_addr(&e[0].peer[1], "192.0.2.2");
    assert_int_equal(e[0].n_proposal, 2);
    assert_string_equal(e[0].proposal[0]->name, "P2");
    assert_int_equal(e[0].pfs_group, 14);
    assert_int_equal(e[0].life_kbytes, 0);
    assert_int_equal(e[0].life_seconds, 3600);
    assert_int_equal(e[0].replay_window, 1024);
    assert_int_equal(e[0].connection, CONN_BIDIR);
    assert_null(e[1].acl); /* names a list that does not exist: inert */
    assert_int_equal(e[1].pfs_group, 21);
    assert_int_equal(e[1].connection, CONN_ANSWER);
    assert_int_equal(e[1].life_seconds, 600);
    assert_int_equal(e[1].life_kbytes, 4608000);
    assert_int_equal(i->proposal[0].n_encr, 2);
    assert_int_equal(i->proposal[0].encr[1].id, ENCR_AES_GCM16);
    assert_int_equal(i->proposal[0].encr[1].keybits, 128);
    assert_int_equal(i->proposal[0].integ[0], INTEG_SHA256_128);
    assert_int_equal(i->proposal[0].integ[1], INTEG_NONE);
    drop(&b);
}

static void test_path(void **state)
{
    struct box b = load("interface GigabitEthernet0/0\n nameif outside\n"
                        "interface GigabitEthernet0/1\n nameif inside\n"
                        "crypto ipsec ikev2 ipsec-proposal P\n esn\n"
                        "crypto ipsec ikev2 ipsec-proposal Q\n"
                        "crypto ipsec df-bit clear-df outside\n"
                        "crypto ipsec df-bit set-df inside\n"
                        "crypto ipsec fragmentation after-encryption inside\n"
                        "crypto ipsec security-association replay window-size 4096\n"
                        "crypto map M 1 set df-bit copy-df\n"
                        "crypto map M 2 set peer 192.0.2.1\n");
    const struct intent *i = &b.c->intent;
    (void)state;
    assert_int_equal(i->ifs[0].path_flags, SADB_DF_CLEAR);
    assert_int_equal(i->ifs[1].path_flags, SADB_DF_SET | SADB_F_FRAG_AFTER);
    assert_true(i->map[0].entry[0].has_df);
    assert_int_equal(i->map[0].entry[0].df, SADB_DF_COPY);
    assert_false(i->map[0].entry[1].has_df);
    assert_int_equal(i->map[0].entry[0].replay_window, 4096);
    assert_true(i->proposal[0].esn && !i->proposal[1].esn);
    assert_int_equal(i->pmtu_age, 600);
    drop(&b);
    b = load("crypto ipsec security-association pmtu-aging infinite\n"
             "crypto map M 1 set peer 192.0.2.1\n");
    assert_int_equal(b.c->intent.pmtu_age, 0);
    assert_int_equal(b.c->intent.map[0].entry[0].replay_window, 8192);
    drop(&b);
}

static void test_ike(void **state)
{
    struct box b = load_vpn();
    const struct intent *i = &b.c->intent;
    (void)state;
    assert_int_equal(i->n_policy, 2);
    assert_int_equal(i->policy[0].priority, 5);
    /* what was not typed has the platform's defaults */
    assert_int_equal(i->policy[0].encr[0].id, ENCR_AES_CBC);
    assert_int_equal(i->policy[0].encr[0].keybits, 128);
    assert_int_equal(i->policy[0].group[0], DH_2048);
    assert_int_equal(i->policy[0].lifetime, 86400);
    assert_int_equal(i->policy[1].n_encr, 2);
    assert_int_equal(i->policy[1].encr[0].id, ENCR_AES_GCM16);
    assert_int_equal(i->policy[1].encr[0].keybits, 256);
    assert_int_equal(i->policy[1].integ[0], INTEG_NONE);
    assert_int_equal(i->policy[1].group[0], DH_X25519);
    assert_int_equal(i->policy[1].prf[0], PRF_SHA512);
    assert_int_equal(i->policy[1].prf[1], PRF_SHA1);
    assert_int_equal(i->policy[1].lifetime, 0);
    assert_int_equal(i->n_peer, 2); /* the clients' group is no peer */
    is_addr(&i->peer[0].remote.addr, "192.0.2.1");
    assert_int_equal(i->peer[0].cfg.local_psk_len, 4);
    assert_memory_equal(i->peer[0].cfg.local_psk, "ours", 4);
    assert_memory_equal(i->peer[0].cfg.remote_psk, "theirs", 6);
    assert_int_equal(i->peer[0].cfg.dpd_seconds, 30);
    assert_int_equal(i->peer[0].cfg.dpd_retry, 5);
    assert_int_equal(i->peer[1].cfg.dpd_seconds, 0);
    assert_null(i->peer[1].cfg.local_psk);
    drop(&b);
}

static void limits_are(const char *text, uint32_t sas, uint32_t half_open, uint32_t cookie_at)
{
    struct box b = load(text);
    const struct ike_limits *l = &b.c->intent.limits;
    assert_int_equal(l->sas, sas);
    assert_int_equal(l->half_open, half_open);
    assert_int_equal(l->cookie_at, cookie_at);
    drop(&b);
}

static void test_limits(void **state)
{
    (void)state;
    limits_are("hostname x\n", IKE_LIMIT_SAS, IKE_LIMIT_HALF_OPEN, IKE_LIMIT_HALF_OPEN / 2);
    limits_are("crypto ikev2 limit max-sa 1000\ncrypto ikev2 limit max-in-negotiation-sa 20\n",
               1000, 200, 100);
    limits_are("crypto ikev2 limit max-sa 10\ncrypto ikev2 limit max-in-negotiation-sa 1\n", 10, 1,
               0);
    limits_are("crypto ikev2 cookie-challenge 25\n", IKE_LIMIT_SAS, IKE_LIMIT_HALF_OPEN,
               IKE_LIMIT_HALF_OPEN / 4);
    limits_are("crypto ikev2 cookie-challenge always\n", IKE_LIMIT_SAS, IKE_LIMIT_HALF_OPEN, 0);
    limits_are("crypto ikev2 cookie-challenge never\n", IKE_LIMIT_SAS, IKE_LIMIT_HALF_OPEN,
               IKE_NO_COOKIES);
    limits_are("crypto ikev2 cookie-challenge never\nno crypto ikev2 cookie-challenge\n",
               IKE_LIMIT_SAS, IKE_LIMIT_HALF_OPEN, IKE_LIMIT_HALF_OPEN / 2);
}

/* A line whose groups multiply beyond the bound is refused, not cut. */
static void test_bound(void **state)
{
    struct box b = load("");
    struct shell s;
    char line[80];
    (void)state;
    shell_open(&s, b.c, b.cli, true, false, "");
    shell_do(&s, CLI_START, "");
    shell_line(&s, "configure terminal");
    shell_line(&s, "object-group network G");
    for (unsigned i = 0; i < 300; i++) {
        snprintf(line, sizeof line, "network-object host 10.0.%u.%u", i / 200, i % 200 + 1);
        assert_string_equal(shell_line(&s, line), "");
    }
    assert_string_equal(shell_line(&s, "access-list A extended permit ip object-group G any"), "");
    assert_string_equal(
        shell_line(&s, "access-list B extended permit ip object-group G object-group G"),
        "ERROR: The groups of this line make more than 65536 elements\n");
    assert_true(s.done.refused);
    shell_line(&s, "show hostname");
    assert_int_equal(b.c->intent.n_acl, 1);
    assert_int_equal(b.c->intent.acl[0].n, 300);
    shell_close(&s);
    drop(&b);
}

/* `no nameif` takes away what spoke of the name. */
static void test_dependents(void **state)
{
    struct box b = load_vpn();
    struct shell s;
    (void)state;
    shell_open(&s, b.c, b.cli, true, false, "");
    shell_do(&s, CLI_START, "");
    shell_line(&s, "configure terminal");
    shell_line(&s, "interface g0/0");
    assert_string_equal(shell_line(&s, "no nameif"), "");
    assert_string_equal(shell_line(&s, "show running-config route"),
                        "route inside 10.9.0.0 255.255.0.0 10.0.0.2 7 track 3\n");
    assert_string_equal(shell_line(&s, "show running-config mtu"), "mtu inside 1400\n");
    assert_null(strstr(shell_line(&s, "show running-config crypto"), "outside"));
    assert_int_equal(b.c->intent.n_route, 1);
    assert_null(b.c->intent.ifs[0].map);
    assert_false(b.c->intent.ifs[0].ikev2);
    shell_close(&s);
    drop(&b);
}

/* Seed 000's VPN-PEER-2, block by block. */
static const char *const peer_2[] = {
    "interface g0/0\nnameif PRIMARY-ISP\nsecurity-level 0\nip address 203.0.113.1 255.255.255.0\n",
    "interface g0/1\nnameif BACKUP-ISP\nsecurity-level 0\nip address 198.51.100.1 255.255.255.0\n",
    "interface g0/2\nnameif inside\nsecurity-level 100\nip address 192.168.10.2 255.255.255.0\n",
    "mtu BACKUP-ISP 1400\n",
    "sla monitor 500\ntype echo protocol ipIcmpEcho 209.165.200.226 interface PRIMARY-ISP\n"
    "num-packets 3\nfrequency 5\n",
    "sla monitor schedule 500 life forever start-time now\n",
    "track 1 rtr 500 reachability\n",
    "route PRIMARY-ISP 0.0.0.0 0.0.0.0 203.0.113.2 1 track 1\n"
    "route BACKUP-ISP 0.0.0.0 0.0.0.0 198.51.100.2 254\n",
    "crypto ikev2 policy 1\nencryption aes-256\nintegrity sha256\ngroup 21\nprf sha256\n",
    "crypto ikev2 enable PRIMARY-ISP\ncrypto ikev2 enable BACKUP-ISP\n",
    "crypto ipsec ikev2 ipsec-proposal PROPOSAL\nprotocol esp encryption aes-256\n"
    "protocol esp integrity sha-256\n",
    "crypto map MAP 1 match address CRYPTO\ncrypto map MAP 1 set peer 192.0.2.1\n"
    "crypto map MAP 1 set ikev2 ipsec-proposal PROPOSAL\n"
    "crypto map MAP interface PRIMARY-ISP\ncrypto map MAP interface BACKUP-ISP\n",
    "tunnel-group 192.0.2.1 type ipsec-l2l\ntunnel-group 192.0.2.1 ipsec-attributes\n"
    "ikev2 remote-authentication pre-shared-key cisco\n"
    "ikev2 local-authentication pre-shared-key cisco\n",
    "object network THERE\nsubnet 10.10.10.0 255.255.255.0\n",
    "object-group network HERE\nnetwork-object 192.168.10.0 255.255.255.0\n",
    "access-list CRYPTO extended permit ip object-group HERE object THERE\n",
    "access-group CRYPTO in interface inside\n",
    "ssh 192.168.10.0 255.255.255.0 inside\n",
};
#define BLOCKS (sizeof peer_2 / sizeof *peer_2)

/* Pastes the blocks, the last first if asked, and returns what is in force then. */
static void paste(struct box *b, bool backwards, struct str *running)
{
    struct shell s;
    *b = load("");
    shell_open(&s, b->c, b->cli, true, false, "");
    shell_do(&s, CLI_START, "");
    shell_line(&s, "configure terminal");
    for (size_t i = 0; i < BLOCKS; i++) {
        char block[512], *save = NULL;
        str_copy(block, sizeof block, peer_2[backwards ? BLOCKS - 1 - i : i]);
        for (char *l = strtok_r(block, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
            const char *out = shell_line(&s, l);
            assert_false(s.done.refused);
            assert_true(!*out || strncmp(out, "WARNING: ", 9) == 0 ||
                        strncmp(out, "INFO: ", 6) == 0);
        }
        shell_line(&s, "show hostname"); /* half a configuration has been applied */
    }
    uint64_t serial = cli_tree(b->cli)->serial;
    shell_line(&s, "interface g0/1");
    shell_line(&s, "nameif BACKUP-ISP");
    shell_line(&s, "mtu BACKUP-ISP 1400");
    assert_int_equal(cli_tree(b->cli)->serial, serial); /* once more changes nothing */
    shell_line(&s, "exit");
    str_add(running, shell_line(&s, "more system:running-config"));
    shell_close(&s);
}

/* Lines may come in any order: what names something that is still to come waits for it. */
static void test_any_order(void **state)
{
    struct str text[2] = {{0}, {0}};
    struct box b[2];
    (void)state;
    for (unsigned i = 0; i < 2; i++)
        paste(&b[i], i == 1, &text[i]);
    assert_string_equal(str_text(&text[1]), str_text(&text[0]));
    for (unsigned k = 0; k < 2; k++) {
        const struct intent *i = &b[k].c->intent;
        assert_int_equal(i->n_route, 2);
        assert_string_equal(i->route[1].ifname, "GigabitEthernet0/1");
        assert_int_equal(i->ifs[1].mtu, 1400);
        for (unsigned f = 0; f < 2; f++) {
            assert_true(i->ifs[f].ikev2);
            assert_non_null(i->ifs[f].map);
        }
        assert_null(i->ifs[2].map);
        const struct intent_map_entry *e = &i->map[0].entry[0];
        assert_non_null(e->acl);
        assert_int_equal(e->acl->n, 1);
        assert_int_equal(e->n_proposal, 1);
        assert_int_equal(i->n_peer, 1);
        str_free(&text[k]);
        drop(&b[k]);
    }
}

/* A template of the ASA: entries without peers, the key of those who have none of their own. */
static void test_templates(void **state)
{
    struct box b = box_of(
        true, "interface GigabitEthernet0/0\n nameif outside\n ip address 192.0.2.1 255.255.255.0\n"
              "crypto ipsec ikev2 ipsec-proposal P\n protocol esp encryption aes-256\n"
              " protocol esp integrity sha-256\n"
              "crypto ipsec ikev1 transform-set T esp-aes esp-sha-hmac\n"
              "access-list L extended permit ip 10.0.0.0 255.0.0.0 any4\n"
              "crypto dynamic-map D 20 set ikev2 ipsec-proposal P\n"
              "crypto dynamic-map D 20 set security-association lifetime seconds 900\n"
              "crypto dynamic-map D 10 match address L\n"
              "crypto dynamic-map D 10 set pfs group19\n"
              "crypto dynamic-map D 10 set ikev1 transform-set T\n"
              "crypto dynamic-map D 10 set reverse-route\n"
              "crypto map M 5 set peer 192.0.2.9\ncrypto map M 5 set reverse-route\n"
              "crypto map M 6 set reverse-route dynamic\n"
              "crypto map M 65535 ipsec-isakmp dynamic D\n"
              "crypto map M 65534 ipsec-isakmp dynamic NONE\n"
              "crypto map M interface outside\n"
              "tunnel-group DefaultL2LGroup ipsec-attributes\n"
              " ikev1 pre-shared-key old\n"
              " ikev2 remote-authentication pre-shared-key a\n"
              " ikev2 local-authentication pre-shared-key b\n");
    const struct intent *i = &b.c->intent;
    const struct intent_map_entry *e = i->map[0].entry;
    (void)state;
    assert_int_equal(i->map[0].n, 4);
    assert_true(e[0].rri.on && e[0].rri.always);
    assert_true(e[1].rri.on && !e[1].rri.always);
    assert_false(e[0].dynamic || e[1].dynamic);
    for (unsigned k = 2; k < 4; k++) {
        assert_true(e[k].dynamic);
        assert_int_equal(e[k].seq, 65535);
        assert_string_equal(e[k].template_name, "D");
        assert_int_equal(e[k].template, k == 2 ? 10 : 20);
        assert_int_equal(e[k].connection, CONN_ANSWER);
        assert_int_equal(e[k].n_peer, 0);
    }
    assert_true(!e[2].any && e[3].any);
    assert_string_equal(e[2].acl->name, "L");
    assert_int_equal(e[2].pfs_group, DH_ECP256);
    assert_string_equal(e[2].transform[0]->name, "T");
    assert_true(e[2].rri.on && !e[2].rri.always && !e[3].rri.on);
    assert_string_equal(e[3].proposal[0]->name, "P");
    assert_int_equal(e[3].life_seconds, 900);
    assert_int_equal(i->n_peer, 1);
    assert_false(addr_is_set(&i->peer[0].remote.addr));
    assert_int_equal(i->n_key, 1);
    assert_int_equal(i->key[0].remote.len, 0);
    assert_int_equal(i->key[0].remote.addr.family, AF_INET);
    drop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_templates),  cmocka_unit_test(test_interfaces),
        cmocka_unit_test(test_rules),      cmocka_unit_test(test_maps),
        cmocka_unit_test(test_ike),        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_dependents), cmocka_unit_test(test_bound),
        cmocka_unit_test(test_any_order),  cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_path),
    };
    return cmocka_run_group_tests_name("derive", tests, NULL, NULL);
}
