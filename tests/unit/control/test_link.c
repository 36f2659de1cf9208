/* Two links that talk to each other over a network made by hand: a clock that the test moves, and
 * packets that get lost, come twice, in another order, or by one path only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/sso/link.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <usrsctp.h>

#define SEC        1000 /* ms */
#define WIRE       65536
#define PACKET_CAP 1500
#define HEADER     12 /* of SCTP; behind it the first chunk */

struct packet {
    usec_t at;
    uint64_t order; /* among those of the same instant */
    uint8_t to, path;
    uint16_t n;
    uint8_t p[PACKET_CAP];
};

struct net;
struct side {
    struct net *net;
    uint8_t me;
    struct sso_link *link;
    unsigned ups, downs, writables;
    char why[64];
    bool up;
    uint32_t next[SSO_STREAMS]; /* the number of the message that has to come next */
    uint32_t sent[SSO_STREAMS];
    uint64_t bytes;
    usec_t last, longest; /* the longest time between two messages */
    unsigned wrong;
    unsigned inits, heartbeats; /* sent by path 0 */
};

struct net {
    struct manual_time t;
    struct clock clock;
    struct timerq timers;
    struct sso_cfg cfg[2];
    struct side side[2];
    struct packet *wire[WIRE]; /* a heap */
    size_t n_wire;
    uint64_t order, random, packets;
    int64_t wall;                /* how far the box's clocks are off, in seconds */
    unsigned loss, twice;        /* per cent */
    usec_t delay, jitter;        /* us */
    uint8_t last[2][PACKET_CAP]; /* packet of each side that had data */
    bool cut[SSO_ADDRS], hold;   /* hold: what is for side 1 waits */
    uint8_t junk[PACKET_CAP];
};

/* usrsctp measures round trips by this: they are to be of our clock. */
static struct net *running;
int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    (void)zone;
    usec_t now = running ? running->t.mono_us + running->wall * USEC_PER_SEC : 0;
    tv->tv_sec = now / USEC_PER_SEC;
    tv->tv_usec = now % USEC_PER_SEC;
    return 0;
}

static uint32_t chance(struct net *n, uint32_t below) /* xorshift64* */
{
    n->random ^= n->random >> 12;
    n->random ^= n->random << 25;
    n->random ^= n->random >> 27;
    return (uint32_t)((n->random * UINT64_C(2685821657736338717)) >> 33) % below;
}

/* --- the wire -------------------------------------------------------------------------------- */

