/*
 * The way of a received datagram.
 *
 * It passes, in this order: header, version, the SA it belongs to, message ID window, integrity,
 * payload chain, steps table, handler. Nothing of an SA changes before integrity.
 */
#include "control/ike/internal.h"
#include "lib/mem.h"
#include <errno.h>

static void run_step(struct ike *ike, struct ike_sa *sa, struct ike_rx *rx, enum ike_state state,
                     bool initiator)
{
    bool response = rx->h.flags & IKE_F_RESPONSE;
    enum ike_drop why;
    const struct ike_step *step =
        ike_step_find(state, rx->h.exchange, response, initiator, rx->pl.seen, &why);

    if (step) {
        ike_debug_received(ike, sa, rx);
        if (sa)
            ike_debug_sa(sa, 5, "Step: %s", step->story);
        step->fn(ike, sa, rx);
        return;
    }
    ike_dropped(ike, sa, why);
    /* §2.21: a request that verified but makes no sense gets an answer. One that is only early
     * (a child asked for while our IKE_AUTH is on its way) does not: it will be repeated. */
    if (sa && !response && why == IKE_DROP_PAYLOADS && rx->h.exchange != X_SA_INIT) {
        ike_reply_notify(sa, rx, N_INVALID_SYNTAX, NULL, 0);
        if (rx->h.exchange == X_AUTH && state == IKE_INIT_DONE)
            ike_sa_linger(sa, IKE_R_MALFORMED);
    }
}

static void init_input(struct ike *ike, struct ike_rx *rx)
{
    const struct ike_header *h = &rx->h;
    bool response = h->flags & IKE_F_RESPONSE;
    bool from_initiator = h->flags & IKE_F_INITIATOR;
    struct ike_sa *sa;

    if (response == from_initiator || h->mid != 0 || (!response && h->spi_r != 0)) {
        ike_dropped(ike, NULL, IKE_DROP_HEADER);
        return;
    }
    if (response) {
        sa = ike_sa_find(ike, h->spi_i, h->spi_r, true);
        if (!sa || !addr_eq(&sa->s.path.remote, &rx->path->remote)) {
            ike_dropped(ike, NULL, IKE_DROP_UNKNOWN_SA);
            return;
        }
        if (sa->s.state == IKE_INIT_SENT && !sa->req.open) {
            ike_dropped(ike, sa, IKE_DROP_BUSY);
            return;
        }
    } else if ((sa = ike_sa_find_init(ike, h->spi_i, rx->path)) != NULL) {
        /* §2.1: the same request again gets the same response; it is not authenticated, so it
         * must be the same to the byte. */
        const struct ike_nego *n = sa->nego;
        if (sa->s.state == IKE_INIT_DONE && n && n->init_i_len == rx->len &&
            memcmp(n->init_i, rx->msg, rx->len) == 0)
            ike_repeat_reply(sa, rx->path);
        else
            ike_dropped(ike, sa, IKE_DROP_BUSY);
        return;
    }
    if (ike_payloads_read(h->next, rx->msg + IKE_HEADER_LEN, rx->len - IKE_HEADER_LEN, &rx->pl) <
        0) {
        ike_dropped(ike, sa, IKE_DROP_PAYLOADS);
        return;
    }
    run_step(ike, sa, rx, sa ? sa->s.state : IKE_IDLE, response);
}

/* Decrypts in place of rx->pl. 0, or the reason to drop. */
static enum ike_drop unseal(struct ike *ike, struct ike_sa *sa, struct ike_rx *rx, size_t *n)
{
    struct ike_sk_key key = ike_key_of(&sa->s, rx->h.flags & IKE_F_INITIATOR);

    if (ike_payloads_read(rx->h.next, rx->msg + IKE_HEADER_LEN, rx->len - IKE_HEADER_LEN, &rx->pl) <
        0)
        return IKE_DROP_PAYLOADS;
    const struct ike_payload *sk = ike_payload_find(&rx->pl, PL_SK);
    if (!sk)
        return ike_fragment_in(sa, rx, &key, n);
    if (ike_open(ike->c, &key, rx->msg, rx->len, (size_t)(sk->p - rx->msg), ike->plain_in, n) < 0)
        return IKE_DROP_INTEGRITY;
    return IKE_DROP_NONE;
}

/* Payloads inside SK that do not parse: §2.5 and §2.21 say what the peer hears. */
static void bad_inside(struct ike_sa *sa, struct ike_rx *rx, int err)
{
    bool request = !(rx->h.flags & IKE_F_RESPONSE);
    bool auth = sa->s.state == IKE_INIT_DONE;

    ike_dropped(sa->ike, sa, IKE_DROP_PAYLOADS);
    if (!request) {
        /* An authenticated peer that talks nonsense: the exchange cannot be completed. */
        ike_sa_end(sa, IKE_R_MALFORMED);
        return;
    }
    if (err == -ENOTSUP)
        ike_reply_notify(sa, rx, N_UNSUPPORTED_CRITICAL, &rx->pl.bad_type, 1);
    else
        ike_reply_notify(sa, rx, N_INVALID_SYNTAX, NULL, 0);
    if (auth)
        ike_sa_linger(sa, IKE_R_MALFORMED);
}

/* A verified message tells where the peer is now, when a NAT may have moved it (§2.23). */
void ike_follow_nat(struct ike_sa *sa, const struct ike_path *p)
{
    if (sa->s.state != IKE_ESTABLISHED || !sa->s.nat_remote || sa->s.nat_local ||
        (addr_eq(&sa->s.path.remote, &p->remote) && sa->s.path.rport == p->rport))
        return;
    sa->s.path.remote = p->remote;
    sa->s.path.rport = p->rport;
    ike_sa_moved(sa);
    ike_sa_changed(sa);
}

