/*
 * This box and its peer: what is configured, and what the rest of control/ asks. See sso.h and
 * docs/sso.md.
 */
#include "control/sso/sso.h"
#include "control/sso/sso_priv.h"
#include <errno.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

/* --- the link -----------------------------------------------------------------------------------
 */

static void on_up(void *ctx)
{
    struct sso *s = (struct sso *)ctx;
    s->link_ups++;
    log_line(s->c->o.log, LOGL_NOTICE, "sso", "the link to the other box is up");
    sso_debug(s, SSO_DBG_KPA, "RF_INTERDEV: communication with the peer is up");
    sso_sync_up(s->sync);
}

static void on_down(void *ctx, const char *why)
{
    struct sso *s = (struct sso *)ctx;
    s->link_downs++;
    log_line(s->c->o.log, LOGL_NOTICE, "sso", "the link to the other box is down: %s", why);
    sso_debug(s, SSO_DBG_KPA, "RF_INTERDEV: communication with the peer is down: %s", why);
    sso_sync_down(s->sync);
    if (rf_peer(&s->rf, RF_DISABLED, clock_mono(&s->c->o.clock)))
        sso_tell_peer(s, false);
    sso_rf(s, RF_EV_PEER_LOST);
    sso_peer_knows(s);
    sso_follow(s);
}

static const char *type_name(const uint8_t *p, size_t n)
{
    static const char *const names[SSO_TYPES] = {[SSO_HELLO] = "hello",
                                                 [SSO_STATE] = "state",
                                                 [SSO_BULK_BEGIN] = "begin of bulk sync",
                                                 [SSO_BULK_END] = "end of bulk sync",
                                                 [SSO_RECORDS] = "records",
                                                 [SSO_ACK] = "acknowledgement",
                                                 [SSO_MOVED] = "positions",
                                                 [SSO_SWITCH] = "switchover",
                                                 [SSO_BYE] = "bye"};
    uint8_t type = n > 5 ? p[5] : 0; /* behind magic number and version */
    return type < SSO_TYPES && names[type] ? names[type] : "no message";
}

static void on_message(void *ctx, enum sso_stream stream, const uint8_t *p, size_t n)
{
    struct sso *s = (struct sso *)ctx;
    sso_debug(s, SSO_DBG_MSG, "RF: received %s, %zu bytes", type_name(p, n), n);
    sso_sync_input(s->sync, stream, p, n);
}

static void on_writable(void *ctx)
{
    sso_sync_writable(((struct sso *)ctx)->sync);
}

const struct sso_link_ops sso_link_ops = {NULL, on_up, on_down, on_message, on_writable};

static void on_restart(struct timer *t, void *owner)
{
    struct sso *s = (struct sso *)owner;
    (void)t;
    log_line(s->c->o.log, LOGL_WARNING, "sso", "the link to the other box is made anew: %s",
             s->why);
    sso_carrier_restart(s->carrier, s->why);
}

/* --- life ---------------------------------------------------------------------------------------
 */

int sso_open(struct control *c)
{
    struct sso *s = (struct sso *)calloc(1, sizeof(*s));
    uint64_t boot = 0;
    c->sso = s;
    if (!s)
        return -ENOMEM;
    s->c = c;
    rf_init(&s->rf, clock_mono(&c->o.clock));
    timer_init(&s->restart, on_restart, s);
    sso_handover_open(s);
    (void)RAND_bytes((unsigned char *)&boot, sizeof(boot));
    struct sso_sync_host h = sso_host(s);
    s->sync = sso_sync_new(&h, boot);
    s->carrier = sso_carrier_new(c, &sso_link_ops, s);
    if (!s->sync || !s->carrier)
        return -ENOMEM;
    sso_roles_open(s);
    return 0;
}

/* A clean end says so; after a crash nobody calls this. */
void sso_close(struct control *c)
{
    struct sso *s = c->sso;
    if (!s)
        return;
    if (s->on && s->sync)
        sso_sync_bye(s->sync);
    c->sso = NULL; /* what ends from here on is nobody's business */
    position_watch(c, NULL, NULL);
    sso_carrier_free(s->carrier);
    sso_sync_free(s->sync);
    timer_cancel(&c->timers, &s->restart);
    timer_cancel(&c->timers, &s->fence);
    timer_cancel(&c->timers, &s->handover.timer);
    mirror_free(c->mirror);
    free(s);
}

void sso_socket(struct control *c, enum launch_socket kind, int fd)
{
    sso_carrier_socket(c->sso->carrier, kind == SOCK_SCTP6 ? AF_INET6 : AF_INET, fd);
}

/* --- configured ---------------------------------------------------------------------------------
 */

/* A scheme that is in force stays until the box reloads, as on the platform. */
static void apply_scheme(struct sso *s, const struct sso_cfg *cfg)
{
    bool wanted = cfg->inter_device && cfg->group[0];
    if (!wanted && s->on) {
        sso_end(s);
    } else if (wanted && !s->on) {
        str_copy(s->group, sizeof(s->group), cfg->group);
        s->on = true;
        hsrp_together(s->c, true);
        sso_rf(s, RF_EV_CONFIGURED);
    }
    s->pending = s->on && strcmp(s->group, cfg->group) != 0;
}

