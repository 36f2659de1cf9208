/* What the protocol (sync.h) asks for: the link, records, and what SAs may do. */
#include "control/sso/copy.h"
#include "control/sso/sso_priv.h"
#include <errno.h>
#include <string.h>

static int on_send(void *ctx, enum sso_stream stream, const uint8_t *p, size_t n)
{
    const struct sso *s = (const struct sso *)ctx;
    return sso_carrier_send(s->carrier, stream, p, n);
}

static void on_restart(void *ctx, const char *why)
{
    struct sso *s = (struct sso *)ctx;
    str_copy(s->why, sizeof(s->why), why);
    (void)timer_set(&s->c->timers, &s->restart, clock_mono(&s->c->o.clock));
}

static void on_bad(const struct sso *s)
{
    struct sso_sync_info f;
    sso_sync_info(s->sync, &f);
    log_line(s->c->o.log, LOGL_WARNING, "sso",
             "the other box sends what is not understood here (%llu times so far); is it of the "
             "same version?",
             (unsigned long long)f.bad);
}

static void on_peer(struct sso *s)
{
    struct sso_sync_info f;
    sso_sync_info(s->sync, &f);
    if (s->rf.peer == RF_DISABLED)
        sso_tell_peer(s, true);
    if (rf_peer(&s->rf, (enum rf_state)f.peer.state, clock_mono(&s->c->o.clock)))
        sso_debug(s, SSO_DBG_FSM, "RF: my state = %s(%u) *peer state = %s(%u)", rf_name(s->rf.mine),
                  s->rf.mine, rf_name(s->rf.peer), s->rf.peer);
    sso_peer_knows(s);
    sso_follow(s);
}

static void on_event(void *ctx, enum sso_sync_event e)
{
    struct sso *s = (struct sso *)ctx;
    switch (e) {
    case SSO_SYNC_PEER:
        on_peer(s);
        break;
    case SSO_SYNC_DIFFERS:
        sso_tell_differ(s);
        control_kick(s->c); /* what was refused before may be taken now (mirror.c) */
        break;
    case SSO_SYNC_HOT:
        log_line(s->c->o.log, LOGL_NOTICE, "sso", "the other box has everything");
        sso_debug(s, SSO_DBG_HA, "Crypto HA: bulk sync of the standby is complete");
        break;
    case SSO_SYNC_LOST:
        s->failures++;
        log_line(s->c->o.log, LOGL_NOTICE, "sso", "there is no standby any more");
        break;
    case SSO_SYNC_BULK:
        sso_follow(s);
        sso_rf(s, RF_EV_BULK);
        sso_debug(s, SSO_DBG_HA, "Crypto HA: bulk sync begins");
        break;
    case SSO_SYNC_END:
        sso_rf(s, RF_EV_END);
        sso_follow(s);
        log_line(s->c->o.log, LOGL_NOTICE, "sso", "everything of the other box is here");
        sso_debug(s, SSO_DBG_HA, "Crypto HA: bulk sync is complete");
        break;
    case SSO_SYNC_BAD:
        on_bad(s);
        break;
    case SSO_SYNC_BYE:
        sso_handover_bye(s);
        break;
    default:
        break;
    }
}

static void on_step(void *ctx, enum sso_switch_step step)
{
    sso_handover_step((struct sso *)ctx, step);
}

static void on_safe(void *ctx)
{
    outbox_safe(((struct sso *)ctx)->c);
}

/* --- active -------------------------------------------------------------------------------------
 */

static void put(void *ctx, enum sso_kind kind, uint64_t key, const void *p, size_t n)
{
    sso_sync_put(((struct sso *)ctx)->sync, kind, key, p, n);
}

static void on_bulk(void *ctx)
{
    struct sso *s = (struct sso *)ctx;
    mirror_each(s->c, put, s);
}

/* Of the map that an SA's interface has now. */
static const struct intent_map *map_of(const struct control *c, uint32_t ifid)
{
    const struct port *p = ports_by_ifid(&c->ports, ifid);
    return p && p->ifp ? p->ifp->map : NULL;
}

static uint32_t on_block(void *ctx, uint32_t sa)
{
    const struct control *c = ((struct sso *)ctx)->c;
    const struct wanted_sa *w = wanted_find(c, sa);
    const struct intent_map *m = w ? map_of(c, w->m.ifid) : NULL;
    return m && m->replay_out ? m->replay_out : 100000;
}

struct moved {
    struct sso *s;
    uint64_t acked;
};

/* How far an SA is the standby hears once it has that SA: the streams do not wait for each other.
 */
static bool is_there(const struct moved *v, const struct wanted_sa *w)
{
    return w->record <= v->acked;
}

static bool one_moved(void *ctx, const struct wanted_sa *w, uint64_t last)
{
    const struct moved *v = (const struct moved *)ctx;
    if (w->m.dir != SADB_IN || !wanted_is_shared(w->m.sa))
        return true;
    if (!is_there(v, w) || !sso_sync_inbound(v->s->sync, w->m.sa, last + 1))
        return false;
    sso_debug(v->s, SSO_DBG_IPSEC_UPDATE, "IPSec HA: SA %u inbound sequence %llu", w->m.sa,
              (unsigned long long)last);
    return true;
}

static bool one_used(void *ctx, const struct wanted_sa *w, uint64_t bytes)
{
    const struct moved *v = (const struct moved *)ctx;
    if (!wanted_is_shared(w->m.sa))
        return true;
    if (!is_there(v, w) || !sso_sync_bytes(v->s->sync, w->m.sa, bytes))
        return false;
    sso_debug(v->s, SSO_DBG_IPSEC_UPDATE, "IPSec HA: SA %u volume up to %llu", w->m.sa,
              (unsigned long long)bytes);
    return true;
}

