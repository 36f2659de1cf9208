/*
 * Passive SAs: those of another box, of which this one holds everything that it takes to go on.
 *
 * They stand in a list of their own and in none of those in which messages, timers and other SAs
 * look for one, so that nothing here can use, change or end them. Becoming active is what
 * restore.c does with a record, all but the reading.
 */
#include "control/ike/internal.h"
#include <errno.h>
#include <stdlib.h>

static struct ike_sa *find(const struct ike *ike, uint64_t key)
{
    struct ike_sa *sa;
    uint32_t at = 0;

    while ((sa = ike_index_next(&ike->index, IKE_BY_RECORD, key, &at)) != NULL)
        if (ike_record_key(sa) == key)
            return sa;
    return NULL;
}

static int link_passive(struct ike_sa *sa)
{
    struct ike *ike = sa->ike;

    if (ike_index_passive(&ike->index, ike_record_key(sa), &sa->s, sa) < 0)
        return -ENOMEM;
    sa->prev = NULL;
    sa->next = ike->passive;
    if (sa->next)
        sa->next->prev = sa;
    ike->passive = sa;
    sa->s.passive = true;
    return 0;
}

static void unlink_passive(struct ike_sa *sa)
{
    struct ike *ike = sa->ike;

    ike_index_no_passive(&ike->index, ike_record_key(sa), &sa->s, sa);
    if (sa->prev)
        sa->prev->next = sa->next;
    else
        ike->passive = sa->next;
    if (sa->next)
        sa->next->prev = sa->prev;
    sa->next = sa->prev = NULL;
    sa->s.passive = false;
}

static bool tunnel_taken(const struct ike *ike, uint32_t id)
{
    uint32_t at = 0;

    for (const struct ike_sa *sa = ike->head; sa; sa = sa->next)
        if (sa->s.tunnel_id == id)
            return true;
    return ike_index_next(&ike->index, IKE_BY_TUNNEL, id, &at) != NULL;
}

static int translate(struct ike_sa *sa, const struct ike_import *how)
{
    struct ike_want *w = sa->active;
    int err = 0;

    for (unsigned i = 0; i < sa->s.n_children && err == 0; i++)
        err = how->line(how->ctx, &sa->s.child[i].policy, &sa->s.child[i].ifid);
    if (err == 0 && w)
        err = how->line(how->ctx, &w->cfg.policy, &w->cfg.ifid);
    return err < 0 ? err : how->numbers(how->ctx, &sa->s);
}

static int read_record(struct ike_sa *sa, uint64_t key, const uint8_t *p, size_t n,
                       const struct ike_import *how)
{
    struct ike_numbers numbers; /* the other box counts by itself */

    int err = ike_sa_unpack(sa->ike, sa, &numbers, p, n, how->shift);
    if (err == 0 && ike_record_key(sa) != key)
        err = -EINVAL;
    const struct ike_sa *own =
        err < 0 ? NULL : ike_sa_find(sa->ike, sa->s.spi_i, sa->s.spi_r, sa->s.initiator);
    if (own && own->s.spi_r == sa->s.spi_r)
        err = -EEXIST;
    return err < 0 ? err : translate(sa, how);
}

int ike_import(struct ike *ike, uint64_t key, const uint8_t *p, size_t n,
               const struct ike_import *how)
{
    struct ike_sa *before = find(ike, key), *sa = calloc(1, sizeof *sa);
    uint32_t tunnel_id = before ? before->s.tunnel_id : 0;

    ike_forget(ike, key);
    if (!sa)
        return -ENOMEM;
    ike_sa_init(ike, sa);
    int err = read_record(sa, key, p, n, how);
    if (err == 0) {
        if (tunnel_id)
            sa->s.tunnel_id = tunnel_id;
        while (tunnel_taken(ike, sa->s.tunnel_id))
            sa->s.tunnel_id = ike_tunnel_id(ike);
        err = link_passive(sa);
    }
    if (err < 0)
        ike_sa_wipe(sa);
    return err;
}

void ike_forget(struct ike *ike, uint64_t key)
{
    struct ike_sa *sa = find(ike, key);

    if (!sa)
        return;
    unlink_passive(sa);
    ike_sa_wipe(sa);
}

void ike_passive_free(struct ike *ike)
{
    while (ike->passive)
        ike_forget(ike, ike_record_key(ike->passive));
}

size_t ike_activate(struct ike *ike)
{
    struct ike_sa *sa;
    size_t n = 0;

    ike_enter(ike);
    while ((sa = ike->passive) != NULL) {
        unlink_passive(sa);
        if (ike_sa_take_over(sa, false) < 0)
            continue;
        sa->sync.doubts = 1;
        ike_sa_changed(sa);
        n++;
    }
    ike_leave(ike);
    return n;
}
