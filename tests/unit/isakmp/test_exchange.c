/* Main mode and quick mode between two engines: what is negotiated, refused, repeated. */
#include "tests/unit/isakmp/sim.h"

/* --- that it works --------------------------------------------------------------------------- */

static void both_roles(void **state)
{
    static const uint16_t group[] = {DH_1024, DH_1536, DH_2048, DH_ECP256, DH_ECP384, DH_2048_256};
    (void)state;
    for (size_t i = 0; i < sizeof group / sizeof *group; i++) {
        struct sim *s = up(group[i]);
        struct sim_seen a = sim_sas(s, 0), b = sim_sas(s, 1);
        assert_int_equal(a.n, 1);
        assert_int_equal(b.n, 1);
        assert_true(a.last->initiator && !b.last->initiator);
        assert_int_equal(a.last->phase1, ISAKMP_QM_IDLE);
        assert_int_equal(b.last->phase1, ISAKMP_QM_IDLE);
        assert_int_equal(a.last->tunnel_id, 1001);
        assert_int_equal(b.last->version, IKE_V1);
        assert_int_equal(a.last->policy_priority, 1);
        assert_int_equal(a.last->suite.group, group[i]);
        assert_int_equal(a.last->child[0].life_seconds, 3600);
        assert_int_equal(b.last->child[0].life_kbytes, 4608000);
        assert_true(a.last->child[0].initiator && !b.last->child[0].initiator);
        assert_int_equal(a.last->remote_id.type, ISID_IPV4);
        assert_memory_equal(a.last->remote_id.data, s->node[1].addr.b, 4);
        assert_int_equal(s->node[0].n_sent, 5); /* three of main mode, two of quick mode */
        assert_int_equal(s->node[1].n_sent, 4);
        sim_free(s);
    }
}

/* Every cipher and hash that phase 1 has, every one of phase 2. */
static void algorithms(void **state)
{
    static const struct ike_alg p1[] = {{ENCR_DES, 0},
                                        {ENCR_3DES, 0},
                                        {ENCR_AES_CBC, 128},
                                        {ENCR_AES_CBC, 192}};
    static const uint16_t hash[] = {PRF_MD5, PRF_SHA1, PRF_SHA384, PRF_SHA512};
    static const struct {
        struct ike_alg encr;
        uint16_t integ;
    } p2[] = {{{ENCR_DES, 0}, INTEG_MD5_96},           {{ENCR_3DES, 0}, INTEG_SHA1_96},
              {{ENCR_NULL, 0}, INTEG_SHA384_192},      {{ENCR_AES_CBC, 128}, INTEG_SHA512_256},
              {{ENCR_AES_CBC, 192}, INTEG_SHA256_128}, {{ENCR_AES_GCM16, 256}, INTEG_NONE},
              {{ENCR_AES_GMAC, 128}, INTEG_NONE}};
    (void)state;
    for (size_t i = 0; i < sizeof p2 / sizeof *p2; i++) {
        struct sim *s = sim_new(i, DH_2048);
        struct ike_crypto *c = s->node[0].k->c;
        size_t j = i % 4;
        if (!ike_crypto_has(c, T_ENCR, p1[j].id, p1[j].keybits) ||
            !ike_crypto_has(c, T_ENCR, p2[i].encr.id, p2[i].encr.keybits)) {
            sim_free(s);
            continue;
        }
        for (int k = 0; k < 2; k++) {
            struct sim_node *n = &s->node[k];
            n->policy[0] = sim_policy(10, p1[j].id, p1[j].keybits, hash[j], DH_2048);
            n->esp[0].encr[0] = p2[i].encr;
            n->esp[0].integ[0] = p2[i].integ;
            n->esp[0].n_integ = p2[i].integ != INTEG_NONE;
        }
        assert_int_equal(sim_initiate(s, 0, 1, 0), 0);
        sim_for(s, 1);
        assert_tunnel(s, 1);
        assert_int_equal(s->node[0].child[0].encr[0].id, p2[i].encr.id);
        assert_int_equal(s->node[0].child[0].integ[0].id, p2[i].integ);
        sim_free(s);
    }
}

