/*
 * A control that only remembers: what modes/ calls in control.h and query.h, for tests that need
 * a box without a world. Included once per test program, which then links none of libcontrol.
 */
#ifndef TANDEM_TESTS_FAKE_CONTROL_H
#define TANDEM_TESTS_FAKE_CONTROL_H

#include "control/crypto/wanted.h"
#include "control/query.h"
#include "control/route/rib.h"
#include "fake_ospf.h"
#include "lib/str.h"
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define FAKE_PORTS 4

struct ping {
    struct control *c;
    struct ping_opts o;
    void (*result)(void *ctx, char mark, unsigned rtt_us);
    void (*done)(void *ctx);
    void *ctx;
    struct event *ev;
    uint32_t sent;
};

struct saving {
    void (*fn)(void *ctx, int err);
    void *ctx;
};

struct control {
    struct event_base *base;
    struct manual_time time;
    struct clock clock;
    struct log log;
    struct timerq timers;
    struct syslog *syslog; /* the real one: what modes/ says, and shows */
    struct intent intent;
    unsigned applied; /* how often */
    unsigned debug[CONTROL_DEBUG_CLASSES];
    bool reloaded, counters_cleared, erased;
    enum ike_clear_how clear_how; /* as the last one was ended */
    bool tunnel;                  /* the SA of seed 000 is up */
    bool silent;                  /* pings get no answer */
    bool no_frr;                  /* FRR is not installed */
    bool probed;                  /* probes get answers */
    struct rib rib;               /* the real one, too */
    struct track *track;          /* the real one; it sees what stands in the intent */
    struct str saved, kept;
    struct sso_status sso; /* what sso_status() says, but for the configuration */
    unsigned switchovers, resyncs;
    bool reluctant; /* no switchover succeeds */
    enum sso_outcome outcome;
    void (*outcome_fn)(void *ctx, enum sso_outcome o);
    void *outcome_ctx;
    struct dp_counters in, out;
    struct ike_sa_state sa;
    struct ike_child_state child;
};

static const char *const fake_port[FAKE_PORTS] = {"GigabitEthernet0/0", "GigabitEthernet0/1",
                                                  "GigabitEthernet0/2", "Management0/0"};

static void fake_terminal(void *ctx, bool console, bool monitor, const char *line)
{
    (void)ctx;
    (void)console;
    (void)monitor;
    (void)line;
}

/* No server is ever there. */
static int fake_send(void *ctx, const struct syslog_host *to, const char *packet, size_t len)
{
    (void)ctx;
    (void)to;
    (void)packet;
    (void)len;
    return -1;
}

/* Interfaces are up as query_ports() says, routes stand as they are configured. */
static inline void fake_look(void *ctx, const struct intent_track *t, struct track_input *in)
{
    const struct control *c = (const struct control *)ctx;
    in->state = INPUT_DOWN;
    if (t->kind == TRACK_SLA_REACH || t->kind == TRACK_SLA_STATE)
        in->state = c->probed ? INPUT_UP : c->silent ? INPUT_DOWN : INPUT_UNKNOWN;
    for (uint32_t i = 0; t->ifname[0] && i < c->intent.n_if; i++)
        if (strcmp(c->intent.ifs[i].name, t->ifname) == 0 && !c->intent.ifs[i].shutdown)
            in->state = INPUT_UP;
    if (t->ifname[0] && in->state == INPUT_DOWN)
        in->why = "hw admin-down";
    if (t->kind == TRACK_ROUTE || t->kind == TRACK_METRIC)
        in->why = "no ip route";
    for (uint32_t i = 0; in->why && i < c->intent.n_route; i++) {
        const struct intent_route *r = &c->intent.route[i];
        if (!addr_is_set(&t->dst.addr) || prefix_cmp(&r->dst, &t->dst) != 0)
            continue;
        in->state = INPUT_UP;
        in->why = "static";
        str_copy(in->hop, sizeof in->hop, r->ifname);
    }
}

