/*
 * `debug crypto isakmp` and `debug crypto ipsec` of a responder, line by line as seed 004 has them:
 * the same two routers, the same configuration. Lines about routes and the map's database belong to
 * other rooms. '~' stands for a number that is another each time; blanks do not count.
 */
#include "tests/unit/isakmp/sim.h"
#include <ctype.h>

static const char *const seed[] = {
    "ISAKMP (0): received packet from 19.26.116.137 dport 500 sport 500 Global (N) NEW SA",
    "ISAKMP: Created a peer struct for 19.26.116.137, peer port 500",
    "ISAKMP: New peer created peer = ~ peer_handle = ~",
    "ISAKMP: Locking peer struct ~, refcount 1 for crypto_isakmp_process_block",
    "ISAKMP: local port 500, remote port 500",
    "ISAKMP:(0):insert sa successfully sa = ~",
    "ISAKMP:(0):Input = IKE_MESG_FROM_PEER, IKE_MM_EXCH",
    "ISAKMP:(0):Old State = IKE_READY New State = IKE_R_MM1",
    "ISAKMP:(0): processing SA payload. message ID = 0",
    "ISAKMP:(0): processing vendor id payload",
    "ISAKMP:(0): vendor ID seems Unity/DPD but major 69 mismatch",
    "ISAKMP (0): vendor ID is NAT-T RFC 3947",
    "ISAKMP:(0): processing vendor id payload",
    "ISAKMP:(0): vendor ID seems Unity/DPD but major 245 mismatch",
    "ISAKMP (0): vendor ID is NAT-T v7",
    "ISAKMP:(0): processing vendor id payload",
    "ISAKMP:(0): vendor ID seems Unity/DPD but major 157 mismatch",
    "ISAKMP:(0): vendor ID is NAT-T v3",
    "ISAKMP:(0): processing vendor id payload",
    "ISAKMP:(0): vendor ID seems Unity/DPD but major 123 mismatch",
    "ISAKMP:(0): vendor ID is NAT-T v2",
    "ISAKMP:(0):found peer pre-shared key matching 19.26.116.137",
    "ISAKMP:(0): local preshared key found",
    "ISAKMP : Scanning profiles for xauth ...",
    "ISAKMP:(0):Checking ISAKMP transform 1 against priority 1 policy",
    "ISAKMP: encryption AES-CBC",
    "ISAKMP: keylength of 256",
    "ISAKMP: hash SHA256",
    "ISAKMP: default group 14",
    "ISAKMP: auth pre-share",
    "ISAKMP: life type in seconds",
    "ISAKMP: life duration (VPI) of 0x0 0x1 0x51 0x80",
    "ISAKMP:(0):atts are acceptable. Next payload is 0",
    "ISAKMP:(0):Acceptable atts:actual life: 0",
    "ISAKMP:(0):Acceptable atts:life: 0",
    "ISAKMP:(0):Fill atts in sa vpi_length:4",
    "ISAKMP:(0):Fill atts in sa life_in_seconds:86400",
    "ISAKMP:(0):Returning Actual lifetime: 86400",
    "ISAKMP:(0)::Started lifetime timer: 86400.",
    "ISAKMP:(0): processing vendor id payload",
    "ISAKMP:(0): vendor ID seems Unity/DPD but major 69 mismatch",
    "ISAKMP (0): vendor ID is NAT-T RFC 3947",
    "ISAKMP:(0): processing vendor id payload",
    "ISAKMP:(0): vendor ID seems Unity/DPD but major 245 mismatch",
    "ISAKMP (0): vendor ID is NAT-T v7",
    "ISAKMP:(0): processing vendor id payload",
    "ISAKMP:(0): vendor ID seems Unity/DPD but major 157 mismatch",
    "ISAKMP:(0): vendor ID is NAT-T v3",
    "ISAKMP:(0): processing vendor id payload",
    "ISAKMP:(0): vendor ID seems Unity/DPD but major 123 mismatch",
    "ISAKMP:(0): vendor ID is NAT-T v2",
    "ISAKMP:(0):Input = IKE_MESG_INTERNAL, IKE_PROCESS_MAIN_MODE",
    "ISAKMP:(0):Old State = IKE_R_MM1 New State = IKE_R_MM1",
    "ISAKMP:(0): constructed NAT-T vendor-rfc3947 ID",
    "ISAKMP:(0): sending packet to 19.26.116.137 my_port 500 peer_port 500 (R) MM_SA_SETUP",
    "ISAKMP:(0):Sending an IKE IPv4 Packet.",
    "ISAKMP:(0):Input = IKE_MESG_INTERNAL, IKE_PROCESS_COMPLETE",
    "ISAKMP:(0):Old State = IKE_R_MM1 New State = IKE_R_MM2",
    "ISAKMP (0): received packet from 19.26.116.137 dport 500 sport 500 Global (R) MM_SA_SETUP",
    "ISAKMP:(0):Input = IKE_MESG_FROM_PEER, IKE_MM_EXCH",
    "ISAKMP:(0):Old State = IKE_R_MM2 New State = IKE_R_MM3",
    "ISAKMP:(0): processing KE payload. message ID = 0",
    "ISAKMP:(0): processing NONCE payload. message ID = 0",
    "ISAKMP:(0):found peer pre-shared key matching 19.26.116.137",
    "ISAKMP:(1002): processing vendor id payload",
    "ISAKMP:(1002): vendor ID is DPD",
    "ISAKMP:(1002): processing vendor id payload",
    "ISAKMP:(1002): speaking to another IOS box!",
    "ISAKMP:(1002): processing vendor id payload",
    "ISAKMP:(1002): vendor ID seems Unity/DPD but major 31 mismatch",
    "ISAKMP:(1002): vendor ID is XAUTH",
    "ISAKMP:received payload type 20",
    "ISAKMP (1002): His hash no match - this node outside NAT",
    "ISAKMP:received payload type 20",
    "ISAKMP (1002): No NAT Found for self or peer",
    "ISAKMP:(1002):Input = IKE_MESG_INTERNAL, IKE_PROCESS_MAIN_MODE",
    "ISAKMP:(1002):Old State = IKE_R_MM3 New State = IKE_R_MM3",
    "ISAKMP:(1002): sending packet to 19.26.116.137 my_port 500 peer_port 500 (R) MM_KEY_EXCH",
    "ISAKMP:(1002):Sending an IKE IPv4 Packet.",
    "ISAKMP:(1002):Input = IKE_MESG_INTERNAL, IKE_PROCESS_COMPLETE",
    "ISAKMP:(1002):Old State = IKE_R_MM3 New State = IKE_R_MM4",
    "ISAKMP (1002): received packet from 19.26.116.137 dport 500 sport 500 Global (R) MM_KEY_EXCH",
    "ISAKMP:(1002):Input = IKE_MESG_FROM_PEER, IKE_MM_EXCH",
    "ISAKMP:(1002):Old State = IKE_R_MM4 New State = IKE_R_MM5",
    "ISAKMP:(1002): processing ID payload. message ID = 0",
    "ISAKMP (1002): ID payload",
    "next-payload : 8",
    "type : 1",
    "address : 19.26.116.137",
    "protocol : 17",
    "port : 500",
    "length : 12",
    "ISAKMP:(0):: peer matches *none* of the profiles",
    "ISAKMP:(1002): processing HASH payload. message ID = 0",
    "ISAKMP:received payload type 17",
    "ISAKMP:(1002): processing NOTIFY INITIAL_CONTACT protocol 1",
    "spi 0, message ID = 0, sa = ~",
    "ISAKMP:(1002):SA authentication status:",
    "authenticated",
    "ISAKMP:(1002):SA has been authenticated with 19.26.116.137",
    "ISAKMP:(1002):SA authentication status:",
    "authenticated",
    "ISAKMP:(1002): Process initial contact,",
    ("bring down existing phase 1 and 2 SA's with local 19.26.116.141 remote 19.26.116.137 remote "
     "port 500"),
    ("ISAKMP: Trying to insert a peer 19.26.116.141/19.26.116.137/500/, and inserted successfully "
     "~."),
    "ISAKMP:(1002):Input = IKE_MESG_INTERNAL, IKE_PROCESS_MAIN_MODE",
    "ISAKMP:(1002):Old State = IKE_R_MM5 New State = IKE_R_MM5",
    "IPSEC(key_engine): got a queue event with 1 KMI message(s)",
    "ISAKMP:(1002):SA is doing pre-shared key authentication using id type ID_IPV4_ADDR",
    "ISAKMP (1002): ID payload",
    "next-payload : 8",
    "type : 1",
    "address : 19.26.116.141",
    "protocol : 17",
    "port : 500",
    "length : 12",
    "ISAKMP:(1002):Total payload length: 12",
    "ISAKMP:(1002): sending packet to 19.26.116.137 my_port 500 peer_port 500 (R) MM_KEY_EXCH",
    "ISAKMP:(1002):Sending an IKE IPv4 Packet.",
    "ISAKMP:(1002):Input = IKE_MESG_INTERNAL, IKE_PROCESS_COMPLETE",
    "ISAKMP:(1002):Old State = IKE_R_MM5 New State = IKE_P1_COMPLETE",
    "ISAKMP:(1002):IKE_DPD is enabled, initializing timers",
    "ISAKMP:(1002):Input = IKE_MESG_INTERNAL, IKE_PHASE1_COMPLETE",
    "ISAKMP:(1002):Old State = IKE_P1_COMPLETE New State = IKE_P1_COMPLETE",
    "ISAKMP (1002): received packet from 19.26.116.137 dport 500 sport 500 Global (R) QM_IDLE",
    "ISAKMP: set new node ~ to QM_IDLE",
    "ISAKMP:(1002): processing HASH payload. message ID = ~",
    "ISAKMP:(1002): processing SA payload. message ID = ~",
    "ISAKMP:(1002):Checking IPSec proposal 1",
    "ISAKMP: transform 1, ESP_AES",
    "ISAKMP: attributes in transform:",
    "ISAKMP: encaps is 1 (Tunnel)",
    "ISAKMP: SA life type in seconds",
    "ISAKMP: SA life duration (basic) of 3600",
    "ISAKMP: SA life type in kilobytes",
    "ISAKMP: SA life duration (VPI) of 0x0 0x46 0x50 0x0",
    "ISAKMP: authenticator is HMAC-SHA256",
    "ISAKMP: key length is 256",
    "ISAKMP: group is 14",
    "ISAKMP:(1002):atts are acceptable.",
    "IPSEC(validate_proposal_request): proposal part #1",
    "IPSEC(validate_proposal_request): proposal part #1,",
    "(key eng. msg.) INBOUND local= 19.26.116.141:0, remote= 19.26.116.137:0,",
    "local_proxy= 192.168.20.25/255.255.255.255/0/0 (type=1),",
    "remote_proxy= 172.21.91.37/255.255.255.255/0/0 (type=1),",
    "protocol= ESP, transform= NONE (Tunnel),",
    "lifedur= 0s and 0kb,",
    "spi= 0x0(0), conn_id= 0, keysize= 256, flags= 0x0",
    "Crypto mapdb : proxy_match",
    "src addr : 192.168.20.25",
    "dst addr : 172.21.91.37",
    "protocol : 0",
    "src port : 0",
    "dst port : 0",
    "ISAKMP:(1002): processing NONCE payload. message ID = ~",
    "ISAKMP:(1002): processing KE payload. message ID = ~",
    "ISAKMP:(1002): processing ID payload. message ID = ~",
    "ISAKMP:(1002): processing ID payload. message ID = ~",
    "ISAKMP:(1002):QM Responder gets spi",
    "ISAKMP:(1002):Node ~, Input = IKE_MESG_FROM_PEER, IKE_QM_EXCH",
    "ISAKMP:(1002):Old State = IKE_QM_READY New State = IKE_QM_SPI_STARVE",
    "ISAKMP:(1002): Creating IPSec SAs",
    "inbound SA from 19.26.116.137 to 19.26.116.141 (f/i) 0/ 0",
    "(proxy 172.21.91.37 to 192.168.20.25)",
    "has spi ~ and conn_id 0",
    "lifetime of 3600 seconds",
    "lifetime of 4608000 kilobytes",
    "outbound SA from 19.26.116.141 to 19.26.116.137 (f/i) 0/0",
    "(proxy 192.168.20.25 to 172.21.91.37)",
    "has spi ~ and conn_id 0",
    "lifetime of 3600 seconds",
    "lifetime of 4608000 kilobytes",
    "ISAKMP:(1002): sending packet to 19.26.116.137 my_port 500 peer_port 500 (R) QM_IDLE",
    "ISAKMP:(1002):Sending an IKE IPv4 Packet.",
    "ISAKMP:(1002):Node ~, Input = IKE_MESG_INTERNAL, IKE_GOT_SPI",
    "ISAKMP:(1002):Old State = IKE_QM_SPI_STARVE New State = IKE_QM_R_QM2",
    "IPSEC(key_engine): got a queue event with 1 KMI message(s)",
    "Crypto mapdb : proxy_match",
    "src addr : 192.168.20.25",
    "dst addr : 172.21.91.37",
    "protocol : 0",
    "src port : 0",
    "dst port : 0",
    ("IPSEC(crypto_ipsec_sa_find_ident_head): reconnecting with the same proxies and peer "
     "19.26.116.137"),
    "IPSEC(policy_db_add_ident): src 192.168.20.25, dest 172.21.91.37, dest_port 0",
    "IPSEC(create_sa): sa created,",
    "(sa) sa_dest= 19.26.116.141, sa_proto= 50,",
    "sa_spi= ~(~),",
    "sa_trans= esp-aes 256 esp-sha256-hmac , sa_conn_id= ~",
    "sa_lifetime(k/sec)= (~/3600)",
    "IPSEC(create_sa): sa created,",
    "(sa) sa_dest= 19.26.116.137, sa_proto= 50,",
    "sa_spi= ~(~),",
    "sa_trans= esp-aes 256 esp-sha256-hmac , sa_conn_id= ~",
    "sa_lifetime(k/sec)= (~/3600)",
    "ISAKMP (1002): received packet from 19.26.116.137 dport 500 sport 500 Global (R) QM_IDLE",
    "ISAKMP:(1002):deleting node ~ error FALSE reason \"QM done (await)\"",
    "ISAKMP:(1002):Node ~, Input = IKE_MESG_FROM_PEER, IKE_QM_EXCH",
    "ISAKMP:(1002):Old State = IKE_QM_R_QM2 New State = IKE_QM_PHASE2_COMPLETE",
    "IPSEC(key_engine): got a queue event with 1 KMI message(s)",
    "IPSEC(key_engine_enable_outbound): rec'd enable notify from ISAKMP",
    "IPSEC(key_engine_enable_outbound): enable SA with spi ~/50",
    ("IPSEC(update_current_outbound_sa): get enable SA peer 19.26.116.137 current outbound sa to "
     "SPI ~"),
    "IPSEC(update_current_outbound_sa): updated peer 19.26.116.137 current outbound sa to SPI ~",
};

