/*
 * Children: what IKE_AUTH and CREATE_CHILD_SA have in common.
 *
 * A child in the making is a `struct ike_want` with its own copy of the configuration, so that
 * nothing borrowed from the intent outlives a key agreement. When both sides agree it becomes
 * an ike_child_state of its SA and the host installs it; SADB handles are asked for at that
 * moment only (host child_alloc), so a failed negotiation leaves nothing to give back.
 */
#include "control/ike/internal.h"
#include "lib/mem.h"
#include <errno.h>
#include <stdlib.h>

struct ike_want *ike_want_new(const struct ike_child_cfg *cfg)
{
    struct ike_want *w = calloc(1, sizeof *w);

    if (w)
        ike_cfg_copy(&w->cfg, w->prop, cfg);
    return w;
}

void ike_want_free(struct ike_want *w)
{
    if (!w)
        return;
    if (w->sa)
        ike_index_remove(&w->sa->ike->index, IKE_BY_WISH, w->cfg.policy, w);
    ike_dh_free(w->dh);
    mem_wipe(w, sizeof *w);
    free(w);
}

void ike_want_of(struct ike_sa *sa, struct ike_want *w)
{
    /* Without memory it is not found, and somebody may ask for the same again. */
    if (w->sa || ike_index_add(&sa->ike->index, IKE_BY_WISH, w->cfg.policy, w) == 0)
        w->sa = sa;
}

void ike_want_append(struct ike_sa *sa, struct ike_want *w)
{
    struct ike_want **at = &sa->wants;

    while (*at)
        at = &(*at)->next;
    w->next = NULL;
    *at = w;
    ike_want_of(sa, w);
}

void ike_want_failed(struct ike_sa *sa, struct ike_want *w, enum ike_reason why)
{
    struct ike *ike = sa->ike;
    uint32_t policy = w->cfg.policy;
    /* A responder's half-made child is nobody's initiation. */
    bool ours = w->child.initiator && !w->rekey_spi; /* nor is a replacement */

    ike_want_free(w);
    if (ours)
        ike->host.initiate_failed(ike->h, policy, &sa->s.path, why);
}

enum ike_reason ike_reason_of(uint16_t notify)
{
    switch (notify) {
    case N_NO_PROPOSAL_CHOSEN:
    case N_INVALID_KE_PAYLOAD:
        return IKE_R_NO_PROPOSAL;
    case N_AUTHENTICATION_FAILED:
        return IKE_R_AUTH_FAILED;
    case N_TS_UNACCEPTABLE:
    case N_SINGLE_PAIR_REQUIRED:
    case N_INVALID_SELECTORS:
        return IKE_R_TS_UNACCEPTABLE;
    case N_NO_ADDITIONAL_SAS:
    case N_TEMPORARY_FAILURE:
        return IKE_R_LIMIT;
    default:
        return IKE_R_MALFORMED;
    }
}

/* What every child has from its configuration. */
static void from_cfg(const struct ike_sa *sa, struct ike_want *want)
{
    struct ike_child_state *c = &want->child;
    const struct ike_child_cfg *cfg = &want->cfg;

    c->policy = cfg->policy;
    c->ifid = cfg->ifid;
    c->life_seconds = cfg->life_seconds;
    c->life_kbytes = cfg->life_kbytes;
    c->map_seq = cfg->map_seq;
    memcpy(c->map, cfg->map, sizeof c->map);
    c->map[sizeof c->map - 1] = '\0';
    c->proto = SADB_ESP;
    c->mode = want->transport ? SADB_TRANSPORT : SADB_TUNNEL;
    c->udp = sa->s.nat_local || sa->s.nat_remote; /* §2.23 */
}

/* --- initiator ---------------------------------------------------------------------------- */