/* One about message IDs themselves (RFC 6311) comes with ID 0 at any time. */
static bool aside(struct ike *ike, struct ike_sa *sa, struct ike_rx *rx)
{
    size_t n;

    if (!sa->s.sync_ids || sa->s.state != IKE_ESTABLISHED || sa->job || rx->h.mid != 0 ||
        rx->h.exchange != X_INFORMATIONAL || rx->h.next != PL_SK ||
        unseal(ike, sa, rx, &n) != IKE_DROP_NONE)
        return false;
    bool it_was = ike_payloads_read(rx->pl.sk_first, ike->plain_in, n, &rx->pl) == 0 &&
                  ike_sync_input(sa, rx);
    mem_wipe(ike->plain_in, n);
    return it_was;
}

/* One of the peer's that should not have come yet says that it has heard more than we have said. */
static void out_of_window(struct ike *ike, struct ike_sa *sa, struct ike_rx *rx)
{
    bool response = rx->h.flags & IKE_F_RESPONSE;
    bool early = rx->h.mid > (response ? sa->s.next_send_mid : sa->s.next_recv_mid);
    size_t n = 0;

    if (early && sa->sync.doubts && !sa->job && rx->h.next == PL_SK &&
        unseal(ike, sa, rx, &n) == IKE_DROP_NONE)
        ike_sync_doubt(sa, response ? 0 : rx->h.mid);
    mem_wipe(ike->plain_in, n);
    ike_dropped(ike, sa, IKE_DROP_MESSAGE_ID);
}

static void protected_input(struct ike *ike, struct ike_rx *rx)
{
    const struct ike_header *h = &rx->h;
    bool response = h->flags & IKE_F_RESPONSE;
    struct ike_sa *sa = ike_sa_find(ike, h->spi_i, h->spi_r, !(h->flags & IKE_F_INITIATOR));
    size_t n;

    if (!sa || sa->s.spi_r == 0 || sa->s.state == IKE_IDLE) {
        if (sa || !ike_spi_hint(ike, rx))
            ike_dropped(ike, NULL, IKE_DROP_UNKNOWN_SA);
        return;
    }
    if (aside(ike, sa, rx))
        return;
    bool again = !response && sa->resp.msg && h->mid == sa->resp.mid;
    /* Window of one (§2.3). A responder in INIT_DONE expects IKE_AUTH with message ID 1. */
    if (response ? !sa->req.open || h->mid != sa->req.mid || h->exchange != sa->req.exchange
                 : !again && h->mid != sa->s.next_recv_mid) {
        out_of_window(ike, sa, rx);
        return;
    }
    if (sa->job) {
        ike_dropped(ike, sa, IKE_DROP_BUSY);
        return;
    }
    if (sa->s.state == IKE_INIT_SENT) {
        ike_dropped(ike, sa, IKE_DROP_UNEXPECTED);
        return;
    }
    enum ike_drop why = unseal(ike, sa, rx, &n);
    if (why == IKE_DROP_PART) /* one of several */
        return;
    if (why != IKE_DROP_NONE) {
        ike_dropped(ike, sa, why);
        return;
    }
    sa->s.last_in = ike_now(ike);
    sa->sync.doubts = 0;
    if (again) {
        ike_repeat_reply(sa, rx->path);
    } else {
        ike_follow_nat(sa, rx->path);
        int err = ike_payloads_read(rx->pl.sk_first, ike->plain_in, n, &rx->pl);
        if (err < 0)
            bad_inside(sa, rx, err);
        else
            run_step(ike, sa, rx, sa->s.state, sa->s.initiator);
    }
    mem_wipe(ike->plain_in, n);
}

/* §2.5: a request of a later major version is told which one we speak. */
static void wrong_version(struct ike *ike, const struct ike_rx *rx)
{
    uint8_t buf[64];
    struct ike_writer w = ike_writer_make(buf, sizeof buf);
    struct ike_header h = rx->h;
    size_t n;

    ike_dropped(ike, NULL, IKE_DROP_VERSION);
    if (rx->h.version >> 4 < IKE_MAJOR || (rx->h.flags & IKE_F_RESPONSE))
        return;
    h.version = IKE_MAJOR << 4;
    h.flags = IKE_F_RESPONSE;
    ike_w_header(&w, &h);
    ike_w_notify(&w, N_INVALID_MAJOR_VERSION, NULL, 0);
    if (ike_w_finish(&w, &n) == 0)
        ike_transmit(ike, rx->path, buf, n);
}

void ike_input(struct ike *ike, const struct ike_path *p, const uint8_t *msg, size_t len)
{
    struct ike_rx rx = {.path = p, .msg = msg, .len = len};

    ike_enter(ike);
    ike->stats.rx++;
    if (len > IKE_IN_MAX || ike_header_read(msg, len, &rx.h) < 0) {
        ike_dropped(ike, NULL, IKE_DROP_HEADER);
    } else {
        ike_debug_packet(ike, "RECV", p, msg, len);
        if (rx.h.version >> 4 != IKE_MAJOR)
            wrong_version(ike, &rx);
        else if (rx.h.exchange == X_SA_INIT)
            init_input(ike, &rx);
        else
            protected_input(ike, &rx);
    }
    ike_leave(ike);
}
