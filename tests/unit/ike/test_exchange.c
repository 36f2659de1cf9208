/* How an SA comes about between two engines, and how it does not: refusals, retransmission,
 * cookies, other groups, forged answers, NAT. */
#include "sim.h"

static void seed_suite(void **state)
{
    struct sim *s = sim_new(1, DH_ECP521);
    (void)state;
    assert_int_equal(sim_initiate(s, 0, 1, 0), 0);
    assert_int_equal(sim_initiate(s, 0, 1, 0), 0); /* several wishes are one */
    sim_for(s, 1);
    assert_tunnel(s, 1);
    struct sim_seen a = sim_sas(s, 0), b = sim_sas(s, 1);
    assert_int_equal(a.n, 1);
    assert_int_equal(b.n, 1);
    assert_string_equal(ike_state_name(a.last->state), "READY");
    assert_true(a.last->initiator);
    assert_false(b.last->initiator);
    assert_int_equal(a.last->spi_i, b.last->spi_i);
    assert_int_equal(a.last->spi_r, b.last->spi_r);
    assert_memory_equal(&a.last->keys, &b.last->keys, sizeof a.last->keys);
    assert_int_equal(a.last->suite.group, 21);
    assert_int_equal(a.last->lifetime, 86400);
    assert_int_equal(a.last->ifid, 3);
    assert_int_equal(b.last->ifid, 3);
    assert_int_equal(a.last->child[0].n_ts, 1);
    assert_in_range(a.last->tunnel_id, 100000000, 999999999); /* nine digits, as in seed 000 */
    assert_int_not_equal(a.last->tunnel_id, b.last->tunnel_id);
    assert_int_equal(a.last->session_id, 1);
    assert_false(s->node[0].child[0].udp);
    assert_int_equal(s->delivered, 4);
    assert_int_equal(ike_stats(s->node[0].ike)->established, 1);
    sim_free(s);
}

static usec_t failed_at;
static void note_failure(struct sim_node *n)
{
    failed_at = n->sim->time.mono_us;
}

/* semantics.md §1.1: 5 retransmissions, and dead after 126 s. */
static void retransmission_schedule(void **state)
{
    static const int at[] = {0, 2, 6, 14, 30, 62};
    struct sim *s = sim_new(2, DH_X25519);
    usec_t start = s->time.mono_us;
    (void)state;

    s->node[1].dead = true;
    s->node[0].on_failed = note_failure;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 125.9);
    assert_int_equal(s->node[0].failed, 0);
    assert_int_equal(sim_sas(s, 0).n, 1);
    sim_for(s, 10);
    assert_int_equal(s->node[0].n_sent, 6);
    assert_int_equal(s->node[0].retransmits, 5);
    for (int i = 0; i < 6; i++)
        assert_int_equal(s->node[0].sent_at[i] - start, at[i] * SEC);
    assert_int_equal(s->node[0].failed, 1);
    assert_int_equal(s->node[0].last_failure, IKE_R_RETRANSMIT);
    assert_int_equal(failed_at - start, 126 * SEC);
    assert_nothing(s);
    sim_free(s);
}

static void next_peer(struct sim_node *n)
{
    n->on_failed = NULL;
    struct ike_path p = {n->addr, n->sim->node[1].addr, 500, 500};
    assert_int_equal(ike_initiate(n->ike, &p, &n->entry[0].cfg), 0);
}

/* The tunnel manager tries the next peer from inside the callback. */
static void initiate_from_failure(void **state)
{
    struct sim *s = sim_new(2, DH_X25519);
    struct ike_path p = sim_path(s, 0, 1);
    (void)state;

    addr_parse("203.0.113.99", &p.remote);
    s->node[0].on_failed = next_peer;
    assert_int_equal(ike_initiate(s->node[0].ike, &p, &s->node[0].entry[0].cfg), 0);
    sim_for(s, 125);
    assert_int_equal(s->node[0].failed, 0);
    sim_for(s, 5);
    assert_int_equal(s->node[0].failed, 1);
    assert_tunnel(s, 1);
    sim_free(s);
}

