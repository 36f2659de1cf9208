/*
 * Leases of sequence numbers: which of the two boxes may use which. See sync.h for the rule; why it
 * holds stands beside each step.
 */
#include "control/sso/sync_priv.h"
#include "lib/vec.h"
#include <string.h>

/* The last number of an SA of its kind (RFC 4303 §2.2.1), and not one that a split left. */
static bool is_natural(uint64_t limit)
{
    return limit == UINT32_MAX || limit == SSO_NO_LAST;
}

static uint64_t min64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* --- the table ----------------------------------------------------------------------------------
 */

static size_t place_of(const struct sso_sync *s, uint32_t sa)
{
    size_t lo = 0, hi = s->n_lease;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (s->lease[mid].sa < sa)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct sso_lease *sso_lease_find(const struct sso_sync *s, uint32_t sa)
{
    size_t i = place_of(s, sa);
    return i < s->n_lease && s->lease[i].sa == sa ? &s->lease[i] : NULL;
}

struct sso_lease *sso_lease_make(struct sso_sync *s, uint32_t sa)
{
    struct sso_lease *l = sso_lease_find(s, sa);
    if (l || !VEC_ROOM(s->lease, s->cap_lease, s->n_lease + 1))
        return l;
    size_t at = place_of(s, sa);
    memmove(s->lease + at + 1, s->lease + at, (s->n_lease - at) * sizeof(*s->lease));
    s->n_lease++;
    s->lease[at] = (struct sso_lease){.sa = sa};
    return &s->lease[at];
}

static void forget(struct sso_sync *s, size_t at)
{
    memmove(s->lease + at, s->lease + at + 1, (s->n_lease - at - 1) * sizeof(*s->lease));
    s->n_lease--;
}

bool sso_sync_has(const struct sso_sync *s, uint32_t sa)
{
    return sso_lease_find(s, sa) != NULL;
}

void sso_sync_sa_gone(struct sso_sync *s, uint32_t sa)
{
    size_t at = place_of(s, sa);
    if (at < s->n_lease && s->lease[at].sa == sa)
        forget(s, at);
}

/* --- active -------------------------------------------------------------------------------------
 */

static void replace(struct sso_sync *s, struct sso_lease *l)
{
    if (!l->replaced)
        s->h.replace(s->h.ctx, l->sa);
    l->replaced = true;
}

/* All that is ours up to the limit. Where that is a split's the host is to say when it comes near.
 */
static void without_standby(struct sso_sync *s, struct sso_lease *l, uint64_t next)
{
    bool natural = is_natural(l->limit);
    l->ceiling = l->limit;
    s->h.ceiling(s->h.ctx, l->sa, next, natural ? SSO_NO_LAST : l->limit,
                 natural ? 0 : (uint32_t)SSO_SPLIT);
}

static void tell(struct sso_sync *s, struct sso_lease *l, uint64_t ceiling)
{
    l->told = ceiling;
    l->number = ++s->put;
    struct sso_item i = {
        .op = SSO_LEASE, .number = l->number, .key = l->sa, .ceiling = ceiling, .limit = l->limit};
    sso_queue_item(s, &i);
    sso_sync_unacked(s);
}

static uint64_t block_of(struct sso_sync *s, uint32_t sa)
{
    uint32_t b = s->h.block(s->h.ctx, sa);
    return b ? b : 1;
}

/* A new SA needs nobody's word for its first block: the standby hears of the lease before it hears
 * of the SA, and its copy begins behind the block. */
void sso_sync_sa(struct sso_sync *s, uint32_t sa, uint64_t last)
{
    struct sso_lease *l = s->active ? sso_lease_make(s, sa) : NULL;
    if (!l)
        return;
    *l = (struct sso_lease){.sa = sa, .limit = last, .ceiling = last};
    if (s->phase == SSO_SOLO)
        return;
    uint64_t block = block_of(s, sa);
    l->ceiling = min64(block, last);
    tell(s, l, l->ceiling);
    s->h.ceiling(s->h.ctx, sa, 0, l->ceiling, (uint32_t)block);
}

/* split: nobody knows what the standby does. It may own what is behind the highest ceiling that it
 * may have heard of, so we go on behind that; without room there we end at the ceiling in force. */
static void leave_to_it(struct sso_sync *s, struct sso_lease *l)
{
    if (l->told < l->limit && l->limit - l->told > SSO_SPLIT) {
        without_standby(s, l, l->told + SSO_SPLIT + 1);
        return;
    }
    l->limit = l->ceiling;
    s->h.limited(s->h.ctx, l->sa, l->limit);
    s->h.ceiling(s->h.ctx, l->sa, 0, l->limit, 0);
    replace(s, l);
}

/* A standby of the engine before may know of a ceiling that was not in force yet, at most one block
 * further. Whether it took over meanwhile nobody knows: as when a standby is lost. */
void sso_sync_adopt(struct sso_sync *s, uint32_t sa, uint64_t ceiling, uint32_t block,
                    uint64_t limit)
{
    struct sso_lease *l = s->active && s->phase == SSO_SOLO ? sso_lease_make(s, sa) : NULL;
    if (!l)
        return;
    *l = (struct sso_lease){.sa = sa, .limit = limit, .ceiling = min64(ceiling, limit)};
    if (l->ceiling < limit && block < SSO_SPLIT) {
        l->told = min64(l->ceiling + block, limit);
        leave_to_it(s, l);
        l->told = 0;
    }
}

static void lower(struct sso_sync *s, struct sso_lease *l)
{
    uint64_t block = block_of(s, l->sa);
    uint64_t used = s->h.used(s->h.ctx, l->sa);
    l->ceiling = used < l->limit - min64(block, l->limit) ? used + block : l->limit;
    l->lowering = true;
    s->h.ceiling(s->h.ctx, l->sa, 0, l->ceiling, (uint32_t)block);
}

void sso_lease_lower(struct sso_sync *s)
{
    for (size_t i = 0; i < s->n_lease; i++)
        lower(s, &s->lease[i]);
    s->h.barrier(s->h.ctx);
}

static void bulk_ends(struct sso_sync *s)
{
    struct sso_message m = {.type = SSO_BULK_END, .epoch = s->epoch, .number = ++s->put};
    s->end = s->put;
    s->phase = SSO_ENDING;
    s->bulk_size = s->queued;
    sso_queue_message(s, &m);
    sso_sync_unacked(s);
}

/* Only a ceiling that is in force, and that no packet had passed before it was, may be told: else
 * the standby's copy would begin where we have been. */
void sso_sync_barrier(struct sso_sync *s)
{
    bool again = false;
    if (!s->active || s->phase != SSO_BULK)
        return;
    for (size_t i = 0; i < s->n_lease && s->phase == SSO_BULK; i++) {
        struct sso_lease *l = &s->lease[i];
        if (!l->lowering)
            continue;
        /* At the limit nothing goes any more, and the copy gets no number either. */
        if (l->ceiling < l->limit && s->h.used(s->h.ctx, l->sa) > l->ceiling) {
            lower(s, l);
            again = true;
        } else {
            l->lowering = false;
            tell(s, l, l->ceiling);
        }
    }
    if (s->phase != SSO_BULK)
        return; /* it did not fit into the queue: there is no standby any more */
    if (again)
        s->h.barrier(s->h.ctx);
    else
        bulk_ends(s);
}

void sso_sync_low(struct sso_sync *s, uint32_t sa)
{
    struct sso_lease *l = s->active ? sso_lease_find(s, sa) : NULL;
    if (!l || l->lowering || (s->phase != SSO_SOLO && l->told > l->ceiling))
        return; /* asked for already */
    if (s->phase == SSO_SOLO) {
        if (!is_natural(l->limit))
            replace(s, l);
        return;
    }
    uint64_t block = block_of(s, sa);
    uint64_t more = block < l->limit - l->ceiling ? l->ceiling + block : l->limit;
    if (!is_natural(l->limit) && l->limit - more < SSO_SPLIT / 2)
        replace(s, l);
    if (more > l->ceiling)
        tell(s, l, more);
}

/* What the standby has acknowledged it will begin behind. */
void sso_lease_acked(struct sso_sync *s)
{
    for (size_t i = 0; i < s->n_lease; i++) {
        struct sso_lease *l = &s->lease[i];
        if (l->lowering || l->told <= l->ceiling || l->number > s->acked)
            continue;
        l->ceiling = l->told;
        s->h.ceiling(s->h.ctx, l->sa, 0, l->ceiling, (uint32_t)block_of(s, l->sa));
    }
}

void sso_lease_alone(struct sso_sync *s, bool split)
{
    for (size_t i = 0; i < s->n_lease; i++) {
        struct sso_lease *l = &s->lease[i];
        if (split && l->told)
            leave_to_it(s, l);
        else
            without_standby(s, l, 0);
        l->told = 0;
        l->lowering = false;
    }
}

/* --- standby ------------------------------------------------------------------------------------
 */

static uint64_t ours_to(const struct sso_lease *l)
{
    return l->limit - l->ceiling > SSO_SPLIT ? l->ceiling + SSO_SPLIT : l->limit;
}

static void place(struct sso_sync *s, const struct sso_lease *l)
{
    uint64_t to = ours_to(l);
    if (l->ceiling >= l->limit) /* there is no number behind it */
        s->h.position(s->h.ctx, l->sa, 0, 0);
    else
        s->h.position(s->h.ctx, l->sa, l->ceiling + 1, is_natural(to) ? SSO_NO_LAST : to);
}

void sso_lease_told(struct sso_sync *s, const struct sso_item *i)
{
    struct sso_lease *l = sso_lease_find(s, (uint32_t)i->key);
    if (!l && s->n_lease < SSO_LEASES)
        l = sso_lease_make(s, (uint32_t)i->key);
    if (!l)
        return; /* without a lease its copy sends nothing */
    *l = (struct sso_lease){.sa = l->sa, .ceiling = i->ceiling, .limit = i->limit};
    if (i->op != SSO_EXACT) {
        place(s, l);
        return;
    }
    /* Handed over: what is behind is ours up to the limit. */
    s->h.position(s->h.ctx, l->sa, l->ceiling < l->limit ? l->ceiling + 1 : 0,
                  l->ceiling >= l->limit ? 0
                  : is_natural(l->limit) ? SSO_NO_LAST
                                         : l->limit);
}

void sso_lease_record(struct sso_sync *s, uint64_t key)
{
    struct sso_lease *l = sso_lease_find(s, (uint32_t)key);
    if (l)
        place(s, l);
    else
        s->h.position(s->h.ctx, (uint32_t)key, 0, 0); /* inbound SAs do not mind */
}

void sso_lease_begin(struct sso_sync *s)
{
    for (size_t i = 0; i < s->n_lease; i++)
        s->lease[i].stale = true;
}

void sso_lease_end(struct sso_sync *s)
{
    for (size_t i = s->n_lease; i-- > 0;)
        if (s->lease[i].stale)
            forget(s, i);
}

void sso_lease_take_over(struct sso_sync *s, bool split)
{
    for (size_t i = 0; i < s->n_lease; i++) {
        struct sso_lease *l = &s->lease[i];
        if (l->ceiling >= l->limit) { /* not one number of it is ours */
            l->limit = l->ceiling = 0;
            s->h.limited(s->h.ctx, l->sa, 0);
            s->h.ceiling(s->h.ctx, l->sa, 0, 0, 0);
            replace(s, l);
            continue;
        }
        if (split) {
            l->whole = l->limit;
            l->limit = ours_to(l);
        }
        if (!is_natural(l->limit))
            s->h.limited(s->h.ctx, l->sa, l->limit);
        without_standby(s, l, 0);
    }
}

void sso_lease_whole(struct sso_sync *s)
{
    for (size_t i = 0; i < s->n_lease; i++) {
        struct sso_lease *l = &s->lease[i];
        if (!l->whole || l->replaced)
            continue;
        l->limit = l->whole;
        l->whole = 0;
        s->h.limited(s->h.ctx, l->sa, l->limit);
        if (s->phase == SSO_SOLO)
            without_standby(s, l, 0);
    }
}
