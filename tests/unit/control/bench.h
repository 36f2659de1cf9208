/*
 * A control with nothing real around it: a world made by hand, a launcher that does what it is
 * asked in that world, a datapath that acknowledges and remembers, a clock that stands still.
 * IKE is the real one but has no socket, so every peer is silent.
 */
#ifndef TANDEM_TESTS_CONTROL_BENCH_H
#define TANDEM_TESTS_CONTROL_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/priv.h"
#include "control/query.h"
#include "lib/str.h"
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAMES 512

struct frame {
    uint16_t type;
    size_t len;
    uint8_t data[2048];
};

struct bench {
    struct control *c;
    struct event_base *base;
    struct log log;
    struct manual_time t;
    struct ipc *launcher, *launcher_end, *dp_end;
    struct frame asked[FRAMES], told[FRAMES]; /* by the launcher's and the datapath's side */
    size_t n_asked, n_told;
    uint16_t refuse; /* a request type that the launcher refuses */
    char saved[64];  /* what came with the last LR_SAVE */
    uint32_t next_ifindex;
    char notice[512];
    void *test; /* whatever a test keeps beside it */
};

static inline struct prefix pfx(const char *a, unsigned len)
{
    struct prefix p = {.len = (uint8_t)len};
    assert_int_equal(addr_parse(a, &p.addr), 0);
    return p;
}

static inline struct addr adr(const char *a)
{
    return pfx(a, 32).addr;
}

static inline struct selector sel(const char *src, unsigned slen, const char *dst, unsigned dlen)
{
    struct prefix s = pfx(src, slen), d = pfx(dst, dlen);
    return (struct selector){.local = prefix_range(&s),
                             .remote = prefix_range(&d),
                             .lport = {0, 65535},
                             .rport = {0, 65535}};
}

/* --- the world ----------------------------------------------------------------------------------
 */

static inline void bench_link(struct bench *b, const char *name, bool ether, uint32_t mtu)
{
    struct world *w = &b->c->world;
    assert_true(VEC_ROOM(w->link, w->cap_link, w->n_link + 1));
    struct world_link l = {
        .ifindex = ++b->next_ifindex, .ether = ether, .up = !ether, .carrier = !ether, .mtu = mtu};
    str_copy(l.name, sizeof(l.name), name);
    w->link[w->n_link++] = l;
}

static inline struct world_link *bench_find(struct bench *b, const char *name)
{
    return (struct world_link *)(uintptr_t)world_link_named(&b->c->world, name);
}

static inline void do_addr(struct world *w, const struct lr_addr *r)
{
    const struct world_addr *old = world_addr_on(w, r->ifindex, &r->addr);
    if (!r->add) {
        assert_non_null(old);
        w->addr[old - w->addr] = w->addr[--w->n_addr];
        return;
    }
    assert_null(old);
    assert_true(VEC_ROOM(w->addr, w->cap_addr, w->n_addr + 1));
    w->addr[w->n_addr++] =
        (struct world_addr){.ifindex = r->ifindex, .addr = r->addr, .ours = true};
}

static inline void do_route(struct world *w, const struct lr_route *r)
{
    assert_true(VEC_ROOM(w->route, w->cap_route, w->n_route + 1));
    struct world_route *n = &w->route[w->n_route++];
    *n = (struct world_route){.r = *r, .serial = w->serial++, .gone = !r->add};
    w->routes_dirty = true;
}

static inline void do_rule(struct world *w, const struct lr_rule *r)
{
    if (r->add) {
        assert_true(VEC_ROOM(w->rule, w->cap_rule, w->n_rule + 1));
        w->rule[w->n_rule] = *r;
        w->rule[w->n_rule].add = 0;
        w->rule[w->n_rule++].id = 0;
        return;
    }
    for (size_t i = 0; i < w->n_rule; i++)
        if (w->rule[i].priority == r->priority && strcmp(w->rule[i].iif, r->iif) == 0 &&
            addr_eq(&w->rule[i].no_sctp, &r->no_sctp)) {
            w->rule[i] = w->rule[--w->n_rule];
            return;
        }
    fail_msg("a rule that is not there was removed");
}

