/*
 * One operation: its requests go out, answers are held against them, and it ends when all are
 * answered or time is up. One answer is enough for a good result.
 */
#include "control/sla/internal.h"
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Between two requests of one operation. */
#define GAP (10 * USEC_PER_MSEC)
/* Until what could not leave is tried again: its interface may be about to get its address. */
#define AGAIN (100 * USEC_PER_MSEC)

void sla_say(const struct sla_op *op, enum sla_trace what, const char *fmt, ...)
{
    const struct sla_host *h = &op->sla->host;
    char text[160];
    va_list ap;
    if (!h->traced || !h->traced(h->ctx, what, op->cfg.number))
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    h->trace(h->ctx, what, &op->cfg, text);
}

static const char *name(const struct sla_op *op)
{
    static const char *const names[] = {
        [SLA_ICMP_ECHO] = "echo", [SLA_UDP_ECHO] = "udpEcho", [SLA_TCP_CONNECT] = "tcpConnect"};
    return names[op->cfg.type];
}

/* The key of a socket of its own: another one for each operation. */
static uint32_t key_of(const struct sla_op *op)
{
    return (uint32_t)(PROBE_ID_BIT | op->slot) << 16 | op->seq;
}

static bool has_socket(const struct sla_op *op)
{
    return op->cfg.type == SLA_TCP_CONNECT || (op->cfg.type == SLA_UDP_ECHO && op->cfg.source_port);
}

static struct probe probe_of(const struct sla_op *op, uint32_t shot)
{
    return (struct probe){.slot = op->slot,
                          .seq = (uint16_t)(op->seq + shot),
                          .nonce = op->nonce,
                          .udp = op->cfg.type == SLA_UDP_ECHO,
                          .size = op->cfg.size,
                          .pattern = op->cfg.pattern};
}

/* --- the end
 * --------------------------------------------------------------------------------------
 */

static void stop(struct sla_op *op)
{
    struct sla *s = op->sla;
    timer_cancel(s->host.timers, &op->wait);
    if (op->running && has_socket(op))
        s->host.disconnect(s->host.ctx, key_of(op));
    op->running = op->connecting = false;
    op->seq = (uint16_t)(op->seq + op->shots);
    op->shots = 0;
}

void sla_run_abort(struct sla_op *op)
{
    stop(op);
}

static const char *said(enum sla_code code)
{
    switch (code) {
    case SLA_TIMEOUT:
        return "Timeout";
    case SLA_NO_CONNECTION:
        return "No connection";
    case SLA_VERIFY_ERROR:
        return "Verify error";
    case SLA_NONE:
    case SLA_OK:
    case SLA_OVER_THRESHOLD:
    case SLA_ERROR:
        break;
    }
    return "Internal error";
}

static void finish(struct sla_op *op, enum sla_code code)
{
    struct sla_view *v = &op->view;
    enum sla_code before = v->code;
    stop(op);
    if (v->rtts) {
        v->rtt = (uint32_t)(v->rtt_sum / v->rtts);
        code = v->rtt > op->cfg.threshold ? SLA_OVER_THRESHOLD : SLA_OK;
    }
    bool good = code == SLA_OK || code == SLA_OVER_THRESHOLD;
    sla_set_code(op, code);
    v->successes += good;
    v->failures += !good;
    if (v->over)
        sla_say(op, SLA_TRACE_ERROR, "%s operation: Over threshold", name(op));
    if (!good) {
        sla_say(op, SLA_TRACE_ERROR, "%s operation: %s", name(op), said(code));
        sla_say(op, SLA_TRACE_STEP, "%s operation: %s", name(op), said(code));
    }
    sla_say(op, SLA_TRACE_STEP, "Scheduler: Updating result");
    if (code != before)
        sla_tell(op);
}

/* --- requests ------------------------------------------------------------------------------------
 */

static enum sla_code refused(int err)
{
    switch (err) {
    case -ENETUNREACH:
    case -EHOSTUNREACH:
    case -ENETDOWN:
    case -EHOSTDOWN:
    case -ECONNREFUSED:
    case -ECONNRESET:
    case -EADDRNOTAVAIL: /* the source is no address of ours, or not yet */
    case -ENODEV:
        return SLA_NO_CONNECTION;
    case -ETIMEDOUT:
        return SLA_TIMEOUT;
    default:
        return SLA_ERROR;
    }
}