static void no_pfs_and_pfs(void **state)
{
    (void)state;
    for (int ours = 0; ours < 2; ours++)
        for (int theirs = 0; theirs < 2; theirs++) {
            struct sim *s = sim_new(3, DH_2048);
            s->node[0].entry[0].cfg.pfs_group = ours ? DH_1536 : DH_NONE;
            s->node[1].entry[0].cfg.pfs_group = theirs ? DH_1536 : DH_NONE;
            s->node[0].slow_jobs = s->node[1].slow_jobs = true;
            sim_initiate(s, 0, 1, 0);
            sim_for(s, 5);
            /* a responder without a wish takes the peer's; its own wish has to be met */
            assert_tunnel(s, ours || !theirs);
            if (ours)
                assert_int_equal(sim_sas(s, 1).last->child[0].pfs_group, DH_1536);
            else if (theirs)
                assert_int_equal(s->node[0].last_failure, IKE_R_NO_PROPOSAL);
            sim_free(s);
        }
}

static void ah_and_bundles(void **state)
{
    (void)state;
    for (int with_esp = 0; with_esp < 2; with_esp++) {
        struct sim *s = sim_new(4, DH_2048);
        for (int k = 0; k < 2; k++) {
            s->node[k].esp[0].ah = INTEG_SHA256_128;
            s->node[k].esp[0].n_encr = (uint8_t)with_esp;
            s->node[k].esp[0].n_integ = 0;
        }
        sim_initiate(s, 0, 1, 0);
        sim_for(s, 1);
        assert_tunnel(s, 1);
        const struct sim_child *c = &s->node[1].child[0];
        assert_int_equal(c->proto, with_esp ? SADB_ESP : SADB_AH);
        assert_int_equal(c->ah[0].id, with_esp ? INTEG_SHA256_128 : INTEG_NONE);
        assert_int_equal(c->ah[0].key_len, with_esp ? 32 : 0);
        assert_true(with_esp ? c->ah_spi_in != 0 : c->ah_spi_in == 0);
        assert_int_equal(c->integ[0].id, with_esp ? INTEG_NONE : INTEG_SHA256_128);
        sim_free(s);
    }
}

/* A peer whose set has AH around ESP takes neither half of it alone. */
static void half_a_bundle(void **state)
{
    struct sim *s = sim_new(5, DH_2048);
    (void)state;
    s->node[1].esp[0].ah = INTEG_SHA256_128;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_tunnel(s, 0);
    assert_int_equal(s->node[0].failed, 1);
    assert_int_equal(s->node[0].last_failure, IKE_R_NO_PROPOSAL);
    assert_int_equal(s->node[1].mismatches, 1);
    sim_free(s);
}

static void transport_mode(void **state)
{
    (void)state;
    for (int hosts = 0; hosts < 2; hosts++) {
        struct sim *s = sim_new(6, DH_2048);
        for (int k = 0; k < 2; k++) {
            s->node[k].esp[0].mode = SADB_TRANSPORT;
            if (hosts)
                s->node[k].entry[0].cfg.sel = k ? sim_selector("203.0.113.1", "192.0.2.1", 32)
                                                : sim_selector("192.0.2.1", "203.0.113.1", 32);
        }
        sim_initiate(s, 0, 1, 0);
        sim_for(s, 1);
        assert_tunnel(s, 1);
        /* for networks there is only tunnel mode */
        assert_int_equal(s->node[1].child[0].mode, hosts ? SADB_TRANSPORT : SADB_TUNNEL);
        sim_free(s);
    }
}

/* --- what is chosen -------------------------------------------------------------------------- */

static void responders_priority(void **state)
{
    struct sim *s = sim_new(7, DH_2048);
    (void)state;
    s->node[0].n_policy = s->node[1].n_policy = 2;
    s->node[0].policy[0] = sim_policy(5, ENCR_AES_CBC, 128, PRF_SHA1, DH_2048);
    s->node[0].policy[1] = sim_policy(6, ENCR_AES_CBC, 256, PRF_SHA256, DH_1536);
    s->node[1].policy[0] = sim_policy(10, ENCR_AES_CBC, 256, PRF_SHA256, DH_1536);
    s->node[1].policy[1] = sim_policy(20, ENCR_AES_CBC, 128, PRF_SHA1, DH_2048);
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    assert_int_equal(sim_sas(s, 0).last->policy_priority, 6);
    assert_int_equal(sim_sas(s, 1).last->policy_priority, 10);
    assert_int_equal(sim_sas(s, 0).last->suite.encr_bits, 256);
    sim_free(s);
}

