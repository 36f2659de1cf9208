/* The life of an SA that is up: clearing, liveness, lifetimes, further children, collisions,
 * other peers, and what a host may do from its callbacks. */
#include "sim.h"

static void clear_by(int node)
{
    struct sim *s = up(DH_X25519);
    struct addr other = {0};

    addr_parse("198.18.0.1", &other);
    assert_int_equal(ike_clear(s->node[node].ike, &other, 0), 0);
    assert_int_equal(ike_clear(s->node[node].ike, &s->node[!node].addr, 0), 1);
    assert_string_equal(ike_state_name(sim_sas(s, node).last->state), "DELETE");
    assert_int_equal(sim_up_count(&s->node[node]), 0);
    sim_for(s, 1);
    assert_nothing(s);
    assert_int_equal(s->node[!node].last_child_down, IKE_R_PEER_DELETE);
    assert_int_equal(s->node[node].last_child_down, IKE_R_LOCAL_DELETE);
    assert_int_equal(timerq_next(&s->q), -1);
    sim_free(s);
}

static void clear_by_either(void **state)
{
    (void)state;
    clear_by(0);
    clear_by(1);
}

static void clear_by_both(void **state)
{
    struct sim *s = up(DH_X25519);
    (void)state;
    ike_clear(s->node[0].ike, NULL, 0);
    ike_clear(s->node[1].ike, NULL, 3);
    sim_for(s, 1);
    assert_nothing(s);
    sim_free(s);
}

static void clear_unreachable(void **state)
{
    struct sim *s = up(DH_X25519);
    (void)state;
    s->node[1].dead = true;
    ike_clear(s->node[0].ike, NULL, 0);
    sim_for(s, 15);
    assert_int_equal(sim_sas(s, 0).n, 0);
    /* A new wish does not wait for an SA that is going. */
    s->node[1].dead = false;
    sim_initiate(s, 0, 1, 0);
    ike_clear(s->node[0].ike, NULL, 0);
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_int_equal(sim_up_count(&s->node[0]), 1);
    assert_true(sim_all_twins(s, 0, 1));
    sim_free(s);
}

static void interface_gone(void **state)
{
    struct sim *s = up(DH_X25519);
    (void)state;
    ike_interface_changed(s->node[0].ike, 3, &s->node[0].addr, 1); /* still the same */
    ike_interface_changed(s->node[0].ike, 4, NULL, 0);             /* another one */
    assert_int_equal(sim_sas(s, 0).n, 1);
    ike_interface_changed(s->node[0].ike, 3, NULL, 0);
    assert_int_equal(sim_sas(s, 0).n, 0);
    assert_int_equal(sim_up_count(&s->node[0]), 0);
    assert_int_equal(sim_sas(s, 1).n, 1); /* nobody could be told */
    sim_free(s);
}

static void liveness(void **state)
{
    struct sim *s = sim_new(12, DH_X25519);
    (void)state;
    s->node[0].dpd_seconds = 10;
    s->node[0].dpd_retry = 2;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    sim_for(s, 1000); /* alive: asked and answered all the time */
    assert_tunnel(s, 1);
    assert_in_range(s->delivered, 4 + 2 * 90, 4 + 2 * 100);
    s->node[1].dead = true;
    sim_for(s, 11 + 2 * 4);
    assert_int_equal(sim_up_count(&s->node[0]), 1);
    sim_for(s, 4);
    assert_int_equal(sim_up_count(&s->node[0]), 0);
    assert_int_equal(s->node[0].last_child_down, IKE_R_DPD);
    assert_int_equal(sim_sas(s, 0).n, 0);
    sim_free(s);
}

static usec_t esp_seen;
static usec_t esp_traffic(void *h, const struct ike_sa_state *sa)
{
    (void)h;
    (void)sa;
    return esp_seen;
}