static void same_peer_again(struct sim_node *n)
{
    struct ike_path p = {n->addr, n->sim->node[1].addr, 500, 500};
    ike_initiate(n->ike, &p, &n->entry[0].cfg);
}

/* `clear` while an initiation is under way, and a host that begins the next one at once. */
static void clear_does_not_chase(void **state)
{
    struct sim *s = sim_new(2, DH_X25519);
    (void)state;
    s->node[1].dead = true;
    s->node[0].on_failed = same_peer_again;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_int_equal(ike_clear(s->node[0].ike, NULL, 0), 1);
    assert_int_equal(s->node[0].failed, 1);
    assert_int_equal(sim_sas(s, 0).n, 1);
    s->node[1].dead = false;
    sim_for(s, 5);
    assert_tunnel(s, 1);
    sim_free(s);
}

static void other_schedule(void **state)
{
    struct sim *s = sim_new(2, DH_X25519);
    struct ike_schedule two = {.n = 2, .wait = {3 * SEC, 5 * SEC}}, none = {0};
    (void)state;
    s->node[1].dead = true;
    ike_set_schedule(s->node[0].ike, &none); /* not a schedule: the usual one stays */
    ike_set_schedule(s->node[0].ike, &two);
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 7.9);
    assert_int_equal(s->node[0].failed, 0);
    sim_for(s, 0.2);
    assert_int_equal(s->node[0].n_sent, 2);
    assert_int_equal(s->node[0].failed, 1);
    sim_free(s);
}

static void wrong_key(void **state)
{
    struct sim *s = sim_new(3, DH_X25519);
    (void)state;
    s->node[1].psk_local = s->node[1].psk_remote = "other";
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_int_equal(s->node[0].failed, 1);
    assert_int_equal(s->node[0].last_failure, IKE_R_AUTH_FAILED);
    assert_int_equal(s->node[1].sa_down, 1);
    assert_nothing(s);
    sim_for(s, 40); /* the refused SA at the responder goes, too */
    assert_int_equal(timerq_next(&s->q), -1);
    sim_free(s);
}

/* The responder is accepted by nobody: it believed the SA up and is told. */
static void wrong_key_of_responder(void **state)
{
    struct sim *s = sim_new(3, DH_X25519);
    (void)state;
    s->node[1].psk_local = "other";
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_int_equal(s->node[0].last_failure, IKE_R_AUTH_FAILED);
    assert_int_equal(s->node[1].sa_up, 1);
    assert_int_equal(s->node[1].last_child_down, IKE_R_AUTH_FAILED);
    assert_nothing(s);
    sim_free(s);
}

static void unknown_peer(void **state)
{
    struct sim *s = sim_new(3, DH_X25519);
    (void)state;
    s->node[1].psk_local = NULL;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_int_equal(s->node[0].last_failure, IKE_R_AUTH_FAILED);
    assert_nothing(s);
    sim_free(s);
}

/* What is configured for a peer may depend on what it calls itself, for either side. */
static void by_identity(void **state)
{
    const struct ike_identity bob = {.type = ID_FQDN, .len = 3, .data = "bob"};
    const struct ike_identity eve = {.type = ID_FQDN, .len = 3, .data = "eve"};
    (void)state;
    for (int named = 0; named < 2; named++) {
        struct sim *s = sim_new(3, DH_X25519);
        s->node[named].local_id = bob;
        s->node[!named].only_id = bob;
        sim_initiate(s, 0, 1, 0);
        sim_for(s, 1);
        assert_tunnel(s, 1);
        sim_free(s);
        s = sim_new(3, DH_X25519);
        s->node[named].local_id = eve;
        s->node[!named].only_id = bob;
        sim_initiate(s, 0, 1, 0);
        sim_for(s, 1);
        assert_int_equal(s->node[0].last_failure, IKE_R_AUTH_FAILED);
        assert_nothing(s);
        sim_free(s);
    }
}

