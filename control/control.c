/*
 * The root context of everything below modes/, and the one place that says in which order a
 * round goes: ports, routes, shadows, kernel routes, policies, tunnels. See priv.h.
 *
 * Ownership: descriptors and channels given to control_set_*() are taken, except the launcher's
 * channel, which belongs to the daemon. All callbacks run on one libevent loop; timers of
 * lib/timer.h are driven by one libevent timer.
 */
#include "control/journal.h"
#include "control/crypto/by_addr.h"
#include "control/crypto/dynamic.h"
#include "control/crypto/egress.h"
#include "control/crypto/pathmtu.h"
#include "control/priv.h"
#include "control/urgent.h"
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define TIMERS_AT_ONCE 16

/* --- the loop
 * ------------------------------------------------------------------------------------- */

static void arm_tick(struct timerq *q, void *ctx)
{
    struct control *c = (struct control *)ctx;
    usec_t next = timerq_next(q);
    if (next < 0) {
        event_del(c->tick);
        return;
    }
    usec_t wait = next - clock_mono(&c->o.clock);
    if (wait < 0)
        wait = 0;
    struct timeval tv = {.tv_sec = wait / USEC_PER_SEC, .tv_usec = wait % USEC_PER_SEC};
    event_add(c->tick, &tv);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct control *c = (struct control *)arg;
    (void)fd;
    (void)what;
    usec_t begin = clock_mono(&c->o.clock), now = begin;
    while (now - begin < CONTROL_TURN &&
           timerq_run(&c->timers, now, TIMERS_AT_ONCE) == TIMERS_AT_ONCE)
        now = clock_mono(&c->o.clock);
    arm_tick(&c->timers, c);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    control_reconcile((struct control *)arg);
}

void control_kick(void *control)
{
    struct control *c = (struct control *)control;
    struct timeval now = {0, 0};
    if (!c->closing && !event_pending(c->again, EV_TIMEOUT, NULL))
        event_add(c->again, &now);
}

/* --- life
 * ------------------------------------------------------------------------------------------ */

/* Rates of the interfaces; a timer that cannot be armed leaves them where they are. */
static void on_measure(struct timer *t, void *owner)
{
    struct control *c = (struct control *)owner;
    usec_t now = clock_mono(&c->o.clock);
    if (c->applied)
        ports_measure(&c->ports, &c->world, now);
    (void)timer_set(&c->timers, t, now + RATES_EVERY * USEC_PER_SEC);
}

struct control *control_new(const struct control_opts *o)
{
    struct control *c = (struct control *)calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    c->o = *o;
    for (unsigned i = 0; i < FAMILIES; i++)
        c->ike_sock[i].fd = c->icmp_sock[i].fd = c->log_sock[i].fd = -1;
    c->booted = clock_wall(&c->o.clock);
    c->tick = evtimer_new(o->base, on_tick, c);
    c->again = evtimer_new(o->base, on_again, c);
    if (!c->tick || !c->again || events_open(c) < 0 || sla_open(c) < 0 || tracking_open(c) < 0 ||
        hsrp_open(c) < 0 || sso_open(c) < 0 || endpoint_open(c) < 0)
        goto fail;
    c->timers.changed = arm_tick;
    c->timers.ctx = c;
    timer_init(&c->measure, on_measure, c);
    (void)timer_set(&c->timers, &c->measure, clock_mono(&c->o.clock) + RATES_EVERY * USEC_PER_SEC);
    ospf_open(c);
    grace_init(c);
    dead_init(c);
    outbox_init(c);
    position_open(c);
    launch_init(&c->launch, &c->timers, &c->o.clock, o->log, control_kick, c);
    c->jobs = jobs_new(o->base);
    if (keyex_open(c) < 0)
        goto fail;
    control_set_lab(c, o->lab);
    if (world_open(&c->world, o->base, o->log, control_kick, c) < 0)
        log_line(o->log, LOGL_ERROR, "world", "no view of the kernel's interfaces and routes");
    return c;
fail:
    control_free(c);
    return NULL;
}

