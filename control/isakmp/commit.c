/*
 * Saved before it is said, as in IKEv2 (control/ike/commit.c): messages made during one entry into
 * the library wait until its end, where every SA that has changed is given to host.save().
 *
 * Saved are SAs of phase 1 that are up, and shells: with their children, the last message of
 * phase 1, and the quick modes that a peer may still ask about. What is half open is not.
 */
#include "control/isakmp/internal.h"
#include "lib/mem.h"
#include <stdlib.h>

/* Younger first: an SA is saved before the one that has given it its children. */
void isk_sa_changed(struct isk_sa *sa)
{
    struct isakmp *k = sa->k;
    struct isk_sa **at = &k->changed;

    if (sa->changed || !k->host.base.save)
        return;
    sa->changed = true;
    if (k->changed && k->changed_last->serial > sa->serial)
        at = &k->changed_last->next_changed; /* all of many SAs end in this order */
    while (*at && (*at)->serial > sa->serial)
        at = &(*at)->next_changed;
    sa->next_changed = *at;
    *at = sa;
    if (!sa->next_changed)
        k->changed_last = sa;
}

/* Beside IKEv2's records, whose keys are SPIs: both are random numbers of 64 bits. */
uint64_t isk_record_key(const struct isk_sa *sa)
{
    return sa->s.initiator ? sa->s.spi_i : sa->s.spi_r;
}

static bool to_be_saved(const struct isk_sa *sa)
{
    return (sa->s.state == IKE_ESTABLISHED || sa->s.state == IKE_IDLE) && sa->s.established;
}

static void save(struct isakmp *k, struct isk_sa *sa)
{
    if (to_be_saved(sa)) {
        size_t n = isk_sa_pack(sa, k->record, ISK_RECORD_MAX);
        if (n > 0) { /* else the record before stays */
            k->host.base.save(k->h, &sa->s, isk_record_key(sa), k->record, n);
            sa->saved = true;
        }
        mem_wipe(k->record, n);
    } else if (sa->saved) {
        k->host.base.save(k->h, &sa->s, isk_record_key(sa), NULL, 0);
        sa->saved = false;
    }
}

static bool record_room(struct isakmp *k)
{
    if (!k->record)
        k->record = malloc(ISK_RECORD_MAX);
    return k->record != NULL;
}

static void save_changed(struct isakmp *k)
{
    struct isk_sa *sa;

    if (!k->changed || !record_room(k))
        return; /* better a tunnel that a crash may end than none */
    /* Who has taken children is saved before who has given them, be it older or younger; so those
     * that are gone come last. */
    for (sa = k->changed; sa; sa = sa->next_changed)
        if (isk_sa_alive(sa))
            save(k, sa);
    while ((sa = k->changed) != NULL) {
        k->changed = sa->next_changed;
        sa->changed = false;
        if (!isk_sa_alive(sa))
            save(k, sa);
    }
}

void isakmp_each_record(struct isakmp *k,
                        void (*fn)(void *ctx, const struct ike_sa_state *sa, uint64_t key,
                                   const uint8_t *p, size_t n),
                        void *ctx)
{
    for (struct isk_sa *sa = record_room(k) ? k->head : NULL; sa; sa = sa->next) {
        if (!to_be_saved(sa))
            continue;
        size_t n = isk_sa_pack(sa, k->record, ISK_RECORD_MAX);
        if (n > 0)
            fn(ctx, &sa->s, isk_record_key(sa), k->record, n);
        mem_wipe(k->record, n);
    }
}

void isk_commit(struct isakmp *k)
{
    do {
        save_changed(k);
        struct ike_outq all = k->queue;
        struct ike_message *m;
        k->queue = (struct ike_outq){0};
        while ((m = ike_outq_pop(&all)) != NULL) {
            k->stats.tx++;
            /* A send that fails is a lost datagram: the schedule takes care of it. */
            k->host.base.send(k->h, &m->path, m->msg, m->len);
            free(m);
        }
    } while (k->queue.head);
    save_changed(k);
}

void isk_queue_free(struct isakmp *k)
{
    struct ike_message *m;

    while ((m = ike_outq_pop(&k->queue)) != NULL)
        free(m);
    if (k->record)
        mem_wipe(k->record, ISK_RECORD_MAX);
    free(k->record);
    k->record = NULL;
}
