/* What a peer may say that has the keys: nonsense, things we do not do, answers that do not fit. */
#include "sim.h"
#include "control/ike/crypto.h"

static struct ike_crypto *crypto;
static int set_up(void **state)
{
    (void)state;
    crypto = ike_crypto_new();
    return crypto ? 0 : -1;
}
static int tear_down(void **state)
{
    (void)state;
    ike_crypto_unref(crypto);
    return 0;
}

/* A request of node 0, who initiated, to node 1. */
static void inject(struct sim *s, uint8_t exchange, uint8_t first, const void *plain, size_t n)
{
    const struct ike_sa_state *sa = sim_sas(s, 0).last;
    struct ike_sk_key k = {sa->suite.encr, sa->suite.encr_bits, sa->suite.integ, sa->keys.sk_ei,
                           sa->keys.sk_ai};
    struct ike_header h = {.spi_i = sa->spi_i,
                           .spi_r = sa->spi_r,
                           .version = 0x20,
                           .exchange = exchange,
                           .flags = IKE_F_INITIATOR,
                           .mid = sim_sas(s, 1).last->next_recv_mid};
    struct ike_path p = sim_path(s, 1, 0);
    uint8_t buf[2048], iv[16] = {1};
    size_t len;

    assert_int_equal(ike_seal(crypto, &k, &h, first, plain, n, iv, buf, sizeof buf, &len), 0);
    ike_input(s->node[1].ike, &p, buf, len);
}

static uint16_t heard; /* the notify in the response that node 0 would have got */
static uint8_t heard_data;
static unsigned heard_payloads;

static bool listen_in(struct sim *s, struct sim_packet *k)
{
    const struct ike_sa_state *sa = s->tap_ctx;
    struct ike_sk_key key = {sa->suite.encr, sa->suite.encr_bits, sa->suite.integ, sa->keys.sk_er,
                             sa->keys.sk_ar};
    struct ike_payloads l;
    struct ike_notify_pl n;
    uint8_t plain[2048];
    size_t len;

    if (k->to != 0)
        return true;
    assert_int_equal(ike_payloads_read(k->data[16], k->data + 28, k->len - 28, &l), 0);
    size_t at = (size_t)(l.v[0].p - k->data);
    assert_int_equal(ike_open(crypto, &key, k->data, k->len, at, plain, &len), 0);
    assert_int_equal(ike_payloads_read(l.sk_first, plain, len, &l), 0);
    heard = ike_notify_error(&l, &n);
    heard_data = heard && n.len ? n.data[0] : 0;
    heard_payloads = l.n;
    return false;
}

static struct sim *listening(void)
{
    struct sim *s = sim_new(5, DH_X25519);

    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    assert_int_equal(sim_up_count(&s->node[1]), 1);
    s->tap = listen_in;
    s->tap_ctx = malloc(sizeof(struct ike_sa_state));
    memcpy(s->tap_ctx, sim_sas(s, 0).last, sizeof(struct ike_sa_state));
    heard = 0;
    heard_payloads = 99;
    return s;
}

static void done_listening(struct sim *s)
{
    free(s->tap_ctx);
    sim_free(s);
}

