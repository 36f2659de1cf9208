/*
 * IKE_SA_INIT, RFC 7296 §1.2: algorithms, key agreement, nonces; cookies (§2.6), another group
 * (§1.3) and NAT detection (§2.23) ride along. All of it is in clear, so nothing here is
 * believed further than it must be, and a responder keeps no state before it has to.
 */
#include "control/ike/internal.h"
#include "lib/mem.h"
#include <errno.h>
#include <stdlib.h>

#define COOKIE_LEN    (1 + 32) /* which secret, then a hash */
#define COOKIE_PERIOD (120 * USEC_PER_SEC)

/* --- initiator ---------------------------------------------------------------------------- */

static void init_header(const struct ike_sa *sa, struct ike_writer *w, bool response)
{
    struct ike_header h = {.spi_i = sa->s.spi_i,
                           .spi_r = sa->s.spi_r,
                           .version = IKE_MAJOR << 4,
                           .exchange = X_SA_INIT,
                           .flags = response ? IKE_F_RESPONSE : IKE_F_INITIATOR};
    ike_w_header(w, &h);
}

static int keep(uint8_t **to, size_t *to_len, const uint8_t *msg, size_t len)
{
    uint8_t *copy = malloc(len);

    if (!copy)
        return -ENOMEM;
    memcpy(copy, msg, len);
    free(*to);
    *to = copy;
    *to_len = len;
    return 0;
}

/* The first message, with what has been learned from refusals so far. */
static int send_init(struct ike_sa *sa)
{
    struct ike *ike = sa->ike;
    struct ike_nego *n = sa->nego;
    struct ike_writer w = ike_writer_make(ike->out, sizeof ike->out);
    size_t n_policy = 0, len;
    const struct ike_policy *policy = ike->host.policies(ike->h, &sa->s.path.local, &n_policy);

    init_header(sa, &w, false);
    if (n->cookie_len)
        ike_w_notify(&w, N_COOKIE, n->cookie, n->cookie_len); /* §2.6: it comes first */
    int err = policy ? ike_w_sa_ike(&w, ike->c, policy, n_policy, 0, &n->origin) : -ENOENT;
    if (err < 0)
        return err;
    ike_w_ke(&w, n->group, n->pub, n->pub_len);
    ike_w_payload(&w, PL_NONCE, n->ni, n->ni_len);
    ike_nat_write(ike->c, &w, sa->s.spi_i, 0, &sa->s.path);
    ike_w_notify(&w, N_FRAGMENTATION, NULL, 0); /* RFC 7383 §2.3 */
    err = ike_w_finish(&w, &len);
    if (err == 0)
        err = keep(&n->init_i, &n->init_i_len, ike->out, len);
    if (err == 0) {
        sa->s.state = IKE_INIT_SENT;
        ike_debug_sa(sa, 4, "Sending IKE_SA_INIT, DH group %u", n->group);
        err = ike_send_init(sa, n->init_i, n->init_i_len);
    }
    return err;
}

static void got_key_pair(struct ike_sa *sa, struct ike_dh_job *j)
{
    struct ike_nego *n = sa->nego;

    if (j->err < 0) {
        ike_sa_end(sa, IKE_R_INTERNAL);
        return;
    }
    ike_dh_free(n->dh);
    n->dh = j->dh;
    j->dh = NULL;
    n->group = j->group;
    n->pub_len = j->pub_len;
    memcpy(n->pub, j->pub, j->pub_len);
    int err = send_init(sa);
    if (err < 0)
        ike_sa_end(sa, err == -ENOENT ? IKE_R_NO_POLICY : IKE_R_INTERNAL);
}

/* The group we would like best: the first of the first policy that yields a proposal. */
static uint16_t first_group(struct ike *ike, const struct addr *local)
{
    struct ike_writer w = ike_writer_make(ike->out, sizeof ike->out);
    struct ike_offer_origin origin;
    struct ike_offer offer;
    size_t n = 0;
    const struct ike_policy *policy = ike->host.policies(ike->h, local, &n);

    if (!policy || ike_w_sa_ike(&w, ike->c, policy, n, 0, &origin) < 0 || w.w.bad)
        return DH_NONE;
    struct ike_payload pl = {PL_SA, ike->out + 4, w.w.len - 4};
    return ike_offer_read(&pl, &offer) == 0 ? ike_offer_group(&offer) : DH_NONE;
}