int ike_child_offer(struct ike_sa *sa, struct ike_writer *w, struct ike_want *want, bool dh)
{
    want->child.initiator = true;
    want->child.spi_in = ike_random_esp_spi(sa->ike);
    if (want->cfg.mode == SADB_TRANSPORT)
        ike_w_notify(w, N_USE_TRANSPORT_MODE, NULL, 0);
    return ike_w_sa_esp(w, sa->ike->c, &want->cfg, want->child.spi_in, dh);
}

uint16_t ike_child_accept(struct ike_sa *sa, struct ike_want *want, const struct ike_payloads *pl,
                          bool dh)
{
    struct ike_offer answer;
    struct ike_ts_list local, remote;
    struct ike_child_state *c = &want->child;
    struct ike_notify_pl n;

    if (ike_offer_read(ike_payload_find(pl, PL_SA), &answer) < 0)
        return N_INVALID_SYNTAX;
    if (ike_accept_esp(&answer, sa->ike->c, &want->cfg, dh, c) < 0)
        return N_NO_PROPOSAL_CHOSEN;
    if (ike_ts_read(ike_payload_find(pl, PL_TSI), &local) < 0 ||
        ike_ts_read(ike_payload_find(pl, PL_TSR), &remote) < 0)
        return N_INVALID_SYNTAX;
    c->n_ts = (uint32_t)ike_ts_pairs(&local, &remote, c->ts, SADB_TS_MAX);
    for (uint32_t i = 0; i < c->n_ts; i++)
        if (!ike_selector_covers(&want->cfg.sel, &c->ts[i])) /* §2.9: a subset, nothing else */
            return N_TS_UNACCEPTABLE;
    if (c->n_ts == 0)
        return N_TS_UNACCEPTABLE;
    want->transport =
        want->cfg.mode == SADB_TRANSPORT && ike_notify_find(pl, N_USE_TRANSPORT_MODE, &n);
    from_cfg(sa, want);
    return 0;
}

/* --- responder ---------------------------------------------------------------------------- */

static bool covered(const struct selector *sel, const struct selector *offered, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (ike_selector_covers(&offered[i], sel))
            return true;
    return false;
}

/* Which configuration answers these selectors: for a child that replaces another, that one's own
 * where the offer still holds its selectors; else whichever entry accepts them. */
static int find_cfg(struct ike_sa *sa, const struct ike_child_state *old,
                    const struct selector *pairs, size_t n, struct ike_child_cfg *cfg)
{
    struct ike *ike = sa->ike;

    if (old && old->n_ts == 1 && covered(&old->ts[0], pairs, n) && ike->host.child_cfg &&
        ike->host.child_cfg(ike->h, &sa->s, old, cfg) == 0) {
        cfg->sel = old->ts[0];
        return 0;
    }
    return ike->host.accept_child(ike->h, &sa->s, pairs, n, cfg);
}

uint16_t ike_child_choose(struct ike_sa *sa, const struct ike_payloads *pl, bool dh,
                          const struct ike_child_state *old, struct ike_want **out)
{
    struct ike *ike = sa->ike;
    struct ike_offer offer;
    struct ike_ts_list local, remote;
    struct selector pairs[IKE_TS_LIST * IKE_TS_LIST];
    struct ike_child_cfg cfg = {0};
    struct ike_notify_pl n;

    if (ike_offer_read(ike_payload_find(pl, PL_SA), &offer) < 0 ||
        ike_ts_read(ike_payload_find(pl, PL_TSR), &local) < 0 ||
        ike_ts_read(ike_payload_find(pl, PL_TSI), &remote) < 0)
        return N_INVALID_SYNTAX;
    if (sa->s.n_children >= (old ? IKE_CHILDREN_ALL : IKE_CHILDREN_MAX))
        return N_NO_ADDITIONAL_SAS;
    size_t n_pairs = ike_ts_pairs(&local, &remote, pairs, IKE_TS_LIST * IKE_TS_LIST);
    if (n_pairs == 0 || find_cfg(sa, old, pairs, n_pairs, &cfg) < 0 ||
        !covered(&cfg.sel, pairs, n_pairs))
        return N_TS_UNACCEPTABLE;
    if (!ike_sa_alive(sa))
        return N_TEMPORARY_FAILURE;
    if (!sa->s.ifid)
        sa->s.ifid = cfg.ifid;
    struct ike_want *want = ike_want_new(&cfg);
    if (!want)
        return N_TEMPORARY_FAILURE;
    if (ike_choose_esp(&offer, ike->c, &want->cfg, dh, &want->child, &want->num) < 0) {
        ike_mismatch_esp(sa, &offer, &want->cfg, dh);
        ike_want_free(want);
        return N_NO_PROPOSAL_CHOSEN;
    }
    want->child.spi_in = ike_random_esp_spi(ike);
    want->child.ts[0] = want->cfg.sel;
    want->child.n_ts = 1;
    want->transport =
        want->cfg.mode == SADB_TRANSPORT && ike_notify_find(pl, N_USE_TRANSPORT_MODE, &n);
    from_cfg(sa, want);
    *out = want;
    return 0;
}