static void answers_to_nonsense(void **state)
{
    struct sim *s = listening();
    (void)state;

    /* nothing inside: liveness, an empty answer */
    inject(s, X_INFORMATIONAL, PL_NONE, "", 0);
    sim_for(s, 1);
    assert_int_equal(heard, 0);
    assert_int_equal(heard_payloads, 0);
    /* an unknown critical payload (§2.5) */
    inject(s, X_INFORMATIONAL, 200, "\0\x80\0\x04", 4);
    sim_for(s, 1);
    assert_int_equal(heard, N_UNSUPPORTED_CRITICAL);
    assert_int_equal(heard_data, 200);
    /* a length that lies */
    inject(s, X_INFORMATIONAL, PL_DELETE, "\0\0\0\x40", 4);
    sim_for(s, 1);
    assert_int_equal(heard, N_INVALID_SYNTAX);
    /* a delete that lies about its number of SPIs */
    inject(s, X_INFORMATIONAL, PL_DELETE, "\0\0\0\x0c\x03\x04\0\x02\1\2\3\4", 12);
    sim_for(s, 1);
    assert_int_equal(heard, N_INVALID_SYNTAX);
    /* CREATE_CHILD_SA without what it needs */
    inject(s, X_CREATE_CHILD, PL_NONE, "", 0);
    sim_for(s, 1);
    assert_int_equal(heard, N_INVALID_SYNTAX);
    /* an unknown status notify is ignored */
    inject(s, X_INFORMATIONAL, PL_NOTIFY, "\0\0\0\x08\0\0\xf0\x00", 8);
    sim_for(s, 1);
    assert_int_equal(heard, 0);
    /* the SA has come through all of it */
    assert_int_equal(sim_up_count(&s->node[1]), 1);
    assert_int_equal(sim_sas(s, 1).established, 1);
    done_listening(s);
}

/* The same request again, forged, replayed, from the future. */
static void window(void **state)
{
    struct sim *s = listening();
    const uint64_t *dropped = ike_stats(s->node[1].ike)->dropped;
    uint64_t delivered, id;
    (void)state;

    inject(s, X_INFORMATIONAL, PL_NONE, "", 0);
    sim_for(s, 1);
    delivered = s->delivered;
    struct ike_path p = sim_path(s, 1, 0);
    const struct ike_sa_state *sa = sim_sas(s, 0).last;
    struct ike_sk_key k = {sa->suite.encr, sa->suite.encr_bits, sa->suite.integ, sa->keys.sk_ei,
                           sa->keys.sk_ai};
    struct ike_header h = {.spi_i = sa->spi_i,
                           .spi_r = sa->spi_r,
                           .version = 0x20,
                           .exchange = X_INFORMATIONAL,
                           .flags = IKE_F_INITIATOR};
    uint8_t buf[256], iv[16] = {1};
    size_t len;
    uint32_t next = sim_sas(s, 1).last->next_recv_mid;
    for (int ahead = -3; ahead <= 2; ahead++) {
        h.mid = next + (uint32_t)ahead;
        assert_int_equal(ike_seal(crypto, &k, &h, PL_NONE, iv, 0, iv, buf, sizeof buf, &len), 0);
        id = dropped[IKE_DROP_MESSAGE_ID];
        if (ahead == -1) { /* the last one: answered again from memory */
            ike_input(s->node[1].ike, &p, buf, len);
            sim_for(s, 1);
            assert_int_equal(s->delivered, ++delivered);
            buf[len - 1] ^= 1; /* but not for anybody */
            ike_input(s->node[1].ike, &p, buf, len);
            assert_int_equal(dropped[IKE_DROP_INTEGRITY], 1);
        } else if (ahead != 0) {
            ike_input(s->node[1].ike, &p, buf, len);
            assert_int_equal(dropped[IKE_DROP_MESSAGE_ID], id + 1);
        }
        sim_for(s, 1);
        assert_int_equal(s->delivered, delivered);
    }
    done_listening(s);
}

/* --- further children, against the grain ---------------------------------------------------- */

static void second_entry(struct sim *s, uint16_t pfs)
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