static void on_moved(void *ctx, uint64_t least)
{
    struct sso *s = (struct sso *)ctx;
    struct control *c = s->c;
    struct sso_sync_info f;
    sso_sync_info(s->sync, &f);
    struct moved v = {.s = s, .acked = f.acked};
    for (size_t i = 0; i < c->ports.n; i++) {
        const struct port *p = c->ports.v[i];
        if (sso_shares(p) && p->ifp->map->replay_in && p->ifp->map->replay_in < least)
            least = p->ifp->map->replay_in;
    }
    position_each(c, least, one_moved, &v);
    position_bytes_each(c, one_used, &v);
}

static uint64_t on_used(void *ctx, uint32_t sa)
{
    struct sa_numbers n;
    return position_of(((struct sso *)ctx)->c, sa, &n) ? n.last : 0;
}

static void on_leased(void *ctx, bool on)
{
    struct sso *s = (struct sso *)ctx;
    for (size_t i = 0; i < s->c->ports.n; i++)
        if (sso_shares(s->c->ports.v[i]))
            position_leased(s->c, s->c->ports.v[i]->ifid, on);
}

static void on_ceiling(void *ctx, uint32_t sa, uint64_t next, uint64_t ceiling, uint32_t block)
{
    const struct sso *s = (const struct sso *)ctx;
    const struct position p = {.next = next,
                               .ceiling = ceiling == SSO_NO_LAST ? SADB_NO_CEILING : ceiling,
                               .block = block};
    (void)position_set(s->c, sa, &p);
    if (ceiling == SSO_NO_LAST)
        sso_debug(s, SSO_DBG_IPSEC_DETAIL, "IPSec HA: SA %u outbound without a ceiling", sa);
    else
        sso_debug(s, SSO_DBG_IPSEC_DETAIL, "IPSec HA: SA %u outbound up to %llu", sa,
                  (unsigned long long)ceiling);
}

static void on_barrier(void *ctx)
{
    position_barrier(((struct sso *)ctx)->c);
}

/* In the journal 0 is no limit at all. */
static void on_limited(void *ctx, uint32_t sa, uint64_t limit)
{
    bool natural = limit == SSO_NO_LAST || limit == UINT32_MAX;
    position_limit(((struct sso *)ctx)->c, sa, natural ? 0 : limit ? limit : 1);
}

/* As if its lifetime were about to end. */
static void on_replace(void *ctx, uint32_t sa)
{
    keyex_expired(((struct sso *)ctx)->c, sa, false);
}

/* --- standby ------------------------------------------------------------------------------------
 */

static struct mirror *mirror(const struct sso *s)
{
    return s->c->mirror ? s->c->mirror : mirror_new(s->c);
}

static void on_begin(void *ctx)
{
    struct mirror *m = mirror((struct sso *)ctx);
    if (m)
        mirror_begin(m);
}

static void on_end(void *ctx)
{
    struct mirror *m = mirror((struct sso *)ctx);
    if (m)
        mirror_end(m);
}

static const char *kind_name(enum sso_kind k)
{
    static const char *const names[SSO_KINDS] = {[SSO_LINE] = "line",
                                                 [SSO_SA] = "IPsec SA",
                                                 [SSO_IKE] = "IKEv2 SA",
                                                 [SSO_ISAKMP] = "IKE SA",
                                                 [SSO_NUMBERS] = "numbers"};
    return names[k];
}

static int on_take(void *ctx, enum sso_kind kind, uint64_t key, const uint8_t *p, size_t n,
                   int64_t shift)
{
    struct sso *s = (struct sso *)ctx;
    struct mirror *m = mirror(s);
    int err = m ? mirror_take(m, kind, key, p, n, shift) : -ENOMEM;
    enum sso_debug cls = kind == SSO_IKE || kind == SSO_ISAKMP ? SSO_DBG_ISAKMP : SSO_DBG_IPSEC;
    sso_debug(s, cls, "Crypto HA: %s %llx %s%s%s", kind_name(kind), (unsigned long long)key,
              n ? "received" : "removed", err ? ": " : "", err ? strerror(-err) : "");
    return err;
}

static void on_position(void *ctx, uint32_t sa, uint64_t next, uint64_t ceiling)
{
    copy_position(((struct sso *)ctx)->c, sa, next,
                  ceiling == SSO_NO_LAST ? SADB_NO_CEILING : ceiling);
}

static void on_volume(void *ctx, uint32_t sa, uint64_t bytes)
{
    copy_bytes(((struct sso *)ctx)->c, sa, bytes);
}

static void on_purge(void *ctx)
{
    const struct sso *s = (const struct sso *)ctx;
    if (s->c->mirror)
        mirror_purge(s->c->mirror);
}

struct sso_sync_host sso_host(struct sso *s)
{
    return (struct sso_sync_host){.timers = &s->c->timers,
                                  .clock = &s->c->o.clock,
                                  .send = on_send,
                                  .restart = on_restart,
                                  .event = on_event,
                                  .safe = on_safe,
                                  .step = on_step,
                                  .bulk = on_bulk,
                                  .moved = on_moved,
                                  .used = on_used,
                                  .block = on_block,
                                  .leased = on_leased,
                                  .ceiling = on_ceiling,
                                  .barrier = on_barrier,
                                  .limited = on_limited,
                                  .replace = on_replace,
                                  .begin = on_begin,
                                  .end = on_end,
                                  .take = on_take,
                                  .position = on_position,
                                  .volume = on_volume,
                                  .purge = on_purge,
                                  .ctx = s};
}
