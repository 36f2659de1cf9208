/*
 * Dead peer detection, RFC 3706. On demand: a peer is asked when we send to it and hear nothing;
 * periodic: whenever IKE has said nothing for the interval. An answer that does not come is asked
 * for again every `retry` seconds; after five questions the peer is gone with everything.
 */
#include "control/isakmp/internal.h"

#define HINT_HEARD (10 * USEC_PER_SEC) /* at most one question for a hint in this time */

/* The last sign of life: a message of IKE, or ESP when the host can tell. */
static usec_t last_heard(const struct isk_sa *sa)
{
    const struct isakmp *k = sa->k;
    usec_t t = sa->s.last_in;

    if (k->host.base.last_traffic) {
        usec_t esp = k->host.base.last_traffic(k->h, &sa->s);
        if (esp > t)
            t = esp;
    }
    return t;
}

/* Whether something waits for an answer: without a host that can tell it always may. */
static bool sends(const struct isk_sa *sa, usec_t heard)
{
    const struct isakmp *k = sa->k;

    return sa->s.dpd_periodic || !k->host.base.last_sent ||
           k->host.base.last_sent(k->h, &sa->s) > heard;
}

/* From when on silence counts. Periodic checks do not count on ESP: the peer is asked at each
 * interval. */
static usec_t silent_since(const struct isk_sa *sa)
{
    return sa->s.dpd_periodic ? sa->s.last_in : last_heard(sa);
}

static void send_seq(struct isk_sa *sa, uint16_t type, uint32_t seq)
{
    uint8_t cookies[ISK_COOKIES_LEN], data[4];
    struct wbuf c = wbuf_make(cookies, sizeof cookies), d = wbuf_make(data, sizeof data);

    wbuf_u64(&c, sa->s.spi_i);
    wbuf_u64(&c, sa->s.spi_r);
    wbuf_u32(&d, seq);
    isk_send_notify(sa, type, ISPROTO_ISAKMP, cookies, sizeof cookies, data, sizeof data);
}

static usec_t retry(const struct isk_sa *sa)
{
    return (usec_t)(sa->s.dpd_retry ? sa->s.dpd_retry : 2) * USEC_PER_SEC;
}

void isk_arm_dpd(struct isk_sa *sa)
{
    usec_t now = isk_now(sa->k), when;

    if (sa->s.dpd_seconds == 0 || !sa->s.peer_dpd || !isk_up(sa) || sa->replaced)
        return;
    when = sa->dpd_missed ? now + retry(sa)
                          : silent_since(sa) + (usec_t)sa->s.dpd_seconds * USEC_PER_SEC;
    if (when <= now) /* nothing heard, but nothing sent either: look again */
        when = now + retry(sa);
    if (timer_set(sa->k->q, &sa->t_dpd, when) < 0)
        isk_sa_end(sa, IKE_R_INTERNAL, true);
}

static void ask(struct isk_sa *sa)
{
    if (sa->dpd_missed == 0 && sa->dpd_seq_out == 0) {
        sa->k->host.base.random(sa->k->h, (uint8_t *)&sa->dpd_seq_out, sizeof sa->dpd_seq_out);
        sa->dpd_seq_out &= 0x7fffffffu; /* §5.4: room to count up */
    }
    if (sa->dpd_missed == 0)
        sa->dpd_asked = isk_now(sa->k);
    sa->dpd_missed++;
    sa->dpd_seq_out++;
    isk_debug_sa(sa, "DPD/R_U_THERE sent to peer %u of %u, sequence number %u", sa->dpd_missed,
                 ISK_DPD_SENDS, sa->dpd_seq_out);
    send_seq(sa, ISN_R_U_THERE, sa->dpd_seq_out);
}

void isk_on_dpd_timer(struct timer *t, void *owner)
{
    struct isk_sa *sa = owner;
    struct isakmp *k = sa->k;
    usec_t now = isk_now(k), heard = last_heard(sa);

    (void)t;
    isk_enter(k);
    /* §5.5: any traffic of the peer is an answer */
    if (sa->dpd_missed && heard >= sa->dpd_asked)
        sa->dpd_missed = 0;
    if (!isk_up(sa)) {
        ;
    } else if (sa->dpd_missed >= ISK_DPD_SENDS) {
        isk_debug_sa(sa, "peer does not do paranoid keepalives.");
        isk_peer_end(sa, IKE_R_DPD, false);
    } else if (sa->dpd_missed ||
               (now - silent_since(sa) >= (usec_t)sa->s.dpd_seconds * USEC_PER_SEC &&
                sends(sa, heard))) {
        ask(sa);
    }
    if (isk_sa_alive(sa))
        isk_arm_dpd(sa);
    isk_leave(k);
}

void isk_dpd_notified(struct isk_sa *sa, const struct isk_notify_pl *n)
{
    struct rbuf r = rbuf_make(n->data, n->len), c = rbuf_make(n->spi, n->spi_len);
    uint32_t seq = rbuf_u32(&r);

    if (r.bad || rbuf_u64(&c) != sa->s.spi_i || rbuf_u64(&c) != sa->s.spi_r)
        return;
    if (n->type == ISN_R_U_THERE) {
        isk_debug_sa(sa, "DPD/R_U_THERE received from peer, sequence 0x%X", seq);
        send_seq(sa, ISN_R_U_THERE_ACK, seq);
    } else if (sa->dpd_missed && seq == sa->dpd_seq_out) {
        isk_debug_sa(sa, "DPD/R_U_THERE_ACK received from peer, sequence 0x%X", seq);
        sa->dpd_missed = 0;
        isk_arm_dpd(sa);
    }
}

/* In clear: somebody says that the peer has no SA for what we send. It costs one question. */
bool isk_spi_hint(struct isakmp *k, const struct ike_path *p, const struct isk_notify_pl *n)
{
    struct rbuf r = rbuf_make(n->len == 4 ? n->data : n->spi, n->len == 4 ? 4 : n->spi_len);
    uint32_t spi = rbuf_u32(&r);
    usec_t now = isk_now(k);
    struct isk_sa *o;
    unsigned i;

    if (r.bad || !isk_child_find(k, p, 0, spi, &o, &i))
        return false;
    struct isk_sa *sa = isk_up(o) ? o : isk_sa_with(k, p);
    if (!sa || !sa->s.peer_dpd || sa->dpd_missed || now < sa->hint_after)
        return sa != NULL;
    sa->hint_after = now + HINT_HEARD;
    ask(sa);
    if (timer_set(k->q, &sa->t_dpd, now + retry(sa)) < 0)
        isk_sa_end(sa, IKE_R_INTERNAL, true);
    return true;
}
