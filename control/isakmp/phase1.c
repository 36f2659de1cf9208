/* What main mode and aggressive mode share: keys, identities, hashes, how a negotiation fails. */
#include "control/isakmp/internal.h"
#include "lib/mem.h"
#include <errno.h>

#define ID_PROTO 17 /* RFC 2407 §4.6.2: UDP port 500, or nothing at all */

/* Without the lines for people, where IOS has none. */
bool isk_peer_cfg_quiet(struct isk_sa *sa, struct isakmp_peer_cfg *cfg)
{
    const struct ike_identity *id = sa->s.remote_id.type ? &sa->s.remote_id : NULL;

    *cfg = (struct isakmp_peer_cfg){0};
    return sa->k->host.peer(sa->k->h, &sa->s.path, id, cfg);
}

bool isk_peer_cfg(struct isk_sa *sa, const struct ike_identity *id, struct isakmp_peer_cfg *cfg)
{
    struct isakmp *k = sa->k;
    char peer[ADDR_STRLEN];

    *cfg = (struct isakmp_peer_cfg){0};
    addr_print(&sa->s.path.remote, peer, sizeof peer);
    if (!k->host.peer(k->h, &sa->s.path, id, cfg)) {
        isk_debug_sa(sa, "No pre-shared key with %s!", peer);
        return false;
    }
    isk_debug_sa(sa, "found peer pre-shared key matching %s", peer);
    sa->s.dpd_seconds = cfg->dpd_seconds;
    sa->s.dpd_retry = cfg->dpd_retry;
    sa->s.dpd_periodic = cfg->dpd_periodic;
    sa->fragments = cfg->fragmentation;
    return true;
}

void isk_begin_phase1(struct isk_sa *sa)
{
    struct isakmp *k = sa->k;
    struct isakmp_peer_cfg cfg;
    size_t n;
    const struct isakmp_policy *policy = k->host.policies(k->h, &sa->s.path.local, &n);

    if (!policy || n == 0 || !isk_peer_cfg(sa, NULL, &cfg)) {
        isk_failed(sa, IKE_R_NO_POLICY);
        return;
    }
    if (cfg.aggressive && !cfg.refuse_aggressive)
        isk_aggressive_start(sa, policy, n);
    else
        isk_main_start(sa, policy, n);
}

/* In clear, since there are no keys; nobody has to believe it (RFC 2409 §5.7). */
void isk_refuse_first(struct isakmp *k, const struct isk_rx *rx, uint16_t notify)
{
    uint8_t buf[128], cookies[ISK_COOKIES_LEN];
    struct ike_writer w = ike_writer_make(buf, sizeof buf);
    struct wbuf b = wbuf_make(cookies, sizeof cookies);
    uint32_t mid = 0;
    size_t len;

    k->host.base.random(k->h, (uint8_t *)&mid, sizeof mid);
    struct ike_header h = {.spi_i = rx->h.spi_i,
                           .spi_r = rx->h.spi_r,
                           .version = ISK_VERSION,
                           .exchange = ISX_INFO,
                           .mid = mid ? mid : 1};
    wbuf_u64(&b, rx->h.spi_i);
    wbuf_u64(&b, rx->h.spi_r);
    ike_w_header(&w, &h);
    isk_w_notify(&w, notify, ISPROTO_ISAKMP, cookies, sizeof cookies, NULL, 0);
    if (ike_w_finish(&w, &len) == 0)
        ike_outq_add(&k->queue, rx->path, buf, len);
}

bool isk_nonce_read(const struct isk_rx *rx, uint8_t *to, size_t *len)
{
    const struct ike_payload *pl = isk_payload_find(&rx->pl, ISP_NONCE, 0);

    if (!pl || pl->len < ISK_NONCE_MIN || pl->len > IKE_NONCE_MAX)
        return false;
    memcpy(to, pl->p, pl->len);
    *len = pl->len;
    return true;
}

bool isk_ke_read(const struct isk_rx *rx, uint16_t group, uint8_t to[IKE_PUB_MAX])
{
    const struct ike_payload *pl = isk_payload_find(&rx->pl, ISP_KE, 0);

    if (!pl || pl->len != ike_dh_pub_len(group))
        return false;
    memcpy(to, pl->p, pl->len);
    return true;
}

void isk_new_nonce(struct isakmp *k, uint8_t *to, size_t *len)
{
    k->host.base.random(k->h, to, ISK_NONCE_OUT);
    *len = ISK_NONCE_OUT;
}