void ike_child_answer(struct ike_writer *w, const struct ike_want *want)
{
    if (want->transport)
        ike_w_notify(w, N_USE_TRANSPORT_MODE, NULL, 0);
    ike_w_sa_esp_choice(w, &want->child, want->num);
}

/* --- both --------------------------------------------------------------------------------- */

/* A new tunnel for the same traffic from another peer takes it over; the old peer is told
 * (semantics.md §1.2). An SA that has lost its last child so has no purpose left. */
static void replace_others(struct ike_sa *sa, uint32_t policy)
{
    struct ike_sa *other;
    uint32_t at = 0;

    while ((other = ike_index_next(&sa->ike->index, IKE_BY_POLICY, policy, &at)) != NULL) {
        if (other->s.state != IKE_ESTABLISHED || addr_eq(&other->s.path.remote, &sa->s.path.remote))
            continue;
        bool hit = false;
        for (unsigned i = other->s.n_children; i-- > 0 && i < other->s.n_children;) {
            if (other->s.child[i].policy != policy)
                continue;
            hit = true;
            ike_child_remove(other, i, IKE_R_REPLACED, true);
        }
        if (!hit)
            continue;
        at = 0; /* this one cannot hit again */
        if (!ike_sa_alive(other))
            continue;
        if (ike_sa_alone(other))
            ike_sa_delete(other, IKE_R_REPLACED);
        else
            ike_sa_kick(other);
    }
}

int ike_child_by_spi(const struct ike_sa *sa, uint32_t spi_in)
{
    for (unsigned i = 0; i < sa->s.n_children; i++)
        if (sa->s.child[i].spi_in == spi_in)
            return (int)i;
    return -1;
}

bool ike_child_replaced(const struct ike_sa *sa, const struct ike_child_state *c)
{
    return c->replaced_by && ike_child_by_spi(sa, c->replaced_by) >= 0;
}

/* Times and numbers of a child that is about to be installed. */
static void begin_life(struct ike *ike, struct ike_child_state *c)
{
    usec_t life = (usec_t)c->life_seconds * USEC_PER_SEC;

    c->created = ike_now(ike);
    c->expires = life ? c->created + life : 0;
    c->rekey_at = ike_rekey_time(ike, c->initiator, c->created, life);
    c->conn_id = ++ike->conn;
}

static void swap_keys(struct sadb_alg k[2])
{
    struct sadb_alg first = k[0];
    k[0] = k[1];
    k[1] = first;
    mem_wipe(&first, sizeof first);
}

int ike_child_install(struct ike_sa *sa, struct ike_want *want, bool initiator, struct bytes ni,
                      struct bytes nr, struct bytes secret)
{
    struct ike *ike = sa->ike;
    struct ike_child_state *c = &want->child;
    struct ike_child_keys keys;
    uint32_t policy = c->policy;