static void assert_said(const struct sim *s, const char *text)
{
    if (!strstr(s->node[1].log, text))
        fail_msg("not said: %s\n%s", text, s->node[1].log);
}

static void no_ike_proposal(void **state)
{
    struct sim *s = sim_new(4, DH_X25519);
    (void)state;
    s->node[1].policy[0].encr[0].keybits = 128;
    s->node[1].debug = true;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_int_equal(s->node[0].last_failure, IKE_R_NO_PROPOSAL);
    assert_said(s,
                "IKEv2-PROTO-2: (0): No IKE proposal chosen: peer offered {AES-CBC-256, PRF-SHA");
    assert_int_equal(s->node[1].mismatches, 1);
    assert_said(s, "IKEv2-PROTO-2: (0): No IKE proposal chosen: configured 1 {AES-CBC-128, SHA");
    assert_nothing(s);
    assert_int_equal(timerq_next(&s->q), -1);
    sim_free(s);
}

static void no_esp_proposal(void **state)
{
    struct sim *s = sim_new(5, DH_X25519);
    (void)state;
    s->node[1].esp[0].integ[0] = INTEG_SHA1_96;
    s->node[1].debug = true;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_int_equal(s->node[0].failed, 1);
    assert_int_equal(s->node[0].last_failure, IKE_R_NO_PROPOSAL);
    assert_said(s, "No ESP proposal chosen: peer offered {AES-CBC-256, SHA256}\n");
    assert_said(s, "No ESP proposal chosen: configured PROPOSAL {AES-CBC-256, SHA96}\n");
    assert_int_equal(s->node[1].sa_up, 1); /* §1.2: the IKE SA stood alone for a moment */
    assert_nothing(s);
    sim_free(s);
}

static void no_selectors(void **state)
{
    struct sim *s = sim_new(6, DH_X25519);
    (void)state;
    s->node[1].entry[0].cfg.sel = sim_selector("172.16.0.0", "10.10.10.0", 24);
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_int_equal(s->node[0].failed, 1);
    assert_int_equal(s->node[0].last_failure, IKE_R_TS_UNACCEPTABLE);
    assert_nothing(s);
    sim_free(s);
}

static void narrowed(void **state)
{
    struct sim *s = sim_new(6, DH_X25519);
    (void)state;
    s->node[1].entry[0].cfg.sel = sim_selector("192.168.10.0", "10.10.10.0", 28);
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    assert_int_equal(addr_v4(&s->node[0].child[0].ts.local.hi), 0x0a0a0a0f);
    assert_int_equal(addr_v4(&s->node[1].child[0].ts.remote.hi), 0x0a0a0a0f);
    sim_free(s);
}

static void not_enabled(void **state)
{
    struct sim *s = sim_new(7, DH_X25519);
    (void)state;
    s->node[1].n_policy = 0;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 130);
    assert_int_equal(s->node[0].last_failure, IKE_R_RETRANSMIT);
    assert_int_equal(ike_stats(s->node[1].ike)->dropped[IKE_DROP_DISABLED], 6);
    s->node[0].n_policy = 0;
    sim_initiate(s, 0, 1, 0);
    assert_int_equal(s->node[0].last_failure, IKE_R_NO_POLICY);
    assert_nothing(s);
    sim_free(s);
}

static void another_group(void **state)
{
    struct sim *s = sim_new(8, DH_X25519);
    (void)state;
    s->node[0].policy[0].group[0] = DH_ECP256;
    s->node[0].policy[0].group[1] = DH_X25519;
    s->node[0].policy[0].n_group = 2;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    assert_int_equal(s->delivered, 6);
    assert_int_equal(sim_sas(s, 0).last->suite.group, DH_X25519);
    sim_free(s);
}

