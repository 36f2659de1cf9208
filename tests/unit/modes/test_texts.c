/*
 * Texts made from plain values: ages, uptimes, sections of a configuration, routes, SAs in states
 * that no transcript shows.
 */
#include "fake_control.h"
#include "modes/cmd.h"
#include "modes/internal.h"
#include "modes/render.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void is_age(int64_t seconds, const char *want)
{
    char buf[32];
    cmd_age(buf, sizeof buf, seconds);
    assert_string_equal(buf, want);
}

static void test_age(void **state)
{
    (void)state;
    is_age(-1, "never");
    is_age(0, "00:00:00");
    is_age(760, "00:12:40");
    is_age(86399, "23:59:59");
    is_age(86400, "1d00h");
    is_age(7 * 86400 - 1, "6d23h");
    is_age(7 * 86400, "1w0d");
    is_age(23 * 86400 + 3600, "3w2d");
    is_age(INT64_C(365) * 86400, "1y00w");
    is_age(INT64_C(700) * 86400, "1y47w");
}

static void is_uptime(int64_t seconds, bool asa, const char *want)
{
    char buf[96];
    time_uptime(buf, sizeof buf, seconds, asa);
    assert_string_equal(buf, want);
}

static void test_uptime(void **state)
{
    (void)state;
    is_uptime(6120, false, "1 hour, 42 minutes");
    is_uptime(0, false, "0 minutes");
    is_uptime(3600, false, "1 hour, 0 minutes");
    is_uptime(INT64_C(400) * 86400 + 60, false, "1 year, 5 weeks, 1 minute");
    is_uptime(338400, true, "3 days 22 hours");
    is_uptime(7, true, "7 secs");
    is_uptime(0, true, "0 secs");
    is_uptime(61, true, "1 minute 1 sec");
    is_uptime(86400 * 8 + 60, true, "8 days 1 minute");
}

static void is_section(const char *text, const char *words, const char *want)
{
    struct str out = {0};
    config_section(text, words, &out);
    assert_string_equal(str_text(&out), want);
    str_free(&out);
}

static void test_sections(void **state)
{
    static const char text[] = "hostname A\n!\ninterface GigabitEthernet0/1\n nameif x\n!\n"
                               "interface GigabitEthernet0/10\n nameif y\n!\n"
                               "access-list CRYPTO extended permit ip any any\n"
                               "access-list CRYPTO-2 extended permit ip any any\n"
                               "no failover\ncrypto map M 1 set peer 1.2.3.4\n"
                               "crypto map M 10 set peer 1.2.3.4\n"
                               "crypto ikev2 policy 1\n encryption aes\n group 14\n";
    (void)state;
    is_section(text, "interface g0/1", "interface GigabitEthernet0/1\n nameif x\n!\n");
    is_section(text, "int GigabitEthernet0/10", "interface GigabitEthernet0/10\n nameif y\n!\n");
    is_section(text, "access-list CRYPTO", "access-list CRYPTO extended permit ip any any\n");
    is_section(text, "access-list CRYPTO-2", "access-list CRYPTO-2 extended permit ip any any\n");
    is_section(text, "failover", "no failover\n");
    is_section(text, "cry map M 1", "crypto map M 1 set peer 1.2.3.4\n");
    is_section(text, "cry ikev2", "crypto ikev2 policy 1\n encryption aes\n group 14\n");
    is_section(text, "cry map M 2", "");
    is_section(text, "router", "");
    is_section("", "x", "");
    is_section("last", "l", "last");
}

static struct query_route route(enum rib_source source, const char *net, uint8_t len,
                                const char *gw, const struct intent_if *ifp)
{
    struct query_route r = {.source = source, .ifp = ifp, .distance = 1};
    struct addr a;
    addr_parse(net, &a);
    r.dst = prefix_make(&a, len);
    if (gw)
        addr_parse(gw, &r.gateway);
    return r;
}

static void test_routes(void **state)
{
    struct intent_if in = {.name = "GigabitEthernet0/1", .nameif = "inside"};
    struct intent_if longer = {.name = "GigabitEthernet0/2",
                               .nameif = "a-very-long-interface-name-indeed"};
    struct query_route r[] = {
        route(RIB_STATIC, "0.0.0.0", 0, "10.1.1.2", &in),
        route(RIB_CONNECTED, "10.1.1.0", 24, NULL, &in),
        route(RIB_LOCAL, "10.1.1.1", 32, NULL, &in),
        route(RIB_STATIC, "172.16.100.0", 24, "10.1.1.7", &longer),
        route(RIB_CONNECTED, "192.168.1.0", 24, NULL, &in),
        route(RIB_STATIC, "192.168.7.64", 26, "10.1.1.5", &in),
    };
    struct str out = {0};
    (void)state;
    render_route_asa(&out, &r[0], false);
    render_route_asa(&out, &r[0], true);
    render_route_asa(&out, &r[3], false);
    assert_string_equal(str_text(&out),
                        "S*       0.0.0.0 0.0.0.0 [1/0] via 10.1.1.2, inside\n"
                        "                         [1/0] via 10.1.1.2, inside\n"
                        "S        172.16.100.0 255.255.255.0 \n"
                        "           [1/0] via 10.1.1.7, a-very-long-interface-name-indeed\n");
    str_clear(&out);
    render_routes_ios(&out, r, sizeof r / sizeof *r, 0);
    assert_string_equal(str_text(&out),
                        "S*    0.0.0.0/0 [1/0] via 10.1.1.2\n"
                        "      10.0.0.0/8 is variably subnetted, 2 subnets, 2 masks\n"
                        "C        10.1.1.0/24 is directly connected, GigabitEthernet0/1\n"
                        "L        10.1.1.1/32 is directly connected, GigabitEthernet0/1\n"
                        "      172.16.0.0/24 is subnetted, 1 subnets\n"
                        "S        172.16.100.0/24 [1/0] via 10.1.1.7\n"
                        "C     192.168.1.0/24 is directly connected, GigabitEthernet0/1\n"
                        "      192.168.7.0/26 is subnetted, 1 subnets\n"
                        "S        192.168.7.64/26 [1/0] via 10.1.1.5\n");
    str_free(&out);
}

