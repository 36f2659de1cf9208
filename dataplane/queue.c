/*
 * Waiting packets. See queue.h.
 */
#include "dataplane/queue.h"
#include <stdlib.h>
#include <string.h>

static uint32_t bucket(uint32_t id)
{
    return id * 2654435761u >> 20;
}
_Static_assert(POLICY_BUCKETS == 1u << 12, "bucket() makes 12 bits");

struct policy *policy_find(const struct policies *ps, uint32_t id)
{
    struct policy *p = ps->buckets[bucket(id)];
    while (p && p->id != id)
        p = p->chain;
    return p;
}

struct policy *policy_get(struct policies *ps, uint32_t id, uint32_t ifid)
{
    struct policy *p = policy_find(ps, id);
    if (p || ps->n >= POLICY_MAX)
        return p;
    p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->id = id;
    p->ifid = ifid;
    p->slot = UINT32_MAX; /* SADB_NO_SLOT */
    p->tail = &p->head;
    p->ctr = &p->own;
    struct policy **b = &ps->buckets[bucket(id)];
    p->chain = *b;
    *b = p;
    ps->n++;
    return p;
}

void policies_sweep(struct policies *ps, uint32_t ifid, uint32_t generation)
{
    for (uint32_t i = 0; i < POLICY_BUCKETS; i++)
        for (struct policy **at = &ps->buckets[i], *p; (p = *at);) {
            if ((ifid && p->ifid != ifid) || p->generation == generation) {
                at = &p->chain;
                continue;
            }
            *at = p->chain;
            ps->swept += queue_clear(ps, p);
            free(p);
            ps->n--;
        }
}

uint8_t queue_push(struct policies *ps, struct policy *p, const struct pkt *pkt, usec_t now)
{
    size_t size = sizeof(struct queued) + pkt->len;
    if (p->n >= QUEUE_PACKETS || ps->queued_bytes + size > QUEUE_TOTAL_BYTES)
        return DP_QUEUE_FULL;
    struct queued *q = malloc(size);
    if (!q)
        return DP_QUEUE_FULL;
    q->next = NULL;
    q->since = now;
    q->len = pkt->len;
    q->flow = pkt->flow;
    memcpy(q->data, pkt->data, pkt->len);
    *p->tail = q;
    p->tail = &q->next;
    p->n++;
    ps->queued_bytes += size;
    return PKT_OK;
}

struct queued *queue_pop(struct policies *ps, struct policy *p)
{
    struct queued *q = p->head;
    if (!q)
        return NULL;
    p->head = q->next;
    if (!p->head)
        p->tail = &p->head;
    p->n--;
    ps->queued_bytes -= sizeof *q + q->len;
    return q;
}

unsigned queue_expire(struct policies *ps, struct policy *p, usec_t now)
{
    unsigned n = 0;
    for (; p->head && now - p->head->since >= QUEUE_MAX_AGE; n++)
        free(queue_pop(ps, p));
    return n;
}

unsigned queue_clear(struct policies *ps, struct policy *p)
{
    unsigned n = 0;
    for (; p->head; n++)
        free(queue_pop(ps, p));
    return n;
}

bool policy_may_acquire(struct policy *p, usec_t now)
{
    if (p->accept_only || now < p->next_acquire)
        return false;
    p->next_acquire = now + ACQUIRE_INTERVAL;
    return true;
}