/* A peer whose traffic comes in is not asked (§2.4); when that stops, it is. */
static void liveness_by_traffic(void **state)
{
    struct sim *s = sim_new(12, DH_X25519);
    struct ike_host host = sim_host;
    (void)state;
    host.last_traffic = esp_traffic;
    ike_free(s->node[0].ike);
    s->node[0].ike = ike_new(&host, &s->node[0], &s->q, &s->clk);
    s->node[0].dpd_seconds = 10;
    s->node[0].dpd_retry = 2;
    sim_initiate(s, 0, 1, 0);
    for (int i = 0; i < 100; i++) {
        sim_for(s, 1);
        esp_seen = s->time.mono_us;
    }
    assert_int_equal(s->delivered, 4);
    sim_for(s, 12);
    assert_int_equal(s->delivered, 6);
    sim_free(s);
}

/* Traffic does not keep a peer from being asked where that is periodic. */
static void liveness_periodic(void **state)
{
    struct sim *s = sim_new(12, DH_X25519);
    struct ike_host host = sim_host;
    (void)state;
    host.last_traffic = esp_traffic;
    ike_free(s->node[0].ike);
    s->node[0].ike = ike_new(&host, &s->node[0], &s->q, &s->clk);
    s->node[0].dpd_seconds = 10;
    s->node[0].dpd_retry = 2;
    s->node[0].dpd_periodic = true;
    sim_initiate(s, 0, 1, 0);
    for (int i = 0; i < 100; i++) {
        sim_for(s, 1);
        esp_seen = s->time.mono_us;
    }
    assert_in_range(s->delivered, 4 + 2 * 8, 4 + 2 * 10);
    sim_free(s);
}

static usec_t esp_out;
static usec_t esp_sent(void *h, const struct ike_sa_state *sa)
{
    (void)h;
    (void)sa;
    return esp_out;
}

/* On demand nobody is asked who is not sent to; when he is, and says nothing, he is asked. */
static void liveness_on_demand(void **state)
{
    struct sim *s = sim_new(12, DH_X25519);
    struct ike_host host = sim_host;
    (void)state;
    host.last_traffic = esp_traffic;
    host.last_sent = esp_sent;
    esp_seen = esp_out = 0;
    ike_free(s->node[0].ike);
    s->node[0].ike = ike_new(&host, &s->node[0], &s->q, &s->clk);
    s->node[0].dpd_seconds = 10;
    s->node[0].dpd_retry = 3;
    s->node[0].dpd_on_demand = true;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 100);
    assert_int_equal(s->delivered, 4);
    esp_out = s->time.mono_us;
    sim_for(s, 4);
    assert_int_equal(s->delivered, 6);
    sim_for(s, 100); /* the answer was heard after what was sent */
    assert_int_equal(s->delivered, 6);
    esp_out = s->time.mono_us;
    s->node[1].dead = true;
    sim_for(s, 30);
    assert_int_equal(sim_sas(s, 0).n, 0);
    assert_int_equal(s->node[0].last_child_down, IKE_R_DPD);
    sim_free(s);
}

static void end_in_event(struct sim_node *n)
{
    ike_clear(n->ike, NULL, 0);
}

/* The host ends the SA from inside the callback that tells of it. */
static void cleared_from_callbacks(void **state)
{
    (void)state;
    for (int node = 0; node < 2; node++) {
        for (int when = 0; when < 2; when++) {
            struct sim *s = sim_new(22, DH_X25519);
            *(when ? &s->node[node].on_child_up : &s->node[node].on_sa_up) = end_in_event;
            sim_initiate(s, 0, 1, 0);
            sim_for(s, 5);
            assert_nothing(s);
            assert_int_equal(s->node[0].sa_up, s->node[0].sa_down);
            assert_int_equal(s->node[1].sa_up, s->node[1].sa_down);
            sim_free(s);
        }
    }
}

