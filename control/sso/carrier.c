#include "control/sso/carrier.h"
#include "control/priv.h"
#include "control/sso/protect.h"
#include "control/sso/socket.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct sso_carrier {
    struct control *c;
    struct sso_sockets *sockets;
    struct sso_link *link; /* NULL: none is configured */
    struct sso_cfg cfg;    /* its configuration */
    struct protect protect;
    bool told; /* that nothing may be sent */
    const struct sso_link_ops *ops;
    void *ctx;
};

/* --- from and to the wire --------------------------------------------------------------------- */

/* What protects may have come since the last round. */
static bool may_send(struct sso_carrier *k, unsigned path)
{
    if (!protect_ready(&k->protect, path))
        protect_look(k->c, &k->protect);
    return protect_ready(&k->protect, path);
}

static void on_transmit(void *ctx, unsigned path, const uint8_t *p, size_t n)
{
    struct sso_carrier *k = (struct sso_carrier *)ctx;
    if (may_send(k, path))
        (void)sso_sockets_send(k->sockets, path, p, n);
}

static void on_packet(void *ctx, unsigned path, uint32_t ifindex, const uint8_t *p, size_t n)
{
    struct sso_carrier *k = (struct sso_carrier *)ctx;
    if (k->link && protect_admits(&k->protect, path, ifindex))
        sso_link_input(k->link, path, p, n);
}

static void on_up(void *ctx)
{
    struct sso_carrier *k = (struct sso_carrier *)ctx;
    k->ops->up(k->ctx);
}

static void on_down(void *ctx, const char *why)
{
    struct sso_carrier *k = (struct sso_carrier *)ctx;
    k->ops->down(k->ctx, why);
}

static void on_message(void *ctx, enum sso_stream s, const uint8_t *p, size_t n)
{
    struct sso_carrier *k = (struct sso_carrier *)ctx;
    k->ops->message(k->ctx, s, p, n);
}

static void on_writable(void *ctx)
{
    struct sso_carrier *k = (struct sso_carrier *)ctx;
    k->ops->writable(k->ctx);
}

static const struct sso_link_ops link_ops = {on_transmit, on_up, on_down, on_message, on_writable};

/* --- as configured ---------------------------------------------------------------------------- */

static bool wanted(const struct sso_cfg *c)
{
    return c->inter_device && c->association;
}

static bool same_addrs(const struct addr *a, const struct addr *b, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (!addr_eq(&a[i], &b[i]))
            return false;
    return true;
}

/* The same link, whatever else has changed. */
static bool same(const struct sso_cfg *a, const struct sso_cfg *b)
{
    return a->number == b->number && a->n_local == b->n_local && a->n_remote == b->n_remote &&
           same_addrs(a->local, b->local, a->n_local) &&
           same_addrs(a->remote, b->remote, a->n_remote) && a->local_port == b->local_port &&
           a->remote_port == b->remote_port && a->rto_min == b->rto_min &&
           a->rto_max == b->rto_max && a->path_retransmit == b->path_retransmit &&
           a->assoc_retransmit == b->assoc_retransmit && a->init_timeout == b->init_timeout &&
           a->keepalive == b->keepalive && a->hold == b->hold &&
           strcmp(a->security, b->security) == 0;
}

static void end(struct sso_carrier *k)
{
    bool was = k->link && sso_link_is_up(k->link);
    sso_link_free(k->link);
    k->link = NULL;
    (void)sso_sockets_use(k->sockets, NULL);
    if (was)
        k->ops->down(k->ctx, "configuration changed");
}

static void begin(struct sso_carrier *k, const struct sso_cfg *cfg)
{
    struct control *c = k->c;
    char to[ADDR_STRLEN];
    k->cfg = *cfg;
    k->told = false;
    int err = sso_sockets_use(k->sockets, cfg);
    if (!err)
        k->link = sso_link_new(cfg, &link_ops, k, &c->timers, &c->o.clock);
    if (!k->link)
        log_line(c->o.log, LOGL_ERROR, "sso", "there is no link to the other box: %s",
                 strerror(err ? -err : ENOMEM));
    else if (!cfg->security[0])
        log_line(c->o.log, LOGL_WARNING, "sso",
                 "keys go to %s in clear: there is no `security ipsec` in redundancy inter-device",
                 addr_print(&cfg->remote[0], to, sizeof(to)));
}

/* Once, when it is not there although the interfaces are. */
static void tell(struct sso_carrier *k)
{
    char name[INTENT_NAME];
    protect_name(0, name, sizeof(name));
    const struct port *p = ports_named(&k->c->ports, name);
    bool made = !k->protect.wanted || (p && p->ifp);
    if (made || k->told || !k->link)
        return;
    k->told = true;
    log_line(k->c->o.log, LOGL_WARNING, "sso",
             "nothing is sent to the other box: `security ipsec %s` wants that profile, with a "
             "transform set, and an interface with local-ip",
             k->cfg.security);
}

void sso_carrier_apply(struct sso_carrier *k)
{
    const struct sso_cfg *cfg = &k->c->intent.sso;
    protect_look(k->c, &k->protect);
    if (k->link && (!wanted(cfg) || !same(cfg, &k->cfg)))
        end(k);
    if (!k->link && wanted(cfg))
        begin(k, cfg);
    tell(k);
}

/* --- for the others --------------------------------------------------------------------------- */

struct sso_carrier *sso_carrier_new(struct control *c, const struct sso_link_ops *ops, void *ctx)
{
    struct sso_carrier *k = (struct sso_carrier *)calloc(1, sizeof(*k));
    if (!k)
        return NULL;
    k->c = c;
    k->ops = ops;
    k->ctx = ctx;
    k->sockets = sso_sockets_new(c->o.base, &c->o.clock, on_packet, k);
    if (!k->sockets) {
        free(k);
        return NULL;
    }
    return k;
}

void sso_carrier_free(struct sso_carrier *k)
{
    if (!k)
        return;
    sso_link_free(k->link);
    sso_sockets_free(k->sockets);
    free(k);
}

void sso_carrier_socket(struct sso_carrier *k, uint8_t family, int fd)
{
    sso_sockets_take(k->sockets, family, fd);
}

int sso_carrier_send(struct sso_carrier *k, enum sso_stream s, const uint8_t *p, size_t n)
{
    return k->link ? sso_link_send(k->link, s, p, n) : -ENOTCONN;
}

void sso_carrier_restart(struct sso_carrier *k, const char *why)
{
    if (k->link)
        sso_link_restart(k->link, why);
}

bool sso_carrier_is_up(const struct sso_carrier *k)
{
    return k->link && sso_link_is_up(k->link);
}

void sso_carrier_paths(const struct sso_carrier *k, struct sso_path out[SSO_ADDRS], uint8_t *n)
{
    *n = 0;
    if (k->link)
        sso_link_paths(k->link, out, n);
}