static void responder_order_decides(void **state)
{
    struct sim *s = sim_new(8, DH_X25519);
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct ike_policy *p = s->node[i].policy;
        p[1] = p[0];
        p[0].encr[0].keybits = i ? 128 : 256;
        p[1].encr[0].keybits = i ? 256 : 128;
        p[0].priority = 1;
        p[1].priority = 2;
        p[1].lifetime = 3600;
        s->node[i].n_policy = 2;
    }
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    struct sim_seen a = sim_sas(s, 0), b = sim_sas(s, 1);
    assert_int_equal(a.last->suite.encr_bits, 128);
    assert_int_equal(a.last->policy_priority, 2);
    assert_int_equal(a.last->lifetime, 3600);
    assert_int_equal(b.last->policy_priority, 1);
    sim_free(s);
}

static void cookies(void **state)
{
    struct sim *s = sim_new(9, DH_X25519);
    struct ike_limits l = {.half_open = 10, .cookie_at = 0, .sas = 10};
    (void)state;
    ike_set_limits(s->node[1].ike, &l);
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    assert_int_equal(s->delivered, 6);
    assert_int_equal(ike_stats(s->node[1].ike)->dropped[IKE_DROP_COOKIE], 1);
    /* The secret changes and the one before it stays good (§2.6). */
    sim_for(s, 500);
    s->node[0].entry[1] = s->node[0].entry[0];
    sim_free(s);
}

static bool only_init(struct sim *s, struct sim_packet *p)
{
    (void)s;
    return p->data[18] == X_SA_INIT;
}

static void half_open_limit(void **state)
{
    struct sim *s = sim_new(10, DH_X25519);
    struct ike_limits l = {.half_open = 2, .cookie_at = 100, .sas = 10};
    (void)state;
    ike_set_limits(s->node[1].ike, &l);
    s->tap = only_init;
    for (int i = 0; i < 4; i++) {
        /* a new initiator each time: the same box that forgets */
        sim_initiate(s, 0, 1, 0);
        sim_for(s, 1);
        ike_free(s->node[0].ike);
        sim_node_start(s, 0);
    }
    assert_int_equal(sim_sas(s, 1).n, 2);
    assert_int_equal(ike_stats(s->node[1].ike)->dropped[IKE_DROP_LIMIT], 2);
    sim_for(s, 61); /* half-open ones do not stay */
    assert_int_equal(sim_sas(s, 1).n, 0);
    s->tap = NULL;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    sim_free(s);
}

/* An address that answers cookies may begin only so many; one that was forged uses up nothing. */
static void one_source_does_not_take_all(void **state)
{
    struct sim *s = sim_new(10, DH_X25519);
    struct ike_limits l = {.half_open = 80, .cookie_at = 4, .sas = 100};
    const uint64_t *dropped = ike_stats(s->node[1].ike)->dropped;
    (void)state;
    ike_set_limits(s->node[1].ike, &l);
    s->tap = only_init;
    for (int i = 0; i < 20; i++) {
        sim_initiate(s, 0, 1, 0);
        sim_for(s, 1);
        ike_free(s->node[0].ike);
        sim_node_start(s, 0);
    }
    assert_int_equal(sim_sas(s, 1).n, 4 + 80 / 8); /* without cookies, and its share with */
    assert_int_equal(dropped[IKE_DROP_LIMIT], 6);
    assert_int_equal(dropped[IKE_DROP_COOKIE], 16);
    sim_for(s, 61);
    assert_int_equal(sim_sas(s, 1).n, 0);
    s->tap = NULL;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    sim_free(s);
}

/* The half-open SAs that a node forgot are still there; its first messages alone get through. */
static void begin_and_forget(struct sim *s, int node, int times)
{
    s->tap = only_init;
    for (int i = 0; i < times; i++) {
        sim_initiate(s, node, 1, 0);
        sim_for(s, 1);
        ike_free(s->node[node].ike);
        sim_node_start(s, node);
    }
    s->tap = NULL;
}

