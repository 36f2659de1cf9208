/*
 * This box and its peer: what is configured, what HSRP decides, and what the rest of control/ asks.
 * See sso.h and docs/sso.md.
 */
#include "control/sso/sso.h"
#include "control/priv.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sso {
    enum rf_state mine, peer;
    usec_t since, peer_since;
    uint64_t put; /* records so far */
};

int sso_open(struct control *c)
{
    struct sso *s = (struct sso *)calloc(1, sizeof(*s));
    c->sso = s;
    if (!s)
        return -ENOMEM;
    s->mine = s->peer = RF_DISABLED;
    return 0;
}

void sso_close(struct control *c)
{
    free(c->sso);
    c->sso = NULL;
}

void sso_socket(struct control *c, enum launch_socket kind, int fd)
{
    (void)c;
    (void)kind;
    close(fd);
}

void sso_apply(struct control *c)
{
    struct sso *s = c->sso;
    enum rf_state want = c->intent.sso.inter_device ? RF_INITIALIZATION : RF_DISABLED;
    if (s->mine == want)
        return;
    s->mine = want;
    s->since = clock_mono(&c->o.clock);
}

void sso_record(struct control *c, enum sso_kind kind, uint64_t key, const void *p, size_t n)
{
    (void)kind;
    (void)key;
    (void)p;
    (void)n;
    if (c->sso)
        c->sso->put++;
}

uint64_t sso_put(const struct control *c)
{
    return c->sso ? c->sso->put : 0;
}

uint64_t sso_safe(const struct control *c)
{
    return sso_put(c); /* without a standby nothing waits */
}

bool sso_is_standby(const struct control *c, uint32_t ifid)
{
    (void)c;
    (void)ifid;
    return false;
}

int sso_switchover(struct control *c)
{
    return c->sso->mine == RF_ACTIVE ? -ENOTCONN : -EPERM;
}

bool sso_resync(struct control *c)
{
    (void)c;
    return false; /* nothing is held */
}

void sso_status(const struct control *c, struct sso_status *out)
{
    const struct sso *s = c->sso;
    *out = (struct sso_status){.cfg = &c->intent.sso,
                               .mine = s->mine,
                               .peer = s->peer,
                               .since = s->since,
                               .peer_since = s->peer_since};
    memcpy(out->group, out->cfg->group, sizeof out->group);
}

void sso_history(const struct control *c, void (*fn)(void *ctx, const struct sso_event *e),
                 void *ctx)
{
    (void)c;
    (void)fn;
    (void)ctx;
}

void sso_switches(const struct control *c, void (*fn)(void *ctx, const struct sso_switch *s),
                  void *ctx)
{
    (void)c;
    (void)fn;
    (void)ctx;
}
