#include "control/sso/paths.h"
#include <string.h>

void paths_init(struct paths *p, const struct sso_cfg *cfg)
{
    memset(p, 0, sizeof(*p));
    p->n = cfg->n_local < cfg->n_remote ? cfg->n_local : cfg->n_remote;
    if (p->n > SSO_ADDRS)
        p->n = SSO_ADDRS;
    for (unsigned i = 0; i < p->n; i++) {
        p->path[i].local = cfg->local[i];
        p->path[i].remote = cfg->remote[i];
    }
    p->moment = cfg->rto_min / 2 * USEC_PER_MSEC;
    /* The peer's heartbeats come once in an RTO and what is configured beside it, so this is as
     * many of them in a row. */
    p->limit = (cfg->path_retransmit + 1) * ((usec_t)cfg->rto_max + cfg->keepalive) * USEC_PER_MSEC;
}

/* FNV-1a. Who can make another packet of the same hash in time knows what the next one will be,
 * and then he could as well send that. */
static uint64_t hash(const uint8_t *b, size_t n)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < n; i++)
        h = (h ^ b[i]) * UINT64_C(0x100000001b3);
    return h;
}

bool paths_first(struct paths *p, unsigned path, const uint8_t *b, size_t n, usec_t now)
{
    p->heard[path] = now;
    p->path[path].up = true;
    p->path[path].rx++;
    if (p->n < 2)
        return true;
    uint64_t h = hash(b, n);
    unsigned i = (unsigned)(h ^ h >> 32) % PATHS_REMEMBERED;
    if (p->last[i].used && p->last[i].hash == h && p->last[i].path != path &&
        now - p->last[i].at < p->moment)
        return false;
    p->last[i].hash = h;
    p->last[i].at = now;
    p->last[i].path = (uint8_t)path;
    p->last[i].used = true;
    return true;
}

void paths_watch(struct paths *p, usec_t now)
{
    for (unsigned i = 0; i < p->n; i++)
        if (p->path[i].up && now - p->heard[i] > p->limit) {
            p->path[i].up = false;
            p->path[i].lost++;
        }
}
