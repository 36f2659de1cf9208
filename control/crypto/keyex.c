/* Both versions of IKE as one. See keyex.h. */
#include "control/crypto/keyex.h"
#include "control/journal.h"
#include "control/priv.h"
#include <errno.h>
#include <string.h>

int keyex_open(struct control *c)
{
    c->ike = ike_new(&control_ike_host, c, &c->timers, &c->o.clock);
    return c->ike ? 0 : -ENOMEM;
}

void keyex_close(struct control *c)
{
    if (c->ike)
        ike_free(c->ike);
    c->ike = NULL;
}

void keyex_set_limits(struct control *c, const struct ike_limits *l)
{
    ike_set_limits(c->ike, l);
}

void keyex_input(struct control *c, const struct ike_path *p, const uint8_t *msg, size_t len)
{
    ike_input(c->ike, p, msg, len);
}

bool keyex_is_first(const uint8_t *msg, size_t len)
{
    return ike_is_first(msg, len);
}

void keyex_overloaded(struct control *c, uint64_t n)
{
    ike_overloaded(c->ike, n);
}

int keyex_initiate(struct control *c, enum ike_version v, const struct ike_path *p,
                   const struct ike_child_cfg *cfg)
{
    return v == IKE_V2 ? ike_initiate(c->ike, p, cfg) : -EPROTONOSUPPORT;
}

size_t keyex_clear_version(struct control *c, enum ike_version v, const struct addr *remote,
                           uint32_t ifid)
{
    return v == IKE_V2 ? ike_clear(c->ike, remote, ifid) : 0;
}

size_t keyex_clear(struct control *c, const struct addr *remote, uint32_t ifid)
{
    return keyex_clear_version(c, IKE_V1, remote, ifid) +
           keyex_clear_version(c, IKE_V2, remote, ifid);
}

bool keyex_clear_conn(struct control *c, uint32_t tunnel_id)
{
    (void)c, (void)tunnel_id;
    return false; /* until IKEv1 is spoken there is none */
}

bool keyex_knows(const struct control *c, enum ike_version v, const struct ike_path *p)
{
    return v == IKE_V1 ? control_key(&c->intent, p) != NULL
                       : control_peer(&c->intent, p, NULL) != NULL;
}

void keyex_interface_changed(struct control *c, uint32_t ifid, const struct addr *local, size_t n)
{
    ike_interface_changed(c->ike, ifid, local, n);
}

void keyex_expired(struct control *c, uint32_t sa, bool hard)
{
    ike_expired(c->ike, sa, hard);
}

void keyex_end_child(struct control *c, uint32_t sa, enum ike_reason why)
{
    ike_end_child(c->ike, sa, why);
}

void keyex_invalid_spi(struct control *c, const struct ike_path *p, uint32_t spi)
{
    ike_invalid_spi(c->ike, p, spi);
}

void keyex_nat_moved(struct control *c, uint32_t sa, const struct ike_path *p)
{
    ike_nat_moved(c->ike, sa, p);
}

static void on_record(void *ctx, uint64_t key, const uint8_t *p, size_t n)
{
    struct control *c = (struct control *)ctx;
    int err = ike_restore(c->ike, p, n);
    if (!err || err == -EEXIST)
        return;
    log_line(c->o.log, LOGL_NOTICE, "journal", "an IKE SA is not taken over: %s", strerror(-err));
    journal_remove(c->journal, JOURNAL_IKE, key); /* or it would be met again and again */
}

void keyex_restore(struct control *c)
{
    journal_each(c->journal, JOURNAL_IKE, on_record, c);
}

void keyex_each(const struct control *c, bool (*fn)(void *ctx, const struct ike_sa_state *sa),
                void *ctx)
{
    ike_each(c->ike, fn, ctx);
}
