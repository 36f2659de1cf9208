/* Messages that wait for the datapath and for the standby. See outbox.h. */
#include "control/crypto/outbox.h"
#include "control/priv.h"
#include "control/sso/sso.h"
#include <stdlib.h>
#include <string.h>

#define BYTES_MOST (1024u * 1024)
#define HOLD_MOST  USEC_PER_SEC

struct outbox_message {
    struct outbox_message *next;
    uint64_t after;  /* so many answers */
    uint64_t record; /* and this record of ours is at the standby */
    struct ike_path path;
    size_t len;
    uint8_t msg[];
};

static void send_due(struct control *c);

static void release(struct control *c)
{
    struct outbox *o = &c->outbox;
    o->held = false;
    timer_cancel(&c->timers, &o->limit);
    send_due(c);
}

static void on_limit(struct timer *t, void *owner)
{
    (void)t;
    release((struct control *)owner);
}

void outbox_init(struct control *c)
{
    timer_init(&c->outbox.limit, on_limit, c);
}

void outbox_hold(struct control *c)
{
    struct outbox *o = &c->outbox;
    if (o->held)
        return;
    o->held = true;
    timer_set(&c->timers, &o->limit, clock_mono(&c->o.clock) + HOLD_MOST);
}

void outbox_look(struct control *c)
{
    if (c->outbox.held && launch_idle(&c->launch))
        release(c);
}

void outbox_added(struct control *c)
{
    c->outbox.asked++;
}

void outbox_acked(struct control *c)
{
    struct outbox *o = &c->outbox;
    if (o->answered < o->asked)
        o->answered++;
    if (!o->held)
        send_due(c);
}

bool outbox_take(struct control *c, const struct ike_path *p, const uint8_t *msg, size_t len)
{
    struct outbox *o = &c->outbox;
    bool safe = sso_safe(c) >= sso_put(c);
    if (o->answered == o->asked && !o->held && safe && !o->head)
        return false;
    struct outbox_message *m = NULL;
    if (len <= BYTES_MOST - o->bytes)
        m = (struct outbox_message *)malloc(sizeof(*m) + len);
    if (!m) /* what the standby does not know is not said; the peer asks again */
        return !safe;
    m->next = NULL;
    m->after = o->asked;
    m->record = sso_put(c);
    m->path = *p;
    m->len = len;
    memcpy(m->msg, msg, len);
    if (!o->head)
        o->tail = &o->head;
    *o->tail = m;
    o->tail = &m->next;
    o->bytes += len;
    return true;
}

static struct outbox_message *pop(struct outbox *o)
{
    struct outbox_message *m = o->head;
    if (m) {
        o->head = m->next;
        o->bytes -= m->len;
    }
    return m;
}

static void send_due(struct control *c)
{
    struct outbox *o = &c->outbox;
    while (o->head && o->head->after <= o->answered && o->head->record <= sso_safe(c)) {
        struct outbox_message *m = pop(o);
        ike_transport_send(c, &m->path, m->msg, m->len);
        free(m);
    }
}

void outbox_safe(struct control *c)
{
    if (!c->outbox.held)
        send_due(c);
}

void outbox_flush(struct control *c)
{
    c->outbox.answered = c->outbox.asked;
    release(c);
}

void outbox_free(struct control *c)
{
    struct outbox_message *m;
    timer_cancel(&c->timers, &c->outbox.limit);
    while ((m = pop(&c->outbox)) != NULL)
        free(m);
}
