/*
 * Informational exchanges, RFC 2409 §5.7: one message, protected once phase 1 is up, answered by
 * nobody. What comes in clear anybody may have sent: it is a hint at most.
 */
#include "control/isakmp/internal.h"
#include "lib/mem.h"

/* --- ours --------------------------------------------------------------------------------------
 */

void isk_send_info(struct isk_sa *sa, void (*put)(struct ike_writer *w, const void *what),
                   const void *what, struct isk_msg *keep)
{
    struct isakmp *k = sa->k;
    uint32_t mid = isk_random_mid(sa);
    uint8_t iv[ISK_BLOCK_MAX];
    struct isk_out m;
    size_t len;

    isk_begin(sa, &m, ISX_INFO, mid, true);
    put(&m.w, what);
    if (isk_iv_phase2(k->c, &sa->s.suite, sa->iv, mid, iv) < 0 ||
        isk_fill_hash(sa, &m, mid, (struct bytes){NULL, 0}) < 0 || isk_finish(sa, &m, iv, &len) < 0)
        return;
    isk_mid_note(sa, mid);
    if (!keep || isk_keep(keep, k->out, len) == 0)
        isk_send(sa, &sa->s.path, k->out, len);
    isk_debug_sa(sa, "purging node %u", mid);
}

void isk_put_notify(struct ike_writer *w, const void *notify)
{
    const struct isk_notify_pl *n = notify;
    isk_w_notify(w, n->type, n->proto, n->spi, n->spi_len, n->data, n->len);
}

void isk_send_notify(struct isk_sa *sa, uint16_t type, uint8_t proto, const void *spi,
                     size_t spi_len, const void *data, size_t len)
{
    const struct isk_notify_pl n = {.proto = proto,
                                    .spi_len = (uint8_t)spi_len,
                                    .type = type,
                                    .spi = spi,
                                    .data = data,
                                    .len = len};
    isk_debug_sa(sa, "Sending NOTIFY %s protocol %u", isk_notify_name(type), proto);
    isk_send_info(sa, isk_put_notify, &n, NULL);
}

struct delete
{
    uint8_t proto;
    uint8_t spi[ISK_COOKIES_LEN];
};

static void put_delete(struct ike_writer *w, const void *what)
{
    const struct delete *d = what;
    isk_w_delete(w, d->proto, d->spi, 1);
}

void isk_send_delete(struct isk_sa *sa, uint8_t proto, uint32_t spi)
{
    struct delete d = {.proto = proto};
    struct wbuf b = wbuf_make(d.spi, sizeof d.spi);

    if (proto == ISPROTO_ISAKMP) {
        wbuf_u64(&b, sa->s.spi_i);
        wbuf_u64(&b, sa->s.spi_r);
    } else {
        wbuf_u32(&b, spi);
    }
    isk_send_info(sa, put_delete, &d, NULL);
}

void isk_tell_child(struct isk_sa *sa, const struct ike_child_state *c)
{
    struct isk_sa *by = isk_up(sa) ? sa : isk_sa_other(sa);

    if (!by)
        return; /* nobody to say it under a key to: its lifetime ends it there */
    isk_send_delete(by, c->proto == SADB_AH ? ISPROTO_AH : ISPROTO_ESP, c->spi_in);
    if (c->ah_spi_in)
        isk_send_delete(by, ISPROTO_AH, c->ah_spi_in);
}

/* --- the peer's ----------------------------------------------------------------------------------
 */