/* Text without blanks against a pattern. */
static bool matches(const char *pattern, const char *text)
{
    for (; *pattern; pattern++) {
        if (*pattern == ' ')
            continue;
        if (*pattern == '~') {
            const char *start = text;
            while (isdigit((unsigned char)*text) || (*text >= 'A' && *text <= 'F') || *text == 'x')
                text++;
            if (text == start)
                return false;
        } else if (*text++ != *pattern) {
            return false;
        }
    }
    return *text == '\0';
}

static size_t without_blanks(const char *line, size_t n, char *out, size_t cap)
{
    size_t len = 0;
    for (size_t i = 0; i < n && len + 1 < cap; i++)
        if (!isspace((unsigned char)line[i]))
            out[len++] = line[i];
    out[len] = '\0';
    return len;
}

static void seed_routers(struct sim *s)
{
    for (int i = 0; i < 2; i++) {
        struct sim_node *n = &s->node[i];
        addr_parse(i ? "19.26.116.141" : "19.26.116.137", &n->addr);
        n->entry[0].cfg.sel = i ? sim_selector("192.168.20.25", "172.21.91.37", 32)
                                : sim_selector("172.21.91.37", "192.168.20.25", 32);
        n->entry[0].cfg.pfs_group = DH_2048;
        n->peer.dpd_seconds = 10;
    }
    isakmp_set_first(s->node[1].k, 1002);
}