/* A hub whose peers all call at once: who is listed and returns the cookie is not among those that
 * the limit is for, only bounded for itself. */
static void listed_peers_have_room_of_their_own(void **state)
{
    struct sim *s = sim_new(11, DH_X25519);
    struct ike_limits l = {.half_open = 6, .cookie_at = 4, .sas = 100};
    const uint64_t *dropped = ike_stats(s->node[1].ike)->dropped;
    (void)state;
    ike_set_limits(s->node[1].ike, &l);
    begin_and_forget(s, 0, 8); /* 4 without a cookie, 2 with, then it is full */
    assert_int_equal(sim_sas(s, 1).n, 6);
    assert_int_equal(dropped[IKE_DROP_LIMIT], 2);
    s->node[1].lists_peers = true;
    begin_and_forget(s, 0, 10); /* its share is 8 */
    assert_int_equal(sim_sas(s, 1).n, 6 + 8);
    assert_int_equal(dropped[IKE_DROP_LIMIT], 4);
    sim_for(s, 61);
    assert_int_equal(sim_sas(s, 1).n, 0);
    /* nothing is counted that is not there: the same again */
    begin_and_forget(s, 0, 14);
    assert_int_equal(sim_sas(s, 1).n, 4 + 8); /* 4 that did not have to show their address */
    assert_int_equal(dropped[IKE_DROP_LIMIT], 6);
    sim_for(s, 61);
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    sim_free(s);
}

static bool no_cookie_comes_back(struct sim *s, struct sim_packet *p)
{
    (void)s;
    return p->data[18] == X_SA_INIT && p->data[16] != PL_NOTIFY;
}

/* An address that was forged gets a cookie that nobody returns, listed or not. */
static void a_listed_address_that_is_forged_has_no_room(void **state)
{
    struct sim *s = sim_new(12, DH_X25519);
    struct ike_limits l = {.half_open = 6, .cookie_at = 4, .sas = 100};
    const uint64_t *dropped = ike_stats(s->node[1].ike)->dropped;
    (void)state;
    s->node[1].lists_peers = true;
    ike_set_limits(s->node[1].ike, &l);
    begin_and_forget(s, 0, 4);
    for (int i = 0; i < 5; i++) {
        s->tap = no_cookie_comes_back;
        sim_initiate(s, 0, 1, 0);
        sim_for(s, 1);
        ike_free(s->node[0].ike);
        sim_node_start(s, 0);
    }
    assert_int_equal(sim_sas(s, 1).n, 4);
    assert_int_equal(dropped[IKE_DROP_COOKIE], 5);
    assert_int_equal(dropped[IKE_DROP_LIMIT], 0);
    sim_free(s);
}

static void what_is_a_first_message(void **state)
{
    struct sim *s = sim_new(10, DH_X25519);
    (void)state;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    uint8_t msg[IKE_HEADER_LEN] = {[18] = X_SA_INIT, [19] = IKE_F_INITIATOR};
    assert_true(ike_is_first(msg, sizeof msg));
    assert_false(ike_is_first(msg, sizeof msg - 1));
    msg[19] = IKE_F_RESPONSE;
    assert_false(ike_is_first(msg, sizeof msg));
    msg[18] = X_AUTH;
    assert_false(ike_is_first(msg, sizeof msg));
    ike_overloaded(s->node[1].ike, 3);
    assert_int_equal(ike_stats(s->node[1].ike)->dropped[IKE_DROP_OVERLOAD], 3);
    sim_free(s);
}

/* An answer to IKE_SA_INIT as anybody could send it who saw the request. */
static void forge_notify(struct sim *s, uint16_t type, const void *data, size_t len)
{
    uint8_t buf[128];
    struct ike_writer w = ike_writer_make(buf, sizeof buf);
    struct ike_header h = {.spi_i = sim_sas(s, 0).last->spi_i,
                           .version = 0x20,
                           .exchange = X_SA_INIT,
                           .flags = IKE_F_RESPONSE};
    struct ike_path p = sim_path(s, 0, 1);
    size_t n;

    ike_w_header(&w, &h);
    ike_w_notify(&w, type, data, len);
    assert_int_equal(ike_w_finish(&w, &n), 0);
    ike_input(s->node[0].ike, &p, buf, n);
}