static void wait_until(struct sla_op *op, usec_t when)
{
    if (timer_set(op->sla->host.timers, &op->wait, when) < 0)
        finish(op, SLA_ERROR);
}

/* The box itself refused: while there is time it may come right. */
static void later(struct sla_op *op, int err)
{
    const struct sla *s = op->sla;
    usec_t next = sla_now(s) + AGAIN;
    if (err != op->refused)
        sla_say(op, SLA_TRACE_ERROR, "%s operation: cannot send: %s", name(op), strerror(-err));
    op->refused = err;
    op->shots--;
    if (has_socket(op)) {
        s->host.disconnect(s->host.ctx, key_of(op));
        op->connecting = false;
    }
    wait_until(op, next < op->deadline ? next : op->deadline);
}

static void shoot(struct sla_op *op)
{
    struct sla *s = op->sla;
    struct probe p = probe_of(op, op->shots);
    size_t n = probe_write(s->message, op->cfg.target.family, &p);
    struct sla_shot *shot = &op->shot[op->shots++];
    *shot = (struct sla_shot){.sent = sla_now(s)};
    sla_say(op, SLA_TRACE_STEP, "%s operation: Sending %s operation", name(op),
            op->cfg.type == SLA_ICMP_ECHO ? "an echo" : "a udpEcho");
    int err = s->host.send(s->host.ctx, &op->cfg, has_socket(op) ? key_of(op) : 0, s->message, n);
    if (err == -EAGAIN || err == -ENOBUFS)
        err = 0; /* lost on its way, as it may be anywhere */
    if (err) {
        later(op, err);
        return;
    }
    op->refused = 0;
    usec_t next = shot->sent + GAP;
    wait_until(op, op->shots < op->cfg.packets && next < op->deadline ? next : op->deadline);
}

static void connect_to(struct sla_op *op)
{
    struct sla *s = op->sla;
    sla_say(op, SLA_TRACE_STEP, "%s operation: Connecting", name(op));
    op->connecting = true;
    op->shot[0] = (struct sla_shot){.sent = sla_now(s)};
    op->shots = 1;
    int err = s->host.connect(s->host.ctx, &op->cfg, key_of(op));
    if (err) {
        later(op, err);
        return;
    }
    op->refused = 0;
    wait_until(op, op->deadline);
}

static void next_request(struct sla_op *op)
{
    if (has_socket(op))
        connect_to(op);
    else
        shoot(op);
}

void sla_run(struct sla_op *op)
{
    struct sla *s = op->sla;
    struct sla_view *v = &op->view;
    v->attempted++;
    v->started = clock_wall(s->host.clock);
    v->rtts = v->rtt = v->rtt_min = v->rtt_max = 0;
    v->rtt_sum = v->rtt_sum2 = 0;
    op->running = true;
    op->refused = 0;
    op->nonce = s->host.random(s->host.ctx);
    op->deadline = sla_now(s) + (usec_t)op->cfg.timeout * USEC_PER_MSEC;
    sla_say(op, SLA_TRACE_STEP, "Scheduler: Starting an operation");
    next_request(op);
}

static void on_wait(struct timer *t, void *owner)
{
    struct sla_op *op = (struct sla_op *)owner;
    (void)t;
    if (sla_now(op->sla) < op->deadline && !op->connecting && op->shots < op->cfg.packets)
        next_request(op);
    else
        finish(op, op->refused ? refused(op->refused) : SLA_TIMEOUT);
}

void sla_run_init(struct sla_op *op)
{
    timer_init(&op->wait, on_wait, op);
}

/* --- answers -------------------------------------------------------------------------------------
 */

