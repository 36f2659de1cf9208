/* Key agreements, maybe computed elsewhere. */
#include "control/ike/internal.h"
#include <errno.h>
#include <stdlib.h>

static void job_free(struct ike_sa_job *j)
{
    ike_dh_job_clear(&j->d, sizeof *j);
    free(j);
}

static void job_done(struct ike_job *job)
{
    struct ike_sa_job *j = (struct ike_sa_job *)job;
    struct ike *ike = j->ike;

    if (ike) {
        *j->at = j->next;
        if (j->next)
            j->next->at = j->at;
        ike_enter(ike);
        if (j->sa) {
            struct ike_sa *sa = j->sa;
            sa->job = NULL;
            j->then(sa, &j->d);
            ike_sa_kick(sa);
        }
    }
    job_free(j);
    if (ike)
        ike_leave(ike);
}

int ike_job_start(struct ike_sa *sa, uint16_t group, struct ike_dh *dh, const uint8_t *peer,
                  size_t peer_len, void (*then)(struct ike_sa *sa, struct ike_dh_job *j))
{
    struct ike *ike = sa->ike;
    struct ike_sa_job *j = calloc(1, sizeof *j);

    if (!j || ike_dh_job_set(&j->d, ike->c, group, dh, peer, peer_len, job_done) < 0) {
        free(j);
        ike_dh_free(dh);
        return -ENOMEM;
    }
    j->next = ike->jobs;
    j->at = &ike->jobs;
    if (j->next)
        j->next->at = &j->next;
    j->ike = ike;
    j->sa = sa;
    j->then = then;
    ike->jobs = j;
    sa->job = j;
    if (ike->host.run_job) {
        ike->host.run_job(ike->h, &j->d.j);
    } else {
        j->d.j.work(&j->d.j);
        job_done(&j->d.j);
    }
    return 0;
}