static void second_proposal(void **state)
{
    struct sim *s = sim_new(8, DH_2048);
    struct sim_node *n = &s->node[0];
    (void)state;
    n->esp[1] = n->esp[0];
    n->esp[0].encr[0] = (struct ike_alg){ENCR_AES_CBC, 128};
    n->entry[0].cfg.proposal[1] = &n->esp[1];
    n->entry[0].cfg.n_proposal = 2;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    assert_int_equal(sim_sas(s, 0).last->child[0].encr_bits, 256);
    sim_free(s);
}

static void lifetimes(void **state)
{
    (void)state;
    for (int shorter = 0; shorter < 2; shorter++) {
        struct sim *s = sim_new(9, DH_2048);
        s->node[shorter].policy[0].lifetime = 1200;
        s->node[shorter].entry[0].cfg.life_seconds = 600;
        s->node[shorter].entry[0].cfg.life_kbytes = 5000;
        sim_initiate(s, 0, 1, 0);
        sim_for(s, 1);
        assert_tunnel(s, 1);
        for (int k = 0; k < 2; k++) {
            assert_int_equal(sim_sas(s, k).last->lifetime, 1200);
            assert_int_equal(sim_sas(s, k).last->child[0].life_seconds, 600);
            assert_int_equal(sim_sas(s, k).last->child[0].life_kbytes, 5000);
        }
        sim_free(s);
    }
}

/* A line that holds more than the peer asks for is a line for it; one that holds less is not. */
static void narrower_and_wider(void **state)
{
    (void)state;
    for (int wider = 0; wider < 2; wider++) {
        struct sim *s = sim_new(10, DH_2048);
        s->node[0].entry[0].cfg.sel = wider ? sim_selector("10.10.0.0", "192.168.0.0", 16)
                                            : sim_selector("10.10.10.16", "192.168.10.32", 28);
        sim_initiate(s, 0, 1, 0);
        sim_for(s, 1);
        assert_tunnel(s, !wider);
        assert_int_equal(s->node[1].no_line, wider); /* told in words */
        if (wider)
            assert_int_equal(s->node[0].last_failure, IKE_R_TS_UNACCEPTABLE);
        else
            assert_true(
                range_covers(&s->node[0].entry[0].cfg.sel.local, &s->node[1].child[0].ts.remote));
        sim_free(s);
    }
}

static void protocol_and_port(void **state)
{
    struct sim *s = sim_new(11, DH_2048);
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct selector *sel = &s->node[k].entry[0].cfg.sel;
        uint16_t *port = k ? sel->lport : sel->rport;
        sel->proto = 6;
        port[0] = port[1] = 443;
    }
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    assert_int_equal(s->node[1].child[0].ts.proto, 6);
    assert_int_equal(s->node[1].child[0].ts.lport[0], 443);
    assert_int_equal(s->node[1].child[0].ts.lport[1], 443);
    assert_int_equal(s->node[1].child[0].ts.rport[1], 65535);
    sim_free(s);
}

/* RFC 2407 §4.6.2: an identity has one port. A range becomes all, on either side, and we say so. */
static void range_of_ports(void **state)
{
    struct sim *s = sim_new(11, DH_2048);
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct selector *sel = &s->node[k].entry[0].cfg.sel;
        uint16_t *port = k ? sel->lport : sel->rport;
        sel->proto = 6;
        port[0] = 8000;
        port[1] = 8080;
    }
    s->node[1].entry[0].cfg.sel = isakmp_selector(&s->node[1].entry[0].cfg.sel);
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    for (int k = 0; k < 2; k++) {
        assert_int_equal(s->node[k].child[0].ts.proto, 6);
        assert_int_equal(s->node[k].child[0].ts.rport[0], 0);
        assert_int_equal(s->node[k].child[0].ts.rport[1], 65535);
        assert_int_equal(s->node[k].widened, !k);
    }
    sim_free(s);
}

/* --- what fails ------------------------------------------------------------------------------ */

static void no_policy_in_common(void **state)
{
    struct sim *s = sim_new(12, DH_2048);
    (void)state;
    s->node[1].policy[0].group = DH_1536;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 45); /* the whole schedule, whatever is said */
    assert_int_equal(s->node[0].failed, 0);
    assert_int_equal(s->node[0].retransmits, 4);
    sim_for(s, 25);
    assert_nothing(s);
    /* It is said in clear, where anybody could say it: believed when nothing else comes. */
    assert_int_equal(s->node[0].failed, 1);
    assert_int_equal(s->node[0].last_failure, IKE_R_NO_PROPOSAL);
    assert_true(s->node[1].mismatches >= 1);
    sim_free(s);
}