static void responder_of_seed_004(void **state)
{
    struct sim *s = sim_new(4, DH_2048);
    (void)state;
    seed_routers(s);
    s->node[1].debug = true;
    assert_int_equal(sim_initiate(s, 0, 1, 0), 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    size_t at = 0;
    for (const char *p = s->node[1].log; *p;) {
        char line[512];
        size_t n = strcspn(p, "\n");
        if (without_blanks(p, n, line, sizeof line) > 0) {
            assert_true(at < sizeof seed / sizeof *seed);
            if (!matches(seed[at], line))
                fail_msg("line %zu: want \"%s\", got \"%.*s\"", at, seed[at], (int)n, p);
            at++;
        }
        p += n + (p[n] == '\n');
    }
    assert_int_equal(at, sizeof seed / sizeof *seed);
    sim_free(s);
}

static void has(const struct sim_node *n, const char *text)
{
    if (!strstr(n->log, text))
        fail_msg("not said: %s\n%s", text, n->log);
}

/* What was offered and what is configured, in both phases. */
static void mismatches(void **state)
{
    struct sim *s = sim_new(5, DH_2048);
    (void)state;
    s->node[1].debug = true;
    s->node[1].policy[0].hash = PRF_SHA1;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    has(&s->node[1], "Hash algorithm offered does not match policy!");
    has(&s->node[1], "atts are not acceptable. Next payload is 0");
    has(&s->node[1], "peer offered {AES-CBC-256, SHA256, group 14, pre-share}");
    has(&s->node[1], "configured 1 {AES-CBC-256, SHA1, group 14, pre-share}");
    s->node[1].policy[0].hash = PRF_SHA256;
    s->node[1].esp[0].encr[0].keybits = 128;
    sim_for(s, 30);
    has(&s->node[1], "peer offered {ESP AES-CBC-256 SHA256 tunnel}");
    has(&s->node[1], "configured PROPOSAL {ESP AES-CBC-128 SHA256 tunnel}");
    sim_free(s);
}

static void retransmission(void **state)
{
    struct sim *s = sim_new(6, DH_2048);
    (void)state;
    s->node[0].debug = true;
    s->node[1].dead = true;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 61);
    has(&s->node[0], "ISAKMP (0): incrementing error counter on sa, attempt 1 of 5: retransmit "
                     "phase 1");
    has(&s->node[0], "retransmitting phase 1 MM_NO_STATE...");
    has(&s->node[0], "deleting SA reason \"Death by retransmission P1\" state (I) MM_NO_STATE "
                     "(peer 203.0.113.1)");
    sim_free(s);
}

static void wrong_key(void **state)
{
    struct sim *s = sim_new(7, DH_2048);
    (void)state;
    s->node[1].debug = true;
    s->node[1].psk = "Xyzzy-1";
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    has(&s->node[1], "failed its sanity check or is malformed (possible key mismatch)");
    assert_null(strstr(s->node[1].log, "Xyzzy"));
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(responder_of_seed_004),
        cmocka_unit_test(mismatches),
        cmocka_unit_test(retransmission),
        cmocka_unit_test(wrong_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