void ike_init_start(struct ike_sa *sa)
{
    struct ike *ike = sa->ike;
    uint16_t group = first_group(ike, &sa->s.path.local);

    if (group == DH_NONE) {
        ike_sa_end(sa, IKE_R_NO_POLICY);
        return;
    }
    ike->stats.initiated++;
    sa->nego->ni_len = IKE_NONCE_OUT; /* §2.10: at least half the prf's key; 32 serves all ours */
    ike->host.random(ike->h, sa->nego->ni, IKE_NONCE_OUT);
    sa->s.state = IKE_INIT_SENT;
    if (ike_job_start(sa, group, NULL, NULL, 0, got_key_pair) < 0)
        ike_sa_end(sa, IKE_R_INTERNAL);
}

/* The payloads that both first messages have. -EBADMSG when one of them is malformed. */
static int read_common(const struct ike_payloads *pl, struct ike_offer *offer, struct ike_ke *ke,
                       const struct ike_payload **nonce)
{
    *nonce = ike_payload_find(pl, PL_NONCE);
    if (ike_offer_read(ike_payload_find(pl, PL_SA), offer) < 0 || offer->n == 0 ||
        ike_ke_read(ike_payload_find(pl, PL_KE), ke) < 0 || (*nonce)->len > IKE_NONCE_MAX)
        return -EBADMSG;
    return 0;
}

static void note_peer(struct ike_sa *sa, const struct ike_rx *rx, uint64_t spi_r)
{
    struct ike_nat nat;
    struct ike_notify_pl n;

    ike_nat_detect(sa->ike->c, &rx->pl, sa->s.spi_i, spi_r, rx->path, &nat);
    sa->s.nat_local = nat.local;
    sa->s.nat_remote = nat.remote;
    sa->s.peer_fragments = ike_notify_find(&rx->pl, N_FRAGMENTATION, &n);
    if (nat.local || nat.remote)
        ike_debug_sa(sa, 4, "NAT found: %s%s", nat.local ? "local " : "",
                     nat.remote ? "remote" : "");
}

static int derive(struct ike_sa *sa, const struct ike_dh_job *j)
{
    struct ike_nego *n = sa->nego;

    return ike_derive_keys(sa->ike->c, &sa->s.suite, (struct bytes){n->ni, n->ni_len},
                           (struct bytes){n->nr, n->nr_len},
                           (struct bytes){j->secret, j->secret_len}, sa->s.spi_i, sa->s.spi_r,
                           &sa->s.keys);
}

static void initiator_has_secret(struct ike_sa *sa, struct ike_dh_job *j)
{
    if (j->err < 0 || derive(sa, j) < 0) {
        ike_sa_end(sa, j->err == -EBADMSG ? IKE_R_MALFORMED : IKE_R_INTERNAL);
        return;
    }
    sa->s.state = IKE_AUTH_SENT;
    /* §2.23: with a NAT between, IKE_AUTH and all that follows go over 4500. */
    if ((sa->s.nat_local || sa->s.nat_remote) && sa->s.path.lport == IKE_PORT) {
        sa->s.path.lport = IKE_PORT_NAT;
        sa->s.path.rport = IKE_PORT_NAT;
    }
    ike_auth_start(sa);
}

void ike_on_init_reply(struct ike *ike, struct ike_sa *sa, struct ike_rx *rx)
{
    struct ike_nego *n = sa->nego;
    struct ike_payloads own;
    struct ike_offer offered, answer;
    const struct ike_payload *nonce;
    struct ike_ke ke;
    struct ike_suite suite;
    uint8_t num;

    if (rx->h.spi_r == 0 || read_common(&rx->pl, &answer, &ke, &nonce) < 0 ||
        ike_payloads_read(n->init_i[16], n->init_i + IKE_HEADER_LEN, n->init_i_len - IKE_HEADER_LEN,
                          &own) < 0 ||
        ike_offer_read(ike_payload_find(&own, PL_SA), &offered) < 0 ||
        ike_accept_ike(&offered, &answer, &suite, &num) < 0 || suite.group != n->group ||
        ke.group != n->group || ke.len != ike_dh_pub_len(n->group)) {
        /* Unauthenticated: a forged answer must not end what a true one may still complete. */
        ike_dropped(ike, sa, IKE_DROP_PAYLOADS);
        return;
    }
    ike_request_done(sa);
    note_peer(sa, rx, rx->h.spi_r);
    sa->s.spi_r = rx->h.spi_r;
    sa->s.suite = suite;
    sa->s.policy_priority = n->origin.v[num - 1].priority;
    sa->s.lifetime = n->origin.v[num - 1].lifetime;
    n->nr_len = nonce->len;
    memcpy(n->nr, nonce->p, nonce->len);
    struct ike_dh *dh = n->dh;
    n->dh = NULL; /* the job's from here */
    if (keep(&n->init_r, &n->init_r_len, rx->msg, rx->len) < 0 ||
        ike_job_start(sa, n->group, dh, ke.data, ke.len, initiator_has_secret) < 0)
        ike_sa_end(sa, IKE_R_INTERNAL);
}