static void wrong_key(void **state)
{
    struct sim *s = sim_new(13, DH_2048);
    (void)state;
    s->node[0].psk = "cisco124";
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 5);
    assert_int_equal(sim_up_count(&s->node[0]), 0);
    assert_true(isakmp_stats(s->node[1].k)->dropped[ISK_DROP_SANITY] +
                    isakmp_stats(s->node[1].k)->dropped[ISK_DROP_HASH] >
                0);
    sim_for(s, 120);
    assert_nothing(s);
    assert_int_equal(s->node[0].failed, 1);
    assert_int_equal(s->node[1].sa_down, 1); /* the one that could not authenticate is told of */
    sim_free(s);
}

/* Some responders say, under keys that nobody else has, that they could not read our proof. */
static void wrong_key_complaint(void **state)
{
    struct sim *s = sim_new(13, DH_2048);
    uint8_t msg[28 + 32];
    (void)state;
    s->node[0].psk = "cisco124";
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    struct isk_sa *sa = s->node[0].k->head;
    struct wbuf w = wbuf_make(msg, sizeof msg);
    wbuf_u64(&w, sa->s.spi_i);
    wbuf_u64(&w, sa->s.spi_r);
    wbuf_u8(&w, ISP_HASH);
    wbuf_u8(&w, ISK_VERSION);
    wbuf_u8(&w, ISX_INFO);
    wbuf_u8(&w, ISK_F_ENCRYPTED);
    wbuf_u32(&w, 0x1234);
    wbuf_u32(&w, sizeof msg);
    memset(msg + 28, 0xa5, 32);
    isakmp_input(s->node[0].k, &sa->s.path, msg, sizeof msg);
    assert_int_equal(isakmp_stats(s->node[0].k)->dropped[ISK_DROP_SANITY], 1);
    assert_int_equal(s->node[0].failed, 0); /* anybody could have said so */
    sim_for(s, 130);
    assert_int_equal(s->node[0].failed, 1);
    assert_int_equal(s->node[0].last_failure, IKE_R_AUTH_FAILED);
    sim_free(s);
}

static void no_key(void **state)
{
    struct sim *s = sim_new(14, DH_2048);
    (void)state;
    s->node[1].psk = NULL;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_int_equal(isakmp_stats(s->node[1].k)->dropped[ISK_DROP_NO_KEY], 1);
    assert_int_equal(sim_sas(s, 1).n, 0);
    s->node[0].psk = NULL;
    sim_initiate(s, 1, 0, 0);
    assert_int_equal(s->node[1].last_failure, IKE_R_NO_POLICY);
    sim_free(s);
}

static void not_enabled(void **state)
{
    struct sim *s = sim_new(15, DH_2048);
    (void)state;
    s->node[1].n_policy = 0;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_int_equal(isakmp_stats(s->node[1].k)->dropped[ISK_DROP_DISABLED], 1);
    sim_free(s);
}

/* semantics.md §1.1: at 0, 10, 20, 30, 40, 50 s; dead at 60 s. */
static void unreachable_peer(void **state)
{
    struct sim *s = sim_new(16, DH_2048);
    (void)state;
    s->node[1].dead = true;
    sim_initiate(s, 0, 1, 0);
    usec_t start = s->time.mono_us;
    sim_for(s, 59);
    assert_int_equal(s->node[0].n_sent, 6);
    assert_int_equal(s->node[0].failed, 0);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(s->node[0].sent_at[i] - start, i * 10 * SEC);
    sim_for(s, 2);
    assert_int_equal(s->node[0].failed, 1);
    assert_int_equal(s->node[0].last_failure, IKE_R_RETRANSMIT);
    assert_nothing(s);
    sim_free(s);
}

static void half_open_is_forgotten(void **state)
{
    struct sim *s = sim_new(17, DH_2048);
    (void)state;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 0.0011); /* the first message has arrived, its answer not yet */
    s->node[0].dead = true;
    assert_int_equal(sim_sas(s, 1).n, 1);
    sim_for(s, 61);
    assert_int_equal(sim_sas(s, 1).n, 0);
    assert_int_equal(s->node[1].k->n_half_open, 0);
    sim_free(s);
}

/* With its third message a peer has shown that the address is its own; one that is listed is not
 * counted among the half-open then, only for itself. Its fifth never comes. */
