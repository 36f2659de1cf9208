/*
 * The shows of IKE and IPsec on IOS against seed 004: the SA of its R1, as structs made by hand.
 */
#include "fake_control.h"
#include "modes/ipsec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Seed 004 §1.2: R1 is the responder, 192.168.20.25 behind it. */
struct seed {
    struct control *c;
    struct intent_if port;
    struct intent_ace ace[2];
    struct intent_acl acl;
    struct intent_map_entry entry;
    struct intent_map map;
    struct ike_sa_state sa;
    struct ike_child_state child;
    struct query_identity q;
    struct ipsec_view v;
    struct dp_counters in, out, line;
};

static void host(struct addr_range *r, const char *text)
{
    addr_parse(text, &r->lo);
    r->hi = r->lo;
}

static void seed(struct seed *s)
{
    *s = (struct seed){.c = fake_new(), .port = {.name = "GigabitEthernet0/0"}};
    usec_t now = s->c->time.mono_us;
    for (int i = 0; i < 2; i++) {
        host(&s->ace[i].sel.local, i ? "172.21.91.37" : "192.168.20.25");
        host(&s->ace[i].sel.remote, i ? "192.168.20.25" : "172.21.91.37");
        s->ace[i].sel.lport[1] = s->ace[i].sel.rport[1] = UINT16_MAX;
        s->ace[i].permit = true;
        s->ace[i].line = (uint32_t)i + 1;
    }
    s->acl = (struct intent_acl){.name = "110", .n = 2, .ace = s->ace};
    s->entry = (struct intent_map_entry){.seq = 10, .acl = &s->acl, .n_peer = 1};
    addr_parse("19.26.116.137", &s->entry.peer[0]);
    s->map = (struct intent_map){.name = "vpn", .n = 1, .entry = &s->entry};
    s->sa = (struct ike_sa_state){.tunnel_id = 1001,
                                  .version = IKE_V1,
                                  .phase1 = ISAKMP_QM_IDLE,
                                  .state = IKE_ESTABLISHED,
                                  .path = {.remote = s->entry.peer[0], .lport = 500, .rport = 500},
                                  .suite = {ENCR_AES_CBC, 256, 0, PRF_SHA256, DH_2048},
                                  .dpd_seconds = 10,
                                  .established = now - 24 * USEC_PER_SEC,
                                  .expires = now + 86376 * USEC_PER_SEC,
                                  .child = &s->child,
                                  .n_children = 1,
                                  .room = 1};
    addr_parse("19.26.116.141", &s->sa.path.local);
    s->child = (struct ike_child_state){.sa_in = 5,
                                        .sa_out = 6,
                                        .spi_in = 0x2C3EB4EE,
                                        .spi_out = 0x74E1A91F,
                                        .encr = ENCR_AES_CBC,
                                        .encr_bits = 256,
                                        .integ = INTEG_SHA256_128,
                                        .pfs_group = DH_2048,
                                        .proto = SADB_ESP,
                                        .mode = SADB_TUNNEL,
                                        .life_seconds = 3600,
                                        .life_kbytes = 4608000,
                                        .created = now - 317 * USEC_PER_SEC,
                                        .expires = now + 3283 * USEC_PER_SEC,
                                        .n_ts = 1,
                                        .ts = {s->ace[0].sel},
                                        .map = "vpn"};
    atomic_store(&s->in.packets, 4);
    atomic_store(&s->in.replay_window, 64);
    s->q = (struct query_identity){.ifp = &s->port,
                                   .map = &s->map,
                                   .entry = &s->entry,
                                   .ace = &s->ace[0],
                                   .local = s->sa.path.local,
                                   .sa = &s->sa,
                                   .child = &s->child};
    s->v = (struct ipsec_view){.q = &s->q,
                               .in = &s->in,
                               .out = &s->out,
                               .line = &s->line,
                               .ifname = "GigabitEthernet0/0",
                               .mtu = 1500,
                               .now = now};
}

static void end(struct seed *s, struct str *out)
{
    str_free(out);
    fake_free(s->c);
}

static void lines_are(const struct str *out, const char *want)
{
    assert_string_equal(str_text(out), want);
}