int isk_make_keys(struct isk_sa *sa, const struct isakmp_peer_cfg *cfg, struct ike_dh_job *j)
{
    struct isakmp *k = sa->k;
    struct isk_nego *g = sa->nego;
    const struct bytes psk = {cfg->psk, cfg->psk_len}, ni = {g->ni, g->ni_len},
                       nr = {g->nr, g->nr_len}, secret = {j->secret, j->secret_len};
    int err = isk_skeyid(k->c, sa->s.suite.prf, psk, ni, nr, g->skeyid);

    if (err == 0)
        err = isk_derive(k->c, &sa->s.suite, g->skeyid, secret, sa->s.spi_i, sa->s.spi_r,
                         &sa->s.keys);
    if (err == 0)
        err = isk_iv_phase1(k->c, sa->s.suite.prf, (struct bytes){g->pub_i, g->pub_len},
                            (struct bytes){g->pub_r, g->pub_len}, sa->iv);
    return err;
}

void isk_number(struct isk_sa *sa)
{
    if (sa->s.tunnel_id == 0)
        sa->s.tunnel_id = sa->k->conn_id++;
}

int isk_own_hash(struct isk_sa *sa, struct bytes id, uint8_t *out)
{
    const struct isk_nego *g = sa->nego;
    const struct bytes pi = {g->pub_i, g->pub_len}, pr = {g->pub_r, g->pub_len};
    bool i = sa->s.initiator;
    struct isk_auth a = {.own = i ? pi : pr,
                         .other = i ? pr : pi,
                         .sa = {g->sa_i.p, g->sa_i.len},
                         .id = id,
                         .cky_own = i ? sa->s.spi_i : sa->s.spi_r,
                         .cky_other = i ? sa->s.spi_r : sa->s.spi_i};
    return isk_hash_auth(sa->k->c, sa->s.suite.prf, g->skeyid, &a, out);
}

bool isk_peer_hash(struct isk_sa *sa, struct bytes id, const struct ike_payload *hash)
{
    const struct isk_nego *g = sa->nego;
    const struct bytes pi = {g->pub_i, g->pub_len}, pr = {g->pub_r, g->pub_len};
    size_t len = ike_prf_len(sa->s.suite.prf);
    uint8_t want[IKE_PRF_MAX];
    bool i = sa->s.initiator;
    struct isk_auth a = {.own = i ? pr : pi,
                         .other = i ? pi : pr,
                         .sa = {g->sa_i.p, g->sa_i.len},
                         .id = id,
                         .cky_own = i ? sa->s.spi_r : sa->s.spi_i,
                         .cky_other = i ? sa->s.spi_i : sa->s.spi_r};

    isk_debug_sa(sa, " processing HASH payload. message ID = 0");
    bool good = isk_hash_auth(sa->k->c, sa->s.suite.prf, g->skeyid, &a, want) == 0 && hash &&
                hash->len == len && mem_equal_ct(want, hash->p, len);
    mem_wipe(want, sizeof want);
    return good;
}

/* Who we are; its body goes to *body, which lies in the writer's buffer. */
void isk_w_own_id(struct isk_sa *sa, struct ike_writer *w, const struct isakmp_peer_cfg *cfg,
                  struct bytes *body)
{
    struct ike_identity *id = &sa->s.local_id;
    const struct addr *a = &sa->s.path.local;
    size_t start = w->w.len + 4;

    *id = cfg->local_id;
    if (id->type == 0) {
        id->type = a->family == AF_INET6 ? ISID_IPV6 : ISID_IPV4;
        id->len = (uint8_t)addr_size(a);
        memcpy(id->data, a->b, id->len);
    }
    isk_w_id(w, id, ID_PROTO, ISK_PORT);
    *body = (struct bytes){w->w.p + start, w->w.bad ? 0 : w->w.len - start};
    struct isk_id read = {
        .type = id->type, .proto = ID_PROTO, .port = ISK_PORT, .data = id->data, .len = id->len};
    isk_debug_sa(sa, "SA is doing pre-shared key authentication using id type %s",
                 isk_id_name(id->type));
    isk_debug_id(sa, &read, ISP_HASH);
    isk_debug_sa(sa, "Total payload length: %zu", body->n + 4);
}

bool isk_take_id(struct isk_sa *sa, const struct ike_payload *pl)
{
    struct isk_id id;

    isk_debug_sa(sa, " processing ID payload. message ID = 0");
    if (!pl || isk_id_read(pl, &id) < 0 || !isk_id_identity(&id, &sa->s.remote_id))
        return false;
    isk_debug_id(sa, &id, ISP_HASH);
    isk_debug(sa->k, ISAKMP_DBG_ISAKMP, "ISAKMP:(0):: peer matches *none* of the profiles");
    return true;
}