static void described(void **state)
{
    struct sim *s = up(DH_X25519);
    char text[1024];
    const struct ike_sa_state *sa = sim_sas(s, 0).last;
    (void)state;
    int n = ike_describe(sa, text, sizeof text);
    assert_int_equal(n, strlen(text));
    assert_non_null(strstr(text, " READY INITIATOR 192.0.2.1:500 - 203.0.113.1:500\n"));
    assert_non_null(strstr(text, "Encr: AES-CBC, keysize: 256, Hash: SHA256, PRF: SHA256, "
                                 "DH Grp:31, lifetime 86400 sec\n"));
    assert_non_null(strstr(text, "local 10.10.10.0/0 - 10.10.10.255/65535 "
                                 "remote 192.168.10.0/0 - 192.168.10.255/65535 protocol 0\n"));
    for (size_t cap = 0; cap < (size_t)n; cap++)
        assert_int_equal(ike_describe(sa, text, cap), n);
    sim_free(s);
}

static void child_lifetime(void **state)
{
    struct sim *s = sim_new(13, DH_X25519);
    (void)state;
    s->node[0].no_rekey = s->node[1].no_rekey = true;
    s->node[0].entry[0].cfg.life_seconds = 100;
    s->node[1].entry[0].cfg.life_seconds = 300;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 99);
    assert_tunnel(s, 1);
    sim_for(s, 2);
    assert_tunnel(s, 0); /* the shorter one ends it on both sides */
    assert_int_equal(s->node[0].last_child_down, IKE_R_LIFETIME);
    assert_int_equal(s->node[1].last_child_down, IKE_R_PEER_DELETE);
    assert_int_equal(sim_sas(s, 0).n, 1);
    /* Traffic asks again: the IKE SA is used for it. */
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    assert_int_equal(sim_sas(s, 0).n, 1);
    /* And the datapath's own count of bytes. */
    ike_expired(s->node[1].ike, s->node[1].child[1].sa_in, false);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    ike_expired(s->node[1].ike, s->node[1].child[1].sa_in, true);
    sim_for(s, 1);
    assert_tunnel(s, 0);
    ike_expired(s->node[1].ike, 9999, true);
    sim_free(s);
}

static void both_expire_together(void **state)
{
    struct sim *s = sim_new(13, DH_X25519);
    (void)state;
    s->node[0].no_rekey = s->node[1].no_rekey = true;
    s->node[0].entry[0].cfg.life_seconds = s->node[1].entry[0].cfg.life_seconds = 100;
    s->delay_min = s->delay_max = 50000;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 200); /* deletes cross on the wire */
    assert_tunnel(s, 0);
    assert_int_equal(sim_sas(s, 0).n, 1);
    assert_int_equal(sim_sas(s, 1).n, 1);
    sim_initiate(s, 1, 0, 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    sim_free(s);
}

static void ike_lifetime(void **state)
{
    struct sim *s = sim_new(14, DH_X25519);
    (void)state;
    s->node[0].policy[0].lifetime = 200;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    s->node[1].n_policy = 0; /* IKE is no longer enabled there: no successor */
    sim_for(s, 198);
    assert_tunnel(s, 1);
    sim_for(s, 3);
    assert_nothing(s);
    assert_int_equal(s->node[0].last_child_down, IKE_R_LIFETIME);
    assert_int_equal(s->node[1].last_child_down, IKE_R_PEER_DELETE);
    sim_free(s);
}

static void add_entry(struct sim *s, uint16_t pfs)
{
    for (int i = 0; i < 2; i++) {
        struct sim_node *n = &s->node[i];
        n->entry[1] = n->entry[0];
        n->entry[1].cfg.policy = 8;
        n->entry[1].cfg.pfs_group = pfs;
        n->entry[1].cfg.sel = i ? sim_selector("172.16.9.0", "10.10.10.0", 24)
                                : sim_selector("10.10.10.0", "172.16.9.0", 24);
        n->n_entry = 2;
    }
}

