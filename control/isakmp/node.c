/*
 * Exchanges of phase 2 as they come and go (IOS calls them nodes), and wishes for children.
 */
#include "control/isakmp/internal.h"
#include "lib/mem.h"
#include <errno.h>
#include <stdlib.h>

/* --- message IDs ----------------------------------------------------------------------------- */

/* RFC 2409 §5.5: unique per SA. A replayed first message would make an exchange anew. */
bool isk_mid_seen(struct isk_sa *sa, uint32_t mid)
{
    if (mid == 0)
        return true;
    for (unsigned i = 0; i < ISK_MIDS; i++)
        if (sa->mids[i] == mid)
            return true;
    return isk_node_find(sa, mid) != NULL;
}

void isk_mid_note(struct isk_sa *sa, uint32_t mid)
{
    sa->mids[sa->next_mid++ % ISK_MIDS] = mid;
}

uint32_t isk_random_mid(struct isk_sa *sa)
{
    uint32_t mid = 0;

    for (int i = 0; i < 16 && isk_mid_seen(sa, mid); i++)
        sa->k->host.base.random(sa->k->h, (uint8_t *)&mid, sizeof mid);
    return mid ? mid : 1;
}

/* --- nodes ----------------------------------------------------------------------------------- */

void isk_node_init(struct isk_sa *sa, struct isk_node *n)
{
    n->sa = sa;
    timer_init(&n->t, isk_on_node_timer, n);
    struct isk_node **at = &sa->nodes;
    while (*at)
        at = &(*at)->next;
    n->next = NULL;
    *at = n;
    sa->n_nodes++;
}

struct isk_node *isk_node_new(struct isk_sa *sa, uint32_t mid)
{
    struct isk_node *n = sa->n_nodes < ISK_NODES_MAX ? calloc(1, sizeof *n) : NULL;

    if (!n)
        return NULL;
    n->mid = mid;
    n->state = NODE_STARTING;
    if (isk_iv_phase2(sa->k->c, &sa->s.suite, sa->iv, mid, n->iv) < 0) {
        free(n);
        return NULL;
    }
    isk_node_init(sa, n);
    return n;
}

struct isk_node *isk_node_find(struct isk_sa *sa, uint32_t mid)
{
    for (struct isk_node *n = sa->nodes; n; n = n->next)
        if (n->mid == mid)
            return n;
    return NULL;
}

static void unlink_node(struct isk_node *n)
{
    struct isk_node **at = &n->sa->nodes;

    while (*at != n)
        at = &(*at)->next;
    *at = n->next;
    n->sa->n_nodes--;
    n->next = n->sa->k->dead_nodes;
    n->sa->k->dead_nodes = n;
}

void isk_node_end(struct isk_node *n, enum ike_reason why)
{
    struct isk_sa *sa = n->sa;
    struct isk_want *w = n->want;
    enum isk_node_state before = n->state;

    if (!isk_node_alive(n))
        return;
    n->state = NODE_DEAD;
    n->want = NULL;
    timer_cancel(sa->k->q, &n->t);
    isk_job_forget(&n->job);
    isk_mid_note(sa, n->mid);
    unlink_node(n);
    isk_sa_changed(sa);
    /* The peer never said that it has the SAs, which were installed before the answer left. */
    if (before == NODE_R_QM2) {
        int i = isk_child_by_spi(sa, n->child.spi_in);
        if (i >= 0)
            isk_child_remove(sa, (unsigned)i, why == IKE_R_NONE ? IKE_R_INTERNAL : why, true);
    }
    if (w)
        isk_want_failed(sa->k, &sa->s.path, w, why);
}

void isk_node_done(struct isk_node *n)
{
    struct isakmp *k = n->sa->k;

    n->state = NODE_DONE;
    isk_want_free(n->want);
    n->want = NULL;
    ike_dh_free(n->dh);
    n->dh = NULL;
    isk_msg_free(&n->choice);
    isk_msg_free(&n->ids);
    n->until = isk_now(k) + ISK_LINGER;
    isk_sa_changed(n->sa);
    if (timer_set(k->q, &n->t, n->until) < 0)
        isk_node_end(n, IKE_R_NONE);
}

/* The SA ends. What a child came of stays; a responder's child without its last message, too: the
 * peer has more reason to send it than we to take it away. */
void isk_nodes_end(struct isk_sa *sa, enum ike_reason why)
{
    while (sa->nodes) {
        struct isk_node *n = sa->nodes;
        if (n->state == NODE_R_QM2)
            n->state = NODE_DONE;
        isk_node_end(n, why);
    }
}

void isk_node_free(struct isk_node *n)
{
    isk_want_free(n->want);
    ike_dh_free(n->dh);
    isk_msg_free(&n->out);
    isk_msg_free(&n->choice);
    isk_msg_free(&n->ids);
    mem_wipe(n, sizeof *n);
    free(n);
}

void isk_nodes_reap(struct isakmp *k)
{
    struct isk_node *n;

    while ((n = k->dead_nodes) != NULL) {
        k->dead_nodes = n->next;
        isk_node_free(n);
    }
}

/* --- wants ----------------------------------------------------------------------------------- */

struct isk_want *isk_want_new(struct isakmp *k, const struct ike_child_cfg *cfg)
{
    struct isk_want *w = calloc(1, sizeof *w);

    if (!w)
        return NULL;
    w->k = k;
    ike_cfg_copy(&w->cfg, w->prop, cfg);
    if (ike_index_add(&k->index, IKE_BY_WISH, cfg->policy, w) < 0) {
        free(w);
        return NULL;
    }
    return w;
}

void isk_want_free(struct isk_want *w)
{
    if (w)
        ike_index_remove(&w->k->index, IKE_BY_WISH, w->cfg.policy, w);
    free(w);
}

void isk_want_failed(struct isakmp *k, const struct ike_path *p, struct isk_want *w,
                     enum ike_reason why)
{
    uint32_t policy = w->cfg.policy;
    bool ours = !w->peers && !w->rekey_spi; /* a replacement is nobody's wish */
    struct ike_path path = *p;

    isk_want_free(w);
    if (ours)
        k->host.base.initiate_failed(k->h, policy, &path, why);
}

void isk_wants_failed(struct isk_sa *sa, enum ike_reason why)
{
    while (sa->wants) {
        struct isk_want *w = sa->wants;
        sa->wants = w->next;
        isk_want_failed(sa->k, &sa->s.path, w, why);
    }
}

/* Phase 1 is up: what waited for it begins, first come first. */
void isk_wants_begin(struct isk_sa *sa)
{
    struct isk_want *in_order = NULL;

    while (sa->wants) {
        struct isk_want *w = sa->wants;
        sa->wants = w->next;
        w->next = in_order;
        in_order = w;
    }
    while (in_order) {
        struct isk_want *w = in_order;
        in_order = w->next;
        w->next = NULL;
        if (!isk_sa_alive(sa) || !isk_up(sa)) {
            isk_want_failed(sa->k, &sa->s.path, w, sa->why);
            continue;
        }
        uint32_t policy = w->cfg.policy, rekey = w->rekey_spi;
        if (isk_quick_start(sa, w) < 0 && !rekey)
            sa->k->host.base.initiate_failed(sa->k->h, policy, &sa->s.path, IKE_R_LIMIT);
    }
}