static void endless_cookies(void **state)
{
    struct sim *s = sim_new(9, DH_X25519);
    (void)state;
    s->node[1].dead = true;
    sim_initiate(s, 0, 1, 0);
    for (int i = 0; i < 5; i++) {
        forge_notify(s, N_COOKIE, "cookie", 6);
        assert_int_equal(s->node[0].failed, 0);
        assert_int_equal(s->node[0].n_sent, 2 + i);
    }
    forge_notify(s, N_COOKIE, "cookie", 6);
    assert_int_equal(s->node[0].failed, 1);
    assert_int_equal(s->node[0].last_failure, IKE_R_LIMIT);
    sim_free(s);
}

static void forged_refusals(void **state)
{
    static const uint8_t not_offered[] = {0, 14}, same[] = {0, 31};
    struct sim *s = sim_new(9, DH_X25519);
    (void)state;
    s->node[1].dead = true;
    sim_initiate(s, 0, 1, 0);
    forge_notify(s, 40000, NULL, 0);    /* a status that says nothing */
    forge_notify(s, N_COOKIE, NULL, 0); /* a cookie of no length */
    assert_int_equal(s->node[0].failed, 0);
    assert_int_equal(ike_stats(s->node[0].ike)->dropped[IKE_DROP_PAYLOADS], 2);
    forge_notify(s, N_INVALID_KE_PAYLOAD, same, 2); /* what we sent */
    assert_int_equal(s->node[0].last_failure, IKE_R_NO_PROPOSAL);
    sim_initiate(s, 0, 1, 0);
    forge_notify(s, N_INVALID_KE_PAYLOAD, not_offered, 2); /* §2.7: no downgrade */
    assert_int_equal(s->node[0].failed, 2);
    sim_free(s);
}

static bool mangle_once(struct sim *s, struct sim_packet *k)
{
    int *left = s->tap_ctx;
    if (k->to == 0 && k->data[18] == X_SA_INIT && *left > 0) {
        --*left;
        /* header, SA header, proposal header: the first transform's id is 3DES now */
        k->data[28 + 4 + 8 + 7] = ENCR_3DES;
    }
    return true;
}

/* Nonsense in clear does not end an exchange that the true answer can still complete. */
static void mangled_answer(void **state)
{
    struct sim *s = sim_new(9, DH_X25519);
    int left = 2;
    (void)state;
    s->tap = mangle_once;
    s->tap_ctx = &left;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 5);
    assert_int_equal(sim_up_count(&s->node[0]), 0);
    sim_for(s, 5);
    assert_tunnel(s, 1);
    assert_int_equal(ike_stats(s->node[0].ike)->dropped[IKE_DROP_PAYLOADS], 2);
    sim_free(s);
}

static bool bad_public(struct sim *s, struct sim_packet *k)
{
    (void)s;
    struct ike_payloads l;
    if (k->data[18] != X_SA_INIT || k->to != *(int *)s->tap_ctx)
        return true;
    assert_int_equal(ike_payloads_read(k->data[16], k->data + 28, k->len - 28, &l), 0);
    const struct ike_payload *ke = ike_payload_find(&l, PL_KE);
    memset(k->data + (ke->p - k->data) + 4, 0, ke->len - 4);
    return true;
}