static bool before(const struct packet *a, const struct packet *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void put(struct net *n, struct packet *p)
{
    assert_true(n->n_wire < WIRE);
    size_t i = n->n_wire++;
    for (; i && before(p, n->wire[(i - 1) / 2]); i = (i - 1) / 2)
        n->wire[i] = n->wire[(i - 1) / 2];
    n->wire[i] = p;
}

static struct packet *take(struct net *n)
{
    struct packet *first = n->wire[0], *p = n->wire[--n->n_wire];
    size_t i = 0, c;
    while ((c = 2 * i + 1) < n->n_wire) {
        if (c + 1 < n->n_wire && before(n->wire[c + 1], n->wire[c]))
            c++;
        if (!before(n->wire[c], p))
            break;
        n->wire[i] = n->wire[c];
        i = c;
    }
    n->wire[i] = p;
    return first;
}

static void on_transmit(void *ctx, unsigned path, const uint8_t *p, size_t len)
{
    struct side *s = (struct side *)ctx;
    struct net *n = s->net;
    assert_true(len <= PACKET_CAP);
    n->packets++;
    if (len > HEADER && p[HEADER] == 0)
        memcpy(n->last[s->me], p, len);
    if (len > HEADER && path == 0) {
        s->inits += p[HEADER] == 1;
        s->heartbeats += p[HEADER] == 4;
    }
    if (n->cut[path])
        return;
    unsigned copies = chance(n, 100) < n->loss ? 0 : chance(n, 100) < n->twice ? 2 : 1;
    for (; copies; copies--) {
        struct packet *k = (struct packet *)calloc(1, sizeof(*k));
        k->at = n->t.mono_us + n->delay + (n->jitter ? chance(n, (uint32_t)n->jitter) : 0);
        k->order = n->order++;
        k->to = !s->me;
        k->path = (uint8_t)path;
        k->n = (uint16_t)len;
        memcpy(k->p, p, len);
        put(n, k);
    }
}

static void deliver(struct net *n)
{
    while (n->n_wire && n->wire[0]->at <= n->t.mono_us) {
        struct packet *p = take(n);
        if (n->hold && p->to == 1) {
            p->at += 10 * USEC_PER_MSEC;
            put(n, p);
            continue;
        }
        if (n->side[p->to].link)
            sso_link_input(n->side[p->to].link, p->path, p->p, p->n);
        free(p);
    }
}

static void run(struct net *n, unsigned ms)
{
    for (; ms; ms--) {
        n->t.mono_us += USEC_PER_MSEC;
        deliver(n);
        timerq_run(&n->timers, n->t.mono_us, 100);
    }
}

/* Until both are up, or down; how long it took. */
static unsigned run_until(struct net *n, bool up0, bool up1, unsigned max_ms)
{
    unsigned ms = 0;
    for (; ms < max_ms && (n->side[0].up != up0 || n->side[1].up != up1); ms++)
        run(n, 1);
    assert_int_equal(n->side[0].up, up0);
    assert_int_equal(n->side[1].up, up1);
    return ms;
}

/* --- who uses the links ------------------------------------------------------------------------
 */

static void on_up(void *ctx)
{
    struct side *s = (struct side *)ctx;
    assert_false(s->up);
    s->up = true;
    s->ups++;
    memset(s->next, 0, sizeof(s->next));
    memset(s->sent, 0, sizeof(s->sent));
    s->last = s->net->t.mono_us;
}

static void on_down(void *ctx, const char *why)
{
    struct side *s = (struct side *)ctx;
    assert_true(s->up);
    s->up = false;
    s->downs++;
    snprintf(s->why, sizeof(s->why), "%s", why);
}

/* A message says its stream, number and length; the rest follows from the number. */
static void fill(uint8_t *p, size_t n, unsigned stream, uint32_t number)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(number * 31 + i * 7 + (i >> 8));
    uint32_t head[3] = {stream, number, (uint32_t)n};
    memcpy(p, head, sizeof(head));
}

static void on_message(void *ctx, enum sso_stream stream, const uint8_t *p, size_t n)
{
    static uint8_t want[SSO_MESSAGE_MAX];
    struct side *s = (struct side *)ctx;
    usec_t now = s->net->t.mono_us;
    fill(want, n, stream, s->next[stream]++);
    if (memcmp(want, p, n) != 0)
        s->wrong++;
    s->bytes += n;
    if (now - s->last > s->longest)
        s->longest = now - s->last;
    s->last = now;
}

static void on_writable(void *ctx)
{
    ((struct side *)ctx)->writables++;
}

static const struct sso_link_ops ops = {on_transmit, on_up, on_down, on_message, on_writable};

static int say(struct side *s, enum sso_stream stream, size_t n)
{
    static uint8_t p[SSO_MESSAGE_MAX];
    fill(p, n, stream, s->sent[stream]);
    int err = sso_link_send(s->link, stream, p, n);
    if (!err)
        s->sent[stream]++;
    return err;
}

static void start(struct net *n, unsigned i)
{
    n->side[i].link = sso_link_new(&n->cfg[i], &ops, &n->side[i], &n->timers, &n->clock);
    assert_non_null(n->side[i].link);
}

static void stop(struct net *n, unsigned i)
{
    sso_link_free(n->side[i].link);
    n->side[i].link = NULL;
    n->side[i].up = false;
}

static struct net *net_new(unsigned paths)
{
    struct net *n = (struct net *)calloc(1, sizeof(*n));
    n->t.mono_us = 1000 * USEC_PER_SEC;
    n->clock = clock_manual(&n->t);
    n->random = 20260521;
    n->delay = 200;
    running = n;
    for (unsigned i = 0; i < 2; i++) {
        n->side[i].net = n;
        n->side[i].me = (uint8_t)i;
        struct sso_cfg *c = &n->cfg[i];
        c->n_local = c->n_remote = (uint8_t)paths;
        for (unsigned k = 0; k < paths; k++) {
            c->local[k] = addr_from_v4(0x0a000001 + 256 * k + i);
            c->remote[k] = addr_from_v4(0x0a000001 + 256 * k + !i);
        }
        c->local_port = i ? 5001 : 5000;
        c->remote_port = i ? 5000 : 5001;
        c->rto_min = 300;
        c->rto_max = 600;
        c->path_retransmit = c->assoc_retransmit = 4;
        c->hold = SSO_HOLD;
    }
    return n;
}