static uint32_t u32_at(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* RFC 2407 §4.6.3.1 for phase 1. */
void isk_shorter_life(struct isk_sa *sa, const struct isk_notify_pl *n)
{
    struct isk_xform x;
    uint64_t life;

    if (n->proto != ISPROTO_ISAKMP || isk_attrs_read(n->data, n->len, &x) < 0)
        return;
    life = isk_life1(&x);
    isk_debug_sa(sa, " processing NOTIFY RESPONDER_LIFETIME protocol %u", n->proto);
    if (!life || (sa->s.lifetime && life >= sa->s.lifetime))
        return;
    sa->s.lifetime = (uint32_t)life;
    if (!isk_up(sa))
        return;
    sa->s.expires = sa->s.established + (usec_t)life * USEC_PER_SEC;
    sa->s.rekey_at =
        isk_rekey_time(sa->k, sa->s.initiator, sa->s.established, sa->s.expires, ISK_MARGIN_PHASE1);
    isk_sa_changed(sa);
    isk_arm_life(sa);
}

/* Our exchange with the SPI that a refusal names, or the oldest when it names none. */
static struct isk_node *refused_node(struct isk_sa *sa, const struct isk_notify_pl *n)
{
    uint32_t spi = n->spi_len == 4 ? u32_at(n->spi) : 0;
    struct isk_node *found = NULL;

    for (struct isk_node *m = sa->nodes; m; m = m->next) {
        if (m->state != NODE_I_QM1)
            continue;
        if (spi && (m->child.spi_in == spi || m->child.ah_spi_in == spi))
            return m;
        if (!found)
            found = m;
    }
    return found;
}

static enum ike_reason reason_of(uint16_t notify)
{
    switch (notify) {
    case ISN_NO_PROPOSAL_CHOSEN:
    case ISN_BAD_PROPOSAL_SYNTAX:
        return IKE_R_NO_PROPOSAL;
    case ISN_INVALID_ID_INFORMATION:
        return IKE_R_TS_UNACCEPTABLE;
    case ISN_AUTHENTICATION_FAILED:
    case ISN_INVALID_KEY_INFORMATION:
        return IKE_R_AUTH_FAILED;
    default:
        return IKE_R_MALFORMED;
    }
}

void isk_child_anew(struct isk_sa *sa, unsigned i)
{
    struct isakmp *k = sa->k;
    struct ike_path path = sa->s.path;
    struct ike_child_cfg cfg = {0};
    bool wanted =
        k->host.base.child_cfg && k->host.base.child_cfg(k->h, &sa->s, &sa->s.child[i], &cfg) == 0;
    struct isk_want *w = wanted ? isk_want_new(sa->k, &cfg) : NULL;

    isk_child_remove(sa, i, IKE_R_PEER_DELETE, true);
    if (w)
        (void)isk_want_start(k, &path, w); /* else traffic asks */
}

/* ESP that the peer has no SA for, said under a key. */
static void on_invalid_spi(struct isk_sa *sa, const struct isk_notify_pl *n)
{
    uint32_t spi = n->len == 4 ? u32_at(n->data) : n->spi_len == 4 ? u32_at(n->spi) : 0;
    struct isk_sa *o;
    unsigned i;

    /* One that is being replaced ends without this. */
    if (!isk_child_find(sa->k, &sa->s.path, 0, spi, &o, &i) || o->s.child[i].leaving ||
        isk_child_replaced(o, &o->s.child[i]))
        return;
    isk_child_anew(o, i);
}

static void on_notify(struct isk_sa *sa, const struct isk_notify_pl *n)
{
    isk_debug_sa(sa, " processing NOTIFY %s protocol %u\n        spi 0, message ID = 0, sa = 0x%X",
                 isk_notify_name(n->type), n->proto, isk_debug_handle(sa));
    switch (n->type) {
    case ISN_R_U_THERE:
    case ISN_R_U_THERE_ACK:
        isk_dpd_notified(sa, n);
        return;
    case ISN_INITIAL_CONTACT:
        isk_initial_contact(sa);
        return;
    case ISN_RESPONDER_LIFETIME:
        isk_shorter_life(sa, n);
        return;
    case ISN_INVALID_SPI:
        on_invalid_spi(sa, n);
        return;
    default:
        break;
    }
    struct isk_node *node = n->type < ISN_ERROR_LIMIT ? refused_node(sa, n) : NULL;
    if (!node)
        return;
    isk_debug_sa(sa, "deleting node %u error TRUE reason \"Delete Larval\"", node->mid);
    isk_node_end(node, reason_of(n->type));
}

static void on_delete(struct isk_sa *sa, const struct ike_payload *pl)
{
    struct isk_delete_pl d;
    struct isk_sa *o;
    unsigned i;

    if (isk_delete_read(pl, &d) < 0)
        return;
    isk_debug_sa(sa, " processing DELETE payload. message ID = 0");
    for (unsigned n = 0; n < d.n && isk_sa_alive(sa); n++) {
        const uint8_t *spi = d.spis + (size_t)n * d.spi_len;
        struct rbuf r = rbuf_make(spi, d.spi_len);
        if (d.proto == ISPROTO_ISAKMP) {
            uint64_t cky_i = rbuf_u64(&r), cky_r = rbuf_u64(&r);
            o = isk_sa_find(sa->k, cky_i, cky_r);
            if (o && isk_same_as(o, sa))
                isk_sa_end(o, IKE_R_PEER_DELETE, false);
        } else if (isk_child_find(sa->k, &sa->s.path, 0, u32_at(spi), &o, &i)) {
            /* what the peer does not receive any more; our direction has no purpose without it */
            isk_child_remove(o, i, o->s.child[i].leaving ? IKE_R_REKEYED : IKE_R_PEER_DELETE,
                             false);
        }
    }
}

/* Payloads may end the SA, and everything that was read stays readable. */
static void handle(struct isk_sa *sa, const struct isk_payloads *pl)
{
    for (unsigned i = 0; i < pl->n && isk_sa_alive(sa) && isk_up(sa); i++) {
        struct isk_notify_pl n;
        if (pl->v[i].type == ISP_NOTIFY && isk_notify_read(&pl->v[i], &n) == 0)
            on_notify(sa, &n);
        else if (pl->v[i].type == ISP_DELETE)
            on_delete(sa, &pl->v[i]);
    }
}

/* --- in clear ------------------------------------------------------------------------------------
 */

/* A refusal of what we have begun. Anybody may say so: it is only remembered as the reason, should
 * nothing better come. */
static void in_clear(struct isakmp *k, struct isk_sa *sa, struct isk_rx *rx)
{
    struct isk_notify_pl n;
    const struct ike_payload *pl;
    char peer[ADDR_STRLEN];

    if (isk_payloads_read(rx->h.next, rx->body, rx->len - ISK_HEADER_LEN, false, &rx->pl) < 0 ||
        !(pl = isk_payload_find(&rx->pl, ISP_NOTIFY, 0)) || isk_notify_read(pl, &n) < 0) {
        isk_dropped(k, sa, ISK_DROP_PAYLOADS);
        return;
    }
    if (sa && sa->nego && sa->s.initiator && n.type < ISN_ERROR_LIMIT) {
        isk_debug_sa(sa, "Notify has no hash. Rejected.");
        sa->why = reason_of(n.type);
        isk_event(sa, IKE_EV_NO_PROPOSAL, "peer %s says, unprotected: %s",
                  addr_print(&sa->s.path.remote, peer, sizeof peer), isk_notify_name(n.type));
        return;
    }
    if (n.type == ISN_INVALID_SPI && isk_spi_hint(k, rx->path, &n))
        return;
    isk_dropped(k, sa, ISK_DROP_CLEAR);
}

/* An encrypted message before phase 1 is up. When our proof is on its way, the peer complains that
 * it could not read it, which nobody can read either: its key is another one. Anybody could have
 * sent this, so the exchange goes on waiting. */
static enum isk_drop before_keys(struct isk_sa *sa)
{
    if (sa->step != ISK_I_MM5)
        return ISK_DROP_UNEXPECTED;
    sa->wrong_key = true;
    return ISK_DROP_SANITY;
}

void isk_info_input(struct isakmp *k, struct isk_sa *sa, struct isk_rx *rx)
{
    enum isk_drop why = ISK_DROP_NONE;

    if (!(rx->h.flags & ISK_F_ENCRYPTED)) {
        in_clear(k, sa, rx);
        return;
    }
    if (!sa) {
        isk_stray(k, rx);
        return;
    }
    if (!isk_up(sa))
        why = before_keys(sa);
    else if (isk_mid_seen(sa, rx->h.mid))
        why = ISK_DROP_REPEATED;
    else if (isk_iv_phase2(k->c, &sa->s.suite, sa->iv, rx->h.mid, rx->iv) < 0)
        why = ISK_DROP_PAYLOADS;
    if (why == ISK_DROP_NONE)
        why = isk_open(sa, rx);
    if (why == ISK_DROP_NONE && !isk_hash_good(sa, rx, (struct bytes){NULL, 0}))
        why = ISK_DROP_HASH;
    if (why != ISK_DROP_NONE) {
        isk_dropped(k, sa, why);
    } else {
        isk_debug(k, ISAKMP_DBG_ISAKMP, "ISAKMP: set new node %u to QM_IDLE      ", rx->h.mid);
        isk_debug_sa(sa, " processing HASH payload. message ID = %u", rx->h.mid);
        isk_mid_note(sa, rx->h.mid);
        sa->s.last_in = isk_now(k);
        isk_follow(sa, rx->path);
        handle(sa, &rx->pl);
    }
    mem_wipe(k->plain, rx->len);
}
