/*
 * This box and its peer: what is configured, what HSRP decides, and what the rest of control/ asks.
 * See sso.h and docs/sso.md.
 */
#include "control/sso/sso.h"
#include "control/priv.h"
#include "control/sso/carrier.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct sso {
    enum rf_state mine, peer;
    usec_t since, peer_since;
    uint64_t put; /* records so far */
    struct control *c;
    struct sso_carrier *link;
    uint64_t ups, downs;
};

/* --- the link --------------------------------------------------------------------------------- */

static void on_up(void *ctx)
{
    struct sso *s = (struct sso *)ctx;
    s->ups++;
    log_line(s->c->o.log, LOGL_NOTICE, "sso", "the link to the other box is up");
}

static void on_down(void *ctx, const char *why)
{
    struct sso *s = (struct sso *)ctx;
    s->downs++;
    log_line(s->c->o.log, LOGL_NOTICE, "sso", "the link to the other box is down: %s", why);
}

static void on_message(void *ctx, enum sso_stream stream, const uint8_t *p, size_t n)
{
    (void)ctx;
    (void)stream;
    (void)p;
    (void)n;
}

static void on_writable(void *ctx)
{
    (void)ctx;
}

static const struct sso_link_ops link_ops = {NULL, on_up, on_down, on_message, on_writable};

/* --- for the rest of control/ ----------------------------------------------------------------- */

int sso_open(struct control *c)
{
    struct sso *s = (struct sso *)calloc(1, sizeof(*s));
    c->sso = s;
    if (!s)
        return -ENOMEM;
    s->c = c;
    s->link = sso_carrier_new(c, &link_ops, s);
    if (!s->link)
        return -ENOMEM;
    s->mine = s->peer = RF_DISABLED;
    return 0;
}

void sso_close(struct control *c)
{
    if (c->sso)
        sso_carrier_free(c->sso->link);
    free(c->sso);
    c->sso = NULL;
}

void sso_socket(struct control *c, enum launch_socket kind, int fd)
{
    sso_carrier_socket(c->sso->link, kind == SOCK_SCTP6 ? AF_INET6 : AF_INET, fd);
}

void sso_apply(struct control *c)
{
    struct sso *s = c->sso;
    enum rf_state want = c->intent.sso.inter_device ? RF_INITIALIZATION : RF_DISABLED;
    sso_carrier_apply(s->link);
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
    out->link_up = sso_carrier_is_up(s->link);
    out->link_ups = s->ups;
    out->link_downs = s->downs;
    sso_carrier_paths(s->link, out->path, &out->n_path);
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
