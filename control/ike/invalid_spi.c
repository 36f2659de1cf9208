/*
 * ESP that its receiver has no SA for, RFC 7296 §1.5 and §2.21.4: one side has lost what the other
 * still sends on.
 *
 * Said inside an IKE SA it is believed: the child ends and is asked for anew. Said in clear it is a
 * hint that anybody can give, and causes one check of liveness, which tells the truth.
 */
#include "control/ike/internal.h"

#define HINT_SENT  USEC_PER_SEC        /* at most one in clear in this time, per engine */
#define HINT_HEARD (10 * USEC_PER_SEC) /* at most one check for it in this time, per SA */

static bool same_ends(const struct ike_sa *sa, const struct ike_path *p)
{
    return addr_eq(&sa->s.path.remote, &p->remote) && addr_eq(&sa->s.path.local, &p->local);
}

/* --- ours ----------------------------------------------------------------------------------- */

/* When something else is on its way to the peer, this waits for the next packet to be wrong. */
static void say_protected(struct ike_sa *sa, const uint8_t spi[ESP_SPI_LEN])
{
    struct ike *ike = sa->ike;
    struct ike_writer w = ike_writer_make(ike->plain_out, sizeof ike->plain_out);

    if (sa->req.open || sa->job || sa->active || sa->rekey || sa->holding)
        return;
    ike_debug_sa(sa, 4, "ESP with an unknown SPI came, telling the peer");
    ike_w_notify(&w, N_INVALID_SPI, spi, ESP_SPI_LEN);
    if (ike_send_request(sa, X_INFORMATIONAL, &w) < 0)
        ike_sa_end(sa, IKE_R_INTERNAL);
}

/* §1.5: a request of no SA, with SPIs that mean nothing, which nobody answers. */
static void say_in_clear(struct ike *ike, const struct ike_path *p, const uint8_t spi[ESP_SPI_LEN])
{
    uint8_t buf[64];
    struct ike_writer w = ike_writer_make(buf, sizeof buf);
    struct ike_header h = {.spi_i = ike_random_spi(ike),
                           .version = IKE_MAJOR << 4,
                           .exchange = X_INFORMATIONAL,
                           .flags = IKE_F_INITIATOR};
    usec_t now = ike_now(ike);
    size_t n;

    if (now < ike->hint_after)
        return;
    ike->hint_after = now + HINT_SENT;
    ike_w_header(&w, &h);
    ike_w_notify(&w, N_INVALID_SPI, spi, ESP_SPI_LEN);
    if (ike_w_finish(&w, &n) == 0)
        ike_transmit(ike, p, buf, n);
}

bool ike_invalid_spi(struct ike *ike, const struct ike_path *p, uint32_t spi)
{
    const uint8_t data[ESP_SPI_LEN] = {(uint8_t)(spi >> 24), (uint8_t)(spi >> 16),
                                       (uint8_t)(spi >> 8), (uint8_t)spi};
    struct ike_sa *up = NULL;
    bool any = false;

    for (struct ike_sa *sa = ike_peer_first(ike, p); sa; sa = sa->peer_next) {
        if (!same_ends(sa, p))
            continue;
        any = true;
        if (!up && sa->s.state == IKE_ESTABLISHED && !sa->in_doubt)
            up = sa;
    }
    ike_enter(ike);
    if (up)
        say_protected(up, data);
    else
        say_in_clear(ike, p, data);
    ike_leave(ike);
    return any;
}

/* --- the peer's ----------------------------------------------------------------------------- */

/* The child that sends on the SPI which a notify names, or -1. */
static int child_of(const struct ike_sa *sa, const struct ike_notify_pl *n)
{
    struct rbuf r = rbuf_make(n->data, n->len);
    uint32_t spi = rbuf_u32(&r);

    for (unsigned i = 0; n->len == ESP_SPI_LEN && i < sa->s.n_children; i++)
        if (sa->s.child[i].spi_out == spi)
            return (int)i;
    return -1;
}

bool ike_spi_hint(struct ike *ike, struct ike_rx *rx)
{
    struct ike_notify_pl n;
    usec_t now = ike_now(ike);

    if (rx->h.exchange != X_INFORMATIONAL || (rx->h.flags & IKE_F_RESPONSE) ||
        ike_payloads_read(rx->h.next, rx->msg + IKE_HEADER_LEN, rx->len - IKE_HEADER_LEN, &rx->pl) <
            0 ||
        !ike_notify_find(&rx->pl, N_INVALID_SPI, &n))
        return false;
    for (struct ike_sa *sa = ike_peer_first(ike, rx->path); sa; sa = sa->peer_next) {
        if (sa->s.state != IKE_ESTABLISHED || !same_ends(sa, rx->path) || child_of(sa, &n) < 0)
            continue;
        if (now >= sa->hint_after) {
            sa->hint_after = now + HINT_HEARD;
            ike_debug_sa(sa, 4, "Somebody says that the peer lost an SA, checking liveness");
            sa->want_probe = sa->hinted = true;
            ike_sa_kick(sa);
        }
        return true;
    }
    return false;
}

void ike_spi_notified(struct ike_sa *sa, const struct ike_rx *rx)
{
    struct ike_notify_pl n;
    int i = ike_notify_find(&rx->pl, N_INVALID_SPI, &n) ? child_of(sa, &n) : -1;

    /* One that is being replaced ends without this. */
    if (i < 0 || sa->s.child[i].leaving || ike_child_replaced(sa, &sa->s.child[i]))
        return;
    ike_debug_sa(sa, 4, "The peer has lost child SA 0x%x", sa->s.child[i].spi_in);
    ike_child_anew(sa, (unsigned)i);
}