static struct net *net_up(unsigned paths)
{
    struct net *n = net_new(paths);
    start(n, 0);
    start(n, 1);
    run_until(n, true, true, 5 * SEC);
    return n;
}

static void lose(struct net *n) /* what is under way */
{
    while (n->n_wire)
        free(take(n));
}

static void net_free(struct net *n)
{
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(n->side[i].wrong, 0);
        if (n->side[i].link)
            stop(n, i);
    }
    lose(n);
    timerq_free(&n->timers);
    running = NULL;
    free(n);
}

/* --- tests --------------------------------------------------------------------------------------
 */

static void test_both_call(void **state)
{
    (void)state;
    struct net *n = net_new(1);
    n->delay = 50 * USEC_PER_MSEC; /* so that the calls cross */
    start(n, 0);
    start(n, 1);
    run_until(n, true, true, 5 * SEC);
    run(n, 20 * SEC);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(n->side[i].ups, 1);
        assert_int_equal(n->side[i].downs, 0);
    }
    net_free(n);
}

static void test_same_ports(void **state)
{
    (void)state;
    struct net *n = net_new(1);
    for (unsigned i = 0; i < 2; i++)
        n->cfg[i].local_port = n->cfg[i].remote_port = 5000;
    start(n, 0);
    run(n, 10 * SEC); /* nobody there */
    assert_false(n->side[0].up);
    start(n, 1);
    run_until(n, true, true, 5 * SEC);
    assert_int_equal(say(&n->side[0], SSO_STREAM_RECORDS, 100), 0);
    assert_int_equal(say(&n->side[1], SSO_STREAM_COUNTERS, 100), 0);
    run(n, 100);
    assert_int_equal(n->side[0].next[SSO_STREAM_COUNTERS], 1);
    assert_int_equal(n->side[1].next[SSO_STREAM_RECORDS], 1);
    net_free(n);
}

static void test_sizes(void **state)
{
    (void)state;
    static uint8_t big[SSO_MESSAGE_MAX + 1];
    struct net *n = net_up(1);
    struct side *a = &n->side[0], *b = &n->side[1];
    assert_int_equal(sso_link_send(a->link, SSO_STREAM_RECORDS, big, sizeof(big)), -EMSGSIZE);
    assert_int_equal(sso_link_send(a->link, SSO_STREAM_RECORDS, big, 0), -EMSGSIZE);
    static const size_t sizes[] = {12, 13, 1239, 1240, 1241, 65535, 65536};
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        assert_int_equal(say(a, SSO_STREAM_RECORDS, sizes[i]), 0);
    /* a small one overtakes long ones on another stream, or at least is not damaged by them */
    assert_int_equal(say(a, SSO_STREAM_CONTROL, 12), 0);
    run(n, 2 * SEC);
    assert_int_equal(b->next[SSO_STREAM_RECORDS], sizeof(sizes) / sizeof(sizes[0]));
    assert_int_equal(b->next[SSO_STREAM_CONTROL], 1);
    stop(n, 1);
    run(n, 1 * SEC);
    assert_false(a->up);
    assert_int_equal(say(a, SSO_STREAM_CONTROL, 12), -ENOTCONN);
    net_free(n);
}

/* What is lost, comes twice or in another order arrives once and in order. */
static void lossy(unsigned paths)
{
    struct net *n = net_new(paths);
    for (unsigned i = 0; i < 2; i++)
        n->cfg[i].assoc_retransmit = 20; /* this is not about giving up */
    start(n, 0);
    start(n, 1);
    run_until(n, true, true, 5 * SEC);
    n->loss = 20;
    n->twice = 10;
    n->jitter = 5 * USEC_PER_MSEC;
    unsigned want = 400;
    for (unsigned ms = 0; ms < 400 * SEC; ms++) {
        for (unsigned i = 0; i < 2; i++)
            for (unsigned s = 0; s < SSO_STREAMS; s++)
                if (n->side[i].sent[s] < want)
                    (void)say(&n->side[i], (enum sso_stream)s, 12 + chance(n, 3000));
        run(n, 1);
        unsigned all = 0;
        for (unsigned i = 0; i < 2; i++)
            for (unsigned s = 0; s < SSO_STREAMS; s++)
                all += n->side[i].next[s];
        if (all == 2 * SSO_STREAMS * want)
            break;
    }
    for (unsigned i = 0; i < 2; i++)
        for (unsigned s = 0; s < SSO_STREAMS; s++)
            assert_int_equal(n->side[i].next[s], want);
    printf("          %u path(s): %u ms, %u packets\n", paths,
           (unsigned)((n->t.mono_us - 1000 * USEC_PER_SEC) / 1000), (unsigned)n->packets);
    assert_int_equal(n->side[0].downs + n->side[1].downs, 0);
    net_free(n);
}

