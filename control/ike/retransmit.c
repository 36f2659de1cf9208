/*
 * Sending, repeating, and answering again, RFC 7296 §2.1 – §2.3.
 *
 * The window is one: a request is repeated, byte for byte, until its response comes or the
 * schedule ends, which ends the SA. A responder never repeats by itself; it keeps its last
 * response and sends it again when the same request comes again.
 */
#include "control/ike/internal.h"
#include "lib/mem.h"
#include <errno.h>
#include <stdlib.h>

#define SYNC_PATIENCE 2 /* sent once by the box before, and once by us */

void ike_transmit(struct ike *ike, const struct ike_path *p, const uint8_t *msg, size_t len)
{
    struct ike_header h;

    /* Fragments stand one after the other, each with its own length in its header. */
    while (len > IKE_HEADER_LEN) {
        struct rbuf r = rbuf_make(msg + IKE_HEADER_LEN - 4, 4);
        size_t one = rbuf_u32(&r);
        if (one > len || ike_header_read(msg, one, &h) < 0)
            return; /* we have written it, so this does not happen */
        ike_queue_message(ike, p, msg, one);
        msg += one;
        len -= one;
    }
}

usec_t ike_next_wait(const struct ike_sa *sa)
{
    const struct ike_schedule *s = &sa->ike->schedule;
    usec_t liveness = (usec_t)(sa->s.dpd_retry ? sa->s.dpd_retry : 2) * USEC_PER_SEC;

    if (!sa->req.probe)
        return s->wait[sa->req.sends - 1];
    /* A peer that is said to have lost its SAs (a virtual address has moved) is worth the quicker
     * of the two ways, and of the lesser number of repetitions. */
    if (sa->req.hinted && sa->req.sends <= s->n && s->wait[sa->req.sends - 1] < liveness)
        return s->wait[sa->req.sends - 1];
    return liveness;
}

static unsigned max_sends(const struct ike_sa *sa)
{
    unsigned n = sa->ike->schedule.n;

    if (sa->req.hinted && n < IKE_DPD_SENDS)
        return n;
    if (sa->req.probe)
        return IKE_DPD_SENDS;
    /* Nobody waits for the end of an SA that is going anyway. */
    if (sa->s.state == IKE_DELETING && n > IKE_DELETE_SENDS)
        return IKE_DELETE_SENDS;
    return n;
}

static void send_now(struct ike_sa *sa)
{
    struct ike *ike = sa->ike;

    sa->req.sends++;
    if (timer_set(ike->q, &sa->t_send, ike_now(ike) + ike_next_wait(sa)) < 0) {
        ike_sa_end(sa, IKE_R_INTERNAL);
        return;
    }
    ike_transmit(ike, &sa->s.path, sa->req.msg, sa->req.len);
}

void ike_on_send_timer(struct timer *t, void *owner)
{
    struct ike_sa *sa = owner;
    struct ike *ike = sa->ike;

    (void)t;
    ike_enter(ike);
    if (ike_sa_alive(sa) && sa->req.open) {
        if (sa->req.sends >= max_sends(sa)) {
            ike_debug_error(sa, "Maximum number of retransmissions reached");
            ike_sa_end(sa, sa->s.state == IKE_DELETING ? sa->why
                           : sa->req.probe             ? IKE_R_DPD
                                                       : IKE_R_RETRANSMIT);
        } else {
            ike->stats.retransmits++;
            if (sa->sync.doubts && ++sa->sync.doubts > SYNC_PATIENCE)
                ike_sync_doubt(sa, 0);
            ike_debug_sa(sa, 4, "Retransmitting packet");
            ike_event(sa, IKE_EV_RETRANSMIT, "%u of %u", sa->req.sends, max_sends(sa) - 1);
            if (ike_sa_alive(sa))
                send_now(sa);
        }
    } else {
        ike_sa_kick(sa); /* what a restored SA still has to say */
    }
    ike_leave(ike);
}

static int open_request(struct ike_sa *sa, uint8_t exchange, const uint8_t *msg, size_t len)
{
    uint8_t *copy = malloc(len);

    if (!copy)
        return -ENOMEM;
    memcpy(copy, msg, len);
    ike_request_done(sa);
    sa->req = (struct ike_request){
        .open = true, .exchange = exchange, .mid = sa->s.next_send_mid++, .msg = copy, .len = len};
    ike_sa_changed(sa);
    return 0;
}

void ike_request_done(struct ike_sa *sa)
{
    timer_cancel(sa->ike->q, &sa->t_send);
    if (sa->req.open)
        ike_sa_changed(sa);
    free(sa->req.msg);
    sa->req = (struct ike_request){0};
}