static inline struct control *fake_new(void)
{
    const struct syslog_out out = {.terminal = fake_terminal, .send = fake_send};
    struct control *c = (struct control *)calloc(1, sizeof *c);
    c->base = event_base_new();
    c->time = (struct manual_time){.mono_us = 400000 * USEC_PER_SEC,
                                   .wall_us = 1623249324486000}; /* Wed Jun 9 2021 14:35:24.486 */
    c->clock = clock_manual(&c->time);
    c->sso.mine = c->sso.peer = RF_DISABLED;
    log_init(&c->log, "test", 2, LOGL_ERROR);
    c->syslog = syslog_new(&c->clock, &out);
    const struct track_host host = {.look = fake_look, .ctx = c};
    c->track = track_new(&c->timers, &c->clock, &host);
    return c;
}

static inline void fake_free(struct control *c)
{
    syslog_free(c->syslog);
    track_free(c->track);
    rib_free(&c->rib);
    timerq_free(&c->timers);
    intent_free(&c->intent);
    str_free(&c->saved);
    str_free(&c->kept);
    event_base_free(c->base);
    free(c);
}

/* The SA that seed 000 shows, seen from VPN-PEER-2. */
static inline void fake_tunnel(struct control *c)
{
    struct ike_sa_state *s = &c->sa;
    struct ike_child_state *k = &c->child;
    struct addr local, remote;
    addr_parse("203.0.113.1", &local);
    addr_parse("192.0.2.1", &remote);
    *s = (struct ike_sa_state){.tunnel_id = 160993547,
                               .version = IKE_V2,
                               .session_id = 75,
                               .state = IKE_ESTABLISHED};
    s->initiator = true;
    s->spi_i = UINT64_C(0x82C04C6AA2DFFB1E);
    s->spi_r = UINT64_C(0x0B0B8A0A3A5F5B5B);
    s->path = (struct ike_path){local, remote, 500, 500};
    s->local_id = (struct ike_identity){.type = 1, .len = 4};
    s->remote_id = s->local_id;
    memcpy(s->local_id.data, local.b, 4);
    memcpy(s->remote_id.data, remote.b, 4);
    s->suite = (struct ike_suite){ENCR_AES_CBC, 256, INTEG_SHA256_128, PRF_SHA256, DH_ECP521};
    s->lifetime = 86400;
    s->established = c->time.mono_us - 21202 * USEC_PER_SEC;
    s->next_send_mid = 10;
    s->next_recv_mid = 2;
    s->window = 1;
    s->dpd_seconds = 10;
    s->dpd_retry = 2;
    s->peer_fragments = true;
    s->child = k;
    s->n_children = s->room = 1;
    k->spi_in = 0x30138366;
    k->spi_out = 0x7405d4a0;
    k->encr = ENCR_AES_CBC;
    k->encr_bits = 256;
    k->integ = INTEG_SHA256_128;
    k->proto = SADB_ESP;
    k->mode = SADB_TUNNEL;
    k->life_seconds = 28800;
    k->life_kbytes = 4608000;
    k->created = c->time.mono_us - 295 * USEC_PER_SEC;
    k->expires = c->time.mono_us + 28505 * USEC_PER_SEC;
    k->conn_id = 162766848;
    k->slot_in = 1;
    k->slot_out = 2;
    str_copy(k->map, sizeof k->map, "MAP");
    k->map_seq = 1;
    k->n_ts = 1;
    addr_parse("192.168.10.0", &k->ts[0].local.lo);
    addr_parse("192.168.10.255", &k->ts[0].local.hi);
    addr_parse("10.10.10.0", &k->ts[0].remote.lo);
    addr_parse("10.10.10.255", &k->ts[0].remote.hi);
    k->ts[0].lport[1] = k->ts[0].rport[1] = 65535;
    atomic_store(&c->in.packets, 9);
    atomic_store(&c->in.bytes, 9 * 1024);
    atomic_store(&c->in.window[0], 0x3ff);
    atomic_store(&c->in.replay_window, 8192);
    atomic_store(&c->out.packets, 10);
    atomic_store(&c->out.bytes, 10 * 1024);
    c->tunnel = true;
}

