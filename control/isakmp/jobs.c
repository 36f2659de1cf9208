/* Key agreements of IKEv1, maybe computed elsewhere. */
#include "control/isakmp/internal.h"
#include <errno.h>
#include <stdlib.h>

static void done(struct ike_job *job)
{
    struct isk_job *j = (struct isk_job *)job;
    struct isakmp *k = j->k;

    if (k) {
        *j->at = j->next;
        if (j->next)
            j->next->at = j->at;
        isk_enter(k);
        if (j->of_node && j->node) {
            j->node->job = NULL;
            j->then(j->node->sa, j->node, &j->d);
        } else if (!j->of_node && j->sa) {
            j->sa->job = NULL;
            j->then(j->sa, NULL, &j->d);
        }
    }
    ike_dh_job_clear(&j->d, sizeof *j);
    free(j);
    if (k)
        isk_leave(k);
}

int isk_job_start(struct isk_sa *sa, struct isk_node *node, uint16_t group, struct ike_dh *dh,
                  const uint8_t *peer, size_t peer_len,
                  void (*then)(struct isk_sa *sa, struct isk_node *node, struct ike_dh_job *j))
{
    struct isakmp *k = sa->k;
    struct isk_job *j = calloc(1, sizeof *j);

    if (!j || ike_dh_job_set(&j->d, k->c, group, dh, peer, peer_len, done) < 0) {
        free(j);
        ike_dh_free(dh);
        return -ENOMEM;
    }
    j->next = k->jobs;
    j->at = &k->jobs;
    if (j->next)
        j->next->at = &j->next;
    j->k = k;
    j->sa = sa;
    j->node = node;
    j->of_node = node != NULL;
    j->d.keep = !node && sa->s.aggressive && sa->s.initiator; /* AM2 may be anybody's */
    j->then = then;
    k->jobs = j;
    *(node ? &node->job : &sa->job) = j;
    if (k->host.base.run_job) {
        k->host.base.run_job(k->h, &j->d.j);
    } else {
        j->d.j.work(&j->d.j);
        done(&j->d.j);
    }
    return 0;
}

void isk_job_forget(struct isk_job **j)
{
    if (!*j)
        return;
    (*j)->sa = NULL;
    (*j)->node = NULL;
    *j = NULL;
}