void control_free(struct control *c)
{
    if (!c)
        return;
    c->closing = true;
    sso_close(c);
    hsrp_close(c);
    journal_close(c->journal); /* from here on it belongs to the successor */
    c->journal = NULL;
    ospf_close(c);
    tracking_close(c);
    sla_close(c);
    ping_close(c);
    jobs_free(c->jobs);
    c->jobs = NULL;
    for (size_t i = 0; i < c->ids.n; i++)
        walk_end(c, c->ids.by_key[i]);
    keyex_close(c);
    dp_close(c);
    wanted_free(c);
    adopt_free(c);
    outbox_free(c);
    grace_free(c);
    dead_free(c);
    udp_close(c);
    urgent_end(c);
    if (c->launch.kick)
        launch_free(&c->launch);
    free(c->processes);
    events_close(c);
    world_close(&c->world);
    ports_free(&c->ports);
    rib_free(&c->rib);
    free(c->fib.prot);
    for (size_t i = 0; i <= PORTS_MAX; i++)
        free(c->shadow[i].spd);
    identities_free(&c->ids);
    position_close(c);
    free(c->told_addrs);
    free(c->ring);
    lab_free(c->lab);
    intent_free(&c->intent);
    if (c->stats)
        munmap((void *)(uintptr_t)c->stats, c->stats_len);
    timerq_free(&c->timers);
    if (c->tick)
        event_free(c->tick);
    if (c->again)
        event_free(c->again);
    free(c);
}

struct event_base *control_base(struct control *c)
{
    return c->o.base;
}

const struct clock *control_clock(struct control *c)
{
    return &c->o.clock;
}

struct timerq *control_timers(struct control *c)
{
    return &c->timers;
}

struct log *control_log(struct control *c)
{
    return c->o.log;
}

void control_set_lab(struct control *c, bool lab)
{
    c->o.lab = lab;
    if (lab && !c->lab)
        c->lab = lab_new();
    if (!lab) {
        lab_free(c->lab);
        c->lab = NULL;
    }
}

void control_set_booted(struct control *c, usec_t wall)
{
    c->booted = wall;
    syslog_set_booted(c->syslog, clock_mono(&c->o.clock) - (clock_wall(&c->o.clock) - c->booted));
}

/* --- a round
 * ----------------------------------------------------------------------------------------- */

/* A tunnel whose device is still to come takes part already: what leads into it is refused until
 * then (route/fib.c) and takes no other way, where it would be in clear. */
static bool tunnel_to_come(const struct control *c, const struct port *p)
{
    return p->ifp->kind == IF_TUNNEL && p->ifp->tunnel.mode && ports_active(&c->ports, p) &&
           !ports_link(p, &c->world);
}

static struct rib_if rib_if(const struct control *c, const struct port *p)
{
    bool up = ports_up(&c->ports, p, &c->world);
    return (struct rib_if){.ifp = p->ifp,
                           .up =
                               (up && (p->has_addr || p->ifp->unnumbered)) || tunnel_to_come(c, p),
                           .up2 = up ? p->has_addr2 : 0,
                           .up6 = up ? p->has_addr6 : 0,
                           .link6 = up && p->ifp->ipv6};
}

static bool is_tracked_up(void *ctx, uint32_t number)
{
    const struct control *c = (const struct control *)ctx;
    bool up;
    return track_state(c->track, number, &up) && up;
}

static void build_rib(struct control *c)
{
    struct rib_if ifs[PORTS_MAX];
    size_t n = 0, n_route = 0;
    for (size_t i = 0; i < c->ports.n; i++)
        if (c->ports.v[i]->ifp)
            ifs[n++] = rib_if(c, c->ports.v[i]);
    struct intent_route *route = rri_routes(c, &n_route);
    struct query_route *found;
    size_t n_found;
    ospf_candidates(c, &found, &n_found);
    struct rib_in in = {.ifs = ifs,
                        .n_if = n,
                        .vpn = route,
                        .n_vpn = n_route,
                        .found = found,
                        .n_found = n_found,
                        .tracked = is_tracked_up,
                        .ctx = c,
                        .now = clock_mono(&c->o.clock)};
    bool looped = c->rib.looped;
    if (rib_build(&c->rib, &in) < 0 || !route)
        log_line(c->o.log, LOGL_ERROR, "route", "out of memory: the routing table is not whole");
    free(route);
    free(found);
    if (c->rib.looped && !looped)
        syslog_ios(c->syslog, "IPRT", 3, "RIB_LOOP", "Resolution loop formed by routes in RIB");
}