static bool three_messages(struct sim *s, struct sim_packet *p)
{
    (void)s;
    return !(p->data[19] & ISK_F_ENCRYPTED);
}

static void listed_peers_have_room_of_their_own(void **state)
{
    struct ike_limits l = {.half_open = 3, .cookie_at = 3, .sas = 100};
    (void)state;
    for (int listed = 0; listed < 2; listed++) {
        struct sim *s = sim_new(18, DH_2048);
        s->node[1].peer.listed = listed;
        isakmp_set_limits(s->node[1].k, &l);
        s->tap = three_messages;
        for (int i = 0; i < 10; i++) {
            sim_initiate(s, 0, 1, 0);
            sim_for(s, 1);
            isakmp_free(s->node[0].k);
            sim_node_start(s, 0);
        }
        assert_int_equal(sim_sas(s, 1).n, listed ? 8 + 2 : 3); /* its share, and what is for all */
        assert_int_equal(s->node[1].k->n_half_open, listed ? 2 : 3);
        sim_for(s, 61);
        assert_int_equal(sim_sas(s, 1).n, 0);
        assert_int_equal(s->node[1].k->n_half_open, 0);
        sim_free(s);
    }
}

/* Whichever message is lost, once or three times, the tunnel comes up. */
static unsigned lose_at, lose_n, passed;
static bool lose_some(struct sim *s, struct sim_packet *p)
{
    (void)s;
    (void)p;
    unsigned at = passed++;
    return at < lose_at || at >= lose_at + lose_n;
}

static void every_loss(void **state)
{
    (void)state;
    for (lose_n = 1; lose_n < 4; lose_n += 2)
        for (lose_at = 0; lose_at < 9; lose_at++) {
            struct sim *s = sim_new(18, DH_1024);
            s->tap = lose_some;
            passed = 0;
            sim_initiate(s, 0, 1, 0);
            sim_for(s, 45);
            assert_tunnel(s, 1);
            assert_int_equal(sim_sas(s, 0).n, 1);
            assert_int_equal(s->node[0].failed, 0);
            sim_free(s);
        }
}

static void two_entries(struct sim *s)
{
    for (int k = 0; k < 2; k++) {
        struct sim_node *n = &s->node[k];
        n->entry[1] = n->entry[0];
        n->entry[1].cfg.policy = 8;
        n->entry[1].cfg.sel = k ? sim_selector("192.168.20.0", "10.10.10.0", 24)
                                : sim_selector("10.10.10.0", "192.168.20.0", 24);
        n->n_entry = 2;
    }
}

static void several_children(void **state)
{
    struct sim *s = sim_new(19, DH_2048);
    (void)state;
    two_entries(s);
    sim_initiate(s, 0, 1, 0);
    sim_initiate(s, 0, 1, 1);
    sim_initiate(s, 0, 1, 1); /* one wish */
    sim_for(s, 1);
    assert_tunnel(s, 2);
    assert_int_equal(sim_sas(s, 0).n, 1);
    assert_int_equal(sim_sas(s, 0).last->n_children, 2);
    sim_free(s);
}

/* Both ask at once: both tunnels work, and nothing is ended for it. */
static void crossing(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct sim *s = sim_new(seed, DH_1024);
        s->delay_max = 300000;
        sim_initiate(s, 0, 1, 0);
        sim_initiate(s, 1, 0, 0);
        sim_for(s, 300);
        assert_true(sim_up_count(&s->node[0]) >= 1);
        assert_int_equal(sim_up_count(&s->node[0]), sim_up_count(&s->node[1]));
        assert_true(sim_all_twins(s, 0, 1));
        assert_true(sim_sas(s, 0).established >= 1 && sim_sas(s, 1).established >= 1);
        sim_free(s);
    }
}

static struct sim_node *third_node(struct sim *s)
{
    struct sim_node *n = &s->node[2];
    *n = s->node[1];
    n->index = 2;
    n->n_child = n->n_record = 0;
    memset(n->record, 0, sizeof n->record);
    addr_parse("198.18.0.1", &n->addr);
    for (int i = 0; i < 2; i++)
        n->entry[i].cfg.proposal[0] = &n->esp[0];
    sim_node_start(s, 2);
    return n;
}