static void test_lossy(void **state)
{
    (void)state;
    lossy(1);
    lossy(2);
}

/* A cut is found after the configured number of retries, with traffic and without. */
static void cut(uint32_t rto_min, uint32_t rto_max, uint8_t retries, bool traffic, unsigned least,
                unsigned most)
{
    struct net *n = net_new(1);
    for (unsigned i = 0; i < 2; i++) {
        n->cfg[i].rto_min = rto_min;
        n->cfg[i].rto_max = rto_max;
        n->cfg[i].assoc_retransmit = retries;
    }
    start(n, 0);
    start(n, 1);
    run_until(n, true, true, 5 * SEC);
    run(n, 30 * SEC);
    n->cut[0] = true;
    if (traffic) {
        assert_int_equal(say(&n->side[0], SSO_STREAM_RECORDS, 100), 0);
        assert_int_equal(say(&n->side[1], SSO_STREAM_RECORDS, 100), 0);
    }
    unsigned took = run_until(n, false, false, most);
    printf("          rto %u..%u, %u retries%s: %u ms\n", rto_min, rto_max, retries,
           traffic ? "" : ", idle", took);
    assert_true(took >= least);
    for (unsigned i = 0; i < 2; i++)
        assert_string_equal(n->side[i].why, "peer does not answer");
    run(n, 30 * SEC);
    n->cut[0] = false;
    run_until(n, true, true, 2 * rto_max + 2 * SEC);
    run(n, 5 * SEC);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(n->side[i].ups, 2);
    net_free(n);
}

static void test_cut(void **state)
{
    (void)state;
    /* the first RTO and `retries` more of them, up to the highest, each */
    cut(300, 600, 4, true, 2400, 3600);
    cut(300, 600, 4, false, 2000, 4500);
    cut(300, 300, 2, true, 800, 1200);
    cut(300, 10000, 4, true, 300 + 600 + 1200 + 2400, 12000);
    cut(1000, 2000, 2, false, 2500, 9000);
}

/* INITs to nobody in a minute. */
static unsigned inits(uint32_t timeout)
{
    struct net *n = net_new(1);
    n->cfg[0].init_timeout = timeout;
    start(n, 0);
    run(n, 60 * SEC);
    unsigned sent = n->side[0].inits;
    /* and when the other one is there, it is as ever */
    start(n, 1);
    run_until(n, true, true, timeout + 2 * SEC);
    run(n, 5 * SEC);
    n->cut[0] = true;
    assert_int_equal(say(&n->side[0], SSO_STREAM_RECORDS, 100), 0);
    assert_true(run_until(n, false, false, 6 * SEC) > 2 * SEC);
    net_free(n);
    return sent;
}

static void test_init_timeout(void **state)
{
    (void)state;
    unsigned usual = inits(0), slow = inits(10000), some = inits(1000);
    printf("          INITs in a minute: %u, %u each second, %u each ten\n", usual, some, slow);
    assert_in_range(usual, 80, 101); /* RTO.Max */
    assert_in_range(some, 45, 61);
    assert_in_range(slow, 5, 7);
}