/* Another group, if it is one that we offered. */
static bool other_group(struct ike_sa *sa, const struct ike_notify_pl *n)
{
    struct ike_nego *g = sa->nego;
    struct ike_payloads own;
    struct ike_offer offered;

    if (n->len != 2)
        return false;
    uint16_t group = (uint16_t)(n->data[0] << 8 | n->data[1]);
    if (group == g->group ||
        ike_payloads_read(g->init_i[16], g->init_i + IKE_HEADER_LEN, g->init_i_len - IKE_HEADER_LEN,
                          &own) < 0 ||
        ike_offer_read(ike_payload_find(&own, PL_SA), &offered) < 0 ||
        !ike_offer_has_group(&offered, group))
        return false;
    ike_request_done(sa);
    ike_debug_sa(sa, 4, "Peer wants DH group %u", group);
    if (ike_job_start(sa, group, NULL, NULL, 0, got_key_pair) < 0)
        ike_sa_end(sa, IKE_R_INTERNAL);
    return true;
}

void ike_on_init_refusal(struct ike *ike, struct ike_sa *sa, struct ike_rx *rx)
{
    struct ike_nego *g = sa->nego;
    struct ike_notify_pl n;

    if (g->restarts++ >= IKE_RESTARTS_MAX) {
        ike_sa_end(sa, IKE_R_LIMIT);
        return;
    }
    if (ike_notify_find(&rx->pl, N_COOKIE, &n) && n.len > 0 && n.len <= IKE_COOKIE_MAX) {
        memcpy(g->cookie, n.data, n.len);
        g->cookie_len = n.len;
        ike_debug_sa(sa, 4, "Peer wants its cookie back");
        if (send_init(sa) < 0)
            ike_sa_end(sa, IKE_R_INTERNAL);
        return;
    }
    uint16_t error = ike_notify_error(&rx->pl, &n);
    if (error == N_INVALID_KE_PAYLOAD && other_group(sa, &n))
        return;
    if (error == 0) {
        ike_dropped(ike, sa, IKE_DROP_PAYLOADS);
        return;
    }
    ike_debug_error(sa, "Peer refuses: %s", ike_notify_name(error));
    ike_sa_end(sa, ike_reason_of(error));
}

/* --- responder ---------------------------------------------------------------------------- */

bool ike_is_first(const uint8_t *msg, size_t len)
{
    return len >= IKE_HEADER_LEN && msg[18] == X_SA_INIT && !(msg[19] & IKE_F_RESPONSE);
}

void ike_overloaded(struct ike *ike, uint64_t n)
{
    ike->stats.dropped[IKE_DROP_OVERLOAD] += n - 1;
    ike_dropped(ike, NULL, IKE_DROP_OVERLOAD);
}

/* An answer without an SA: nothing is remembered. */
static void refuse(struct ike *ike, const struct ike_rx *rx, uint16_t type, const void *data,
                   size_t len)
{
    uint8_t buf[160];
    struct ike_writer w = ike_writer_make(buf, sizeof buf);
    struct ike_header h = {.spi_i = rx->h.spi_i,
                           .version = IKE_MAJOR << 4,
                           .exchange = X_SA_INIT,
                           .flags = IKE_F_RESPONSE};
    size_t n;

    ike_w_header(&w, &h);
    ike_w_notify(&w, type, data, len);
    ike_debug_plat(ike, 4, "Refusing IKE_SA_INIT: %s", ike_notify_name(type));
    if (ike_w_finish(&w, &n) == 0)
        ike_transmit(ike, rx->path, buf, n);
}

