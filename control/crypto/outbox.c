/* Messages that wait for the datapath. See outbox.h. */
#include "control/crypto/outbox.h"
#include "control/priv.h"
#include <stdlib.h>
#include <string.h>

#define BYTES_MOST (1024u * 1024)

struct outbox_message {
    struct outbox_message *next;
    struct ike_path path;
    size_t len;
    uint8_t msg[];
};

void outbox_added(struct control *c)
{
    c->outbox.adds++;
}

void outbox_acked(struct control *c)
{
    if (c->outbox.adds && --c->outbox.adds == 0)
        outbox_flush(c);
}

bool outbox_take(struct control *c, const struct ike_path *p, const uint8_t *msg, size_t len)
{
    struct outbox *o = &c->outbox;
    if (!o->adds || len > BYTES_MOST - o->bytes)
        return false;
    struct outbox_message *m = (struct outbox_message *)malloc(sizeof(*m) + len);
    if (!m)
        return false;
    m->next = NULL;
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

void outbox_flush(struct control *c)
{
    struct outbox_message *m;
    c->outbox.adds = 0;
    while ((m = pop(&c->outbox)) != NULL) {
        ike_transport_send(c, &m->path, m->msg, m->len);
        free(m);
    }
}

void outbox_free(struct control *c)
{
    struct outbox_message *m;
    while ((m = pop(&c->outbox)) != NULL)
        free(m);
}
