/* OSPF. See ospf.h. */
#include "control/ospf/ospf.h"
#include "control/ospf/config.h"
#include "control/priv.h"
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define AREA       "ospf"
#define LOOK_AFTER (50 * USEC_PER_MSEC) /* lines of the log come in bursts */
#define LOOK_EVERY (10 * USEC_PER_SEC)  /* should the log have said nothing */
#define RETRY      (30 * USEC_PER_SEC)  /* FRR may be installed meanwhile */

/* --- what ospfd says -----------------------------------------------------------------------------
 */

static void forget_routes(struct control *c)
{
    bool had = c->ospf.routes.n > 0;
    ospf_routes_free(&c->ospf.routes);
    if (had)
        control_kick(c);
}

static bool same_routes(const struct ospf_routes *a, const struct ospf_routes *b)
{
    for (size_t i = 0; a->n == b->n && i < a->n; i++) {
        const struct ospf_route *x = &a->v[i], *y = &b->v[i];
        if (prefix_cmp(&x->dst, &y->dst) != 0 || !addr_eq(&x->gateway, &y->gateway) ||
            strcmp(x->netdev, y->netdev) != 0 || x->path != y->path || x->metric != y->metric ||
            x->tag != y->tag)
            return false;
    }
    return a->n == b->n;
}

static void on_routes(void *ctx, int result, const char *text, size_t len, const char *command)
{
    struct control *c = (struct control *)ctx;
    struct ospf *o = &c->ospf;
    struct ospf_routes now;
    (void)command;
    o->looking = false;
    if (result < 0)
        return;
    timer_set(&c->timers, &o->look, clock_mono(&c->o.clock) + LOOK_EVERY);
    int err = result >= 2 ? -EPROTO : ospf_read_routes(text, len, &now);
    if (err) {
        log_line(c->o.log, LOGL_WARNING, AREA, "ospfd's routes cannot be read: %s", strerror(-err));
        return;
    }
    if (same_routes(&now, &o->routes)) {
        ospf_routes_free(&now);
        return;
    }
    ospf_routes_free(&o->routes);
    o->routes = now;
    control_kick(c);
}

static void on_look(struct timer *t, void *owner)
{
    struct control *c = (struct control *)owner;
    static const char ask[] = "do show ip ospf route json";
    (void)t;
    if (!c->ospf.vty || c->ospf.looking)
        return;
    c->ospf.looking = vty_send(c->ospf.vty, ask, sizeof(ask) - 1, on_routes, c) == 0;
}

static void look_soon(struct control *c)
{
    usec_t when = clock_mono(&c->o.clock) + LOOK_AFTER;
    if (!timer_armed(&c->ospf.look) || c->ospf.look.when > when)
        timer_set(&c->timers, &c->ospf.look, when);
}

const char *query_port_of(const struct control *c, const char *netdev)
{
    for (size_t i = 0; i < c->ports.n; i++)
        if (strcmp(c->ports.v[i]->netdev, netdev) == 0)
            return c->ports.v[i]->name;
    return netdev;
}

/* IOS tells of neighbours that become full, or are not any more; of the others with `detail`. */
static void tell_change(struct control *c, const struct ospf_change *ch)
{
    const struct intent_ospf *w = &c->intent.ospf;
    char id[ADDR_STRLEN];
    const char *from = ch->from;
    bool up = strcmp(ch->to, "FULL") == 0;
    if (w->silent || (!w->detail && !up && strcmp(from, "FULL") != 0))
        return;
    if (up && !w->detail)
        from = "LOADING"; /* ospfd leaves that out when there is nothing to load */
    syslog_ios(c->syslog, "OSPF", 5, "ADJCHG", "Process %u, Nbr %s on %s from %s to %s, %s",
               w->process, addr_print(&ch->neighbor, id, sizeof(id)), query_port_of(c, ch->netdev),
               from, ch->to, ch->why);
}

static void take_line(struct control *c)
{
    struct ospf *o = &c->ospf;
    struct ospf_change ch;
    o->line[o->n_line] = '\0';
    o->n_line = 0;
    log_line(c->o.log, LOGL_DEBUG, AREA, "ospfd: %s", o->line);
    if (ospf_read_change(o->line, &ch))
        tell_change(c, &ch);
    look_soon(c);
}

static void drop_log(struct ospf *o)
{
    if (o->log_ev)
        event_free(o->log_ev);
    if (o->log >= 0)
        close(o->log);
    o->log_ev = NULL;
    o->log = -1;
    o->n_line = 0;
}

static void on_log(evutil_socket_t fd, short what, void *arg)
{
    struct control *c = (struct control *)arg;
    struct ospf *o = &c->ospf;
    char buf[8192];
    (void)what;
    ssize_t n = read(fd, buf, sizeof(buf));
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        drop_log(o);
        return;
    }
    for (ssize_t i = 0; i < n; i++) {
        if (buf[i] == '\n')
            take_line(c);
        else if (o->n_line < sizeof(o->line) - 1)
            o->line[o->n_line++] = buf[i];
    }
}