int ike_send_init(struct ike_sa *sa, const uint8_t *msg, size_t len)
{
    sa->s.next_send_mid = 0; /* §2.2: also the retry with a cookie has message ID 0 */
    int err = open_request(sa, X_SA_INIT, msg, len);
    if (err == 0)
        send_now(sa);
    return err;
}

/* Header, SK and checksum around payloads; the result is in ike->out. number: as no other message
 * has that goes this way. */
static int seal_as(struct ike_sa *sa, uint8_t exchange, bool response, uint32_t mid,
                   uint32_t number, const struct ike_writer *w, size_t *len)
{
    struct ike *ike = sa->ike;
    struct ike_sk_key key = ike_key_of(&sa->s, sa->s.initiator);
    struct ike_header h = {.spi_i = sa->s.spi_i,
                           .spi_r = sa->s.spi_r,
                           .version = IKE_MAJOR << 4,
                           .exchange = exchange,
                           .mid = mid};
    uint8_t iv[16];

    if (w->w.bad)
        return -EMSGSIZE;
    h.flags = (uint8_t)((sa->s.initiator ? IKE_F_INITIATOR : 0) | (response ? IKE_F_RESPONSE : 0));
    /* Random for CBC. An AEAD's IV must not repeat under one key: each of our messages has its
     * own (message ID, direction), and the random rest covers one sealed anew after a failover. */
    ike->host.random(ike->h, iv, sizeof iv);
    const struct transform *e = transform_find(T_ENCR, sa->s.suite.encr, sa->s.suite.encr_bits);
    if (e && e->icv_len) {
        uint32_t n = number << 1 | response;
        for (int i = 0; i < 4; i++)
            iv[i] = (uint8_t)(n >> (24 - 8 * i));
    }
    int err;
    if (ike_fragment_out(sa, &key, &h, w, iv, len, &err))
        return err;
    return ike_seal(ike->c, &key, &h, w->first, w->w.p, w->w.len, iv, ike->out, sizeof ike->out,
                    len);
}

static int seal(struct ike_sa *sa, uint8_t exchange, bool response, uint32_t mid,
                const struct ike_writer *w, size_t *len)
{
    return seal_as(sa, exchange, response, mid, mid, w, len);
}

/* Numbers of these are above all message IDs that anybody comes to. */
int ike_send_aside(struct ike_sa *sa, const struct ike_path *p, bool response, uint32_t number,
                   const struct ike_writer *w)
{
    size_t len;
    int err = seal_as(sa, X_INFORMATIONAL, response, 0, number | 1u << 30, w, &len);

    if (err == 0)
        ike_transmit(sa->ike, p, sa->ike->out, len);
    return err;
}

int ike_send_request(struct ike_sa *sa, uint8_t exchange, const struct ike_writer *w)
{
    size_t len;
    int err = seal(sa, exchange, false, sa->s.next_send_mid, w, &len);

    if (err == 0)
        err = open_request(sa, exchange, sa->ike->out, len);
    if (err == 0)
        send_now(sa);
    return err;
}

int ike_keep_reply(struct ike_sa *sa, const uint8_t *msg, size_t len, uint32_t mid)
{
    uint8_t *copy = malloc(len);

    if (!copy)
        return -ENOMEM;
    memcpy(copy, msg, len);
    free(sa->resp.msg);
    sa->resp = (struct ike_response){.msg = copy, .len = len, .mid = mid};
    sa->s.next_recv_mid = mid + 1;
    ike_sa_changed(sa);
    return 0;
}

int ike_send_reply(struct ike_sa *sa, const struct ike_path *p, uint8_t exchange, uint32_t mid,
                   const struct ike_writer *w)
{
    size_t len;
    int err = seal(sa, exchange, true, mid, w, &len);

    if (err == 0)
        err = ike_keep_reply(sa, sa->ike->out, len, mid);
    if (err == 0)
        ike_transmit(sa->ike, p, sa->ike->out, len);
    return err;
}

void ike_reply_notify(struct ike_sa *sa, const struct ike_rx *rx, uint16_t type, const void *data,
                      size_t len)
{
    uint8_t buf[128];
    struct ike_writer w = ike_writer_make(buf, sizeof buf);

    ike_debug_sa(sa, 4, "Sending notify %s", ike_notify_name(type));
    ike_w_notify(&w, type, data, len);
    ike_send_reply(sa, rx->path, rx->h.exchange, rx->h.mid, &w);
}

void ike_repeat_reply(struct ike_sa *sa, const struct ike_path *p)
{
    ike_debug_sa(sa, 4, "Request repeated, sending the response again");
    ike_transmit(sa->ike, p, sa->resp.msg, sa->resp.len);
}