static void measured(struct sla_op *op, struct sla_shot *shot)
{
    struct sla_view *v = &op->view;
    usec_t took = sla_now(op->sla) - shot->sent;
    /* Rounded up: an answer within the first millisecond took one, as the platforms say. */
    uint32_t ms = (uint32_t)((took + USEC_PER_MSEC - 1) / USEC_PER_MSEC);
    shot->answered = true;
    ms = ms ? ms : 1;
    v->rtt_min = v->rtts && v->rtt_min < ms ? v->rtt_min : ms;
    v->rtt_max = v->rtt_max > ms ? v->rtt_max : ms;
    v->rtts++;
    v->rtt_sum += ms;
    v->rtt_sum2 += (uint64_t)ms * ms;
    sla_say(op, SLA_TRACE_STEP, "%s operation: RTT=%u OK", name(op), (unsigned)ms);
    if (v->rtts == op->cfg.packets || op->cfg.type == SLA_TCP_CONNECT)
        finish(op, SLA_OK);
}

/* An ICMP error ends nothing: the path may come back while there is time. */
static void complained(struct sla_op *op, const struct probe_answer *a)
{
    if (addr_eq(&a->about, &op->cfg.target))
        sla_say(op, SLA_TRACE_ERROR, "%s operation: ICMP error, type %u code %u", name(op), a->type,
                a->code);
}

static void answered(struct sla_op *op, const struct probe_answer *a)
{
    uint32_t at = (uint16_t)(a->seq - op->seq);
    if (a->kind == PROBE_ERROR) {
        complained(op, a);
        return;
    }
    if (!op->running || at >= op->shots) {
        op->view.late++;
        sla_say(op, SLA_TRACE_ERROR, "%s operation: late answer", name(op));
        return;
    }
    struct probe p = probe_of(op, at);
    if (!probe_nonce_ok(&p, a)) {
        op->view.forged++;
        return;
    }
    if (op->shot[at].answered)
        return; /* twice on its way */
    if (op->cfg.verify && !probe_payload_ok(&p, a))
        finish(op, SLA_VERIFY_ERROR);
    else
        measured(op, &op->shot[at]);
}

/* The operation that an answer is for, if it comes from where it should. */
static struct sla_op *find(struct sla *s, const struct probe_answer *a, enum intent_sla_type type,
                           const struct addr *from)
{
    struct sla_op *op = s->by_slot[a->slot];
    if (!op || op->cfg.type != type)
        return NULL;
    if (a->kind == PROBE_REPLY && !addr_eq(from, &op->cfg.target)) {
        op->view.forged++;
        return NULL;
    }
    return op;
}

void sla_icmp4(struct sla *s, const uint8_t *ip, size_t len)
{
    struct probe_answer a;
    struct sla_op *op = probe_read_icmp4(ip, len, &a) ? find(s, &a, SLA_ICMP_ECHO, &a.from) : NULL;
    if (op)
        answered(op, &a);
}

void sla_icmp6(struct sla *s, const struct addr *from, const uint8_t *icmp, size_t len)
{
    struct probe_answer a;
    struct sla_op *op = probe_read_icmp6(icmp, len, &a) ? find(s, &a, SLA_ICMP_ECHO, from) : NULL;
    if (op)
        answered(op, &a);
}

void sla_udp(struct sla *s, const struct addr *from, uint16_t port, const uint8_t *p, size_t len)
{
    struct probe_answer a;
    struct sla_op *op = probe_read_udp(p, len, &a) ? find(s, &a, SLA_UDP_ECHO, from) : NULL;
    if (!op)
        return;
    if (port == op->cfg.port)
        answered(op, &a);
    else
        op->view.forged++;
}

void sla_connected(struct sla *s, uint32_t key, int err)
{
    struct sla_op *op = s->by_slot[key >> 16 & (PROBE_SLOTS - 1)];
    if (!op || !op->connecting || key != key_of(op))
        return; /* of an operation that is over */
    if (err == -EADDRNOTAVAIL || err == -ENETUNREACH) {
        later(op, err);
        return;
    }
    op->connecting = false;
    op->refused = 0;
    if (err) {
        sla_say(op, SLA_TRACE_ERROR, "%s operation: %s", name(op), strerror(-err));
        finish(op, refused(err));
    } else if (op->cfg.type == SLA_TCP_CONNECT) {
        measured(op, &op->shot[0]);
    } else {
        op->shots = 0;
        shoot(op);
    }
}