/* Heartbeats of an idle minute, and how long a cut stays unseen. */
static unsigned heartbeats(uint32_t keepalive, unsigned *found)
{
    struct net *n = net_new(2);
    n->cfg[0].keepalive = n->cfg[1].keepalive = keepalive;
    start(n, 0);
    start(n, 1);
    run_until(n, true, true, 5 * SEC);
    assert_int_equal(say(&n->side[0], SSO_STREAM_RECORDS, 100), 0);
    run(n, SEC); /* after data it is idle again */
    n->side[0].heartbeats = 0;
    run(n, 60 * SEC);
    unsigned sent = n->side[0].heartbeats;
    struct sso_path path[SSO_ADDRS];
    uint8_t paths;
    sso_link_paths(n->side[0].link, path, &paths);
    assert_true(path[0].up && path[1].up && !path[0].lost && !path[1].lost);
    n->cut[0] = n->cut[1] = true;
    *found = run_until(n, false, false, 5 * (keepalive + SEC) + 5 * SEC);
    net_free(n);
    return sent;
}

static void test_keepalive(void **state)
{
    (void)state;
    unsigned found[3], sent[3];
    const uint32_t keepalive[3] = {0, 1000, 10000};
    for (unsigned i = 0; i < 3; i++) {
        sent[i] = heartbeats(keepalive[i], &found[i]);
        printf("          keepalive %u: %u heartbeats in a minute, a cut is found in %u ms\n",
               keepalive[i], sent[i], found[i]);
    }
    assert_in_range(sent[0], 100, 400);
    assert_in_range(sent[1], 35, 60);
    assert_in_range(sent[2], 4, 7);
    assert_true(found[0] < found[1] && found[1] < found[2]);
}

static void test_restart(void **state)
{
    (void)state;
    struct net *n = net_up(1);
    /* silently, as after a crash: nothing of the old one gets out */
    for (unsigned k = 1; k <= 5; k++) {
        assert_int_equal(say(&n->side[0], SSO_STREAM_RECORDS, 50000), 0);
        n->cut[0] = true;
        stop(n, 1);
        lose(n);
        assert_int_equal(say(&n->side[0], SSO_STREAM_RECORDS, 50000), 0);
        n->cut[0] = false;
        start(n, 1);
        for (unsigned ms = 0; ms < 5 * SEC && n->side[0].ups == k; ms++)
            run(n, 1);
        run_until(n, true, true, SEC);
        assert_int_equal(n->side[0].ups, k + 1);
        assert_int_equal(n->side[0].downs, k);
        assert_string_equal(n->side[0].why, "peer restarted");
        /* what had been sent to the one before does not reach this one */
        run(n, 2 * SEC);
        assert_int_equal(n->side[1].next[SSO_STREAM_RECORDS], 0);
        assert_int_equal(say(&n->side[0], SSO_STREAM_RECORDS, 100), 0);
        run(n, 100);
        assert_int_equal(n->side[1].next[SSO_STREAM_RECORDS], 1);
    }
    /* an orderly end is told at once */
    stop(n, 1);
    run(n, 10);
    assert_false(n->side[0].up);
    assert_string_equal(n->side[0].why, "aborted by peer");
    start(n, 1);
    run_until(n, true, true, 5 * SEC);
    net_free(n);
}

static void test_stalled(void **state)
{
    (void)state;
    struct net *n = net_up(1);
    struct side *a = &n->side[0];
    n->hold = true;
    unsigned sent = 0;
    while (say(a, SSO_STREAM_RECORDS, 10000) == 0)
        assert_true(++sent < 1000);
    assert_true(sent > 100);
    run(n, 500);
    assert_int_equal(a->writables, 0);
    n->hold = false;
    run(n, 10 * SEC);
    assert_true(a->writables > 0);
    assert_int_equal(a->downs, 0);
    assert_int_equal(n->side[1].next[SSO_STREAM_RECORDS], sent);
    /* small ones are bounded by their number */
    n->hold = true;
    for (sent = 0; say(a, SSO_STREAM_COUNTERS, 12) == 0; sent++)
        assert_true(sent < 20000);
    a->writables = 0;
    n->hold = false;
    run(n, 10 * SEC);
    assert_int_equal(a->writables, 1);
    assert_int_equal(n->side[1].next[SSO_STREAM_COUNTERS], sent);
    net_free(n);
}

