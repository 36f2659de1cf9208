/*
 * How often and how long IKE repeats a message before its peer counts as dead. Each platform has
 * its own way (semantics.md §1.1); a line of the configuration changes number and interval.
 */
#include "modes/derive.h"

/* `most` limits a wait that doubles; 0: all waits are alike. */
static struct ike_schedule schedule(int64_t tries, int64_t seconds, int64_t most)
{
    struct ike_schedule s = {0};
    size_t room = sizeof s.wait / sizeof *s.wait;
    for (int64_t wait = seconds; s.n <= tries && s.n < room; s.n++) {
        s.wait[s.n] = (usec_t)wait * USEC_PER_SEC;
        if (most)
            wait = 2 * wait < most ? 2 * wait : most > seconds ? most : seconds;
    }
    return s;
}

static struct ike_schedule of_line(int64_t tries, bool given, int64_t seconds, int64_t fallback,
                                   int64_t most)
{
    return schedule(tries, given ? seconds : fallback, most);
}

void derive_retransmit(struct derive *d)
{
    const struct cfg_node *root = d->tree->root, *n;
    struct intent *out = d->out;
    int64_t most = d->asa ? 64 : 32, v1 = d->asa ? 8 : 10;
    out->retransmit1 = schedule(d->asa ? 3 : 5, v1, 0);
    out->retransmit2 = schedule(5, 2, most);
    if (d->asa && (n = cfg_first(root, E_IKEV1_RETRANSMIT))) {
        const struct a_ikev1_retransmit *a = CFG_ARGS(n, ikev1_retransmit);
        out->retransmit1 = of_line(a->tries, a->has_seconds, a->seconds, v1, 0);
    } else if (!d->asa && (n = cfg_first(root, E_ISAKMP_RETRANSMIT))) {
        const struct a_isakmp_retransmit *a = CFG_ARGS(n, isakmp_retransmit);
        out->retransmit1 = of_line(a->tries, a->has_seconds, a->seconds, v1, 0);
    }
    if (d->asa && (n = cfg_first(root, E_IKEV2_RETRANSMIT))) {
        const struct a_ikev2_retransmit *a = CFG_ARGS(n, ikev2_retransmit);
        out->retransmit2 = of_line(a->tries, a->has_seconds, a->seconds, 2, most);
    } else if (!d->asa && (n = cfg_first(root, E_IOS2_RETRANSMIT))) {
        const struct a_ios2_retransmit *a = CFG_ARGS(n, ios2_retransmit);
        out->retransmit2 = of_line(a->tries, a->has_seconds, a->seconds, 2, most);
    }
}