    if (sa->s.n_children >= (c->replaces ? IKE_CHILDREN_ALL : IKE_CHILDREN_MAX))
        return -ENOSPC;
    memset(&keys, 0, sizeof keys);
    int err = ike_derive_child(ike->c, &sa->s.suite, &sa->s.keys, c, ni, nr, secret, keys.encr,
                               keys.integ);
    if (err == 0 && initiator) { /* [0] is inbound for the host: what the responder sends */
        swap_keys(keys.encr);
        swap_keys(keys.integ);
    }
    c->initiator = initiator;
    begin_life(ike, c);
    if (err == 0)
        err = ike_child_room(&sa->s);
    if (err == 0)
        err = ike_index_room(&ike->index, IKE_INDEX_OF_CHILD);
    if (err == 0)
        err = ike->host.child_alloc(ike->h, c);
    if (err == 0) {
        /* In the list first, so that the host finds it there whatever it looks at. */
        sa->s.child[sa->s.n_children++] = *c;
        ike_index_child(&ike->index, c, sa);
        ike_sa_changed(sa);
        err = ike->host.child_up(ike->h, &sa->s, &sa->s.child[sa->s.n_children - 1], &keys,
                                 &want->cfg);
    }
    /* The callback may have ended the SA, and with it this child. */
    int at = ike_child_by_spi(sa, c->spi_in);
    if (err == 0 && at < 0)
        err = -EPIPE;
    else if (err < 0 && at >= 0)
        ike_child_remove(sa, (unsigned)at, IKE_R_INTERNAL, false);
    mem_wipe(&keys, sizeof keys);
    if (err == 0) {
        ike_debug_sa(sa, 4, "Child SA created: ESP spi in/out: 0x%x/0x%x", c->spi_in, c->spi_out);
        ike_event(sa, IKE_EV_CHILD_UP, "0x%x/0x%x", c->spi_in, c->spi_out);
    }
    if (err == 0 && sa->s.state == IKE_ESTABLISHED) {
        ike_sa_arm_life(sa);
        if (policy)
            replace_others(sa, policy);
    }
    return err;
}

void ike_child_remove(struct ike_sa *sa, unsigned i, enum ike_reason why, bool tell)
{
    struct ike *ike = sa->ike;
    struct ike_child_state c = sa->s.child[i];

    ike_sa_changed(sa);
    ike_index_no_child(&ike->index, &c, sa);
    sa->s.n_children--;
    memmove(&sa->s.child[i], &sa->s.child[i + 1], (sa->s.n_children - i) * sizeof sa->s.child[0]);
    /* What it was to replace has no successor any more and needs another one. */
    for (unsigned k = 0; k < sa->s.n_children; k++)
        if (sa->s.child[k].replaced_by == c.spi_in && !sa->s.child[k].leaving) {
            sa->s.child[k].replaced_by = 0;
            sa->s.child[k].rekey_at = ike_retry_time(ike);
        }
    if (tell && !c.leaving && sa->n_gone < IKE_CHILDREN_ALL)
        sa->gone[sa->n_gone++] = c.spi_in;
    ike_debug_sa(sa, 4, "Child SA deleted: 0x%x/0x%x: %s", c.spi_in, c.spi_out,
                 ike_reason_text(why));
    ike->host.child_down(ike->h, &sa->s, &c, why);
    ike_event(sa, IKE_EV_CHILD_DOWN, "0x%x/0x%x: %s", c.spi_in, c.spi_out, ike_reason_text(why));
}

void ike_child_leave(struct ike_sa *sa, unsigned i)
{
    struct ike_child_state *c = &sa->s.child[i];

    if (c->leaving || sa->n_gone == IKE_CHILDREN_ALL)
        return; /* when there is no room its lifetime ends it */
    c->leaving = IKE_LEAVING;
    ike_sa_changed(sa);
    sa->gone[sa->n_gone++] = c->spi_in;
    if (sa->ike->host.child_retired)
        sa->ike->host.child_retired(sa->ike->h, &sa->s, c);
}