static inline void do_tun(struct bench *b, const struct lr_tun *r)
{
    struct world *w = &b->c->world;
    struct world_link *l = bench_find(b, r->name);
    if (r->open && !l) {
        bench_link(b, r->name, false, r->mtu);
    } else if (r->open) {
        l->mtu = r->mtu;
        l->up = true;
    } else if (l) {
        *l = w->link[--w->n_link];
    }
}

static inline void do_vip(struct bench *b, const struct lr_vip *r)
{
    struct world *w = &b->c->world;
    struct world_link *l = bench_find(b, r->name);
    if (!r->on) {
        for (size_t i = w->n_addr; l && i-- > 0;)
            if (w->addr[i].ifindex == l->ifindex)
                w->addr[i] = w->addr[--w->n_addr];
        if (l)
            *l = w->link[--w->n_link];
        return;
    }
    if (!l)
        bench_link(b, r->name, false, 1500);
    l = bench_find(b, r->name);
    memcpy(l->mac, r->mac, sizeof(l->mac));
    for (unsigned i = 0; i < r->n; i++) {
        struct lr_addr a = {.ifindex = l->ifindex, .add = 1};
        a.addr = (struct prefix){.addr = r->addr[i], .len = 32};
        if (!world_addr_on(w, l->ifindex, &a.addr))
            do_addr(w, &a);
    }
}

static inline void bench_do(struct bench *b, uint16_t type, const void *body)
{
    struct world *w = &b->c->world;
    const struct lr_link *link = (const struct lr_link *)body;
    switch (type) {
    case LR_LINK:
        for (size_t i = 0; i < w->n_link; i++) {
            if (w->link[i].ifindex != link->ifindex)
                continue;
            if (link->set_up)
                w->link[i].up = w->link[i].carrier = link->up;
            if (link->mtu)
                w->link[i].mtu = link->mtu;
        }
        break;
    case LR_ADDR:
        do_addr(w, (const struct lr_addr *)body);
        break;
    case LR_ROUTE:
        do_route(w, (const struct lr_route *)body);
        break;
    case LR_RULE:
        do_rule(w, (const struct lr_rule *)body);
        break;
    case LR_TUN:
        do_tun(b, (const struct lr_tun *)body);
        break;
    case LR_VIP:
        do_vip(b, (const struct lr_vip *)body);
        break;
    default:
        break;
    }
}

/* --- the other ends ------------------------------------------------------------------------------
 */

static inline void keep_frame(struct frame *v, size_t *n, const struct ipc_msg *m)
{
    assert_true(*n < FRAMES);
    struct frame *f = &v[(*n)++];
    f->type = m->type;
    f->len = m->len;
    memcpy(f->data, m->data, m->len < sizeof(f->data) ? m->len : sizeof(f->data));
}

static inline void on_asked(struct ipc *ipc, struct ipc_msg *m, void *ctx)
{
    struct bench *b = (struct bench *)ctx;
    keep_frame(b->asked, &b->n_asked, m);
    struct lm_reply r = {.err = m->type == b->refuse ? -EPERM : 0};
    if (m->type == LR_SAVE && m->nfds == 1) {
        ssize_t n = read(m->fds[0], b->saved, sizeof(b->saved) - 1);
        b->saved[n > 0 ? n : 0] = '\0';
    }
    memcpy(&r.id, m->data, sizeof(r.id));
    if (!r.err)
        bench_do(b, m->type, b->asked[b->n_asked - 1].data);
    ipc_send2(ipc, LM_REPLY, &r, sizeof(r), "refused", r.err ? 7 : 0);
}

static inline void on_launcher(struct ipc *ipc, struct ipc_msg *m, void *ctx)
{
    struct bench *b = (struct bench *)ctx;
    struct lm_reply r;
    char text[64] = "";
    (void)ipc;
    memcpy(&r, m->data, sizeof(r));
    memcpy(text, m->data + sizeof(r), m->len - sizeof(r));
    control_launcher_reply(b->c, &r, text);
}

static inline void on_told(struct ipc *ipc, struct ipc_msg *m, void *ctx)
{
    struct bench *b = (struct bench *)ctx;
    keep_frame(b->told, &b->n_told, m);
    struct sadb_ack a = {0};
    memcpy(&a.seq, m->data, sizeof(a.seq));
    if (m->type != SADB_IKE_SEND)
        ipc_send(ipc, SADB_ACK, &a, sizeof(a));
}

