/*
 * Packets that wait: for an SA that the engine was asked for, or for word of an SA that is there.
 * See dp.h; queue.h has the queues and their bounds.
 */
#include "dataplane/dp.h"
#include "dataplane/pmtu.h"
#include "dataplane/reasm.h"
#include <stdlib.h>
#include <string.h>

static void acquire(struct dp *dp, struct policy *pol, const struct flow *f)
{
    if (!policy_may_acquire(pol, clock_mono(&dp->clock)))
        return;
    struct sadb_acquire a;
    memset(&a, 0, sizeof a);
    a.ifid = pol->ifid;
    a.policy = pol->id;
    a.packet = selector_of_flow(f);
    if (dp->io->engine(dp->io_ctx, SADB_ACQUIRE, &a, sizeof a, NULL, 0))
        pol->next_acquire = 0; /* nobody heard it */
}

void dp_wait_for_sa(struct dp *dp, struct policy *pol, struct pkt *p)
{
    if (pol->accept_only) { /* nobody will ever ask for this SA */
        dp_drop(dp, pol->ctr, p, DP_NO_SA);
        return;
    }
    uint8_t cause = queue_push(&dp->policies, pol, p, clock_mono(&dp->clock));
    if (cause != PKT_OK)
        dp_drop(dp, pol->ctr, p, cause);
    acquire(dp, pol, &p->flow);
}

void dp_wait_for_word(struct dp *dp, struct policy *pol, const struct pkt *p, enum dp_cause cause)
{
    if (queue_push(&dp->policies, pol, p, clock_mono(&dp->clock)) != PKT_OK)
        dp_drop(dp, pol->ctr, p, cause);
}

void dp_release(struct dp *dp, uint32_t policy)
{
    struct policy *pol = policy_find(&dp->policies, policy);
    /* what finds no SA even now goes back into the queue: look at each once */
    for (uint32_t left = pol ? pol->n : 0; left;) {
        struct pkt *p[PKT_BATCH];
        size_t n = 0;
        for (struct queued *q; left && n < PKT_BATCH; n++, left--) {
            q = queue_pop(&dp->policies, pol);
            if (!q) {
                left = 0;
                break;
            }
            p[n] = &dp->spare->p[n];
            pkt_reset(p[n]);
            memcpy(p[n]->data, q->data, q->len);
            p[n]->len = q->len;
            free(q);
        }
        dp_outbound(dp, pol->ifid, false, p, n);
    }
}

/* What is for an interface that is still held waits again. */
void dp_release_held(struct dp *dp)
{
    for (struct held *list = hold_take(&dp->hold); list;) {
        struct pkt *p[PKT_BATCH];
        size_t n = 0;
        for (; list && n < PKT_BATCH; n++) {
            p[n] = &dp->spare->p[n];
            list = hold_next(list, p[n]);
        }
        dp_inbound(dp, p, n);
    }
}

void dp_release_all(struct dp *dp, uint32_t ifid)
{
    for (uint32_t i = 0; i < POLICY_BUCKETS; i++)
        for (struct policy *p = dp->policies.buckets[i]; p; p = p->chain)
            if (p->ifid == ifid && p->head)
                dp_release(dp, p->id);
}

/* RFC 3948 §4: keeps the NAT's mapping while nothing else does. */
static void keepalives(struct dp *dp, usec_t now)
{
    const uint32_t both = SADB_F_UDP | SADB_F_KEEPALIVE;
    for (uint32_t i = 0; i < SAD_BUCKETS; i++)
        for (struct sa *sa = dp->sad.policies[i]; sa; sa = sa->by_key) {
            if ((sa->flags & both) != both || now - sa->last < sa->keepalive ||
                dp_role(dp, sa->ifid) != SADB_ROLE_ACTIVE)
                continue;
            struct sadb_ike path;
            memset(&path, 0, sizeof path);
            path.local = sa->local;
            path.remote = sa->remote;
            path.local_port = sa->local_port;
            path.remote_port = sa->remote_port;
            dp->io->ike(dp->io_ctx, &path, NULL, 0);
            sa->last = now;
        }
}

void dp_tick(struct dp *dp)
{
    usec_t now = clock_mono(&dp->clock);
    role_tick(dp);
    keepalives(dp, now);
    pmtu_tick(dp);
    dp_count(dp->total, DP_BAD_INNER, reasm_expire(dp->reasm, now));
    for (uint32_t i = 0; i < POLICY_BUCKETS; i++)
        for (struct policy *p = dp->policies.buckets[i]; p; p = p->chain) {
            unsigned old = queue_expire(&dp->policies, p, now);
            if (old)
                dp_count(p->ctr, DP_NO_SA, old);
            if (p->head && dp_role(dp, p->ifid) == SADB_ROLE_ACTIVE &&
                !sad_outbound(&dp->sad, p->id, &p->head->flow))
                acquire(dp, p, &p->head->flow);
        }
}