/* As long as the association repeats a message before it gives up. */
static usec_t patience(const struct sso_cfg *cfg)
{
    usec_t t = (usec_t)cfg->rto_max * (cfg->assoc_retransmit + 1) * USEC_PER_MSEC;
    return t > USEC_PER_SEC ? t : USEC_PER_SEC;
}

void sso_apply(struct control *c)
{
    struct sso *s = c->sso;
    const struct sso_cfg *cfg = &c->intent.sso;
    sso_sync_configure(s->sync, TANDEM_VERSION, cfg->section, cfg->n_section, patience(cfg));
    apply_scheme(s, cfg);
    sso_follow(s);
    sso_roles_apply(s);
    sso_carrier_apply(s->carrier);
}

/* --- for the rest of control/ ------------------------------------------------------------------
 */

/* Of an outbound SA the standby hears first up to where it is ours. */
static void lease(struct sso *s, uint64_t key, const struct sadb_sa *m)
{
    if (!m)
        sso_sync_sa_gone(s->sync, (uint32_t)key);
    else if (m->dir == SADB_OUT && !sso_sync_has(s->sync, m->sa))
        sso_sync_sa(s->sync, m->sa, m->flags & SADB_F_ESN ? SSO_NO_LAST : UINT32_MAX);
}

void sso_record(struct control *c, enum sso_kind kind, uint64_t key, const void *p, size_t n)
{
    struct sso *s = c->sso;
    if (!s || !s->on || s->fencing || !sso_sync_is_active(s->sync))
        return;
    if (kind == SSO_SA)
        lease(s, key, n ? (const struct sadb_sa *)p : NULL);
    sso_sync_put(s->sync, kind, key, p, n);
}

uint64_t sso_put(const struct control *c)
{
    return c->sso ? sso_sync_number(c->sso->sync) : 0;
}

uint64_t sso_safe(const struct control *c)
{
    return c->sso ? sso_sync_safe(c->sso->sync) : 0;
}

bool sso_is_standby(const struct control *c, uint32_t ifid)
{
    const struct port *p = ports_by_ifid(&c->ports, ifid);
    return c->sso && c->sso->on && p && sso_shares(p) && !sso_sync_is_active(c->sso->sync);
}

bool sso_resync(struct control *c)
{
    struct sso_sync_info f;
    sso_sync_info(c->sso->sync, &f);
    if (!c->mirror || sso_sync_is_active(c->sso->sync))
        return false;
    sso_sync_forget(c->sso->sync);
    return true;
}

bool sso_agrees(const struct control *c)
{
    struct sso_sync_info f;
    sso_sync_info(c->sso->sync, &f);
    return f.ready && f.n_differ == 0;
}

/* --- for shows ----------------------------------------------------------------------------------
 */

static void status_of_sync(const struct sso *s, struct sso_status *out)
{
    struct sso_sync_info f;
    sso_sync_info(s->sync, &f);
    out->hot = sso_sync_is_active(s->sync) ? f.hot : f.holds;
    out->epoch = f.epoch;
    out->peer_epoch = f.peer_epoch;
    out->tx = f.tx;
    out->rx = f.rx;
    out->tx_bytes = f.tx_bytes;
    out->rx_bytes = f.rx_bytes;
    out->bad = f.bad + f.ignored;
    out->records_tx = f.records_tx;
    out->records_rx = f.records_rx;
    out->acked = f.acked;
    out->bulks = f.bulks;
    out->bulk_took = f.bulk_took;
    str_copy(out->peer_version, sizeof(out->peer_version), f.peer.version);
    for (unsigned i = 0; i < f.n_differ && out->n_differ < SSO_SECTIONS; i++)
        str_copy(out->differ[out->n_differ++], sizeof(out->differ[0]), f.differ[i]);
}

void sso_status(const struct control *c, struct sso_status *out)
{
    const struct sso *s = c->sso;
    *out = (struct sso_status){.cfg = &c->intent.sso,
                               .mine = s->rf.mine,
                               .peer = s->rf.peer,
                               .since = s->rf.since,
                               .peer_since = s->rf.peer_since,
                               .pending = s->pending,
                               .link_up = sso_carrier_is_up(s->carrier),
                               .link_ups = s->link_ups,
                               .link_downs = s->link_downs,
                               .switchovers = s->switchovers,
                               .standby_failures = s->failures};
    memcpy(out->group, s->group, sizeof(out->group));
    sso_carrier_paths(s->carrier, out->path, &out->n_path);
    status_of_sync(s, out);
    if (c->mirror)
        mirror_count(c->mirror, out->mirrored);
}

void sso_history(const struct control *c, void (*fn)(void *ctx, const struct sso_event *e),
                 void *ctx)
{
    rf_history(&c->sso->rf, fn, ctx);
}

void sso_switches(const struct control *c, void (*fn)(void *ctx, const struct sso_switch *s),
                  void *ctx)
{
    const struct sso *s = c->sso;
    for (uint32_t i = s->n_switch > SSO_SWITCHES ? s->n_switch - SSO_SWITCHES : 0; i < s->n_switch;
         i++)
        fn(ctx, &s->sw[i % SSO_SWITCHES]);
}