static void make_it_so(struct control *c, const struct intent *old)
{
    ports_look(&c->ports, &c->world);
    logical_apply(&c->ports, &c->world, &c->launch);
    dynamic_apply(c);
    track_look(c->track);
    hsrp_apply(c);
    sso_apply(c);
    build_rib(c);
    ospf_apply(c);
    shadow_apply(c);
    fib_apply(c);
    /* The walls stand before an address brings packets that should meet them. */
    adopt_mtu(c);
    ports_apply(&c->ports, &c->world, &c->launch);
    spd_apply(c);
    dp_local_addrs(c);
    adopt_end(c);
    egress_apply(c);
    tunnel_prune(c, old);
    mirror_apply(c);
    path_apply(c);
    if (c->rib.n_moved)
        track_look(c->track); /* objects that are routes */
    dp_go(c);
    ports_tell(&c->ports, c->o.log);
    events_links(c);
}

/* Until the first configuration came, nothing is touched: an engine that replaces a dead one
 * would else take away what the startup-config is about to ask for again, and packets would
 * leave in clear meanwhile. */
static void round_with(struct control *c, const struct intent *old)
{
    if (c->in_round)
        return;
    c->in_round = true;
    launch_round_begin(&c->launch);
    world_settle(&c->world);
    ports_refresh(&c->ports, &c->world);
    if (c->applied)
        make_it_so(c, old);
    launch_round_end(&c->launch);
    outbox_look(c);
    c->in_round = false;
}

void control_reconcile(struct control *c)
{
    round_with(c, NULL);
}

void control_apply(struct control *c, struct intent *i)
{
    struct intent old = c->intent;
    bool first = !c->applied;
    c->intent = *i;
    c->applied = true;
    c->n_applied++;
    *i = (struct intent){0};
    by_addr_index(&c->intent);
    keyex_configure(c);
    ports_set_intent(&c->ports, &c->intent);
    syslog_configure(c->syslog, &c->intent.log);
    if (rib_set_static(&c->rib, c->intent.route, c->intent.n_route) < 0)
        log_line(c->o.log, LOGL_ERROR, "route", "out of memory: there are no static routes");
    if (first)
        sla_adopt(c);
    c->in_round = true; /* who follows a probe looks at it in the round */
    sla_apply(c->sla, &c->intent);
    c->in_round = false;
    if (track_configure(c->track, &c->intent) < 0)
        log_line(c->o.log, LOGL_ERROR, "track", "out of memory: nothing is tracked");
    if (first)
        adopt_begin(c);
    sla_paths_find(&c->sla_paths, &c->intent);
    round_with(c, &old);
    dead_apply(c);
    intent_free(&old);
}

void control_set_ports(struct control *c, const char *text, bool asa)
{
    ports_bind(&c->ports, text, asa, &c->world);
    ports_set_intent(&c->ports, &c->intent);
    control_kick(c);
}

/* The interface whose map ends its tunnels at this one. */
static struct port *port_of_end(const struct control *c, const struct port *end)
{
    for (size_t i = 0; i < c->ports.n; i++) {
        struct port *p = c->ports.v[i];
        if (p != end && ports_active(&c->ports, p) && p->ifp->map && !p->ifp->redundancy[0] &&
            intent_if_end(p->ifp) == end->ifp)
            return p;
    }
    return NULL;
}

struct port *control_port_of(const struct control *c, const struct addr *local)
{
    for (size_t i = 0; i < c->ports.n; i++) {
        struct port *p = c->ports.v[i];
        if (!ports_active(&c->ports, p) || !ports_owns(p, local))
            continue;
        struct port *outer = port_of_end(c, p);
        return outer ? outer : p;
    }
    return endpoint_vip_port(c, local);
}

/* --- channels and descriptors
 * -------------------------------------------------------------------------- */

void control_set_launcher(struct control *c, struct ipc *launcher)
{
    launch_set_channel(&c->launch, launcher);
    control_kick(c);
}

void control_set_urgent(struct control *c)
{
    urgent_begin(c);
}

void control_launcher_reply(struct control *c, const struct lm_reply *r, const char *text)
{
    /* A refusal may mean that we see the kernel wrongly: look again before the next try. */
    if (r->err)
        c->world.all_stale = true;
    launch_reply(&c->launch, r, text);
    control_launcher_processes(c, NULL, 0);
}

void socket_drop(struct family_socket *s)
{
    if (s->ev)
        event_free(s->ev);
    if (s->fd >= 0)
        close(s->fd);
    *s = (struct family_socket){.fd = -1};
}

/* One that is only written to. */
static void socket_keep(struct family_socket *s, int fd)
{
    socket_drop(s);
    s->fd = fd;
}