static void second_child(void **state)
{
    (void)state;
    for (int pfs = 0; pfs < 2; pfs++) {
        for (int from = 0; from < 2; from++) {
            struct sim *s = sim_new(15, DH_X25519);
            s->node[0].slow_jobs = s->node[1].slow_jobs = pfs;
            add_entry(s, pfs ? DH_ECP256 : DH_NONE);
            sim_initiate(s, 0, 1, 0);
            sim_for(s, 2);
            sim_initiate(s, from, !from, 1);
            sim_for(s, 2);
            assert_tunnel(s, 2);
            assert_int_equal(sim_sas(s, 0).n, 1);
            const struct ike_sa_state *sa = sim_sas(s, 0).last;
            assert_int_equal(sa->n_children, 2);
            assert_int_equal(sa->child[1].policy, 8);
            assert_int_equal(sa->child[1].pfs_group, pfs ? DH_ECP256 : 0);
            sim_free(s);
        }
    }
}

/* Both wishes are there before the IKE SA is: the second waits for it. */
static void second_child_waits(void **state)
{
    struct sim *s = sim_new(15, DH_X25519);
    (void)state;
    add_entry(s, DH_NONE);
    sim_initiate(s, 0, 1, 0);
    sim_initiate(s, 0, 1, 1);
    sim_for(s, 1);
    assert_tunnel(s, 2);
    assert_int_equal(sim_sas(s, 0).n, 1);
    sim_free(s);
}

static void second_child_refused(void **state)
{
    struct sim *s = sim_new(15, DH_X25519);
    (void)state;
    add_entry(s, DH_ECP256);
    s->node[1].entry[1].cfg.pfs_group = DH_ECP384;
    sim_initiate(s, 0, 1, 0);
    sim_initiate(s, 0, 1, 1);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    assert_int_equal(s->node[0].failed, 1);
    assert_int_equal(s->node[0].last_failure, IKE_R_NO_PROPOSAL);
    s->node[1].n_entry = 1;
    sim_initiate(s, 0, 1, 1);
    sim_for(s, 1);
    assert_int_equal(s->node[0].last_failure, IKE_R_TS_UNACCEPTABLE);
    assert_tunnel(s, 1);
    sim_free(s);
}

static void many_children(void **state)
{
    struct sim *s = sim_new(16, DH_X25519);
    (void)state;
    for (uint32_t i = 0; i < 70; i++) {
        struct ike_path p = sim_path(s, 0, 1);
        struct ike_child_cfg cfg = s->node[0].entry[0].cfg;
        cfg.policy = 100 + i;
        assert_int_equal(ike_initiate(s->node[0].ike, &p, &cfg), 0);
    }
    sim_for(s, 5);
    assert_tunnel(s, 70);
    for (size_t i = 0; i < s->node[0].n_child; i++) {
        assert_true(s->node[0].child[i].spi_in > 255);
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(s->node[0].child[i].spi_in, s->node[0].child[k].spi_in);
    }
    assert_int_equal(sim_sas(s, 0).n, 2); /* 64 children per IKE SA, then another one */
    ike_clear(s->node[1].ike, NULL, 0);
    sim_for(s, 1);
    assert_nothing(s);
    sim_free(s);
}

static void simultaneous(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct sim *s = sim_new(seed, DH_X25519);
        s->delay_min = 1000;
        s->delay_max = seed % 3 ? 400000 : 1000;
        s->node[0].slow_jobs = s->node[1].slow_jobs = seed & 1;
        s->node[0].dpd_seconds = s->node[1].dpd_seconds = 10;
        sim_initiate(s, 0, 1, 0);
        sim_for(s, (double)(seed % 7) * 0.1);
        sim_initiate(s, 1, 0, 0);
        sim_for(s, 30);
        unsigned a = sim_up_count(&s->node[0]), b = sim_up_count(&s->node[1]);
        assert_int_equal(a, b);
        assert_in_range(a, 1, 2);
        assert_true(sim_all_twins(s, 0, 1));
        assert_true(sim_all_twins(s, 1, 0));
        assert_int_equal(s->node[0].failed + s->node[1].failed, 0);
        sim_free(s);
    }
}