/* --- INITIAL-CONTACT, RFC 2407 §4.6.3.3 --------------------------------------------------------
 */

/* Nothing of ours is left with this peer: whatever it has is of an earlier life. */
bool isk_needs_contact(const struct isk_sa *sa)
{
    for (const struct isk_sa *o = isk_peer_first(sa->k, &sa->s.path); o; o = o->peer_next)
        if (o != sa && isk_same_peer(o, &sa->s.path) &&
            (isk_up(o) || o->s.state == IKE_IDLE || o->s.n_children > 0))
            return false;
    return true;
}

static void cookies_of(const struct isk_sa *sa, uint8_t out[ISK_COOKIES_LEN])
{
    struct wbuf b = wbuf_make(out, ISK_COOKIES_LEN);

    wbuf_u64(&b, sa->s.spi_i);
    wbuf_u64(&b, sa->s.spi_r);
}

void isk_w_contact(struct isk_sa *sa, struct ike_writer *w)
{
    uint8_t c[ISK_COOKIES_LEN];

    cookies_of(sa, c);
    isk_w_notify(w, ISN_INITIAL_CONTACT, ISPROTO_ISAKMP, c, sizeof c, NULL, 0);
}

/* RFC 2407 §4.6.3.1: the lifetime that we keep when it is shorter than the one offered. */
void isk_w_lifetime(struct isk_sa *sa, struct ike_writer *w)
{
    uint8_t c[ISK_COOKIES_LEN], data[12];
    struct wbuf b = wbuf_make(data, sizeof data);

    if (!sa->shortened)
        return;
    cookies_of(sa, c);
    wbuf_u16(&b, IKE_ATTR_TV | ISA_LIFE_TYPE);
    wbuf_u16(&b, ISL_SECONDS);
    wbuf_u16(&b, ISA_LIFE);
    wbuf_u16(&b, 4);
    wbuf_u32(&b, sa->s.lifetime);
    isk_w_notify(w, ISN_RESPONDER_LIFETIME, ISPROTO_ISAKMP, c, sizeof c, data, b.len);
}

/* What was up with this peer before this SA was begun is gone there. */
void isk_initial_contact(struct isk_sa *sa)
{
    char local[ADDR_STRLEN], remote[ADDR_STRLEN];
    uint32_t last = sa->serial;

    isk_debug_sa(sa,
                 " Process initial contact,\nbring down existing phase 1 and 2 SA's with local %s "
                 "remote %s remote port %u",
                 addr_print(&sa->s.path.local, local, sizeof local),
                 addr_print(&sa->s.path.remote, remote, sizeof remote), sa->s.path.rport);
    for (struct isk_sa *o = isk_peer_first(sa->k, &sa->s.path); o;) {
        if (o == sa || o->serial > last || o->nego || !isk_same_as(o, sa) ||
            (isk_up(o) && o->s.established > sa->s.created)) {
            o = o->peer_next;
            continue;
        }
        isk_peer_end(o, IKE_R_REPLACED, false);
        o = isk_peer_first(sa->k, &sa->s.path);
    }
}

/* Notifies that come with the peer's identity. */
void isk_take_notifies(struct isk_sa *sa, const struct isk_rx *rx)
{
    struct isk_notify_pl n;

    if (!isk_notify_find(&rx->pl, ISN_INITIAL_CONTACT, &n)) {
        isk_say_authenticated(sa);
    } else {
        isk_debug(sa->k, ISAKMP_DBG_ISAKMP, "ISAKMP:received payload type 17");
        isk_debug_sa(
            sa,
            " processing NOTIFY INITIAL_CONTACT protocol %u\n        spi 0, message ID = 0, "
            "sa = 0x%X",
            n.proto, isk_debug_handle(sa));
        isk_say_authenticated(sa);
        isk_debug_sa(sa, "SA authentication status:\n        authenticated");
        isk_initial_contact(sa);
    }
    if (isk_sa_alive(sa) && isk_notify_find(&rx->pl, ISN_RESPONDER_LIFETIME, &n))
        isk_shorter_life(sa, &n);
}

void isk_failed(struct isk_sa *sa, enum ike_reason why)
{
    if (why == IKE_R_RETRANSMIT && sa->wrong_key)
        why = IKE_R_AUTH_FAILED;
    else if (why == IKE_R_RETRANSMIT && sa->why != IKE_R_NONE)
        why = sa->why; /* the peer has said so in clear */
    isk_sa_end(sa, why, false);
}
