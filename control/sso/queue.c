/*
 * What waits for the link: records in their order, and control messages, each of which is of the
 * latest state only. Bounded: a standby that does not read is given up, not waited for.
 */
#include "control/sso/sync_priv.h"
#include "lib/mem.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MOVED_SIZE 12 /* bytes of a struct sso_moved */

static void on_flush(struct timer *t, void *owner)
{
    (void)t;
    sso_queue_flush((struct sso_sync *)owner);
}

void sso_queue_init(struct sso_sync *s)
{
    timer_init(&s->flush, on_flush, s);
    s->tail = &s->head;
}

/* Soon: more may come in this turn of the loop. */
static void soon(struct sso_sync *s)
{
    if (s->up && !s->blocked && !timer_armed(&s->flush))
        (void)timer_set(s->h.timers, &s->flush, clock_mono(s->h.clock));
}

static void pop(struct sso_sync *s)
{
    struct sso_queued *q = s->head;
    s->head = q->next;
    if (!s->head)
        s->tail = &s->head;
    s->queued -= q->len;
    mem_wipe(q->bytes, q->len);
    free(q);
}

void sso_queue_clear(struct sso_sync *s)
{
    while (s->head)
        pop(s);
    mem_wipe(s->out, s->out_len);
    s->out_len = 0;
    s->counters.len = 0;
    s->overflow = false;
    s->bulk_size = 0;
}

void sso_queue_owe(struct sso_sync *s, unsigned what)
{
    s->owes |= what;
    soon(s);
}

static void append(struct sso_sync *s, bool item, const uint8_t *p, size_t n)
{
    /* While a bulk is put together it may be as long as it is. */
    bool bulk = s->phase == SSO_BULK;
    struct sso_queued *q = bulk || s->queued < SSO_QUEUE_MOST + s->bulk_size
                               ? (struct sso_queued *)malloc(sizeof(*q) + n)
                               : NULL;
    soon(s);
    if (!q) { /* told in the next turn: who calls us may be in the middle of something */
        s->overflow = true;
        (void)timer_set(s->h.timers, &s->flush, clock_mono(s->h.clock));
        return;
    }
    q->next = NULL;
    q->item = item;
    q->len = n;
    memcpy(q->bytes, p, n);
    *s->tail = q;
    s->tail = &q->next;
    s->queued += n;
}

void sso_queue_item(struct sso_sync *s, const struct sso_item *i)
{
    uint8_t bytes[SSO_PART + 64];
    struct wbuf w = wbuf_make(bytes, sizeof(bytes));
    sso_wire_add_item(&w, i);
    append(s, true, bytes, w.len);
    mem_wipe(bytes, w.len);
}

void sso_queue_message(struct sso_sync *s, const struct sso_message *m)
{
    uint8_t bytes[256];
    struct wbuf w = wbuf_make(bytes, sizeof(bytes));
    if (sso_wire_write(&w, m) == 0)
        append(s, false, bytes, w.len);
}

/* --- sending ------------------------------------------------------------------------------------
 */

static int out(struct sso_sync *s, enum sso_stream stream, const uint8_t *p, size_t n)
{
    int err = s->h.send(s->h.ctx, stream, p, n);
    if (err) {
        s->blocked = true; /* until it is writable, or there is another link */
        return err;
    }
    s->info.tx++;
    s->info.tx_bytes += n;
    return 0;
}

static int send_message(struct sso_sync *s, struct sso_message *m)
{
    uint8_t bytes[SSO_HEADER + 256 + SSO_SECTIONS * 64];
    struct wbuf w = wbuf_make(bytes, sizeof(bytes));
    m->epoch = s->epoch;
    int err = sso_wire_write(&w, m);
    return err ? err : out(s, SSO_STREAM_CONTROL, bytes, w.len);
}