/* R4 of seed 003 with its SA: the peer's, or its own, once it has taken over, and then, with a
 * standby. */
static inline void fake_stateful(struct control *c, bool active, bool with_standby)
{
    struct ike_sa_state *s = &c->sa;
    struct ike_child_state *k = &c->child;
    const usec_t now = c->time.mono_us;
    fake_tunnel(c);
    s->version = IKE_V1;
    s->phase1 = ISAKMP_QM_IDLE;
    s->initiator = s->peer_fragments = false;
    s->dpd_seconds = 0;
    s->tunnel_id = 1002;
    s->passive = !active;
    addr_parse("10.1.0.100", &s->path.local);
    addr_parse("10.1.0.5", &s->path.remote);
    memcpy(s->remote_id.data, s->path.remote.b, 4);
    s->established = now - 13 * USEC_PER_SEC;
    s->expires = now + 86372 * USEC_PER_SEC;
    k->created = s->established;
    k->expires = now + 3573 * USEC_PER_SEC;
    k->sa_in = WANTED_SHARED | 5;
    k->sa_out = WANTED_SHARED | 6;
    addr_parse("10.2.0.2", &k->ts[0].local.lo);
    addr_parse("10.0.0.6", &k->ts[0].remote.lo);
    k->ts[0].local.hi = k->ts[0].local.lo;
    k->ts[0].remote.hi = k->ts[0].remote.lo;
    str_copy(k->map, sizeof k->map, "MAPA");
    if (!active) {
        atomic_store(&c->in.packets, 0);
        atomic_store(&c->in.bytes, 0);
        atomic_store(&c->out.packets, 0);
        atomic_store(&c->out.bytes, 0);
    }
    c->sso = (struct sso_status){.mine = active ? RF_ACTIVE : RF_STANDBY_HOT,
                                 .peer = !active        ? RF_ACTIVE
                                         : with_standby ? RF_STANDBY_HOT
                                                        : RF_DISABLED,
                                 .since = now - 50 * USEC_PER_SEC,
                                 .peer_since = now - 4920 * USEC_PER_SEC,
                                 .link_up = !active || with_standby,
                                 .hot = !active || with_standby,
                                 .epoch = 8,
                                 .peer_epoch = 7,
                                 .n_path = 1,
                                 .link_ups = 1,
                                 .link_downs = active,
                                 .tx = 12,
                                 .rx = 340,
                                 .tx_bytes = 1200,
                                 .rx_bytes = 81234,
                                 .records_rx = 30,
                                 .bulks = 1,
                                 .bulk_took = 41000,
                                 .switchovers = active ? 2 : 0,
                                 .mirrored = {[SSO_LINE] = 1, [SSO_SA] = 2, [SSO_ISAKMP] = 1},
                                 .group = "VPN",
                                 .peer_version = "1.0",
                                 .n_differ = 1,
                                 .differ = {"isakmp key"}};
    addr_parse("10.1.0.4", &c->sso.path[0].local);
    addr_parse("10.1.0.3", &c->sso.path[0].remote);
    c->sso.path[0].up = c->sso.link_up;
    c->sso.path[0].tx = 15;
    c->sso.path[0].rx = 350;
    c->sso.path[0].lost = active;
}

/* --- control.h ----------------------------------------------------------------------------- */

struct event_base *control_base(struct control *c)
{
    return c->base;
}

const struct clock *control_clock(struct control *c)
{
    return &c->clock;
}

struct timerq *control_timers(struct control *c)
{
    return &c->timers;
}

struct syslog *control_syslog(const struct control *c)
{
    return c->syslog;
}

struct log *control_log(struct control *c)
{
    return &c->log;
}

static bool fake_tracked(void *ctx, uint32_t number)
{
    const struct control *c = (const struct control *)ctx;
    bool up;
    return track_state(c->track, number, &up) && up;
}