/* As many messages as the hold queue has room for, and as many again when it is empty. */
static void test_hold_queue(void **state)
{
    (void)state;
    struct net *n = net_new(1);
    struct side *a = &n->side[0];
    n->cfg[0].hold = 100;
    start(n, 0);
    start(n, 1);
    run_until(n, true, true, 5 * SEC);
    n->cut[0] = true;
    unsigned sent = 0;
    while (sent < 1000 && say(a, SSO_STREAM_COUNTERS, 1200) == 0)
        sent++;
    assert_int_equal(sent, 100);
    run(n, 200);
    assert_int_equal(a->writables, 0);
    n->cut[0] = false;
    for (unsigned k = 1; k < 5; k++) {
        for (unsigned ms = 0; ms < 5 * SEC && a->writables < k; ms++)
            run(n, 1);
        assert_int_equal(a->writables, k);
        assert_int_equal(n->side[1].next[SSO_STREAM_COUNTERS], sent);
        unsigned more = 0;
        while (more < 1000 && say(a, SSO_STREAM_COUNTERS, 1200) == 0)
            more++;
        assert_int_equal(more, 100);
        sent += more;
    }
    net_free(n);
}

static void test_bulk(void **state)
{
    (void)state;
    struct net *n = net_up(2);
    struct side *a = &n->side[0];
    unsigned ms = 0;
    while (n->side[1].bytes < 10 << 20 && ms < 60 * SEC) {
        while (say(a, SSO_STREAM_RECORDS, 2000) == 0)
            ;
        run(n, 1);
        ms++;
    }
    assert_true(n->side[1].bytes >= 10 << 20);
    printf("          10 MB in %u ms of its time\n", ms);
    assert_true(ms < 10 * SEC);
    net_free(n);
}

static void test_two_paths(void **state)
{
    (void)state;
    struct net *n = net_up(2);
    struct side *a = &n->side[0], *b = &n->side[1];
    struct sso_path path[SSO_ADDRS];
    uint8_t np;
    n->loss = 1;
    for (unsigned ms = 0; ms < 60 * SEC; ms++) {
        if (ms % 10 == 0)
            (void)say(a, SSO_STREAM_COUNTERS, 100);
        n->cut[0] = ms >= 10 * SEC && ms < 20 * SEC;
        n->cut[1] = ms >= 30 * SEC && ms < 40 * SEC;
        run(n, 1);
        sso_link_paths(b->link, path, &np);
        assert_int_equal(np, 2);
        if (ms == 9 * SEC || ms == 29 * SEC || ms == 50 * SEC)
            assert_true(path[0].up && path[1].up);
        if (ms == 19 * SEC)
            assert_true(!path[0].up && path[1].up);
        if (ms == 39 * SEC)
            assert_true(path[0].up && !path[1].up);
    }
    n->loss = 0;
    run(n, 2 * SEC);
    assert_int_equal(a->downs + b->downs, 0);
    assert_int_equal(b->next[SSO_STREAM_COUNTERS], 6000);
    printf("          longest gap %u us\n", (unsigned)b->longest);
    assert_true(b->longest <= 600 * USEC_PER_MSEC + 50 * USEC_PER_MSEC);
    assert_int_equal(path[0].lost, 1);
    assert_int_equal(path[1].lost, 1);
    assert_true(path[0].rx > 1000 && path[1].rx > 1000 && path[0].tx == path[1].tx);
    net_free(n);
}

/* A piece of a message of side 1's, RFC 9260 §3.3.1, behind the last one that it has sent. */
static void inject(struct net *n, uint32_t after, bool first, size_t len)
{
    uint8_t p[PACKET_CAP] = {0};
    memcpy(p, n->last[1], HEADER + 16);
    uint32_t tsn;
    memcpy(&tsn, p + HEADER + 4, 4);
    tsn = htonl(ntohl(tsn) + after);
    memcpy(p + HEADER + 4, &tsn, 4);
    p[HEADER + 1] = first ? 2 : 0;
    p[HEADER + 2] = (uint8_t)((16 + len) >> 8);
    p[HEADER + 3] = (uint8_t)(16 + len);
    p[HEADER + 11] = 1; /* the next message of its stream */
    memset(p + 8, 0, 4);
    uint32_t sum = usrsctp_crc32c(p, HEADER + 16 + len);
    memcpy(p + 8, &sum, 4);
    sso_link_input(n->side[0].link, 0, p, HEADER + 16 + len);
}