static void initial_contact(void **state)
{
    struct sim *s = up(DH_X25519);
    (void)state;
    sim_for(s, 10);
    ike_free(s->node[0].ike); /* power cut */
    s->node[0].n_child = 0;
    sim_node_start(s, 0);
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    assert_int_equal(sim_sas(s, 1).n, 1);
    assert_int_equal(s->node[1].last_child_down, IKE_R_REPLACED);
    sim_free(s);
}

/* semantics.md §1.2: another peer takes over the proxy pair, and only that. */
static void other_peer_takes_over(void **state)
{
    struct sim *s = sim_new(17, DH_X25519);
    struct sim_node *third = &s->node[2];
    (void)state;
    add_entry(s, DH_NONE);
    *third = s->node[1];
    third->index = 2;
    addr_parse("198.18.7.7", &third->addr);
    for (int i = 0; i < 2; i++)
        third->entry[i].cfg.proposal[0] = &third->esp[0];
    sim_node_start(s, 2);
    sim_initiate(s, 0, 1, 0);
    sim_initiate(s, 0, 1, 1);
    sim_for(s, 1);
    assert_tunnel(s, 2);
    sim_initiate(s, 2, 0, 0);
    sim_for(s, 1);
    assert_int_equal(sim_up_count(&s->node[0]), 2);
    assert_int_equal(sim_up_count(&s->node[1]), 1); /* policy 8 stays */
    assert_int_equal(sim_up_count(third), 1);
    assert_int_equal(s->node[0].last_child_down, IKE_R_REPLACED);
    assert_int_equal(sim_sas(s, 0).n, 2);
    sim_initiate(s, 2, 0, 1);
    sim_for(s, 1);
    assert_int_equal(sim_up_count(&s->node[1]), 0);
    assert_int_equal(sim_sas(s, 1).n, 0); /* its last child went, and the SA with it */
    assert_int_equal(sim_up_count(third), 2);
    sim_free(s);
}

static void host_cannot_install(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct sim *s = sim_new(18, DH_X25519);
        s->node[i].fail_child_up = -EIO;
        sim_initiate(s, 0, 1, 0);
        sim_for(s, 1);
        assert_int_equal(s->node[0].failed, 1);
        assert_nothing(s);
        sim_free(s);
    }
}

static void freed_while_working(void **state)
{
    struct sim *s = sim_new(19, DH_ECP256);
    (void)state;
    s->node[0].slow_jobs = s->node[1].slow_jobs = true;
    sim_initiate(s, 0, 1, 0);
    ike_clear(s->node[0].ike, NULL, 0); /* the SA goes, its job comes back to nobody */
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 0.15);
    sim_free(s); /* the engine goes, too */
}

static void transport_and_esn(void **state)
{
    struct sim *s = sim_new(20, DH_X25519);
    (void)state;
    for (int i = 0; i < 2; i++) {
        s->node[i].entry[0].cfg.mode = SADB_TRANSPORT;
        s->node[i].esp[0].esn = true;
    }
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(s->node[i].child[0].mode, SADB_TRANSPORT);
        assert_true(s->node[i].child[0].esn);
    }
    sim_free(s);
    s = sim_new(20, DH_X25519); /* only one side wants them: tunnel, no ESN */
    s->node[0].entry[0].cfg.mode = SADB_TRANSPORT;
    s->node[0].esp[0].esn = true;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    assert_int_equal(s->node[0].child[0].mode, SADB_TUNNEL);
    assert_false(s->node[0].child[0].esn);
    sim_free(s);
}