/* Another peer for the same traffic takes it over; the old one keeps phase 1 (semantics §1.2). */
static void another_peer(void **state)
{
    struct sim *s = up(DH_2048);
    struct sim_node *n = third_node(s);
    (void)state;
    assert_int_equal(sim_initiate(s, 2, 0, 0), 0);
    sim_for(s, 1);
    assert_int_equal(sim_up_count(&s->node[1]), 0);
    assert_int_equal(sim_up_count(&s->node[0]), 1);
    assert_int_equal(sim_up_count(n), 1);
    assert_int_equal(sim_sas(s, 1).established, 1);
    assert_int_equal(s->node[1].last_child_down, IKE_R_PEER_DELETE);
    sim_free(s);
}

/* The ASA: only that pair moves, and phase 1 goes with the last one (seed 001, B and then A). */
static void another_peer_of_two_pairs(void **state)
{
    struct sim *s = sim_new(23, DH_2048);
    (void)state;
    two_entries(s);
    struct sim_node *n = third_node(s);
    for (int i = 0; i < 3; i++)
        isakmp_set_end_alone(s->node[i].k, true);
    sim_initiate(s, 0, 1, 0);
    sim_initiate(s, 0, 1, 1);
    sim_for(s, 1);
    assert_tunnel(s, 2);
    assert_int_equal(sim_initiate(s, 2, 0, 0), 0);
    sim_for(s, 1);
    assert_int_equal(sim_up_count(&s->node[0]), 2);
    assert_int_equal(sim_up_count(&s->node[1]), 1);
    assert_int_equal(sim_up_count(n), 1);
    assert_int_equal(sim_sas(s, 0).established, 2);
    assert_int_equal(sim_sas(s, 1).established, 1);
    assert_int_equal(sim_initiate(s, 2, 0, 1), 0);
    sim_for(s, 1);
    assert_int_equal(sim_up_count(n), 2);
    assert_int_equal(sim_up_count(&s->node[1]), 0);
    assert_int_equal(sim_sas(s, 0).established, 1);
    assert_int_equal(sim_sas(s, 1).established, 0);
    sim_free(s);
}

static void bad_network(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct sim *s = sim_new(seed, DH_1024);
        s->loss = 15;
        s->dup = 10;
        s->delay_max = 800000;
        s->node[0].slow_jobs = s->node[1].slow_jobs = true;
        s->node[0].entry[0].cfg.pfs_group = seed % 2 ? DH_1024 : DH_NONE;
        sim_initiate(s, 0, 1, 0);
        sim_for(s, 200);
        if (s->node[0].failed == 0)
            assert_true(sim_up_count(&s->node[0]) == 1);
        assert_true(sim_all_twins(s, 0, 1));
        sim_free(s);
    }
}

static bool newer_minor(struct sim *s, struct sim_packet *p)
{
    (void)s;
    p->data[17]++;
    return true;
}

/* RFC 2408 §3.1: a minor version above ours is not understood. */
static void another_version(void **state)
{
    struct sim *s = sim_new(1, DH_2048);
    (void)state;
    s->tap = newer_minor;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 5);
    assert_int_equal(sim_sas(s, 1).n, 0);
    assert_int_equal(isakmp_stats(s->node[1].k)->dropped[ISK_DROP_VERSION], 1);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_roles),
        cmocka_unit_test(algorithms),
        cmocka_unit_test(no_pfs_and_pfs),
        cmocka_unit_test(ah_and_bundles),
        cmocka_unit_test(half_a_bundle),
        cmocka_unit_test(transport_mode),
        cmocka_unit_test(responders_priority),
        cmocka_unit_test(second_proposal),
        cmocka_unit_test(lifetimes),
        cmocka_unit_test(narrower_and_wider),
        cmocka_unit_test(protocol_and_port),
        cmocka_unit_test(range_of_ports),
        cmocka_unit_test(no_policy_in_common),
        cmocka_unit_test(wrong_key),
        cmocka_unit_test(wrong_key_complaint),
        cmocka_unit_test(no_key),
        cmocka_unit_test(not_enabled),
        cmocka_unit_test(unreachable_peer),
        cmocka_unit_test(half_open_is_forgotten),
        cmocka_unit_test(listed_peers_have_room_of_their_own),
        cmocka_unit_test(every_loss),
        cmocka_unit_test(several_children),
        cmocka_unit_test(crossing),
        cmocka_unit_test(another_peer),
        cmocka_unit_test(another_peer_of_two_pairs),
        cmocka_unit_test(bad_network),
        cmocka_unit_test(another_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