static void an_identity_that_is_up(void **state)
{
    struct seed s;
    struct str out = {0};
    (void)state;
    seed(&s);
    render_ipsec_sa_ios(&out, &s.v);
    lines_are(&out, "\n"
                    "   protected vrf: (none)\n"
                    "   local  ident (addr/mask/prot/port): (192.168.20.25/255.255.255.255/0/0)\n"
                    "   remote ident (addr/mask/prot/port): (172.21.91.37/255.255.255.255/0/0)\n"
                    "   current_peer 19.26.116.137 port 500\n"
                    "     PERMIT, flags={origin_is_acl,}\n"
                    "    #pkts encaps: 0, #pkts encrypt: 0, #pkts digest: 0\n"
                    "    #pkts decaps: 4, #pkts decrypt: 4, #pkts verify: 4\n"
                    "    #pkts compressed: 0, #pkts decompressed: 0\n"
                    "    #pkts not compressed: 0, #pkts compr. failed: 0\n"
                    "    #pkts not decompressed: 0, #pkts decompress failed: 0\n"
                    "    #send errors 0, #recv errors 0\n"
                    "\n"
                    "     local crypto endpt.: 19.26.116.141, remote crypto endpt.: 19.26.116.137\n"
                    "     path mtu 1500, ip mtu 1500, ip mtu idb GigabitEthernet0/0\n"
                    "     current outbound spi: 0x74E1A91F(1960945951)\n"
                    "     PFS (Y/N): Y, DH group: group14\n"
                    "\n"
                    "     inbound esp sas:\n"
                    "      spi: 0x2C3EB4EE(742307054)\n"
                    "        transform: esp-256-aes esp-sha256-hmac ,\n"
                    "        in use settings ={Tunnel, }\n"
                    "        conn id: 5, flow_id: SW:5, sibling_flags 80000046, crypto map: vpn\n"
                    "        sa timing: remaining key lifetime (k/sec): (4608000/3283)\n"
                    "        IV size: 16 bytes\n"
                    "        replay detection support: Y\n"
                    "        Status: ACTIVE\n"
                    "\n"
                    "     inbound ah sas:\n"
                    "\n"
                    "     inbound pcp sas:\n"
                    "\n"
                    "     outbound esp sas:\n"
                    "      spi: 0x74E1A91F(1960945951)\n"
                    "        transform: esp-256-aes esp-sha256-hmac ,\n"
                    "        in use settings ={Tunnel, }\n"
                    "        conn id: 6, flow_id: SW:6, sibling_flags 80000046, crypto map: vpn\n"
                    "        sa timing: remaining key lifetime (k/sec): (4608000/3283)\n"
                    "        IV size: 16 bytes\n"
                    "        replay detection support: Y\n"
                    "        Status: ACTIVE\n"
                    "\n"
                    "     outbound ah sas:\n"
                    "\n"
                    "     outbound pcp sas:\n"
                    "\n");
    end(&s, &out);
}

static void an_idle_identity(void **state)
{
    struct seed s;
    struct str out = {0};
    (void)state;
    seed(&s);
    s.q.sa = NULL;
    s.q.child = NULL;
    s.q.ace = &s.ace[1];
    s.v.in = s.v.out = NULL;
    atomic_store(&s.line.drops[DP_NO_SA], 80); /* seed 004 §2 */
    atomic_store(&s.line.drops[DP_QUEUE_FULL], 2);
    render_ipsec_sa_ios(&out, &s.v);
    assert_non_null(strstr(str_text(&out), "    #send errors 82, #recv errors 0\n"));
    assert_non_null(strstr(str_text(&out), "   current_peer 19.26.116.137 port 500\n"));
    assert_non_null(strstr(str_text(&out), "     current outbound spi: 0x0(0)\n"
                                           "     PFS (Y/N): N, DH group: none\n"
                                           "\n"
                                           "     inbound esp sas:\n"
                                           "\n"
                                           "     inbound ah sas:\n"
                                           "\n"
                                           "     inbound pcp sas:\n"
                                           "\n"
                                           "     outbound esp sas:\n"
                                           "\n"
                                           "     outbound ah sas:\n"
                                           "\n"
                                           "     outbound pcp sas:\n"
                                           "\n"));
    end(&s, &out);
}

/* Seed 002's ah-md5-hmac esp-aes: each header with its own SPI; and AH alone. */
static void authentication_headers(void **state)
{
    struct seed s;
    struct str out = {0};
    (void)state;
    seed(&s);
    s.child.encr_bits = 128;
    s.child.integ = INTEG_NONE;
    s.child.ah_integ = INTEG_MD5_96;
    s.child.ah_spi_in = 0x1234;
    s.child.mode = SADB_TRANSPORT;
    render_ipsec_sa_ios(&out, &s.v);
    assert_non_null(strstr(str_text(&out), "     inbound esp sas:\n"
                                           "      spi: 0x2C3EB4EE(742307054)\n"
                                           "        transform: esp-aes ,\n"
                                           "        in use settings ={Transport, }\n"));
    assert_non_null(strstr(str_text(&out), "     inbound ah sas:\n"
                                           "      spi: 0x1234(4660)\n"
                                           "        transform: ah-md5-hmac ,\n"));
    assert_non_null(strstr(str_text(&out), "#pkts decaps: 4, #pkts decrypt: 4, #pkts verify: 4\n"));
    str_clear(&out);
    s.child.ah_integ = INTEG_NONE; /* ESP without integrity */
    render_ipsec_sa_ios(&out, &s.v);
    assert_non_null(strstr(str_text(&out), "#pkts decaps: 4, #pkts decrypt: 4, #pkts verify: 0\n"));
    str_clear(&out);
    s.child.proto = SADB_AH;
    s.child.encr = s.child.encr_bits = 0;
    s.child.integ = INTEG_SHA256_128;
    s.child.ah_integ = INTEG_NONE;
    render_ipsec_sa_ios(&out, &s.v);
    assert_non_null(strstr(str_text(&out), "     inbound esp sas:\n\n     inbound ah sas:\n"
                                           "      spi: 0x2C3EB4EE(742307054)\n"
                                           "        transform: ah-sha256-hmac ,\n"));
    assert_non_null(strstr(str_text(&out), "#pkts decaps: 4, #pkts decrypt: 0, #pkts verify: 4\n"));
    end(&s, &out);
}

static void transform_sets(void **state)
{
    struct str out = {0};
    struct ike_esp_proposal p = {.encr = {{ENCR_AES_GCM16, 256}}, .n_encr = 1, .ah = INTEG_MD5_96};
    (void)state;
    ipsec_set_ios(&out, &p);
    lines_are(&out, "ah-md5-hmac esp-gcm 256 ");
    str_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_identity_that_is_up),
        cmocka_unit_test(an_idle_identity),
        cmocka_unit_test(authentication_headers),
        cmocka_unit_test(transform_sets),
    };
    return cmocka_run_group_tests_name("ios_shows", tests, NULL, NULL);
}