static void rotate_cookie_secret(struct ike *ike)
{
    usec_t now = ike_now(ike);

    if (ike->cookie_since != 0 && now - ike->cookie_since < COOKIE_PERIOD)
        return;
    bool stale = ike->cookie_since == 0 || now - ike->cookie_since >= 2 * COOKIE_PERIOD;
    memcpy(ike->cookie_secret[1], ike->cookie_secret[0], sizeof ike->cookie_secret[0]);
    ike->host.random(ike->h, ike->cookie_secret[0], sizeof ike->cookie_secret[0]);
    if (stale) /* or cookies of the last attack, hours ago, were good still */
        ike->host.random(ike->h, ike->cookie_secret[1], sizeof ike->cookie_secret[1]);
    ike->cookie_since = now ? now : 1;
}

/* §2.6: Hash(Ni | IPi | SPIi | secret) */
static int make_cookie(struct ike *ike, const struct ike_rx *rx, const struct ike_payload *nonce,
                       unsigned which, uint8_t out[COOKIE_LEN])
{
    const struct bytes in[] = {{nonce->p, nonce->len},
                               {rx->path->remote.b, addr_size(&rx->path->remote)},
                               {rx->msg, IKE_SPI_LEN},
                               {ike->cookie_secret[which], sizeof ike->cookie_secret[which]}};
    /* A tag of the secret in use, so that rotation costs no guessing. */
    out[0] = ike->cookie_secret[which][0];
    return ike_sha256(ike->c, in, 4, out + 1);
}

/* True when the request carries a cookie of ours; else it has been asked for one. */
static bool cookie_fits(struct ike *ike, const struct ike_rx *rx)
{
    const struct ike_payload *nonce = ike_payload_find(&rx->pl, PL_NONCE);
    uint8_t cookie[COOKIE_LEN];
    struct ike_notify_pl n;

    rotate_cookie_secret(ike);
    if (ike_notify_find(&rx->pl, N_COOKIE, &n) && n.len == COOKIE_LEN)
        for (unsigned i = 0; i < 2; i++)
            if (make_cookie(ike, rx, nonce, i, cookie) == 0 &&
                mem_equal_ct(cookie, n.data, sizeof cookie))
                return true;
    if (make_cookie(ike, rx, nonce, 0, cookie) == 0)
        refuse(ike, rx, N_COOKIE, cookie, sizeof cookie);
    return false;
}

/* May somebody begin? Half-open SAs are limited, but a hub whose peers all call at once has to
 * answer them all: who is listed by address does not count among the others, once its cookie has
 * shown that the address is its own (anybody can forge it), only for its own share. So nobody else
 * keeps the listed ones out, nor they others. */
static enum ike_drop admit(struct ike *ike, const struct ike_rx *rx, bool *cookie, bool *known)
{
    bool full = ike->n_half_open >= ike->limits.half_open;
    struct ike_peer_cfg cfg = {0};

    *known = false;
    *cookie = ike->n_half_open >= ike->limits.cookie_at;
    if (ike->n_sas >= ike->limits.sas || (full && !*cookie))
        return IKE_DROP_LIMIT;
    if (!*cookie)
        return IKE_DROP_NONE;
    if (!cookie_fits(ike, rx)) /* before anything is looked at that costs more */
        return IKE_DROP_COOKIE;
    *known = ike->host.peer(ike->h, rx->path, NULL, &cfg) && cfg.listed;
    return (full && !*known) || ike_source_full(ike, rx->path, *known) ? IKE_DROP_LIMIT
                                                                       : IKE_DROP_NONE;
}

static void responder_has_secret(struct ike_sa *sa, struct ike_dh_job *j)
{
    struct ike *ike = sa->ike;
    struct ike_nego *n = sa->nego;
    struct ike_writer w = ike_writer_make(ike->out, sizeof ike->out);
    size_t len;

    if (j->err < 0 || derive(sa, j) < 0) {
        ike_sa_end(sa, j->err == -EBADMSG ? IKE_R_MALFORMED : IKE_R_INTERNAL);
        return;
    }
    init_header(sa, &w, true);
    ike_w_sa_ike_choice(&w, &sa->s.suite, n->num, 0);
    ike_w_ke(&w, n->group, j->pub, j->pub_len);
    ike_w_payload(&w, PL_NONCE, n->nr, n->nr_len);
    ike_nat_write(ike->c, &w, sa->s.spi_i, sa->s.spi_r, &sa->s.path);
    if (sa->s.peer_fragments)
        ike_w_notify(&w, N_FRAGMENTATION, NULL, 0); /* RFC 7383 §2.3: only when asked */
    if (ike_w_finish(&w, &len) < 0 || keep(&n->init_r, &n->init_r_len, ike->out, len) < 0 ||
        ike_keep_reply(sa, ike->out, len, 0) < 0 ||
        timer_set(ike->q, &sa->t_life, ike_now(ike) + IKE_INIT_TIMEOUT) < 0) {
        ike_sa_end(sa, IKE_R_INTERNAL);
        return;
    }
    sa->s.state = IKE_INIT_DONE;
    ike_transmit(ike, &sa->s.path, ike->out, len);
}

