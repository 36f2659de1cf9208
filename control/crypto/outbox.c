/* Messages that wait for the datapath and for the standby. See outbox.h. */
#include "control/crypto/outbox.h"
#include "control/priv.h"
#include "control/sso/mirror.h"
#include "control/sso/sso.h"
#include <stdlib.h>
#include <string.h>

#define BYTES_MOST (1024u * 1024)
#define HOLD_MOST  USEC_PER_SEC

struct outbox_message {
    struct outbox_message *next;
    uint64_t after;  /* so many answers */
    uint64_t record; /* and this record of ours is at the standby; 0: whatever it has */
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

static void on_more(struct timer *t, void *owner)
{
    struct control *c = (struct control *)owner;
    (void)t;
    if (!c->outbox.held)
        send_due(c);
}

void outbox_init(struct control *c)
{
    timer_init(&c->outbox.limit, on_limit, c);
    timer_init(&c->outbox.more, on_more, c);
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
    bool shared = mirror_shares(c, p), safe = !shared || sso_safe(c) >= sso_put(c);
    if (o->answered == o->asked && !o->held && safe && (!shared || !o->head) &&
        !timer_armed(&o->more))
        return false; /* and what is there waits for the standby */
    struct outbox_message *m = NULL;
    if (len <= BYTES_MOST - o->bytes)
        m = (struct outbox_message *)malloc(sizeof(*m) + len);
    if (!m) /* what the standby does not know is not said; the peer asks again */
        return !safe;
    m->next = NULL;
    m->after = o->asked;
    m->record = shared ? sso_put(c) : 0;
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

/* Takes the one out that *at points to. */
static struct outbox_message *cut(struct outbox *o, struct outbox_message **at)
{
    struct outbox_message *m = *at;
    *at = m->next;
    if (o->tail == &m->next)
        o->tail = at;
    o->bytes -= m->len;
    return m;
}

/* The first that nothing keeps. Both conditions rise along the queue, but for those that wait for
 * no standby: they pass by the others. */
static struct outbox_message *next_due(struct control *c)
{
    struct outbox *o = &c->outbox;
    struct outbox_message **at = &o->head;
    while (*at && (*at)->record > sso_safe(c))
        at = &(*at)->next;
    return *at && (*at)->after <= o->answered ? cut(o, at) : NULL;
}

/* A datapath that had no processor for a while answers for hundreds at once. */
static void send_due(struct control *c)
{
    struct outbox *o = &c->outbox;
    usec_t begin = clock_mono(&c->o.clock);
    struct outbox_message *m;
    timer_cancel(&c->timers, &o->more);
    while ((m = next_due(c)) != NULL) {
        ike_transport_send(c, &m->path, m->msg, m->len);
        free(m);
        usec_t now = clock_mono(&c->o.clock);
        if (now - begin >= CONTROL_TURN && o->head && timer_set(&c->timers, &o->more, now) == 0)
            return;
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
    struct outbox *o = &c->outbox;
    timer_cancel(&c->timers, &o->limit);
    timer_cancel(&c->timers, &o->more);
    while (o->head)
        free(cut(o, &o->head));
}