/* --- the daemon ----------------------------------------------------------------------------------
 */

static void lost(void *ctx)
{
    struct control *c = (struct control *)ctx;
    struct ospf *o = &c->ospf;
    struct vty *v = o->vty;
    o->vty = NULL;
    vty_free(v);
    str_wipe(&o->applied);
    if (o->state == OSPF_UP) {
        log_line(c->o.log, LOGL_WARNING, AREA, "the connection to ospfd is gone%s",
                 o->routes.n ? "; its routes are withdrawn" : "");
        o->state = OSPF_ASKED;
    }
    forget_routes(c);
}

static void on_told(void *ctx, int result, const char *text, size_t len, const char *command)
{
    const struct control *c = (const struct control *)ctx;
    bool secret = strstr(command, "-key ") != NULL;
    if (result < 2)
        return;
    if (secret)
        log_line(c->o.log, LOGL_ERROR, AREA, "ospfd refuses a line with a key");
    else
        log_line(c->o.log, LOGL_ERROR, AREA, "ospfd refuses \"%s\": %.*s", command,
                 (int)(len > 120 ? 120 : len), text);
}

static void tell(struct control *c, const char *lines)
{
    while (*lines && c->ospf.vty) {
        size_t n = strcspn(lines, "\n");
        if (n && vty_send(c->ospf.vty, lines, n, on_told, c) < 0) {
            lost(c);
            return;
        }
        lines += n + (lines[n] == '\n');
    }
}

void control_set_ospfd(struct control *c, int vty, int log)
{
    struct ospf *o = &c->ospf;
    if (o->vty) {
        o->state = OSPF_ASKED; /* this is no loss */
        lost(c);
    }
    drop_log(o);
    if (!c->intent.ospf.process) {
        close(vty);
        close(log);
        return;
    }
    o->log = log;
    o->log_ev = event_new(c->o.base, log, EV_READ | EV_PERSIST, on_log, c);
    o->vty = vty_new(c->o.base, vty, lost, c);
    if (!o->vty || !o->log_ev || event_add(o->log_ev, NULL) < 0) {
        log_line(c->o.log, LOGL_ERROR, AREA, "no memory to talk to ospfd");
        lost(c);
        return;
    }
    o->state = OSPF_UP;
    /* It stays in configuration mode: shows are asked for with `do`. */
    tell(c, "enable\nconfigure terminal\n");
    look_soon(c);
    control_kick(c);
}

static void say_absent(struct control *c)
{
    if (c->ospf.told_absent)
        return;
    c->ospf.told_absent = true;
    log_line(c->o.log, LOGL_ERROR, AREA,
             "OSPF does not run: FRR is not installed on this host (Debian package frr)");
    syslog_ios(c->syslog, "OSPF", 3, "NOFRR",
               "Process %u does not run: FRR is not installed on this host (package frr)",
               c->intent.ospf.process);
}

static void on_asked(void *ctx, int err)
{
    struct control *c = (struct control *)ctx;
    struct ospf *o = &c->ospf;
    if (o->state == OSPF_OFF)
        return;
    o->absent = err == -ENOENT;
    if (!err) {
        o->told_absent = false;
        return;
    }
    if (o->absent)
        say_absent(c);
    else
        log_line(c->o.log, LOGL_ERROR, AREA, "OSPF does not run: %s", strerror(-err));
    o->state = OSPF_MISSING;
    timer_set(&c->timers, &o->retry, clock_mono(&c->o.clock) + RETRY);
}

static void ask(struct control *c, bool on)
{
    struct lr_routing r;
    memset(&r, 0, sizeof(r));
    r.ospf = on;
    int err = launch_call(&c->launch, LR_ROUTING, &r, sizeof(r), -1, on ? on_asked : NULL, c);
    if (err && on)
        on_asked(c, err);
}

static void on_retry(struct timer *t, void *owner)
{
    struct control *c = (struct control *)owner;
    (void)t;
    if (c->ospf.state != OSPF_MISSING)
        return;
    c->ospf.state = OSPF_ASKED;
    ask(c, true);
}

/* --- what is wanted ------------------------------------------------------------------------------
 */

static const char *netdev_of(void *ctx, const struct intent_if *ifp)
{
    const struct control *c = (const struct control *)ctx;
    const struct port *p = ports_named(&c->ports, ifp->name);
    const struct world_link *l = p ? ports_link(p, &c->world) : NULL;
    return l ? l->name : NULL;
}