/* A message that does not end is not collected beyond what one may have. */
static void test_too_long(void **state)
{
    (void)state;
    struct net *n = net_up(1);
    struct side *a = &n->side[0];
    assert_int_equal(say(&n->side[1], SSO_STREAM_RECORDS, 20), 0);
    run(n, 50);
    assert_int_equal(a->next[SSO_STREAM_RECORDS], 1);
    n->cut[0] = true; /* its own acknowledgements say nothing of this */
    uint32_t k = 0;
    while (a->up && k < 1000) {
        k++;
        inject(n, k, k == 1, 1200);
    }
    assert_string_equal(a->why, "message of the peer too long");
    assert_true(k * 1200 > SSO_MESSAGE_MAX && k * 1200 <= SSO_MESSAGE_MAX + 2400);
    assert_int_equal(a->next[SSO_STREAM_RECORDS], 1);
    n->cut[0] = false;
    unsigned ups = n->side[1].ups;
    for (unsigned ms = 0; ms < 5 * SEC && n->side[1].ups == ups; ms++)
        run(n, 1);
    assert_int_equal(n->side[1].ups, ups + 1);
    run_until(n, true, true, 5 * SEC);
    net_free(n);
}

/* usrsctp measures by the clocks on the wall. Somebody sets them: nothing ends, and a peer that is
 * gone is found as soon as ever. */
static void test_clocks_are_set(void **state)
{
    static const int64_t off[] = {3600, -7200, 100000000, -100000000, 90};
    (void)state;
    struct net *n = net_up(1);
    for (unsigned i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
        n->wall += off[i];
        for (unsigned ms = 0; ms < 5 * SEC; ms += 50) {
            assert_int_equal(say(&n->side[0], SSO_STREAM_RECORDS, 3000), 0);
            if (ms == 2 * SEC)
                n->wall -= off[i] / 2;
            run(n, 50);
        }
        run(n, 2 * SEC);
        assert_int_equal(n->side[0].downs + n->side[1].downs, 0);
        assert_int_equal(n->side[1].next[SSO_STREAM_RECORDS], (i + 1) * 100);
    }
    n->wall -= 5000;
    n->cut[0] = true;
    assert_int_equal(say(&n->side[0], SSO_STREAM_RECORDS, 100), 0);
    run_until(n, false, false, 6 * SEC);
    n->cut[0] = false;
    n->wall += 9000;
    run_until(n, true, true, 5 * SEC);
    net_free(n);
}

/* Of two paths the second one's copies reach nobody: the peer answers each packet once. */
static void test_copies(void **state)
{
    (void)state;
    uint64_t packets[2];
    for (unsigned paths = 1; paths <= 2; paths++) {
        struct net *n = net_up(paths);
        n->packets = 0;
        for (unsigned k = 0; k < 1000; k++) {
            assert_int_equal(say(&n->side[0], SSO_STREAM_RECORDS, 1000), 0);
            run(n, 5);
        }
        packets[paths - 1] = n->packets / paths;
        net_free(n);
    }
    assert_true(packets[1] < packets[0] * 11 / 10);
}

static void test_junk(void **state)
{
    (void)state;
    struct net *n = net_up(1);
    struct side *a = &n->side[0];
    for (unsigned k = 0; k < 20000; k++) {
        unsigned len = chance(n, PACKET_CAP);
        for (unsigned i = 0; i < len; i++)
            n->junk[i] = (uint8_t)chance(n, 256);
        if (len >= 4 && chance(n, 2)) { /* the ports fit */
            const uint16_t ports[2] = {htons(5001), htons(5000)};
            memcpy(n->junk, ports, 4);
        }
        sso_link_input(a->link, chance(n, 3), n->junk, len);
    }
    run(n, 5 * SEC);
    assert_int_equal(a->downs, 0);
    net_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_call), cmocka_unit_test(test_same_ports),
        cmocka_unit_test(test_sizes),     cmocka_unit_test(test_lossy),
        cmocka_unit_test(test_cut),       cmocka_unit_test(test_init_timeout),
        cmocka_unit_test(test_keepalive), cmocka_unit_test(test_restart),
        cmocka_unit_test(test_stalled),   cmocka_unit_test(test_hold_queue),
        cmocka_unit_test(test_bulk),      cmocka_unit_test(test_two_paths),
        cmocka_unit_test(test_copies),    cmocka_unit_test(test_junk),
        cmocka_unit_test(test_too_long),  cmocka_unit_test(test_clocks_are_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