/* Every address counts, whatever state its interface is in. */
static inline void fake_routes(struct control *c)
{
    struct rib_if ifs[64];
    struct rib_in in = {.ifs = ifs,
                        .tracked = fake_tracked,
                        .ctx = c,
                        .now = clock_mono(&c->clock)};
    for (uint32_t i = 0; i < c->intent.n_if && in.n_if < 64; i++)
        if (addr_is_set(&c->intent.ifs[i].addr.addr) || c->intent.ifs[i].n_addr6)
            ifs[in.n_if++] = (struct rib_if){.ifp = &c->intent.ifs[i],
                                             .up = addr_is_set(&c->intent.ifs[i].addr.addr),
                                             .up2 = UINT32_MAX,
                                             .up6 = UINT8_MAX,
                                             .link6 = c->intent.ifs[i].ipv6};
    if (rib_set_static(&c->rib, c->intent.route, c->intent.n_route) < 0 ||
        rib_build(&c->rib, &in) < 0)
        abort();
}

void control_apply(struct control *c, struct intent *i)
{
    struct intent old = c->intent;
    c->intent = *i;
    if (!c->sso.group[0] || !i->sso.group[0]) /* one that is in force stays until the next reload */
        str_copy(c->sso.group, sizeof c->sso.group, i->sso.group);
    track_configure(c->track, &c->intent);
    track_look(c->track);
    fake_routes(c);
    intent_free(&old);
    syslog_configure(c->syslog, &c->intent.log);
    *i = (struct intent){0};
    c->applied++;
}

static void fake_saved(evutil_socket_t fd, short what, void *ctx)
{
    struct saving *s = (struct saving *)ctx;
    (void)fd;
    (void)what;
    s->fn(s->ctx, 0);
    free(s);
}

static inline int fake_later(struct control *c, void (*fn)(void *, int), void *ctx)
{
    struct saving *s = (struct saving *)malloc(sizeof *s);
    *s = (struct saving){fn, ctx};
    return event_base_once(c->base, -1, EV_TIMEOUT, fake_saved, s, NULL);
}

int control_keep(struct control *c, const void *text, size_t len)
{
    str_clear(&c->kept);
    str_addn(&c->kept, (const char *)text, len);
    return 0;
}

int control_save(struct control *c, const char *name, const void *text, size_t len,
                 void (*fn)(void *ctx, int err), void *ctx)
{
    (void)name;
    str_clear(&c->saved);
    str_addn(&c->saved, (const char *)text, len);
    return fake_later(c, fn, ctx);
}

int control_erase(struct control *c, const char *name, void (*fn)(void *ctx, int err), void *ctx)
{
    (void)name;
    c->erased = true;
    return fake_later(c, fn, ctx);
}

void control_reload(struct control *c)
{
    c->reloaded = true;
}

/* What was asked for is kept; the tunnel goes when it is meant. */
size_t control_clear_ike(struct control *c, unsigned version, const struct ike_which *w,
                         enum ike_clear_how how)
{
    const struct ike_sa_state *sa = &c->sa;
    bool hit = c->tunnel && !sa->passive && (!version || version == sa->version) &&
               (!addr_is_set(&w->remote) || addr_eq(&w->remote, &sa->path.remote)) &&
               (!addr_is_set(&w->local) || addr_eq(&w->local, &sa->path.local)) &&
               (!w->lport || w->lport == sa->path.lport) &&
               (!w->rport || w->rport == sa->path.rport) &&
               (!w->tunnel_id || w->tunnel_id == sa->tunnel_id);
    c->clear_how = how;
    if (hit)
        c->tunnel = false;
    return hit;
}

size_t control_clear_children(struct control *c, const struct control_children *w)
{
    struct ike_child_state *k = &c->child;
    bool hit = c->tunnel && c->sa.n_children &&
               (!addr_is_set(&w->remote) || addr_eq(&w->remote, &c->sa.path.remote)) &&
               (!w->map || strcmp(w->map, k->map) == 0) && !w->replaced &&
               (!w->spi || (w->proto == k->proto && w->spi == k->spi_in &&
                            addr_eq(&w->dst, &c->sa.path.local)));
    if (hit)
        c->sa.n_children = 0;
    return hit;
}

size_t control_clear_ipsec_counters(struct control *c)
{
    c->counters_cleared = true;
    atomic_store(&c->in.packets, 0);
    atomic_store(&c->out.packets, 0);
    return 1;
}