static void stop(struct control *c)
{
    struct ospf *o = &c->ospf;
    if (o->state == OSPF_OFF)
        return;
    o->state = OSPF_OFF;
    o->told_absent = false;
    timer_cancel(&c->timers, &o->look);
    timer_cancel(&c->timers, &o->retry);
    lost(c);
    drop_log(o);
    o->id = (struct addr){0};
    ask(c, false);
}

/* Kept once it is chosen, as the neighbours know us by it; one that is configured holds at once. */
static void choose_id(struct control *c, struct ospf_view *v)
{
    struct ospf *o = &c->ospf;
    if (addr_is_set(&c->intent.ospf.id))
        o->id = c->intent.ospf.id;
    else if (!addr_is_set(&o->id))
        o->id = ospf_choose_id(v);
    v->id = o->id;
}

void ospf_apply(struct control *c)
{
    struct ospf *o = &c->ospf;
    struct str now = {0}, lines = {0};
    if (!c->intent.ospf.process) {
        stop(c);
        return;
    }
    if (o->state == OSPF_OFF) {
        o->state = OSPF_ASKED;
        ask(c, true);
    }
    struct ospf_view v = {.intent = &c->intent,
                          .route = c->rib.v,
                          .n_route = c->rib.n,
                          .netdev = netdev_of,
                          .ctx = c};
    choose_id(c, &v);
    if (o->state != OSPF_UP)
        return;
    ospf_config(&v, &now);
    ospf_diff(str_text(&o->applied), str_text(&now), &lines);
    if (!now.bad && !lines.bad) {
        if (lines.len)
            tell(c, "end\nconfigure terminal\n"); /* wherever a refused line has left us */
        tell(c, str_text(&lines));
        str_wipe(&o->applied);
        if (o->vty) {
            o->applied = now;
            now = (struct str){0};
        }
    }
    str_wipe(&now);
    str_wipe(&lines);
}

bool ospf_candidates(const struct control *c, struct query_route **v, size_t *n)
{
    const struct ospf_routes *r = &c->ospf.routes;
    *n = 0;
    *v = r->n ? (struct query_route *)calloc(r->n, sizeof(**v)) : NULL;
    if (r->n && !*v)
        return false;
    for (size_t i = 0; i < r->n; i++) {
        const struct port *p = NULL;
        for (size_t k = 0; k < c->ports.n && !p; k++)
            if (strcmp(c->ports.v[k]->netdev, r->v[i].netdev) == 0)
                p = c->ports.v[k];
        if (!p || !p->ifp)
            continue;
        (*v)[(*n)++] = (struct query_route){.source = RIB_OSPF,
                                            .dst = r->v[i].dst,
                                            .gateway = r->v[i].gateway,
                                            .ifp = p->ifp,
                                            .distance = OSPF_DISTANCE,
                                            .metric = r->v[i].metric,
                                            .tag = r->v[i].tag,
                                            .path = r->v[i].path};
    }
    return true;
}

int ospf_open(struct control *c)
{
    c->ospf.log = -1;
    timer_init(&c->ospf.look, on_look, c);
    timer_init(&c->ospf.retry, on_retry, c);
    return 0;
}

void ospf_close(struct control *c)
{
    struct ospf *o = &c->ospf;
    o->state = OSPF_OFF;
    timer_cancel(&c->timers, &o->look);
    timer_cancel(&c->timers, &o->retry);
    vty_free(o->vty);
    o->vty = NULL;
    drop_log(o);
    ospf_routes_free(&o->routes);
    str_wipe(&o->applied);
}

void control_set_routing_absent(struct control *c, bool absent)
{
    c->ospf.absent = absent;
}

/* --- for the shows -------------------------------------------------------------------------------
 */

bool query_routing_present(const struct control *c)
{
    return !c->ospf.absent;
}

struct addr query_ospf_id(const struct control *c)
{
    return c->ospf.id;
}

struct question {
    void (*fn)(void *ctx, int err, const char *text, size_t len);
    void *ctx;
};

static void on_answer(void *ctx, int result, const char *text, size_t len, const char *command)
{
    struct question *q = (struct question *)ctx;
    (void)command;
    q->fn(q->ctx, result < 0 ? result : result >= 2 ? -EPROTO : 0, text, len);
    free(q);
}

int query_ospf(struct control *c, const char *command,
               void (*fn)(void *ctx, int err, const char *text, size_t len), void *ctx)
{
    struct str line = {0};
    if (!c->ospf.vty)
        return c->ospf.absent ? -ENOENT : -ENOTCONN;
    struct question *q = (struct question *)malloc(sizeof(*q));
    str_printf(&line, "do %s", command);
    int err = q && !line.bad ? 0 : -ENOMEM;
    if (q)
        *q = (struct question){fn, ctx};
    if (!err)
        err = vty_send(c->ospf.vty, str_text(&line), line.len, on_answer, q);
    str_free(&line);
    if (err)
        free(q);
    return err;
}