/* One side cannot install the second child: it is gone on both, the first stays. */
static void second_not_installed(void **state)
{
    (void)state;
    for (int node = 0; node < 2; node++)
        for (int pfs = 0; pfs < 2; pfs++) {
            struct sim *s = sim_new(5, DH_X25519);
            second_entry(s, pfs ? DH_X25519 : DH_NONE);
            sim_initiate(s, 0, 1, 0);
            sim_for(s, 1);
            s->node[node].fail_child_up = -EIO;
            sim_initiate(s, 0, 1, 1);
            sim_for(s, 1);
            /* TEMPORARY_FAILURE is asked again, but not for ever */
            assert_int_equal(s->node[0].failed, !node);
            sim_for(s, 20);
            assert_int_equal(s->node[0].failed, 1);
            assert_int_equal(s->node[0].last_failure, IKE_R_LIMIT);
            assert_int_equal(sim_up_count(&s->node[0]), 1);
            assert_int_equal(sim_up_count(&s->node[1]), 1);
            assert_int_equal(sim_sas(s, 0).last->n_children, 1);
            assert_int_equal(sim_sas(s, 1).last->n_children, 1);
            s->node[node].fail_child_up = 0;
            sim_initiate(s, 0, 1, 1);
            sim_for(s, 1);
            assert_int_equal(sim_up_count(&s->node[1]), 2);
            sim_free(s);
        }
}

/* A child is asked for while the other side takes its leave (§2.25.2). */
static void child_for_a_leaving_sa(void **state)
{
    struct sim *s = sim_new(5, DH_X25519);
    (void)state;
    second_entry(s, DH_X25519);
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    s->delay_min = s->delay_max = 50000;
    sim_initiate(s, 1, 0, 1);
    ike_clear(s->node[0].ike, NULL, 0);
    sim_for(s, 5);
    assert_int_equal(sim_up_count(&s->node[0]) + sim_up_count(&s->node[1]), 0);
    assert_int_equal(sim_sas(s, 0).n + sim_sas(s, 1).n, 0);
    assert_int_equal(s->node[1].failed, 1);
    sim_free(s);
}

/* A request for one more child with these transforms and this KE. */
static void ask_child(struct sim *s, const struct ike_xform_w *x, size_t n, uint16_t ke_group,
                      size_t ke_len, bool rekey)
{
    uint8_t buf[1024], pub[128];
    struct ike_writer w = ike_writer_make(buf, sizeof buf);
    struct ike_prop p = {.num = 1, .proto = PROTO_ESP, .spi_len = 4, .spi = 0x1234};

    memset(pub, 0x5a, sizeof pub);
    if (rekey)
        ike_w_notify_spi(&w, N_REKEY_SA, PROTO_ESP, sim_sas(s, 0).last->child[0].spi_in);
    ike_w_begin(&w, PL_SA);
    ike_w_proposal(&w, &p, x, n, true);
    ike_w_end(&w);
    ike_w_payload(&w, PL_NONCE, "0123456789abcdef", 16);
    if (ke_group)
        ike_w_ke(&w, ke_group, pub, ke_len);
    ike_w_ts(&w, PL_TSI, &s->node[0].entry[0].cfg.sel, 1, true);
    ike_w_ts(&w, PL_TSR, &s->node[0].entry[0].cfg.sel, 1, false);
    inject(s, X_CREATE_CHILD, w.first, buf, w.w.len);
    sim_for(s, 1);
}

static void strange_child_requests(void **state)
{
    static const struct ike_xform_w with_dh[] = {{T_ENCR, ENCR_AES_CBC, 256},
                                                 {T_INTEG, INTEG_SHA256_128, 0},
                                                 {T_DH, DH_ECP256, 0},
                                                 {T_ESN, 0, 0}};
    static const struct ike_xform_w odd[] = {{T_ENCR, ENCR_AES_CBC, 256},
                                             {T_INTEG, INTEG_SHA256_128, 0},
                                             {T_PRF, PRF_SHA256, 0},
                                             {T_ESN, 0, 0}};
    struct sim *s = listening();
    (void)state;

    ask_child(s, with_dh, 4, DH_NONE, 0, true); /* to rekey: no different */
    assert_int_equal(heard, N_INVALID_KE_PAYLOAD);
    ask_child(s, with_dh, 4, DH_X25519, 32, false); /* KE of another group (§1.3) */
    assert_int_equal(heard, N_INVALID_KE_PAYLOAD);
    ask_child(s, with_dh, 4, DH_NONE, 0, false);
    assert_int_equal(heard, N_INVALID_KE_PAYLOAD);
    ask_child(s, with_dh, 4, DH_ECP256, 64, false); /* not a point */
    assert_int_equal(heard, N_INVALID_SYNTAX);
    ask_child(s, odd, 4, DH_NONE, 0, false); /* a PRF has no place there (§3.3.6) */
    assert_int_equal(heard, N_NO_PROPOSAL_CHOSEN);
    assert_int_equal(sim_up_count(&s->node[1]), 1);
    done_listening(s);
}

