/*
 * Roles of interfaces and positions of SAs, as stateful failover wants them (sadb.h, docs/sso.md).
 *
 * A role is one store, whatever the number of SAs: the path looks at it where it looks an SA up.
 * What was read before is sealed and sent before, so the answer to SADB_ROLE says that it counts.
 */
#include "dataplane/dp.h"
#include <errno.h>
#include <string.h>

void role_set(struct dp *dp, uint32_t ifid, enum sadb_role role)
{
    enum sadb_role was = dp_role(dp, ifid);
    dp->role[ifid] = (uint8_t)role;
    dp->n_hold += (role == SADB_ROLE_HOLD) - (was == SADB_ROLE_HOLD);
    if (role == SADB_ROLE_HOLD)
        dp->hold_until = clock_mono(&dp->clock) + SADB_HOLD_MOST;
    dp->roles_said++;
    if (role == SADB_ROLE_ACTIVE && was != role)
        dp_release_all(dp, ifid);
    if (was == SADB_ROLE_HOLD && was != role)
        dp_release_held(dp);
}

void role_tick(struct dp *dp)
{
    if (!dp->n_hold || clock_mono(&dp->clock) < dp->hold_until)
        return;
    log_line(&dp->log, LOGL_WARNING, "role", "packets were held too long; on standby again");
    for (uint32_t i = 1; i <= TANDEM_IFIDS; i++)
        if (dp->role[i] == SADB_ROLE_HOLD)
            role_set(dp, i, SADB_ROLE_PASSIVE);
}

void role_ask(struct dp *dp, struct sa *sa)
{
    struct sadb_lease l;
    memset(&l, 0, sizeof l);
    l.sa = sa->id;
    l.last = sa->seq;
    if (dp->io->engine(dp->io_ctx, SADB_LEASE, &l, sizeof l, NULL, 0) == 0)
        sa->ask = UINT64_MAX; /* until there is another ceiling */
}

int role_positions(struct dp *dp, const uint8_t *v, uint32_t n)
{
    int err = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct sadb_position m;
        memcpy(&m, v + i * sizeof m, sizeof m);
        struct sa *sa = sad_find(&dp->sad, m.sa);
        if (!sa) {
            err = -ENOENT;
            continue;
        }
        sa_position(sa, &m);
        if (sa->dir == SADB_OUT && dp->policies.queued_bytes)
            dp_release(dp, sa->policy);
    }
    return err;
}