static void debug_text(void **state)
{
    struct sim *s = sim_new(21, DH_X25519);
    (void)state;
    s->node[0].debug = s->node[1].debug = true;
    s->node[1].dead = true;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 3);
    s->node[1].dead = false;
    sim_for(s, 5);
    assert_tunnel(s, 1);
    const char *log = s->node[0].log;
    assert_non_null(strstr(log, "IKEv2-PROTO-4: (1): Retransmitting packet\n"));
    assert_non_null(strstr(log, "IKEv2-PLAT-4: SENT PKT [IKE_SA_INIT] [192.0.2.1]:500->"
                                "[203.0.113.1]:500 InitSPI=0x"));
    assert_non_null(strstr(log, " RespSPI=0x0000000000000000 MID=00000000\n"));
    assert_non_null(strstr(log, "IKEv2-PLAT-4: RECV PKT [IKE_AUTH] [203.0.113.1]:500->"
                                "[192.0.2.1]:500"));
    assert_non_null(strstr(log, "Payload contents: SA KE N NOTIFY(NAT_DETECTION_SOURCE_IP) "
                                "NOTIFY(NAT_DETECTION_DESTINATION_IP) "
                                "NOTIFY(IKEV2_FRAGMENTATION_SUPPORTED)\n"));
    assert_null(strstr(log, "cisco"));
    sim_free(s);
}

/* What is told of packets, read and unread, in the layout of IOS. */
static void debug_text_ios(void **state)
{
    struct sim *s = sim_new(21, DH_X25519);
    (void)state;
    s->node[0].debug = s->node[1].debug = s->node[0].ios = true;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 5);
    assert_tunnel(s, 1);
    const char *log = s->node[0].log;
    assert_int_equal(strncmp(log, "IKEv2:(SESSION ID = 1,SA ID = ", 30), 0);
    const char *sent = strstr(log, "):Sending Packet [To 203.0.113.1:500/From 192.0.2.1:500/VRF "
                                   "i0:f0] \nInitiator SPI : ");
    assert_non_null(sent);
    assert_non_null(strstr(sent, " - Responder SPI : 0000000000000000 Message id: 0\n"
                                 "IKEv2 IKE_SA_INIT Exchange REQUEST \nPayload contents: \n"
                                 " SA KE N NOTIFY(NAT_DETECTION_SOURCE_IP) "
                                 "NOTIFY(NAT_DETECTION_DESTINATION_IP) "
                                 "NOTIFY(IKEV2_FRAGMENTATION_SUPPORTED) \n"));
    assert_non_null(strstr(log, "Message id: 1\nIKEv2 IKE_AUTH Exchange REQUEST \n"
                                "Payload contents: \n ENCR \n"));
    assert_non_null(strstr(log, "Received Packet [From 203.0.113.1:500/To 192.0.2.1:500/VRF "
                                "i0:f0] \n"));
    assert_non_null(strstr(log, "Message id: 1\nIKEv2 IKE_AUTH Exchange RESPONSE \n"
                                "Payload contents: \n IDr AUTH SA TSi TSr \n"));
    assert_null(strstr(log, "IKEv2-P"));
    assert_null(strstr(log, "cisco"));
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clear_by_either),
        cmocka_unit_test(clear_by_both),
        cmocka_unit_test(clear_unreachable),
        cmocka_unit_test(interface_gone),
        cmocka_unit_test(liveness),
        cmocka_unit_test(liveness_by_traffic),
        cmocka_unit_test(liveness_periodic),
        cmocka_unit_test(liveness_on_demand),
        cmocka_unit_test(cleared_from_callbacks),
        cmocka_unit_test(described),
        cmocka_unit_test(child_lifetime),
        cmocka_unit_test(both_expire_together),
        cmocka_unit_test(ike_lifetime),
        cmocka_unit_test(second_child),
        cmocka_unit_test(second_child_waits),
        cmocka_unit_test(second_child_refused),
        cmocka_unit_test(many_children),
        cmocka_unit_test(simultaneous),
        cmocka_unit_test(initial_contact),
        cmocka_unit_test(other_peer_takes_over),
        cmocka_unit_test(host_cannot_install),
        cmocka_unit_test(freed_while_working),
        cmocka_unit_test(transport_and_esn),
        cmocka_unit_test(debug_text),
        cmocka_unit_test(debug_text_ios),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