/* We have not asked for extended sequence numbers, but the peer takes nothing else. */
static void only_extended_numbers(void **state)
{
    static const struct ike_xform_w esn[] = {{T_ENCR, ENCR_AES_CBC, 256},
                                             {T_INTEG, INTEG_SHA256_128, 0},
                                             {T_ESN, 1, 0}};
    struct sim *s = listening();
    unsigned extended = 0;
    (void)state;

    ask_child(s, esn, 3, DH_NONE, 0, false);
    assert_int_equal(sim_up_count(&s->node[1]), 2);
    for (size_t i = 0; i < sizeof s->node[1].child / sizeof *s->node[1].child; i++)
        extended += s->node[1].child[i].esn;
    assert_int_equal(extended, 1);
    done_listening(s);
}

/* Node 1's answer to a request for a second child is lost; this one comes instead. */
static bool nothing_to_initiator(struct sim *s, struct sim_packet *k)
{
    (void)s;
    return k->to != 0;
}

static struct sim *asking(void)
{
    struct sim *s = sim_new(5, DH_X25519);

    second_entry(s, DH_NONE);
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    s->tap = nothing_to_initiator;
    sim_initiate(s, 0, 1, 1);
    sim_for(s, 0.1);
    assert_int_equal(sim_up_count(&s->node[1]), 2);
    return s;
}

static void answer_with(struct sim *s, uint8_t first, const void *plain, size_t n)
{
    const struct ike_sa_state *sa = sim_sas(s, 1).last;
    struct ike_sk_key k = {sa->suite.encr, sa->suite.encr_bits, sa->suite.integ, sa->keys.sk_er,
                           sa->keys.sk_ar};
    struct ike_header h = {.spi_i = sa->spi_i,
                           .spi_r = sa->spi_r,
                           .version = 0x20,
                           .exchange = X_CREATE_CHILD,
                           .flags = IKE_F_RESPONSE,
                           .mid = sim_sas(s, 0).last->next_send_mid - 1};
    struct ike_path p = sim_path(s, 0, 1);
    uint8_t buf[2048], iv[16] = {2};
    size_t len;

    assert_int_equal(ike_seal(crypto, &k, &h, first, plain, n, iv, buf, sizeof buf, &len), 0);
    s->tap = NULL;
    ike_input(s->node[0].ike, &p, buf, len);
    sim_for(s, 1);
}

static void refused_with(uint16_t notify, enum ike_reason why)
{
    struct sim *s = asking();
    uint8_t buf[64];
    struct ike_writer w = ike_writer_make(buf, sizeof buf);

    ike_w_notify(&w, notify, NULL, 0);
    answer_with(s, w.first, buf, w.w.len);
    assert_int_equal(s->node[0].failed, 1);
    assert_int_equal(s->node[0].last_failure, why);
    assert_int_equal(sim_sas(s, 0).n, 1);
    sim_free(s);
}

static void child_refused(void **state)
{
    (void)state;
    refused_with(N_TS_UNACCEPTABLE, IKE_R_TS_UNACCEPTABLE);
    refused_with(N_INVALID_SYNTAX, IKE_R_MALFORMED);
    /* §1.3: a minimal peer gets a second IKE SA. */
    struct sim *s = asking();
    uint8_t buf[64];
    struct ike_writer w = ike_writer_make(buf, sizeof buf);
    ike_w_notify(&w, N_NO_ADDITIONAL_SAS, NULL, 0);
    answer_with(s, w.first, buf, w.w.len);
    assert_int_equal(s->node[0].failed, 0);
    assert_int_equal(sim_sas(s, 0).established, 2);
    assert_int_equal(sim_up_count(&s->node[0]), 2);
    assert_true(sim_all_twins(s, 0, 1));
    sim_free(s);
}