void control_debug(struct control *c, unsigned cls, unsigned level)
{
    c->debug[cls] = level;
}

unsigned control_debug_level(const struct control *c, unsigned cls)
{
    return c->debug[cls];
}

static void fake_ping_step(evutil_socket_t fd, short what, void *ctx)
{
    struct ping *p = (struct ping *)ctx;
    (void)fd;
    (void)what;
    if (p->sent < p->o.count) {
        p->sent++;
        /* As through a tunnel that is being built: the first one is lost. */
        bool lost = p->c->silent || p->sent == 1;
        p->result(p->ctx, lost ? '.' : '!', lost ? 0 : 2000);
        struct timeval now = {0};
        evtimer_add(p->ev, &now);
        return;
    }
    event_free(p->ev);
    void (*done)(void *) = p->done;
    void *to = p->ctx;
    free(p);
    done(to);
}

struct ping *control_ping(struct control *c, const struct ping_opts *o,
                          void (*result)(void *ctx, char mark, unsigned rtt_us),
                          void (*done)(void *ctx), void *ctx)
{
    struct ping *p = (struct ping *)calloc(1, sizeof *p);
    struct timeval now = {0};
    *p = (struct ping){.c = c, .o = *o, .result = result, .done = done, .ctx = ctx};
    p->ev = evtimer_new(c->base, fake_ping_step, p);
    evtimer_add(p->ev, &now);
    return p;
}

void control_ping_abort(struct ping *p)
{
    event_free(p->ev);
    free(p);
}

/* --- sso.h ---------------------------------------------------------------------------------- */

void sso_status(const struct control *c, struct sso_status *out)
{
    *out = c->sso;
    out->cfg = &c->intent.sso;
    out->pending = out->group[0] && strcmp(out->group, out->cfg->group) != 0;
}

/* A standby that was told everything, and then took over. */
void sso_history(const struct control *c, void (*fn)(void *ctx, const struct sso_event *e),
                 void *ctx)
{
    const usec_t now = c->time.mono_us;
    const struct sso_event e[] = {
        {now - 60 * USEC_PER_SEC, SSO_EV_STATE, RF_INITIALIZATION, RF_DISABLED, ""},
        {now - 55 * USEC_PER_SEC, SSO_EV_LINK, RF_NEGOTIATION, RF_DISABLED,
         "RF_STATUS_PEER_PRESENCE(400) op=1"},
        {now - 54 * USEC_PER_SEC, SSO_EV_PEER_STATE, RF_NEGOTIATION, RF_ACTIVE, ""},
        {now - 50 * USEC_PER_SEC, SSO_EV_STATE, RF_STANDBY_HOT, RF_ACTIVE, ""},
    };
    for (size_t i = 0; c->sso.mine > RF_DISABLED && i < sizeof e / sizeof *e; i++)
        fn(ctx, &e[i]);
}

void sso_switches(const struct control *c, void (*fn)(void *ctx, const struct sso_switch *s),
                  void *ctx)
{
    const struct sso_switch s[] = {
        {c->time.wall_us - 7200 * USEC_PER_SEC, false, "active unit failed"},
        {c->time.wall_us - 3600 * USEC_PER_SEC, true, "user forced"},
    };
    for (unsigned i = 0; i < c->sso.switchovers && i < 2; i++)
        fn(ctx, &s[i]);
}

/* The other box has said what it has to say. */
static void fake_outcome(evutil_socket_t fd, short what, void *ctx)
{
    struct control *c = (struct control *)ctx;
    void (*fn)(void *ctx, enum sso_outcome o) = c->outcome_fn;
    (void)fd;
    (void)what;
    c->outcome_fn = NULL;
    if (fn)
        fn(c->outcome_ctx, c->outcome);
}

static enum sso_outcome fake_ask(struct control *c, enum sso_outcome o,
                                 void (*fn)(void *ctx, enum sso_outcome o), void *ctx)
{
    struct timeval now = {0};
    c->outcome = o;
    c->outcome_fn = fn;
    c->outcome_ctx = ctx;
    event_base_once(c->base, -1, EV_TIMEOUT, fake_outcome, c, &now);
    return SSO_ASKED;
}

