/*
 * Saved before it is said: what happens when the outermost call leaves the library.
 *
 * Messages that are made during one entry wait in a queue. At its end every SA that has changed
 * is given to host.save(), and only then the queue leaves: whatever a peer hears from us, a
 * successor of this process knows. An SA counts as changed when its children, message IDs, last
 * response, open request or state do; repetitions and received traffic change nothing.
 *
 * Not saved: SAs that are not established (a successor knows nothing of them, and the exchange
 * starts anew), and an SA while the answer to its own exchange is being computed. Nothing of
 * that leaves until the computation is done, and its record from before, with the request
 * still open, lets a successor ask for the answer again.
 */
#include "control/ike/internal.h"
#include "lib/mem.h"
#include <stdlib.h>

void ike_queue_message(struct ike *ike, const struct ike_path *p, const uint8_t *msg, size_t len)
{
    ike_outq_add(&ike->queue, p, msg, len);
}

static void send_queue(struct ike *ike)
{
    struct ike_outq all = ike->queue;
    struct ike_message *m;

    ike->queue = (struct ike_outq){0}; /* what callbacks add waits until their changes are saved */
    while ((m = ike_outq_pop(&all)) != NULL) {
        ike->stats.tx++;
        ike_debug_packet(ike, "SENT", &m->path, m->msg, m->len);
        /* A send that fails is a lost datagram: the schedule takes care of it. */
        ike->host.send(ike->h, &m->path, m->msg, m->len);
        free(m);
    }
}

void ike_queue_free(struct ike *ike)
{
    struct ike_message *m;

    while ((m = ike_outq_pop(&ike->queue)) != NULL)
        free(m);
    if (ike->record)
        mem_wipe(ike->record, IKE_RECORD_MAX);
    free(ike->record);
    ike->record = NULL;
}

/* --- saving -------------------------------------------------------------------------------- */

uint64_t ike_record_key(const struct ike_sa *sa)
{
    return sa->s.initiator ? sa->s.spi_i : sa->s.spi_r;
}

/* Younger SAs come first: an heir is saved before the SA that has given it the children, so that
 * a crash between the two loses none (ike_restore() sees from it that nothing was said yet). */
void ike_sa_changed(struct ike_sa *sa)
{
    struct ike *ike = sa->ike;
    struct ike_sa **at = &ike->changed;

    if (sa->changed || !ike->host.save)
        return;
    sa->changed = true;
    if (ike->changed && ike->changed_last->s.created > sa->s.created)
        at = &ike->changed_last->next_changed; /* all of many SAs end in this order */
    while (*at && (*at)->s.created > sa->s.created)
        at = &(*at)->next_changed;
    sa->next_changed = *at;
    *at = sa;
    if (!sa->next_changed)
        ike->changed_last = sa;
}

static bool to_be_saved(const struct ike_sa *sa)
{
    return sa->s.established && !sa->lingering &&
           (sa->s.state == IKE_ESTABLISHED || sa->s.state == IKE_REKEYED ||
            sa->s.state == IKE_DELETING);
}

static bool answer_is_computed(const struct ike_sa *sa)
{
    return ike_sa_alive(sa) && sa->s.established && sa->job && sa->job->d.peer_len &&
           !sa->peer_want && !sa->peer_rekey;
}

static void save(struct ike *ike, struct ike_sa *sa)
{
    if (to_be_saved(sa)) {
        size_t n = ike_sa_pack(sa, ike->record, IKE_RECORD_MAX);
        if (n > 0) { /* else the record before stays */
            ike->host.save(ike->h, &sa->s, ike_record_key(sa), ike->record, n);
            sa->saved = true;
        }
        mem_wipe(ike->record, n);
    } else if (sa->saved) {
        ike->host.save(ike->h, &sa->s, ike_record_key(sa), NULL, 0);
        sa->saved = false;
    }
}

static bool record_room(struct ike *ike)
{
    if (!ike->record)
        ike->record = malloc(IKE_RECORD_MAX);
    return ike->record != NULL;
}

static void save_changed(struct ike *ike)
{
    struct ike_sa *all = ike->changed, *sa;

    if (!ike->changed || !record_room(ike))
        return; /* better a tunnel that a crash may end than none */
    ike->changed = NULL;
    while ((sa = all) != NULL) {
        all = sa->next_changed;
        sa->changed = false;
        if (answer_is_computed(sa))
            ike_sa_changed(sa); /* later */
        else
            save(ike, sa);
    }
}

void ike_each_record(struct ike *ike,
                     void (*fn)(void *ctx, const struct ike_sa_state *sa, uint64_t key,
                                const uint8_t *p, size_t n),
                     void *ctx)
{
    for (struct ike_sa *sa = record_room(ike) ? ike->head : NULL; sa; sa = sa->next) {
        if (!to_be_saved(sa) || answer_is_computed(sa))
            continue;
        size_t n = ike_sa_pack(sa, ike->record, IKE_RECORD_MAX);
        if (n > 0)
            fn(ctx, &sa->s, ike_record_key(sa), ike->record, n);
        mem_wipe(ike->record, n);
    }
}

void ike_commit(struct ike *ike)
{
    do {
        save_changed(ike);
        send_queue(ike);
    } while (ike->queue.head);
    save_changed(ike);
}