/* An answer that is none of what we asked for is refused, and the peer is told to delete. */
static void odd_answer(uint16_t integ, const char *remote, enum ike_reason why)
{
    struct sim *s = asking();
    uint8_t buf[512];
    struct ike_writer w = ike_writer_make(buf, sizeof buf);
    struct ike_xform_w x[] = {{T_ENCR, ENCR_AES_CBC, 256}, {T_INTEG, integ, 0}, {T_ESN, 0, 0}};
    const struct ike_child_state *theirs = &sim_sas(s, 1).last->child[1];
    struct ike_prop p = {.num = 1, .proto = PROTO_ESP, .spi_len = 4, .spi = theirs->spi_in};
    struct selector sel = sim_selector("10.10.10.0", remote, 24);

    ike_w_begin(&w, PL_SA);
    ike_w_proposal(&w, &p, x, 3, true);
    ike_w_end(&w);
    ike_w_payload(&w, PL_NONCE, "0123456789abcdef", 16);
    ike_w_ts(&w, PL_TSI, &sel, 1, true);
    ike_w_ts(&w, PL_TSR, &sel, 1, false);
    answer_with(s, w.first, buf, w.w.len);
    assert_int_equal(s->node[0].failed, 1);
    assert_int_equal(s->node[0].last_failure, why);
    assert_int_equal(sim_up_count(&s->node[0]), 1);
    assert_int_equal(sim_up_count(&s->node[1]), 1); /* told */
    sim_free(s);
}

static void odd_answers(void **state)
{
    (void)state;
    odd_answer(INTEG_SHA1_96, "172.16.9.0", IKE_R_NO_PROPOSAL);
    odd_answer(INTEG_SHA256_128, "172.16.10.0", IKE_R_TS_UNACCEPTABLE);
    /* what cannot be parsed ends the SA (§2.21.3) */
    struct sim *s = asking();
    answer_with(s, PL_DELETE, "\0\0\0\x40", 4);
    assert_int_equal(s->node[0].last_failure, IKE_R_MALFORMED);
    assert_int_equal(sim_sas(s, 0).n, 0);
    assert_int_equal(sim_up_count(&s->node[0]), 0);
    sim_free(s);
}

/* --- IKE_AUTH -------------------------------------------------------------------------------- */

/* Hears what node 1 answers; node 0's own IKE_AUTH is lost. */
static bool instead_of_auth(struct sim *s, struct sim_packet *k)
{
    if (k->to == 1)
        return k->data[18] != X_AUTH;
    if (k->data[18] == X_SA_INIT)
        return true;
    memcpy(s->tap_ctx, sim_sas(s, 0).last, sizeof(struct ike_sa_state));
    return listen_in(s, k);
}

static struct sim *half_open(void)
{
    struct sim *s = sim_new(5, DH_X25519);

    s->tap = instead_of_auth;
    s->tap_ctx = calloc(1, sizeof(struct ike_sa_state));
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 0.5);
    assert_int_equal(sim_sas(s, 0).last->state, IKE_AUTH_SENT);
    assert_int_equal(sim_sas(s, 1).last->state, IKE_INIT_DONE);
    heard = 0;
    return s;
}