static void has(const struct str *out, const char *part)
{
    if (!strstr(str_text(out), part))
        fail_msg("no \"%s\" in\n%s", part, str_text(out));
}

static void test_ikev2_states(void **state)
{
    struct control *c = fake_new();
    struct ike_sa_state two, *one = &c->sa;
    const struct ike_sa_state *list[] = {one, &two};
    struct str out = {0};
    (void)state;
    fake_tunnel(c);
    two = *one;
    two.tunnel_id = 7; /* rekeyed: the same session */
    two.n_children = 0;
    two.initiator = false;
    two.state = IKE_DELETING;
    two.suite = (struct ike_suite){ENCR_AES_GCM16, 256, 0, PRF_SHA384, DH_ECP384};
    two.nat_remote = true;
    two.path.rport = 4500;
    two.peer_fragments = false;
    two.local_id = (struct ike_identity){.type = 2, .len = 5, .data = "a\nb.c"};
    render_ikev2_sas(&out, list, 2, c->time.mono_us, true);
    has(&out, "Session-id:75, Status:UP-ACTIVE, IKE count:2, CHILD count:1\n");
    has(&out, "\n        7 203.0.113.1/500                                     192.0.2.1/4500"
              "                                           DELETE   RESPONDER\n");
    has(&out, "Encr: AES-GCM, keysize: 256, Hash: N/A, DH Grp:20,");
    has(&out, "Local spi: 0B0B8A0A3A5F5B5B       Remote spi: 82C04C6AA2DFFB1E\n");
    has(&out, "NAT-T is detected  outside\n");
    has(&out, "Delete in progress: TRUE\n");
    has(&out, "Local id: a.b.c\n"); /* nothing a peer says reaches the terminal raw */
    str_clear(&out);
    two.session_id = 76;
    render_ikev2_sas(&out, list, 2, c->time.mono_us, false);
    has(&out, "Session-id:75, Status:UP-ACTIVE, IKE count:1, CHILD count:1\n");
    has(&out, "Session-id:76, Status:UP-IDLE, IKE count:1, CHILD count:0\n");
    str_free(&out);
    fake_free(c);
}

static void test_ipsec_states(void **state)
{
    struct control *c = fake_new();
    struct intent_ace ace = {.permit = true, .line = 1};
    struct intent_acl acl = {.name = "A", .n = 1, .ace = &ace};
    struct intent_map_entry entry = {.seq = 3, .acl = &acl};
    struct intent_map map = {.name = "MAP", .n = 1, .entry = &entry};
    struct ike_child_state *k = &c->child;
    struct query_identity q = {.map = &map, .entry = &entry, .ace = &ace, .sa = &c->sa, .child = k};
    struct ipsec_view v = {.q = &q, .mtu = 1400, .now = c->time.mono_us};
    struct str out = {0};
    (void)state;
    fake_tunnel(c);
    k->encr = ENCR_AES_GCM16;
    k->udp = true;
    k->pfs_group = 21;
    k->life_kbytes = 0;
    k->ts[0].proto = 6;
    k->ts[0].rport[0] = k->ts[0].rport[1] = 443;
    ace.sel = k->ts[0];
    c->sa.path.lport = c->sa.path.rport = 4500;
    render_ipsec_sa(&out, &v); /* without counters: the datapath is not there */
    has(&out, "access-list A extended permit tcp 192.168.10.0 255.255.255.0 "
              "10.10.10.0 255.255.255.0 eq 443 \n");
    has(&out, "remote ident (addr/mask/prot/port): (10.10.10.0/255.255.255.0/6/443)\n");
    has(&out, "#pkts encaps: 0, #pkts encrypt: 0, #pkts digest: 0\n");
    has(&out, "local crypto endpt.: 203.0.113.1/4500, remote crypto endpt.: 192.0.2.1/4500\n");
    has(&out, "path mtu 1400, ipsec overhead 63(44), media mtu 1400\n");
    has(&out, "transform: esp-aes-gcm-256 esp-null-hmac no compression \n");
    has(&out, "in use settings ={L2L, Tunnel,  NAT-T-Encaps, PFS Group 21, IKEv2, }\n");
    has(&out, "sa timing: remaining key lifetime (sec): 28505\n");
    has(&out, "replay detection support: N\n");
    /* errors are summed, and told apart in detail */
    atomic_store(&c->in.drops[DP_REPLAY], 2);
    atomic_store(&c->in.drops[DP_BAD_ICV], 1);
    atomic_store(&c->out.drops[DP_QUEUE_FULL], 4);
    v.in = &c->in;
    v.out = &c->out;
    str_clear(&out);
    render_ipsec_sa(&out, &v);
    has(&out, "#send errors: 4, #recv errors: 3\n");
    v.detail = true;
    str_clear(&out);
    render_ipsec_sa(&out, &v);
    has(&out, "#pkts no sa (send): 4, ");
    has(&out, "#pkts verify failed: 1\n");
    has(&out, "#pkts replay failed (rcv): 2\n");
    str_free(&out);
    fake_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_age),          cmocka_unit_test(test_uptime),
        cmocka_unit_test(test_sections),     cmocka_unit_test(test_routes),
        cmocka_unit_test(test_ikev2_states), cmocka_unit_test(test_ipsec_states),
    };
    return cmocka_run_group_tests_name("texts", tests, NULL, NULL);
}