/* A reluctant box has another reason each time. */
enum sso_outcome sso_switchover(struct control *c, void (*fn)(void *ctx, enum sso_outcome o),
                                void *ctx)
{
    unsigned n = c->switchovers++;
    if (c->reluctant) {
        enum sso_outcome o = (enum sso_outcome)(SSO_NO_SCHEME + n);
        return o < SSO_PEER_EMPTY ? o : fake_ask(c, o, fn, ctx);
    }
    if (c->sso.mine != RF_ACTIVE)
        return SSO_NOT_ACTIVE;
    if (!c->sso.hot)
        return SSO_NO_PEER;
    return n ? SSO_BUSY : fake_ask(c, SSO_HANDED_OVER, fn, ctx);
}

void sso_switchover_forget(struct control *c)
{
    c->outcome_fn = NULL;
}

bool sso_resync(struct control *c)
{
    c->resyncs++;
    return true;
}

/* --- query.h ------------------------------------------------------------------------------- */

const struct intent *query_intent(const struct control *c)
{
    return &c->intent;
}

void query_hsrp(const struct control *c,
                bool (*fn)(void *ctx, const struct hsrp_group *g, usec_t next_hello), void *ctx)
{
    for (uint32_t i = 0; c->sso.mine > RF_DISABLED && i < c->intent.n_hsrp; i++) {
        const struct intent_hsrp *h = &c->intent.hsrp[i];
        struct hsrp_group g = {.cfg = h->cfg,
                               .vip = h->cfg.vip,
                               .state = c->sso.mine == RF_ACTIVE ? HSRP_ACTIVE : HSRP_STANDBY};
        str_copy(g.link.name, sizeof g.link.name, h->ifname);
        if (!fn(ctx, &g, -1))
            return;
    }
}

const uint64_t *query_hsrp_bad(const struct control *c)
{
    static const uint64_t none[HSRP_BADS];
    (void)c;
    return none;
}

const struct track *query_tracks(const struct control *c)
{
    return c->track;
}

bool query_sla_one(const struct control *c, uint32_t number, struct sla_view *v)
{
    (void)number;
    *v = (struct sla_view){.code = c->probed   ? SLA_OK
                                   : c->silent ? SLA_TIMEOUT
                                               : SLA_NONE,
                           .rtt = 7};
    return true;
}

void query_ike_sas(const struct control *c, bool (*fn)(void *ctx, const struct ike_sa_state *sa),
                   void *ctx)
{
    if (c->tunnel)
        fn(ctx, &c->sa);
}

const struct dp_counters *query_counters(const struct control *c, uint32_t slot)
{
    return slot == 1 ? &c->in : (slot == 2 ? &c->out : NULL);
}

const struct lm_process *query_processes(const struct control *c, size_t *n)
{
    static const struct lm_process list[] = {
        {.kind = PROCESS_LAUNCHER,
         .pid = 700,
         .uptime = 90061,
         .resident_kb = 9696,
         .capabilities = 0x8435e0,
         .user = "root"},
        {.kind = ROLE_ENGINE,
         .pid = 912,
         .uid = 104,
         .uptime = 61,
         .restarts = 2,
         .resident_kb = 12016,
         .seccomp = 2,
         .no_new_privs = 1,
         .user = "tandem"},
        {.kind = ROLE_DATAPATH,
         .pid = 702,
         .uid = 104,
         .uptime = 90061,
         .resident_kb = 14020,
         .seccomp = 2,
         .no_new_privs = 1,
         .user = "tandem"},
        {.kind = ROLE_ACCESS,
         .pid = 701,
         .uid = 65533,
         .uptime = 90061,
         .resident_kb = 8100,
         .seccomp = 2,
         .no_new_privs = 1},
        {.kind = PROCESS_CONNECTION,
         .pid = 950,
         .uid = 65533,
         .uptime = 30,
         .resident_kb = 5100,
         .capabilities = UINT64_C(1) << 41,
         .seccomp = 2,
         .no_new_privs = 1},
        {.kind = PROCESS_SESSION,
         .pid = 951,
         .uid = 65533,
         .uptime = 29,
         .resident_kb = 4100,
         .seccomp = 2,
         .no_new_privs = 1},
    };
    *n = c->silent ? 0 : sizeof list / sizeof list[0];
    return list;
}