static void auth_with(struct sim *s, bool id, uint8_t method, bool child)
{
    uint8_t buf[512], proof[32] = {0};
    struct ike_writer w = ike_writer_make(buf, sizeof buf);
    struct ike_identity who = {.type = ID_IPV4, .len = 4, .data = {192, 0, 2, 1}};
    struct ike_xform_w x[] = {{T_ENCR, ENCR_AES_CBC, 256},
                              {T_INTEG, INTEG_SHA256_128, 0},
                              {T_ESN, 0, 0}};
    struct ike_prop p = {.num = 1, .proto = PROTO_ESP, .spi_len = 4, .spi = 0x1234};

    if (id)
        ike_w_id(&w, PL_IDI, &who);
    if (method)
        ike_w_auth(&w, method, proof, sizeof proof);
    if (child) {
        ike_w_begin(&w, PL_SA);
        ike_w_proposal(&w, &p, x, 3, true);
        ike_w_end(&w);
        ike_w_ts(&w, PL_TSI, &s->node[0].entry[0].cfg.sel, 1, true);
        ike_w_ts(&w, PL_TSR, &s->node[0].entry[0].cfg.sel, 1, false);
    }
    inject(s, X_AUTH, w.first, buf, w.w.len);
    sim_for(s, 0.5);
}

static void auth_refused(void **state)
{
    static const struct {
        bool id, child;
        uint8_t method;
        uint16_t notify;
    } v[] = {
        {true, true, 0, N_AUTHENTICATION_FAILED},        /* EAP (§2.16) */
        {true, false, AUTH_PSK, N_INVALID_SYNTAX},       /* no child (RFC 6023) */
        {true, true, AUTH_RSA, N_AUTHENTICATION_FAILED}, /* a signature */
        {true, true, AUTH_PSK, N_AUTHENTICATION_FAILED}, /* a wrong proof */
        {false, true, AUTH_PSK, N_INVALID_SYNTAX},
    };
    (void)state;

    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        struct sim *s = half_open();
        auth_with(s, v[i].id, v[i].method, v[i].child);
        assert_int_equal(heard, v[i].notify);
        assert_int_equal(sim_sas(s, 1).n, 0); /* invisible from now on */
        assert_int_equal(s->node[1].sa_up, 0);
        /* Node 0 repeats its IKE_AUTH, with the same message ID: it hears the refusal again. */
        heard = 0;
        s->tap = listen_in;
        sim_for(s, 3);
        assert_int_equal(heard, v[i].notify);
        s->tap = NULL; /* and believes it */
        sim_for(s, 5);
        assert_int_equal(s->node[0].failed, 1);
        sim_for(s, 40);
        assert_int_equal(timerq_next(&s->q), -1);
        done_listening(s);
    }
}

static void auth_unparsable(void **state)
{
    struct sim *s = half_open();
    (void)state;
    inject(s, X_AUTH, 201, "\0\x80\0\x04", 4);
    sim_for(s, 0.5);
    assert_int_equal(heard, N_UNSUPPORTED_CRITICAL);
    assert_int_equal(heard_data, 201);
    assert_int_equal(sim_sas(s, 1).n, 0);
    done_listening(s);

    s = half_open(); /* an exchange that has no step yet: neither answered nor fatal */
    inject(s, X_INFORMATIONAL, PL_NONE, "", 0);
    inject(s, X_CREATE_CHILD, PL_NONE, "", 0);
    sim_for(s, 0.5);
    assert_int_equal(sim_sas(s, 1).n, 1);
    assert_int_equal(ike_stats(s->node[1].ike)->dropped[IKE_DROP_UNEXPECTED], 2);
    s->tap = NULL;
    sim_for(s, 5);
    assert_int_equal(sim_up_count(&s->node[0]), 1);
    done_listening(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_to_nonsense),    cmocka_unit_test(window),
        cmocka_unit_test(second_not_installed),   cmocka_unit_test(child_for_a_leaving_sa),
        cmocka_unit_test(strange_child_requests), cmocka_unit_test(only_extended_numbers),
        cmocka_unit_test(child_refused),          cmocka_unit_test(odd_answers),
        cmocka_unit_test(auth_refused),           cmocka_unit_test(auth_unparsable),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
