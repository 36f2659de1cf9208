/*
 * Passive SAs of phase 1 and shells: those of another box, as with IKEv2 (control/ike/passive.c) in
 * a list of their own and in none of those in which something is looked for.
 */
#include "control/isakmp/internal.h"
#include <errno.h>
#include <stdlib.h>

static struct isk_sa *find(const struct isakmp *k, uint64_t key)
{
    struct isk_sa *sa;
    uint32_t at = 0;

    while ((sa = ike_index_next(&k->index, IKE_BY_RECORD, key, &at)) != NULL)
        if (isk_record_key(sa) == key)
            return sa;
    return NULL;
}

static int link_passive(struct isk_sa *sa)
{
    struct isakmp *k = sa->k;

    if (ike_index_passive(&k->index, isk_record_key(sa), &sa->s, sa) < 0)
        return -ENOMEM;
    sa->prev = NULL;
    sa->next = k->passive;
    if (sa->next)
        sa->next->prev = sa;
    k->passive = sa;
    sa->s.passive = true;
    return 0;
}

static void unlink_passive(struct isk_sa *sa)
{
    struct isakmp *k = sa->k;

    ike_index_no_passive(&k->index, isk_record_key(sa), &sa->s, sa);
    if (sa->prev)
        sa->prev->next = sa->next;
    else
        k->passive = sa->next;
    if (sa->next)
        sa->next->prev = sa->prev;
    sa->next = sa->prev = NULL;
    sa->s.passive = false;
}

static bool tunnel_taken(const struct isakmp *k, uint32_t id)
{
    uint32_t at = 0;

    for (const struct isk_sa *sa = k->head; sa; sa = sa->next)
        if (sa->s.tunnel_id == id)
            return true;
    return ike_index_next(&k->index, IKE_BY_TUNNEL, id, &at) != NULL;
}

static int read_record(struct isk_sa *sa, uint64_t key, const uint8_t *p, size_t n,
                       const struct ike_import *how)
{
    struct isk_numbers numbers = {0};
    int err = isk_sa_unpack(sa, &numbers, p, n, how->shift);

    if (err == 0 && isk_record_key(sa) != key)
        err = -EINVAL;
    if (err == 0 && isk_sa_twin(sa->k, sa))
        err = -EEXIST;
    for (unsigned i = 0; i < sa->s.n_children && err == 0; i++)
        err = how->line(how->ctx, &sa->s.child[i].policy, &sa->s.child[i].ifid);
    if (err == 0)
        err = how->numbers(how->ctx, &sa->s);
    if (err == 0 && numbers.conn_id > sa->k->conn_id)
        sa->k->conn_id = numbers.conn_id;
    return err;
}

int isakmp_import(struct isakmp *k, uint64_t key, const uint8_t *p, size_t n,
                  const struct ike_import *how)
{
    struct isk_sa *before = find(k, key), *sa = calloc(1, sizeof *sa);
    uint32_t tunnel_id = before ? before->s.tunnel_id : 0;

    isakmp_forget(k, key);
    if (!sa)
        return -ENOMEM;
    isk_sa_init(k, sa);
    int err = read_record(sa, key, p, n, how);
    if (err == 0) {
        if (tunnel_id)
            sa->s.tunnel_id = tunnel_id;
        while (tunnel_taken(k, sa->s.tunnel_id))
            sa->s.tunnel_id = k->conn_id++;
        err = link_passive(sa);
    }
    if (err < 0)
        isk_sa_discard(sa);
    return err;
}

void isakmp_forget(struct isakmp *k, uint64_t key)
{
    struct isk_sa *sa = find(k, key);

    if (!sa)
        return;
    unlink_passive(sa);
    isk_sa_discard(sa);
}

void isk_passive_free(struct isakmp *k)
{
    while (k->passive)
        isakmp_forget(k, isk_record_key(k->passive));
}

size_t isakmp_activate(struct isakmp *k)
{
    struct isk_sa *sa;
    size_t n = 0;

    isk_enter(k);
    while ((sa = k->passive) != NULL) {
        unlink_passive(sa);
        if (isk_sa_take_over(sa, false) < 0)
            continue;
        isk_sa_changed(sa);
        n++;
    }
    isk_leave(k);
    return n;
}
