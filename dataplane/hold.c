/* Packets that wait for the end of a hold. See hold.h. */
#include "dataplane/hold.h"
#include <stdlib.h>
#include <string.h>

struct held {
    struct held *next;
    struct pkt p;    /* what is known of it; its pointers mean nothing here */
    uint32_t before; /* bytes of the outer header, in front of the packet; 0: the kernel has it */
    uint8_t data[];
};

bool hold_push(struct hold *h, const struct pkt *p)
{
    size_t before = p->head ? (size_t)(p->data - p->head) : 0;
    size_t size = sizeof(struct held) + before + p->len;
    if (before > PKT_HEAD || size > HOLD_BYTES - h->bytes)
        return false;
    struct held *n = malloc(size);
    if (!n)
        return false;
    n->next = NULL;
    n->p = *p;
    n->before = (uint32_t)before;
    memcpy(n->data, p->data - before, before + p->len);
    *(h->last ? &h->last->next : &h->head) = n;
    h->last = n;
    h->bytes += size;
    return true;
}

struct held *hold_take(struct hold *h)
{
    struct held *list = h->head;
    *h = (struct hold){0};
    return list;
}

struct held *hold_next(struct held *list, struct pkt *p)
{
    struct held *rest = list->next;
    uint8_t *buf = p->buf;
    *p = list->p;
    p->buf = buf;
    p->data = buf + PKT_HEAD;
    p->head = list->before ? p->data - list->before : NULL;
    p->sa = NULL; /* it may have gone meanwhile */
    memcpy(p->data - list->before, list->data, list->before + p->len);
    free(list);
    return rest;
}

void hold_clear(struct hold *h)
{
    for (struct held *n = hold_take(h), *next; n; n = next) {
        next = n->next;
        free(n);
    }
}