void sso_sync_switch(struct sso_sync *s, enum sso_switch_step step)
{
    struct sso_message m = {.type = SSO_SWITCH, .step = (uint8_t)step};
    if (s->up && !s->blocked)
        (void)send_message(s, &m);
}

static int send_owed(struct sso_sync *s, unsigned what)
{
    struct sso_message m = {0};
    m.hello = s->me;
    m.hello.holds = s->holds;
    m.hello.mono = clock_mono(s->h.clock);
    m.number = s->have;
    m.bye = (uint8_t)s->bye;
    m.type = what == SSO_OWES_HELLO   ? SSO_HELLO
             : what == SSO_OWES_STATE ? SSO_STATE
             : what == SSO_OWES_ACK   ? SSO_ACK
                                      : SSO_BYE;
    return send_message(s, &m);
}

static int control(struct sso_sync *s)
{
    for (unsigned what = SSO_OWES_HELLO; what <= SSO_OWES_ACK; what <<= 1) {
        int err = s->owes & what ? send_owed(s, what) : 0;
        if (err)
            return err;
        s->owes &= ~what;
    }
    return 0;
}

/* One message of what waits: as many items as fit, or one that is a message already. */
static void compose(struct sso_sync *s)
{
    struct wbuf w = wbuf_make(s->out, sizeof(s->out));
    if (!s->head->item) {
        wbuf_bytes(&w, s->head->bytes, s->head->len);
        s->out_len = w.len;
        pop(s);
        return;
    }
    sso_wire_begin(&w, SSO_RECORDS, s->epoch);
    for (; s->head && s->head->item && (w.len + s->head->len <= SSO_BATCH || w.len == SSO_HEADER);
         pop(s))
        wbuf_bytes(&w, s->head->bytes, s->head->len);
    sso_wire_end(&w);
    s->out_len = w.len;
}

static int records(struct sso_sync *s)
{
    while (s->out_len || s->head) {
        if (!s->out_len)
            compose(s);
        int err = out(s, SSO_STREAM_RECORDS, s->out, s->out_len);
        if (err)
            return err;
        mem_wipe(s->out, s->out_len);
        s->out_len = 0;
    }
    return 0;
}

void sso_queue_flush(struct sso_sync *s)
{
    timer_cancel(s->h.timers, &s->flush);
    if (s->overflow) {
        sso_sync_gone(s, "the standby does not read");
        return;
    }
    if (!s->up || s->blocked)
        return;
    if (control(s) == 0)
        (void)records(s);
}

/* --- how far SAs are ----------------------------------------------------------------------------
 */

static void send_counters(struct sso_sync *s)
{
    if (!s->counters.len)
        return;
    sso_wire_end(&s->counters);
    if (out(s, s->moved_by, s->in, s->counters.len) == 0)
        s->counters.len = 0;
}

static bool add_moved(struct sso_sync *s, const struct sso_moved *m)
{
    if (!s->active || s->phase != SSO_HOT || s->blocked)
        return false;
    if (!s->counters.len)
        sso_wire_begin(&s->counters, SSO_MOVED, s->epoch);
    sso_wire_add_moved(&s->counters, m);
    if (s->counters.cap - s->counters.len < MOVED_SIZE)
        send_counters(s);
    return true;
}

bool sso_sync_inbound(struct sso_sync *s, uint32_t sa, uint64_t next)
{
    return add_moved(s, &(struct sso_moved){.sa = sa, .value = next});
}

bool sso_sync_bytes(struct sso_sync *s, uint32_t sa, uint64_t bytes)
{
    return add_moved(s, &(struct sso_moved){.sa = sa, .is_bytes = true, .value = bytes});
}

void sso_queue_counters(struct sso_sync *s, enum sso_stream by, uint64_t least)
{
    s->moved_by = by;
    if (!s->blocked && s->counters.len) /* what did not fit before */
        send_counters(s);
    if (!s->blocked)
        s->h.moved(s->h.ctx, least);
    if (!s->blocked)
        send_counters(s);
}