/* A public value that is none (RFC 6989) ends the side that received it. */
static void public_value_of_zero(void **state)
{
    (void)state;
    for (int to = 0; to < 2; to++) {
        struct sim *s = sim_new(9, to ? DH_ECP256 : DH_2048);
        s->tap = bad_public;
        s->tap_ctx = &to;
        sim_initiate(s, 0, 1, 0);
        sim_for(s, 1);
        assert_int_equal(sim_sas(s, to).n, 0);
        assert_int_equal(ike_stats(s->node[to].ike)->failed, 1);
        assert_int_equal(s->node[to].sa_down, !to); /* nobody hears of a half-open one */
        if (to == 0)
            assert_int_equal(s->node[0].last_failure, IKE_R_MALFORMED);
        sim_for(s, 200);
        assert_nothing(s);
        sim_free(s);
    }
}

static void no_more_sas(void **state)
{
    struct sim *s = sim_new(9, DH_X25519);
    struct ike_limits l = {.half_open = 10, .cookie_at = 10, .sas = 0};
    (void)state;
    ike_set_limits(s->node[0].ike, &l);
    assert_int_equal(sim_initiate(s, 0, 1, 0), -ENOBUFS);
    sim_initiate(s, 1, 0, 0);
    sim_for(s, 1);
    assert_int_equal(ike_stats(s->node[0].ike)->dropped[IKE_DROP_LIMIT], 1);
    sim_free(s);
}

static void nat_initiator(void **state)
{
    struct sim *s = sim_new(11, DH_X25519);
    (void)state;
    s->node[0].behind_nat = true;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    struct sim_seen a = sim_sas(s, 0), b = sim_sas(s, 1);
    assert_true(a.last->nat_local && !a.last->nat_remote);
    assert_true(!b.last->nat_local && b.last->nat_remote);
    assert_int_equal(a.last->path.lport, 4500);
    assert_int_equal(a.last->path.rport, 4500);
    assert_int_equal(b.last->path.lport, 4500);
    assert_int_equal(b.last->path.rport, 4500 + NAT_SHIFT);
    assert_int_equal(addr_v4(&b.last->path.remote), NAT_ADDR);
    assert_true(s->node[0].child[0].udp && s->node[1].child[0].udp);
    assert_int_equal(s->node[1].child[0].path.rport, 4500 + NAT_SHIFT);
    /* The NAT moves the mapping; the datapath says so, IKE follows. */
    struct ike_path moved = b.last->path;
    moved.rport = 33333;
    ike_nat_moved(s->node[1].ike, b.last->child[0].sa_in, &moved);
    assert_int_equal(sim_sas(s, 1).last->path.rport, 33333);
    /* the next message of the peer corrects it */
    ike_clear(s->node[0].ike, NULL, 0);
    sim_for(s, 1);
    assert_nothing(s);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seed_suite),
        cmocka_unit_test(retransmission_schedule),
        cmocka_unit_test(initiate_from_failure),
        cmocka_unit_test(clear_does_not_chase),
        cmocka_unit_test(other_schedule),
        cmocka_unit_test(wrong_key),
        cmocka_unit_test(wrong_key_of_responder),
        cmocka_unit_test(unknown_peer),
        cmocka_unit_test(by_identity),
        cmocka_unit_test(no_ike_proposal),
        cmocka_unit_test(no_esp_proposal),
        cmocka_unit_test(no_selectors),
        cmocka_unit_test(narrowed),
        cmocka_unit_test(not_enabled),
        cmocka_unit_test(another_group),
        cmocka_unit_test(responder_order_decides),
        cmocka_unit_test(cookies),
        cmocka_unit_test(half_open_limit),
        cmocka_unit_test(one_source_does_not_take_all),
        cmocka_unit_test(what_is_a_first_message),
        cmocka_unit_test(listed_peers_have_room_of_their_own),
        cmocka_unit_test(a_listed_address_that_is_forged_has_no_room),
        cmocka_unit_test(endless_cookies),
        cmocka_unit_test(forged_refusals),
        cmocka_unit_test(mangled_answer),
        cmocka_unit_test(public_value_of_zero),
        cmocka_unit_test(no_more_sas),
        cmocka_unit_test(nat_initiator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