static inline void on_bench_notice(void *ctx, const char *line)
{
    struct bench *b = (struct bench *)ctx;
    str_copy(b->notice, sizeof(b->notice), line);
}

/* Lets everything happen that can happen without time passing. */
static inline void settle(struct bench *b)
{
    for (int quiet = 0; quiet < 4;) {
        size_t before = b->n_asked + b->n_told;
        size_t fired = timerq_run(&b->c->timers, b->t.mono_us, 1000);
        event_base_loop(b->base, EVLOOP_NONBLOCK);
        quiet = fired || before != b->n_asked + b->n_told ? 0 : quiet + 1;
    }
}

/* Moves the clock in steps small enough for every timer. */
static inline void pass(struct bench *b, unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i++) {
        b->t.mono_us += USEC_PER_SEC;
        settle(b);
    }
}

static inline void bench_datapath(struct bench *b)
{
    int fd[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    ipc_free(b->dp_end);
    b->dp_end = ipc_new(b->base, fd[1], on_told, NULL, b);
    assert_non_null(b->dp_end);
    control_set_datapath(b->c, fd[0]);
}

static inline int bench_up(void **state)
{
    struct bench *b = (struct bench *)calloc(1, sizeof(*b));
    int fd[2];
    assert_non_null(b);
    b->base = event_base_new();
    b->t = (struct manual_time){.mono_us = 1000 * USEC_PER_SEC, .wall_us = 1};
    log_init(&b->log, "test", STDERR_FILENO, LOGL_ERROR);
    struct control_opts o = {.base = b->base,
                             .clock = clock_manual(&b->t),
                             .log = &b->log,
                             .notice = on_bench_notice,
                             .ctx = b,
                             .lab = true};
    b->c = control_new(&o);
    assert_non_null(b->c);
    world_close(&b->c->world); /* the real one */
    b->c->world.log = &b->log;
    jobs_free(b->c->jobs); /* key agreement at once */
    b->c->jobs = NULL;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    b->launcher = ipc_new(b->base, fd[0], on_launcher, NULL, b);
    b->launcher_end = ipc_new(b->base, fd[1], on_asked, NULL, b);
    control_set_launcher(b->c, b->launcher);
    bench_datapath(b);
    *state = b;
    return 0;
}

static inline int bench_down(void **state)
{
    struct bench *b = (struct bench *)*state;
    control_free(b->c);
    ipc_free(b->launcher);
    ipc_free(b->launcher_end);
    ipc_free(b->dp_end);
    event_base_free(b->base);
    free(b);
    return 0;
}

static inline unsigned count(const struct frame *v, size_t n, uint16_t type)
{
    unsigned k = 0;
    for (size_t i = 0; i < n; i++)
        k += v[i].type == type;
    return k;
}
#define ASKED(b, type) count((b)->asked, (b)->n_asked, (type))
#define TOLD(b, type)  count((b)->told, (b)->n_told, (type))

static inline void forget_frames(struct bench *b)
{
    b->n_asked = b->n_told = 0;
}

/* --- VPN-PEER-1 of seed 000, with knobs
 * ------------------------------------------------------------- */

struct wish {
    const char *outside; /* address; NULL: none */
    const char *psk;     /* NULL: no tunnel-groups */
    const char *profile;
    const char *redundancy; /* the standby group whose address the map's tunnels have */
    const char *vip; /* that of the group "HA" of the outside; NULL: there is none; "": learnt */
    unsigned peers, lines; /* of the map entry and its list */
    unsigned idle;         /* seconds, and then the first peer again */
    uint16_t mtu;          /* of the outside; 0: not configured */
    uint16_t port;         /* lines for TCP to port … port+10 only; 0: for everything */
    bool deny_first, twice, ikev2, map, proposal, shutdown;
    bool any, both;        /* a permit any any behind the lines; the map also on the inside */
    bool templ;            /* the entry is of a template, without peers … */
    bool open;             /* … and without a list */
    bool ikev1;            /* spoken, too, with the same proposal as transform set */
    bool skip_dead, probe; /* the first peer is probed each second, for 300 ms */
    bool follow;           /* the walk begins where it ended before (IOS) */
    bool moved;            /* the first peer is reached by the inside */
    bool stateful;         /* another box knows of the tunnels with that address */
    bool scheme;           /* … and the group decides which box is active */
    bool preempt;          /* the group takes over from lower priorities */
    bool inside;           /* the inside has a group, too: 20, "IN", 10.10.10.100 */
    bool rri;              /* routes to what is protected, without an SA, too */
    bool behind;           /* half of 192.168.10.0/24 is reached by the inside, not by the map */
};

static inline struct wish seed_wish(void)
{
    return (struct wish){.outside = "192.0.2.1",
                         .psk = "cisco",
                         .peers = 2,
                         .lines = 1,
                         .ikev2 = true,
                         .map = true,
                         .proposal = true};
}

static inline void wish_map(struct intent *i, const struct wish *w)
{
    static const char *const peers[] = {"203.0.113.1", "198.51.100.1"};
    struct intent_acl *acl = i->acl = arena_new(&i->arena, struct intent_acl);
    i->n_acl = 1;
    strcpy(acl->name, "CRYPTO-2");
    acl->ace = arena_array(&i->arena, struct intent_ace, 8);
    if (w->deny_first)
        acl->ace[acl->n++] =
            (struct intent_ace){.line = 1, .sel = sel("10.10.10.0", 24, "192.168.10.128", 25)};
    for (unsigned k = 0; k < w->lines; k++) {
        char dst[32];
        snprintf(dst, sizeof(dst), "192.168.%u.0", 10 + k);
        struct intent_ace *a = &acl->ace[acl->n++];
        *a = (struct intent_ace){.permit = true,
                                 .line = acl->n,
                                 .sel = sel("10.10.10.0", 24, dst, 24)};
        if (w->port) {
            a->sel.proto = 6;
            a->sel.rport[0] = w->port;
            a->sel.rport[1] = (uint16_t)(w->port + 10);
        }
    }
    if (w->twice) {
        acl->ace[acl->n] = acl->ace[acl->n - 1];
        acl->n++;
    }
    if (w->any)
        acl->ace[acl->n++] =
            (struct intent_ace){.permit = true, .line = 9, .sel = sel("0.0.0.0", 0, "0.0.0.0", 0)};
    i->n_map = 1;
    struct intent_map *m = i->map = arena_new(&i->arena, struct intent_map);
    struct intent_map_entry *e = m->entry = arena_new(&i->arena, struct intent_map_entry);
    strcpy(m->name, "MAP-2");
    m->n = 1;
    e->seq = 1;
    e->acl = acl;
    e->follow = w->follow;
    e->rri.on = e->rri.always = w->rri;
    e->idle_seconds = w->idle;
    e->idle_default = w->idle != 0;
    for (unsigned k = 0; !w->templ && k < w->peers; k++)
        e->peer[e->n_peer++] = adr(peers[k]);
    if (w->templ) {
        e->dynamic = true;
        e->template = 10;
        e->connection = CONN_ANSWER;
        e->any = w->open;
        e->acl = w->open ? NULL : acl;
        e->profile = w->profile;
    }
    if (w->proposal) {
        e->proposal[0] = &i->proposal[0];
        e->n_proposal = 1;
    }
    if (w->proposal && w->ikev1) {
        e->transform[0] = &i->proposal[0];
        e->n_transform = 1;
    }
    e->life_seconds = 28800;
    e->life_kbytes = 4608000;
    e->replay_window = 64;
}

static inline void wish_crypto(struct intent *i, const struct wish *w)
{
    static const char *const peers[] = {"203.0.113.1", "198.51.100.1"};
    i->n_policy = i->n_proposal = 1;
    i->policy = arena_new(&i->arena, struct ike_policy);
    *i->policy = (struct ike_policy){.priority = 1,
                                     .encr = {{ENCR_AES_CBC, 256}},
                                     .integ = {INTEG_SHA256_128},
                                     .prf = {PRF_SHA256},
                                     .group = {DH_X25519},
                                     .n_encr = 1,
                                     .n_integ = 1,
                                     .n_prf = 1,
                                     .n_group = 1,
                                     .lifetime = 86400};
    i->proposal = arena_new(&i->arena, struct ike_esp_proposal);
    *i->proposal = (struct ike_esp_proposal){.name = "PROPOSAL",
                                             .encr = {{ENCR_AES_CBC, 256}},
                                             .integ = {INTEG_SHA256_128},
                                             .n_encr = 1,
                                             .n_integ = 1};
    if (!w->psk)
        return;
    i->n_peer = 2;
    i->peer = arena_array(&i->arena, struct intent_peer, 2);
    for (int k = 0; k < 2; k++) {
        const uint8_t *psk = (const uint8_t *)arena_strdup(&i->arena, w->psk);
        uint16_t n = (uint16_t)strlen(w->psk);
        i->peer[k] = (struct intent_peer){
            .remote = pfx(peers[k], 32),
            .cfg = {.local_psk = psk, .remote_psk = psk, .local_psk_len = n, .remote_psk_len = n}};
    }
}

static inline struct intent_hsrp wished_group(const struct wish *w, const char *port, uint16_t n,
                                              const char *name, const char *vip)
{
    struct intent_hsrp h = {.cfg = {.number = n,
                                    .version = 1,
                                    .ip = true,
                                    .vip = *vip ? adr(vip) : (struct addr){0},
                                    .priority = HSRP_PRIORITY,
                                    .preempt = w->preempt,
                                    .hello_ms = HSRP_HELLO_MS,
                                    .hold_ms = HSRP_HOLD_MS,
                                    .auth = HSRP_AUTH_TEXT,
                                    .text = "cisco"}};
    str_copy(h.ifname, sizeof(h.ifname), port);
    str_copy(h.cfg.name, sizeof(h.cfg.name), name);
    return h;
}

static inline void wish_group(struct intent *i, const struct wish *w)
{
    if (w->redundancy)
        str_copy(i->ifs[0].redundancy, sizeof(i->ifs[0].redundancy), w->redundancy);
    i->ifs[0].stateful = w->stateful;
    if (!w->vip)
        return;
    i->n_hsrp = w->inside ? 2 : 1;
    i->hsrp = arena_array(&i->arena, struct intent_hsrp, 2);
    i->hsrp[0] = wished_group(w, "GigabitEthernet0/0", 10, "HA", w->vip);
    i->hsrp[1] = wished_group(w, "GigabitEthernet0/1", 20, "IN", "10.10.10.100");
    i->sso.inter_device = w->scheme;
    if (w->scheme)
        strcpy(i->sso.group, "HA");
    if (w->redundancy && strcmp(w->redundancy, "HA") == 0)
        i->ifs[0].vip = i->hsrp->cfg.vip;
}

static inline void wish_apply(struct bench *b, const struct wish *w)
{
    struct intent i = {0};
    wish_crypto(&i, w);
    wish_map(&i, w);
    i.n_if = 2;
    i.ifs = arena_array(&i.arena, struct intent_if, 2);
    strcpy(i.ifs[0].name, "GigabitEthernet0/0");
    strcpy(i.ifs[0].nameif, "OUTSIDE");
    if (w->outside)
        i.ifs[0].addr = pfx(w->outside, 24);
    i.ifs[0].ikev2 = w->ikev2;
    i.ifs[0].ikev1 = w->ikev1;
    i.ifs[0].map = w->map ? i.map : NULL;
    i.ifs[0].shutdown = w->shutdown;
    wish_group(&i, w);
    i.ifs[0].mtu = w->mtu;
    i.ifs[1].map = w->both ? i.map : NULL;
    strcpy(i.ifs[1].name, "GigabitEthernet0/1");
    strcpy(i.ifs[1].nameif, "INSIDE");
    i.ifs[1].addr = pfx("10.10.10.2", 24);
    i.n_route = w->behind || w->moved ? 2 : 1;
    i.route = arena_array(&i.arena, struct intent_route, 2);
    i.route[0] =
        (struct intent_route){.dst = pfx("0.0.0.0", 0), .gateway = adr("192.0.2.2"), .distance = 1};
    strcpy(i.route[0].ifname, "GigabitEthernet0/0");
    i.route[1] =
        (struct intent_route){.dst = w->moved ? pfx("203.0.113.1", 32) : pfx("192.168.10.128", 25),
                              .gateway = adr("10.10.10.9"),
                              .distance = 1};
    strcpy(i.route[1].ifname, "GigabitEthernet0/1");
    i.skip_dead = w->skip_dead;
    if (w->probe) {
        i.n_sla = 1;
        i.sla = arena_new(&i.arena, struct intent_sla);
        *i.sla = (struct intent_sla){.number = 1,
                                     .target = adr("203.0.113.1"),
                                     .packets = 1,
                                     .frequency = 1,
                                     .timeout = 300,
                                     .threshold = 300,
                                     .size = 28,
                                     .scheduled = true,
                                     .start = SLA_START_NOW,
                                     .life = SLA_FOREVER};
    }
    i.log = (struct syslog_cfg){.asa = b->c->ports.asa, .on = true, .size = 4096};
    i.log.sink[SYSLOG_BUFFER].on = true;
    i.log.sink[SYSLOG_BUFFER].level = 7;
    control_apply(b->c, &i);
    settle(b);
}

/* The box of the seed, configured and settled. */
static inline struct bench *bench_seed(void **state)
{
    struct bench *b = (struct bench *)*state;
    struct wish w = seed_wish();
    bench_link(b, "eth0", true, 1500);
    bench_link(b, "eth1", true, 1500);
    control_set_ports(b->c, "GigabitEthernet0/0 eth0\nGigabitEthernet0/1 eth1\n", true);
    wish_apply(b, &w);
    return b;
}

static inline uint32_t policy_of(struct bench *b)
{
    assert_true(b->c->ids.n > 0);
    return b->c->ids.by_policy[0]->policy;
}

static inline void acquire(struct bench *b, uint32_t policy)
{
    struct sadb_acquire a = {.ifid = 1, .policy = policy};
    ipc_send(b->dp_end, SADB_ACQUIRE, &a, sizeof(a));
    settle(b);
}

static inline bool first_sa(void *ctx, const struct ike_sa_state *sa)
{
    *(const struct ike_sa_state **)ctx = sa;
    return false;
}

/* The peer that IKE is talking to, as text; "" when it talks to nobody. */
static inline const char *talking_to(struct bench *b)
{
    static char text[ADDR_STRLEN];
    const struct ike_sa_state *sa = NULL;
    query_ike_sas(b->c, first_sa, &sa);
    if (!sa)
        return "";
    return addr_print(&sa->path.remote, text, sizeof(text));
}

/* --- an SA with a peer, whoever began it: the host's side of it
 * ----------------------------------------- */

struct tunnel {
    struct ike_sa_state sa;
    struct ike_child_state child;
};

/* An SA with this peer, whoever began it. */
static inline void sa_up(struct bench *b, struct tunnel *t, const char *peer)
{
    struct ike_child_keys keys = {0};
    struct ike_child_cfg cfg;
    *t = (struct tunnel){
        .sa = {
            .version = IKE_V2,
            .path = {.local = adr("192.0.2.1"), .remote = adr(peer), .lport = 500, .rport = 500}}};
    tunnel_child_cfg(b->c->ids.by_policy[0], IKE_V2, &cfg);
    t->child = (struct ike_child_state){.policy = policy_of(b),
                                        .ifid = 1,
                                        .spi_in = 0x1001,
                                        .spi_out = 0x2002,
                                        .encr = ENCR_AES_CBC,
                                        .encr_bits = 256,
                                        .integ = INTEG_SHA256_128,
                                        .proto = SADB_ESP,
                                        .mode = SADB_TUNNEL,
                                        .n_ts = 1,
                                        .ts = {cfg.sel}};
    for (int i = 0; i < 2; i++) {
        keys.encr[i] = (struct sadb_alg){.id = ENCR_AES_CBC, .key_len = 32};
        keys.integ[i] = (struct sadb_alg){.id = INTEG_SHA256_128, .key_len = 32};
    }
    assert_int_equal(control_ike_host.child_alloc(b->c, &t->child), 0);
    assert_int_equal(control_ike_host.child_up(b->c, &t->sa, &t->child, &keys, &cfg), 0);
    settle(b);
}

static inline void sa_down(struct bench *b, struct tunnel *t, enum ike_reason why)
{
    control_ike_host.child_down(b->c, &t->sa, &t->child, why);
    settle(b);
}

#endif
