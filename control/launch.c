/* Requests to the launcher. See launch.h. */
#include "control/launch.h"
#include "lib/str.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DONE_GRACE  (2 * USEC_PER_SEC) /* the kernel's own news should have come by then */
#define LOG_EVERY   (1 * USEC_PER_SEC)
#define RETRY_FIRST (1 * USEC_PER_SEC)
#define RETRY_MOST  (30 * USEC_PER_SEC)

struct launch_call {
    struct launch_call *next;
    uint32_t id;
    void (*fn)(void *ctx, int err);
    void *ctx;
};

static void on_retry(struct timer *t, void *owner)
{
    struct launch *l = (struct launch *)owner;
    (void)t;
    l->kick(l->ctx);
}

void launch_init(struct launch *l, struct timerq *q, const struct clock *clock, struct log *log,
                 void (*kick)(void *ctx), void *ctx)
{
    memset(l, 0, sizeof(*l));
    l->timers = q;
    l->clock = clock;
    l->log = log;
    l->kick = kick;
    l->ctx = ctx;
    l->next_id = 1;
    timer_init(&l->retry, on_retry, l);
}

/* --- the table of wanted requests ------------------------------------------------------------- */

/* FNV-1a over type and body; the id in front of the body does not count. */
static size_t key_of(uint16_t type, const uint8_t *body, size_t len)
{
    uint32_t h = 2166136261u ^ type;
    for (size_t i = sizeof(uint32_t); i < len; i++)
        h = (h ^ body[i]) * 16777619u;
    return (h ^ h >> 15) & (LAUNCH_BUCKETS - 1);
}

static struct launch_op **id_chain(struct launch *l, uint32_t id)
{
    return &l->by_id[id & (LAUNCH_BUCKETS - 1)];
}

static void unchain_id(struct launch *l, struct launch_op *op)
{
    for (struct launch_op **p = id_chain(l, op->id); *p; p = &(*p)->next_id)
        if (*p == op) {
            *p = op->next_id;
            return;
        }
}

static struct launch_op *find(struct launch *l, uint16_t type, const uint8_t *body, size_t len)
{
    for (struct launch_op *op = l->by_key[key_of(type, body, len)]; op; op = op->next_key)
        if (op->type == type && op->len == len &&
            memcmp(op->body + sizeof(op->id), body + sizeof(op->id), len - sizeof(op->id)) == 0)
            return op;
    return NULL;
}

static usec_t pause_after(unsigned fails)
{
    usec_t p = RETRY_FIRST;
    while (fails-- > 1 && p < RETRY_MOST)
        p *= 2;
    return p < RETRY_MOST ? p : RETRY_MOST;
}

static void fail(struct launch *l, struct launch_op *op, int err, const char *text)
{
    op->state = OP_FAILED;
    op->err = err;
    op->fails++;
    op->until = clock_mono(l->clock) + pause_after(op->fails);
    str_copy(op->text, sizeof(op->text), text && *text ? text : strerror(-err));
    uint64_t held;
    if (op->fails == 1 && log_limit_pass(&l->refusals, clock_mono(l->clock), LOG_EVERY, &held))
        log_line(l->log, LOGL_WARNING, "world", "%s%s; will try again", op->text,
                 held ? " (and others like it)" : "");
}

static void send_op(struct launch *l, struct launch_op *op)
{
    unchain_id(l, op);
    op->id = l->next_id++;
    memcpy(op->body, &op->id, sizeof(op->id));
    struct launch_op **chain = id_chain(l, op->id);
    op->next_id = *chain;
    *chain = op;
    int err = l->ipc ? ipc_send(l->ipc, op->type, op->body, op->len) : -ENOTCONN;
    if (err)
        fail(l, op, err, "the launcher cannot be asked");
    else
        op->state = OP_SENT;
}

static struct launch_op *op_new(struct launch *l, uint16_t type, const uint8_t *body, size_t len)
{
    if (len > LAUNCH_BODY)
        return NULL;
    struct launch_op *op = (struct launch_op *)calloc(1, sizeof(*op));
    if (!op)
        return NULL;
    op->type = type;
    op->len = (uint16_t)len;
    memcpy(op->body, body, len);
    struct launch_op **chain = &l->by_key[key_of(type, body, len)];
    op->next_key = *chain;
    *chain = op;
    return op;
}

