/*
 * Sending and repeating. In IKEv1 whoever waits for an answer repeats its last message by the
 * schedule; whoever does not wait repeats it when the message comes again that it answers.
 */
#include "control/isakmp/internal.h"
#include <errno.h>
#include <stdlib.h>

void isk_send(struct isk_sa *sa, const struct ike_path *p, const uint8_t *msg, size_t len)
{
    struct isakmp *k = sa->k;
    char to[ADDR_STRLEN];

    isk_debug_sa(sa, " sending packet to %s my_port %u peer_port %u %s",
                 addr_print(&p->remote, to, sizeof to), p->lport, p->rport, isk_state_text(sa));
    isk_debug_sa(sa, "Sending an IKE %s Packet.", p->remote.family == AF_INET6 ? "IPv6" : "IPv4");
    if (!isk_fragment_out(sa, p, msg, len))
        ike_outq_add(&k->queue, p, msg, len);
}

static unsigned max_repeats(const struct isakmp *k)
{
    return k->schedule.n - 1u;
}

int isk_send_phase1(struct isk_sa *sa, size_t len, bool ask)
{
    struct isakmp *k = sa->k;
    int err = isk_keep(&sa->out, k->out, len);

    if (err < 0)
        return err;
    sa->sends = 1;
    sa->repeating = ask;
    timer_cancel(k->q, &sa->t_send);
    if (ask && timer_set(k->q, &sa->t_send, isk_now(k) + k->schedule.wait[0]) < 0)
        return -ENOMEM;
    isk_send(sa, &sa->s.path, sa->out.p, sa->out.len);
    return 0;
}

void isk_answered(struct isk_sa *sa, const struct isk_rx *rx)
{
    memcpy(sa->last_in, rx->digest, ISK_DIGEST);
    sa->any_in = true;
    sa->repeating = false;
    sa->s.last_in = isk_now(sa->k);
    timer_cancel(sa->k->q, &sa->t_send);
}

void isk_on_send_timer(struct timer *t, void *owner)
{
    struct isk_sa *sa = owner;
    struct isakmp *k = sa->k;

    (void)t;
    isk_enter(k);
    if (sa->sends > max_repeats(k)) {
        char peer[ADDR_STRLEN];
        isk_debug_sa(sa, "deleting SA reason \"Death by retransmission P1\" state %s (peer %s)",
                     isk_state_text(sa), addr_print(&sa->s.path.remote, peer, sizeof peer));
        isk_failed(sa, IKE_R_RETRANSMIT);
    } else {
        usec_t wait = k->schedule.wait[sa->sends];
        k->stats.retransmits++;
        isk_debug_sa(sa, " retransmitting phase 1 %s...", isakmp_state_name(sa->s.phase1));
        isk_debug_old(sa, "incrementing error counter on sa, attempt %u of %u: retransmit phase 1",
                      sa->sends, max_repeats(k));
        isk_event(sa, IKE_EV_RETRANSMIT, "%u of %u", sa->sends, max_repeats(k));
        if (isk_sa_alive(sa)) {
            sa->sends++;
            isk_debug_sa(sa, " retransmitting phase 1 %s", isakmp_state_name(sa->s.phase1));
            isk_send(sa, &sa->s.path, sa->out.p, sa->out.len);
            if (timer_set(k->q, &sa->t_send, isk_now(k) + wait) < 0)
                isk_failed(sa, IKE_R_INTERNAL);
        }
    }
    isk_leave(k);
}

/* --- quick modes ------------------------------------------------------------------------------ */

int isk_node_send(struct isk_node *n, size_t len, bool ask)
{
    struct isakmp *k = n->sa->k;
    int err = isk_keep(&n->out, k->out, len);

    if (err < 0)
        return err;
    n->sends = 1;
    timer_cancel(k->q, &n->t);
    if (timer_set(k->q, &n->t, isk_now(k) + (ask ? k->schedule.wait[0] : ISK_LINGER)) < 0)
        return -ENOMEM;
    isk_send(n->sa, &n->sa->s.path, n->out.p, n->out.len);
    return 0;
}

void isk_node_repeat(struct isk_node *n)
{
    isk_debug_sa(n->sa, " retransmitting phase 2 QM_IDLE      %u ...", n->mid);
    isk_send(n->sa, &n->sa->s.path, n->out.p, n->out.len);
}

void isk_on_node_timer(struct timer *t, void *owner)
{
    struct isk_node *n = owner;
    struct isk_sa *sa = n->sa;
    struct isakmp *k = sa->k;

    (void)t;
    isk_enter(k);
    if (n->state == NODE_DONE) {
        isk_node_end(n, IKE_R_NONE);
    } else if (n->sends > max_repeats(k)) {
        isk_debug_sa(sa, "deleting node %u error TRUE reason \"Phase 2 err count exceeded\"",
                     n->mid);
        isk_node_end(n, IKE_R_RETRANSMIT);
    } else {
        usec_t wait = k->schedule.wait[n->sends];
        k->stats.retransmits++;
        isk_debug_old(sa,
                      "incrementing error counter on node, attempt %u of %u: retransmit phase 2",
                      n->sends, max_repeats(k));
        isk_event(sa, IKE_EV_RETRANSMIT, "%u of %u", n->sends, max_repeats(k));
        if (isk_node_alive(n)) {
            n->sends++;
            isk_node_repeat(n);
            if (timer_set(k->q, &n->t, isk_now(k) + wait) < 0)
                isk_node_end(n, IKE_R_INTERNAL);
        }
    }
    isk_leave(k);
}