int socket_watch(struct control *c, struct family_socket *s, int fd, socket_fn *fn)
{
    socket_drop(s);
    s->fd = fd;
    s->ev = event_new(c->o.base, fd, EV_READ | EV_PERSIST, fn, c);
    if (s->ev && event_add(s->ev, NULL) == 0)
        return 0;
    socket_drop(s);
    return -ENOMEM;
}

static void map_stats(struct control *c, int fd)
{
    struct stat st;
    if (fstat(fd, &st) == 0 && (size_t)st.st_size >= sizeof(struct dpstats)) {
        void *p = mmap(NULL, sizeof(struct dpstats), PROT_READ, MAP_SHARED, fd, 0);
        if (p != MAP_FAILED) {
            if (c->stats)
                munmap((void *)(uintptr_t)c->stats, c->stats_len);
            c->stats = (const struct dpstats *)p;
            c->stats_len = sizeof(struct dpstats);
        }
    }
    close(fd);
}

void control_set_socket(struct control *c, enum launch_socket kind, int fd)
{
    switch (kind) {
    case SOCK_IKE4:
        udp_open(c, FAMILY_4, fd);
        break;
    case SOCK_IKE6:
        udp_open(c, FAMILY_6, fd);
        break;
    case SOCK_ICMP4:
        ping_open(c, FAMILY_4, fd);
        break;
    case SOCK_ICMP6:
        ping_open(c, FAMILY_6, fd);
        break;
    case SOCK_SYSLOG4:
    case SOCK_SYSLOG6:
        socket_keep(&c->log_sock[kind == SOCK_SYSLOG6 ? FAMILY_6 : FAMILY_4], fd);
        break;
    case SOCK_HSRP:
    case SOCK_ARP:
        hsrp_socket(c, kind, fd);
        break;
    case SOCK_SCTP4:
    case SOCK_SCTP6:
        sso_socket(c, kind, fd);
        break;
    case SOCK_STATS:
        map_stats(c, fd);
        break;
    case SOCK_JOURNAL:
        adopt_journal(c, fd);
        break;
    default:
        sla_set_socket(c, kind, fd);
        break;
    }
}

/* --- actions
 * ---------------------------------------------------------------------------------------------- */

size_t control_clear_ike(struct control *c, unsigned version, const struct ike_which *w,
                         enum ike_clear_how how)
{
    return keyex_clear_which(c, version, w, how);
}

struct children {
    const struct control_children *w;
    uint32_t *sa;
    size_t n, cap;
};

/* Either direction, of ESP or of AH; the other one and its siblings end with it. */
static bool has_sa(const struct ike_sa_state *sa, const struct ike_child_state *k,
                   const struct control_children *w)
{
    bool plain = k->proto == w->proto, bundle = w->proto == SADB_AH && k->ah_integ;
    uint32_t in = plain ? k->spi_in : bundle ? k->ah_spi_in : 0;
    uint32_t out = plain ? k->spi_out : bundle ? k->ah_spi_out : 0;
    return (addr_eq(&w->dst, &sa->path.local) && w->spi == in) ||
           (addr_eq(&w->dst, &sa->path.remote) && w->spi == out);
}

static bool add_children(void *ctx, const struct ike_sa_state *sa)
{
    struct children *k = (struct children *)ctx;
    const struct control_children *w = k->w;
    if (sa->passive || (addr_is_set(&w->remote) && !addr_eq(&w->remote, &sa->path.remote)))
        return true;
    for (uint32_t i = 0; i < sa->n_children; i++) {
        const struct ike_child_state *one = &sa->child[i];
        if ((!w->map || strcmp(w->map, one->map) == 0) && (!w->spi || has_sa(sa, one, w)) &&
            (!w->replaced || one->leaving) && VEC_ROOM(k->sa, k->cap, k->n + 1))
            k->sa[k->n++] = one->sa_in;
    }
    return true;
}

size_t control_clear_children(struct control *c, const struct control_children *w)
{
    struct children k = {.w = w};
    keyex_each(c, add_children, &k);
    for (size_t i = 0; i < k.n; i++)
        keyex_end_child(c, k.sa[i], IKE_R_LOCAL_DELETE);
    free(k.sa);
    return k.n;
}

void control_debug(struct control *c, unsigned cls, unsigned level)
{
    if (cls < CONTROL_DEBUG_CLASSES)
        c->debug[cls] = level;
}

unsigned control_debug_level(const struct control *c, unsigned cls)
{
    return cls < CONTROL_DEBUG_CLASSES ? c->debug[cls] : 0;
}