const struct launch_op *launch_want(struct launch *l, uint16_t type, const void *body, size_t len)
{
    const uint8_t *b = (const uint8_t *)body;
    struct launch_op *op = find(l, type, b, len);
    if (!op)
        op = op_new(l, type, b, len);
    if (!op)
        return NULL;
    op->round = l->round;
    if (op->state != OP_SENT && clock_mono(l->clock) >= op->until)
        send_op(l, op);
    return op;
}

bool launch_idle(const struct launch *l)
{
    for (size_t i = 0; i < LAUNCH_BUCKETS; i++)
        for (const struct launch_op *op = l->by_key[i]; op; op = op->next_key)
            if (op->state == OP_SENT)
                return false;
    return true;
}

void launch_round_begin(struct launch *l)
{
    l->round++;
}

/* Forgets what nobody wants any more, and wakes up for the rest. */
void launch_round_end(struct launch *l)
{
    usec_t next = 0;
    for (size_t i = 0; i < LAUNCH_BUCKETS; i++) {
        for (struct launch_op **p = &l->by_key[i]; *p;) {
            struct launch_op *op = *p;
            if (op->round != l->round && op->state != OP_SENT) {
                *p = op->next_key;
                unchain_id(l, op);
                free(op);
                continue;
            }
            if (op->state != OP_SENT && (!next || op->until < next))
                next = op->until;
            p = &op->next_key;
        }
    }
    if (next)
        timer_set(l->timers, &l->retry, next);
    else
        timer_cancel(l->timers, &l->retry);
}

/* --- single calls ------------------------------------------------------------------------------
 */

int launch_call(struct launch *l, uint16_t type, void *body, size_t len, int fd,
                void (*fn)(void *ctx, int err), void *ctx)
{
    if (!l->ipc)
        return -ENOTCONN;
    struct launch_call *k = (struct launch_call *)calloc(1, sizeof(*k));
    if (!k)
        return -ENOMEM;
    *k = (struct launch_call){.next = l->calls, .id = l->next_id++, .fn = fn, .ctx = ctx};
    memcpy(body, &k->id, sizeof(k->id));
    int err = ipc_send_fds(l->ipc, type, body, len, &fd, fd >= 0 ? 1 : 0);
    if (err) {
        free(k);
        return err;
    }
    l->calls = k;
    return 0;
}

static bool answer_call(struct launch *l, const struct lm_reply *r)
{
    for (struct launch_call **p = &l->calls; *p; p = &(*p)->next) {
        struct launch_call *k = *p;
        if (k->id != r->id)
            continue;
        *p = k->next;
        if (k->fn)
            k->fn(k->ctx, r->err);
        free(k);
        return true;
    }
    return false;
}

/* --- answers ------------------------------------------------------------------------------------
 */

void launch_reply(struct launch *l, const struct lm_reply *r, const char *text)
{
    if (answer_call(l, r))
        return;
    struct launch_op *op = *id_chain(l, r->id);
    while (op && op->id != r->id)
        op = op->next_id;
    if (!op || op->state != OP_SENT)
        return;
    if (r->err) {
        fail(l, op, r->err, text);
    } else {
        op->state = OP_DONE;
        op->err = 0;
        op->fails = 0;
        op->text[0] = '\0';
        op->until = clock_mono(l->clock) + DONE_GRACE;
    }
    l->kick(l->ctx);
}

void launch_set_channel(struct launch *l, struct ipc *ipc)
{
    l->ipc = ipc;
    for (size_t i = 0; i < LAUNCH_BUCKETS; i++)
        for (struct launch_op *op = l->by_key[i]; op; op = op->next_key) {
            op->state = op->state == OP_SENT ? OP_NEW : op->state;
            op->until = 0;
        }
    while (l->calls) {
        struct lm_reply lost = {.id = l->calls->id, .err = -EPIPE};
        answer_call(l, &lost);
    }
}

void launch_free(struct launch *l)
{
    timer_cancel(l->timers, &l->retry);
    launch_set_channel(l, NULL);
    for (size_t i = 0; i < LAUNCH_BUCKETS; i++)
        while (l->by_key[i]) {
            struct launch_op *op = l->by_key[i];
            l->by_key[i] = op->next_key;
            free(op);
        }
}