static struct ike_sa *begin_responder(struct ike *ike, const struct ike_rx *rx,
                                      const struct ike_policy *policy,
                                      const struct ike_suite *suite, uint8_t num)
{
    struct ike_sa *sa = ike_sa_new(ike, false, rx->h.spi_i, rx->path);

    if (!sa) {
        ike_dropped(ike, NULL, IKE_DROP_MEMORY);
        return NULL;
    }
    ike->stats.responded++;
    sa->s.spi_r = ike_random_spi(ike);
    sa->s.suite = *suite;
    sa->s.policy_priority = policy->priority;
    sa->s.lifetime = policy->lifetime;
    sa->nego->num = num;
    sa->nego->group = suite->group;
    return sa;
}

static void answer_first(struct ike_sa *sa, struct ike_rx *rx, const struct ike_ke *ke,
                         const struct ike_payload *nonce)
{
    struct ike_nego *n = sa->nego;

    n->ni_len = nonce->len;
    memcpy(n->ni, nonce->p, nonce->len);
    n->nr_len = IKE_NONCE_OUT;
    sa->ike->host.random(sa->ike->h, n->nr, n->nr_len);
    note_peer(sa, rx, 0); /* §2.23: the initiator hashed with a zero responder SPI */
    ike_event(sa, IKE_EV_INIT_RECEIVED, "IKE_SA_INIT");
    if (!ike_sa_alive(sa))
        return;
    if (keep(&n->init_i, &n->init_i_len, rx->msg, rx->len) < 0 ||
        ike_job_start(sa, n->group, NULL, ke->data, ke->len, responder_has_secret) < 0)
        ike_sa_end(sa, IKE_R_INTERNAL);
}

void ike_on_init_request(struct ike *ike, struct ike_sa *none, struct ike_rx *rx)
{
    struct ike_offer offer;
    struct ike_ke ke;
    const struct ike_payload *nonce;
    struct ike_suite suite;
    size_t n = 0;
    uint8_t num;

    (void)none;
    const struct ike_policy *policy = ike->host.policies(ike->h, &rx->path->local, &n);
    if (!policy || n == 0) {
        ike_dropped(ike, NULL, IKE_DROP_DISABLED);
        return;
    }
    bool cookie, known;
    enum ike_drop why = admit(ike, rx, &cookie, &known);
    if (why != IKE_DROP_NONE) {
        ike_dropped(ike, NULL, why);
        return;
    }
    if (read_common(&rx->pl, &offer, &ke, &nonce) < 0) {
        ike_dropped(ike, NULL, IKE_DROP_PAYLOADS);
        return;
    }
    int which = ike_choose_ike(&offer, ike->c, policy, n, &suite, &num);
    if (which < 0) {
        ike_mismatch_ike(ike, rx->path, &offer, policy, n);
        refuse(ike, rx, N_NO_PROPOSAL_CHOSEN, NULL, 0);
        return;
    }
    if (ke.group != suite.group) {
        const uint8_t want[2] = {(uint8_t)(suite.group >> 8), (uint8_t)suite.group};
        refuse(ike, rx, N_INVALID_KE_PAYLOAD, want, sizeof want);
        return;
    }
    if (ke.len != ike_dh_pub_len(suite.group)) {
        ike_dropped(ike, NULL, IKE_DROP_PAYLOADS);
        return;
    }
    struct ike_sa *sa = begin_responder(ike, rx, &policy[which], &suite, num);
    if (!sa)
        return;
    if (cookie)
        ike_source_proven(sa, known);
    answer_first(sa, rx, &ke, nonce);
}