int control_processes(struct control *c, void (*fn)(void *ctx, int err), void *ctx)
{
    (void)c;
    fn(ctx, 0);
    return 0;
}

bool query_routing_present(const struct control *c)
{
    return !c->no_frr;
}

struct addr query_ospf_id(const struct control *c)
{
    return c->intent.ospf.process ? c->intent.ospf.id : (struct addr){0};
}

const char *query_port_of(const struct control *c, const char *netdev)
{
    (void)c;
    return strcmp(netdev, "eth0") == 0 ? "FastEthernet0/0" : netdev;
}

int query_ospf(struct control *c, const char *command,
               void (*fn)(void *ctx, int err, const char *text, size_t len), void *ctx)
{
    const char *text = fake_ospf(command);
    if (c->no_frr)
        return -ENOENT;
    if (c->silent)
        return -ENOTCONN;
    fn(ctx, 0, text, strlen(text));
    return 0;
}

bool query_drops(const struct control *c, uint64_t drops[DP_CAUSES])
{
    for (unsigned i = 0; i < DP_CAUSES; i++)
        drops[i] = c->tunnel ? i : 0;
    return c->tunnel;
}

const struct isakmp_stats *query_isakmp_stats(const struct control *c)
{
    static const struct isakmp_stats some = {
        .rx = 7, .tx = 6, .established = 3, .initiated = 2, .failed = 1, .dropped = {[1] = 4}};
    (void)c;
    return &some;
}

const struct ike_stats *query_ike_stats(const struct control *c)
{
    static const struct ike_stats some = {.rx = 9,
                                          .tx = 8,
                                          .retransmits = 1,
                                          .initiated = 3,
                                          .responded = 2,
                                          .established = 4,
                                          .failed = 1,
                                          .dropped = {0, 5, 0, 7}};
    static const struct ike_stats none = {0};
    return c->tunnel ? &some : &none;
}

static inline const struct intent_if *fake_if(const struct control *c, const char *name)
{
    for (uint32_t i = 0; i < c->intent.n_if; i++)
        if (strcmp(c->intent.ifs[i].name, name) == 0)
            return &c->intent.ifs[i];
    return NULL;
}

void query_identities(const struct control *c,
                      bool (*fn)(void *ctx, const struct query_identity *q), void *ctx)
{
    for (uint32_t i = 0; i < c->intent.n_if; i++) {
        const struct intent_if *f = &c->intent.ifs[i];
        if (!f->map || !f->map->n || !f->map->entry[0].acl || !f->map->entry[0].acl->n)
            continue;
        const struct addr local = intent_if_endpoint(f, AF_INET);
        bool up = c->tunnel && c->sa.n_children && addr_eq(&local, &c->sa.path.local);
        struct query_identity q = {.policy = i + 1,
                                   .ifid = i + 1,
                                   .ifp = f,
                                   .map = f->map,
                                   .entry = &f->map->entry[0],
                                   .ace = &f->map->entry[0].acl->ace[0],
                                   .local = local,
                                   .sa = up ? &c->sa : NULL,
                                   .child = up ? &c->child : NULL};
        if (up)
            q.current_peer = c->sa.path.remote;
        if (!fn(ctx, &q))
            return;
    }
}

void query_routes(const struct control *c, bool (*fn)(void *ctx, const struct query_route *r),
                  void *ctx)
{
    for (size_t i = 0; i < c->rib.n; i++)
        if (!fn(ctx, &c->rib.v[i]))
            return;
}

void query_ports(const struct control *c, bool (*fn)(void *ctx, const struct query_port *p),
                 void *ctx)
{
    static const char *const netdev[FAKE_PORTS] = {"eth0", "eth1", "eth2", "eth3"};
    static const struct rate_meter rate = {.brief = {9.5, 9500, 1, 8, 800},
                                           .lasting = {7.5, 7500, 0, 6, 600000}};
    for (unsigned i = 0; i < FAKE_PORTS; i++) {
        struct query_port p = {.name = fake_port[i],
                               .netdev = netdev[i],
                               .ifp = fake_if(c, fake_port[i]),
                               .mac = {0x52, 0x54, 0, 5, 0x1b, (uint8_t)i},
                               .mtu = 1500,
                               .trouble = ""};
        p.admin_up = p.ifp && !p.ifp->shutdown;
        p.carrier = i < 3;
        if (i == 3)
            p.trouble = "its device eth3 is not there (see the ports file)";
        p.counted = i < 2;
        p.rate = i < 1 ? &rate : NULL;
        p.traffic = (struct world_traffic){.rx_packets = 10,
                                           .rx_bytes = 1000,
                                           .rx_dropped = 1,
                                           .rx_errors = 2,
                                           .tx_packets = 20,
                                           .tx_bytes = 2000,
                                           .tx_dropped = 3,
                                           .tx_errors = 4};
        if (!fn(ctx, &p))
            return;
    }
    for (uint32_t i = 0; i < c->intent.n_if; i++) {
        const struct intent_if *f = &c->intent.ifs[i];
        bool made = f->kind == IF_LOOPBACK || (f->kind == IF_VLAN && f->vlan);
        struct query_port p = {.name = f->name,
                               .netdev = made ? "tdl0" : "",
                               .ifp = f,
                               .admin_up = !f->shutdown,
                               .carrier = made,
                               .mtu = f->mtu ? f->mtu : 1500,
                               .trouble = ""};
        if (f->kind != IF_PORT && !fn(ctx, &p))
            return;
    }
}

/* What runs found something: those up to number 600 an answer, the others none. */
void query_sla(const struct control *c, bool (*fn)(void *ctx, const struct sla_view *v), void *ctx)
{
    for (uint32_t i = 0; i < c->intent.n_sla; i++) {
        const struct intent_sla *s = &c->intent.sla[i];
        bool ran = s->start == SLA_START_NOW, good = ran && s->number <= 600;
        struct sla_view v = {.cfg = s,
                             .state = ran ? SLA_ACTIVE : SLA_PENDING,
                             .code = good  ? SLA_OK
                                     : ran ? SLA_TIMEOUT
                                           : SLA_NONE,
                             .timed_out = ran && !good,
                             .octets = 1480,
                             .starts = s->start > SLA_START_NOW
                                           ? c->time.wall_us + 3600 * USEC_PER_SEC
                                           : 0,
                             .modified = c->time.wall_us - 307016 * USEC_PER_MSEC,
                             .started = ran ? c->time.wall_us - 83 * USEC_PER_SEC : 0,
                             .life_left = s->life == SLA_FOREVER ? -1 : (int64_t)s->life,
                             .attempted = ran ? 6 : 0,
                             .successes = good ? 6 : 0,
                             .failures = ran && !good ? 6 : 0};
        if (good) {
            v.rtts = 1;
            v.rtt = v.rtt_min = v.rtt_max = 10;
            v.rtt_sum = 10;
            v.rtt_sum2 = 100;
        }
        if (!fn(ctx, &v))
            return;
    }
}

bool control_sla_restart(struct control *c, uint32_t number)
{
    for (uint32_t i = 0; i < c->intent.n_sla; i++)
        if (c->intent.sla[i].number == number)
            return true;
    return false;
}

usec_t query_booted(const struct control *c)
{
    return c->time.wall_us - 338400 * USEC_PER_SEC; /* 3 days 22 hours */
}

uint64_t query_acl_hits(const struct control *c, const char *acl, uint32_t line)
{
    (void)c;
    return strcmp(acl, "CRYPTO") == 0 && line == 1 ? 3 : 0;
}

void query_lab_keys(const struct control *c, void (*fn)(void *ctx, const char *line), void *ctx)
{
    (void)c;
    fn(ctx, "esp test");
}

#endif
